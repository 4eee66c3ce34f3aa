// What an image is as a whole: its manifests with their sizes, which of them suits best, what it takes on disk.
import type { ImageManifestSummary } from "../api/types/image.ts";
import type { ChainId, Digest } from "../oci/digest.ts";
import { bestMatch, type PlatformMatcher } from "../oci/platform.ts";
import type { Descriptor, ImageConfig } from "../oci/types.ts";
import type { ImageRecord, Snapshots } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import {
  ATTESTATION_FOR,
  chainOf,
  inspectManifest,
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

/** Bytes that the unpacked layers of a config take; 0 when its top isn't unpacked. */
export async function unpackedSize(snapshots: Snapshots, config: ImageConfig): Promise<number> {
  const chain = chainOf(config);
  const top = chain.at(-1);
  if (top === undefined || !snapshots.layer(top)) return 0;
  const sizes = await Promise.all(chain.map((id) => layerSize(snapshots, id)));
  return sizes.reduce((sum, size) => sum + size, 0);
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
    const unpacked = state.available && state.config ? await unpackedSize(store.snapshots, state.config) : 0;
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
