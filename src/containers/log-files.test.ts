// Reading and following json-file logs on real files, with a writer that rotates them as the shim does.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type LogEntry, readLog } from "./log-files.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-log-"));
  path = join(folder, "x-json.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const line = (log: string) =>
  `${JSON.stringify({ log: `${log}\n`, stream: "stdout", time: "2026-01-01T00:00:00.5Z" })}\n`;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => line(String(from + i))).join("");
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function collect(
  options: { tail?: number; follow?: Promise<unknown>; signal?: AbortSignal } = {},
): Promise<number[]> {
  const found: number[] = [];
  const signal = options.signal ?? new AbortController().signal;
  for await (const batch of readLog(path, { tail: -1, ...options, signal }))
    found.push(...batch.map(({ log }: LogEntry) => Number(log)));
  return found;
}

test("no file yet: nothing", async () => {
  expect(await collect()).toEqual([]);
});

test("rotated files come first, a compressed one too", async () => {
  writeFileSync(`${path}.2.gz`, gzipSync(lines(1, 3)));
  writeFileSync(`${path}.1`, lines(4, 6));
  writeFileSync(path, lines(7, 9));
  expect(await collect()).toEqual(numbers(1, 9));
});

test.each([0, 1, 2, 3, 4, 5, 9, 100])("the last %d lines, over files", async (tail) => {
  writeFileSync(`${path}.1`, lines(1, 5));
  writeFileSync(path, lines(6, 8));
  expect(await collect({ tail })).toEqual(numbers(Math.max(1, 9 - tail), 8).slice(tail === 0 ? 8 : 0));
});

test("the last lines of a file of many pages", async () => {
  writeFileSync(path, lines(1, 20_000));
  expect(await collect({ tail: 5_000 })).toEqual(numbers(15_001, 20_000));
});

test("a line that is not whole is left out, and read when it is", async () => {
  writeFileSync(path, lines(1, 2) + line("3").slice(0, 20));
  expect(await collect()).toEqual([1, 2]);
  const end = Promise.withResolvers<void>();
  const following = collect({ follow: end.promise });
  await Bun.sleep(20);
  appendFileSync(path, line("3").slice(20) + lines(4, 5));
  await Bun.sleep(20);
  end.resolve();
  expect(await following).toEqual(numbers(1, 5));
});

const KEPT = 80;

test("following neither loses nor repeats a line while files rotate under it", async () => {
  writeFileSync(path, lines(1, 10));
  const end = Promise.withResolvers<void>();
  const following = collect({ follow: end.promise });
  let next = 11;
  for (let round = 0; round < 200; round++) {
    const count = 1 + (round % 7);
    appendFileSync(path, lines(next, next + count - 1));
    next += count;
    if (round % 3 === 0) {
      // As the shim rotates: the others move up, a new one is begun. So many are kept that a follower which a busy
      // machine holds up still finds them: one that falls behind by all of them must lose what is gone.
      for (let number = KEPT - 1; number >= 1; number--)
        if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
      renameSync(path, `${path}.1`);
      writeFileSync(path, "");
    }
    await Bun.sleep(round % 5 === 0 ? 4 : 1);
  }
  end.resolve();
  expect(await following).toEqual(numbers(1, next - 1));
});

test("a follower that starts before the first line sees it", async () => {
  const end = Promise.withResolvers<void>();
  const following = collect({ follow: end.promise });
  await Bun.sleep(10);
  writeFileSync(path, lines(1, 3));
  await Bun.sleep(30);
  end.resolve();
  expect(await following).toEqual([1, 2, 3]);
});

test("tail 0 with follow: only what comes", async () => {
  writeFileSync(path, lines(1, 3));
  const end = Promise.withResolvers<void>();
  const following = collect({ tail: 0, follow: end.promise });
  await Bun.sleep(20);
  appendFileSync(path, lines(4, 5));
  await Bun.sleep(20);
  end.resolve();
  expect(await following).toEqual([4, 5]);
});

test("a single file that is cut to nothing goes on from its start", async () => {
  writeFileSync(path, lines(1, 100));
  const end = Promise.withResolvers<void>();
  const following = collect({ tail: 1, follow: end.promise });
  await Bun.sleep(30);
  writeFileSync(path, lines(101, 102));
  await Bun.sleep(50);
  end.resolve();
  expect(await following).toEqual([100, 101, 102]);
});

test("an aborted follower ends", async () => {
  writeFileSync(path, lines(1, 2));
  const abort = new AbortController();
  const following = collect({ follow: new Promise(() => {}), signal: abort.signal });
  await Bun.sleep(10);
  abort.abort();
  expect(await following).toEqual([1, 2]);
});
