// Order of the test files, and that all of them run, never fewer at once than there are processors while some are left.
import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { Glob } from "bun";
import { inLanes, longestFirst } from "./lanes.ts";

test("each file once: the longest first, the others from both ends", () => {
  const files = ["test/a.test.ts", "test/b.test.ts", "test/builder/cases.test.ts", "test/c.test.ts"];
  expect(longestFirst(files)).toEqual([
    "test/builder/cases.test.ts",
    "test/a.test.ts",
    "test/c.test.ts",
    "test/b.test.ts",
  ]);
  const all = [...new Glob("test/**/*.test.ts").scanSync(".")];
  expect(longestFirst(all).toSorted()).toEqual(all.toSorted());
});

const PROCESSORS = availableParallelism();

test.each([
  ["rest", 1, PROCESSORS + 2],
  ["are busy", 0.1, PROCESSORS],
])("all of the work is done while the processors %s", async (_, rested, lanes) => {
  const work = Array.from({ length: 10 * PROCESSORS }, (_, i) => i);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const run = async (one: number) => {
    begun.push(one);
    most = Math.max(most, ++running);
    await Bun.sleep(30);
    running--;
  };
  await inLanes(work, run, { rested: () => rested, interval: 1 });
  expect(begun).toEqual(work);
  expect([running, most]).toEqual([0, lanes]);
});

test("no work ends at once; what fails is told", async () => {
  await inLanes([], async () => {});
  await expect(inLanes([1], () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
});
