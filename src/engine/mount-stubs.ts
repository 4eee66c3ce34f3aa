// Places that a runtime makes in a root file system to mount something on, which are nobody's work and are taken away again: a layer of a
// build has what its step did alone.
import { lstatSync, rmdirSync, statSync, unlinkSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { close, O } from "../linux/ffi.ts";
import { openIn, RESOLVE, withFolder } from "../linux/files.ts";

/** What every container has mounted (runtime/bundle/mounts.ts). */
const USUAL = ["/proc", "/dev", "/sys", "/dev/pts", "/dev/shm", "/dev/mqueue"];

interface Stub {
  /** In the root. */
  path: string;
  /** Of the folder that it was made in: its times come back. */
  parent: { atime: Date; mtime: Date } | undefined;
}

/** Notes what isn't there yet of mounts' places; at its disposal what is still empty there goes. */
export function mountStubs(rootfs: string, destinations: readonly string[]): Disposable {
  const missing = new Map<string, Stub>();
  for (const destination of [...USUAL, ...destinations])
    for (const path of prefixes(destination)) {
      if (missing.has(path) || at(rootfs, path, (place) => lstatSync(place)) !== undefined) continue;
      const parent = at(rootfs, dirname(path), (place) => statSync(place));
      missing.set(path, { path, parent });
    }
  return {
    [Symbol.dispose]() {
      for (const { path } of [...missing.values()].sort((a, b) => b.path.length - a.path.length))
        at(rootfs, path, (place) => remove(place));
      for (const { path, parent } of missing.values())
        if (parent) at(rootfs, dirname(path), (place) => utimesSync(place, parent.atime, parent.mtime));
    },
  };
}

/** `/a/b/c`: `/a`, `/a/b`, `/a/b/c`. */
function prefixes(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

/** Only what is still as it was made. */
function remove(place: string): void {
  const facts = lstatSync(place);
  if (facts.isDirectory()) rmdirSync(place);
  else if (facts.isFile() && facts.size === 0) unlinkSync(place);
}

/** Works on a name in its folder, which is opened without any link on the way; undefined when it isn't there, or isn't as expected. */
function at<T>(rootfs: string, path: string, work: (place: string) => T): T | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return withFolder(rootfs, (root) => {
    let folder: number;
    try {
      folder = openIn(
        root,
        dirname(path).slice(1) || ".",
        O.PATH | O.DIRECTORY,
        RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS,
      );
    } catch {
      return undefined;
    }
    try {
      return work(`/proc/self/fd/${folder}/${name}`);
    } catch {
      return undefined;
    } finally {
      close(folder);
    }
  });
}
