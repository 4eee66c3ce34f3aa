// Paths inside a container's root, followed so that no link and no ".." leads out of it. For roots at rest: between the
// look and the use nothing in the container may run. (A running container's files are opened through linux/files.ts.)
import { chown, lstat, mkdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { invalid } from "../../base/errors.ts";

const MAX_LINKS = 40; // as the kernel's ELOOP limit (path_resolution(7))

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const parts = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

/**
 * The host path of `path` below `root`, links followed as inside a chroot. What doesn't exist is taken literally, after
 * `onMissing` had the chance to make it.
 */
export async function resolveInRoot(
  root: string,
  path: string,
  onMissing: (hostPath: string) => Promise<void> = async () => {},
): Promise<string> {
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
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    });
    if (stats?.isSymbolicLink()) {
      if (++links > MAX_LINKS) throw invalid(`${path}: too many levels of symbolic links`);
      const target = await readlink(here);
      if (target.startsWith("/")) done.length = 0;
      ahead.unshift(...parts(target));
      continue;
    }
    if (!stats) await onMissing(here);
    done.push(part);
  }
  return join(root, ...done);
}

/** The text of a file below the root; empty when there is none or it is no regular file. */
export async function readInRoot(root: string, path: string): Promise<string> {
  const file = await resolveInRoot(root, path);
  const stats = await lstat(file).catch(() => undefined);
  return stats?.isFile() ? readFile(file, "utf8") : "";
}

/** Makes a folder below the root with what is missing above it; new ones (mode 0755) belong to `owner`. */
export async function makeFolderInRoot(
  root: string,
  path: string,
  owner: { uid: number; gid: number },
): Promise<void> {
  const refuse = (cause?: unknown) => invalid(`Cannot mkdir: ${path} is not a directory`, cause);
  try {
    const folder = await resolveInRoot(root, path, async (missing) => {
      await mkdir(missing, { mode: 0o755 });
      if (owner.uid !== 0 || owner.gid !== 0) await chown(missing, owner.uid, owner.gid);
    });
    if (!(await lstat(folder)).isDirectory()) throw refuse();
  } catch (error) {
    if (codeOf(error) === "ENOTDIR") throw refuse(error);
    throw error;
  }
}
