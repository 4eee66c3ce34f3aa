// Entries as a client gets them: with time and attributes where it asked for them, each behind the header that says which
// stream it is of (Engine API, "Stream format"). One entry is one frame, as with Docker: there are clients that take a frame
// for a line. Many frames go out in one piece.

import type { LogOptions } from "../types.ts";
import { type LogEntry, TIME_LENGTH, timeText } from "./entry.ts";
import type { EntrySink } from "./files.ts";

const PIECE = 256 * 1024;
const HEADER = 8;
const LINE_FEED = 0x0a;
/** Shorter texts are copied here; a call of the C library costs more. */
const SHORT = 24;

/** The first and the last moment that are wanted, in nanoseconds since 1970. */
export interface LogRange {
  since: bigint | undefined;
  until: bigint | undefined;
}

export class LogFrames implements EntrySink<Uint8Array> {
  private readonly wanted: [boolean, boolean];
  private since: Buffer | undefined;
  private readonly until: Buffer | undefined;
  private readonly time = Buffer.alloc(TIME_LENGTH);
  private out: Buffer = Buffer.allocUnsafe(PIECE);
  private filled = 0;
  private readonly pieces: Uint8Array[] = [];
  /** Entries mostly have the same attributes. */
  private attributes: Record<string, string> | undefined;
  private attributesText: Buffer = Buffer.from(" ");

  constructor(
    private readonly options: LogOptions,
    /** Bare text, without headers. */
    private readonly bare: boolean,
    range: LogRange,
  ) {
    this.wanted = [options.stdout, options.stderr];
    this.since = range.since === undefined ? undefined : timeText(range.since);
    this.until = range.until === undefined ? undefined : timeText(range.until);
  }

  entry(entry: LogEntry): boolean {
    const { timestamps, details } = this.options;
    if (this.since || this.until || timestamps) {
      entry.writeTime(this.time, 0);
      if (this.since) {
        if (this.time.compare(this.since) < 0) return true;
        // Times needn't ascend: from the first that is wanted on all are.
        this.since = undefined;
      }
      if (this.until && this.time.compare(this.until) > 0) return false;
    }
    if (!this.wanted[entry.stream]) return true;
    const attributes = details ? this.textOf(entry.attributes) : undefined;
    const text = entry.end - entry.start;
    const extra = (timestamps ? TIME_LENGTH + 1 : 0) + (attributes?.length ?? 0);
    const length = extra + text + (entry.lineFeed ? 1 : 0);
    if (this.out.length - this.filled < HEADER + length) this.next(HEADER + length);
    const { out } = this;
    let at = this.filled;
    if (!this.bare) {
      out[at] = entry.stream + 1;
      out[at + 1] = out[at + 2] = out[at + 3] = 0;
      out[at + 4] = length >>> 24;
      out[at + 5] = length >>> 16;
      out[at + 6] = length >>> 8;
      out[at + 7] = length;
      at += HEADER;
    }
    if (timestamps) {
      this.time.copy(out, at);
      at += TIME_LENGTH;
      out[at++] = 0x20;
    }
    if (attributes) at += attributes.copy(out, at);
    if (text < SHORT) {
      const { bytes } = entry;
      for (let i = entry.start; i < entry.end; i++) out[at++] = bytes[i] as number;
    } else at += entry.bytes.copy(out, at, entry.start, entry.end);
    if (entry.lineFeed) out[at++] = LINE_FEED;
    this.filled = at;
    return true;
  }

  taken(): Uint8Array[] {
    if (this.filled > 0) this.next(PIECE);
    return this.pieces.splice(0);
  }

  private next(length: number): void {
    if (this.filled > 0) this.pieces.push(this.out.subarray(0, this.filled));
    // A small piece doesn't take the rest of its buffer away from those that come.
    this.out =
      this.out.length - this.filled >= Math.max(length, PIECE / 2)
        ? this.out.subarray(this.filled)
        : Buffer.allocUnsafe(Math.max(PIECE, length));
    this.filled = 0;
  }

  private textOf(attributes: Record<string, string> | undefined): Buffer {
    if (attributes !== this.attributes) {
      this.attributes = attributes;
      this.attributesText = Buffer.from(`${attributeText(attributes ?? {})} `);
    }
    return this.attributesText;
  }
}

const attributeText = (attributes: Record<string, string>): string =>
  Object.keys(attributes)
    .sort()
    .map((key) => `${queryEscape(key)}=${queryEscape(attributes[key] as string)}`)
    .join(",");

/** As Go's url.QueryEscape. */
const queryEscape = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
