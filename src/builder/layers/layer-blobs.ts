// A snapshot's layers as archives: what an image of it is made of. A base image's layers have theirs from its registry; a step's
// is packed once, and kept with it.
//
// Who may run side by side: any number of callers for any snapshots; a layer is packed by the first, and the others wait.
import { invalid } from "../../base/errors.ts";
import { SharedWork, Slots } from "../../base/shared-work.ts";
import { type ChainId, chainIds, type Digest } from "../../oci/digest.ts";
import { type Descriptor, MEDIA } from "../../oci/types.ts";
import { type PackedChanges, packChanges } from "../../store/index.ts";
import type { LeaseId, SnapshotId, Store } from "../../store/types.ts";
import { Views } from "../solver/views.ts";
import type { BaseLayer, LayerBlob } from "../types.ts";

interface BlobRow extends LayerBlob {
  /** The snapshot. */
  id: string;
}

/** A layer's archive is packed while another is: what it takes is a processor each. */
const SIDE_BY_SIDE = 2;

const works = new WeakMap<Store, { packing: SharedWork<LayerBlob, never>; slots: Slots; views: Views }>();

function worksOf(store: Store) {
  const known = works.get(store);
  if (known) return known;
  const made = {
    packing: new SharedWork<LayerBlob, never>(),
    slots: new Slots(SIDE_BY_SIDE),
    views: new Views(store),
  };
  works.set(store, made);
  return made;
}

const rows = (store: Store) => store.documents<BlobRow>("layerBlobs");

/** Notes the archives of layers that came with an image. */
export function recordLayerBlobs(store: Store, layers: readonly BaseLayer[]): void {
  for (const { snapshot, blob } of layers)
    if (rows(store).get(snapshot)?.descriptor.digest !== blob.descriptor.digest)
      rows(store).put({ id: snapshot, ...blob });
}

/** The stack of a snapshot, lowest first, with the archive of each; the lease holds them. */
export async function layerBlobs(
  store: Store,
  snapshot: SnapshotId | undefined,
  options: { lease: LeaseId; signal: AbortSignal },
): Promise<BaseLayer[]> {
  const stack: SnapshotId[] = [];
  for (let at = snapshot; at !== undefined; at = store.snapshots.parentOf(at)) stack.unshift(at);
  const layers = await Promise.all(
    stack.map(async (each) => ({ snapshot: each, blob: await blobOf(store, each, options) })),
  );
  const chains = chainIds(layers.map(({ blob }) => blob.diffId));
  for (const [at, layer] of layers.entries()) name(store, layer.snapshot, chains[at] as ChainId);
  return layers;
}

/** Packs a layer that will be part of an image, behind the back of what runs meanwhile. */
export function packAhead(
  store: Store,
  snapshot: SnapshotId,
  options: { lease: LeaseId; signal: AbortSignal },
): void {
  blobOf(store, snapshot, options).catch(() => {}); // Whoever needs it packs it, and is told
}

/** So that a container of the image finds its layers unpacked. Another layer may have the name already: the image then has that one. */
function name(store: Store, snapshot: SnapshotId, chain: ChainId): void {
  if (!store.snapshots.layer(chain)) store.snapshots.nameLayer(snapshot, chain);
}

async function blobOf(
  store: Store,
  snapshot: SnapshotId,
  { lease, signal }: { lease: LeaseId; signal: AbortSignal },
): Promise<LayerBlob> {
  const row = rows(store).get(snapshot);
  if (row && store.content.info(row.descriptor.digest)) {
    store.leases.hold(lease, { digest: row.descriptor.digest });
    const { descriptor, diffId, createdAt } = row;
    return { descriptor, diffId, ...(createdAt && { createdAt }) };
  }
  const { packing } = worksOf(store);
  const blob = await packing.run(
    snapshot,
    signal,
    () => {},
    (work) => pack(store, snapshot, work),
  );
  store.leases.hold(lease, { digest: blob.descriptor.digest });
  return blob;
}

async function pack(store: Store, snapshot: SnapshotId, signal: AbortSignal): Promise<LayerBlob> {
  const { slots, views } = worksOf(store);
  return await slots.run(signal, async () => {
    const lease = store.leases.open("pack a layer");
    try {
      const packed = await packInto(store, views, snapshot, lease, signal);
      rows(store).put({ id: snapshot, ...packed });
      return packed;
    } finally {
      // One turn later: those who wait take hold of it themselves.
      setTimeout(() => store.leases.close(lease), 0);
    }
  });
}

async function packInto(
  store: Store,
  views: Views,
  snapshot: SnapshotId,
  lease: LeaseId,
  signal: AbortSignal,
): Promise<LayerBlob> {
  if (!store.snapshots.has(snapshot))
    throw invalid(`snapshot ${snapshot} is not finished and can't be packed`);
  await using view = views.open(snapshot);
  await using writer = await store.content.writer(`build-layer-${crypto.randomUUID()}`, lease);
  try {
    const { output, result } = packChanges(store, { snapshot, rootfs: view.path, signal });
    for await (const chunk of output) await writer.write(chunk);
    const { diffId }: PackedChanges = await result;
    const { digest, size } = await writer.commit({});
    const descriptor: Descriptor = { mediaType: MEDIA.ociLayerGzip, digest, size };
    return { descriptor, diffId: diffId as Digest, createdAt: new Date().toISOString() };
  } catch (thrown) {
    await writer.abort();
    throw thrown;
  }
}
