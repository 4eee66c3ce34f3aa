// In-toto statements, and package URLs of images (BuildKit, exporter/attestation/make.go, util/purl/image.go).
import { type Digest, hexOf } from "../../../oci/digest.ts";
import { formatPlatform, normalizePlatform } from "../../../oci/platform.ts";
import { familiarRepository, parseReference, withDefaultTag } from "../../../oci/reference.ts";
import type { Platform } from "../../../oci/types.ts";
import type { Subject } from "./types.ts";

export interface Statement {
  _type: string;
  predicateType: string;
  subject: Subject[];
  predicate: object;
}

export const statementOf = (predicateType: string, subject: Subject[], predicate: object): Statement => ({
  _type: "https://in-toto.io/Statement/v0.1",
  predicateType,
  subject,
  predicate,
});

export const digestSet = (digest: Digest): Record<string, string> => ({
  [digest.slice(0, digest.indexOf(":"))]: hexOf(digest),
});

/** `pkg:docker/user/app@1?platform=linux%2Famd64` (purl-spec). Errors: invalid, for what is no name. */
export function imageUrl(
  name: string,
  platform: Platform | undefined,
  type: "docker" | "oci" = "docker",
): string {
  const parsed = parseReference(name);
  const reference = parsed.digest === undefined ? withDefaultTag(parsed) : parsed;
  const path = familiarRepository(reference).split("/").map(encode).join("/");
  const version = reference.tag === undefined ? "" : `@${encode(reference.tag)}`;
  const qualifiers = [
    ...(reference.digest === undefined ? [] : [`digest=${encodeQualifier(reference.digest)}`]),
    ...(platform ? [`platform=${encodeQualifier(formatPlatform(normalizePlatform(platform)))}`] : []),
  ];
  return `pkg:${type}/${path}${version}${qualifiers.length > 0 ? `?${qualifiers.join("&")}` : ""}`;
}

/** A colon stays as it is in both. */
const encode = (text: string): string => encodeURIComponent(text).replaceAll("%3A", ":");
const encodeQualifier = encode;
