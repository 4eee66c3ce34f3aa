// Reads files and folders into a tar archive while others may change them: by descriptors, a name at a time, so that
// no link that appears meanwhile is ever followed; and nothing but regular files is opened for reading, so that a
// pipe can't hold the reader up and a device isn't touched.
import { type BigIntStats, fstatSync, readSync } from "node:fs";
import { systemError } from "../base/errors.ts";
import { close, O } from "../linux/ffi.ts";
import { momentOf, numbersOfDevice } from "../linux/files.ts";
import { childError, namesIn, openChild, openForReading, targetOf } from "../linux/folder.ts";
import { getXattr, listXattrs } from "../linux/xattr.ts";
import type { EntryType, TarEntry } from "./types.ts";
import { encodeEntry, paddingOf } from "./writer.ts";

const CHUNK = 1 << 20;
const ENOENT = 2;
const EACCES = 13;
const ENXIO = 6;
const ELOOP = 40;
const ENOTDIR = 20;
/** What a file that was replaced since it was looked at gives: gone, a link, a device where none may be opened. */
const REPLACED = new Set([ENOENT, ELOOP, ENOTDIR, EACCES, ENXIO]);

export interface PackTreeOptions {
  /** The time of every entry, in seconds since 1970; absent: each its own. */
  time?: number;
  /** The topmost folders are said to be root's, with mode 0755, and without a time of their own. */
  plainTops?: boolean;
  /** Told of what can't be read, which is then left out; without it that is thrown. */
  unreadable?: (name: string, error: Error) => void;
}

interface OpenFolder {
  fd: number;
  /** Names that are still to come, the last one first. */
  left: string[];
  /** In the archive. */
  prefix: string;
}

/** The entries of one archive: hard links between them are found. A chunk that is yielded is valid until the next one. */
export class TreePacker {
  /** First name of each file that has several, by device and inode. */
  private readonly links = new Map<string, string>();
  private readonly buffer = Buffer.allocUnsafe(CHUNK);

  constructor(private readonly options: PackTreeOptions = {}) {}

  /** An entry of an open folder, and what is below it, as `name` in the archive. Byte strings. */
  *entry(folder: number, base: string, name: string): Iterable<Buffer> {
    const open: OpenFolder[] = [];
    try {
      yield* this.one(folder, base, name, open);
      yield* this.descend(open);
    } finally {
      for (const { fd } of open) close(fd);
    }
  }

  /** What is in an open folder, without an entry for itself. */
  *below(folder: number, prefix: string): Iterable<Buffer> {
    const open: OpenFolder[] = [];
    try {
      this.enter(folder, prefix, open);
      yield* this.descend(open);
    } finally {
      for (const { fd } of open) close(fd);
    }
  }

