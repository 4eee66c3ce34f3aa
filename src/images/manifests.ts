// The tree below an image's root descriptor: index, manifests, configs and layers, and which of it is here.
import { notFound } from "../base/errors.ts";
import { type ChainId, chainIds, type Digest } from "../oci/digest.ts";
import {
  bestMatch,
  exactly,
  formatPlatformWithVersion,
  type PlatformMatcher,
  runsOn,
} from "../oci/platform.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  isIndex,
  isManifest,
  type Manifest,
  type Platform,
} from "../oci/types.ts";
import type { ContentStore, ImageRecord } from "../store/types.ts";
import { familiarOf } from "./names.ts";

/** Whether a media type is that of a file system layer, of either family and any compression. */
export const isLayer = (mediaType: string): boolean =>
  /^application\/vnd\.oci\.image\.layer\.(?:v1|nondistributable\.v1)\.tar(?:\+|$)/.test(mediaType) ||
  /^application\/vnd\.docker\.image\.rootfs\.(?:diff|foreign\.diff)\.tar(?:\.|$)/.test(mediaType);

/** BuildKit's mark on a manifest that says something about another one. */
const ATTESTATION_TYPE = "vnd.docker.reference.type";
export const ATTESTATION_FOR = "vnd.docker.reference.digest";
export const isAttestation = (descriptor: Descriptor): boolean =>
  descriptor.annotations?.[ATTESTATION_TYPE] !== undefined;

/** What a descriptor points to, if it is here; nothing for configs and layers. */
export async function childrenOf(content: ContentStore, descriptor: Descriptor): Promise<Descriptor[]> {
  if (!content.info(descriptor.digest)) return [];
  if (isIndex(descriptor.mediaType))
    return (await content.readJson<Index>(descriptor.digest)).manifests ?? [];
  if (!isManifest(descriptor.mediaType)) return [];
  const manifest = await content.readJson<Manifest>(descriptor.digest);
  return [manifest.config, ...(manifest.layers ?? [])];
}

/** The descriptor and all below it, whether here or not, each digest once. */
export async function walk(content: ContentStore, root: Descriptor): Promise<Descriptor[]> {
  const seen = new Map<Digest, Descriptor>();
  const queue = [root];
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (seen.has(next.digest)) continue;
    seen.set(next.digest, next);
    queue.push(...(await childrenOf(content, next)));
  }
  return [...seen.values()];
}

/** All of it that is here. */
export const walkPresent = async (content: ContentStore, root: Descriptor): Promise<Descriptor[]> =>
  (await walk(content, root)).filter(({ digest }) => content.info(digest));

/** The manifests that a root names, in the index's order, nested indexes included; whether here or not. */
export const manifestsOf = async (content: ContentStore, root: Descriptor): Promise<Descriptor[]> =>
  (await walk(content, root)).filter(({ mediaType }) => isManifest(mediaType));

/** A manifest of an image, with as much of its parts as is here. */
export interface ManifestState {
  descriptor: Descriptor;
  /** Manifest, config and all layers are here. */
  available: boolean;
  kind: "image" | "attestation" | "unknown";
  manifest?: Manifest;
  config?: ImageConfig;
  /** From the index, else from the config. */
  platform?: Platform;
}

/** Reads what is here of one manifest. */
export async function inspectManifest(content: ContentStore, descriptor: Descriptor): Promise<ManifestState> {
  const present = content.info(descriptor.digest) !== undefined;
  const manifest = present ? await content.readJson<Manifest>(descriptor.digest) : undefined;
  const parts = manifest ? [manifest.config, ...(manifest.layers ?? [])] : [];
  const available = present && parts.every(({ digest }) => content.info(digest));
  const kind = kindOf(descriptor, manifest);
  const config =
    kind === "image" && manifest && content.info(manifest.config.digest)
      ? await content.readJson<ImageConfig>(manifest.config.digest)
      : undefined;
  const platform = descriptor.platform ?? (config && platformOf(config));
  return { descriptor, available, kind, manifest, config, platform };
}

/** Some manifests have an image's media type without being one: attestations, artifacts. */
function kindOf(descriptor: Descriptor, manifest: Manifest | undefined): ManifestState["kind"] {
  if (isAttestation(descriptor)) return "attestation";
  if (descriptor.platform?.os === "unknown" && descriptor.platform.architecture === "unknown")
    return "unknown";
  const layers = manifest?.layers ?? [];
  return layers.length === 0 || layers.some(({ mediaType }) => isLayer(mediaType)) ? "image" : "unknown";
}

export function platformOf(config: ImageConfig): Platform {
  const { os, architecture, variant } = config;
  return {
    os,
    architecture,
    ...(variant && { variant }),
    ...(config["os.version"] && { "os.version": config["os.version"] }),
    ...(config["os.features"] && { "os.features": config["os.features"] }),
  };
}

/** Anything, what runs on this host first: what is taken when nobody asked for a platform. */
export function anyPreferring(host: Platform): PlatformMatcher {
  const preferred = runsOn(host);
  return { rank: (platform) => preferred.rank(platform) ?? Number.MAX_SAFE_INTEGER };
}

export const requestedOrAny = (platform: Platform | undefined, host: Platform): PlatformMatcher =>
  platform ? exactly(platform) : anyPreferring(host);

/** A manifest that is here whole and read. */
export interface PresentManifest extends ManifestState {
  manifest: Manifest;
  config: ImageConfig;
  platform: Platform;
}

const isPresentImage = (state: ManifestState): state is PresentManifest =>
  state.kind === "image" && state.available && Boolean(state.manifest && state.config && state.platform);

/** The best manifest of an image among those that are here. Errors: not-found in Docker's words. */
export async function bestManifest(
  content: ContentStore,
  record: Pick<ImageRecord, "name" | "target">,
  requested: Platform | undefined,
  host: Platform,
): Promise<PresentManifest> {
  const descriptors = await manifestsOf(content, record.target);
  const states = await Promise.all(descriptors.map((descriptor) => inspectManifest(content, descriptor)));
  const best = bestMatch(states.filter(isPresentImage), requestedOrAny(requested, host), (s) => s.platform);
  if (!best) throw platformNotFound(familiarOf(record), requested);
  return best;
}

export function platformNotFound(name: string, wanted: Platform | undefined): Error {
  const what = wanted ? `the specified platform (${formatPlatformWithVersion(wanted)})` : "any platform";
  return notFound(`image with reference ${name} was found but does not provide ${what}`);
}

/** The chain ids of a config's layers, lowest first. */
export const chainOf = (config: ImageConfig): ChainId[] => chainIds(config.rootfs?.diff_ids ?? []);
