// The job "pack": a tree as a tar archive to standard output, the report to standard error.
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  writeSync,
} from "node:fs";
import { createGzip } from "node:zlib";
import {
  END_OF_ARCHIVE,
  type EntryType,
  encodeEntry,
  paddingOf,
  type TarEntry,
} from "../../archive/index.ts";
import { systemError } from "../../base/errors.ts";
import { failedWith } from "../../linux/errors.ts";
import { O } from "../../linux/ffi.ts";
import { enterRoot, momentOf, numbersOfDevice } from "../../linux/files.ts";
import { getXattr, listXattrs } from "../../linux/xattr.ts";
import type { Digest } from "../../oci/digest.ts";

export type PackCompression = "none" | "gzip";

export interface Packed {
  /** sha256 of the archive without its compression. */
  diffId: Digest;
  /** Bytes of the archive without its compression. */
  size: number;
}

export const CHUNK = 1 << 20;

/** Packs what is below `root`, which becomes this process's root directory. */
export async function pack(root: string, compression: PackCompression): Promise<Packed> {
  enterRoot(root);
  const hash = createHash("sha256");
  let size = 0;
  const write =
    compression === "gzip"
      ? gzipTo(1)
      : { chunk: async (chunk: Buffer) => writeAll(1, chunk), end: async () => {} };
  for (const chunk of inChunks(new Packer().archive())) {
    hash.update(chunk);
    size += chunk.length;
    await write.chunk(chunk);
  }
  await write.end();
  return { diffId: `sha256:${hash.digest("hex")}` as Digest, size };
}

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

class Packer {
  /** First name of each file that has several, by device and inode. */
  private readonly links = new Map<string, string>();
  private readonly buffer = Buffer.allocUnsafe(CHUNK);

  *archive(): Iterable<Buffer> {
    yield* this.folder("");
    yield END_OF_ARCHIVE;
  }

  private *folder(path: string): Iterable<Buffer> {
    // By bytes, so that the same tree gives the same archive.
    for (const base of names(path)) {
      const name = path ? `${path}/${base}` : base;
      const facts = lstatSync(place(name), { bigint: true, throwIfNoEntry: false });
      if (facts) yield* this.entry(name, facts); // else gone since
    }
  }

  private *entry(name: string, facts: BigIntStats): Iterable<Buffer> {
    if (facts.isSocket()) return; // Nothing that an archive can hold, nor that would work elsewhere
    const entry = toEntry(name, facts);
    if (facts.nlink > 1n && !facts.isDirectory()) {
      const key = `${facts.dev}:${facts.ino}`;
      const first = this.links.get(key);
      if (first !== undefined) {
        yield encodeEntry({ ...entry, type: "link", linkName: first, size: 0, xattrs: undefined });
        return;
      }
      this.links.set(key, name);
    }
    if (entry.type === "file") yield* this.file(entry);
    else yield encodeEntry(entry);
    if (entry.type !== "directory") return;
    yield* this.folder(name);
  }

  /** As many bytes as the header says, whatever a process that writes the file does meanwhile. */
  private *file(entry: TarEntry): Iterable<Buffer> {
    let fd: number;
    try {
      fd = openSync(place(entry.name), O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    } catch (thrown) {
      if (failedWith(thrown, "ENOENT", "ELOOP")) return;
      throw thrown;
    }
    try {
      yield encodeEntry(entry);
      for (let left = entry.size; left > 0; ) {
        const count = readSync(fd, this.buffer, 0, Math.min(left, CHUNK), null);
        if (count === 0) this.buffer.fill(0);
        const taken = count || Math.min(left, CHUNK);
        yield this.buffer.subarray(0, taken);
        left -= taken;
      }
      yield Buffer.alloc(paddingOf(entry.size));
    } finally {
      closeSync(fd);
    }
  }
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

function names(path: string): string[] {
  try {
    return readdirSync(place(path), { encoding: "buffer" })
      .map((name) => name.toString("latin1"))
      .sort((a, b) => (a < b ? -1 : 1));
  } catch (thrown) {
    if (failedWith(thrown, "ENOENT", "ENOTDIR")) return []; // Gone or replaced since
    throw thrown;
  }
}

const place = (path: string): Buffer => Buffer.from(path || ".", "latin1");

export function writeAll(fd: number, chunk: Buffer): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
}
