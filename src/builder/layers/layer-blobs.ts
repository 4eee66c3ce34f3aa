// A snapshot's layers as archives: what an image of it is made of. A base image's layers have theirs from its registry; a step's
// is packed once, and kept with it. One layer may have several, which differ in their compression alone.
//
// Who may run side by side: any number of callers for any snapshots; a layer is packed by the first, and the others wait.
import { invalid, systemError } from "../../base/errors.ts";
import { SharedWork, Slots } from "../../base/shared-work.ts";
import { type ChainId, chainIds, type Digest } from "../../oci/digest.ts";
import { type Descriptor, MEDIA } from "../../oci/types.ts";
import {
  isSmallLayer,
  type LayerCompression,
  packLayer,
  recompressLayer,
  withSharedLease,
} from "../../store/index.ts";
import type { LeaseId, SnapshotId, Store } from "../../store/types.ts";
import type { BaseLayer, LayerBlob } from "../types.ts";
import { type Compression, compressionOf } from "./compression.ts";

interface BlobRow extends LayerBlob {
  /** The snapshot. */
  id: string;
  /** The same archive in other compressions. */
  others?: Descriptor[];
}

export interface LayerBlobOptions {
  lease: LeaseId;
  signal: AbortSignal;
  compression?: Compression;
}

const DEFAULT: Compression = { type: "gzip", force: false };

/** A larger layer's archive is packed while another is: what it takes is a processor each. */
const SIDE_BY_SIDE = 2;

const works = new WeakMap<Store, { packing: SharedWork<LayerBlob, never>; slots: Slots }>();

function worksOf(store: Store) {
  const known = works.get(store);
  if (known) return known;
  const made = { packing: new SharedWork<LayerBlob, never>(), slots: new Slots(SIDE_BY_SIDE) };
  works.set(store, made);
  return made;
}

const rows = (store: Store) => store.documents<BlobRow>("layerBlobs");

/** Notes the archives of layers that came with an image. */
export function recordLayerBlobs(store: Store, layers: readonly BaseLayer[]): void {
  for (const { snapshot, blob } of layers) {
    const row = rows(store).get(snapshot);
    if (row?.diffId === blob.diffId && presentIn(store, row).length > 0) continue;
    rows(store).put({ id: snapshot, ...blob });
  }
}

/** Whether an archive of a layer is here, in whatever compression. */
export function hasLayerBlob(store: Store, snapshot: SnapshotId): boolean {
  const row = rows(store).get(snapshot);
  return row !== undefined && presentIn(store, row).length > 0;
}

/** The stack of a snapshot, lowest first, with the archive of each; the lease holds them. Errors: system. */
export async function layerBlobs(
  store: Store,
  snapshot: SnapshotId | undefined,
  options: LayerBlobOptions,
): Promise<BaseLayer[]> {
  const layers = await Promise.all(
    stackOf(store, snapshot).map(async (each) => ({
      snapshot: each,
      blob: await blobOf(store, each, options),
    })),
  );
  const chains = chainIds(layers.map(({ blob }) => blob.diffId));
  for (const [at, layer] of layers.entries()) name(store, layer.snapshot, chains[at] as ChainId);
  return layers;
}

/**
 * The same with no file younger than `latest` (seconds since 1970), but for the lowest `immutable` layers, which are a base
 * image's. What is packed so is not kept: it is not what the snapshot holds.
 */
export async function clampedLayerBlobs(
  store: Store,
  snapshot: SnapshotId | undefined,
  { latest, immutable, ...options }: LayerBlobOptions & { latest: number; immutable: number },
): Promise<LayerBlob[]> {
  const { slots } = worksOf(store);
  return await Promise.all(
    stackOf(store, snapshot).map(async (layer, at) => {
      if (at < immutable) return await blobOf(store, layer, options);
      const work = () =>
        pack(store, layer, { ...options, compression: options.compression ?? DEFAULT, latest });
      return (await isSmallLayer(store, layer)) ? await work() : await slots.run(options.signal, work);
    }),
  );
}

/** The stack's archives as far as they are here: undefined when one of them isn't. */
export function knownLayerBlobs(store: Store, snapshot: SnapshotId): LayerBlob[] | undefined {
  const blobs: LayerBlob[] = [];
  for (const each of stackOf(store, snapshot)) {
    const blob = find(store, each, DEFAULT);
    if (!blob) return undefined;
    blobs.push(blob);
  }
  return blobs;
}

/** Bytes of a layer's archives that are here. */
export function archivesSize(store: Store, snapshot: SnapshotId): number {
  const row = rows(store).get(snapshot);
  return row ? presentIn(store, row).reduce((sum, { size }) => sum + size, 0) : 0;
}

