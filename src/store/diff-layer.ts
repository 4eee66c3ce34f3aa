// What one tree has over another that it doesn't stand on, as a layer: both are compared by their files.
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mountAt } from "./backend.ts";
import { packIntoFiles } from "./pack.ts";
import { type ScratchMounts, scratchMounts } from "./scratch-mounts.ts";
import type { LeaseId, SnapshotId, Store } from "./types.ts";
import { unpackLayer } from "./unpack.ts";
import { workerCommand } from "./worker/confine.ts";
import { FIRST_OUTPUT } from "./worker/layer-compression.ts";
import type { LayerToPack, PackedLayer } from "./worker/pack-changes.ts";

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
  using archive = await packDifference(store, lower, upper, signal);
  const { id, size, inodes, implied } = await unpackLayer(store, {
    lease,
    source: { path: archive.path },
    ...(signal && { signal }),
  });
  try {
    return await snapshots.commitLayer(id, undefined, { size, inodes, implied });
  } catch (thrown) {
    await snapshots.remove(id);
    throw thrown;
  }
}

/** As a file, which is taken away when its user is done. */
async function packDifference(
  store: Store,
  lower: SnapshotId,
  upper: SnapshotId | undefined,
  signal: AbortSignal | undefined,
): Promise<Disposable & { path: string }> {
  const folder = mkdtempSync(join(store.root, "scratch", "diff-"));
  const path = join(folder, "layer.tar");
  const takeAway = () => rmSync(folder, { recursive: true });
  const output = openSync(path, "w", 0o600);
  try {
    using views = mountBoth(store, lower, upper);
    // Each has all of its files: as a copied layer on its parent (worker/changes.ts).
    const layer: LayerToPack = {
      folder: "",
      style: "copy",
      compression: { type: "uncompressed" },
      output: FIRST_OUTPUT,
    };
    const words = workerCommand("pack-layers", views.root, JSON.stringify([layer]));
    await packIntoFiles<PackedLayer[]>("pack-layers", words, { outputs: [output] }, signal);
    return { path, [Symbol.dispose]: takeAway };
  } catch (thrown) {
    takeAway();
    throw thrown;
  } finally {
    closeSync(output);
  }
}

function mountBoth(store: Store, lower: SnapshotId, upper: SnapshotId | undefined): ScratchMounts {
  const { snapshots } = store;
  return scratchMounts(mkdtempSync(join(store.root, "scratch", "diff-")), (at) => {
    mountAt(snapshots.mountOf(lower, true), at("below"));
    const written = at("written");
    if (upper !== undefined) mountAt(snapshots.mountOf(upper, true), written);
  });
}
