// Go's durations, `1h30m`, `1.5s`, `500ms`, in nanoseconds: of HEALTHCHECK's flags.
import { invalid } from "../../../base/errors.ts";
import { quote } from "../go-text.ts";

const UNITS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PART = /(\d+\.?\d*|\.\d+)([^\d.]*)/y;
/** Go's int64 of nanoseconds: 292 years. */
const LONGEST = 2 ** 63;

/** time.ParseDuration. Errors: invalid, in Go's words. */
export function parseDuration(text: string): number {
  const bad = () => invalid(`time: invalid duration ${quote(text)}`);
  const sign = text.startsWith("-") ? -1 : 1;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === "0") return 0;
  if (body === "") throw bad();
  let total = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < body.length) {
    const [, number = "", unit = ""] = PART.exec(body) ?? [];
    if (number === "") throw bad();
    if (unit === "") throw invalid(`time: missing unit in duration ${quote(text)}`);
    const size = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (size === undefined) throw invalid(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    total += Number(number) * size;
  }
  if (total >= LONGEST) throw bad();
  return sign * Math.trunc(total) || 0;
}

/** time.Duration.String: `1m30s`, `1.5s`, `500ms`, `0s`. Not negative. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e9) {
    const [unit, size] = nanoseconds < 1e3 ? ["ns", 1] : nanoseconds < 1e6 ? ["µs", 1e3] : ["ms", 1e6];
    return `${nanoseconds / Number(size)}${unit}`;
  }
  const hours = Math.trunc(nanoseconds / 3600e9);
  const minutes = Math.trunc(nanoseconds / 60e9) % 60;
  const seconds = `${(nanoseconds % 60e9) / 1e9}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
