import { expect, test } from "bun:test";
import { parsePlatform } from "./platform.ts";
import { timestamp } from "./timestamp.ts";

test("times for --since and --until", () => {
  const now = Date.UTC(2026, 10, 21, 9, 0, 0);
  const seconds = now / 1000;
  const cases: Record<string, string> = {
    "2026-11-21T09:00:00Z": `${seconds}.000000000`,
    "2026-11-21T09:00:00.25Z": `${seconds}.250000000`,
    "2026-11-21T10:00:00+01:00": `${seconds}.000000000`,
    "2026-11-21T09:00Z": `${seconds}.000000000`,
    "1136073600": "1136073600",
    "1136073600.000000001": "1136073600.000000001",
    "10m": `${seconds - 600}.000000000`,
    "1h30m": `${seconds - 5400}.000000000`,
  };
  for (const [text, value] of Object.entries(cases)) expect(timestamp(text, now)).toBe(value);
  for (const bad of ["x", "10q", "2026-1-1"]) {
    expect(() => timestamp(bad, now)).toThrow(
      `failed to parse value as time or duration: ${JSON.stringify(bad)}`,
    );
  }
});

test.each([
  ["2026-13-01T00:00:00Z", "month"],
  ["2026-00-01", "month"],
  ["2026-02-30", "day"],
  ["2026-01-01T25:00:00", "hour"],
  ["2026-01-01T05:60", "minute"],
  ["2026-01-01T05:00:61Z", "second"],
])("%s: %s out of range", (text, what) => {
  expect(() => timestamp(text)).toThrow(`parsing time ${JSON.stringify(text)}: ${what} out of range`);
});

test("platforms", () => {
  expect(parsePlatform("linux/arm64/v8")).toEqual({ os: "linux", architecture: "arm64", variant: "v8" });
  expect(parsePlatform("linux/aarch64")).toEqual({ os: "linux", architecture: "arm64" });
  expect(parsePlatform("armhf")).toEqual({ os: "linux", architecture: "arm", variant: "v7" });
  expect(parsePlatform("x86_64")).toEqual({ os: "linux", architecture: "amd64" });
  expect(parsePlatform("Linux")).toMatchObject({ os: "linux" });
  expect(() => parsePlatform("x")).toThrow('"x": unknown operating system or architecture: invalid argument');
  expect(() => parsePlatform("a/b/c/d")).toThrow("cannot parse platform specifier");
  expect(() => parsePlatform("linux/a b")).toThrow('"a b" is an invalid component of "linux/a b"');
});
