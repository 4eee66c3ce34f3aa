// Docker's json-file format, one entry a line (moby daemon/logger/jsonfilelog).
//
// A line that needs no escaping, as most do, is never copied: writev(2) takes it from where it was read, and between two of
// them what stands between their texts, which is the same for a whole chunk. That is a third of what copying costs.
import { goJson } from "../../../base/go-json.ts";
import { copyBytes, type FixedBuffer, fixedBuffer, readFileAt } from "../../../linux/raw-io.ts";
import { ESCAPED_MAX, escapeJson, plainLines, TIME_MAX, writeTime } from "./json-line.ts";
import { LINE_MAX } from "./line-splitter.ts";
import type { RotatingFile } from "./rotating-file.ts";
import type { LineSink, Moment, OutputNumber, Part } from "./types.ts";

/** IOV_MAX of limits.h: pieces in one writev. */
const PIECES = 1024;
const WORD = 2 ** 32;

export class JsonFileSink implements LineSink {
  readonly chunk = Number.POSITIVE_INFINITY;
  readonly settled = true;
  /** Texts that had to be escaped. */
  private readonly out: FixedBuffer;
  private outFilled = 0;
  /** `\n","stream":…,"time":"…"}` and a line feed, then the beginning of the next entry. */
  private readonly joint: FixedBuffer;
  private jointLength = 0;
  private readonly middle: [Uint8Array, Uint8Array];
  private readonly overhead: number;
  /** What `joint` was made for. */
  private stream = -1;
  private seconds = -1;
  private nanoseconds = -1;
  /** struct iovec: address and length in 64 bits each, here as halves. */
  private readonly vector: FixedBuffer = fixedBuffer(PIECES * 16);
  private readonly words = new Uint32Array(this.vector.bytes.buffer);
  private pieces = 0;
  /** Bytes of all pieces. */
  private filled = 0;
  /** The chunk, and up to where its lines need no escaping. */
  private current: FixedBuffer | undefined;
  private plainUntil = 0;
  /** Its address, and the joint's, as halves. */
  private currentLow = 0;
  private currentHigh = 0;
  private readonly jointLow: number;
  private readonly jointHigh: number;

  /** @param attributes labels, environment and tag that each entry carries (`attrs`) */
  constructor(
    private readonly file: RotatingFile,
    attributes: Record<string, string> | undefined,
  ) {
    const text = attributesText(attributes);
    const middle = (stream: string) => Buffer.from(`","stream":"${stream}"${text},"time":"`);
    this.middle = [middle("stdout"), middle("stderr")];
    this.overhead = this.middle[0].length + TIME_MAX + 16;
    this.joint = fixedBuffer(this.overhead);
    this.joint.bytes.set(LINE_FEED_TEXT);
    this.jointHigh = Math.floor(this.joint.address / WORD);
    this.jointLow = this.joint.address - this.jointHigh * WORD;
    this.out = fixedBuffer(LINE_MAX * ESCAPED_MAX);
  }

  get full(): boolean {
    return this.file.full;
  }
  set onRoom(onRoom: () => void) {
    this.file.onRoom = onRoom;
  }

  begin(buffer: FixedBuffer, start: number): void {
    const { address, bytes } = buffer;
    this.currentHigh = Math.floor(address / WORD);
    this.currentLow = address - this.currentHigh * WORD;
    // One that lies across four gibibytes goes the slower way.
    this.current = this.currentLow + bytes.length < WORD ? buffer : undefined;
    this.plainUntil = start + plainLines(address + start);
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
      this.setJoint(stream, moment.seconds, moment.nanoseconds);
    if (this.file.due(Math.max(0, this.filled - BEGIN_LENGTH))) {
      this.flush();
      this.file.rotate();
    }
    if (this.pieces + 2 > PIECES) this.flush();
    if (this.pieces === 0) this.add(BEGIN.address, BEGIN_LENGTH);
    if (buffer === this.current && end <= this.plainUntil)
      this.addWords(this.currentLow + start, this.currentHigh, end - start);
    else this.addEscaped(buffer, start, end);
    const skipped = part === undefined || part.last ? 0 : LINE_FEED_TEXT.length;
    this.addWords(this.jointLow + skipped, this.jointHigh, this.jointLength - skipped);
  }

  private addEscaped(buffer: FixedBuffer, start: number, end: number): void {
    if (this.out.bytes.length - this.outFilled < (end - start) * ESCAPED_MAX) {
      this.flush();
      this.add(BEGIN.address, BEGIN_LENGTH);
    }
    const at = this.outFilled;
    this.outFilled = escapeJson(buffer, start, end, this.out, at);
    this.add(this.out.address + at, this.outFilled - at);
    // Behind it may stand lines that need none: the byte at `end` is a line feed, or the next one's first.
    if (buffer === this.current) this.plainUntil = end + plainLines(buffer.address + end);
  }

  private add(address: number, length: number): void {
    this.addWords(address % WORD, Math.floor(address / WORD), length);
  }

  private addWords(low: number, high: number, length: number): void {
    const { words } = this;
    const at = this.pieces++ << 2;
    words[at] = low;
    words[at + 1] = high;
    words[at + 2] = length;
    this.filled += length;
  }

  flush(): void {
    const { pieces } = this;
    if (pieces === 0) return;
    // The last joint begins no entry.
    const last = (pieces - 1) * 4 + 2;
    this.words[last] = (this.words[last] as number) - BEGIN_LENGTH;
    this.file.appendPieces(this.vector.address, pieces, this.filled - BEGIN_LENGTH);
    this.pieces = this.filled = this.outFilled = 0;
  }

  private setJoint(stream: OutputNumber, seconds: number, nanoseconds: number): void {
    this.flush();
    this.stream = stream;
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
    const { bytes, address } = this.joint;
    const middle = this.middle[stream];
    bytes.set(middle, LINE_FEED_TEXT.length);
    const at = writeTime(seconds, nanoseconds, bytes, LINE_FEED_TEXT.length + middle.length);
    bytes.set(END, at);
    copyBytes(address + at + END.length, BEGIN.address, BEGIN_LENGTH);
    this.jointLength = at + END.length + BEGIN_LENGTH;
  }
}

const LINE_FEED_TEXT = Buffer.from("\\n");
const END = Buffer.from('"}\n');
const BEGIN_LENGTH = 8;
const BEGIN = fixedBuffer(BEGIN_LENGTH);
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
  return `,"attrs":${goJson(sorted)}`;
}
