// Entries of a log where they lie in the reader's buffer: nothing is decoded that nobody asks for. A gigabyte of log has ten
// million of them, so an entry is one object that is filled again and again.

/** Length of a time as text: `2026-01-02T03:04:05.000000006Z`, so that texts compare as moments do. */
export const TIME_LENGTH = 30;

export class LogEntry {
  /** 0: standard output, 1: standard error. */
  stream: 0 | 1 = 0;
  /** What the program wrote, without its line feed: `bytes` from `start` to `end`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** A line feed follows the text: not so for a piece of a long line, or the last words of a stream. */
  lineFeed = true;
  attributes: Record<string, string> | undefined;
  /** The time as text in `timeBytes`, its fraction not filled up; or, where `timeEnd` is 0, `nanoseconds` since 1970. */
  timeBytes: Buffer = this.bytes;
  timeStart = 0;
  timeEnd = 0;
  nanoseconds = 0n;

  /** Writes the time as TIME_LENGTH bytes. */
  writeTime(to: Uint8Array, at: number): void {
    if (this.timeEnd === 0) {
      writeNanoseconds(this.nanoseconds, to, at);
      return;
    }
    const { timeBytes, timeStart, timeEnd } = this;
    for (let i = 0; i < 19; i++) to[at + i] = timeBytes[timeStart + i] as number;
    to[at + 19] = 0x2e;
    // The fraction as far as it goes, between the point and the Z.
    let out = at + 20;
    for (let i = timeStart + 20; i < timeEnd - 1 && out < at + 29; i++) to[out++] = timeBytes[i] as number;
    while (out < at + 29) to[out++] = 0x30;
    to[out] = 0x5a;
  }
}

let second = -1n;
const secondText = Buffer.alloc(19);

function writeNanoseconds(nanoseconds: bigint, to: Uint8Array, at: number): void {
  const whole = nanoseconds / 1_000_000_000n;
  if (whole !== second) {
    second = whole;
    secondText.write(new Date(Number(whole) * 1000).toISOString().slice(0, 19), "latin1");
  }
  to.set(secondText, at);
  to[at + 19] = 0x2e;
  let rest = Number(nanoseconds - whole * 1_000_000_000n);
  for (let i = at + 28; i >= at + 20; i--) {
    to[i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  to[at + 29] = 0x5a;
}

/** A moment as `writeTime` writes it: for comparing. */
export function timeText(nanoseconds: bigint): Buffer {
  const text = Buffer.alloc(TIME_LENGTH);
  writeNanoseconds(nanoseconds, text, 0);
  return text;
}

/** Takes the entries out of a file's bytes, in order. */
export interface LogDecoder {
  readonly entry: LogEntry;
  /** Where the first entry begins that isn't whole yet. */
  position: number;
  /** These bytes are next, from `position` on. The decoder reads up to `end`. */
  feed(bytes: Buffer, start: number, end: number): void;
  /** Fills `entry` with the next one; false when there is no whole one. */
  next(): boolean;
  /** The file makes no sense from here on: the rest of it is given up. */
  readonly lost: boolean;
}

/** How one format is read. */
export interface LogFormat {
  decoder(): LogDecoder;
  /**
   * Where in a file of `size` bytes the last `wanted` entries begin, and how many there are from there on.
   * `read` fills the buffer from a position.
   */
  tail(
    read: (buffer: Buffer, position: number) => Promise<number>,
    size: number,
    wanted: number,
  ): Promise<{ position: number; entries: number }>;
}
