// Puts received files into a folder: by descriptors of the folders on the way, which are never followed through a link, and
// each file as a new inode, since a build's earlier layers may be links to the old one.
import { constants, fstatSync } from "node:fs";
import { systemError } from "../../base/errors.ts";
import {
  type FileEntry,
  type FileStat,
  type FileWriter,
  isTransferable,
  kindOf,
  permissionsOf,
  type Sink,
  toText,
} from "../../buildkit/file-sync/index.ts";
import { close, errno, KernelError, O, writeFrom } from "../../linux/ffi.ts";
import {
  attempt,
  deviceNumber,
  type Moment,
  momentOf,
  openIn,
  RESOLVE,
  setMode,
  setOwnerAndMode,
  setOwnerOfLink,
  setTimes,
  setTimesOfLink,
} from "../../linux/files.ts";
import { childError, linkBetween, namesIn, openChild } from "../../linux/folder.ts";
import { listXattrs, removeXattr, setXattr } from "../../linux/xattr.ts";
import type { ContextJournal } from "./context-journal.ts";

const EPERM = 1;
const ENOENT = 2;
const EEXIST = 17;
const EISDIR = 21;
const ENOTSUP = 95;
const PRIVATE = 0o600;
/** Folders that are kept open: files come in the order of their folders, but for those that are sent side by side. */
const OPEN_FOLDERS = 32;

export class ContextSink implements Sink, Disposable {
  private readonly folders = new Map<string, number>();

  /** @param root the folder, open; also this process's root directory. The umask is 0. */
  constructor(
    private readonly root: number,
    private readonly journal: ContextJournal,
  ) {}

  begin(): void {
    this.journal.begin();
  }

  made(entry: FileEntry): void {
    this.journal.add(entry);
  }

  directory(stat: FileStat): void {
    const [folder, base] = this.place(stat);
    const code = attempt.mkdir(bytesOf(base), permissionsOf(stat.mode), folder);
    if (code !== 0 && code !== EEXIST) throw failed("mkdirat", code, stat);
    const fd = openChild(folder, base, O.RDONLY | O.DIRECTORY | O.NONBLOCK);
    if (fd < 0) throw failed("openat", -fd, stat);
    try {
      setOwnerAndMode(fd, stat.uid, stat.gid, permissionsOf(stat.mode));
      if (code === EEXIST)
        for (const name of listXattrs(fd))
          if (isTransferable(name) && !stat.xattrs?.has(name)) removeXattr(fd, name);
      setXattrs(fd, stat);
    } finally {
      close(fd);
    }
  }

  symlink(stat: FileStat): void {
    const [folder, base] = this.place(stat);
    const code = attempt.symlink(bytesOf(stat.linkname), bytesOf(base), folder);
    if (code !== 0) throw failed("symlinkat", code, stat);
    this.settle(folder, base, stat);
  }

  node(stat: FileStat): void {
    const [folder, base] = this.place(stat);
    const kind = kindOf(stat.mode);
    const { S_IFIFO, S_IFCHR, S_IFBLK } = constants;
    const type = kind === "fifo" ? S_IFIFO : kind === "character" ? S_IFCHR : S_IFBLK;
    const device = kind === "fifo" ? 0 : deviceNumber(stat.devmajor, stat.devminor);
    const code = attempt.mknod(bytesOf(base), type | PRIVATE, device, folder);
    if (code !== 0) throw failed("mknodat", code, stat);
    this.settle(folder, base, stat);
    setMode(bytesOf(base), permissionsOf(stat.mode), folder);
  }

  hardLink(stat: FileStat): void {
    const [folder, base] = this.place(stat);
    const [from, name] = this.placeOf(stat.linkname);
    const code = linkBetween(from, name, folder, base);
    if (code !== 0) throw failed("linkat", code, stat);
  }

  open(stat: FileStat, replaces: boolean): FileWriter {
    const [folder, base] = this.place(stat);
    if (replaces) {
      const code = attempt.unlink(bytesOf(base), folder);
      if (code !== 0 && code !== ENOENT) throw failed("unlinkat", code, stat);
    }
    const fd = openChild(folder, base, O.WRONLY | O.CREAT | O.EXCL, { mode: PRIVATE });
    if (fd < 0) throw failed("openat", -fd, stat);
    return {
      write(bytes) {
        for (let at = 0; at < bytes.length; ) {
          const written = writeFrom(fd, at === 0 ? bytes : bytes.subarray(at));
          if (written < 0) throw failed("write", errno(), stat);
          at += written;
        }
      },
      close() {
        try {
          setOwnerAndMode(fd, stat.uid, stat.gid, permissionsOf(stat.mode));
          setXattrs(fd, stat);
          // Last: by size and time the next transfer tells a whole file from a part of one.
          const modified = momentOf(stat.modTime);
          setTimes(fd, modified, modified);
        } finally {
          close(fd);
        }
      },
      abandon: () => close(fd),
    };
  }

