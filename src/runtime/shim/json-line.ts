// One entry of Docker's json-file log, byte by byte: {"log":"…\n","stream":"stdout","time":"…"} and a line feed.
// Text is escaped as Go's encoding/json does it (HTML's characters too), what is no UTF-8 becomes \ufffd.

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

/**
 * Writes the text in `from[start, end)` into `to` at `at` as the inside of a JSON string, and gives the position after
 * it. There must be room for ESCAPED_MAX times the text.
 */
export function escapeJson(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  let out = at;
  for (let i = start; i < end; ) {
    const byte = from[i] as number;
    if (PLAIN[byte] === 1) {
      to[out++] = byte;
      i++;
    } else if (byte < 0x80) {
      out = escapeAscii(byte, to, out);
      i++;
    } else {
      const size = runeLength(from, i, end);
      if (size === 0) {
        to.set(REPLACEMENT, out);
        out += REPLACEMENT.length;
        i++;
      } else if (
        size === 3 &&
        byte === 0xe2 &&
        from[i + 1] === 0x80 &&
        ((from[i + 2] as number) & 0xfe) === 0xa8
      ) {
        // U+2028 and U+2029 end a line in JavaScript.
        out = unicodeEscape(to, out, 0x20, 0x28 | ((from[i + 2] as number) & 1));
        i += 3;
      } else {
        for (const last = i + size; i < last; ) to[out++] = from[i++] as number;
      }
    }
  }
  return out;
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
