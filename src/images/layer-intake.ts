// A layer that comes as a stream rather than from a registry (import): stored packed and unpacked at once.
import { createGzip } from "node:zlib";
import { type Descriptor, MEDIA } from "../oci/types.ts";
import { type UnpackedLayer, unpackLayer } from "../store/index.ts";
import type { BlobWriter, LeaseId, Store } from "../store/types.ts";

export type Compression = "none" | "gzip" | "zstd";

export interface TakenLayer {
  descriptor: Descriptor;
  /** Unpacked, not yet committed. */
  unpacked: UnpackedLayer;
}

const MAGIC: [Compression, number[]][] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

/** What the first bytes say. */
export const compressionOf = (head: Uint8Array): Compression =>
  MAGIC.find(([, bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0] ?? "none";

/**
 * Stores an archive as a layer's blob, as it is when it is compressed and with gzip when it isn't, and unpacks it.
 * Errors: invalid for what is no archive; nothing is left then.
 */
export async function takeLayer(
  store: Store,
  archive: AsyncIterable<Uint8Array>,
  lease: LeaseId,
  signal?: AbortSignal,
): Promise<TakenLayer> {
  await using writer = await store.content.writer(`layer-${crypto.randomUUID()}`, lease);
  let unpacked: UnpackedLayer | undefined;
  try {
    const { head, all } = await withHead(archive);
    const compression = compressionOf(head);
    const sink = compression === "none" ? gzipInto(writer) : plainInto(writer);
    unpacked = await unpackLayer(store, { lease, source: { chunks: passing(all, sink.write) }, signal });
    await sink.end();
    const { digest, size } = await writer.commit({});
    const mediaType = compression === "zstd" ? MEDIA.ociLayerZstd : MEDIA.ociLayerGzip;
    return { descriptor: { mediaType, digest, size }, unpacked };
  } catch (error) {
    await writer.abort();
    if (unpacked) await store.snapshots.remove(unpacked.id);
    throw error;
  }
}

/** The first chunk with bytes, and the whole stream. */
async function withHead(
  archive: AsyncIterable<Uint8Array>,
): Promise<{ head: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const chunks = archive[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < 6) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  }
  return { head, all: all() };
}

async function* passing(
  chunks: AsyncIterable<Uint8Array>,
  take: (chunk: Uint8Array) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    await take(chunk);
    yield chunk;
  }
}

interface Sink {
  write(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

const plainInto = (writer: BlobWriter): Sink => ({
  write: (chunk) => writer.write(chunk),
  end: async () => {},
});

/** Compresses in zlib's own threads; the same bytes in give the same bytes out. */
function gzipInto(writer: BlobWriter): Sink {
  const gzip = createGzip({ level: 6, chunkSize: 1 << 18 });
  const copying = (async () => {
    for await (const chunk of gzip) await writer.write(chunk as Uint8Array);
  })();
  copying.catch(() => undefined);
  return {
    async write(chunk) {
      if (gzip.write(chunk)) return;
      const drained = Promise.withResolvers<void>();
      gzip.once("drain", drained.resolve);
      await Promise.race([drained.promise, copying]);
    },
    async end() {
      gzip.end();
      await copying;
    },
  };
}
