// Files of a tree that a build made, read by who asks for them by name: links stay in the tree.
import { closeSync, fstatSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { basename } from "node:path";
import { BerthError, invalid } from "../../base/errors.ts";
import { describe, type FileStat, openTree, statOf } from "../../buildkit/file-sync/index.ts";
import { createMatcher } from "../../buildkit/patterns/index.ts";
import { KernelError, O } from "../../linux/ffi.ts";
import { openIn, RESOLVE } from "../../linux/files.ts";

/** Bytes of a file that is read as a whole. */
const FILE_LIMIT = 16 << 20;

/** All of a file, or its first bytes. Errors: not-found and invalid, in BuildKit's words. */
export function readIn(root: number, path: string, first?: number): Uint8Array {
  // Never waits for a pipe's writer.
  const fd = opened(root, path, O.RDONLY | O.NONBLOCK);
  try {
    const facts = fstatSync(fd);
    if (facts.isDirectory()) throw invalid(`read ${path}: is a directory`);
    if (first !== undefined) {
      const bytes = Buffer.alloc(Math.min(first, facts.size));
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
    }
    if (facts.size > FILE_LIMIT)
      throw invalid(`${path} has ${facts.size} bytes, more than the ${FILE_LIMIT} that are read of a file`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function listIn(root: number, path: string): string[] {
  const fd = opened(root, path, O.RDONLY | O.DIRECTORY);
  try {
    return readdirSync(`/proc/self/fd/${fd}`, { withFileTypes: true }).map(
      (entry) => entry.name + (entry.isDirectory() ? "/" : ""),
    );
  } finally {
    closeSync(fd);
  }
}

/** What a path leads to in the end, under that one's name. Errors: not-found. */
export function statIn(root: number, path: string): FileStat {
  const fd = opened(root, path, O.PATH);
  try {
    const tree = openTree("/");
    const stat = describe(tree, "", fstatSync(fd, { bigint: true }));
    return { ...stat, path: basename(readlinkSync(`/proc/self/fd/${fd}`)) } as FileStat;
  } finally {
    closeSync(fd);
  }
}

/** What is in a folder, sorted; with `include`, what that pattern takes. Errors: not-found, invalid for a pattern. */
export function statAllIn(root: number, path: string, include: string): FileStat[] {
  const matcher = include === "" ? undefined : createMatcher([include]);
  const fd = opened(root, path, O.RDONLY | O.DIRECTORY);
  try {
    const tree = openTree(`/proc/self/fd/${fd}`);
    return readdirSync(`/proc/self/fd/${fd}`, "latin1")
      .sort()
      .filter((name) => matcher?.matches(Buffer.from(name, "latin1").toString()) ?? true)
      .flatMap((name) => statOf(tree, name) ?? []);
  } finally {
    closeSync(fd);
  }
}

function opened(root: number, path: string, flags: number): number {
  try {
    return openIn(root, path, flags, RESOLVE.IN_ROOT);
  } catch (thrown) {
    if (thrown instanceof KernelError && (thrown.code === "ENOENT" || thrown.code === "ENOTDIR"))
      throw new BerthError("not-found", `open ${path}: no such file or directory`, { cause: thrown });
    throw thrown;
  }
}
