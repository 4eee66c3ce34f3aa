// Copies an entry of one tree into another, with all that is below it, as BuildKit's COPY does (fsutil's copy): what is there is
// joined with it, files are replaced; owner, mode, times, attributes and hard links among what is copied are kept.
//
// By descriptors, one name at a time, so no link is ever followed here.
import { type BigIntStats, constants, fstatSync } from "node:fs";
import { removeAll } from "../../../archive/index.ts";
import { systemError } from "../../../base/errors.ts";
import { createPathFilter, type FolderState, type PathFilter } from "../../../buildkit/file-sync/index.ts";
import { copyData } from "../../../linux/copy-data.ts";
import { KernelError } from "../../../linux/errors.ts";
import { close, O } from "../../../linux/ffi.ts";
import {
  attempt,
  type Moment,
  momentOf,
  setMode,
  setModeOf,
  setOwnerAndMode,
  setOwnerOfLink,
  setTimes,
  setTimesOfLink,
} from "../../../linux/files.ts";
import { entriesIn, KIND, openChild, targetOf } from "../../../linux/folder.ts";
import { getXattr, listXattrs, setXattr } from "../../../linux/xattr.ts";
import type { OwnerIds } from "./owners.ts";
import type { ModeChange } from "./symbolic-mode.ts";
import { bytesOf, pathError, shownPath } from "./tree-paths.ts";

const EEXIST = 17;
const ENOTDIR = 20;
const EPERM = 1;
const ENOTSUP = 95;
const { S_IFREG, S_IFIFO, S_IFCHR, S_IFBLK } = constants;
const S_ISGID = 0o2000;

export interface CopyOptions {
  owner: OwnerIds | undefined;
  /** Of all that is copied but links. */
  mode: ModeChange | undefined;
  time: Moment | undefined;
  includePatterns: readonly string[];
  excludePatterns: readonly string[];
  replaceDestination: boolean;
}

/** Where an entry is read, or made: an open folder, and the entry's name in it. */
export interface Entry {
  folder: number;
  name: string;
  /** For messages. */
  path: readonly string[];
}

/** A folder that is being copied. */
interface Level {
  parent: Level | undefined;
  source: number;
  facts: BigIntStats;
  /** -1 until it is made: what patterns don't name is made for something in it alone. */
  target: number;
  name: string;
  /** Made just now, so nothing is in it. */
  made: boolean;
  /** A file in it is its group's. */
  handsOnGroup: boolean;
  /** Metadata of a folder that was there are the source's, but of the topmost. */
  isTop: boolean;
  state: FolderState | undefined;
  /** Relative to what is copied; "" for the topmost. */
  matched: string;
  path: readonly string[];
}

export class Copier {
  private readonly filter: PathFilter | undefined;
  /** First copy of each file that has several names, by device and inode; as a path from the root directory. */
  private readonly links = new Map<string, string>();

  /** The process's root directory is the target's tree. Errors: invalid for bad patterns. */
  constructor(private readonly options: CopyOptions) {
    const { includePatterns, excludePatterns } = options;
    if (includePatterns.length > 0 || excludePatterns.length > 0)
      this.filter = createPathFilter(includePatterns, excludePatterns);
  }

  /** Errors: system, in BuildKit's words; KernelError. */
  copy(source: Entry, target: Entry): void {
    const fd = openChild(source.folder, source.name, O.PATH);
    if (fd < 0) throw pathError("lstat", -fd, source.path);
    const facts = fstatSync(fd, { bigint: true });
    close(fd);
    const into: Level = {
      parent: undefined,
      source: source.folder,
      facts,
      target: target.folder,
      name: "",
      made: false,
      handsOnGroup: handsOnGroup(target.folder),
      isTop: false,
      state: undefined,
      matched: "",
      path: target.path.slice(0, -1),
    };
    if (facts.isDirectory()) this.folder(into, source.name, target.name, "", undefined, true);
    else if (facts.isFile()) this.file(into, source.name, target.name);
    else this.other(into, source.name, target.name);
  }

  private below(level: Level): void {
    for (const { name, kind } of entriesIn(level.source)) {
      const matched = level.matched === "" ? name : `${level.matched}/${name}`;
      const isFolder = kind === KIND.folder || (kind === KIND.unknown && this.isFolder(level, name));
      const look = this.filter?.look(matched, isFolder, level.state);
      if (isFolder) {
        if (!look || look.taken || look.entered)
          this.folder(level, name, name, matched, look?.state, look?.taken ?? true);
      } else if (look && !look.taken) continue;
      else if (kind === KIND.file) this.file(level, name, name);
      else this.other(level, name, name);
    }
  }

  private isFolder(level: Level, name: string): boolean {
    const fd = openChild(level.source, name, O.PATH);
    if (fd < 0) throw this.failed(level, name, "failed to stat", "lstat", -fd);
    const isFolder = fstatSync(fd).isDirectory();
    close(fd);
    return isFolder;
  }

