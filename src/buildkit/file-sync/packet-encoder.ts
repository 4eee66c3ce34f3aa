// fsutil's Packet within gRPC's frames, written by hand, many in one buffer.
import type { FileStat } from "./file-stat.ts";
import { HEAD, TYPE } from "./packets.ts";

const words = new Uint32Array(2);
const wide = new BigInt64Array(words.buffer);
const TWO32 = 0x100000000;

/** Enough for a frame's head and all of a packet but its bytes. */
const PACKET_ROOM = 32;
const FIRST_ROOM = 16 << 10;

/** Collects packets as frames, many in one buffer. */
export class PacketEncoder {
  private buffer: Buffer;
  private end = 0;

  /** @param room bytes to begin with; it grows where that is not enough */
  constructor(room = FIRST_ROOM) {
    this.buffer = Buffer.allocUnsafeSlow(room);
  }

  /** Bytes collected. */
  get length(): number {
    return this.end;
  }

  /** What was collected, valid until something is added; the next packet comes to the buffer's beginning again. */
  take(): Uint8Array {
    const taken = this.buffer.subarray(0, this.end);
    this.end = 0;
    return taken;
  }

  /** Without a stat: no more files follow. */
  stat(stat: FileStat | undefined): void {
    if (!stat) {
      this.frame(this.begin(PACKET_ROOM));
      return;
    }
    const length = statLength(stat);
    const start = this.begin(PACKET_ROOM + length);
    this.byte(18);
    this.varint(length, 0);
    this.fields(stat);
    this.frame(start);
  }

  request(id: number): void {
    const start = this.begin(PACKET_ROOM);
    this.byte(8);
    this.byte(TYPE.request);
    this.id(id);
    this.frame(start);
  }

  finish(): void {
    const start = this.begin(PACKET_ROOM);
    this.byte(8);
    this.byte(TYPE.finish);
    this.frame(start);
  }

  error(message: string): void {
    this.payload(TYPE.error, 0, Buffer.from(message));
  }

  /** Empty at the file's end. */
  data(id: number, data: Uint8Array): void {
    this.payload(TYPE.data, id, data);
  }

  /**
   * A packet of data that is read right into the buffer: `read` fills what it is given as far as it can and says how much;
   * nothing is added for 0.
   */
  dataFrom(id: number, most: number, read: (into: Uint8Array) => number): number {
    const start = this.begin(PACKET_ROOM + most);
    const place = start + PACKET_ROOM;
    const count = read(this.buffer.subarray(place, place + most));
    if (count === 0) {
      this.end = start;
      return 0;
    }
    this.byte(8);
    this.byte(TYPE.data);
    this.id(id);
    this.byte(34);
    this.varint(count, 0);
    this.buffer.copyWithin(this.end, place, place + count);
    this.end += count;
    this.frame(start);
    return count;
  }

  private payload(type: number, id: number, data: Uint8Array): void {
    const start = this.begin(PACKET_ROOM + data.length);
    this.byte(8);
    this.byte(type);
    this.id(id);
    if (data.length > 0) {
      this.byte(34);
      this.varint(data.length, 0);
      this.raw(data);
    }
    this.frame(start);
  }

  /** Makes room and leaves the frame's head out; gives where that begins. */
  private begin(room: number): number {
    const start = this.end;
    const needed = start + HEAD + room;
    if (needed > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.buffer.length));
      this.buffer.copy(larger, 0, 0, start);
      this.buffer = larger;
    }
    this.end = start + HEAD;
    return start;
  }

  /** Fills in the head of the frame that began at `start`. */
  private frame(start: number): void {
    this.buffer[start] = 0;
    this.buffer.writeUInt32BE(this.end - start - HEAD, start + 1);
  }

  private byte(value: number): void {
    this.buffer[this.end++] = value;
  }

  /** Sixty-four bits in halves, unsigned. */
  private varint(low: number, upper: number): void {
    while (upper > 0) {
      this.buffer[this.end++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    while (low > 0x7f) {
      this.buffer[this.end++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    this.buffer[this.end++] = low;
  }

  private id(id: number): void {
    if (id === 0) return;
    this.byte(24);
    this.varint(id, 0);
  }

  private raw(data: Uint8Array): void {
    this.buffer.set(data, this.end);
    this.end += data.length;
  }

  private text(tag: number, text: string): void {
    this.byte(tag);
    this.varint(text.length, 0);
    this.buffer.write(text, this.end, "latin1");
    this.end += text.length;
  }

  private integer(tag: number, value: number): void {
    if (value === 0) return;
    this.byte(tag);
    this.varint(value >>> 0, Math.floor(value / TWO32) >>> 0);
  }

  private fields(stat: FileStat): void {
    if (stat.path !== "") this.text(10, stat.path);
    this.integer(16, stat.mode);
    this.integer(24, stat.uid);
    this.integer(32, stat.gid);
    this.integer(40, stat.size);
    if (stat.modTime !== 0n) {
      wide[0] = stat.modTime;
      this.byte(48);
      this.varint(words[0]!, words[1]!);
    }
    if (stat.linkname !== "") this.text(58, stat.linkname);
    this.integer(64, stat.devmajor);
    this.integer(72, stat.devminor);
    for (const [name, value] of stat.xattrs ?? []) {
      this.byte(82);
      this.varint(textLength(name.length) + textLength(value.length), 0);
      this.text(10, name);
      this.byte(18);
      this.varint(value.length, 0);
      this.raw(value);
    }
  }
}

/** Bytes of a varint. */
function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length++;
  return length;
}

const textLength = (length: number): number => 1 + varintLength(length) + length;
const integerLength = (value: number): number =>
  value === 0 ? 0 : 1 + (value < 0 ? 10 : varintLength(value));

function statLength(stat: FileStat): number {
  let length =
    integerLength(stat.mode) +
    integerLength(stat.uid) +
    integerLength(stat.gid) +
    integerLength(stat.size) +
    integerLength(stat.devmajor) +
    integerLength(stat.devminor);
  if (stat.path !== "") length += textLength(stat.path.length);
  if (stat.linkname !== "") length += textLength(stat.linkname.length);
  if (stat.modTime !== 0n) {
    wide[0] = stat.modTime;
    const upper = words[1]!;
    length += 1 + (upper === 0 ? varintLength(words[0]!) : upperLength(upper));
  }
  for (const [name, value] of stat.xattrs ?? []) {
    const entry = textLength(name.length) + textLength(value.length);
    length += 1 + varintLength(entry) + entry;
  }
  return length;
}

/** Bytes of a varint of 64 bits whose upper half isn't 0: 28 bits are in the first four bytes. */
const upperLength = (upper: number): number => Math.ceil((32 - Math.clz32(upper) + 32) / 7);
