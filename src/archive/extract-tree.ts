// Writes a tar archive's entries into a folder that has files already, while others may change it: by descriptors, one
// name at a time. Existing files are replaced and never opened, existing folders kept, links of the folder followed as
// if the folder were the root (as Docker's cp does).
import { constants, fstatSync } from "node:fs";
import { BerthError, systemError } from "../base/errors.ts";
import { errnoText, KernelError } from "../linux/errors.ts";
import { close, errno, O, writeFrom } from "../linux/ffi.ts";
import {
  attempt,
  deviceNumber,
  type Moment,
  setOwnerAndMode,
  setOwnerOfLink,
  setTimes,
  setTimesOfLink,
} from "../linux/files.ts";
import { childError, linkBetween, openChild, setSize, skip } from "../linux/folder.ts";
import { setXattr } from "../linux/xattr.ts";
import { followFolder, partsOf } from "./follow.ts";
import type { TarHandler } from "./reader.ts";
import { removeAll } from "./remove-all.ts";
import { type TarEntry, toText } from "./types.ts";

export interface ExtractTreeOptions {
  /** Refuses to put a folder in place of what is none, and the other way round. */
  noOverwriteDirNonDir: boolean;
  /** Whose the files will be: as the archive says, always this one's, or (`caller`) whoever runs this. */
  owner: "archive" | "caller" | { uid: number; gid: number };
  /** The folder itself gets what the archive says of it (owner, mode, attributes, times); without it, it keeps its own. */
  settlesRoot?: boolean;
  /** How the folder is called in errors. */
  shown: string;
}

const ENOENT = 2;
const EPERM = 1;
const ENOTSUP = 95;
/** Zeros of this many bytes become a hole. */
const BLOCK = 64 << 10;
const ZEROS = Buffer.alloc(BLOCK);
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

interface OpenFile {
  fd: number;
  entry: TarEntry;
}

/** Takes what a TarReader hands on; `finish` at the end, `close` in each case. The process's umask should be 0. */
export class TreeExtractor implements TarHandler, Disposable {
  private open: OpenFile | undefined;
  private rootEntry: TarEntry | undefined;
  /** Folders of the archive with their clean names: times come last, since each new file changes them. */
  private readonly folders: { name: string; entry: TarEntry }[] = [];
  /** The folder of the last entry: most entries follow one of the same folder. */
  private last: { path: string; fd: number } | undefined;

  /** `root`: an open folder, which the caller closes. */
  constructor(
    private readonly root: number,
    private readonly options: ExtractTreeOptions,
  ) {}

  entry(entry: TarEntry): void {
    const name = cleanName(entry.name, () => `invalid entry name ${JSON.stringify(toText(entry.name))}`);
    if (name === "") {
      if (this.options.settlesRoot && entry.type === "directory") this.rootEntry = entry;
      return;
    }
    const slash = name.lastIndexOf("/");
    const folder = this.folderOf(slash < 0 ? "" : name.slice(0, slash));
    const base = name.slice(slash + 1);
    this.makeRoom(folder, base, name, entry);
    if (entry.type === "directory") this.makeFolder(folder, base, name, entry);
    else if (entry.type === "file") this.makeFile(folder, base, name, entry);
    else if (entry.type === "link") this.makeHardLink(folder, base, name, entry);
    else if (entry.type === "symlink") this.makeSymbolicLink(folder, base, name, entry);
    else this.makeNode(folder, base, entry);
  }

  data(chunk: Buffer): void {
    if (!this.open) return; // A file for the folder itself: passed over, as by Docker
    const { fd, entry } = this.open;
    for (let at = 0; at < chunk.length; at += BLOCK) {
      const block = chunk.subarray(at, at + BLOCK);
      if (block.length === BLOCK && block[0] === 0 && block.equals(ZEROS)) skip(fd, BLOCK);
      else writeAll(fd, block, entry);
    }
  }

