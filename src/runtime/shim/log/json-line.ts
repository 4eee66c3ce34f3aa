// One entry of Docker's json-file log, byte by byte: {"log":"…\n","stream":"stdout","time":"…"} and a line feed.
// Text is escaped as Go's encoding/json does it (HTML's characters too), what is no UTF-8 becomes \ufffd.
import { copyBytes, type FixedBuffer, fixedBuffer, plainRun } from "../../../linux/raw-io.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = new TextEncoder().encode("0123456789abcdef");
const REPLACEMENT = new TextEncoder().encode("\\ufffd");

/** 1 where a byte goes through as it is. */
const PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++) PLAIN[byte] = 1;
for (const special of '"\\<>&') PLAIN[special.charCodeAt(0)] = 0;

/** Most bytes that one byte of text becomes. */
export const ESCAPED_MAX = 6;

/** All bytes that don't go through as they are, for the C library's search; NUL ends the list, and stops it by itself. */
const STOPS: FixedBuffer = fixedBuffer(257);
{
  let count = 0;
  for (let byte = 1; byte < 256; byte++) if (PLAIN[byte] === 0) STOPS.bytes[count++] = byte;
}

/** The same without the line feed. */
const STOPS_IN_LINES: FixedBuffer = fixedBuffer(257);
STOPS_IN_LINES.bytes.set(STOPS.bytes.filter((byte) => byte !== 0x0a).subarray(0, 256));

/** How many bytes from `address` on are lines that need no escaping. There must be a NUL behind them. */
export const plainLines = (address: number): number => plainRun(address, STOPS_IN_LINES);

/** Runs of plain text up to this length are copied here; for a longer one the C library is asked. */
const NEAR = 12;

/**
 * Writes the text in `from[start, end)` into `to` at `at` as the inside of a JSON string, and gives the position after
 * it. There must be room for ESCAPED_MAX times the text, and a NUL somewhere behind it in `from`.
 */
export function escapeJson(
  from: FixedBuffer,
  start: number,
  end: number,
  to: FixedBuffer,
  at: number,
): number {
  const text = from.bytes;
  const room = to.bytes;
  let out = at;
  let i = start;
  while (i < end) {
    const near = Math.min(end, i + NEAR);
    while (i < near && PLAIN[text[i] as number] === 1) room[out++] = text[i++] as number;
    if (i === near && i < end) {
      const run = Math.min(plainRun(from.address + i, STOPS), end - i);
      copyBytes(to.address + out, from.address + i, run);
      out += run;
      i += run;
    }
    while (i < end && PLAIN[text[i] as number] === 0) {
      const size = sequenceLength(text, i, end);
      out = escapeSequence(text, i, size, room, out);
      i += Math.max(size, 1);
    }
  }
  return out;
}

/** Bytes of the character at `i`: 1 for ASCII, 0 where it is no UTF-8. */
function sequenceLength(text: Uint8Array, i: number, end: number): number {
  return (text[i] as number) < 0x80 ? 1 : runeLength(text, i, end);
}

function escapeSequence(text: Uint8Array, i: number, size: number, to: Uint8Array, at: number): number {
  const byte = text[i] as number;
  if (size === 1) return escapeAscii(byte, to, at);
  if (size === 0) {
    to.set(REPLACEMENT, at);
    return at + REPLACEMENT.length;
  }
  // U+2028 and U+2029 end a line in JavaScript.
  if (size === 3 && byte === 0xe2 && text[i + 1] === 0x80 && ((text[i + 2] as number) & 0xfe) === 0xa8)
    return unicodeEscape(to, at, 0x20, 0x28 | ((text[i + 2] as number) & 1));
  for (let k = 0; k < size; k++) to[at + k] = text[i + k] as number;
  return at + size;
}

function escapeAscii(byte: number, to: Uint8Array, at: number): number {
  if (byte === QUOTE || byte === BACKSLASH) return pair(to, at, byte);
  if (byte === 0x0a) return pair(to, at, 0x6e);
  if (byte === 0x0d) return pair(to, at, 0x72);
  return unicodeEscape(to, at, 0, byte);
}

function pair(to: Uint8Array, at: number, byte: number): number {
  to[at] = BACKSLASH;
  to[at + 1] = byte;
  return at + 2;
}

function unicodeEscape(to: Uint8Array, at: number, high: number, low: number): number {
  to[at] = BACKSLASH;
  to[at + 1] = 0x75;
  to[at + 2] = HEX[high >> 4] as number;
  to[at + 3] = HEX[high & 15] as number;
  to[at + 4] = HEX[low >> 4] as number;
  to[at + 5] = HEX[low & 15] as number;
  return at + 6;
}

/** Length of the well-formed UTF-8 sequence at `i` (RFC 3629), 0 where there is none: as Go's utf8.DecodeRune. */
function runeLength(from: Uint8Array, i: number, end: number): number {
  const first = from[i] as number;
  const size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size === 0 || i + size > end) return 0;
  const second = from[i + 1] as number;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let k = 2; k < size; k++) if (((from[i + k] as number) & 0xc0) !== 0x80) return 0;
  return size;
}

/** Room for a time with its quotes. */
export const TIME_MAX = 40;

let dayOfText = Number.NaN;
const secondText = new Uint8Array(19);

/**
 * Writes a moment as Go's RFC3339Nano does (UTC, no zeros at the fraction's end): `2024-05-01T10:00:00.12Z`. Gives the
 * position after it. The date's text is made once a second, so that a line costs no garbage.
 */
export function writeTime(seconds: number, nanoseconds: number, to: Uint8Array, at: number): number {
  if (seconds !== dayOfText) {
    new TextEncoder().encodeInto(new Date(seconds * 1000).toISOString().slice(0, 19), secondText);
    dayOfText = seconds;
  }
  to.set(secondText, at);
  let out = at + 19;
  if (nanoseconds > 0) {
    to[out] = 0x2e;
    let rest = nanoseconds;
    for (let digit = 9; digit >= 1; digit--) {
      to[out + digit] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    out += 10;
    while (to[out - 1] === 0x30) out--;
  }
  to[out] = 0x5a;
  return out + 1;
}

/** The same as a string: for exit.json and the protocol. */
export function formatTime(seconds: number, nanoseconds: number): string {
  const room = new Uint8Array(TIME_MAX);
  return new TextDecoder().decode(room.subarray(0, writeTime(seconds, nanoseconds, room, 0)));
}
