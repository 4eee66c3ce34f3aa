// A container's log on disk, as its shim writes it.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { bundle } from "./fixture.ts";

interface Entry {
  log: string;
  stream: string;
  time: string;
}

const entries = (text: string): Entry[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry);

test("both streams, in entries of Docker's form, with times in order", async () => {
  await using made = await bundle({ args: ["/bin/sh", "-c", "echo one; echo two >&2; printf three"] });
  await using shim = await made.start();
  await shim.start();
  await shim.wait();
  const log = entries(readFileSync(made.logPath, "utf8"));
  expect(log.map(({ log, stream }) => [stream, log]).sort()).toEqual([
    ["stderr", "two\n"],
    ["stdout", "one\n"],
    ["stdout", "three"],
  ]);
  for (const { time } of log) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
  await shim.remove();
});

test("is rotated, its older files compressed", async () => {
  const lines = Array.from({ length: 2000 }, (_, i) => `line ${i} ${"x".repeat(80)}`);
  await using made = await bundle({
    args: [
      "/bin/sh",
      "-c",
      `i=0; while [ $i -lt 2000 ]; do echo line $i ${"x".repeat(80)}; i=$((i+1)); done`,
    ],
    log: (path) => ({ driver: "json-file", path, maxSize: 100_000, maxFiles: 3, compress: true }),
  });
  await using shim = await made.start();
  await shim.start();
  await shim.wait();
  const compressed = (name: string) => gunzipSync(readFileSync(name)).toString();
  while (existsSync(`${made.logPath}.1`)) await Bun.sleep(10);
  const kept = entries(
    compressed(`${made.logPath}.2.gz`) +
      compressed(`${made.logPath}.1.gz`) +
      readFileSync(made.logPath, "utf8"),
  ).map(({ log }) => log.trim());
  expect(kept.length).toBeGreaterThan(1000);
  expect(kept).toEqual(lines.slice(-kept.length));
  expect(existsSync(`${made.logPath}.3.gz`)).toBe(false);
  await shim.remove();
});

test("driver none keeps none", async () => {
  await using made = await bundle({ args: ["/bin/echo", "x"], log: () => ({ driver: "none" }) });
  await using shim = await made.start();
  await shim.start();
  await shim.wait();
  expect(existsSync(made.logPath)).toBe(false);
  await shim.remove();
});
