// Paths inside a container's root, followed so that no link and no ".." leads out of it, and opened by descriptor from
// the root (openat2(2)), so that it stays so while the container moves links around.
import { fstatSync, readFileSync } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import { invalid } from "../../base/errors.ts";
import { close, cString, KernelError, O } from "../../linux/ffi.ts";
import { attempt, openIn, RESOLVE, setOwnerOfPath, withFolder } from "../../linux/files.ts";

const MAX_LINKS = 40; // as the kernel's ELOOP limit (path_resolution(7))
const ENOENT = 2;
const EEXIST = 17;
const ENOTDIR = 20;

/** Bytes: the account files of large sites have some megabytes; a container can make one of any size. */
const READ_LIMIT = 16 << 20;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const parts = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

/**
 * Where `path` is below `root`, without links in it, as a path relative to the root ("" is the root itself). What
 * doesn't exist is taken literally. True only as long as nothing in the container runs.
 */
async function followInRoot(root: string, path: string): Promise<string[]> {
  const ahead = parts(path);
  const done: string[] = [];
  let links = 0;
  while (ahead.length > 0) {
    const part = ahead.shift() as string;
    if (part === "..") {
      done.pop();
      continue;
    }
    const here = join(root, ...done, part);
    const stats = await lstat(here).catch((error) => {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
      throw error;
    });
    if (!stats?.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw invalid(`${path}: too many levels of symbolic links`);
    const target = await readlink(here);
    if (target.startsWith("/")) done.length = 0;
    ahead.unshift(...parts(target));
  }
  return done;
}

/** The host path of `path` in a root at rest: nothing in the container may run between this and its use. */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  return join(root, ...(await followInRoot(root, path)));
}

/** The path as the container's programs will see it, without links, under the same condition. */
export async function placeInRoot(root: string, path: string): Promise<string> {
  return `/${(await followInRoot(root, path)).join("/")}`;
}

/** The text of a file below the root; empty when there is none or it is no regular file. Errors: invalid (too large). */
export function readInRoot(root: string, path: string): string {
  let fd: number;
  try {
    fd = withFolder(root, (folder) => openIn(folder, path, O.PATH, RESOLVE.IN_ROOT));
  } catch (error) {
    if (error instanceof KernelError) return ""; // not there, or a link to nowhere: as an image without the file
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    // Looked at before it is opened: a container can make a node of any device, and some act on being opened.
    if (!stats.isFile()) return "";
    if (stats.size > READ_LIMIT)
      throw invalid(`${path} of the container is larger than ${READ_LIMIT >> 20} MB: it can't be searched`);
    return readFileSync(`/proc/self/fd/${fd}`, "utf8");
  } finally {
    close(fd);
  }
}

/** Permission bits of a folder below the root; undefined when there is none. */
export function folderModeInRoot(root: string, path: string): number | undefined {
  try {
    const fd = withFolder(root, (folder) => openIn(folder, path, O.PATH | O.DIRECTORY, RESOLVE.IN_ROOT));
    try {
      return fstatSync(fd).mode & 0o7777;
    } finally {
      close(fd);
    }
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

/** Makes a folder below the root with what is missing above it; new ones (mode 0755) belong to `owner`. */
export async function makeFolderInRoot(
  root: string,
  path: string,
  owner: { uid: number; gid: number },
): Promise<void> {
  const names = await followInRoot(root, path);
  withFolder(root, (folder) => {
    for (let depth = 1; depth <= names.length; depth++)
      makeOne(folder, names.slice(0, depth).join("/"), path, owner);
  });
}

/** One folder whose parent is there. Links were followed before: one that appears meanwhile is refused. */
function makeOne(
  root: number,
  path: string,
  asked: string,
  { uid, gid }: { uid: number; gid: number },
): void {
  const open = (name: string) =>
    openIn(root, name, O.PATH | O.DIRECTORY, RESOLVE.IN_ROOT | RESOLVE.NO_SYMLINKS);
  try {
    close(open(path));
    return;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    if (error.errno === ENOTDIR) throw invalid(`Cannot mkdir: ${asked} is not a directory`, error);
    if (error.errno !== ENOENT) throw error;
  }
  const at = path.lastIndexOf("/");
  const parent = open(at < 0 ? "." : path.slice(0, at));
  try {
    const code = attempt.mkdir(cString(path.slice(at + 1)), 0o755, parent);
    if (code !== 0 && code !== EEXIST) throw new KernelError("mkdir", code, asked);
  } finally {
    close(parent);
  }
  const made = open(path);
  try {
    if (uid !== 0 || gid !== 0) setOwnerOfPath(made, uid, gid);
  } finally {
    close(made);
  }
}
