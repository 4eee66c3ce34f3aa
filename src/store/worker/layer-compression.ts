// How a layer's archive is compressed on its way out of a worker.
//
// gzip is a row of members, one for each piece (RFC 1952, 2.2): libdeflate compresses whole pieces alone, and does in half the time
// what zlib does. Go's reader, zlib's and ours take members one after another for one file.

import { createHash } from "node:crypto";
import { once } from "node:events";
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
  if (type === "gzip") return gzipMembers(write, level ?? GZIP_LEVEL);
  if (type === "zstd") return zstdFrame(write, level ?? ZSTD_LEVEL);
  return { chunk: async (chunk) => write(chunk), end: async () => {} };
}

function gzipMembers(write: Write, level: number): Compressor {
  // Bun's type knows zlib's levels alone.
  const options = { library: "libdeflate", level: level as 6 } as const;
  let empty = true;
  const compress = (bytes: Uint8Array<ArrayBuffer>) => {
    empty = false;
    const member = Bun.gzipSync(bytes, options);
    write(Buffer.from(member.buffer, member.byteOffset, member.byteLength));
  };
  return {
    chunk: async (chunk) => compress(chunk as Uint8Array<ArrayBuffer>),
    async end() {
      if (empty) compress(new Uint8Array());
    },
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
