// A finished layer as an archive, and an archive in another compression: the daemon's side. The workers write the files
// themselves, and tell what they wrote: a layer may have gigabytes.
//
// Who may run side by side: any number of callers. A small layer waits a moment for others, and one worker packs them all: most
// of a build's are a file or two, and starting a worker takes ten times as long as packing that.
import { closeSync, mkdtempSync, openSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { mountViews } from "./changes.ts";
import { packIntoFiles } from "./pack.ts";
import type { SnapshotId, Store } from "./types.ts";
import { workerCommand } from "./worker/confine.ts";
import { FIRST_OUTPUT, type LayerCompression } from "./worker/layer-compression.ts";
import type { LayerToPack, PackedLayer } from "./worker/pack-changes.ts";
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

interface Waiting {
  request: PackLayerRequest;
  packed: PromiseWithResolvers<PackedLayer>;
}

/** Bytes and inodes of a layer that is packed together with others. */
const SMALL = { size: 4 << 20, inodes: 1000 };
/** Milliseconds that it waits for others. */
const MOMENT = 3;
const TOGETHER = 32;

const waiting = new WeakMap<Store, Waiting[]>();

/** Whether packing it takes next to nothing. */
export async function isSmallLayer(store: Store, layer: SnapshotId): Promise<boolean> {
  const { size, inodes } = await store.snapshots.usage(layer);
  return size <= SMALL.size && inodes <= SMALL.inodes;
}

/** What a layer adds to and hides of those below it. Errors: system, as for a disk that is full. */
export async function packLayer(store: Store, request: PackLayerRequest): Promise<PackedLayer> {
  if (!(await isSmallLayer(store, request.layer)))
    return (await packTogether(store, [request], request.signal))[0]!;
  request.signal?.throwIfAborted();
  const packed = Promise.withResolvers<PackedLayer>();
  const leave = () => packed.reject(request.signal?.reason);
  request.signal?.addEventListener("abort", leave, { once: true });
  enqueue(store, { request, packed });
  try {
    return await packed.promise;
  } finally {
    request.signal?.removeEventListener("abort", leave);
  }
}

function enqueue(store: Store, one: Waiting): void {
  const others = waiting.get(store);
  if (others && others.length < TOGETHER) {
    others.push(one);
    return;
  }
  const batch = [one];
  waiting.set(store, batch);
  setTimeout(() => {
    if (waiting.get(store) === batch) waiting.delete(store);
    void packBatch(store, batch);
  }, MOMENT);
}

/** Goes on as long as anybody waits for one of them. */
async function packBatch(store: Store, batch: readonly Waiting[]): Promise<void> {
  const wanted = batch.filter(({ request }) => !request.signal?.aborted);
  if (wanted.length === 0) return;
  const all = new AbortController();
  const left = () => {
    if (wanted.every(({ request }) => request.signal?.aborted)) all.abort(new Error("nobody waits for it"));
  };
  for (const { request } of wanted) request.signal?.addEventListener("abort", left);
  try {
    const requests = wanted.map(({ request }) => request);
    const packed = await packTogether(store, requests, all.signal);
    for (const [at, { packed: promise }] of wanted.entries()) promise.resolve(packed[at]!);
  } catch (thrown) {
    for (const { packed } of wanted) packed.reject(thrown);
  } finally {
    for (const { request } of wanted) request.signal?.removeEventListener("abort", left);
  }
}

async function packTogether(
  store: Store,
  requests: readonly PackLayerRequest[],
  signal: AbortSignal | undefined,
): Promise<PackedLayer[]> {
  using stack = new DisposableStack();
  const root = mkdtempSync(join(store.root, "scratch", "pack-"));
  stack.defer(() => rmdirSync(root));
  const layers = requests.map(({ layer, compression, latest }, at): LayerToPack => {
    const views = stack.use(mountViews(store, { snapshot: layer, rootfs: undefined }, join(root, `${at}`)));
    return {
      folder: `${at}`,
      style: views.style,
      compression,
      ...(latest !== undefined && { latest }),
      output: FIRST_OUTPUT + at,
    };
  });
  const words = workerCommand("pack-layers", root, JSON.stringify(layers));
  const outputs = requests.map(({ output }) => output);
  return await packIntoFiles<PackedLayer[]>("pack-layers", words, { outputs }, signal);
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
    return await packIntoFiles<Recompressed>("recompress", words, { input, outputs: [output] }, signal);
  } finally {
    closeSync(input);
  }
}
