// Owner, mode, times and extended attributes of folders.
import { type BigIntStats, closeSync, fstatSync, openSync } from "node:fs";
import { O } from "../linux/ffi.ts";
import { momentOf, setOwnerAndMode, setTimes } from "../linux/files.ts";
import { getXattr, listXattrs, setXattr } from "../linux/xattr.ts";

/** Copies a folder's owner, mode, times and attributes to another; both are open for reading. Overlay's marks stay. */
export function copyFacts(from: number, to: number): void {
  const facts = fstatSync(from, { bigint: true });
  setOwnerAndMode(to, Number(facts.uid), Number(facts.gid), Number(facts.mode & 0o7777n));
  for (const name of listXattrs(from)) {
    if (name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")) continue;
    const value = getXattr(from, name);
    if (value) setXattr(to, name, value);
  }
  restoreTimes(to, facts);
}

/** As copyFacts, for folders of our own by path. */
export function copyFolderFacts(from: string, to: string): void {
  const source = openSync(from, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  try {
    const target = openSync(to, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    try {
      copyFacts(source, target);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Gives an open folder the times it had before something was put into it. */
export function restoreTimes(fd: number, before: BigIntStats): void {
  setTimes(fd, momentOf(before.atimeNs), momentOf(before.mtimeNs));
}
