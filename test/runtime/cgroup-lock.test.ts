// The kernel behaviour that cgroup-lock.ts relies on, and that it leaves this process where it was.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { warmCgroupLock } from "../../src/runtime/index.ts";

test("warming the cgroup lock moves nobody", async () => {
  const before = readFileSync("/proc/self/cgroup", "utf8");
  warmCgroupLock();
  warmCgroupLock();
  await Bun.sleep(200);
  expect(readFileSync("/proc/self/cgroup", "utf8")).toBe(before);
});
