// A finished layer as an archive, and an archive in another compression: the daemon's side.
import { closeSync, openSync } from "node:fs";
import { mountViews, type PackedChanges } from "./changes.ts";
import { type Packing, packFrom } from "./pack.ts";
import type { SnapshotId, Store } from "./types.ts";
import { workerCommand } from "./worker/confine.ts";
import type { LayerCompression } from "./worker/layer-compression.ts";
import type { Recompressed } from "./worker/recompress.ts";

export type { LayerCompression };

export interface PackLayerRequest {
  /** Finished: it never changes again, so the same layer gives the same archive. */
  layer: SnapshotId;
  compression: LayerCompression;
  /** Times of files after this one (seconds since 1970) become it. */
  latest?: number;
  signal?: AbortSignal;
}

/** What a layer adds to and hides of those below it. `result` resolves after all of the output was read. Errors: system. */
export function packLayer(store: Store, request: PackLayerRequest): Packing<PackedChanges> {
  const { layer, compression, latest, signal } = request;
  const views = mountViews(store, { snapshot: layer, rootfs: undefined });
  const unmountViews = () => views[Symbol.dispose]();
  try {
    const bound = latest === undefined ? [] : [String(latest)];
    const words = workerCommand("pack-layer", views.root, views.style, JSON.stringify(compression), ...bound);
    const packing = packFrom<PackedChanges>("pack-layer", words, signal);
    packing.result.then(unmountViews, unmountViews);
    return packing;
  } catch (thrown) {
    unmountViews();
    throw thrown;
  }
}

/** The archive in a file, in another compression. Errors: invalid for one that is damaged. */
export function recompressLayer(
  path: string,
  compression: LayerCompression,
  signal: AbortSignal | undefined,
): Packing<Recompressed> {
  const input = openSync(path, "r");
  try {
    return packFrom<Recompressed>(
      "recompress",
      workerCommand("recompress", JSON.stringify(compression)),
      signal,
      input,
    );
  } finally {
    closeSync(input);
  }
}
