import { expect, test } from "bun:test";
import { goDuration, humanDuration } from "./durations.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** From docker/go-units' own table of examples. */
const CASES: [number, string][] = [
  [450, "Less than a second"],
  [-5 * SECOND, "Less than a second"],
  [SECOND, "1 second"],
  [47 * SECOND, "47 seconds"],
  [MINUTE, "About a minute"],
  [119 * SECOND, "About a minute"],
  [3 * MINUTE, "3 minutes"],
  [35 * MINUTE + 40 * SECOND, "35 minutes"],
  [HOUR, "About an hour"],
  [HOUR + 29 * MINUTE, "About an hour"],
  [HOUR + 45 * MINUTE, "2 hours"],
  [3 * HOUR, "3 hours"],
  [2 * DAY, "2 days"],
  [7 * DAY, "7 days"],
  [13 * DAY + 5 * HOUR, "13 days"],
  [2 * 7 * DAY, "2 weeks"],
  [30 * DAY, "4 weeks"],
  [60 * DAY, "2 months"],
  [366 * DAY, "12 months"],
  [730 * DAY, "2 years"],
  [1200 * DAY, "3 years"],
];

test.each(CASES)("%d ms is %s", (milliseconds, text) => {
  expect(humanDuration(milliseconds)).toBe(text);
});

test.each([
  [0, "0s"],
  [1, "1ns"],
  [1500, "1.5µs"],
  [500e6, "500ms"],
  [1.5e9, "1.5s"],
  [30e9, "30s"],
  [90e9, "1m30s"],
  [120e9, "2m0s"],
  [3723.25e9, "1h2m3.25s"],
  [-2e9, "-2s"],
])("%d ns is %s in Go", (nanoseconds, text) => {
  expect(goDuration(nanoseconds)).toBe(text);
});