function stackOf(store: Store, snapshot: SnapshotId | undefined): SnapshotId[] {
  const stack: SnapshotId[] = [];
  for (let at = snapshot; at !== undefined; at = store.snapshots.parentOf(at)) stack.unshift(at);
  return stack;
}

/** So that a container of the image finds its layers unpacked. Another layer may have the name already: the image then has that one. */
function name(store: Store, snapshot: SnapshotId, chain: ChainId): void {
  if (!store.snapshots.layer(chain)) store.snapshots.nameLayer(snapshot, chain);
}

/** A layer's archives that are here. */
const presentIn = (store: Store, { descriptor, others = [] }: BlobRow): Descriptor[] =>
  [descriptor, ...others].filter(({ digest }) => store.content.info(digest));

/** One that is here and will do; undefined: it has to be made. */
function find(store: Store, snapshot: SnapshotId, { type, force }: Compression): LayerBlob | undefined {
  const row = rows(store).get(snapshot);
  if (!row) return undefined;
  const present = presentIn(store, row);
  const descriptor =
    present.find((each) => compressionOf(each.mediaType) === type) ?? (force ? undefined : present[0]);
  const { diffId, createdAt } = row;
  return descriptor && { descriptor, diffId, ...(createdAt && { createdAt }) };
}

async function blobOf(store: Store, snapshot: SnapshotId, options: LayerBlobOptions): Promise<LayerBlob> {
  const { lease, signal, compression = DEFAULT } = options;
  const known = find(store, snapshot, compression);
  if (known) {
    store.leases.hold(lease, { digest: known.descriptor.digest });
    return known;
  }
  const { packing, slots } = worksOf(store);
  const made = await packing.run(
    `${snapshot} ${compression.type} ${compression.level ?? ""}`,
    signal,
    () => {},
    async (signal) => {
      const work = () =>
        withSharedLease(store, "pack a layer", (held) =>
          make(store, snapshot, { lease: held, signal, compression }),
        );
      return (await isSmallLayer(store, snapshot)) ? await work() : await slots.run(signal, work);
    },
  );
  store.leases.hold(lease, { digest: made.descriptor.digest });
  return made;
}

type MakeOptions = Required<LayerBlobOptions>;

/** From another archive of the layer, whose diff id its chain has; else from its files. */
async function make(store: Store, snapshot: SnapshotId, options: MakeOptions): Promise<LayerBlob> {
  const row = rows(store).get(snapshot);
  const [source] = row ? presentIn(store, row) : [];
  if (!row || !source) {
    const packed = await pack(store, snapshot, options);
    rows(store).put({ id: snapshot, ...packed });
    return packed;
  }
  store.leases.hold(options.lease, { digest: source.digest });
  const path = store.content.path(source.digest);
  const { diffId, descriptor } = await take(store, options, (output, compression) =>
    recompressLayer({ path, compression, output, signal: options.signal }),
  );
  if (diffId !== row.diffId) throw systemError(`layer ${source.digest} isn't what its image's config names`);
  rows(store).put({ ...row, others: [...(row.others ?? []), descriptor] });
  return { descriptor, diffId, ...(row.createdAt && { createdAt: row.createdAt }) };
}

async function pack(
  store: Store,
  layer: SnapshotId,
  options: MakeOptions & { latest?: number },
): Promise<LayerBlob> {
  if (!store.snapshots.has(layer))
    throw invalid(`snapshot ${layer} is not a finished layer and can't be packed`);
  const { latest, signal } = options;
  const packed = await take(store, options, (output, compression) =>
    packLayer(store, { layer, compression, output, signal, ...(latest !== undefined && { latest }) }),
  );
  return { ...packed, createdAt: store.snapshots.createdAt(layer) };
}

/** A worker's archive as a blob. */
async function take(
  store: Store,
  { lease, compression: { type, level } }: MakeOptions,
  write: (
    output: number,
    compression: LayerCompression,
  ) => Promise<{ digest: Digest; size: number; diffId: Digest }>,
): Promise<{ descriptor: Descriptor; diffId: Digest }> {
  await using writer = await store.content.writer(`build-layer-${crypto.randomUUID()}`, lease);
  try {
    let diffId: Digest | undefined;
    await writer.fill(async (output) => {
      const written = await write(output, { type, ...(level !== undefined && { level }) });
      diffId = written.diffId;
      return written;
    });
    const { digest, size } = await writer.commit({});
    return { descriptor: { mediaType: LAYER_MEDIA[type], digest, size }, diffId: diffId as Digest };
  } catch (thrown) {
    await writer.abort();
    throw thrown;
  }
}

const LAYER_MEDIA = {
  gzip: MEDIA.ociLayerGzip,
  zstd: MEDIA.ociLayerZstd,
  uncompressed: MEDIA.ociLayer,
} as const;
