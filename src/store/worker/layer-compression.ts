// How a layer's archive is compressed on its way out of a worker.
//
// gzip is a row of members, one for each piece (RFC 1952, 2.2): libdeflate compresses whole pieces alone, and does in half the time
// what zlib does. Go's reader, zlib's and ours take members one after another for one file. So pieces are compressed side by side, and
// written in their order: how many processors there are doesn't show in the bytes.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { constants, createZstdCompress } from "node:zlib";
import type { Digest } from "../../oci/digest.ts";
import { CHUNK, writeAll } from "./pack.ts";

export interface LayerCompression {
  type: "gzip" | "zstd" | "uncompressed";
  /** Each type's own; undefined: our default. */
  level?: number;
}

export interface Compressor {
  /** The chunk's memory may be used again once this resolves. */
  chunk(chunk: Buffer): Promise<void>;
  end(): Promise<void>;
}

/** The descriptor of a worker's first archive, where it writes some: its standard output is not one of them. */
export const FIRST_OUTPUT = 3;

/** Of libdeflate: smaller than zlib's 6 makes it, in 40 % of its time. */
const GZIP_LEVEL = 4;
const ZSTD_LEVEL = 3;

/** Pieces at work at the same time: each holds three times its size. */
const SIDE_BY_SIDE = Math.min(availableParallelism(), 8) + 1;

/** A piece is judged by this many samples of it, each as long as deflate looks back (32 KiB). */
const SAMPLES = 4;
const SAMPLE = 32 << 10;
/** Samples that shrink by less show that the piece isn't worth it; those that shrink to less, that it is done in no time. */
const THIRTY_SECOND = 1 / 32;

/** What came out in the end. */
export interface CompressedFacts {
  digest: Digest;
  size: number;
}

/** The same bytes in give the same bytes out. */
export function layerCompressor(
  fd: number,
  { type, level }: LayerCompression,
): Compressor & { facts(): CompressedFacts } {
  const hash = createHash("sha256");
  let size = 0;
  const write = (bytes: Buffer) => {
    hash.update(bytes);
    size += bytes.length;
    writeAll(fd, bytes);
  };
  return {
    ...compressorOf(type, level, write),
    facts: () => ({ digest: `sha256:${hash.digest("hex")}` as Digest, size }),
  };
}

type Write = (bytes: Buffer) => void;

function compressorOf(type: LayerCompression["type"], level: number | undefined, write: Write): Compressor {
  if (type === "gzip") return gzipMembers(write, level);
  if (type === "zstd") return zstdFrame(write, level ?? ZSTD_LEVEL);
  return { chunk: async (chunk) => write(chunk), end: async () => {} };
}

function gzipMembers(write: Write, level: number | undefined): Compressor {
  // Whoever names a level has time for it.
  const prospect = level === undefined ? sampler() : () => "fair" as const;
  /** In their order; those before are written. */
  const members: Promise<Uint8Array>[] = [];
  let empty = true;
  const compress = (piece: Uint8Array<ArrayBuffer>) => {
    empty = false;
    const member = memberOf(piece, level ?? GZIP_LEVEL, prospect(piece));
    // Awaited in its turn.
    member.catch(() => {});
    members.push(member);
  };
  const writeFirst = async () => {
    const member = await members.shift()!;
    write(Buffer.from(member.buffer, member.byteOffset, member.byteLength));
  };
  return {
    async chunk(chunk) {
      compress(chunk as Uint8Array<ArrayBuffer>);
      if (members.length >= SIDE_BY_SIDE) await writeFirst();
    },
    async end() {
      if (empty) compress(new Uint8Array());
      while (members.length > 0) await writeFirst();
    },
  };
}

/** How far a piece will shrink. */
type Prospect = "none" | "fair" | "great";

/** The piece's memory may be used again at once. */
async function memberOf(
  piece: Uint8Array<ArrayBuffer>,
  level: number,
  prospect: Prospect,
): Promise<Uint8Array> {
  // By a thread of Bun's pool, which has one for each processor. The piece is not looked at as an archive.
  if (prospect === "fair" && level > 0)
    return await new Bun.Archive(piece, { compress: "gzip", level }).bytes();
  // Bun's type knows zlib's levels alone.
  return Bun.gzipSync(piece, { library: "libdeflate", level: (prospect === "none" ? 0 : level) as 6 });
}

/**
 * Tells what to expect of pieces. libdeflate takes longest over what can't shrink (archives, pictures, keys), and leaves it as it is
 * in the end; zstd gives up on samples of such in a fiftieth of that time. Zeros are done sooner than handed to a thread.
 */
function sampler(): (piece: Uint8Array) => Prospect {
  const samples = new Uint8Array(SAMPLES * SAMPLE);
  return (piece) => {
    const step = Math.floor((piece.length - SAMPLE) / (SAMPLES - 1));
    if (step < SAMPLE) return "fair";
    for (let at = 0; at < SAMPLES; at++)
      samples.set(piece.subarray(at * step, at * step + SAMPLE), at * SAMPLE);
    const left = Bun.zstdCompressSync(samples, { level: 1 }).length / samples.length;
    if (left > 1 - THIRTY_SECOND) return "none";
    return left < THIRTY_SECOND ? "great" : "fair";
  };
}

/** Compresses in zlib's thread while the next chunk is read in this one. */
function zstdFrame(write: Write, level: number): Compressor {
  const zstd = createZstdCompress({
    chunkSize: CHUNK,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
  zstd.on("data", write);
  const ended = once(zstd, "end");
  ended.catch(() => {});
  return {
    async chunk(chunk) {
      if (!zstd.write(Buffer.from(chunk))) await once(zstd, "drain");
    },
    async end() {
      zstd.end();
      await ended;
    },
  };
}
