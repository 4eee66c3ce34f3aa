import { once } from "node:events";
import { type BigIntStats, readlinkSync, writeSync } from "node:fs";
import { createGzip } from "node:zlib";
import type { EntryType, TarEntry } from "../../archive/index.ts";
import { systemError } from "../../base/errors.ts";
import { momentOf, numbersOfDevice } from "../../linux/files.ts";
import { getXattr, listXattrs } from "../../linux/xattr.ts";

export const CHUNK = 1 << 20;

/** Compresses in zlib's thread while the tree is read in this one. */
export function gzipTo(fd: number) {
  const gzip = createGzip({ chunkSize: CHUNK });
  gzip.on("data", (chunk: Buffer) => writeAll(fd, chunk));
  const ended = once(gzip, "end");
  ended.catch(() => {});
  return {
    async chunk(chunk: Buffer) {
      // A copy: the caller fills its buffer anew while zlib may still wait to read this one.
      if (!gzip.write(Buffer.from(chunk))) await once(gzip, "drain");
    },
    async end() {
      gzip.end();
      await ended;
    },
  };
}

/** Collects small pieces: a chunk is valid until the next one. */
export function* inChunks(pieces: Iterable<Buffer>): Iterable<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let length = 0;
  for (const piece of pieces)
    for (let at = 0; at < piece.length; ) {
      const copied = piece.copy(buffer, length, at);
      at += copied;
      length += copied;
      if (length < CHUNK) continue;
      yield buffer;
      length = 0;
    }
  if (length > 0) yield buffer.subarray(0, length);
}

/** `at`: the path that it is found by now, where that isn't its name. */
export function toEntry(name: string, facts: BigIntStats, at = name): TarEntry {
  const type = typeOf(facts);
  const { major, minor } =
    type === "character" || type === "block" ? numbersOfDevice(facts.rdev) : { major: 0, minor: 0 };
  return {
    name,
    type,
    mode: Number(facts.mode & 0o7777n),
    uid: Number(facts.uid),
    gid: Number(facts.gid),
    size: type === "file" ? Number(facts.size) : 0,
    // Whole seconds as in Docker's layers: a header of a kilobyte for each file is too much for a fraction.
    modified: { seconds: momentOf(facts.mtimeNs).seconds, nanoseconds: 0 },
    linkName: type === "symlink" ? readlinkSync(place(at), { encoding: "buffer" }).toString("latin1") : "",
    major,
    minor,
    xattrs: xattrsOf(at),
  };
}

function typeOf(facts: BigIntStats): EntryType {
  if (facts.isFile()) return "file";
  if (facts.isDirectory()) return "directory";
  if (facts.isSymbolicLink()) return "symlink";
  if (facts.isCharacterDevice()) return "character";
  if (facts.isBlockDevice()) return "block";
  if (facts.isFIFO()) return "fifo";
  throw systemError("a file of a type that no archive has");
}

/** What makes sense on another host: not overlay's marks, not this host's labels. */
export function xattrsOf(name: string): Map<string, Uint8Array> | undefined {
  let found: Map<string, Uint8Array> | undefined;
  const path = Buffer.from(`${name}\0`, "latin1");
  for (const key of listXattrs(path)) {
    if (key.startsWith("trusted.") || key.startsWith("user.overlay.") || key === "security.selinux") continue;
    const value = getXattr(path, key);
    if (!value) continue;
    found ??= new Map();
    found.set(key, value);
  }
  return found;
}

const place = (path: string): Buffer => Buffer.from(path || ".", "latin1");

export function writeAll(fd: number, chunk: Buffer): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
}