  private folder(
    parent: Level,
    name: string,
    newName: string,
    matched: string,
    state: FolderState | undefined,
    taken: boolean,
  ): void {
    const source = attempt.open(bytesOf(name), O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, parent.source);
    if (source < 0) throw this.failed(parent, newName, "failed to read", "open", -source);
    const level: Level = {
      parent,
      source,
      facts: fstatSync(source, { bigint: true }),
      target: -1,
      name: newName,
      made: false,
      handsOnGroup: false,
      isTop: parent.parent === undefined,
      state,
      matched,
      path: newName === "." ? parent.path : [...parent.path, newName],
    };
    try {
      if (taken) this.make(level);
      this.below(level);
      if (level.target >= 0) this.settleFolder(level, taken);
    } finally {
      close(source);
      if (level.target >= 0) close(level.target);
    }
  }

  /** Makes a folder, and those that it is in, in the target. */
  private make(level: Level): void {
    if (level.target >= 0) return;
    const { parent, name } = level;
    if (parent) this.make(parent);
    const into = parent?.target ?? -1;
    const mode = Number(level.facts.mode & 0o7777n);
    let code = level.name === "." ? EEXIST : attempt.mkdir(bytesOf(name), mode, into);
    level.made = code === 0;
    level.target = code === 0 || code === EEXIST ? openChild(into, name, O.RDONLY | O.DIRECTORY) : -code;
    if (level.target === -ENOTDIR || (level.target < 0 && code === EEXIST)) {
      if (!this.options.replaceDestination)
        throw systemError(`cannot copy to non-directory: ${shownPath(level.path)}`);
      removeAll(into, name, shownPath(level.path));
      code = attempt.mkdir(bytesOf(name), mode, into);
      level.made = code === 0;
      level.target = code === 0 ? openChild(into, name, O.RDONLY | O.DIRECTORY) : -code;
    }
    if (level.target < 0)
      throw systemError(
        `failed to mkdir ${shownPath(level.path)}: ${pathError("mkdir", -level.target, level.path).message}`,
      );
    level.handsOnGroup = handsOnGroup(level.target);
  }

  /** Last, since putting files into it changes its times. */
  private settleFolder(level: Level, taken: boolean): void {
    const { facts, target } = level;
    // Of the topmost, when it was there, only the times are taken; of one that no pattern names only the mode.
    if (level.made || (taken && !level.isTop)) this.settle(target, facts, level.source, true);
    else if (taken) this.settleTimes(target, facts);
    else setModeOf(target, Number(facts.mode & 0o7777n));
  }

  private file(level: Level, name: string, newName: string): void {
    const bytes = bytesOf(name);
    const source = attempt.open(bytes, O.RDONLY | O.NOFOLLOW | O.NONBLOCK | O.NOCTTY, 0, level.source);
    if (source < 0)
      throw this.failed(level, newName, "failed to copy files: failed to open source", "open", -source);
    try {
      const facts = fstatSync(source, { bigint: true });
      if (!facts.isFile()) throw systemError(`${this.shown(level, newName)} is no file any more`);
      this.make(level);
      const newBytes = newName === name ? bytes : bytesOf(newName);
      if (facts.nlink > 1n && this.linked(level, newName, newBytes, facts)) return;
      const target = this.create(level, newName, newBytes, this.modeOf(facts));
      try {
        this.copyData(source, target, Number(facts.size));
        this.settle(target, facts, source, level.handsOnGroup);
      } finally {
        close(target);
      }
    } finally {
      close(source);
    }
  }

  private copyData(source: number, target: number, size: number): void {
    if (size === 0) return;
    try {
      copyData(source, target, size);
    } catch (thrown) {
      if (!(thrown instanceof KernelError)) throw thrown;
      const how = thrown.syscall === "copy_file_range" ? "copy file range" : "userspace copy";
      throw systemError(`failed to copy files: ${how} failed: ${thrown.message}`, thrown);
    }
  }

  /** A new file for writing in place of what is there. */
  private create(level: Level, name: string, bytes: Uint8Array, mode: number): number {
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
    const fd = this.replacing(level, name, bytes, () => attempt.open(bytes, flags, mode, level.target));
    if (fd < 0) throw this.failed(level, name, "failed to copy files: failed to open target", "open", -fd);
    return fd;
  }

  /** The other names of a file are hard links to the first copy of it. */
  private linked(level: Level, name: string, bytes: Uint8Array, facts: BigIntStats): boolean {
    const key = `${facts.dev}:${facts.ino}`;
    const first = this.links.get(key);
    if (first === undefined) {
      this.links.set(key, `/${[...level.path, name].join("/")}`);
      return false;
    }
    const code = -this.replacing(
      level,
      name,
      bytes,
      () => -attempt.link(bytesOf(first), bytes, level.target),
    );
    if (code !== 0) throw this.failed(level, name, "failed to create hard link", "link", code);
    return true;
  }