  remove(stat: FileStat): void {
    const [folder, base] = this.place(stat);
    this.removeChild(folder, base, stat.path);
  }

  /** Removes a name with all below it, if it is there. */
  removeChild(folder: number, base: string, path: string): void {
    const code = attempt.unlink(bytesOf(base), folder);
    if (code === 0 || code === ENOENT) return;
    if (code !== EISDIR && code !== EPERM) throw new KernelError("unlinkat", code, toText(path));
    this.forget(path);
    removeFolder(folder, base, path);
  }

  finish(touched: readonly FileStat[]): void {
    for (const stat of touched) {
      const [folder, base] = this.place(stat);
      const modified = momentOf(stat.modTime);
      setTimesOfLink(bytesOf(base), modified, modified, folder);
    }
  }

  [Symbol.dispose](): void {
    for (const fd of this.folders.values()) close(fd);
    this.folders.clear();
  }

  private place(stat: FileStat): [folder: number, base: string] {
    return this.placeOf(stat.path);
  }

  private placeOf(path: string): [folder: number, base: string] {
    const slash = path.lastIndexOf("/");
    return slash < 0 ? [this.root, path] : [this.folderAt(path.slice(0, slash)), path.slice(slash + 1)];
  }

  private folderAt(path: string): number {
    const known = this.folders.get(path);
    if (known !== undefined) return known;
    if (this.folders.size >= OPEN_FOLDERS) {
      const [oldest, fd] = this.folders.entries().next().value!;
      close(fd);
      this.folders.delete(oldest);
    }
    const way = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS;
    const fd = openIn(this.root, bytesOf(path), O.PATH | O.DIRECTORY, way);
    this.folders.set(path, fd);
    return fd;
  }

  private forget(path: string): void {
    const below = `${path}/`;
    for (const [folder, fd] of [...this.folders]) {
      if (folder !== path && !folder.startsWith(below)) continue;
      close(fd);
      this.folders.delete(folder);
    }
  }

  /** Owner, attributes and times of what is not opened; the mode of a link is of no use. */
  private settle(folder: number, base: string, stat: FileStat): void {
    setOwnerOfLink(bytesOf(base), stat.uid, stat.gid, folder);
    if (stat.xattrs) setXattrs(bytesOf(`/${stat.path}`), stat);
    const modified: Moment = momentOf(stat.modTime);
    setTimesOfLink(bytesOf(base), modified, modified, folder);
  }
}

const bytesOf = (name: string): Uint8Array => Buffer.from(`${name}\0`, "latin1");

const failed = (call: string, code: number, stat: FileStat): KernelError => childError(call, code, stat.path);

/** What this file system, or this kind of file, can't have is left out. */
function setXattrs(target: number | Uint8Array, stat: FileStat): void {
  for (const [name, value] of stat.xattrs ?? []) {
    if (!isTransferable(name)) continue;
    try {
      setXattr(target, toText(name), value);
    } catch (thrown) {
      if (!(thrown instanceof KernelError) || ![ENOTSUP, EPERM].includes(thrown.errno)) throw thrown;
      if (name === "security.capability" && thrown.errno === EPERM) throw thrown;
    }
  }
}

function removeFolder(folder: number, base: string, path: string): void {
  const fd = openChild(folder, base, O.RDONLY | O.DIRECTORY | O.NONBLOCK, { sameMount: true });
  if (fd < 0) throw new KernelError("openat", -fd, toText(path));
  try {
    if (!fstatSync(fd).isDirectory()) throw systemError(`${toText(path)} changed while it was removed`);
    for (const name of namesIn(fd)) {
      const code = attempt.unlink(bytesOf(name), fd);
      if (code === EISDIR || code === EPERM) removeFolder(fd, name, `${path}/${name}`);
      else if (code !== 0 && code !== ENOENT)
        throw new KernelError("unlinkat", code, toText(`${path}/${name}`));
    }
  } finally {
    close(fd);
  }
  const code = attempt.rmdir(bytesOf(base), folder);
  if (code !== 0) throw new KernelError("rmdir", code, toText(path));
}
