// Reading Docker's json-file format by its bytes. Every line that dockerd and our shim write begins with `{"log":"`; the first
// quote after that mostly ends the text, and the only backslash before it is that of the `\n` at the text's end: so two searches
// in machine code find all that a line is made of. What looks otherwise goes the long way.
import { type LogDecoder, LogEntry, type LogFormat } from "./entry.ts";

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7d;
const BEGIN = 8;
/** `","stream":"stdout","time":"` from the text's closing quote on. */
const TIME_AT = 28;
/** More than what follows a text without attributes. */
const REST_MAX = 80;
const CHUNK = 256 * 1024;

class JsonDecoder implements LogDecoder {
  readonly entry = new LogEntry();
  readonly lost = false;
  position = 0;
  private bytes: Buffer = Buffer.alloc(0);
  private end = 0;
  private unescaped: Buffer = Buffer.allocUnsafe(32 << 10);

  feed(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  next(): boolean {
    const { bytes, end } = this;
    for (;;) {
      const at = this.position;
      if (at + BEGIN + REST_MAX < end && isBeginning(bytes, at)) {
        const quote = bytes.indexOf(QUOTE, at + BEGIN);
        if (quote >= 0 && quote + REST_MAX < end) {
          const slash = bytes.indexOf(BACKSLASH, at + BEGIN);
          const whole = slash === quote - 2 && bytes[quote - 1] === 0x6e;
          // Or no escape at all: a piece of a line.
          if ((whole || slash < 0 || slash > quote) && this.rest(quote)) {
            const { entry } = this;
            entry.bytes = bytes;
            entry.start = at + BEGIN;
            entry.end = whole ? slash : quote;
            entry.lineFeed = whole;
            return true;
          }
        }
      }
      const feed = bytes.indexOf(LINE_FEED, at);
      if (feed < 0 || feed >= end) return false;
      this.position = feed + 1;
      // A line that a crash left incomplete is passed over.
      if (this.longWay(at, feed)) return true;
    }
  }

  /** Stream and time behind the text, whose closing quote is at `quote`; moves on. False: not in the usual form. */
  private rest(quote: number): boolean {
    const { bytes, entry } = this;
    const letter = bytes[quote + 15];
    if (bytes[quote + 14] !== 0x64 || bytes[quote + 21] !== 0x74 || bytes[quote + 27] !== QUOTE) return false;
    if (letter !== 0x6f && letter !== 0x65) return false;
    const timeStart = quote + TIME_AT;
    // `2006-01-02T15:04:05Z` with up to nine digits and a point more.
    let timeEnd = timeStart + 20;
    while (bytes[timeEnd] !== QUOTE) if (++timeEnd > timeStart + 30) return false;
    if (bytes[timeEnd + 1] !== BRACE || bytes[timeEnd + 2] !== LINE_FEED) return false;
    entry.stream = letter === 0x6f ? 0 : 1;
    entry.attributes = undefined;
    entry.timeBytes = bytes;
    entry.timeStart = timeStart;
    entry.timeEnd = timeEnd;
    this.position = timeEnd + 3;
    return true;
  }

  /** Any line: escapes in its text, attributes, fields in another order. False for what is none. */
  private longWay(at: number, feed: number): boolean {
    const { bytes } = this;
    if (isBeginning(bytes, at)) {
      const quote = this.unescape(at + BEGIN, feed);
      if (quote > 0 && quote + REST_MAX < this.end && bytes[quote + 21] === 0x74) {
        const before = this.position;
        if (this.rest(quote) && this.position === feed + 1) return true;
        this.position = before;
      }
    }
    return this.parse(at, feed);
  }

  /** The text from `at` on without its escapes becomes the entry's; gives where its closing quote is, or -1. */
  private unescape(at: number, feed: number): number {
    const { bytes } = this;
    if (this.unescaped.length < feed - at) this.unescaped = Buffer.allocUnsafe(2 * (feed - at));
    const to = this.unescaped;
    let out = 0;
    let i = at;
    for (;;) {
      const byte = bytes[i] as number;
      if (i >= feed) return -1;
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) {
        to[out++] = byte;
        i++;
        continue;
      }
      const letter = bytes[i + 1] as number;
      if (letter !== 0x75) {
        const plain = ESCAPES[letter];
        if (plain === undefined) return -1;
        to[out++] = plain;
        i += 2;
        continue;
      }
      let units = String.fromCharCode(Number.parseInt(bytes.toString("latin1", i + 2, i + 6), 16));
      i += 6;
      if (/[\ud800-\udbff]/.test(units) && bytes[i] === BACKSLASH && bytes[i + 1] === 0x75) {
        units += String.fromCharCode(Number.parseInt(bytes.toString("latin1", i + 2, i + 6), 16));
        i += 6;
      }
      out += to.write(units, out);
    }
    const { entry } = this;
    entry.bytes = to;
    entry.start = 0;
    entry.lineFeed = out > 0 && to[out - 1] === LINE_FEED;
    entry.end = entry.lineFeed ? out - 1 : out;
    return i;
  }

  private parse(at: number, feed: number): boolean {
    const { entry } = this;
    try {
      const { log, stream, time, attrs } = JSON.parse(this.bytes.toString("utf8", at, feed));
      const text = Buffer.from(String(log ?? ""));
      entry.bytes = text;
      entry.start = 0;
      entry.lineFeed = text[text.length - 1] === LINE_FEED;
      entry.end = entry.lineFeed ? text.length - 1 : text.length;
      entry.stream = stream === "stderr" ? 1 : 0;
      entry.attributes = attrs;
      entry.timeBytes = Buffer.from(String(time ?? ""));
      entry.timeStart = 0;
      entry.timeEnd = entry.timeBytes.length;
      return true;
    } catch {
      return false;
    }
  }
}

const ESCAPES: (number | undefined)[] = [];
for (const [letter, byte] of Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9, '"': 34, "\\": 92, "/": 47 }))
  ESCAPES[letter.charCodeAt(0)] = byte;

/** `{"log":"` */
const isBeginning = (bytes: Buffer, at: number): boolean =>
  bytes[at + 7] === QUOTE && bytes[at + 2] === 0x6c && bytes[at] === 0x7b && bytes[at + 6] === 0x3a;

/** Read backwards, counting line ends. What stands behind the last one is no entry yet. */
async function tail(
  read: (buffer: Buffer, position: number) => Promise<number>,
  size: number,
  wanted: number,
): Promise<{ position: number; entries: number }> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let feeds = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const length = await read(buffer.subarray(0, end - start), start);
    for (
      let at = buffer.lastIndexOf(LINE_FEED, length - 1);
      at >= 0;
      at = at === 0 ? -1 : buffer.lastIndexOf(LINE_FEED, at - 1)
    )
      if (++feeds > wanted) return { position: start + at + 1, entries: wanted };
    end = start;
  }
  return { position: 0, entries: feeds };
}

export const jsonFormat: LogFormat = { decoder: () => new JsonDecoder(), tail };
