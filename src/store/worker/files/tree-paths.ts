// Paths inside a tree: cleaned as Go's filepath does, followed without leaving the tree, made where they are missing.
//
// Paths and names are byte strings. Two ways to follow, as BuildKit has them: all of a path, or all but its last name; what isn't
// there is taken as it is written.
import { posix } from "node:path";
import { follow, partsOf, toText } from "../../../archive/index.ts";
import { KernelError } from "../../../linux/errors.ts";
import { close, O } from "../../../linux/ffi.ts";
import {
  attempt,
  type Moment,
  openIn,
  RESOLVE,
  setMode,
  setOwnerOfLink,
  setTimesOfLink,
} from "../../../linux/files.ts";
import { openChild } from "../../../linux/folder.ts";
import type { OwnerIds } from "./owners.ts";

const ENOENT = 2;
const EEXIST = 17;
const ENOTDIR = 20;

export const bytesOf = (name: string): Uint8Array => Buffer.from(`${name}\0`, "latin1");
/** A path's names as people read it. */
export const shownPath = (names: readonly string[]): string => toText(`/${names.join("/")}`);
export const pathError = (call: string, code: number, names: readonly string[]): KernelError =>
  new KernelError(call, code, shownPath(names));

/** filepath.Join("/", path): absolute, without ".", "..", and a slash at the end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(`/${path}`);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

/** filepath.Base. */
export function baseOf(path: string): string {
  const name = path.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return name === "" ? (path === "" ? "." : "/") : name;
}

/** The names that a path comes to inside the tree; its last one is followed too unless `keepLast`. */
export function resolveNames(root: number, path: string, options: { keepLast?: boolean } = {}): string[] {
  const parts = partsOf(cleanPath(path));
  const last = options.keepLast ? parts.pop() : undefined;
  using found = follow(root, parts.join("/"), { missing: "literal", above: "stay" });
  return last === undefined ? [...found.names] : [...found.names, last];
}

/** How an entry is reached: its folder, and its name in there ("." for the root). */
export const folderAndName = (names: readonly string[]): [folder: string[], name: string] =>
  names.length === 0 ? [[], "."] : [names.slice(0, -1), names.at(-1) ?? "."];

/** A folder of the tree that was resolved: an O_PATH descriptor. Errors: KernelError `call`. */
export function openResolved(root: number, names: readonly string[], call: string): number {
  try {
    const path = bytesOf(names.join("/") || ".");
    return openIn(root, path, O.PATH | O.DIRECTORY, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
  } catch (thrown) {
    if (thrown instanceof KernelError) throw pathError(call, thrown.errno, names);
    throw thrown;
  }
}

export interface FolderFacts {
  /** Nine bits. */
  mode: number;
  owner: OwnerIds | undefined;
  time: Moment | undefined;
}

/**
 * Makes the folders of a resolved path that are missing; answers which. Errors: KernelError, "mkdir PATH: not a directory"
 * where a file is in the way.
 */
export function makeFolders(root: number, names: readonly string[], facts: FolderFacts): string[][] {
  const made: string[][] = [];
  let folder = openResolved(root, [], "mkdir");
  try {
    for (const [depth, name] of names.entries()) {
      const path = names.slice(0, depth + 1);
      let next = openChild(folder, name, O.PATH | O.DIRECTORY);
      if (next === -ENOENT) {
        const code = attempt.mkdir(bytesOf(name), facts.mode, folder);
        if (code !== 0 && code !== EEXIST) throw pathError("mkdir", code, path);
        settleFolder(folder, name, facts);
        made.push(path);
        next = openChild(folder, name, O.PATH | O.DIRECTORY);
      }
      if (next < 0) throw pathError("mkdir", next === -ENOTDIR ? ENOTDIR : -next, path);
      close(folder);
      folder = next;
    }
    return made;
  } finally {
    close(folder);
  }
}

function settleFolder(folder: number, name: string, { mode, owner, time }: FolderFacts): void {
  const bytes = bytesOf(name);
  if (owner) setOwnerOfLink(bytes, owner.uid, owner.gid, folder);
  setMode(bytes, mode, folder); // A folder with a setgid bit hands it on
  if (time) setTimesOfLink(bytes, time, time, folder);
}

/** Gives folders the time that they lost as something was put into them. */
export function settleTimes(root: number, folders: readonly string[][], time: Moment | undefined): void {
  if (!time) return;
  for (const names of [...folders].reverse()) {
    const fd = openResolved(root, names, "utimensat");
    try {
      setTimesOfLink(".", time, time, fd);
    } finally {
      close(fd);
    }
  }
}
