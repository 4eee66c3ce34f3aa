// The job "file-actions": applies a list of file actions to a tree, which becomes this process's root directory.
//
// Trees come as descriptors of mounts that are nowhere in the file system (mount-tree.ts): the target as 3, those that are read
// from 4 on, then, for an action that goes on, the plain bytes of an archive.
import { readFileSync } from "node:fs";
import { removeAll } from "../../../archive/index.ts";
import { systemError } from "../../../base/errors.ts";
import { toByteString } from "../../../buildkit/file-sync/index.ts";
import { KernelError } from "../../../linux/errors.ts";
import { close, errno, O, writeFrom } from "../../../linux/ffi.ts";
import {
  attempt,
  enterOpenRoot,
  type Moment,
  momentOf,
  setOwnerOfLink,
  setTimesOfLink,
} from "../../../linux/files.ts";
import { openChild } from "../../../linux/folder.ts";
import type {
  CopyAction,
  FileAction,
  FileRoot,
  MakeFileAction,
  MakeFolderAction,
  MakeLinkAction,
  RemoveAction,
} from "../../file-action.ts";
import { copyAction, type Interruption } from "./copy-action.ts";
import { type OwnerIds, resolveOwner } from "./owners.ts";
import {
  bytesOf,
  cleanPath,
  folderAndName,
  makeFolders,
  openResolved,
  pathError,
  resolveNames,
  shownPath,
} from "./tree-paths.ts";
import { matchWildcards } from "./wildcards.ts";

const ENOENT = 2;
const EEXIST = 17;
const FIRST_TREE = 3;

/** Bytes of a file travel as base64. */
export type SentAction =
  | Exclude<FileAction, MakeFileAction>
  | (Omit<MakeFileAction, "data"> & { data: string });

/** What the worker reads on its standard input. */
export interface ActionsRequest {
  actions: SentAction[];
  /** How many trees are only read. */
  sources: number;
  /** Where another worker was interrupted. */
  resume?: { action: number; match: number };
}

/** Where this worker was interrupted, if it was. */
export interface Applied {
  interrupted?: Interruption & { action: number; source: FileRoot };
}

export async function applyActions(): Promise<Applied> {
  const { actions, sources, resume } = JSON.parse(readFileSync(0, "utf8")) as ActionsRequest;
  enterOpenRoot(FIRST_TREE);
  process.umask(0);
  const target = openChild(FIRST_TREE, ".", O.PATH | O.DIRECTORY);
  const rootOf = (root: FileRoot) => (root === "target" ? target : FIRST_TREE + 1 + root);
  for (const [at, action] of actions.entries()) {
    if (resume && at < resume.action) continue;
    const made = { target, ...ownerAndTime(action, rootOf) };
    if (action.type === "copy") {
      const plain = FIRST_TREE + 1 + sources;
      const interrupted = await copyAction(action, {
        ...made,
        source: sourceOf(action, rootOf),
        ...(resume?.action === at ? { resume: { match: resume.match, plain } } : {}),
      });
      if (interrupted)
        return { interrupted: { ...interrupted, action: at, source: action.from ?? "target" } };
    } else if (action.type === "mkdir") makeFolder(action, made);
    else if (action.type === "mkfile") makeFile(action, made);
    else if (action.type === "symlink") makeLink(action, made);
    else remove(action, target);
  }
  return {};
}

interface Context {
  target: number;
  owner: OwnerIds | undefined;
  time: Moment | undefined;
}

function ownerAndTime(
  action: SentAction,
  rootOf: (root: FileRoot) => number,
): { owner: OwnerIds | undefined; time: Moment | undefined } {
  if (action.type === "rm") return { owner: undefined, time: undefined };
  const { owner, timestamp } = action;
  return {
    owner: owner && resolveOwner(owner, rootOf),
    time: timestamp === undefined ? undefined : momentOf(BigInt(timestamp)),
  };
}

