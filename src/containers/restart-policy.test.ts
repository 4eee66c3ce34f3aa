import { expect, test } from "bun:test";
import { nextWait, shouldRestart, shouldStartWithDaemon } from "./restart-policy.ts";

test("waits double from 100 ms to a minute, and start over after ten good seconds", () => {
  const waits: number[] = [];
  let wait = 0;
  for (let count = 0; count < 12; count++) {
    wait = nextWait(wait, 50);
    waits.push(wait);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
  expect(nextWait(60_000, 10_000)).toBe(100);
  expect(nextWait(400, 9_999)).toBe(800);
});

const end = (exitCode: number, stoppedByUser = false, restarts = 0) => ({
  exitCode,
  stoppedByUser,
  restarts,
});
type Policy = Parameters<typeof shouldRestart>[0];
const CASES: [Policy, ReturnType<typeof end>, boolean][] = [
  [undefined, end(1), false],
  [{ Name: "" }, end(1), false],
  [{ Name: "no" }, end(1), false],
  [{ Name: "always" }, end(0), true],
  [{ Name: "always" }, end(137, true), false],
  [{ Name: "unless-stopped" }, end(0), true],
  [{ Name: "unless-stopped" }, end(0, true), false],
  [{ Name: "on-failure" }, end(0), false],
  [{ Name: "on-failure" }, end(1, false, 99), true],
  [{ Name: "on-failure", MaximumRetryCount: 2 }, end(1, false, 1), true],
  [{ Name: "on-failure", MaximumRetryCount: 2 }, end(1, false, 2), false],
  [{ Name: "on-failure" }, end(137, true), false],
];
test.each(CASES)("%j after %j: %p", (policy, ended, restarts) => {
  expect(shouldRestart(policy, ended)).toBe(restarts);
});

const was = (everStarted: boolean, stoppedByUser: boolean, exitCode: number, restarts = 0) => ({
  everStarted,
  stoppedByUser,
  exitCode,
  restarts,
});
const AT_START: [Policy, ReturnType<typeof was>, boolean][] = [
  [undefined, was(true, false, 3), false],
  [{ Name: "no" }, was(true, false, 3), false],
  [{ Name: "always" }, was(false, false, 0), false],
  [{ Name: "always" }, was(true, true, 0), true],
  [{ Name: "unless-stopped" }, was(true, true, 0), false],
  [{ Name: "unless-stopped" }, was(true, false, 0), true],
  [{ Name: "on-failure" }, was(true, false, 0), false],
  [{ Name: "on-failure" }, was(true, false, 3), true],
  [{ Name: "on-failure" }, was(true, true, 137, 9), true],
  [{ Name: "on-failure", MaximumRetryCount: 2 }, was(true, false, 3, 1), true],
  [{ Name: "on-failure", MaximumRetryCount: 2 }, was(true, false, 3, 2), false],
];
test.each(AT_START)("a starting daemon: %j of %j: %p", (policy, container, starts) => {
  expect(shouldStartWithDaemon(policy, container)).toBe(starts);
});
