// fsutil's Packet within gRPC's frames, read by hand: a context of 20,000 files is as many packets, and more.
// A frame is a byte of flags, four of length, the message (gRPC over HTTP/2, "Length-Prefixed-Message").
import { invalid } from "../../base/errors.ts";
import type { FileStat } from "./file-stat.ts";

export type Packet =
  /** Without `stat`: no more files follow. */
  | { type: "stat"; stat: FileStat | undefined }
  /** Asks for the content of the file that was the `id`th, from 0. */
  | { type: "request"; id: number }
  /** Empty at a file's end. The bytes are valid until the next chunk is decoded. */
  | { type: "data"; id: number; data: Uint8Array }
  | { type: "finish" }
  | { type: "error"; message: string };

/** As on the wire. */
export const TYPE = { stat: 0, request: 1, data: 2, finish: 3, error: 4 } as const;

/** Bytes before a message. */
export const HEAD = 5;
/** As BuildKit's own limit of a message (util/grpcutil, defaults.DefaultMaxRecvMsgSize). */
const MESSAGE_LIMIT = 16 << 20;

const words = new Uint32Array(2);
const wide = new BigInt64Array(words.buffer);
const TWO32 = 0x100000000;

const malformed = () => invalid("received a malformed packet of BuildKit's file sync");

/** Takes a stream of frames in pieces, cut anywhere. */
export class PacketDecoder {
  /** What has come of a frame that is not whole yet. */
  private partial = Buffer.alloc(0);
  private filled = 0;
  /** Whether a frame is half-way. */
  get pending(): boolean {
    return this.filled > 0;
  }

  /** Hands on each packet that is whole by now. Errors: invalid for what is no packet, or one of more than 16 MiB. */
  push(chunk: Uint8Array, take: (packet: Packet) => void): void {
    let at = this.filled > 0 ? this.complete(chunk, take) : 0;
    while (chunk.length - at >= HEAD) {
      const end = at + HEAD + lengthOf(chunk, at);
      if (end > chunk.length) break;
      decode(chunk, at + HEAD, end, take);
      at = end;
    }
    if (at < chunk.length) this.keep(chunk.subarray(at));
  }

  /** Finishes the frame that is half-way; gives how much of the chunk that took. */
  private complete(chunk: Uint8Array, take: (packet: Packet) => void): number {
    let at = 0;
    if (this.filled < HEAD) {
      at = Math.min(HEAD - this.filled, chunk.length);
      this.keep(chunk.subarray(0, at));
      if (this.filled < HEAD) return at;
    }
    const end = HEAD + lengthOf(this.partial, 0);
    const more = Math.min(end - this.filled, chunk.length - at);
    this.keep(chunk.subarray(at, at + more), end);
    if (this.filled === end) {
      this.filled = 0;
      decode(this.partial, HEAD, end, take);
    }
    return at + more;
  }

  private keep(bytes: Uint8Array, room = this.filled + bytes.length): void {
    if (this.partial.length < room) {
      const larger = Buffer.allocUnsafe(Math.max(room, 4096));
      this.partial.copy(larger, 0, 0, this.filled);
      this.partial = larger;
    }
    this.partial.set(bytes, this.filled);
    this.filled += bytes.length;
  }
}

function lengthOf(chunk: Uint8Array, at: number): number {
  if (chunk[at] !== 0) throw invalid("received a compressed packet of BuildKit's file sync");
  const length =
    chunk[at + 1]! * 0x1000000 + ((chunk[at + 2]! << 16) | (chunk[at + 3]! << 8) | chunk[at + 4]!);
  if (length > MESSAGE_LIMIT)
    throw invalid(`received a packet of ${length} bytes, which is more than ${MESSAGE_LIMIT}`);
  return length;
}

/** A place in a message; one for all, since decoding never waits. */
let bytes: Buffer;
let position = 0;
/** The upper half of the last varint. */
let high = 0;

