// What an image is as a whole: its manifests with their sizes, which of them suits best, what it takes on disk.
import type { ImageManifestSummary } from "../api/types/image.ts";
import type { ChainId, Digest } from "../oci/digest.ts";
import { bestMatch, type PlatformMatcher } from "../oci/platform.ts";
import type { Descriptor, ImageConfig, Manifest } from "../oci/types.ts";
import type { ImageRecord, Snapshots, Store } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { UNPACKED_SIZE_LABEL } from "./labels.ts";
import {
  ATTESTATION_FOR,
  chainOf,
  inspectManifest,
  isLayer,
  type ManifestState,
  manifestsOf,
  type PresentManifest,
  walkPresent,
} from "./manifests.ts";
import type { ImageUser } from "./types.ts";

export interface ImageOverview {
  manifests: ImageManifestSummary[];
  /** Bytes of content and unpacked layers. */
  totalSize: number;
  containers: number;
  /** Of all platforms that are here. */
  chains: ChainId[];
  best: PresentManifest | undefined;
}

/** Bytes that an image's layers take unpacked; 0 when its top isn't unpacked, unless it was packed here. */
export async function unpackedSize(
  store: Pick<Store, "content" | "snapshots">,
  manifest: Manifest,
  config: ImageConfig,
): Promise<number> {
  const sizes = await layerSizes(store, manifest, config);
  return sizes.at(-1) === undefined ? 0 : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** Of each layer, lowest first; undefined where it isn't unpacked and what it will take is not known. */
export function layerSizes(
  { content, snapshots }: Pick<Store, "content" | "snapshots">,
  manifest: Manifest,
  config: ImageConfig,
): Promise<(number | undefined)[]> {
  const blobs = manifest.layers.filter(({ mediaType }) => isLayer(mediaType));
  return Promise.all(
    chainOf(config).map(async (chain, at) => {
      const layer = snapshots.layer(chain);
      if (layer) return (await snapshots.usage(layer)).size;
      const noted = blobs[at] && content.info(blobs[at].digest)?.labels[UNPACKED_SIZE_LABEL];
      return noted === undefined ? undefined : Number(noted);
    }),
  );
}

export async function layerSize(snapshots: Snapshots, chain: ChainId): Promise<number> {
  const layer = snapshots.layer(chain);
  return layer ? (await snapshots.usage(layer)).size : 0;
}

export const sumOfSizes = (descriptors: Descriptor[]): number =>
  descriptors.reduce((sum, { size }) => sum + size, 0);

/** Reads all manifests of an image. `inUse` names the containers of an image id. */
export async function overviewOf(
  { store }: ImageContext,
  record: ImageRecord,
  matcher: PlatformMatcher,
  inUse: (id: Digest) => ImageUser[],
): Promise<ImageOverview> {
  const overview: ImageOverview = { manifests: [], totalSize: 0, containers: 0, chains: [], best: undefined };
  const candidates: PresentManifest[] = [];
  const users = inUse(record.target.digest);
  for (const descriptor of await manifestsOf(store.content, record.target)) {
    const state = await inspectManifest(store.content, descriptor);
    const content = sumOfSizes(await walkPresent(store.content, descriptor));
    const unpacked =
      state.available && state.config && state.manifest
        ? await unpackedSize(store, state.manifest, state.config)
        : 0;
    overview.totalSize += content + unpacked;
    if (state.kind === "image" && state.available && state.config) {
      overview.chains.push(...chainOf(state.config));
      if (state.platform && state.manifest) candidates.push(state as PresentManifest);
    }
    const own = users.filter((user) => user.manifest === undefined || user.manifest === descriptor.digest);
    const isUsed = state.kind === "image" && state.available;
    if (isUsed) overview.containers += own.length;
    overview.manifests.push(manifestSummary(state, content, unpacked, isUsed ? own : []));
  }
  overview.best = bestMatch(candidates, matcher, (candidate) => candidate.platform);
  return overview;
}

function manifestSummary(
  state: ManifestState,
  content: number,
  unpacked: number,
  users: ImageUser[],
): ImageManifestSummary {
  const { descriptor, available, kind } = state;
  return {
    ID: descriptor.digest,
    Descriptor: descriptor,
    Available: available,
    Size: { Content: content, Total: content + unpacked },
    Kind: kind,
    ...(kind === "image" && {
      ImageData: {
        Platform: state.platform ?? { architecture: "", os: "" },
        Size: { Unpacked: unpacked },
        // null, as Go writes an empty list that nobody made.
        Containers: (users.length > 0 ? users.map(({ containerId }) => containerId) : null) as string[],
      },
    }),
    ...(kind === "attestation" && {
      AttestationData: { For: descriptor.annotations?.[ATTESTATION_FOR] ?? "" },
    }),
  };
}
