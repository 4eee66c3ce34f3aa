// Times as people give them to `--since` and `--until`: a date, seconds since 1970, or how long ago.
import { parseDuration } from "./framework/flags.ts";

const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** Seconds since 1970 with nine decimals, as the API takes them (moby api/types/time GetTimestamp). */
export function timestamp(text: string, now = Date.now()): string {
  const match = DATE.exec(text);
  if (match) {
    const [, day = "", hour = "00", minute = "00", second = "00", fraction = "", zone] = match;
    // A date without a zone is the client's own time.
    const whole = new Date(`${day}T${hour}:${minute}:${second}${zone ?? ""}`).getTime();
    if (!Number.isNaN(whole)) return `${whole / 1000}.${fraction.slice(1, 10).padEnd(9, "0")}`;
  }
  if (/^-?\d+(\.\d+)?$/.test(text)) return text;
  let ago: number;
  try {
    ago = parseDuration(text);
  } catch {
    throw new Error(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  }
  const then = BigInt(now) * 1_000_000n - BigInt(ago);
  return `${then / 1_000_000_000n}.${String(then % 1_000_000_000n).padStart(9, "0")}`;
}
