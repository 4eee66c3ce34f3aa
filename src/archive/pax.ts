// Records of pax extended headers (POSIX pax, "pax Extended Header"): "LENGTH KEY=VALUE\n", LENGTH in bytes of all.
import { invalid } from "../base/errors.ts";
import type { Moment } from "../linux/files.ts";

/** What an archive may say at most in one extended header; Go's archive/tar has the same limit. */
export const PAX_LIMIT = 1 << 20;

const malformed = () => invalid("the archive is damaged: a pax header is malformed");

/** Decodes records; values are byte strings, and the last of a key wins. Errors: invalid. */
export function decodePax(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    if (space < 0 || space - at > 10) throw malformed();
    const digits = bytes.toString("latin1", at, space);
    const end = at + Number(digits);
    if (!/^\d+$/.test(digits) || end > bytes.length || end <= space + 1 || bytes[end - 1] !== 0x0a)
      throw malformed();
    const equals = bytes.indexOf(0x3d, space + 1);
    if (equals < 0 || equals >= end || equals === space + 1) throw malformed();
    records.set(bytes.toString("latin1", space + 1, equals), bytes.toString("latin1", equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** Encodes records, in the order of their keys, so that the same tree gives the same bytes. */
export function encodePax(records: Map<string, string>): Buffer {
  const keys = [...records.keys()].sort();
  return Buffer.concat(keys.map((key) => Buffer.from(record(key, records.get(key)!), "latin1")));
}

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + String(rest.length).length;
  // One digit more may make the length one digit longer.
  if (String(length).length + rest.length !== length) length = rest.length + String(length).length;
  return `${length}${rest}`;
}

/** A decimal number of seconds, perhaps with a fraction and a sign. */
export function decodeMoment(text: string): Moment {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (!match)
    throw invalid(`the archive is damaged: a pax header has the time ${JSON.stringify(text.slice(0, 40))}`);
  const [, sign, whole = "0", fraction = ""] = match;
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (!sign) return { seconds: Number(whole), nanoseconds };
  return nanoseconds === 0
    ? { seconds: -Number(whole), nanoseconds: 0 }
    : { seconds: -Number(whole) - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/** The inverse of decodeMoment, without trailing zeros. */
export function encodeMoment({ seconds, nanoseconds }: Moment): string {
  if (nanoseconds === 0) return String(seconds);
  const [whole, rest, sign] =
    seconds < 0 ? [-seconds - 1, 1_000_000_000 - nanoseconds, "-"] : [seconds, nanoseconds, ""];
  return `${sign}${whole}.${String(rest).padStart(9, "0").replace(/0+$/, "")}`;
}
