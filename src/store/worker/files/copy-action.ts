// The action "copy": where its source and its destination are, in BuildKit's rules; the copying itself is in copier.ts.
import { fstatSync } from "node:fs";
import { messageOf, systemError } from "../../../base/errors.ts";
import { toByteString } from "../../../buildkit/file-sync/index.ts";
import { KernelError } from "../../../linux/errors.ts";
import { close, O } from "../../../linux/ffi.ts";
import type { Moment } from "../../../linux/files.ts";
import { openChild } from "../../../linux/folder.ts";
import type { CopyAction } from "../../file-action.ts";
import { Copier } from "./copier.ts";
import type { OwnerIds } from "./owners.ts";
import { parseMode } from "./symbolic-mode.ts";
import {
  baseOf,
  cleanPath,
  folderAndName,
  makeFolders,
  openResolved,
  pathError,
  resolveNames,
  settleTimes,
} from "./tree-paths.ts";
import { type ForeignCompression, foreignCompression, unpackFile } from "./unpack-file.ts";
import { matchWildcards } from "./wildcards.ts";

const FOLDER_MODE = 0o755;
const ELOOP = 40;
/** BuildKit makes the folders that a copy's destination lacks with the copied files' mode, under a umask of 022. */
const MADE_FOLDERS = 0o755;
const ENOENT = 2;
const ENOTDIR = 20;

/** A file of a source that a program outside has to decompress: the daemon starts another worker, which goes on there. */
export interface Interruption {
  /** Which of the sources that the wildcards came to. */
  match: number;
  /** Resolved: no links. */
  path: string[];
  compression: ForeignCompression;
}

export interface CopyContext {
  /** The target's root folder, which is the process's root directory. */
  target: number;
  source: number;
  owner: OwnerIds | undefined;
  time: Moment | undefined;
  /** Where an interrupted action goes on, and the plain bytes of the file that it was interrupted at. */
  resume?: { match: number; plain: number };
}

/** Errors: system and invalid, in BuildKit's words where people see them. */
export async function copyAction(
  action: CopyAction,
  context: CopyContext,
): Promise<Interruption | undefined> {
  const { target, source, resume } = context;
  if (!action.createDestination) checkDestination(target, action.destination);
  const from = toByteString(action.source);
  const follow = action.followSymlink ?? false;
  const matches = action.allowWildcard ? matchWildcards(source, from, follow) : undefined;
  const sources = matches?.paths.map((path) => `/${[...matches.prefix, ...path].join("/")}`) ?? [from];
  if (sources.length === 0) {
    if (action.allowEmptyWildcard) return undefined;
    throw systemError(`${cleanPath(action.source)} not found`);
  }
  for (const [match, path] of sources.entries()) {
    if (resume && match < resume.match) continue;
    if (action.unpack) {
      const plain = resume?.match === match ? resume.plain : undefined;
      const unpacked = await unpackSource(action, context, path, plain);
      if (unpacked === true) continue;
      if (unpacked) return { match, ...unpacked };
    }
    copyOne(action, context, path);
  }
  return undefined;
}

/** The names of a destination. Errors: system, in BuildKit's words, for links that lead in a circle. */
function destinationNames(target: number, path: string): string[] {
  try {
    return resolveNames(target, path);
  } catch (thrown) {
    if (thrown instanceof KernelError && thrown.errno === ELOOP) throw systemError("too many links", thrown);
    throw thrown;
  }
}

function checkDestination(target: number, destination: string): void {
  const [folder] = folderAndName(destinationNames(target, toByteString(destination)));
  try {
    close(openResolved(target, folder, "lstat"));
  } catch (thrown) {
    throw systemError(`failed to stat ${destination}: ${messageOf(thrown)}`, thrown);
  }
}

/** True: done; false: no archive. */
async function unpackSource(
  action: CopyAction,
  { target, source, owner, time }: CopyContext,
  path: string,
  plain: number | undefined,
): Promise<boolean | Omit<Interruption, "match">> {
  const names = resolveNames(source, path);
  const file = openRegular(source, names);
  if (file === undefined) return false;
  try {
    const compression = foreignCompression(file);
    if (compression && plain === undefined) return { path: names, compression };
    const destination = destinationNames(target, toByteString(action.destination));
    const into = () => {
      makeFolders(target, destination, { mode: FOLDER_MODE, owner, time });
      return openResolved(target, destination, "open");
    };
    return await unpackFile(plain ?? file, into, { owner, shown: action.destination });
  } finally {
    close(file);
  }
}

