// Options of the exporters that make images (BuildKit, exporter/containerimage/opts.go and export.go).

import { invalid } from "../../base/errors.ts";
import { goBoolean, notGoBoolean } from "../../base/go-boolean.ts";
import { canonical, parseReference, type Reference, withDefaultTag } from "../../oci/reference.ts";
import { type Compression, readCompression } from "../layers/compression.ts";
import { type Annotations, hasLevel, readAnnotations } from "./annotations.ts";

type Attributes = Readonly<Record<string, string>>;

/** What decides about the image's bytes. */
export interface WriterOptions {
  compression: Compression;
  /** OCI's media types, else Docker's. */
  oci: boolean;
  /** Attestations are OCI's artifacts, with a subject. */
  artifact: boolean;
  /** Attestations are attached that are meant for images alone. */
  inline: boolean;
  annotations: Annotations;
  /** SOURCE_DATE_EPOCH in seconds. */
  epoch?: number;
  rewriteTimestamp: boolean;
  /** `name` as it was given, for what attestations say they are of. */
  subjects: string[];
}

export interface ImageOptions extends WriterOptions {
  names: string[];
  push: boolean;
  pushByDigest: boolean;
  insecure: boolean;
  /** The image gets its names here. */
  store: boolean;
  unpack: boolean;
  /** `name@sha256:…` too. */
  nameCanonical: boolean;
}

/** Errors: invalid for values that can't be read; not-implemented for kinds of layers that aren't made. */
export function readWriterOptions(
  attributes: Attributes,
  defaults: { oci: boolean; inline: boolean },
): WriterOptions {
  const annotations = readAnnotations(Object.entries(attributes));
  const artifact = flagOf(attributes, "oci-artifact", false);
  const epoch = readEpoch(attributes["source-date-epoch"], "source-date-epoch");
  return {
    compression: readCompression(attributes),
    oci:
      flagOf(attributes, "oci-mediatypes", defaults.oci) ||
      artifact ||
      hasLevel(annotations, "index", "index-descriptor", "manifest-descriptor"),
    artifact,
    inline: flagOf(attributes, "attestation-inline", defaults.inline),
    annotations,
    ...(epoch !== undefined && { epoch }),
    rewriteTimestamp: flagOf(attributes, "rewrite-timestamp", false),
    subjects: namesIn(attributes.name),
  };
}

/** Of the types `image` and `moby`; Docker sees to it that names are whole and that images are unpacked. Errors: invalid. */
export function readImageOptions(attributes: Attributes): ImageOptions {
  const names = [...new Set(namesIn(attributes.name).map((name) => canonical(checked(name))))];
  const options: ImageOptions = {
    ...readWriterOptions(attributes, { oci: false, inline: true }),
    subjects: names,
    names,
    push: flagOf(attributes, "push", false),
    pushByDigest: flagOf(attributes, "push-by-digest", false),
    insecure: flagOf(attributes, "registry.insecure", false),
    store: flagOf(attributes, "store", true),
    unpack: flagOf(attributes, "unpack", false),
    nameCanonical: flagOf(attributes, "name-canonical", false),
  };
  if (options.rewriteTimestamp && options.unpack)
    throw invalid('exporter option "rewrite-timestamp" conflicts with "unpack"');
  return options;
}

function checked(name: string): Reference {
  const reference = parseReference(name);
  if (reference.digest !== undefined) throw invalid("build tag cannot contain a digest");
  return withDefaultTag(reference);
}

export const namesIn = (list: string | undefined): string[] => (list ?? "").split(",").filter(Boolean);

/** Absent: `fallback`; without a value: true. Errors: invalid, in strconv's words. */
export function flagOf(attributes: Attributes, name: string, fallback: boolean): boolean {
  const value = attributes[name];
  if (value === undefined) return fallback;
  const truth = value === "" || goBoolean(value);
  if (truth === undefined) throw invalid(`non-bool value specified for ${name}: ${notGoBoolean(value)}`);
  return truth;
}

/** Seconds since 1970; undefined for none. Errors: invalid. */
export function readEpoch(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^[+-]?\d{1,15}$/.test(text))
    throw invalid(`invalid ${name}: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}
