// One digest for a list of files: equal when names, kinds, modes, owners, link targets, attributes and contents are; times
// don't count.
import { createHash } from "node:crypto";
import { encodeXattrs } from "./file-list.ts";
import type { FileEntry } from "./file-stat.ts";

/**
 * Whether an attribute belongs to a file's content: what BuildKit's checksums count, but for what overlay has for itself. Others
 * are the host's (labels of its security modules, access lists).
 */
export function isTransferable(name: string): boolean {
  if (name === "security.capability") return true;
  return !/^(?:security|system|trusted)\.|^user\.overlay\./.test(name);
}

const BATCH = 512;

/** sha256 in hexadecimal digits of a list in the order of its paths. */
export function contentDigest(entries: readonly FileEntry[]): string {
  const hash = createHash("sha256");
  for (let at = 0; at < entries.length; at += BATCH) {
    let text = "";
    for (const entry of entries.slice(at, at + BATCH))
      text += `${entry.path}\0${factsOf(entry, entry.linkname)}`;
    hash.update(text, "latin1");
  }
  return hash.digest("hex");
}

/** All of an entry that counts but its name; begins and ends so that two are never taken for another two. */
export function factsOf(entry: FileEntry, linkname: string): string {
  const { mode, uid, gid, devmajor, devminor, digest } = entry;
  // Nearly all are plain files, of root's.
  if (linkname === "" && !entry.xattrs && devmajor === 0 && devminor === 0)
    return uid === 0 && gid === 0 ? `r${mode} ${digest}\n` : `p${mode} ${uid} ${gid} ${digest}\n`;
  const xattrs = entry.xattrs ? xattrsOf(entry.xattrs) : "";
  const lengths = `${linkname.length} ${xattrs.length}`;
  return `o${mode} ${uid} ${gid} ${devmajor} ${devminor} ${digest} ${lengths} ${linkname}${xattrs}\n`;
}

function xattrsOf(xattrs: ReadonlyMap<string, Uint8Array>): string {
  return encodeXattrs(new Map([...xattrs].filter(([name]) => isTransferable(name))));
}
