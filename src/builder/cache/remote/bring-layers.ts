// Layers of an imported cache become snapshots when somebody needs them: what is unpacked here already is taken, the others are
// brought and unpacked side by side, and joined from the bottom up.
//
// Who may run side by side: any number of builds. A layer is brought by the first that wants it.
import { BerthError, messageOf, systemError } from "../../../base/errors.ts";
import { SharedWork, Slots } from "../../../base/shared-work.ts";
import { type ChainId, chainIds, type Digest } from "../../../oci/digest.ts";
import { mayPass, pause } from "../../../registry/index.ts";
import { unpackLayer, withSharedLease } from "../../../store/index.ts";
import type { BlobWriter, LeaseId, SnapshotId, Store } from "../../../store/types.ts";
import { hasLayerBlob, recordLayerBlobs } from "../../layers/layer-blobs.ts";
import type { ProgressOptions } from "../../types.ts";
import type { RemoteLayer } from "./config.ts";
import type { CacheSource } from "./places.ts";

type Part = Parameters<ProgressOptions["progress"]>[0];

/** Layers on their way at a time, and how often one is tried. */
const SIDE_BY_SIDE = 4;
const ATTEMPTS = 5;

interface Works {
  layers: SharedWork<SnapshotId, Part>;
  slots: Slots;
}
const works = new WeakMap<Store, Works>();

function worksOf(store: Store): Works {
  const known = works.get(store) ?? { layers: new SharedWork(), slots: new Slots(SIDE_BY_SIDE) };
  works.set(store, known);
  return known;
}

export interface BringOptions extends ProgressOptions {
  lease: LeaseId;
}

/** Snapshots of a stack, lowest first, held by the lease. Errors: the network's; system for content that isn't what it is said to be. */
export async function bringLayers(
  store: Store,
  source: CacheSource,
  layers: readonly RemoteLayer[],
  { lease, progress, signal }: BringOptions,
): Promise<SnapshotId[]> {
  const chain = chainIds(layers.map(({ diffId }) => diffId));
  await bring(store, source, layers, chain, { progress, signal });
  const snapshots: SnapshotId[] = [];
  for (const [at] of layers.entries()) {
    const snapshot = store.snapshots.layer(chain[at] as ChainId);
    if (!snapshot) throw systemError(`layer ${chain[at]} was removed while it was needed`);
    store.leases.hold(lease, { snapshot });
    snapshots.push(snapshot);
  }
  for (const [at, layer] of layers.entries())
    await bringBlob(store, source, layer, snapshots[at] as SnapshotId, { lease, progress, signal });
  return snapshots;
}

/** Its archive too, for images that are made of it: a layer that came with an image may be here in another compression. */
async function bringBlob(
  store: Store,
  source: CacheSource,
  { descriptor, diffId, createdAt }: RemoteLayer,
  snapshot: SnapshotId,
  options: BringOptions,
): Promise<void> {
  const { digest } = descriptor;
  if (!store.content.info(digest)) {
    if (hasLayerBlob(store, snapshot)) return;
    await download(store, source, descriptor, options);
  }
  store.leases.hold(options.lease, { digest });
  recordLayerBlobs(store, [{ snapshot, blob: { descriptor, diffId, ...(createdAt && { createdAt }) } }]);
}