function sourceOf({ from, source }: CopyAction, rootOf: (root: FileRoot) => number): number {
  // From nothing nothing can be copied: what is asked for isn't there.
  if (from === undefined) throw new KernelError("lstat", ENOENT, cleanPath(source));
  return rootOf(from);
}

function makeFolder({ path, mode, makeParents }: MakeFolderAction, { target, owner, time }: Context): void {
  const names = resolveNames(target, toByteString(path));
  const facts = { mode: mode & 0o777, owner, time };
  if (makeParents) {
    makeFolders(target, names, facts);
    return;
  }
  inFolder(target, names, "mkdir", (folder, name) => {
    const code = attempt.mkdir(bytesOf(name), facts.mode, folder);
    if (code === EEXIST || name === ".") return;
    if (code !== 0) throw pathError("mkdir", code, names);
    settle(folder, name, owner, time);
  });
}

function makeFile(
  { path, mode, data }: Extract<SentAction, { type: "mkfile" }>,
  { target, owner, time }: Context,
): void {
  const names = resolveNames(target, toByteString(path));
  inFolder(target, names, "open", (folder, name) => {
    const flags = O.WRONLY | O.CREAT | O.TRUNC | O.NONBLOCK | O.NOCTTY;
    const fd = openChild(folder, name, flags, { mode: mode & 0o777 });
    if (fd < 0) throw pathError("open", -fd, names);
    try {
      writeAll(fd, Buffer.from(data, "base64"), names);
    } finally {
      close(fd);
    }
    settle(folder, name, owner, time);
  });
}

function writeAll(fd: number, bytes: Buffer, names: readonly string[]): void {
  for (let at = 0; at < bytes.length; ) {
    const written = writeFrom(fd, bytes.subarray(at));
    if (written < 0) throw pathError("write", errno(), names);
    at += written;
  }
}

function makeLink({ path, target: says }: MakeLinkAction, { target, owner, time }: Context): void {
  const names = resolveNames(target, toByteString(path));
  inFolder(target, names, `symlink ${says}`, (folder, name) => {
    const code = attempt.symlink(bytesOf(toByteString(says)), bytesOf(name), folder);
    if (code !== 0) throw pathError(`symlink ${says}`, code, names);
    settle(folder, name, owner, time);
  });
}

function settle(folder: number, name: string, owner: OwnerIds | undefined, time: Moment | undefined): void {
  const bytes = bytesOf(name);
  if (owner) setOwnerOfLink(bytes, owner.uid, owner.gid, folder);
  if (time) setTimesOfLink(bytes, time, time, folder);
}

function remove({ path, allowNotFound, allowWildcard }: RemoveAction, target: number): void {
  const bytes = toByteString(path);
  const matches = allowWildcard ? matchWildcards(target, bytes, false) : undefined;
  if (matches)
    for (const each of matches.paths) removeOne(target, [...matches.prefix, ...each], allowNotFound ?? false);
  else removeOne(target, resolveNames(target, bytes, { keepLast: true }), allowNotFound ?? false);
}

function removeOne(target: number, names: string[], allowNotFound: boolean): void {
  if (names.length === 0) throw systemError("rmPath: invalid empty path");
  try {
    inFolder(target, names, "stat", (folder, name) => {
      const fd = openChild(folder, name, O.PATH);
      if (fd < 0) throw pathError("stat", -fd, names);
      close(fd);
      removeAll(folder, name, shownPath(names));
    });
  } catch (thrown) {
    if (!allowNotFound || !(thrown instanceof KernelError) || thrown.errno !== ENOENT) throw thrown;
  }
}

/** Runs `work` with the folder that a resolved path is in. */
function inFolder(
  root: number,
  names: readonly string[],
  call: string,
  work: (folder: number, name: string) => void,
): void {
  const [folderNames, name] = folderAndName(names);
  let folder: number;
  try {
    folder = openResolved(root, folderNames, call);
  } catch (thrown) {
    // What was asked for is the whole path.
    throw thrown instanceof KernelError ? pathError(call, thrown.errno, names) : thrown;
  }
  try {
    work(folder, name);
  } finally {
    close(folder);
  }
}
