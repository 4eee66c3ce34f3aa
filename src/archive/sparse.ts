// Files with holes as GNU tar stores them (GNU tar's manual, "Storing Sparse Files"; its old header, and pax formats 0.1 and 1.0): the
// data alone is in the archive, with a map of where it belongs.
import { invalid } from "../base/errors.ts";
import { BLOCK } from "./types.ts";

/** A piece of data in the file. */
export interface Segment {
  offset: number;
  length: number;
}

const damaged = () => invalid("the archive is damaged: a sparse file's map is malformed");

/** What an archive may say at most of one file. */
const MAP_LIMIT = 1 << 20;
const OLD_ENTRY = 24;
const OLD_MAP = { at: 386, entries: 4, extended: 482, realSize: 483 };
const OLD_EXTENSION = { at: 0, entries: 21, extended: 504 };

/** The map in an old GNU header; more of it follows in a block of its own when `extended`. */
export function oldMap(
  block: Buffer,
  at: number,
): { segments: Segment[]; extended: boolean; realSize: number } {
  return { ...oldEntries(block, at, OLD_MAP), realSize: oldNumber(block, at + OLD_MAP.realSize) };
}

/** One block that continues an old map. */
export const oldExtension = (block: Buffer, at: number): { segments: Segment[]; extended: boolean } =>
  oldEntries(block, at, OLD_EXTENSION);

function oldEntries(block: Buffer, at: number, place: typeof OLD_EXTENSION) {
  const segments: Segment[] = [];
  for (let entry = 0; entry < place.entries; entry++) {
    const start = at + place.at + entry * OLD_ENTRY;
    if (block[start] === 0) break;
    segments.push({ offset: oldNumber(block, start), length: oldNumber(block, start + 12) });
  }
  return { segments, extended: block[at + place.extended] !== 0 };
}

/** Twelve bytes: octal digits, or base 256 when the top bit is set. */
function oldNumber(block: Buffer, at: number): number {
  if (block[at]! & 0x80) {
    const high = block.readUInt32BE(at + 4);
    const value = high * 2 ** 32 + block.readUInt32BE(at + 8);
    if (!Number.isSafeInteger(value)) throw damaged();
    return value;
  }
  const text = block
    .toString("latin1", at, at + 12)
    .replace(/[\0 ]+$/, "")
    .trim();
  if (!/^[0-7]*$/.test(text)) throw damaged();
  return Number.parseInt(text || "0", 8);
}

/** The map of pax format 0.1: `offset,length,offset,length`. */
export function paxMap(text: string): Segment[] {
  const numbers = text === "" ? [] : text.split(",").map(decimal);
  if (numbers.length % 2 !== 0) throw damaged();
  return pairs(numbers);
}

function pairs(numbers: number[]): Segment[] {
  const segments: Segment[] = [];
  for (let at = 0; at < numbers.length; at += 2)
    segments.push({ offset: numbers[at]!, length: numbers[at + 1]! });
  return segments;
}

function decimal(text: string): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw damaged();
  return value;
}

const ZEROS = Buffer.alloc(1 << 20);

/** Puts the holes between a sparse file's data. */
export class SparseData {
  private at = 0;
  private segment = 0;
  /** Of the current segment. */
  private taken = 0;
  /** The beginning of the data, while it may be the map (pax format 1.0). */
  private head: Buffer | undefined;
  private segments: Segment[] = [];

  /** `segments`: undefined where the map comes with the data. `emit` gets the file's bytes, valid during the call. */
  constructor(
    segments: Segment[] | undefined,
    private readonly realSize: number,
    private readonly emit: (chunk: Buffer) => void,
  ) {
    if (realSize < 0) throw damaged();
    if (segments) this.use(segments);
    else this.head = Buffer.alloc(0);
  }

  push(chunk: Buffer): void {
    const data = this.head ? this.takeMap(Buffer.concat([this.head, chunk])) : chunk;
    for (let from = 0; from < data.length; ) {
      const segment = this.segments[this.segment];
      if (!segment) throw damaged(); // More data than the map has places for
      this.hole(segment.offset);
      const length = Math.min(segment.length - this.taken, data.length - from);
      if (length > 0) this.emit(data.subarray(from, from + length));
      this.at += length;
      this.taken += length;
      from += length;
      if (this.taken === segment.length) this.next();
    }
  }

  /** The data has ended. */
  finish(): void {
    while (this.segments[this.segment]?.length === 0) this.next();
    if (this.head || this.segment < this.segments.length) throw damaged();
    this.hole(this.realSize);
  }

  private next(): void {
    this.segment++;
    this.taken = 0;
  }

  private hole(until: number): void {
    // Only before a segment's first byte is there anything to pass.
    for (let left = this.taken > 0 ? 0 : until - this.at; left > 0; left -= ZEROS.length) {
      const length = Math.min(left, ZEROS.length);
      this.emit(ZEROS.subarray(0, length));
      this.at += length;
    }
  }

  private use(segments: Segment[]): void {
    let end = 0;
    for (const { offset, length } of segments) {
      if (offset < end || offset + length > this.realSize) throw damaged();
      end = offset + length;
    }
    this.segments = segments;
  }

  /** Decimal numbers, a line each: how many segments, then their offsets and lengths; padded to a block. */
  private takeMap(head: Buffer): Buffer {
    if (head.length > MAP_LIMIT) throw damaged();
    this.head = head;
    const lines: string[] = [];
    let wanted = 1;
    let at = 0;
    while (lines.length < wanted) {
      const end = head.indexOf(10, at);
      if (end < 0) return Buffer.alloc(0); // More of it has to come
      lines.push(head.toString("latin1", at, end));
      at = end + 1;
      if (lines.length === 1) wanted = 1 + 2 * decimal(lines[0]!);
      if (wanted > MAP_LIMIT) throw damaged();
    }
    const padded = Math.ceil(at / BLOCK) * BLOCK;
    if (head.length < padded) return Buffer.alloc(0);
    this.head = undefined;
    this.use(pairs(lines.slice(1).map(decimal)));
    return head.subarray(padded);
  }
}