/** Undefined for what is no regular file, or not there. */
function openRegular(root: number, names: string[]): number | undefined {
  const [folderNames, name] = folderAndName(names);
  let folder: number;
  try {
    folder = openResolved(root, folderNames, "open");
  } catch (thrown) {
    if (thrown instanceof KernelError) return undefined;
    throw thrown;
  }
  const fd = openChild(folder, name, O.RDONLY | O.NONBLOCK | O.NOCTTY);
  close(folder);
  if (fd < 0) return undefined;
  if (fstatSync(fd).isFile()) return fd;
  close(fd);
  return undefined;
}

function copyOne(action: CopyAction, context: CopyContext, path: string): void {
  const { target, source, owner, time } = context;
  const { modeText, mode } = action;
  const made = { mode: ((modeText ? undefined : mode) ?? FOLDER_MODE) & MADE_FOLDERS, owner, time };
  const destination = toByteString(action.destination);
  const above = makeFolders(target, destinationNames(target, folderOf(destination)), made);
  const copier = new Copier({
    owner,
    time,
    mode: modeText ? parseMode(modeText) : mode === undefined ? undefined : () => mode,
    includePatterns: action.includePatterns ?? [],
    excludePatterns: action.excludePatterns ?? [],
    replaceDestination: action.replaceDestination ?? false,
  });
  const names = resolveNames(source, path, { keepLast: !action.followSymlink });
  const isFolder = kindAt(source, names, "lstat") === "folder";
  const place = placeFor(target, destination, {
    base: baseOf(path),
    isFolder,
    contents: isFolder && (action.directoryContents ?? false),
  });
  const alsoMade = makeFolders(target, place.folder, made);
  copyEntry(copier, context, names, place.names);
  settleTimes(target, [...above, ...alsoMade], time);
}

/** filepath.Split's folder: of "a/b" it is "a", of "a/b/" and "a/b/." all of it. */
function folderOf(path: string): string {
  return /(?:^|\/)\.?$/.test(path) ? path : path.slice(0, path.lastIndexOf("/") + 1);
}

/** Where the copy will be, and the folder that has to be there. */
function placeFor(
  target: number,
  destination: string,
  source: { base: string; isFolder: boolean; contents: boolean },
): { names: string[]; folder: string[] } {
  const names = destinationNames(target, destination);
  const there = kindAt(target, names, undefined);
  const into = source.isFolder ? !source.contents && there !== undefined : there === "folder";
  if (into)
    return {
      names: source.base === "." || source.base === "/" ? names : [...names, source.base],
      folder: names,
    };
  const isNew = source.contents && there === undefined;
  return { names, folder: isNew ? names : names.slice(0, -1) };
}

/** What is at a resolved path. Undefined when nothing is and `call` is: with it that is an error. */
function kindAt(root: number, names: string[], call: string | undefined): "folder" | "other" | undefined {
  const [folderNames, name] = folderAndName(names);
  let code: number;
  try {
    const folder = openResolved(root, folderNames, call ?? "stat");
    const fd = openChild(folder, name, O.PATH);
    close(folder);
    if (fd >= 0) {
      const isFolder = fstatSync(fd).isDirectory();
      close(fd);
      return isFolder ? "folder" : "other";
    }
    code = -fd;
  } catch (thrown) {
    if (!(thrown instanceof KernelError)) throw thrown;
    code = thrown.errno;
  }
  if (call === undefined && (code === ENOENT || code === ENOTDIR)) return undefined;
  throw pathError(call ?? "failed to lstat destination path: stat", code, names);
}

function copyEntry(copier: Copier, { source, target }: CopyContext, from: string[], to: string[]): void {
  const [fromFolder, fromName] = folderAndName(from);
  const [toFolder, toName] = folderAndName(to);
  const reading = openResolved(source, fromFolder, "lstat");
  try {
    const writing = openResolved(target, toFolder, "open");
    try {
      copier.copy(
        { folder: reading, name: fromName, path: from },
        { folder: writing, name: toName, path: to },
      );
    } finally {
      close(writing);
    }
  } finally {
    close(reading);
  }
}
