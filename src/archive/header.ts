// One header block: decoding and encoding.
//
// Why not tar-stream's codec: it is not exported, decodes pax values as UTF-8 (security.capability is bytes), and has
// times in seconds only.
import { invalid } from "../base/errors.ts";
import { BLOCK } from "./types.ts";

export interface RawHeader {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Seconds. */
  mtime: number;
  /** The type's character, "0" for NUL. */
  flag: string;
  linkName: string;
  major: number;
  minor: number;
}

const MAGIC = 257;

/** Decodes a header block at an offset; undefined for a block of zeros. Errors: invalid. */
export function decodeHeader(block: Buffer, at: number): RawHeader | undefined {
  const stored = number(block, at + 148, 8, "checksum");
  const { unsigned, signed } = checksums(block, at);
  if (unsigned === 8 * 32 && stored === 0 && block[at] === 0) return undefined;
  // Some old tars summed signed characters.
  if (stored !== unsigned && stored !== signed)
    throw invalid("the archive is damaged or not a tar: a header's checksum is wrong");
  const magic = block.toString("latin1", at + MAGIC, at + MAGIC + 8);
  const ustar = magic.startsWith("ustar\0");
  const gnu = magic === "ustar  \0";
  const prefix = ustar ? text(block, at + 345, 155) : "";
  const name = text(block, at, 100);
  const flag = block[at + 156] || 0x30;
  return {
    name: prefix ? `${prefix}/${name}` : name,
    mode: number(block, at + 100, 8, "mode") & 0o7777,
    uid: number(block, at + 108, 8, "uid"),
    gid: number(block, at + 116, 8, "gid"),
    size: number(block, at + 124, 12, "size"),
    mtime: number(block, at + 136, 12, "mtime"),
    flag: String.fromCharCode(flag),
    linkName: block[at + 157] === 0 ? "" : text(block, at + 157, 100),
    major: ustar || gnu ? number(block, at + 329, 8, "device") : 0,
    minor: ustar || gnu ? number(block, at + 337, 8, "device") : 0,
  };
}

function checksums(block: Buffer, at: number): { unsigned: number; signed: number } {
  let unsigned = 8 * 32;
  let high = 0;
  for (let i = at; i < at + 148; i++) {
    const byte = block[i]!;
    unsigned += byte;
    high += byte >> 7;
  }
  for (let i = at + 156; i < at + BLOCK; i++) {
    const byte = block[i]!;
    unsigned += byte;
    high += byte >> 7;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

function text(block: Buffer, at: number, length: number): string {
  let end = at;
  while (end < at + length && block[end] !== 0) end++;
  return block.toString("latin1", at, end);
}

/** Octal digits between spaces and NULs, or GNU's base 256 when the top bit is set (two's complement). */
function number(block: Buffer, at: number, length: number, field: string): number {
  const first = block[at]!;
  if (first & 0x80) return base256(block, at, length, field);
  let i = at;
  const end = at + length;
  while (i < end && (block[i] === 0x20 || block[i] === 0)) i++;
  let value = 0;
  for (; i < end; i++) {
    const digit = block[i]! - 0x30;
    if (digit >= 0 && digit <= 7) value = value * 8 + digit;
    else if (block[i] === 0x20 || block[i] === 0) break;
    else throw invalid(`the archive is damaged or not a tar: a header's ${field} is no number`);
  }
  return value;
}

function base256(block: Buffer, at: number, length: number, field: string): number {
  const negative = (block[at]! & 0x40) !== 0;
  let value = negative ? (block[at]! | 0x80) - 256 : block[at]! & 0x3f;
  for (let i = at + 1; i < at + length; i++) value = value * 256 + block[i]!;
  if (!Number.isSafeInteger(value)) throw invalid(`a tar header's ${field} is too large`);
  return value;
}

export interface EncodableHeader extends RawHeader {
  userName?: string;
  groupName?: string;
}

/**
 * Encodes a ustar header. What doesn't fit its field (a long name, a big number) is cut or zero: the writer has said
 * it in a pax header before.
 */
export function encodeHeader(header: EncodableHeader): Buffer {
  const block = Buffer.alloc(BLOCK);
  const { name, prefix } = splitName(header.name) ?? { name: header.name.slice(0, 100), prefix: "" };
  block.write(name, 0, 100, "latin1");
  octal(block, 100, 8, header.mode);
  octal(block, 108, 8, header.uid);
  octal(block, 116, 8, header.gid);
  octal(block, 124, 12, header.size);
  octal(block, 136, 12, header.mtime);
  block.write(header.flag, 156, 1, "latin1");
  block.write(header.linkName.slice(0, 100), 157, 100, "latin1");
  block.write("ustar\x0000", MAGIC, 8, "latin1");
  block.write((header.userName ?? "").slice(0, 31), 265, 31, "latin1");
  block.write((header.groupName ?? "").slice(0, 31), 297, 31, "latin1");
  octal(block, 329, 8, header.major);
  octal(block, 337, 8, header.minor);
  block.write(prefix, 345, 155, "latin1");
  block.write(`${checksums(block, 0).unsigned.toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return block;
}

/** Name and prefix of the ustar format, or undefined when a name doesn't fit them. */
export function splitName(name: string): { name: string; prefix: string } | undefined {
  if (name.length <= 100) return { name, prefix: "" };
  if (name.length > 256) return undefined;
  const slash = name.indexOf("/", name.length - 101);
  if (slash <= 0 || slash > 155 || slash === name.length - 1) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

/** Whether a number fits a field of so many bytes as octal digits with a NUL. */
export const fitsOctal = (value: number, length: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < 8 ** (length - 1);

function octal(block: Buffer, at: number, length: number, value: number): void {
  const digits = fitsOctal(value, length) ? value.toString(8) : "0";
  block.write(`${digits.padStart(length - 1, "0")}\0`, at, length, "latin1");
}
