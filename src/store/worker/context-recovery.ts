// After a transfer that was broken off: keeps the files whose size, owner, mode and time say that they are whole, and removes
// all else.
import { type BigIntStats, fstatSync } from "node:fs";
import { comparePaths, type FileEntry, kindOf, MODE, permissionsOf } from "../../buildkit/file-sync/index.ts";
import { close, O } from "../../linux/ffi.ts";
import { attempt } from "../../linux/files.ts";
import { childError, namesIn, openChild } from "../../linux/folder.ts";

const ENOTDIR = 20;

/**
 * What is left, in the order of paths. Its folders have no owner that a sender's could have, so that they are made anew.
 * @param root an open descriptor of the folder
 * @param candidates what was known and what was made since, later ones overruling earlier
 */
export function recoverFiles(root: number, candidates: readonly FileEntry[]): FileEntry[] {
  const known = new Map<string, FileEntry>();
  for (const entry of candidates) known.set(entry.path, entry);
  const kept: FileEntry[] = [];
  const fd = openChild(root, ".", O.RDONLY | O.DIRECTORY);
  if (fd < 0) throw childError("openat", -fd, ".");
  try {
    keepWhole(fd, "", known, kept);
  } finally {
    close(fd);
  }
  return kept.sort((one, other) => comparePaths(one.path, other.path));
}

function keepWhole(folder: number, prefix: string, known: Map<string, FileEntry>, kept: FileEntry[]): void {
  for (const name of namesIn(folder)) {
    const path = prefix + name;
    const bytes = Buffer.from(`${name}\0`, "latin1");
    const inner = openChild(folder, name, O.RDONLY | O.DIRECTORY | O.NONBLOCK);
    if (inner >= 0) {
      const before = kept.length;
      try {
        keepWhole(inner, `${path}/`, known, kept);
      } finally {
        close(inner);
      }
      if (kept.length > before) kept.push(folderEntry(path));
      else {
        const code = attempt.rmdir(bytes, folder);
        if (code !== 0) throw childError("rmdir", code, path);
      }
      continue;
    }
    // ELOOP is a link's.
    if (inner === -ENOTDIR && isWhole(folder, name, known.get(path))) kept.push(known.get(path)!);
    else {
      const code = attempt.unlink(bytes, folder);
      if (code !== 0) throw childError("unlinkat", code, path);
    }
  }
}

function isWhole(folder: number, name: string, entry: FileEntry | undefined): boolean {
  if (entry?.linkname !== "" || kindOf(entry.mode) !== "file") return false;
  const fd = openChild(folder, name, O.PATH);
  if (fd < 0) return false;
  let facts: BigIntStats;
  try {
    facts = fstatSync(fd, { bigint: true });
  } finally {
    close(fd);
  }
  return (
    facts.isFile() &&
    (Number(facts.mode) & 0o7777) === permissionsOf(entry.mode) &&
    Number(facts.uid) === entry.uid &&
    Number(facts.gid) === entry.gid &&
    Number(facts.size) === entry.size &&
    facts.mtimeNs === entry.modTime
  );
}

const NOBODY = 0xffffffff;

const folderEntry = (path: string): FileEntry => ({
  path,
  mode: MODE.directory,
  uid: NOBODY,
  gid: NOBODY,
  size: 0,
  modTime: 0n,
  linkname: "",
  devmajor: 0,
  devminor: 0,
  digest: "",
});
