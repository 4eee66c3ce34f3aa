// A layer's own files once more, on other layers: what a merge puts together. Files are shared by hard links, which is safe since
// no layer ever changes.
import { notFound, systemError } from "../base/errors.ts";
import { packChanges } from "./changes.ts";
import type { LeaseId, SnapshotBase, SnapshotId, Store } from "./types.ts";
import { unpackLayer } from "./unpack.ts";

export interface CloneRequest {
  lease: LeaseId;
  layer: SnapshotId;
  /** What the new layer stands on; undefined: nothing. */
  parent: SnapshotBase | undefined;
  signal?: AbortSignal;
}

/**
 * Makes a layer (without a chain id) that has and hides what another has and hides, on another parent. Errors: not-found;
 * system when the disk is full, and nothing is left then.
 */
export async function cloneLayer(store: Store, request: CloneRequest): Promise<SnapshotId> {
  if (!store.snapshots.has(request.layer))
    throw notFound(`snapshot ${request.layer} is not a layer that can be put on another`);
  return store.snapshots.backend === "copy" ? await repack(store, request) : await linkFiles(store, request);
}

/** Overlay's marks of what is hidden are files and attributes like others. */
async function linkFiles(store: Store, { lease, layer, parent, signal }: CloneRequest): Promise<SnapshotId> {
  const { snapshots } = store;
  const { id, directory } = await snapshots.beginLayer(lease);
  try {
    const copy = Bun.spawn(["cp", "-aT", "--link", "--", snapshots.directory(layer), directory], {
      stdio: ["ignore", "ignore", "pipe"],
      ...(signal && { signal, killSignal: "SIGKILL" }),
    });
    const [code, message] = await Promise.all([copy.exited, copy.stderr.text()]);
    signal?.throwIfAborted();
    if (code !== 0) throw systemError(`linking the files of snapshot ${layer}: ${message.trim()}`);
    const usage = await snapshots.usage(layer);
    return await snapshots.commitLayer(id, undefined, { parent, ...usage, implied: [] });
  } catch (thrown) {
    await snapshots.remove(id);
    throw thrown;
  }
}

/** A copied layer has its parents' files too: what is its own is found and stacked as for any archive. */
async function repack(store: Store, { lease, layer, parent, signal }: CloneRequest): Promise<SnapshotId> {
  const { snapshots } = store;
  const packing = packChanges(store, {
    snapshot: layer,
    rootfs: snapshots.directory(layer),
    ...(signal && { signal }),
  });
  const source = { chunks: packing.output };
  const [unpacked, packed] = await Promise.allSettled([
    unpackLayer(store, { lease, source, ...(signal && { signal }) }),
    packing.result,
  ]);
  if (packed.status === "rejected") {
    if (unpacked.status === "fulfilled") await snapshots.remove(unpacked.value.id);
    throw packed.reason;
  }
  if (unpacked.status === "rejected") throw unpacked.reason;
  const { id, size, inodes, implied } = unpacked.value;
  try {
    return await snapshots.commitLayer(id, undefined, { parent, size, inodes, implied });
  } catch (thrown) {
    await snapshots.remove(id);
    throw thrown;
  }
}
