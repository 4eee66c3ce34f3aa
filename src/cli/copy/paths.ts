// Paths of `cp`, whose ends say what is meant: "/x" is a link, "/x/" the folder behind it, "/x/." what is in that folder
// (docker/docker pkg/archive/copy.go, for the rules; Go's path/filepath, for what cleaning means).
import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { fail } from "../framework/failure.ts";
import { errorText } from "./error-text.ts";

/** One end of a copy, as the rules of `planCopy` need it. */
export interface CopyEnd {
  path: string;
  exists: boolean;
  isFolder: boolean;
  /** The name that was asked for, where following a link gave another. */
  rebaseName?: string;
}

/** `CONTAINER:PATH`, or a path of this host: absolute, without a colon, or with a dot before it. */
export function splitArgument(argument: string): { container: string; path: string } {
  const colon = argument.indexOf(":");
  if (argument.startsWith("/") || colon < 0 || argument.startsWith("."))
    return { container: "", path: argument };
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}

const clean = (path: string): string => normalize(path || ".").replace(/(?<=.)\/+$/, "");
/** As Go's filepath.Base. */
export const baseOf = (path: string): string => {
  if (path === "") return ".";
  const plain = path.replace(/\/+$/, "");
  return plain === "" ? "/" : plain.slice(plain.lastIndexOf("/") + 1);
};
export const namesFolder = (path: string): boolean => path.endsWith("/") || meansContent(path);
const meansContent = (path: string): boolean => baseOf(path) === ".";

/** What cleaning takes away of a path's end is put back. */
function keepEnd(cleaned: string, original: string): string {
  let kept = cleaned;
  if (!meansContent(kept) && meansContent(original)) kept += kept.endsWith("/") ? "." : "/.";
  if (!kept.endsWith("/") && original.endsWith("/")) kept += "/";
  return kept;
}

/** A path of this host, absolute, its end kept. */
export const localPath = (path: string): string => keepEnd(resolve(path), path);

/** Folder and entry: "/a/b/." is what is in "/a/b". */
export function splitPath(path: string): { folder: string; base: string } {
  const cleaned = clean(path);
  if (meansContent(path)) return { folder: cleaned, base: "." };
  return { folder: dirname(cleaned), base: baseOf(cleaned) };
}

/** Where a link of a path leads: from the path's folder, when it is relative. */
export const linkTarget = (path: string, target: string): string =>
  target.startsWith("/") ? target : join(splitPath(path).folder, target);

/** What a followed path is called in the archive, when that isn't what was asked for. */
export function followedName(path: string, followed: string): { path: string; rebaseName?: string } {
  const full = keepEnd(followed, path);
  return baseOf(path) === baseOf(full) ? { path: full } : { path: full, rebaseName: baseOf(path) };
}

/** The source on this host; a link at its end is followed when `follow`, or when a slash is behind it. Errors: as the kernel's. */
export function sourceOf(path: string, follow: boolean): CopyEnd {
  const found = follow ? followedName(path, realPath(path)) : inRealFolder(path);
  const isFolder = withKernelWords("lstat", found.path, () => lstatSync(found.path)).isDirectory();
  return { ...found, exists: true, isFolder };
}

function inRealFolder(path: string): { path: string; rebaseName?: string } {
  const slash = path.lastIndexOf("/");
  const folder = realPath(path.slice(0, slash) || "/");
  const real = `${folder === "/" ? "" : folder}/${path.slice(slash + 1)}`;
  return path.endsWith("/") && baseOf(path) !== baseOf(real)
    ? { path: real, rebaseName: baseOf(path) }
    : { path: real };
}

const MAX_LINKS = 10;

/** The destination on this host, links followed. Errors: when the folder that it would be in isn't there. */
export function destinationOf(path: string): CopyEnd {
  let at = path;
  for (let links = 0; ; links++) {
    const stats = lookAt(at);
    if (!stats) {
      const { folder } = splitPath(at);
      const parent = withKernelWords("stat", folder, () => statSync(folder));
      if (!parent.isDirectory()) throw fail("not a directory");
      return { path: at, exists: false, isFolder: false };
    }
    if (!stats.isSymbolicLink()) return { path: at, exists: true, isFolder: stats.isDirectory() };
    if (links > MAX_LINKS) throw fail(`too many symlinks in ${path}`);
    at = linkTarget(at, readlinkSync(at));
  }
}

/** Refuses an output whose folder isn't there, or that is a device. */
export function checkOutput(path: string): void {
  const folder = dirname(clean(path));
  if (folder !== "." && !lookThrough(folder))
    throw fail(`invalid output path: directory ${JSON.stringify(folder)} does not exist`);
  const stats = lookThrough(path);
  if (stats?.isCharacterDevice() || stats?.isBlockDevice())
    throw fail(
      `invalid output path: ${JSON.stringify(path)} must be a directory or a regular file: got a device`,
    );
}

const lookThrough = (path: string): Stats | undefined => orNothing("stat", path, () => statSync(path));
const lookAt = (path: string): Stats | undefined => orNothing("lstat", path, () => lstatSync(path));
const realPath = (path: string): string => withKernelWords("lstat", clean(path), () => realpathSync(path));

function orNothing<T>(call: string, path: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === "ENOENT") return undefined;
    throw fail(`${call} ${path}: ${errorText(thrown)}`);
  }
}

function withKernelWords<T>(call: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw fail(`${call} ${path}: ${errorText(thrown)}`);
  }
}