  end(): void {
    if (!this.open) return;
    const { fd, entry } = this.open;
    this.open = undefined;
    try {
      setSize(fd, entry.size); // Where it ends with a hole
      this.settle(fd, entry);
      setTimes(fd, accessedOf(entry), entry.modified);
    } finally {
      close(fd);
    }
  }

  /** The archive has ended: gives the folders their times. */
  finish(): void {
    for (const { name, entry } of this.folders.reverse()) {
      try {
        const fd = followFolder(this.root, name, { missing: "fail", above: "refuse" });
        try {
          setTimesOfLink(".", accessedOf(entry), entry.modified, fd);
        } finally {
          close(fd);
        }
      } catch (thrown) {
        if (!(thrown instanceof BerthError)) throw thrown; // Gone since: another's doing
      }
    }
    if (this.rootEntry) this.settleRoot(this.rootEntry);
  }

  private settleRoot(entry: TarEntry): void {
    const fd = openChild(this.root, ".", O.RDONLY | O.DIRECTORY | O.NONBLOCK);
    if (fd < 0) throw childError("openat", -fd, ".");
    try {
      this.settle(fd, entry);
      setTimes(fd, accessedOf(entry), entry.modified);
    } finally {
      close(fd);
    }
  }

  [Symbol.dispose](): void {
    if (this.open) close(this.open.fd);
    this.forgetFolder();
  }

  private forgetFolder(): void {
    if (this.last) close(this.last.fd);
    this.last = undefined;
  }

  private folderOf(path: string): number {
    if (this.last?.path === path) return this.last.fd;
    this.forgetFolder();
    const fd = followFolder(this.root, path, { missing: "make", above: "refuse" });
    this.last = { path, fd };
    return fd;
  }

  /** What has the name already, and is no folder for a folder, goes. */
  private makeRoom(folder: number, base: string, name: string, entry: TarEntry): void {
    const fd = openChild(folder, base, O.PATH);
    if (fd === -ENOENT) return;
    if (fd < 0) throw childError("openat", -fd, name);
    let isFolder: boolean;
    try {
      isFolder = fstatSync(fd).isDirectory();
    } finally {
      close(fd);
    }
    const wantsFolder = entry.type === "directory";
    if (this.options.noOverwriteDirNonDir && isFolder !== wantsFolder) {
      const [old, fresh] = isFolder ? ["directory", "non-directory"] : ["non-directory", "directory"];
      throw systemError(
        `cannot overwrite ${old} ${JSON.stringify(toText(name))} with ${fresh} ${JSON.stringify(this.options.shown)}`,
      );
    }
    if (isFolder && wantsFolder) return;
    removeAll(folder, base, name);
    if (isFolder) this.forgetBelow(name);
  }

  private makeFolder(folder: number, base: string, name: string, entry: TarEntry): void {
    const code = attempt.mkdir(bytesOf(base), PRIVATE_FOLDER, folder);
    if (code !== 0 && code !== 17) throw childError("mkdirat", code, name);
    const fd = openChild(folder, base, O.RDONLY | O.DIRECTORY | O.NONBLOCK);
    if (fd < 0) throw childError("openat", -fd, name);
    try {
      this.settle(fd, entry);
    } finally {
      close(fd);
    }
    this.folders.push({ name, entry });
  }

  private makeFile(folder: number, base: string, name: string, entry: TarEntry): void {
    const fd = openChild(folder, base, O.WRONLY | O.CREAT | O.EXCL, { mode: PRIVATE_FILE });
    if (fd < 0) throw childError("openat", -fd, name);
    this.open = { fd, entry };
  }

  private makeHardLink(folder: number, base: string, name: string, entry: TarEntry): void {
    const target = cleanName(
      entry.linkName,
      () => `invalid hardlink target ${JSON.stringify(toText(entry.linkName))}`,
    );
    const slash = target.lastIndexOf("/");
    const from = followFolder(this.root, slash < 0 ? "" : target.slice(0, slash), {
      missing: "fail",
      above: "refuse",
    });
    try {
      const code = linkBetween(from, target.slice(slash + 1) || ".", folder, base);
      if (code !== 0) throw childError(`linkat ${toText(target)}`, code, name);
    } finally {
      close(from);
    }
  }

