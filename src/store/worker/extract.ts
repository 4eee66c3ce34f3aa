// Puts the entries of a layer's archive into a folder, faithfully and nowhere else.
//
// The folder is the process's root directory (chroot) and was empty, so what is in it is what this file made: which
// names are folders and which are links is known without asking the kernel. A name is never resolved by it: each folder
// on the way is one made here, and a symbolic link on the way is followed here, when it stays inside, or refused.
//
// All calls are synchronous: a layer has ten thousands of files, and a promise each would cost more than the calls.
import { constants, lstatSync, rmSync } from "node:fs";
import { type TarEntry, type TarHandler, toText } from "../../archive/index.ts";
import { close, errno, KernelError, O, writeFrom } from "../../linux/ffi.ts";
import {
  attempt,
  deviceNumber,
  type Moment,
  setMode,
  setOwnerAndMode,
  setOwnerOfLink,
  setTimes,
  setTimesOfLink,
} from "../../linux/files.ts";
import { setXattr } from "../../linux/xattr.ts";
import {
  cleanName,
  existsAt,
  failed,
  first,
  inEntry,
  pathBuffer,
  pathBytes,
  refused,
  second,
} from "./entry-names.ts";

/** How a layer says that something below it is gone: overlay's device files, or a list in the report. */
export type WhiteoutStyle = "overlay" | "list";

export interface Extracted {
  /** Bytes on disk in whole blocks, and inodes. */
  size: number;
  inodes: number;
  /** Paths as byte strings. */
  implied: string[];
  opaque: string[];
  whiteouts: string[];
}

const EPERM = 1;
const ENOENT = 2;
const EEXIST = 17;
const ENOTSUP = 95;
const FILE_SYSTEM_BLOCK = 4096;
const FOLDER_MODE = 0o755;
const MAX_LINKS = 40; // As the kernel's MAXSYMLINKS
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** What AUFS wrote for itself into old layers: `.wh..wh.plnk` and its kin. */
const AUFS_OWN = ".wh..wh.";

interface OpenFile {
  fd: number;
  entry: TarEntry;
}

export class Extractor implements TarHandler {
  /** Folders made so far; null for one that the archive has not named. */
  private readonly folders = new Map<string, TarEntry | null>([["", null]]);
  private readonly links = new Map<string, string>();
  private readonly opaque = new Set<string>();
  private readonly whiteouts = new Set<string>();
  private open: OpenFile | undefined;
  private blocks = 1;
  private inodes = 1;
  // Entries of one folder follow each other.
  private lastNamed = "";
  private lastResolved = "";

  constructor(private readonly style: WhiteoutStyle) {}

  entry(entry: TarEntry): void {
    const named = cleanName(entry.name, entry);
    if (named === "") {
      if (entry.type !== "directory")
        throw refused(entry, "it stands for the archive's root and is no folder");
      this.folders.set("", entry);
      return;
    }
    const slash = named.lastIndexOf("/");
    const folder = this.resolve(slash < 0 ? "" : named.slice(0, slash), entry, true);
    const base = named.slice(slash + 1);
    if (base.startsWith(WHITEOUT) && this.whiteout(folder, base, entry)) return;
    this.make(folder ? `${folder}/${base}` : base, entry);
  }

  data(chunk: Buffer): void {
    const { fd, entry } = this.open!;
    for (let at = 0; at < chunk.length; ) {
      const written = writeFrom(fd, at === 0 ? chunk : chunk.subarray(at));
      if (written < 0) throw failed("write", errno(), entry);
      at += written;
    }
  }

  end(): void {
    if (!this.open) return;
    const { fd, entry } = this.open;
    this.open = undefined;
    try {
      const { uid, gid, mode } = entry;
      // A new file is root's with all of its mode's bits already, and who has CAP_FSETID keeps setuid when writing.
      if (uid !== 0 || gid !== 0) setOwnerAndMode(fd, uid, gid, mode);
      if (entry.xattrs) this.setXattrs(fd, entry);
      setTimes(fd, accessedOf(entry), entry.modified);
    } catch (thrown) {
      throw inEntry(thrown, entry);
    } finally {
      close(fd);
    }
  }

  /** Gives the folders their owners, modes and times: last, since putting files into them changes their times. */
  finish(): Extracted {
    const implied: string[] = [];
    for (const [path, entry] of [...this.folders].reverse()) {
      if (entry) this.settleFolder(path, entry);
      else implied.push(path);
    }
    return {
      size: this.blocks * FILE_SYSTEM_BLOCK,
      inodes: this.inodes,
      implied: implied.reverse(),
      opaque: [...this.opaque],
      whiteouts: [...this.whiteouts],
    };
  }

  private settleFolder(path: string, entry: TarEntry): void {
    const bytes = pathBytes(path, first);
    try {
      if (entry.uid !== 0 || entry.gid !== 0) setOwnerOfLink(bytes, entry.uid, entry.gid);
      if (entry.mode !== FOLDER_MODE || path === "") setMode(bytes, entry.mode);
      if (entry.xattrs) this.setXattrs(bytes, entry);
      setTimesOfLink(bytes, accessedOf(entry), entry.modified);
    } catch (thrown) {
      throw inEntry(thrown, entry);
    }
  }

