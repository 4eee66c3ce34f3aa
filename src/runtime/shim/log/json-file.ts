// Docker's json-file format, one entry a line (moby daemon/logger/jsonfilelog).
import { copyBytes, type FixedBuffer, fixedBuffer, readFileAt } from "../../../linux/raw-io.ts";
import { ESCAPED_MAX, escapeJson, TIME_MAX, writeTime } from "./json-line.ts";
import { LINE_MAX } from "./line-splitter.ts";
import type { RotatingFile } from "./rotating-file.ts";
import type { LineSink, Moment, OutputNumber, Part } from "./types.ts";

export class JsonFileSink implements LineSink {
  readonly chunk = Number.POSITIVE_INFINITY;
  readonly settled = true;
  private readonly out: FixedBuffer;
  private readonly tail: FixedBuffer;
  private tailLength = 0;
  private filled = 0;
  private readonly middle: [Uint8Array, Uint8Array];
  private readonly overhead: number;
  /** What `tail` was made for. */
  private stream = -1;
  private seconds = -1;
  private nanoseconds = -1;

  /** @param attributes labels, environment and tag that each entry carries (`attrs`) */
  constructor(
    private readonly file: RotatingFile,
    attributes: Record<string, string> | undefined,
  ) {
    const text = attributesText(attributes);
    const middle = (stream: string) => Buffer.from(`","stream":"${stream}"${text},"time":"`);
    this.middle = [middle("stdout"), middle("stderr")];
    this.overhead = BEGIN.bytes.length + this.middle[0].length + TIME_MAX + 8;
    this.tail = fixedBuffer(this.overhead);
    this.tail.bytes.set(LINE_FEED_TEXT);
    this.out = fixedBuffer(LINE_MAX * ESCAPED_MAX + this.overhead);
  }

  get full(): boolean {
    return this.file.full;
  }
  set onRoom(onRoom: () => void) {
    this.file.onRoom = onRoom;
  }

  line(
    stream: OutputNumber,
    buffer: FixedBuffer,
    start: number,
    end: number,
    moment: Moment,
    part: Part | undefined,
  ): void {
    if (moment.nanoseconds !== this.nanoseconds || moment.seconds !== this.seconds || stream !== this.stream)
      this.setTail(stream, moment.seconds, moment.nanoseconds);
    if (this.file.due(this.filled)) {
      this.flush();
      this.file.rotate();
    }
    const { bytes, address } = this.out;
    if (bytes.length - this.filled < (end - start) * ESCAPED_MAX + this.overhead) this.flush();
    copyBytes(address + this.filled, BEGIN.address, BEGIN.bytes.length);
    const at = escapeJson(buffer, start, end, this.out, this.filled + BEGIN.bytes.length);
    const skipped = part === undefined || part.last ? 0 : LINE_FEED_TEXT.length;
    copyBytes(address + at, this.tail.address + skipped, this.tailLength - skipped);
    this.filled = at + this.tailLength - skipped;
  }

  flush(): void {
    if (this.filled === 0) return;
    this.file.append(this.out.address, this.filled);
    this.filled = 0;
  }

  /** What follows the text of an entry, from its line feed on. */
  private setTail(stream: OutputNumber, seconds: number, nanoseconds: number): void {
    this.stream = stream;
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
    const { bytes } = this.tail;
    const middle = this.middle[stream];
    bytes.set(middle, LINE_FEED_TEXT.length);
    const at = writeTime(seconds, nanoseconds, bytes, LINE_FEED_TEXT.length + middle.length);
    bytes.set(END, at);
    this.tailLength = at + END.length;
  }
}

const LINE_FEED_TEXT = Buffer.from("\\n");
const END = Buffer.from('"}\n');
const BEGIN = fixedBuffer(8);
BEGIN.bytes.set(Buffer.from('{"log":"'));

/** How many bytes of a file are whole lines. */
export function wholeJsonLines(fd: number, size: number): number {
  const room = fixedBuffer(64 << 10);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - room.bytes.length);
    const length = readFileAt(fd, room.address, end - start, start);
    if (length <= 0) return size;
    const feed = room.bytes.lastIndexOf(0x0a, length - 1);
    if (feed >= 0) return start + feed + 1;
    end = start;
  }
  return 0;
}

/** Go's encoding of a map: keys in order, HTML's characters escaped. */
function attributesText(attributes: Record<string, string> | undefined): string {
  if (!attributes || Object.keys(attributes).length === 0) return "";
  const sorted = Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = JSON.stringify(sorted).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `,"attrs":${text}`;
}
