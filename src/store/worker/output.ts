// A worker's archive on its way out: small pieces collected, and compressed where that is asked for.
import { once } from "node:events";
import { writeSync } from "node:fs";
import { createDeflateRaw, createGzip } from "node:zlib";

export type OutputCompression = "none" | "gzip" | "deflate";

export interface ArchiveOutput {
  /** Written at once, uncompressed: before all else. */
  head(text: string): void;
  /** A piece is used up before the next one is asked for. */
  all(pieces: Iterable<Buffer>): Promise<void>;
  end(): Promise<void>;
}

const CHUNK = 1 << 20;

/** Waits in write(2) while nobody reads: a reader that is slow holds the worker up. */
export function openArchiveOutput(fd: number, compression: OutputCompression): ArchiveOutput {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let length = 0;
  const write = compression === "none" ? undefined : compressor(fd, compression);
  const flush = async () => {
    const chunk = buffer.subarray(0, length);
    length = 0;
    if (write) await write.chunk(chunk);
    else writeAll(fd, chunk);
  };
  return {
    head: (text) => writeAll(fd, Buffer.from(text)),
    async all(pieces) {
      for (const piece of pieces)
        for (let at = 0; at < piece.length; ) {
          const copied = piece.copy(buffer, length, at);
          at += copied;
          length += copied;
          if (length === CHUNK) await flush();
        }
    },
    async end() {
      if (length > 0) await flush();
      await write?.end();
    },
  };
}

/** Compresses in zlib's thread while the tree is read in this one. */
function compressor(fd: number, compression: "gzip" | "deflate") {
  const stream =
    compression === "gzip" ? createGzip({ chunkSize: CHUNK }) : createDeflateRaw({ chunkSize: CHUNK });
  stream.on("data", (chunk: Buffer) => writeAll(fd, chunk));
  const ended = once(stream, "end");
  ended.catch(() => {});
  return {
    async chunk(chunk: Buffer) {
      // A copy: the caller fills its buffer anew while zlib may still wait to read this one.
      if (!stream.write(Buffer.from(chunk))) await once(stream, "drain");
    },
    async end() {
      stream.end();
      await ended;
    },
  };
}

function writeAll(fd: number, chunk: Buffer): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
}