  /** The folder that a path means, links on the way followed; missing ones are made when `make`. */
  private resolve(path: string, entry: TarEntry, make: boolean): string {
    if (path === "" || this.folders.has(path)) return path;
    if (path === this.lastNamed && this.folders.has(this.lastResolved)) return this.lastResolved;
    const rest = path.split("/").reverse();
    let at = "";
    let followed = 0;
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        // Only a link's target has it: names were cleaned.
        if (at === "") throw refused(entry, "a link on its way leads outside of the archive's root");
        at = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : "";
        continue;
      }
      const next = at ? `${at}/${name}` : name;
      const target = this.links.get(next);
      if (target !== undefined) {
        if (target.startsWith("/"))
          throw refused(
            entry,
            `it would be written through the link ${toText(next)} to ${toText(target)}, outside of the archive's root`,
          );
        if (++followed > MAX_LINKS) throw refused(entry, "too many levels of symbolic links on its way");
        rest.push(...target.split("/").reverse());
        continue;
      }
      if (!this.folders.has(next)) {
        if (!make) throw refused(entry, `its target ${toText(entry.linkName)} is not in the archive`);
        this.makeFolder(next, null, entry);
      }
      at = next;
    }
    this.lastNamed = path;
    this.lastResolved = at;
    return at;
  }

  private make(path: string, entry: TarEntry): void {
    if (entry.type === "directory") {
      if (this.folders.has(path)) this.folders.set(path, entry);
      else this.makeFolder(path, entry, entry);
      return;
    }
    if (this.folders.has(path)) this.removeFolder(path);
    this.links.delete(path);
    this.whiteouts.delete(path);
    if (entry.type === "file") this.makeFile(path, entry);
    else if (entry.type === "link") this.makeHardLink(path, entry);
    else if (entry.type === "symlink") this.makeSymbolicLink(path, entry);
    else if (entry.type === "character" && entry.major === 0 && entry.minor === 0)
      this.hide(path, entry); // What overlay takes for a whiteout
    else this.makeDevice(path, entry);
  }

  private makeFolder(path: string, named: TarEntry | null, entry: TarEntry): void {
    const bytes = pathBytes(path, first);
    let code = attempt.mkdir(bytes, FOLDER_MODE);
    if (code === EEXIST) {
      // A file in the way of a folder that is only implied is a contradiction; an entry of its own replaces it.
      const whiteout = this.isWhiteout(path);
      if (!named && !whiteout) throw refused(entry, `${toText(path)} is not a folder`);
      this.unlink(path, entry);
      // Gone from below and made anew: nothing from below is seen in it.
      if (whiteout) this.opaque.add(path);
      code = attempt.mkdir(pathBytes(path, first), FOLDER_MODE);
    } else if (code === 0 && this.whiteouts.delete(path)) this.opaque.add(path);
    if (code !== 0) throw failed("mkdir", code, entry);
    this.folders.set(path, named);
    this.count(FILE_SYSTEM_BLOCK);
  }

  private makeFile(path: string, entry: TarEntry): void {
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
    const fd = this.replacing(path, entry, "open", (bytes) => {
      const result = attempt.open(bytes, flags, entry.mode);
      return result < 0 ? { code: -result } : { code: 0, value: result };
    });
    this.open = { fd: fd!, entry };
    this.count(entry.size);
  }

  private makeHardLink(path: string, entry: TarEntry): void {
    const named = cleanName(entry.linkName, entry, "the target of the hard link");
    const slash = named.lastIndexOf("/");
    const folder = this.resolve(slash < 0 ? "" : named.slice(0, slash), entry, false);
    const base = named.slice(slash + 1);
    const target = folder ? `${folder}/${base}` : base;
    if (target === path) throw refused(entry, "it is a hard link to itself");
    const from = pathBytes(target, second);
    this.replacing(path, entry, "link", (bytes) => {
      const code = attempt.link(from, bytes);
      if (code === ENOENT) throw refused(entry, `its target ${toText(entry.linkName)} is not in the archive`);
      if (code === EPERM && this.folders.has(target)) throw refused(entry, "it is a hard link to a folder");
      return { code };
    });
    const symbolic = this.links.get(target);
    if (symbolic !== undefined) this.links.set(path, symbolic);
  }

  private makeSymbolicLink(path: string, entry: TarEntry): void {
    if (entry.linkName === "" || entry.linkName.includes("\0")) throw refused(entry, "its target is empty");
    const target = pathBytes(entry.linkName, second);
    this.replacing(path, entry, "symlink", (bytes) => ({ code: attempt.symlink(target, bytes) }));
    this.links.set(path, entry.linkName);
    this.finishNode(path, entry, false);
    this.count(0);
  }

  private makeDevice(path: string, entry: TarEntry): void {
    const { S_IFIFO, S_IFCHR, S_IFBLK } = constants;
    const device = entry.type === "fifo" ? 0 : deviceNumber(entry.major, entry.minor);
    const type = entry.type === "fifo" ? S_IFIFO : entry.type === "character" ? S_IFCHR : S_IFBLK;
    this.replacing(path, entry, "mknod", (bytes) => ({
      code: attempt.mknod(bytes, type | entry.mode, device),
    }));
    this.finishNode(path, entry, true);
    this.count(0);
  }

  /** Owner, mode, attributes and times of what has no open file. */
  private finishNode(path: string, entry: TarEntry, hasMode: boolean): void {
    const bytes = pathBytes(path, first);
    try {
      if (entry.uid !== 0 || entry.gid !== 0) {
        setOwnerOfLink(bytes, entry.uid, entry.gid);
        if (hasMode) setMode(bytes, entry.mode);
      }
      if (entry.xattrs) this.setXattrs(bytes, entry);
      setTimesOfLink(bytes, accessedOf(entry), entry.modified);
    } catch (thrown) {
      throw inEntry(thrown, entry);
    }
  }

  /** Makes something new at a path, in place of a file that is there. */
  private replacing(
    path: string,
    entry: TarEntry,
    call: string,
    make: (bytes: Uint8Array) => { code: number; value?: number },
  ): number | undefined {
    let result = make(pathBytes(path, first));
    if (result.code === EEXIST) {
      this.unlink(path, entry);
      result = make(pathBytes(path, first));
    }
    if (result.code !== 0) throw failed(call, result.code, entry);
    return result.value;
  }

  private unlink(path: string, entry: TarEntry): void {
    const facts = lstatSync(pathBuffer(path));
    const code = attempt.unlink(pathBytes(path, first));
    if (code !== 0) throw failed("unlink", code, entry);
    this.links.delete(path);
    if (facts.nlink > 1) return;
    this.inodes--;
    this.blocks -= Math.ceil(facts.size / FILE_SYSTEM_BLOCK);
  }

  /** An entry that is no folder comes in place of one: rare, so the whole map may be looked through. */
  private removeFolder(path: string): void {
    rmSync(pathBuffer(path), { recursive: true, force: true });
    const below = `${path}/`;
    for (const map of [this.folders, this.links, this.opaque, this.whiteouts])
      for (const key of [...map.keys()]) if (key === path || key.startsWith(below)) map.delete(key);
  }

  /** Handles `.wh.NAME` (image-spec, layer.md, "Whiteouts"). */
  private whiteout(folder: string, base: string, entry: TarEntry): boolean {
    if (base === OPAQUE) {
      this.opaque.add(folder);
      return true;
    }
    if (base.startsWith(AUFS_OWN)) return true;
    const hidden = base.slice(WHITEOUT.length);
    if (hidden === "" || hidden === "." || hidden === "..")
      throw refused(entry, "it hides no name that a file can have");
    this.hide(folder ? `${folder}/${hidden}` : hidden, entry);
    return true;
  }

  private hide(path: string, entry: TarEntry): void {
    // A whiteout hides what is below, never what its own layer brings.
    if (this.folders.has(path)) {
      this.opaque.add(path);
      return;
    }
    if (this.style === "list") {
      if (this.links.has(path) || existsAt(path)) return;
      this.whiteouts.add(path);
      return;
    }
    const code = attempt.mknod(pathBytes(path, first), constants.S_IFCHR, 0);
    if (code === EEXIST) return;
    if (code !== 0) throw failed("mknod", code, entry);
    this.count(0);
  }

  private isWhiteout(path: string): boolean {
    const facts = lstatSync(pathBuffer(path));
    return facts.isCharacterDevice() && facts.rdev === 0;
  }

  private count(bytes: number): void {
    this.inodes++;
    this.blocks += Math.ceil(bytes / FILE_SYSTEM_BLOCK);
  }

  /**
   * Sets an entry's attributes. Those of overlay itself are left out: a layer must not lead overlay to other layers'
   * files. Others of `trusted.` are the host's own business (xattr(7)), and the worker has no right to them. Where
   * the kernel has no such attribute (a label of another security module; `user.` on a link), it is left out too.
   */
  private setXattrs(target: Uint8Array | number, entry: TarEntry): void {
    for (const [name, value] of entry.xattrs ?? []) {
      if (name.startsWith("trusted.") || name.startsWith("user.overlay.")) continue;
      try {
        setXattr(target, name, value);
      } catch (thrown) {
        if (!(thrown instanceof KernelError)) throw thrown;
        const meaningless =
          thrown.errno === ENOTSUP || (thrown.errno === EPERM && !name.startsWith("security.cap"));
        if (!meaningless) throw inEntry(thrown, entry);
      }
    }
  }
}

function accessedOf({ accessed, modified }: TarEntry): Moment {
  return accessed && accessed.seconds > modified.seconds ? accessed : modified;
}
