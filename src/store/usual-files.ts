// What every container's root has, made where its image hasn't got it: places for mounts, and files that programs look for.
// Docker has them in a layer of their own between the image's and the container's, so that they are no change of either.
import type { BigIntStats } from "node:fs";
import { KernelError } from "../linux/errors.ts";
import { close, O } from "../linux/ffi.ts";
import { attempt, openIn, RESOLVE, setOwnerOfPath, withFolder } from "../linux/files.ts";

/** Paths without a slash at the front, in an order in which they can be made. */
const FOLDERS = ["dev", "dev/pts", "dev/shm", "proc", "sys", "etc"];
/** Programs know by `.dockerenv` that they run in a container; `/dev/console` is mounted on. */
const FILES = [".dockerenv", "dev/console", "etc/hosts", "etc/hostname", "etc/resolv.conf"];
const LINKS: Record<string, string> = { "etc/mtab": "/proc/mounts" };
const ALL = [...FOLDERS, ...FILES, ...Object.keys(LINKS)];

/** Whether an entry is what was made at this path, untouched since. */
export function isUsual(path: string, facts: BigIntStats, linkTarget: () => string): boolean {
  if (FOLDERS.includes(path)) return facts.isDirectory();
  if (FILES.includes(path)) return facts.isFile() && facts.size === 0n;
  const target = LINKS[path];
  return target !== undefined && facts.isSymbolicLink() && linkTarget() === target;
}

/** Names of what is made in a folder. */
export const usualNames = (folder: string): string[] =>
  ALL.filter((path) => splitPath(path)[0] === folder).map((path) => splitPath(path)[1]);

export interface MountPlace {
  /** Absolute, without links that the caller knows of. */
  destination: string;
  /** A file is mounted there. */
  isFile: boolean;
}

interface Owner {
  uid: number;
  gid: number;
}

/**
 * Makes what isn't there in a container's root, in which nothing may run yet. What can't be made (a file or a dangling link in its
 * place) is left for the runtime to complain of.
 */
export function makeUsualFiles(rootfs: string, owner: Owner): void {
  withFolder(rootfs, (root) => {
    for (const path of FOLDERS) makeFolders(root, path, owner);
    for (const path of FILES) makeFile(root, path, owner);
    for (const [path, target] of Object.entries(LINKS)) makeLink(root, path, target, owner);
  });
}

/** Makes the places of mounts with the modes that Docker's runtime gives them (crun has others), as makeUsualFiles. */
export function makeMountPlaces(rootfs: string, mounts: MountPlace[], owner: Owner): void {
  withFolder(rootfs, (root) => {
    for (const { destination, isFile } of mounts) {
      if (isCovered(destination, mounts)) continue;
      const path = destination.replace(/^\/+|\/+$/g, "");
      if (isFile) makeFile(root, path, owner);
      else makeFolders(root, path, owner);
    }
  });
}

/** Below another mount, where a name made in the root would be seen by nobody. */
function isCovered(destination: string, mounts: MountPlace[]): boolean {
  const above = ["/dev", "/proc", "/sys", ...mounts.map((mount) => mount.destination)];
  return above.some((other) => other !== destination && destination.startsWith(`${other}/`));
}

const MODE = 0o755;

/** All folders of a path; false when one of them can't be. */
function makeFolders(root: number, path: string, owner: Owner): boolean {
  const names = path.split("/").filter(Boolean);
  for (let depth = 1; depth <= names.length; depth++) {
    const at = names.slice(0, depth).join("/");
    if (isFolder(root, at)) continue;
    const made = inParent(root, at, (parent, name) => attempt.mkdir(name, MODE, parent) === 0);
    if (!made) return false;
    give(root, at, owner);
  }
  return true;
}

function makeFile(root: number, path: string, owner: Owner): void {
  if (!makeFolders(root, splitPath(path)[0], owner)) return;
  const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
  const fd = inParent(root, path, (parent, name) => attempt.open(name, flags, MODE, parent)) ?? -1;
  if (fd < 0) return; // there already, whatever it is
  close(fd);
  give(root, path, owner);
}

function makeLink(root: number, path: string, target: string, owner: Owner): void {
  const made = inParent(root, path, (parent, name) => attempt.symlink(bytesOf(target), name, parent) === 0);
  if (made) give(root, path, owner);
}

function isFolder(root: number, path: string): boolean {
  const fd = open(root, path, O.PATH | O.DIRECTORY);
  if (fd !== undefined) close(fd);
  return fd !== undefined;
}

function inParent<R>(
  root: number,
  path: string,
  work: (parent: number, name: Uint8Array) => R,
): R | undefined {
  const [folder, name] = splitPath(path);
  const parent = open(root, folder || ".", O.PATH | O.DIRECTORY);
  if (parent === undefined) return undefined;
  try {
    return work(parent, bytesOf(name));
  } finally {
    close(parent);
  }
}

function give(root: number, path: string, { uid, gid }: Owner): void {
  if (uid === 0 && gid === 0) return;
  const fd = open(root, path, O.PATH | O.NOFOLLOW);
  if (fd === undefined) return;
  try {
    setOwnerOfPath(fd, uid, gid);
  } finally {
    close(fd);
  }
}

function open(root: number, path: string, flags: number): number | undefined {
  try {
    return openIn(root, bytesOf(path), flags, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

/** As text: what is made here has names of our own or of a request. */
const bytesOf = (text: string): Uint8Array => Buffer.from(`${text}\0`);

function splitPath(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)];
}
