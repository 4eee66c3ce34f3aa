// Points in time as Docker's clients write them in filters (`until=24h`, `--since 2024-05-01`): daemon's
// api/types/time, GetTimestamp.
import { invalid } from "./errors.ts";

const UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 36e5,
};

/** Milliseconds of a Go duration ("1h30m", "-1.5h"); undefined when it isn't one. */
export function parseDuration(text: string): number | undefined {
  const [, sign = "", rest = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined;
  let total = 0;
  for (const [, number, unit] of rest.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g))
    total += Number(number) * (UNITS[unit ?? ""] ?? 0);
  return sign === "-" ? -total : total;
}

/**
 * Milliseconds since the epoch of a duration before `now`, a Unix time ("1700000000.5") or a date with or without time
 * and zone. Errors: invalid.
 */
export function parseTimestamp(text: string, now = Date.now()): number {
  const duration = parseDuration(text);
  if (duration !== undefined) return now - duration;
  if (/^-?\d+(?:\.\d{1,9})?$/.test(text)) return Number(text) * 1000;
  const date =
    /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2})(\.\d+)?)?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (!date) throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  const [, day = "", hour = "00", minute = "00", second = "00", fraction = "", zone = ""] = date;
  const time = Date.parse(`${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}${zone}`);
  if (Number.isNaN(time)) throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return time;
}
