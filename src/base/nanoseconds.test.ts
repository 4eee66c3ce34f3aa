import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatNanoseconds, nowNanoseconds, parseEpoch, parseNanoseconds } from "./nanoseconds.ts";

test("a time written is the time read", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 4_000_000_000_000_000_000n), (nanoseconds) => {
      expect(parseNanoseconds(formatNanoseconds(nanoseconds))).toBe(nanoseconds);
    }),
  );
});

test("Go's RFC3339Nano leaves trailing zeros out", () => {
  expect(formatNanoseconds(1_795_252_508_748_236_943n)).toBe("2026-11-21T09:15:08.748236943Z");
  expect(formatNanoseconds(1_795_252_508_100_000_000n)).toBe("2026-11-21T09:15:08.1Z");
  expect(formatNanoseconds(1_795_252_508_000_000_000n)).toBe("2026-11-21T09:15:08Z");
});

test("what isn't a time is none", () => {
  for (const text of ["", "yesterday", "2026-11-21", "2026-11-21T25:00:00Z", "12"])
    expect(parseNanoseconds(text)).toBeUndefined();
  for (const text of ["", "x", "1.2.3", "1e9"]) expect(parseEpoch(text)).toBeUndefined();
});

test("seconds with a fraction", () => {
  expect(parseEpoch("1700000000")).toBe(1_700_000_000_000_000_000n);
  expect(parseEpoch("1700000000.5")).toBe(1_700_000_000_500_000_000n);
  expect(parseEpoch("1700000000.000000001")).toBe(1_700_000_000_000_000_001n);
});

test("no two readings of the clock are equal, and it is the wall's", () => {
  let last = 0n;
  for (let count = 0; count < 10_000; count++) {
    const now = nowNanoseconds();
    expect(now > last).toBe(true);
    last = now;
  }
  expect(Math.abs(Number(last / 1_000_000n) - Date.now())).toBeLessThan(50);
});
