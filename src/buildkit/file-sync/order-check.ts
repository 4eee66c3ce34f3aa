// Holds a sender to fsutil's order: a folder before what is in it, names of a folder in the order of their bytes, nothing
// twice and nothing outside. What passes can be made one after the other without a look at what is there.
import { invalid } from "../../base/errors.ts";
import { type FileStat, isDirectory, kindOf, toText } from "./file-stat.ts";

/** Go's %q, near enough for a message. */
const quoted = (path: string): string => JSON.stringify(toText(path));

export class OrderCheck {
  /** Folders that are open, each below the one before, with the last name seen in it. */
  private readonly open: { folder: string; last: string }[] = [{ folder: "", last: "" }];
  /** What hard links may point to. */
  private readonly files = new Map<string, FileStat>();

  /** What was checked and may be a hard link's file. */
  fileAt(path: string): FileStat | undefined {
    return this.files.get(path);
  }

  /** Errors: invalid, in fsutil's words where it has some. */
  check(stat: FileStat): void {
    const { path } = stat;
    this.place(path);
    const kind = kindOf(stat.mode);
    if (!kind || stat.size < 0)
      throw invalid(
        `refused ${quoted(path)}: it is no kind of file that can be sent (mode ${stat.mode.toString(8)})`,
      );
    if (stat.linkname !== "" || stat.xattrs) checkTexts(stat);
    if (kind === "directory") {
      this.open.push({ folder: path, last: "" });
      return;
    }
    if (kind === "symlink") {
      if (stat.linkname === "") throw invalid(`refused ${quoted(path)}: a symbolic link without a target`);
      return;
    }
    if (stat.linkname === "") this.files.set(path, stat);
    else if (!this.files.has(stat.linkname))
      throw invalid(`invalid link ${toText(path)} to unknown path: ${quoted(stat.linkname)}`);
  }

  /** A path is clean when its folder's is, which was checked, and so is its last name. */
  private place(path: string): void {
    const slash = path.lastIndexOf("/");
    const base = slash < 0 ? path : path.slice(slash + 1);
    if (slash === 0 || UNCLEAN.test(base) || path.length >= PATH_LIMIT) throw refusal(path);
    const length = slash < 0 ? 0 : slash;
    let top = this.open.at(-1)!;
    while (this.open.length > 1 && !(top.folder.length === length && path.startsWith(top.folder))) {
      this.open.pop();
      top = this.open.at(-1)!;
    }
    if (top.folder.length !== length || top.last >= base) {
      if (/(?:^|\/)(?:\.{1,2})?(?:\/|$)|\0/.test(path)) throw refusal(path);
      const before = top.folder === "" ? top.last : `${top.folder}/${top.last}`;
      throw invalid(`changes out of order: ${quoted(path)} ${quoted(before)}`);
    }
    top.last = base;
  }
}

/** No name of a file. */
const UNCLEAN = /^\.{0,2}$|\0/;
/** PATH_MAX of the kernel, with the NUL: who sends a longer path has not walked to it. */
const PATH_LIMIT = 4096;
/** The kernel's limit of a file's attributes is 64 KiB of names and 64 KiB for a value; file systems have less. */
const XATTRS_LIMIT = 1 << 20;

function checkTexts(stat: FileStat): void {
  const refuse = (why: string) => invalid(`refused ${quoted(stat.path)}: ${why}`);
  if (stat.linkname.includes("\0")) throw refuse("its link has a NUL in it");
  if (stat.linkname.length >= PATH_LIMIT) throw refuse("its link is too long");
  let bytes = 0;
  for (const [name, value] of stat.xattrs ?? []) {
    if (name === "" || name.includes("\0")) throw refuse("an attribute's name is empty or has a NUL in it");
    bytes += name.length + value.length;
  }
  if (bytes > XATTRS_LIMIT) throw refuse("its attributes are too long");
}

function refusal(path: string): Error {
  if (path.length >= PATH_LIMIT) return invalid(`refused ${quoted(path.slice(0, 100))}…: file name too long`);
  if (path.includes("\0")) return invalid(`refused ${quoted(path)}: its name has a NUL in it`);
  if (path.startsWith("/")) return invalid(`absolute path ${toText(path)}: invalid argument`);
  if (path === ".." || path.startsWith("../"))
    return invalid(`escape check ${toText(path)}: invalid argument`);
  return invalid(`unclean path ${toText(path)}: invalid argument`);
}

/** fsutil's order of paths: a folder's content follows it at once, before its brothers. */
export function comparePaths(one: string, other: string): number {
  if (one === other) return 0;
  const length = Math.min(one.length, other.length);
  let at = 0;
  while (at < length && one.charCodeAt(at) === other.charCodeAt(at)) at++;
  if (at === length) return one.length - other.length;
  if (one[at] === "/") return -1;
  if (other[at] === "/") return 1;
  return one.charCodeAt(at) - other.charCodeAt(at);
}

/** What of two files says whether the second one is to be transferred (fsutil's differ, and the attributes, which it overlooks). */
export function isUnchanged(known: FileStat, now: FileStat): boolean {
  if (
    known.mode !== now.mode ||
    known.uid !== now.uid ||
    known.gid !== now.gid ||
    known.linkname !== now.linkname ||
    known.devmajor !== now.devmajor ||
    known.devminor !== now.devminor
  )
    return false;
  if (!isDirectory(now.mode) && (known.size !== now.size || known.modTime !== now.modTime)) return false;
  return sameXattrs(known.xattrs, now.xattrs);
}

function sameXattrs(one: FileStat["xattrs"], other: FileStat["xattrs"]): boolean {
  if (!one && !other) return true;
  if ((one?.size ?? 0) !== (other?.size ?? 0)) return false;
  for (const [name, value] of one ?? []) {
    const found = other?.get(name);
    if (!found || Buffer.compare(value, found) !== 0) return false;
  }
  return true;
}

/** Whether the content comes on request: what is a plain file, and not another name of one. */
export const hasContent = (stat: FileStat): boolean => kindOf(stat.mode) === "file" && stat.linkname === "";
