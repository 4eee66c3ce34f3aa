// The container's log in Docker's json-file format: lines up to 16 KiB, longer ones in parts without a line feed at
// their end, rotated by size as dockerd does (`max-size`, `max-file`, `compress`).
import { fstatSync, renameSync, rmSync } from "node:fs";
import { wallClock } from "../../linux/clock.ts";
import { close, O, open } from "../../linux/ffi.ts";
import { copyBytes, type FixedBuffer, fixedBuffer, writeAllAt } from "../../linux/raw-io.ts";
import { ESCAPED_MAX, escapeJson, TIME_MAX, writeTime } from "./json-line.ts";

/** Longest text of one entry: the buffer of dockerd's log copier. */
export const LINE_MAX = 16 << 10;
const LINE_FEED = 0x0a;

export interface ContainerLog {
  /** A chunk of a stream (0: stdout, 1: stderr); the buffer ends in a NUL that is not the chunk's. */
  write(stream: 0 | 1, buffer: FixedBuffer, start: number, end: number): void;
  /** The stream is over: what it left without a line feed is logged as it is. */
  end(stream: 0 | 1): void;
}

export interface Compressor {
  /** Begins to turn a file into one with `.gz` behind its name. */
  start(path: string): void;
  /** Waits until what was started is done. */
  finish(): void;
}

/** The driver `none`, and all that the shim doesn't write itself. */
export const noLog: ContainerLog = { write() {}, end() {} };

export interface JsonFileOptions {
  /** Bytes after which a new file begins; undefined: never. */
  maxSize: number | undefined;
  maxFiles: number;
  compress: boolean;
  /** Labels, environment and tag that each entry carries (`attrs`). */
  attributes?: Record<string, string>;
}

/** A line that has begun but not ended yet. */
interface Pending {
  buffer: FixedBuffer | undefined;
  length: number;
  /** The moment of the first part, which the later ones of the same line carry too. */
  partial: { seconds: number; nanoseconds: number } | undefined;
}

export class JsonFileLog implements ContainerLog {
  private fd: number;
  private size: number;
  private readonly out: FixedBuffer;
  private readonly tail: FixedBuffer;
  private tailLength = 0;
  private filled = 0;
  private readonly middle: [Uint8Array, Uint8Array];
  private readonly overhead: number;
  private readonly pending: [Pending, Pending] = [
    { buffer: undefined, length: 0, partial: undefined },
    { buffer: undefined, length: 0, partial: undefined },
  ];
  private broken = false;

  /**
   * @param compressor compresses files that were rotated away
   * @param failed is told once when the log can't be written (a full disk), and again after it could
   */
  constructor(
    private readonly path: string,
    private readonly options: JsonFileOptions,
    private readonly compressor: Compressor,
    private readonly failed: (message: string) => void,
  ) {
    this.fd = open(path, O.WRONLY | O.APPEND | O.CREAT, 0o640);
    this.size = fstatSync(this.fd).size;
    const attributes = attributesText(options.attributes);
    const middle = (stream: string) => Buffer.from(`","stream":"${stream}"${attributes},"time":"`);
    this.middle = [middle("stdout"), middle("stderr")];
    this.overhead = BEGIN.bytes.length + this.middle[0].length + TIME_MAX + 8;
    this.tail = fixedBuffer(this.overhead);
    this.tail.bytes.set(LINE_FEED_TEXT);
    this.out = fixedBuffer(LINE_MAX * ESCAPED_MAX + this.overhead);
  }

  write(stream: 0 | 1, buffer: FixedBuffer, start: number, end: number): void {
    // What came in one read has one time.
    wallClock.read();
    this.setTails(stream, wallClock.seconds, wallClock.nanoseconds);
    const { bytes } = buffer;
    const pending = this.pending[stream];
    let at = start;
    if (pending.length > 0) at = this.finishPending(stream, pending, buffer, at, end);
    while (at < end) {
      const feed = bytes.indexOf(LINE_FEED, at);
      const lineEnd = feed < 0 || feed >= end ? end : feed;
      if (lineEnd - at >= LINE_MAX) {
        this.part(stream, pending, buffer, at, at + LINE_MAX);
        at += LINE_MAX;
      } else if (lineEnd < end) {
        this.line(stream, pending, buffer, at, lineEnd);
        at = lineEnd + 1;
      } else {
        this.keep(pending, bytes, at, end);
        at = end;
      }
    }
    this.flush();
  }

  end(stream: 0 | 1): void {
    const pending = this.pending[stream];
    if (pending.length > 0 && pending.buffer) {
      wallClock.read();
      this.part(stream, pending, pending.buffer, 0, pending.length);
    }
    pending.length = 0;
    pending.buffer = undefined;
    this.flush();
  }

