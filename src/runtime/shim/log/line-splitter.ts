// Cuts the output of a container into lines, as Docker's copier (moby daemon/logger/copier.go): up to 16 KiB in one piece,
// longer ones in parts.
import { wallClock } from "../../../linux/clock.ts";
import { copyBytes, type FixedBuffer, fixedBuffer, randomHex } from "../../../linux/raw-io.ts";
import type { ContainerLog, LineSink, OutputNumber, Part } from "./types.ts";

/** Longest text of one entry: the buffer of dockerd's log copier. */
export const LINE_MAX = 16 << 10;
const LINE_FEED = 0x0a;

/** A line that has begun but not ended yet. */
interface Pending {
  buffer: FixedBuffer | undefined;
  length: number;
  part: Part | undefined;
}

export class LineSplitter implements ContainerLog {
  private readonly pending: [Pending, Pending] = [
    { buffer: undefined, length: 0, part: undefined },
    { buffer: undefined, length: 0, part: undefined },
  ];

  constructor(private readonly sink: LineSink) {}

  get chunk(): number {
    return this.sink.chunk;
  }
  get full(): boolean {
    return this.sink.full;
  }
  get settled(): boolean {
    return this.sink.settled;
  }
  set onRoom(onRoom: () => void) {
    this.sink.onRoom = onRoom;
  }

  write(stream: OutputNumber, buffer: FixedBuffer, start: number, end: number): void {
    // What came in one read has one time.
    wallClock.read();
    const { bytes } = buffer;
    const pending = this.pending[stream];
    let at = start;
    this.sink.begin(buffer, start, end);
    if (pending.length > 0) at = this.finishPending(stream, pending, buffer, at, end);
    while (at < end) {
      const feed = bytes.indexOf(LINE_FEED, at);
      const lineEnd = feed < 0 || feed >= end ? end : feed;
      if (lineEnd - at >= LINE_MAX) {
        this.part(stream, pending, buffer, at, at + LINE_MAX, false);
        at += LINE_MAX;
      } else if (lineEnd < end) {
        this.line(stream, pending, buffer, at, lineEnd);
        at = lineEnd + 1;
      } else {
        this.keep(pending, buffer, at, end);
        at = end;
      }
    }
    this.sink.flush();
  }

  end(stream: OutputNumber): void {
    const pending = this.pending[stream];
    if (pending.length > 0 && pending.buffer) {
      wallClock.read();
      this.part(stream, pending, pending.buffer, 0, pending.length, false);
    }
    pending.length = 0;
    pending.buffer = undefined;
    pending.part = undefined;
    this.sink.flush();
  }

  /** Goes on with a line that an earlier chunk began; gives where the chunk's rest begins. */
  private finishPending(
    stream: OutputNumber,
    pending: Pending,
    buffer: FixedBuffer,
    at: number,
    end: number,
  ): number {
    const feed = buffer.bytes.indexOf(LINE_FEED, at);
    const lineEnd = feed < 0 || feed >= end ? end : feed;
    const take = Math.min(lineEnd - at, LINE_MAX - pending.length);
    this.keep(pending, buffer, at, at + take);
    const line = pending.buffer as FixedBuffer;
    const length = pending.length;
    if (length === LINE_MAX) {
      pending.length = 0;
      this.part(stream, pending, line, 0, length, false);
    } else if (lineEnd < end) {
      pending.length = 0;
      this.line(stream, pending, line, 0, length);
      return lineEnd + 1;
    }
    return at + take;
  }

  private keep(pending: Pending, buffer: FixedBuffer, start: number, end: number): void {
    pending.buffer ??= fixedBuffer(LINE_MAX + 1);
    copyBytes(pending.buffer.address + pending.length, buffer.address + start, end - start);
    pending.length += end - start;
    // Searches of the C library stop at a NUL at the latest.
    pending.buffer.bytes[pending.length] = 0;
  }

  private line(stream: OutputNumber, pending: Pending, buffer: FixedBuffer, start: number, end: number) {
    if (pending.part) this.part(stream, pending, buffer, start, end, true);
    else this.sink.line(stream, buffer, start, end, wallClock, undefined);
  }

  private part(
    stream: OutputNumber,
    pending: Pending,
    buffer: FixedBuffer,
    start: number,
    end: number,
    last: boolean,
  ): void {
    pending.part ??= {
      first: { seconds: wallClock.seconds, nanoseconds: wallClock.nanoseconds },
      id: randomHex(32),
      ordinal: 0,
      last: false,
    };
    pending.part.ordinal++;
    pending.part.last = last;
    this.sink.line(stream, buffer, start, end, pending.part.first, pending.part);
    if (last) pending.part = undefined;
  }
}