  private *descend(open: OpenFolder[]): Iterable<Buffer> {
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const base = top.left.pop();
      if (base !== undefined) yield* this.one(top.fd, base, top.prefix + base, open);
      else close(open.pop()!.fd);
    }
  }

  private *one(folder: number, base: string, name: string, open: OpenFolder[]): Iterable<Buffer> {
    const fd = openChild(folder, base, O.PATH);
    if (fd === -ENOENT) return; // Gone since
    if (fd < 0) {
      this.skip(name, childError("open", -fd, name));
      return;
    }
    try {
      const facts = fstatSync(fd, { bigint: true });
      if (facts.isFile()) yield* this.file(folder, base, name);
      else if (facts.isDirectory()) yield* this.folder(fd, name, open);
      else if (!facts.isSocket()) yield* this.other(fd, name, facts); // A socket is nothing that an archive can hold
    } finally {
      close(fd);
    }
  }

  private *folder(place: number, name: string, open: OpenFolder[]): Iterable<Buffer> {
    const fd = openForReading(place);
    if (fd < 0) {
      this.skip(name, childError("open", -fd, name));
      return;
    }
    try {
      // Of the open folder, which is the one whose entries follow.
      const entry = toEntry(fstatSync(fd, { bigint: true }), name, "directory", xattrsOf(fd));
      yield encodeEntry(this.timed(this.options.plainTops && !name.includes("/") ? plain(entry) : entry));
      this.enter(fd, name.endsWith("/") ? name : `${name}/`, open);
    } finally {
      close(fd);
    }
  }

  private enter(folder: number, prefix: string, open: OpenFolder[]): void {
    const fd = openForReading(folder);
    if (fd < 0) {
      this.skip(prefix, childError("open", -fd, prefix));
      return;
    }
    // By bytes, so that the same tree gives the same archive.
    open.push({ fd, left: namesIn(fd).sort((a, b) => (a < b ? 1 : -1)), prefix });
  }

  /** As many bytes as the header says, whatever a process that writes the file does meanwhile. */
  private *file(folder: number, base: string, name: string): Iterable<Buffer> {
    const fd = openChild(folder, base, O.RDONLY | O.NONBLOCK | O.NOCTTY);
    if (fd < 0) {
      if (this.options.unreadable || !REPLACED.has(-fd)) this.skip(name, childError("open", -fd, name));
      return;
    }
    try {
      const facts = fstatSync(fd, { bigint: true });
      if (!facts.isFile()) return;
      const entry = this.timed(toEntry(facts, name, "file", xattrsOf(fd)));
      const first = this.firstNameOf(facts, name);
      if (first !== undefined) {
        yield encodeEntry({ ...entry, type: "link", linkName: first, size: 0, xattrs: undefined });
        return;
      }
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
      close(fd);
    }
  }

  private *other(fd: number, name: string, facts: BigIntStats): Iterable<Buffer> {
    const entry = this.timed(toEntry(facts, name, typeOf(facts), undefined));
    const first = this.firstNameOf(facts, name);
    if (first !== undefined) yield encodeEntry({ ...entry, type: "link", linkName: first });
    else yield encodeEntry(facts.isSymbolicLink() ? { ...entry, linkName: targetOf(fd) } : entry);
  }

  private timed(entry: TarEntry): TarEntry {
    const { time } = this.options;
    return time === undefined ? entry : { ...entry, modified: { seconds: time, nanoseconds: 0 } };
  }

  private firstNameOf(facts: BigIntStats, name: string): string | undefined {
    if (facts.nlink < 2n) return undefined;
    const key = `${facts.dev}:${facts.ino}`;
    const first = this.links.get(key);
    if (first === undefined) this.links.set(key, name);
    return first;
  }

  private skip(name: string, error: Error): void {
    if (!this.options.unreadable) throw error;
    this.options.unreadable(name, error);
  }
}

const plain = ({ name, type }: TarEntry): TarEntry => ({
  name,
  type,
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  modified: { seconds: 0, nanoseconds: 0 },
  linkName: "",
  major: 0,
  minor: 0,
});

function toEntry(
  facts: BigIntStats,
  name: string,
  type: EntryType,
  xattrs: Map<string, Uint8Array> | undefined,
): TarEntry {
  const isDevice = type === "character" || type === "block";
  const { major, minor } = isDevice ? numbersOfDevice(facts.rdev) : { major: 0, minor: 0 };
  return {
    name,
    type,
    mode: Number(facts.mode & 0o7777n),
    uid: Number(facts.uid),
    gid: Number(facts.gid),
    size: type === "file" ? Number(facts.size) : 0,
    // Whole seconds, as in Docker's archives.
    modified: { seconds: momentOf(facts.mtimeNs).seconds, nanoseconds: 0 },
    linkName: "",
    major,
    minor,
    ...(xattrs && { xattrs }),
  };
}

function typeOf(facts: BigIntStats): EntryType {
  if (facts.isSymbolicLink()) return "symlink";
  if (facts.isCharacterDevice()) return "character";
  if (facts.isBlockDevice()) return "block";
  if (facts.isFIFO()) return "fifo";
  throw systemError("a file of a type that no archive has");
}

/** What makes sense on another host: not overlay's marks, not this host's labels. */
function xattrsOf(fd: number): Map<string, Uint8Array> | undefined {
  let found: Map<string, Uint8Array> | undefined;
  for (const key of listXattrs(fd)) {
    if (key.startsWith("trusted.") || key.startsWith("user.overlay.") || key === "security.selinux") continue;
    const value = getXattr(fd, key);
    if (!value) continue;
    found ??= new Map();
    found.set(key, value);
  }
  return found;
}