  /** Links, devices, pipes; a socket is copied as an empty file, as by fsutil. */
  private other(level: Level, name: string, newName: string): void {
    const fd = openChild(level.source, name, O.PATH);
    if (fd < 0) throw this.failed(level, newName, "failed to stat", "lstat", -fd);
    try {
      const facts = fstatSync(fd, { bigint: true });
      if (facts.isFile()) {
        this.file(level, name, newName);
        return;
      }
      this.make(level);
      const bytes = bytesOf(newName);
      if (facts.isSymbolicLink()) this.symbolicLink(level, newName, bytes, bytesOf(targetOf(fd)));
      else this.node(level, newName, bytes, facts);
      const { uid, gid } = this.ownerOf(facts);
      setOwnerOfLink(bytes, uid, gid, level.target);
      if (!facts.isSymbolicLink()) setMode(bytes, this.modeOf(facts), level.target);
      setTimesOfLink(bytes, ...this.timesOf(facts), level.target);
    } finally {
      close(fd);
    }
  }

  private symbolicLink(level: Level, name: string, bytes: Uint8Array, target: Uint8Array): void {
    const code = -this.replacing(level, name, bytes, () => -attempt.symlink(target, bytes, level.target));
    if (code === 0) return;
    const path = this.shown(level, name);
    throw systemError(`failed to create symlink: ${path}: ${new KernelError("symlink", code, path).message}`);
  }

  private node(level: Level, name: string, bytes: Uint8Array, facts: BigIntStats): void {
    const types = facts.isFIFO()
      ? S_IFIFO
      : facts.isCharacterDevice()
        ? S_IFCHR
        : facts.isBlockDevice()
          ? S_IFBLK
          : S_IFREG;
    const device = types === S_IFCHR || types === S_IFBLK ? Number(facts.rdev) : 0;
    const mode = types | this.modeOf(facts);
    const code = -this.replacing(level, name, bytes, () => -attempt.mknod(bytes, mode, device, level.target));
    if (code !== 0) throw this.failed(level, name, "failed to create device", "mknod", code);
  }

  /** Tries to make something; where a name is taken already, what has it goes. Answers at least 0, or minus errno. */
  private replacing(level: Level, name: string, bytes: Uint8Array, make: () => number): number {
    const result = make();
    if (result !== -EEXIST) return result;
    if (this.options.replaceDestination) removeAll(level.target, name, this.shown(level, name));
    else {
      const fd = openChild(level.target, name, O.PATH | O.DIRECTORY);
      if (fd >= 0) {
        close(fd);
        throw systemError(`cannot replace to directory ${this.shown(level, name)} with file`);
      }
      const code = attempt.unlink(bytes, level.target);
      if (code !== 0) throw pathError("remove", code, [...level.path, name]);
    }
    return make();
  }

  private ownerOf(facts: BigIntStats): OwnerIds {
    return this.options.owner ?? { uid: Number(facts.uid), gid: Number(facts.gid) };
  }

  private modeOf(facts: BigIntStats): number {
    const mode = Number(facts.mode & 0o7777n);
    return this.options.mode ? this.options.mode(mode, facts.isDirectory()) : mode;
  }

  private timesOf(facts: BigIntStats): [accessed: Moment, modified: Moment] {
    const { time } = this.options;
    return time ? [time, time] : [momentOf(facts.atimeNs), momentOf(facts.mtimeNs)];
  }

  /** Owner, mode, attributes and times of an open file or folder. A new file is root's and has its mode already. */
  private settle(fd: number, facts: BigIntStats, source: number, always: boolean): void {
    const { uid, gid } = this.ownerOf(facts);
    if (always || uid !== 0 || gid !== 0) setOwnerAndMode(fd, uid, gid, this.modeOf(facts));
    copyXattrs(source, fd);
    this.settleTimes(fd, facts);
  }

  private settleTimes(fd: number, facts: BigIntStats): void {
    setTimes(fd, ...this.timesOf(facts));
  }

  private shown(level: Level, name: string): string {
    return shownPath(name === "." ? level.path : [...level.path, name]);
  }

  private failed(level: Level, name: string, what: string, call: string, code: number): Error {
    const cause = pathError(call, code, [...level.path, name]);
    return systemError(`${what}: ${cause.message}`, cause);
  }
}

const handsOnGroup = (fd: number): boolean => (fstatSync(fd).mode & S_ISGID) !== 0;

/** What the target can't have is left out, as by BuildKit; overlay's marks and others of `trusted.` are the host's business. */
function copyXattrs(from: number, to: number): void {
  for (const name of listXattrs(from)) {
    if (name.startsWith("trusted.") || name.startsWith("user.overlay.")) continue;
    const value = getXattr(from, name);
    if (!value) continue;
    try {
      setXattr(to, name, value);
    } catch (thrown) {
      if (!(thrown instanceof KernelError) || (thrown.errno !== ENOTSUP && thrown.errno !== EPERM))
        throw thrown;
    }
  }
}