  /** Goes on with a line that an earlier chunk began; gives where the chunk's rest begins. */
  private finishPending(
    stream: 0 | 1,
    pending: Pending,
    buffer: FixedBuffer,
    at: number,
    end: number,
  ): number {
    const { bytes } = buffer;
    const feed = bytes.indexOf(LINE_FEED, at);
    const lineEnd = feed < 0 || feed >= end ? end : feed;
    const take = Math.min(lineEnd - at, LINE_MAX - pending.length);
    this.keep(pending, bytes, at, at + take);
    const line = pending.buffer as FixedBuffer;
    const length = pending.length;
    if (length === LINE_MAX) {
      pending.length = 0;
      this.part(stream, pending, line, 0, length);
    } else if (lineEnd < end) {
      pending.length = 0;
      this.line(stream, pending, line, 0, length);
      return lineEnd + 1;
    }
    return at + take;
  }

  private keep(pending: Pending, bytes: Uint8Array, start: number, end: number): void {
    pending.buffer ??= fixedBuffer(LINE_MAX + 1);
    const { bytes: kept } = pending.buffer;
    for (let i = start; i < end; i++) kept[pending.length++] = bytes[i] as number;
  }

  private line(stream: 0 | 1, pending: Pending, buffer: FixedBuffer, start: number, end: number): void {
    const first = pending.partial;
    if (first) this.setTails(stream, first.seconds, first.nanoseconds);
    this.entry(buffer, start, end, true);
    if (!first) return;
    pending.partial = undefined;
    this.setTails(stream, wallClock.seconds, wallClock.nanoseconds);
  }

  /** A part of a line; all of them carry the time of the first. */
  private part(stream: 0 | 1, pending: Pending, buffer: FixedBuffer, start: number, end: number): void {
    pending.partial ??= { seconds: wallClock.seconds, nanoseconds: wallClock.nanoseconds };
    this.setTails(stream, pending.partial.seconds, pending.partial.nanoseconds);
    this.entry(buffer, start, end, false);
  }

  /** What follows the text of an entry, from its line feed on. */
  private setTails(stream: 0 | 1, seconds: number, nanoseconds: number): void {
    const { bytes } = this.tail;
    const middle = this.middle[stream];
    bytes.set(middle, LINE_FEED_TEXT.length);
    const at = writeTime(seconds, nanoseconds, bytes, LINE_FEED_TEXT.length + middle.length);
    bytes.set(END, at);
    this.tailLength = at + END.length;
  }

  private entry(buffer: FixedBuffer, start: number, end: number, whole: boolean): void {
    const { maxSize } = this.options;
    if (maxSize !== undefined && this.size + this.filled >= maxSize) {
      this.flush();
      this.rotate();
    }
    const { bytes, address } = this.out;
    if (bytes.length - this.filled < (end - start) * ESCAPED_MAX + this.overhead) this.flush();
    copyBytes(address + this.filled, BEGIN.address, BEGIN.bytes.length);
    const at = escapeJson(buffer, start, end, this.out, this.filled + BEGIN.bytes.length);
    const skipped = whole ? 0 : LINE_FEED_TEXT.length;
    copyBytes(address + at, this.tail.address + skipped, this.tailLength - skipped);
    this.filled = at + this.tailLength - skipped;
  }

  private flush(): void {
    if (this.filled === 0) return;
    const failed = writeAllAt(this.fd, this.out.address, this.filled);
    if (failed === 0) this.size += this.filled;
    else if (!this.broken) this.failed(`cannot write ${this.path}: errno ${-failed}; lines are lost`);
    this.broken = failed !== 0;
    this.filled = 0;
  }

  private rotate(): void {
    const { maxFiles, compress } = this.options;
    const suffix = compress ? ".gz" : "";
    close(this.fd);
    // It still reads a file that is about to be moved, and writes one.
    this.compressor.finish();
    if (maxFiles < 2) rmSync(this.path, { force: true });
    else {
      // The first moved file is compressed under its plain name, and only then has the suffix.
      for (let i = maxFiles - 1; i > 1; i--)
        moveIfThere(`${this.path}.${i - 1}${suffix}`, `${this.path}.${i}${suffix}`);
      moveIfThere(this.path, `${this.path}.1`);
    }
    this.fd = open(this.path, O.WRONLY | O.APPEND | O.CREAT | O.TRUNC, 0o640);
    this.size = 0;
    if (compress && maxFiles > 1) this.compressor.start(`${this.path}.1`);
  }
}

const LINE_FEED_TEXT = Buffer.from("\\n");
const END = Buffer.from('"}\n');
const BEGIN = fixedBuffer(8);
BEGIN.bytes.set(Buffer.from('{"log":"'));

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
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

/** `max-size`, `max-file` and `compress` as docker run's `--log-opt` gives them; the daemon has refused bad ones. */
export function parseJsonFileOptions(options: Record<string, string>): JsonFileOptions {
  return {
    maxSize: options["max-size"] === undefined ? undefined : parseSize(options["max-size"]),
    maxFiles: Math.max(1, Number.parseInt(options["max-file"] ?? "1", 10) || 1),
    compress: ["1", "t", "T", "TRUE", "true", "True"].includes(options.compress ?? ""),
  };
}

/** go-units' FromHumanSize: decimal multiples. */
function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(text.trim());
  if (!match || text.trim() === "-1") return undefined;
  const power = match[2] ? "kmgtp".indexOf(match[2].toLowerCase()) + 1 : 0;
  return Math.floor(Number(match[1]) * 1000 ** power);
}
