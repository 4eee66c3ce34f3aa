// What `imagetools create` is given, read: sources (a digest, a reference, a descriptor in JSON), platforms, annotations.
import { isDigest } from "../../oci/digest.ts";
import { formatPlatform, parsePlatform } from "../../oci/platform.ts";
import { parseReference, type Reference } from "../../oci/reference.ts";
import type { Descriptor, Platform } from "../../oci/types.ts";
import { goJsonProblem } from "../go-json.ts";

/** A source as it was given; without a reference its repository is that of the others. */
export interface GivenSource {
  reference?: Reference;
  descriptor: Partial<Descriptor>;
}

/** Throws in buildx's words. */
export function parseSource(text: string): GivenSource {
  try {
    return readSource(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(
      `failed to parse source ${JSON.stringify(text)}, valid sources are digests, references and descriptors: ${why}`,
      { cause: thrown },
    );
  }
}

function readSource(text: string): GivenSource {
  if (isDigest(text)) return { descriptor: { digest: text } };
  if (text.startsWith("sha256")) throw new Error(digestProblem(text));
  if (!text.startsWith("{")) return { reference: parseReference(text), descriptor: {} };
  const problem = goJsonProblem(text);
  if (problem) throw new Error(problem);
  return { descriptor: checkDescriptor(JSON.parse(text) as Record<string, unknown>) };
}

/** buildx before 0.31 lets descriptors without a digest through, and makes an index of them that no registry takes. */
function checkDescriptor(parsed: Record<string, unknown>): Partial<Descriptor> {
  const { schemaVersion, digest, mediaType, size, annotations, platform, urls, data, artifactType } = parsed;
  if (schemaVersion !== undefined && schemaVersion !== 0)
    throw new Error(
      `expected an OCI content descriptor, got a manifest or index (schemaVersion ${String(schemaVersion)})`,
    );
  if (digest === undefined || digest === "") throw new Error("invalid descriptor: digest is required");
  if (typeof digest !== "string" || !isDigest(digest))
    throw new Error(`invalid descriptor digest: ${digestProblem(String(digest))}`);
  requireKinds({ mediaType, data, artifactType }, "string");
  requireKinds({ size }, "number");
  requireKinds({ annotations, platform }, "object");
  if (urls !== undefined && !Array.isArray(urls)) throw wrongKind("urls");
  return { mediaType, digest, size, annotations, platform, urls, data, artifactType } as Partial<Descriptor>;
}

function requireKinds(values: Record<string, unknown>, kind: "string" | "number" | "object"): void {
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && (value === null || typeof value !== kind)) throw wrongKind(name);
}

const wrongKind = (name: string): Error => new Error(`invalid descriptor: ${name} is of the wrong type`);

/** go-digest's words for what is no digest. */
function digestProblem(text: string): string {
  const [algorithm = "", hex = ""] = text.split(":", 2);
  if (!algorithm || !hex) return "invalid checksum digest format";
  const length = { sha256: 64, sha384: 96, sha512: 128 }[algorithm];
  if (length === undefined) return "unsupported digest algorithm";
  return hex.length === length ? "invalid checksum digest format" : "invalid checksum digest length";
}

/** `linux/arm64,linux/amd64`, given more than once. */
export function parsePlatforms(texts: string[]): Platform[] {
  return texts.flatMap((text) => text.split(",")).map((text) => platformOf(text));
}

function platformOf(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(`invalid platform ${JSON.stringify(text)}: ${why}`, { cause: thrown });
  }
}

const TYPES = ["index", "index-descriptor", "manifest", "manifest-descriptor"] as const;
export type AnnotationType = (typeof TYPES)[number];

export interface GivenAnnotation {
  /** "" where none was said. */
  type: AnnotationType | "";
  /** Of one platform's manifest alone: `linux/arm64`. */
  platform?: string;
  key: string;
  value: string;
}

/** `[TYPE[[PLATFORM]],…:]KEY=VALUE`; the later of two for the same counts. Throws in buildx's words. */
export function parseAnnotations(texts: string[]): GivenAnnotation[] {
  const found = new Map<string, GivenAnnotation>();
  for (const text of texts.filter(Boolean))
    for (const one of annotationsOf(text)) found.set(`${one.type}[${one.platform ?? ""}]${one.key}`, one);
  return [...found.values()];
}

function annotationsOf(text: string): GivenAnnotation[] {
  const bad = (why: string) => new Error(`failed to parse annotations: ${why}`);
  const equals = text.indexOf("=");
  if (equals < 0) throw bad(`invalid annotation ${JSON.stringify(text)}, expected key=value`);
  const value = text.slice(equals + 1);
  const name = text.slice(0, equals);
  const colon = name.indexOf(":");
  if (colon < 0) return [{ type: "", key: name, value }];
  return name
    .slice(0, colon)
    .split(",")
    .map((one) => {
      const [whole, given = "", platform] = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/.exec(one) ?? [];
      if (whole === undefined)
        throw bad(
          `invalid annotation type ${JSON.stringify(one)}, expected type and optional platform in square brackets`,
        );
      const type = TYPES.find((known) => known === given);
      if (!type) throw bad(`unknown annotation type ${JSON.stringify(given)}`);
      return {
        type,
        key: name.slice(colon + 1),
        value,
        ...(platform && { platform: annotatedPlatform(platform, bad) }),
      };
    });
}

function annotatedPlatform(text: string, bad: (why: string) => Error): string {
  try {
    return formatPlatform(platformOf(text));
  } catch (thrown) {
    throw bad(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** A descriptor as its registry has it, with what was said of it besides. Throws where the two differ in size. */
export function mergeDescriptor(found: Descriptor, said: Partial<Descriptor>): Descriptor {
  if (said.size && said.size !== found.size)
    throw new Error(`invalid size mismatch for ${found.digest}, ${said.size} != ${found.size}`);
  return {
    ...found,
    ...(said.mediaType && { mediaType: said.mediaType }),
    ...(said.annotations && Object.keys(said.annotations).length > 0 && { annotations: said.annotations }),
    ...(said.platform && { platform: said.platform }),
  };
}
