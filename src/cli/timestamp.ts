// Times as people give them to `--since` and `--until`: a date, seconds since 1970, or how long ago.
import { parseDuration } from "./framework/flags.ts";

const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** Seconds since 1970 with nine decimals, as the API takes them (moby api/types/time GetTimestamp). */
export function timestamp(text: string, now = Date.now()): string {
  const match = DATE.exec(text);
  if (match) {
    const [, day = "", hour = "00", minute = "00", second = "00", fraction = "", zone] = match;
    // A date without a zone is the client's own time.
    refuseOutOfRange(text, [day, hour, minute, second]);
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

/** As Go's time.Parse, which knows no 30th of February. */
function refuseOutOfRange(text: string, [date = "", hour, minute, second]: string[]): void {
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  const refuse = (what: string) => new Error(`parsing time ${JSON.stringify(text)}: ${what} out of range`);
  if (month < 1 || month > 12) throw refuse("month");
  if (day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) throw refuse("day");
  if (Number(hour) > 23) throw refuse("hour");
  if (Number(minute) > 59) throw refuse("minute");
  if (Number(second) > 59) throw refuse("second");
}
