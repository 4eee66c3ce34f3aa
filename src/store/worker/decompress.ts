// Gives the plain bytes of what may be compressed: told by the first bytes, since media types of strangers err.
import { readSync } from "node:fs";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { truncated } from "../../archive/index.ts";
import { invalid, messageOf } from "../../base/errors.ts";
import { ZstdFrames } from "./zstd-frames.ts";

export type Compression = "none" | "gzip" | "zstd";

/** Big enough that what each chunk costs doesn't count; zlib works on the next one in its own thread meanwhile. */
const CHUNK = 1 << 20;

const MAGIC: { bytes: number[]; name: string }[] = [
  { name: "gzip", bytes: [0x1f, 0x8b] },
  { name: "zstd", bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: "bzip2", bytes: [0x42, 0x5a, 0x68] },
  { name: "xz", bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
];

/** What the first bytes say. A tar begins with a name, and no compression's magic is a likely one. */
export function compressionOf(head: Uint8Array): Compression {
  if (
    head.length >= 4 &&
    head[1] === 0x2a &&
    head[2] === 0x4d &&
    head[3] === 0x18 &&
    (head[0]! & 0xf0) === 0x50
  )
    return "zstd"; // A skippable frame comes first (RFC 8878, 3.1.2)
  const name = MAGIC.find(({ bytes }) => bytes.every((byte, at) => head[at] === byte))?.name ?? "none";
  if (name === "bzip2" || name === "xz") throw invalid(`archives compressed with ${name} are not supported`);
  return name as Compression;
}

/**
 * Reads a descriptor to its end and hands on the plain bytes; a chunk is valid until what takes it has.
 * Errors: invalid when the compressed data is damaged or truncated.
 */
export async function readPlain(fd: number, take: (chunk: Buffer) => void | Promise<void>): Promise<void> {
  const head = readChunk(fd, Buffer.allocUnsafe(CHUNK), 6);
  const compression = compressionOf(head);
  if (compression === "none") {
    await take(head);
    // Nothing else runs in this process: waiting in read(2) is the shortest way.
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let chunk = readChunk(fd, buffer); chunk.length > 0; chunk = readChunk(fd, buffer)) {
      const taking = take(chunk);
      if (taking) await taking;
    }
    return;
  }
  const options = { chunkSize: CHUNK, highWaterMark: 4 * CHUNK };
  const stream = compression === "gzip" ? createGunzip(options) : createZstdDecompress(options);
  const frames = compression === "zstd" ? new ZstdFrames() : undefined;
  const feeding = feed(fd, head, stream, frames);
  // A feed that failed ends the stream with its error, so that the loop below doesn't wait for more.
  feeding.catch((thrown) => stream.destroy(thrown));
  try {
    for await (const chunk of stream) {
      const taking = take(chunk as Buffer);
      if (taking) await taking;
    }
    await feeding;
    if (frames && !frames.complete) throw truncated();
  } catch (thrown) {
    throw compressionError(thrown, compression);
  }
}

async function feed(
  fd: number,
  head: Buffer,
  stream: NodeJS.WritableStream,
  frames: ZstdFrames | undefined,
): Promise<void> {
  let chunk = head;
  while (chunk.length > 0) {
    frames?.push(chunk);
    if (!stream.write(chunk))
      await new Promise<void>((resolve, reject) => {
        const settle = (thrown?: Error) => {
          stream.off("drain", settle);
          stream.off("error", settle);
          if (thrown) reject(thrown);
          else resolve();
        };
        stream.once("drain", settle);
        stream.once("error", settle);
      });
    chunk = readChunk(fd, Buffer.allocUnsafe(CHUNK));
  }
  stream.end();
}

/** Reads until there are `least` bytes or the end. */
function readChunk(fd: number, buffer: Buffer, least = 1): Buffer {
  let length = 0;
  while (length < least) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

function compressionError(thrown: unknown, compression: Compression): unknown {
  const { code } = thrown as { code?: unknown };
  if (typeof code !== "string" || !/^(Z_|ZSTD_)/.test(code)) return thrown;
  if (code === "Z_BUF_ERROR" || /truncat|unexpected end/i.test(messageOf(thrown))) return truncated();
  return invalid(`the archive's ${compression} data is damaged: ${messageOf(thrown)}`, thrown);
}