/** A varint's lower 32 bits, unsigned; the upper ones in `high`. */
function varint(end: number): number {
  high = 0;
  let low = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (position >= end) throw malformed();
    const byte = bytes[position++]!;
    const part = byte & 0x7f;
    if (shift < 28) low |= part << shift;
    else if (shift === 28) {
      low |= part << 28;
      high = part >>> 4;
    } else high |= part << (shift - 32);
    if (byte < 0x80) return low >>> 0;
  }
  throw malformed();
}

/** An int64 that is a size or a device's number. */
function safeNumber(end: number): number {
  const low = varint(end);
  const value = (high | 0) * TWO32 + low;
  if (!Number.isSafeInteger(value)) throw malformed();
  return value;
}

function bigNumber(end: number): bigint {
  words[0] = varint(end);
  words[1] = high;
  return wide[0]!;
}

/** The end of a field with a length. */
function fieldEnd(end: number): number {
  const length = varint(end);
  if (length > end - position) throw malformed();
  return position + length;
}

function byteString(end: number): string {
  const stop = fieldEnd(end);
  const start = position;
  position = stop;
  return bytes.toString("latin1", start, stop);
}

function byteCopy(end: number): Uint8Array {
  const stop = fieldEnd(end);
  const start = position;
  position = stop;
  return new Uint8Array(bytes.subarray(start, stop));
}

/** Passes over a field that nobody here knows. */
function skipField(tag: number, end: number): void {
  const wire = tag & 7;
  if (wire === 0) varint(end);
  else if (wire === 1) position += 8;
  else if (wire === 2) position = fieldEnd(end);
  else if (wire === 5) position += 4;
  else throw malformed();
  if (position > end) throw malformed();
}

function decode(chunk: Uint8Array, start: number, end: number, take: (packet: Packet) => void): void {
  bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  position = start;
  let type = 0;
  let id = 0;
  let stat: FileStat | undefined;
  let dataStart = 0;
  let dataEnd = 0;
  while (position < end) {
    const tag = varint(end);
    if (tag === 8) type = varint(end);
    else if (tag === 18) stat = decodeStat(fieldEnd(end), stat ?? emptyStat());
    else if (tag === 24) id = varint(end);
    else if (tag === 34) {
      dataEnd = fieldEnd(end);
      dataStart = position;
      position = dataEnd;
    } else skipField(tag, end);
  }
  if (type === TYPE.stat) take({ type: "stat", stat });
  else if (type === TYPE.data) take({ type: "data", id, data: bytes.subarray(dataStart, dataEnd) });
  else if (type === TYPE.request) take({ type: "request", id });
  else if (type === TYPE.finish) take({ type: "finish" });
  else if (type === TYPE.error) take({ type: "error", message: bytes.toString("utf8", dataStart, dataEnd) });
  // Others are passed over, as fsutil does.
}

const emptyStat = (): FileStat => ({
  path: "",
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  modTime: 0n,
  linkname: "",
  devmajor: 0,
  devminor: 0,
  xattrs: undefined,
});

function decodeStat(end: number, stat: FileStat): FileStat {
  while (position < end) {
    const tag = varint(end);
    if (tag === 10) stat.path = byteString(end);
    else if (tag === 16) stat.mode = varint(end);
    else if (tag === 24) stat.uid = varint(end);
    else if (tag === 32) stat.gid = varint(end);
    else if (tag === 40) stat.size = safeNumber(end);
    else if (tag === 48) stat.modTime = bigNumber(end);
    else if (tag === 58) stat.linkname = byteString(end);
    else if (tag === 64) stat.devmajor = safeNumber(end);
    else if (tag === 72) stat.devminor = safeNumber(end);
    else if (tag === 82) decodeXattr(fieldEnd(end), stat);
    else skipField(tag, end);
  }
  return stat;
}

function decodeXattr(end: number, stat: FileStat): void {
  let name = "";
  let value: Uint8Array = new Uint8Array();
  while (position < end) {
    const tag = varint(end);
    if (tag === 10) name = byteString(end);
    else if (tag === 18) value = byteCopy(end);
    else skipField(tag, end);
  }
  const xattrs = (stat.xattrs ?? new Map()) as Map<string, Uint8Array>;
  xattrs.set(name, value);
  stat.xattrs = xattrs;
}
