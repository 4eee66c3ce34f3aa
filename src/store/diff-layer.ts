// What one tree has over another that it doesn't stand on, as a layer: both are compared by their files.
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { unmount } from "../linux/mount.ts";
import { mountAt } from "./backend.ts";
import { packFrom } from "./pack.ts";
import type { LeaseId, SnapshotId, Store } from "./types.ts";
import { unpackLayer } from "./unpack.ts";
import { workerCommand } from "./worker/confine.ts";
import type { PackedLayer } from "./worker/pack-changes.ts";

export interface DiffRequest {
  lease: LeaseId;
  /** Finished, both; undefined: a tree without files. */
  lower: SnapshotId;
  upper: SnapshotId | undefined;
  signal?: AbortSignal;
}

/** A layer on nothing, which hides what the upper one hasn't got. Errors: system. */
export async function diffLayer(
  store: Store,
  { lease, lower, upper, signal }: DiffRequest,
): Promise<SnapshotId> {
  const { snapshots } = store;
  using views = mountBoth(store, lower, upper);
  // Each has all of its files: as a copied layer on its parent (worker/changes.ts).
  const words = workerCommand("pack-layer", views.root, "copy", JSON.stringify({ type: "uncompressed" }));
  const packing = packFrom<PackedLayer>("pack-layer", words, signal);
  const [unpacked, packed] = await Promise.allSettled([
    unpackLayer(store, { lease, source: { chunks: packing.output }, ...(signal && { signal }) }),
    packing.result,
  ]);
  if (packed.status === "rejected") {
    if (unpacked.status === "fulfilled") await snapshots.remove(unpacked.value.id);
    throw packed.reason;
  }
  if (unpacked.status === "rejected") throw unpacked.reason;
  const { id, size, inodes, implied } = unpacked.value;
  try {
    return await snapshots.commitLayer(id, undefined, { size, inodes, implied });
  } catch (thrown) {
    await snapshots.remove(id);
    throw thrown;
  }
}

function mountBoth(
  store: Store,
  lower: SnapshotId,
  upper: SnapshotId | undefined,
): Disposable & { root: string } {
  const root = mkdtempSync(join(store.root, "scratch", "diff-"));
  const made: string[] = [];
  const takeAway = () => {
    for (const path of made.reverse()) {
      unmount(path);
      rmdirSync(path);
    }
    rmdirSync(root);
  };
  try {
    for (const [name, snapshot] of [
      ["below", lower],
      ["written", upper],
    ] as const) {
      const path = join(root, name);
      mkdirSync(path);
      made.push(path);
      if (snapshot !== undefined) mountAt(store.snapshots.mountOf(snapshot, true), path);
    }
    return { root, [Symbol.dispose]: takeAway };
  } catch (thrown) {
    takeAway();
    throw thrown;
  }
}
