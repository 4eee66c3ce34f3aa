// Docker's `local` format: each entry is a protobuf LogEntry with its length before and behind it, four bytes big endian
// (moby daemon/logger/local, api/types/plugins/logdriver/entry.proto). It takes half of json-file's room, is read backwards
// without being searched, and Docker's own files can be read with it.
import { copyBytes, type FixedBuffer, fixedBuffer, readFileAt } from "../../../linux/raw-io.ts";
import { LINE_MAX } from "./line-splitter.ts";
import type { RotatingFile } from "./rotating-file.ts";
import type { LineSink, Moment, OutputNumber, Part } from "./types.ts";

const LENGTH = 4;
/** Source, time, the heads of all fields, and a part's metadata. */
const OVERHEAD = 160;
const OUT = 64 << 10;
const BILLION = 1_000_000_000n;

export class LocalSink implements LineSink {
  readonly chunk = Number.POSITIVE_INFINITY;
  readonly settled = true;
  private readonly out = fixedBuffer(OUT);
  private filled = 0;
  /** Source and time as they stand in the entry, for the stream and moment below. */
  private readonly heads: [Uint8Array, Uint8Array] = [head("stdout"), head("stderr")];
  private readonly headLengths: [number, number] = [0, 0];
  private readonly seconds: [number, number] = [-1, -1];
  private readonly nanoseconds: [number, number] = [-1, -1];

  constructor(private readonly file: RotatingFile) {}

  get full(): boolean {
    return this.file.full;
  }
  set onRoom(onRoom: () => void) {
    this.file.onRoom = onRoom;
  }

  begin(): void {}

  line(
    stream: OutputNumber,
    buffer: FixedBuffer,
    start: number,
    end: number,
    moment: Moment,
    part: Part | undefined,
  ): void {
    if (moment.nanoseconds !== this.nanoseconds[stream] || moment.seconds !== this.seconds[stream])
      this.setTime(stream, moment);
    if (this.file.due(this.filled)) {
      this.flush();
      this.file.rotate();
    }
    const { bytes, address } = this.out;
    if (bytes.length - this.filled < Math.min(end - start, LINE_MAX) + OVERHEAD) this.flush();
    const begin = this.filled + LENGTH;
    const headLength = this.headLengths[stream];
    const prepared = this.heads[stream];
    let at = begin;
    for (let i = 0; i < headLength; i++) bytes[at++] = prepared[i] as number;
    if (end > start) {
      bytes[at++] = 0x1a; // line
      at = writeVarint(bytes, at, end - start);
      copyBytes(address + at, buffer.address + start, end - start);
      at += end - start;
    }
    if (part) at = writePart(bytes, at, part);
    writeLength(bytes, this.filled, at - begin);
    writeLength(bytes, at, at - begin);
    this.filled = at + LENGTH;
  }

  flush(): void {
    if (this.filled === 0) return;
    this.file.append(this.out.address, this.filled);
    this.filled = 0;
  }

  private setTime(stream: OutputNumber, { seconds, nanoseconds }: Moment): void {
    this.seconds[stream] = seconds;
    this.nanoseconds[stream] = nanoseconds;
    const bytes = this.heads[stream];
    let at = SOURCE_LENGTH;
    bytes[at++] = 0x10; // time_nano
    let rest = BigInt(seconds) * BILLION + BigInt(nanoseconds);
    for (; rest > 0x7fn; rest >>= 7n) bytes[at++] = Number(rest & 0x7fn) | 0x80;
    bytes[at++] = Number(rest);
    this.headLengths[stream] = at;
  }
}

/** Both names are six letters long. */
const SOURCE_LENGTH = 8;

function head(source: string): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(SOURCE_LENGTH + 12));
  bytes.set([0x0a, source.length, ...Buffer.from(source)]);
  return bytes;
}

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let out = at;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes[out++] = (rest & 0x7f) | 0x80;
  bytes[out++] = rest;
  return out;
}

function writeLength(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = length >>> 24;
  bytes[at + 1] = length >>> 16;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length;
}

/** partial and partial_log_metadata {last, id, ordinal}. */
function writePart(bytes: Uint8Array, at: number, { last, id, ordinal }: Part): number {
  const body = 128;
  const metadata = new Uint8Array(body);
  let length = 0;
  if (last) {
    metadata.set([0x08, 1]);
    length = 2;
  }
  metadata.set([0x12, id.length, ...Buffer.from(id)], length);
  length += 2 + id.length;
  metadata[length] = 0x18;
  length = writeVarint(metadata, length + 1, ordinal);
  bytes.set([0x20, 1, 0x2a, length], at);
  bytes.set(metadata.subarray(0, length), at + 4);
  return at + 4 + length;
}

/** How many bytes of a file are whole entries: nearly always all, which its last entry's two lengths show. */
export function wholeLocalEntries(fd: number, size: number): number {
  const room = fixedBuffer(LENGTH);
  const lengthAt = (offset: number) =>
    offset >= 0 && readFileAt(fd, room.address, LENGTH, offset) === LENGTH
      ? new DataView(room.bytes.buffer).getUint32(0)
      : -1;
  const last = lengthAt(size - LENGTH);
  if (size === 0 || (last > 0 && lengthAt(size - last - 2 * LENGTH) === last)) return size;
  let at = 0;
  for (;;) {
    const length = lengthAt(at);
    const next = at + length + 2 * LENGTH;
    if (length <= 0 || next > size || lengthAt(next - LENGTH) !== length) return at;
    at = next;
  }
}
