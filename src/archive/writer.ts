// Writes a tar archive's headers: ustar where it can say all, with a pax header before where it can't.
import { encodeHeader, fitsOctal, splitName } from "./header.ts";
import { encodeMoment, encodePax } from "./pax.ts";
import { BLOCK, type EntryType, type TarEntry } from "./types.ts";

const FLAGS: Record<EntryType, string> = {
  file: "0",
  link: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** Two blocks of zeros. */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * BLOCK);

/** How many zeros follow an entry's data. */
export const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/** The header blocks of an entry; its data, padded, comes after. Folders' names get their slash. */
export function encodeEntry(entry: TarEntry): Buffer {
  const name = entry.type === "directory" && !entry.name.endsWith("/") ? `${entry.name}/` : entry.name;
  const records = paxRecords(entry, name);
  const header = encodeHeader({
    name,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    mtime: entry.modified.seconds,
    flag: FLAGS[entry.type],
    linkName: entry.linkName,
    major: entry.major,
    minor: entry.minor,
  });
  if (records.size === 0) return header;
  const data = encodePax(records);
  const pax = encodeHeader({
    name: paxName(name),
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: data.length,
    mtime: 0,
    flag: "x",
    linkName: "",
    major: 0,
    minor: 0,
  });
  return Buffer.concat([pax, data, Buffer.alloc(paddingOf(data.length)), header]);
}

function paxRecords(entry: TarEntry, name: string): Map<string, string> {
  const records = new Map<string, string>();
  // Readers take ustar's names for whatever encoding they like, pax's for UTF-8.
  const isPlain = (text: string) => !/[\x80-\xff]/.test(text);
  if (!isPlain(name) || splitName(name) === undefined) records.set("path", name);
  if (!isPlain(entry.linkName) || entry.linkName.length > 100) records.set("linkpath", entry.linkName);
  if (!fitsOctal(entry.size, 12)) records.set("size", String(entry.size));
  if (!fitsOctal(entry.uid, 8)) records.set("uid", String(entry.uid));
  if (!fitsOctal(entry.gid, 8)) records.set("gid", String(entry.gid));
  const { modified } = entry;
  if (modified.nanoseconds !== 0 || !fitsOctal(modified.seconds, 12))
    records.set("mtime", encodeMoment(modified));
  for (const [key, value] of entry.xattrs ?? [])
    records.set(`SCHILY.xattr.${Buffer.from(key).toString("latin1")}`, Buffer.from(value).toString("latin1"));
  return records;
}

/** What a reader without pax sees as a file's name, as POSIX proposes: folder/PaxHeaders.0/name. */
function paxName(name: string): string {
  const plain = name.replace(/\/$/, "");
  const slash = plain.lastIndexOf("/");
  return `${plain.slice(0, slash + 1).slice(0, 60)}PaxHeaders.0/${plain.slice(slash + 1)}`.slice(0, 100);
}
