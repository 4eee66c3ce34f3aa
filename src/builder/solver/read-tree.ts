// Files of a tree that a build made, read by who asks for them by name: links stay in the tree.
import { closeSync, fstatSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { BerthError, invalid } from "../../base/errors.ts";
import { describe, type FileStat, openTree, statOf } from "../../buildkit/file-sync/index.ts";
import { createMatcher } from "../../buildkit/patterns/index.ts";
import { KernelError, O } from "../../linux/ffi.ts";
import { openIn, RESOLVE } from "../../linux/files.ts";

/** Errors: not-found, in BuildKit's words. */
export function readIn(root: number, path: string, limit: number): Uint8Array {
  const fd = opened(root, path, O.RDONLY | O.NONBLOCK);
  try {
    const { size } = fstatSync(fd);
    if (size > limit)
      throw invalid(`${path} has ${size} bytes, more than the ${limit} that are read of a file`);
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

/** What a path leads to. Errors: not-found. */
export function statIn(root: number, path: string): FileStat {
  const fd = opened(root, path, O.PATH);
  try {
    const tree = openTree("/");
    const stat = describe(tree, "", fstatSync(fd, { bigint: true }));
    return { ...stat, path: basename(path) || "/" } as FileStat;
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
