// A list of files on disk, in a form that is read in milliseconds: blocks of records of one size, each block with the text of
// its records in one piece. A list that grows is one block after another; a torn one at the end is left out.
import type { FileEntry } from "./file-stat.ts";

/** "BFL1", little endian. */
const MAGIC = 0x314c4642;
/** Magic, bytes of the whole block, records, bytes of text. */
const HEAD = 16;
/**
 * Bytes of a record: mode, uid, gid, the lengths of path, link name, digest and attributes, devmajor, devminor (32 bits each),
 * size (a double), modTime (64 bits).
 */
const RECORD = 52;

/** One block. */
export function encodeFileList(entries: readonly FileEntry[]): Buffer {
  const texts: string[] = [];
  const records = Buffer.alloc(HEAD + entries.length * RECORD);
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let at = HEAD;
  for (const entry of entries) {
    const xattrs = entry.xattrs ? encodeXattrs(entry.xattrs) : "";
    texts.push(entry.path, entry.linkname, entry.digest, xattrs);
    view.setUint32(at, entry.mode, true);
    view.setUint32(at + 4, entry.uid, true);
    view.setUint32(at + 8, entry.gid, true);
    view.setUint32(at + 12, entry.path.length, true);
    view.setUint32(at + 16, entry.linkname.length, true);
    view.setUint32(at + 20, entry.digest.length, true);
    view.setUint32(at + 24, xattrs.length, true);
    view.setUint32(at + 28, entry.devmajor, true);
    view.setUint32(at + 32, entry.devminor, true);
    view.setFloat64(at + 36, entry.size, true);
    view.setBigInt64(at + 44, entry.modTime, true);
    at += RECORD;
  }
  const text = Buffer.from(texts.join(""), "latin1");
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, records.length + text.length, true);
  view.setUint32(8, entries.length, true);
  view.setUint32(12, text.length, true);
  return Buffer.concat([records, text]);
}

/** All whole blocks from `start` on; what is no block ends the list. */
export function decodeFileList(bytes: Buffer, start = 0): FileEntry[] {
  const entries: FileEntry[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let block = start; block + HEAD <= bytes.length; ) {
    const size = view.getUint32(block + 4, true);
    const count = view.getUint32(block + 8, true);
    const textSize = view.getUint32(block + 12, true);
    if (
      view.getUint32(block, true) !== MAGIC ||
      size !== HEAD + count * RECORD + textSize ||
      block + size > bytes.length
    )
      break;
    const text = block + size - textSize;
    // A copy, which begins where words may.
    const records = new Uint8Array(bytes.subarray(block + HEAD, text));
    decodeBlock(
      new Uint32Array(records.buffer),
      count,
      bytes.toString("latin1", text, block + size),
      entries,
    );
    block += size;
  }
  return entries;
}

const words = new Uint32Array(2);
const asBigInt = new BigInt64Array(words.buffer);
const asDouble = new Float64Array(words.buffer);

/** The records are read as words, which is twice as fast as by a view: so only on hosts that are little endian, as all of ours. */
function decodeBlock(records: Uint32Array, count: number, text: string, entries: FileEntry[]): void {
  let from = 0;
  for (let i = 0, at = 0; i < count; i++, at += RECORD / 4) {
    const pathEnd = from + records[at + 3]!;
    const linkEnd = pathEnd + records[at + 4]!;
    const digestEnd = linkEnd + records[at + 5]!;
    const end = digestEnd + records[at + 6]!;
    words[0] = records[at + 9]!;
    words[1] = records[at + 10]!;
    const size = asDouble[0]!;
    words[0] = records[at + 11]!;
    words[1] = records[at + 12]!;
    entries.push({
      path: text.slice(from, pathEnd),
      mode: records[at]!,
      uid: records[at + 1]!,
      gid: records[at + 2]!,
      size,
      modTime: asBigInt[0]!,
      linkname: linkEnd === pathEnd ? "" : text.slice(pathEnd, linkEnd),
      devmajor: records[at + 7]!,
      devminor: records[at + 8]!,
      xattrs: end === digestEnd ? undefined : decodeXattrs(text.slice(digestEnd, end)),
      digest: digestEnd === linkEnd ? "" : text.slice(linkEnd, digestEnd),
    });
    from = end;
  }
}

/** Attributes in the order of their names: a name, a NUL, the value's length, a NUL, the value. */
export function encodeXattrs(xattrs: ReadonlyMap<string, Uint8Array>): string {
  const names = [...xattrs.keys()].sort();
  return names
    .map((name) => {
      const value = Buffer.from(xattrs.get(name)!).toString("latin1");
      return `${name}\0${value.length}\0${value}`;
    })
    .join("");
}

function decodeXattrs(text: string): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  for (let at = 0; at < text.length; ) {
    const nameEnd = text.indexOf("\0", at);
    const lengthEnd = text.indexOf("\0", nameEnd + 1);
    const end = lengthEnd + 1 + Number(text.slice(nameEnd + 1, lengthEnd));
    if (nameEnd < 0 || lengthEnd < 0 || !(end > lengthEnd)) break;
    xattrs.set(
      text.slice(at, nameEnd),
      new Uint8Array(Buffer.from(text.slice(lengthEnd + 1, end), "latin1")),
    );
    at = end;
  }
  return xattrs;
}
