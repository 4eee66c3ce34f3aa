import { expect, test } from "bun:test";
import { localStamp, localTime, nanosecondsText, secondsText } from "./times.ts";

test.each<[bigint, string]>([
  [0n, "0s"],
  [17n, "17ns"],
  [1_500n, "1.5µs"],
  [694_355_803n, "694.355803ms"],
  [2_387_445_291n, "2.387445291s"],
  [62_500_000_000n, "1m2.5s"],
  [3_600_000_000_000n, "1h0m0s"],
])("%p nanoseconds are %s", (duration, text) => {
  expect(nanosecondsText(duration)).toBe(text);
});

test.each<[number, string]>([
  [0.04, "0.0s"],
  [59.94, "59.9s"],
  [65, "1m  5s"],
  [3601, "60m  1s"],
])("%p seconds are %s", (seconds, text) => {
  expect(secondsText(seconds)).toBe(text);
});

test("a time is shown in the zone of this host", () => {
  const before = process.env.TZ;
  const instant = 1_796_025_106_432_929_500n;
  try {
    process.env.TZ = "UTC";
    expect(localTime(instant)).toBe("2026-11-30 07:51:46");
    expect(localStamp(instant)).toBe("2026-11-30T07:51:46.4329295Z");
    expect(localTime(instant, true)).toBe("2026-11-30 07:51:46.4329295 +0000 UTC");
    process.env.TZ = "America/St_Johns";
    expect(localTime(instant)).toBe("2026-11-30 04:21:46");
    expect(localStamp(instant)).toBe("2026-11-30T04:21:46.4329295-03:30");
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
});