  private makeSymbolicLink(folder: number, base: string, name: string, entry: TarEntry): void {
    const code = attempt.symlink(bytesOf(entry.linkName), bytesOf(base), folder);
    if (code !== 0) throw childError(`symlinkat ${toText(entry.linkName)}`, code, name);
    this.settleName(folder, base, entry);
  }

  private makeNode(folder: number, base: string, entry: TarEntry): void {
    const { S_IFIFO, S_IFCHR, S_IFBLK } = constants;
    const type = entry.type === "fifo" ? S_IFIFO : entry.type === "character" ? S_IFCHR : S_IFBLK;
    const device = entry.type === "fifo" ? 0 : deviceNumber(entry.major, entry.minor);
    const code = attempt.mknod(bytesOf(base), type | entry.mode, device, folder);
    if (code === ENOENT) throw childError("mknodat", code, base);
    if (code !== 0) throw systemError(errnoText(code)); // Docker's words
    this.settleName(folder, base, entry);
  }

  /** Owner, mode and attributes of an open file or folder. */
  private settle(fd: number, entry: TarEntry): void {
    const { owner } = this.options;
    const { uid, gid } = typeof owner === "object" ? owner : entry;
    // -1 leaves an owner as it is (chown(2)).
    setOwnerAndMode(
      fd,
      owner === "caller" ? 0xffffffff : uid,
      owner === "caller" ? 0xffffffff : gid,
      entry.mode,
    );
    for (const [name, value] of entry.xattrs ?? []) setAttribute(fd, name, value);
  }

  /** Owner and times of what is not opened. */
  private settleName(folder: number, base: string, entry: TarEntry): void {
    const { owner } = this.options;
    const bytes = bytesOf(base);
    if (owner !== "caller") {
      const { uid, gid } = typeof owner === "object" ? owner : entry;
      setOwnerOfLink(bytes, uid, gid, folder);
    }
    setTimesOfLink(bytes, accessedOf(entry), entry.modified, folder);
  }

  /** A folder was replaced: what is remembered of it is not true any more. */
  private forgetBelow(name: string): void {
    const below = `${name}/`;
    const kept = this.folders.filter((each) => each.name !== name && !each.name.startsWith(below));
    this.folders.splice(0, this.folders.length, ...kept);
  }
}

const bytesOf = (name: string): Uint8Array => Buffer.from(`${name}\0`, "latin1");

/** A name without "." and "..". Errors: system, for one that leads outside or has a NUL. */
function cleanName(name: string, refusal: () => string): string {
  if (name.includes("\0")) throw systemError(refusal());
  const names: string[] = [];
  for (const part of partsOf(name)) {
    if (part !== "..") names.push(part);
    else if (names.pop() === undefined) throw systemError(refusal());
  }
  return names.join("/");
}

function accessedOf({ accessed, modified }: TarEntry): Moment {
  return accessed && accessed.seconds > modified.seconds ? accessed : modified;
}

function writeAll(fd: number, block: Buffer, entry: TarEntry): void {
  for (let at = 0; at < block.length; ) {
    const written = writeFrom(fd, at === 0 ? block : block.subarray(at));
    if (written < 0) throw childError("write", errno(), entry.name);
    at += written;
  }
}

/** Others of `trusted.` are the host's business; what this file system or this user can't have is left out, as by Docker. */
function setAttribute(fd: number, name: string, value: Uint8Array): void {
  if (name.startsWith("trusted.") || name.startsWith("user.overlay.")) return;
  try {
    setXattr(fd, name, value);
  } catch (thrown) {
    if (thrown instanceof KernelError && (thrown.errno === ENOTSUP || thrown.errno === EPERM)) return;
    throw thrown;
  }
}
