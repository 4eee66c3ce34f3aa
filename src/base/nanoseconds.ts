// Points in time with nanoseconds, as Go's RFC3339Nano writes them: trailing zeros of the fraction are left out.

/** What Go shows for a time that was never set. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

/** Nanoseconds since the epoch. The monotonic clock gives what Date leaves out; both are read once. */
const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
let last = 0n;

/** Nanoseconds since the epoch; follows the wall clock, never the same twice. */
export function nowNanoseconds(): bigint {
  const wall = BigInt(Date.now()) * 1_000_000n;
  const fine = process.hrtime.bigint() + offset;
  // The two drift apart when the wall clock is set: then the wall clock is right.
  const drift = fine - wall;
  const now = drift > -2_000_000n && drift < 2_000_000n ? fine : wall;
  last = now > last || last - now > 1_000_000_000n ? now : last + 1n;
  return last;
}

export const now = (): string => formatNanoseconds(nowNanoseconds());

export function formatNanoseconds(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n;
  const fraction = (nanoseconds % 1_000_000_000n).toString().padStart(9, "0").replace(/0+$/, "");
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return fraction === "" ? `${whole}Z` : `${whole}.${fraction}Z`;
}

/** Nanoseconds since the epoch of an RFC 3339 time; undefined when it is none. */
export function parseNanoseconds(text: string): bigint | undefined {
  const parts = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  if (!parts) return undefined;
  const milliseconds = Date.parse(`${parts[1]?.replace(" ", "T")}${parts[3]}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt((parts[2] ?? "").padEnd(9, "0") || "0");
}

/** "1700000000.000000001" (seconds since the epoch, as the API's since and until) in nanoseconds; undefined when it is none. */
export function parseEpoch(text: string): bigint | undefined {
  const parts = /^(-?\d+)(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (!parts) return undefined;
  return BigInt(parts[1] as string) * 1_000_000_000n + BigInt((parts[2] ?? "").padEnd(9, "0") || "0");
}

export const millisecondsOf = (time: string): number => Number((parseNanoseconds(time) ?? 0n) / 1_000_000n);
