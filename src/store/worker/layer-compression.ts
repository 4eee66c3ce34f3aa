// How a layer's archive is compressed on its way out of a worker.
//
// gzip is a row of members, one for each piece (RFC 1952, 2.2): libdeflate compresses whole pieces alone, and does in half the time
// what zlib does. Go's reader, zlib's and ours take members one after another for one file.
import { once } from "node:events";
import { constants, createZstdCompress } from "node:zlib";
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

/** Of libdeflate: smaller than zlib's 6 makes it, in 40 % of its time. */
const GZIP_LEVEL = 4;
const ZSTD_LEVEL = 3;

/** The same bytes in give the same bytes out. */
export function layerCompressor(fd: number, { type, level }: LayerCompression): Compressor {
  if (type === "gzip") return gzipMembers(fd, level ?? GZIP_LEVEL);
  if (type === "zstd") return zstdFrame(fd, level ?? ZSTD_LEVEL);
  return { chunk: async (chunk) => writeAll(fd, chunk), end: async () => {} };
}

function gzipMembers(fd: number, level: number): Compressor {
  // Bun's type knows zlib's levels alone.
  const options = { library: "libdeflate", level: level as 6 } as const;
  let empty = true;
  const write = (bytes: Uint8Array<ArrayBuffer>) => {
    empty = false;
    const member = Bun.gzipSync(bytes, options);
    writeAll(fd, Buffer.from(member.buffer, member.byteOffset, member.byteLength));
  };
  return {
    chunk: async (chunk) => write(chunk as Uint8Array<ArrayBuffer>),
    async end() {
      if (empty) write(new Uint8Array());
    },
  };
}

/** Compresses in zlib's thread while the next chunk is read in this one. */
function zstdFrame(fd: number, level: number): Compressor {
  const zstd = createZstdCompress({
    chunkSize: CHUNK,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
  zstd.on("data", (chunk: Buffer) => writeAll(fd, chunk));
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