/** The topmost of the layers, and all below it. */
async function bring(
  store: Store,
  source: CacheSource,
  layers: readonly RemoteLayer[],
  chain: readonly ChainId[],
  { progress, signal }: ProgressOptions,
): Promise<void> {
  const layer = layers.at(-1);
  const id = chain[layers.length - 1];
  if (!layer || !id || store.snapshots.layer(id)) return;
  await worksOf(store).layers.run(id, signal, progress, (work, report) =>
    withSharedLease(store, `bring ${layer.descriptor.digest}`, async (lease) => {
      const failed = new AbortController();
      const either = AbortSignal.any([work, failed.signal]);
      const under = layers.slice(0, -1);
      const parts = [
        bring(store, source, under, chain, { progress: report, signal: either }).then(() => {
          const snapshot = store.snapshots.layer(chain[under.length - 1] ?? ("" as ChainId));
          if (snapshot) store.leases.hold(lease, { snapshot });
          for (const { descriptor } of under)
            if (store.content.info(descriptor.digest))
              store.leases.hold(lease, { digest: descriptor.digest });
        }),
        unpacked(store, source, layer, { lease, progress: report, signal: either }),
      ] as const;
      for (const part of parts) part.catch((thrown) => failed.abort(thrown));
      const [below, own] = await Promise.allSettled(parts);
      if (own.status === "rejected" || below.status === "rejected") {
        if (own.status === "fulfilled") await store.snapshots.remove(own.value.id);
        work.throwIfAborted();
        throw failed.signal.reason;
      }
      const { size, inodes, implied } = own.value;
      const parent = chain[under.length - 1];
      return await store.snapshots.commitLayer(own.value.id, id, {
        ...(parent && { parent }),
        size,
        inodes,
        implied,
      });
    }),
  );
}

async function unpacked(
  store: Store,
  source: CacheSource,
  { descriptor, diffId }: RemoteLayer,
  { lease, progress, signal }: BringOptions,
) {
  const { digest } = descriptor;
  return await worksOf(store).slots.run(signal, async () => {
    if (store.content.info(digest)) store.leases.hold(lease, { digest });
    else await download(store, source, descriptor, { lease, progress, signal });
    const id = digest;
    progress({ id, action: "extracting" });
    const made = await unpackLayer(store, { lease, source: { path: store.content.path(digest) }, signal });
    progress({ id, action: "extracting", done: true });
    if (made.diffId === diffId) return made;
    await store.snapshots.remove(made.id);
    throw systemError(`layer ${digest} of the cache has the diff id ${made.diffId}, not ${diffId}`);
  });
}

async function download(
  store: Store,
  source: CacheSource,
  descriptor: RemoteLayer["descriptor"],
  { lease, progress, signal }: BringOptions,
): Promise<void> {
  const { digest, size } = descriptor;
  await using writer = await store.content.writer(`cache-${crypto.randomUUID()}`, lease);
  try {
    for (let attempt = 1; writer.offset < size; attempt++) {
      try {
        await receive(source, descriptor, writer, { progress, signal });
      } catch (thrown) {
        signal.throwIfAborted();
        if (!mayPass(thrown) || attempt >= ATTEMPTS) throw thrown;
        await pause(attempt, signal);
      }
    }
    await writer.commit({ digest: digest as Digest, size });
  } catch (thrown) {
    await writer.abort();
    if (thrown instanceof BerthError || signal.aborted) throw thrown;
    throw systemError(`layer ${digest} of the cache: ${messageOf(thrown)}`, thrown);
  }
  progress({ id: digest, action: "done", current: size, total: size, done: true });
}

/** What comes of one request, as far as it comes. */
async function receive(
  source: CacheSource,
  descriptor: RemoteLayer["descriptor"],
  writer: BlobWriter,
  { progress, signal }: ProgressOptions,
): Promise<void> {
  const { digest, size } = descriptor;
  const { body, offset } = await source.stream(descriptor, writer.offset, signal);
  if (offset !== writer.offset) await writer.truncate();
  for await (const chunk of body) {
    signal.throwIfAborted();
    if (writer.offset + chunk.length > size)
      throw systemError(
        `layer ${digest} of the cache has more than the ${size} bytes that its manifest names`,
      );
    await writer.write(chunk);
    progress({ id: digest, action: "downloading", current: writer.offset, total: size });
  }
  if (writer.offset < size)
    throw systemError(`layer ${digest} of the cache ends at byte ${writer.offset} of ${size}`);
}
