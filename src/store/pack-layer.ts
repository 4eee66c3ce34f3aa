// A finished layer as an archive, and an archive in another compression: the daemon's side. The workers write the files
// themselves, and tell what they wrote: a layer may have gigabytes.
import { closeSync, openSync } from "node:fs";
import { mountViews } from "./changes.ts";
import { packIntoFile } from "./pack.ts";
import type { SnapshotId, Store } from "./types.ts";
import { workerCommand } from "./worker/confine.ts";
import type { LayerCompression } from "./worker/layer-compression.ts";
import type { PackedLayer } from "./worker/pack-changes.ts";
import type { Recompressed } from "./worker/recompress.ts";

export type { LayerCompression, PackedLayer, Recompressed };

export interface PackLayerRequest {
  /** Finished: it never changes again, so the same layer gives the same archive. */
  layer: SnapshotId;
  compression: LayerCompression;
  /** Times of files after this one (seconds since 1970) become it. */
  latest?: number;
  /** Where the archive is written: an empty file. */
  output: number;
  signal?: AbortSignal;
}

/** What a layer adds to and hides of those below it. Errors: system, as for a disk that is full. */
export async function packLayer(store: Store, request: PackLayerRequest): Promise<PackedLayer> {
  const { layer, compression, latest, output, signal } = request;
  using views = mountViews(store, { snapshot: layer, rootfs: undefined });
  const bound = latest === undefined ? [] : [String(latest)];
  const words = workerCommand("pack-layer", views.root, views.style, JSON.stringify(compression), ...bound);
  return await packIntoFile<PackedLayer>("pack-layer", words, { output }, signal);
}

/** The archive in a file, in another compression. Errors: invalid for one that is damaged. */
export async function recompressLayer(request: {
  path: string;
  compression: LayerCompression;
  output: number;
  signal?: AbortSignal;
}): Promise<Recompressed> {
  const { path, compression, output, signal } = request;
  const input = openSync(path, "r");
  try {
    const words = workerCommand("recompress", JSON.stringify(compression));
    return await packIntoFile<Recompressed>("recompress", words, { input, output }, signal);
  } finally {
    closeSync(input);
  }
}
