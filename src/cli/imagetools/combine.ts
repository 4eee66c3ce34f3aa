// The index that `imagetools create` makes of its sources, and what of it some platforms want. Facts: buildx,
// util/imagetools/create.go.
import type { Digest } from "../../oci/digest.ts";
import { exactly, formatPlatform, normalizePlatform } from "../../oci/platform.ts";
import type { Reference } from "../../oci/reference.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  isIndex,
  isManifest,
  type Manifest,
  MEDIA,
  type Platform,
} from "../../oci/types.ts";
import { encodeIndex } from "./documents.ts";
import type { RegistryAccess } from "./registry.ts";
import type { GivenAnnotation } from "./sources.ts";

const SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1";

/** A source, found in its registry. */
export interface Source {
  reference: Reference;
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/** A manifest or index, and the manifests that have to be where it goes, each with the source that has it. */
export interface Combined {
  bytes: Uint8Array;
  descriptor: Descriptor;
  parts: { descriptor: Descriptor; source: Source }[];
}

export interface CombineOptions {
  annotations: GivenAnnotation[];
  preferIndex: boolean;
  registry: Pick<RegistryAccess, "blob">;
}

/**
 * One source stays as it is, unless an index is preferred to a manifest or annotations are to be added; several become one index.
 * Throws in buildx's words.
 */
export async function combine(sources: Source[], options: CombineOptions): Promise<Combined> {
  const { annotations, preferIndex, registry } = options;
  const described = await Promise.all(sources.map((source) => withPlatform(source, registry)));
  const [first] = described;
  if (described.length === 1 && first && annotations.length === 0) {
    const { bytes, descriptor } = first;
    if (isIndex(descriptor.mediaType)) return { bytes, descriptor, parts: partsOf(first) };
    if (!preferIndex) return { bytes, descriptor, parts: [{ descriptor, source: first }] };
  }
  const parts = joined(described.flatMap(partsOf));
  const isDockers = parts.every(({ descriptor }) =>
    descriptor.mediaType.startsWith("application/vnd.docker."),
  );
  const mediaType = isDockers ? MEDIA.dockerList : MEDIA.ociIndex;
  const index: Index = {
    schemaVersion: 2,
    mediaType,
    manifests: parts.map(({ descriptor }) => descriptor),
  };
  // Docker's own lists have no annotations.
  return asCombined(isDockers ? index : annotated(index, annotations), mediaType, parts);
}

function asCombined(index: Index, mediaType: string, parts: Combined["parts"]): Combined {
  const bytes = encodeIndex(index);
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}` as Digest;
  return { bytes, descriptor: { mediaType, digest, size: bytes.length }, parts };
}

/** A manifest's platform is what was said of it, and where that says nothing what its config says. */
async function withPlatform(source: Source, registry: Pick<RegistryAccess, "blob">): Promise<Source> {
  const { descriptor, reference } = source;
  if (descriptor.mediaType.startsWith(SCHEMA_1))
    throw new Error("schema1 manifests are not allowed in manifest lists");
  const said: Partial<Platform> = descriptor.platform ?? {};
  if (!isManifest(descriptor.mediaType) || (said.os && said.architecture)) return source;
  const { config } = read<Manifest>(source.bytes, "manifest");
  const found = JSON.parse(
    new TextDecoder().decode(await registry.blob(reference, config.digest)),
  ) as ImageConfig;
  const own = normalizePlatform({ ...found, os: found.os ?? "", architecture: found.architecture ?? "" });
  const variant = said.variant ?? (said.architecture ? undefined : own.variant);
  const { variant: _, ...rest } = said;
  const platform: Platform = {
    ...rest,
    architecture: said.architecture || own.architecture,
    os: said.os || own.os,
    ...(variant && { variant }),
  };
  return { ...source, descriptor: { ...descriptor, platform } };
}

function partsOf(source: Source): Combined["parts"] {
  if (!isIndex(source.descriptor.mediaType)) return [{ descriptor: source.descriptor, source }];
  const { manifests } = read<Index>(source.bytes, "index");
  return (manifests ?? []).map((descriptor) => ({ descriptor, source }));
}

/** Each manifest once, where it came first; what a later source says of it is added. */
function joined(parts: Combined["parts"]): Combined["parts"] {
  const found = new Map<string, Combined["parts"][number]>();
  for (const { descriptor, source } of parts) {
    const { descriptor: old } = found.get(descriptor.digest) ?? {};
    const merged = old && {
      ...old,
      mediaType: old.mediaType || descriptor.mediaType,
      ...(descriptor.platform && { platform: descriptor.platform }),
      annotations: { ...old.annotations, ...descriptor.annotations },
    };
    found.set(descriptor.digest, { descriptor: merged ?? descriptor, source });
  }
  return [...found.values()];
}

function annotated(index: Index, annotations: GivenAnnotation[]): Index {
  const own: Record<string, string> = {};
  let { manifests } = index;
  for (const { type, platform, key, value } of annotations) {
    if (type === "index-descriptor")
      throw new Error(`${JSON.stringify(type)} annotations are invalid while creating an image`);
    if (type === "index") own[key] = value;
    else if (type === "manifest-descriptor")
      manifests = manifests.map((one) =>
        platform === undefined || (one.platform && formatPlatform(one.platform) === platform)
          ? { ...one, annotations: { ...one.annotations, [key]: value } }
          : one,
      );
    else throw new Error(`${JSON.stringify(type)} annotations are not supported yet`);
  }
  return { ...index, manifests, annotations: own };
}

const REFERENCE_TYPE = "vnd.docker.reference.type";
const REFERENCE_DIGEST = "vnd.docker.reference.digest";

/** What is left for some platforms, with the attestations of what is left. Throws in buildx's words where nothing is. */
export function onlyPlatforms(combined: Combined, platforms: Platform[]): Combined {
  if (platforms.length === 0) return combined;
  const { descriptor, bytes, parts } = combined;
  const matchers = platforms.map(exactly);
  const isWanted = ({ platform }: Descriptor) =>
    !platform || matchers.some((matcher) => matcher.rank(platform) !== undefined);
  if (!isIndex(descriptor.mediaType)) {
    if (!descriptor.platform)
      throw new Error("cannot filter platforms from a manifest without platform information");
    if (isWanted(descriptor)) return combined;
    throw new Error(
      `input platform ${formatPlatform(descriptor.platform)} does not match any of the provided platforms`,
    );
  }
  const index = read<Index>(bytes, "index");
  const manifests = index.manifests ?? [];
  const attestsWanted = ({ annotations = {} }: Descriptor) => {
    const subject = manifests.find(({ digest }) => digest === annotations[REFERENCE_DIGEST]);
    return annotations[REFERENCE_TYPE] === "attestation-manifest" && subject && isWanted(subject);
  };
  const kept = manifests.filter((one) => isWanted(one) || attestsWanted(one));
  const keptDigests = new Set(kept.map(({ digest }) => digest));
  const keptParts = parts.filter((part) => keptDigests.has(part.descriptor.digest));
  if (kept.length === manifests.length) return combined;
  if (kept.length === 0) throw new Error("none of the manifests match the provided platforms");
  return asCombined({ ...index, manifests: kept }, descriptor.mediaType, keptParts);
}

function read<T>(bytes: Uint8Array, what: string): T {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch (cause) {
    throw new Error(`failed to parse ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
