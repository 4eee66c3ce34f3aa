// Reading Docker's `local` format: length, protobuf LogEntry, length again (see runtime/shim/log/local.ts, which writes it).
import { type LogDecoder, LogEntry, type LogFormat } from "./entry.ts";

const LENGTH = 4;
/** As dockerd's: a longer entry is a sign that this is none. */
const ENTRY_MAX = 1_000_000;
const CHUNK = 256 * 1024;

class LocalDecoder implements LogDecoder {
  readonly entry = new LogEntry();
  lost = false;
  position = 0;
  private bytes: Buffer = Buffer.alloc(0);
  private end = 0;
  /** Where the next field is read. */
  private at = 0;

  feed(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  next(): boolean {
    const { bytes, position, end } = this;
    if (this.lost || position + LENGTH > end) return false;
    const length = bytes.readUInt32BE(position);
    if (length > ENTRY_MAX || length === 0) {
      this.lost = true;
      return false;
    }
    const entryEnd = position + LENGTH + length;
    if (entryEnd + LENGTH > end) return false;
    if (bytes.readUInt32BE(entryEnd) !== length || !this.decode(position + LENGTH, entryEnd)) {
      this.lost = true;
      return false;
    }
    this.position = entryEnd + LENGTH;
    return true;
  }

  private decode(start: number, end: number): boolean {
    const { bytes, entry } = this;
    entry.bytes = bytes;
    entry.start = entry.end = start;
    entry.lineFeed = true;
    entry.attributes = undefined;
    entry.timeEnd = 0;
    let last = false;
    let partial = false;
    this.at = start;
    while (this.at < end) {
      const tag = bytes[this.at++] as number;
      switch (tag) {
        case 0x0a: {
          const [from] = this.piece();
          // "stdout" or "stderr"
          entry.stream = bytes[from + 3] === 0x65 ? 1 : 0;
          break;
        }
        case 0x10:
          entry.nanoseconds = this.long();
          break;
        case 0x1a:
          [entry.start, entry.end] = this.piece();
          break;
        case 0x20:
          partial = this.short() !== 0;
          break;
        case 0x2a: {
          const [from, to] = this.piece();
          last = to > from && bytes[from] === 0x08 && bytes[from + 1] === 1;
          break;
        }
        case 0x32:
          this.attribute();
          break;
        default:
          return false;
      }
    }
    entry.lineFeed = !partial || last;
    return this.at === end;
  }

  /** A field of bytes: where it begins and ends; moves behind it. */
  private piece(): [number, number] {
    const length = this.short();
    const from = this.at;
    this.at = from + length;
    return [from, this.at];
  }

  private short(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 7) {
      const byte = this.bytes[this.at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  }

  private long(): bigint {
    // Two halves that are exact numbers: a bigint for each byte would be ten of them.
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.bytes[this.at++] as number;
      if (i < 5) low += (byte & 0x7f) * 2 ** (7 * i);
      else high += (byte & 0x7f) * 2 ** (7 * (i - 5));
      if (byte < 0x80) break;
    }
    return BigInt(high) * 34_359_738_368n + BigInt(low);
  }

  /** LogAttr {key, value}. */
  private attribute(): void {
    const [start, end] = this.piece();
    const { entry, bytes } = this;
    const texts: Record<number, string> = {};
    for (this.at = start; this.at < end; ) {
      const tag = bytes[this.at++] as number;
      const [from, to] = this.piece();
      texts[tag] = bytes.toString("utf8", from, to);
    }
    this.at = end;
    entry.attributes = { ...entry.attributes, [texts[0x0a] ?? ""]: texts[0x12] ?? "" };
  }
}

/** From the end, entry by entry: each has its length behind it. */
async function tail(
  read: (buffer: Buffer, position: number) => Promise<number>,
  size: number,
  wanted: number,
): Promise<{ position: number; entries: number }> {
  let buffer: Buffer = Buffer.allocUnsafe(CHUNK);
  let start = size;
  let position = size;
  let entries = 0;
  while (entries < wanted && position > 2 * LENGTH) {
    if (position - LENGTH < start) {
      start = Math.max(0, position - CHUNK);
      await read(buffer.subarray(0, position - start), start);
    }
    const length = buffer.readUInt32BE(position - LENGTH - start);
    const begin = position - length - 2 * LENGTH;
    if (length === 0 || length > ENTRY_MAX || begin < 0) break;
    if (begin < start) {
      if (position - begin > buffer.length) buffer = Buffer.allocUnsafe(position - begin);
      start = Math.max(0, position - buffer.length);
      await read(buffer.subarray(0, position - start), start);
    }
    if (buffer.readUInt32BE(begin - start) !== length) break;
    position = begin;
    entries++;
  }
  return { position, entries };
}

export const localFormat: LogFormat = { decoder: () => new LocalDecoder(), tail };
