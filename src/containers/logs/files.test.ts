// Reading and following logs on real files, written and rotated by the shim's own writers.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { lock } from "../../linux/files.ts";
import { fixedBuffer } from "../../linux/raw-io.ts";
import { JsonFileSink, wholeJsonLines } from "../../runtime/shim/log/json-file.ts";
import { LineSplitter } from "../../runtime/shim/log/line-splitter.ts";
import { LocalSink, wholeLocalEntries } from "../../runtime/shim/log/local.ts";
import { RotatingFile } from "../../runtime/shim/log/rotating-file.ts";
import { type EntrySink, type ReadOptions, readLog } from "./files.ts";
import { LogFrames } from "./frames.ts";
import { jsonFormat } from "./json.ts";
import { localFormat } from "./local.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-log-"));
  path = join(folder, "x.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const FORMATS = { "json-file": jsonFormat, local: localFormat } as const;
type Format = keyof typeof FORMATS;

const text = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join("");
const numbers = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);

/** The shim's writer; files that were rotated away are compressed a moment later, as by its gzip. */
function writer(format: Format, options: { maxSize?: number; maxFiles?: number; compress?: boolean } = {}) {
  const compressor = {
    start(name: string, done: () => void) {
      setTimeout(() => {
        writeFileSync(`${name}.gz`, gzipSync(readFileSync(name)));
        rmSync(name);
        done();
      }, 2);
      return true;
    },
  };
  const complaints: string[] = [];
  const settings = { maxFiles: 1, compress: false, ...options };
  const whole = format === "local" ? wholeLocalEntries : wholeJsonLines;
  const file = new RotatingFile(path, settings, compressor, (said) => complaints.push(said), whole);
  const log = new LineSplitter(format === "local" ? new LocalSink(file) : new JsonFileSink(file, undefined));
  return {
    complaints,
    file,
    write(what: string | Uint8Array, stream: 0 | 1 = 0) {
      const bytes = Buffer.from(what);
      const room = fixedBuffer(bytes.length + 1);
      room.bytes.set(bytes);
      log.write(stream, room, 0, bytes.length);
    },
    end: () => log.end(0),
  };
}

/** Every entry's text, joined; `seen` is told of what there is so far. */
async function textOf(
  format: Format,
  options: Partial<ReadOptions> = {},
  seen: (text: string) => void = () => {},
): Promise<string> {
  let found = "";
  const sink: EntrySink<string> = {
    entry({ bytes, start, end, lineFeed }) {
      found += bytes.toString("utf8", start, end) + (lineFeed ? "\n" : "");
      seen(found);
      return true;
    },
    taken: () => [],
  };
  const signal = options.signal ?? new AbortController().signal;
  for await (const _ of readLog(path, FORMATS[format], { tail: -1, ...options, signal }, sink));
  return found;
}

async function numbersOf(format: Format, options: Partial<ReadOptions> = {}): Promise<number[]> {
  return (await textOf(format, options)).split("\n").filter(Boolean).map(Number);
}

describe.each(["json-file", "local"] as const)("%s", (format) => {
  test("no file yet: nothing", async () => {
    expect(await numbersOf(format)).toEqual([]);
  });

  test("text comes back byte for byte, in both streams", async () => {
    const log = writer(format);
    const lines = [
      "",
      "plain",
      'a "quoted" \\ <tag> & more',
      "\t\x1b[31mred\x1b[0m\r",
      "grün €𝄞 \u2028",
      "x".repeat(40_000),
    ];
    for (const line of lines) log.write(`${line}\n`, lines.indexOf(line) % 2 === 0 ? 0 : 1);
    log.write("no line end");
    log.end();
    expect(await textOf(format)).toBe(`${lines.join("\n")}\nno line end`);
  });

  test("rotated files come first, compressed ones too, and the tail reaches over them", async () => {
    const log = writer(format, { maxSize: 800, maxFiles: 20, compress: true });
    for (let i = 1; i <= 100; i++) {
      log.write(text(i, i));
      if (log.file.full) await Bun.sleep(4);
    }
    await Bun.sleep(10);
    expect(existsSync(`${path}.2.gz`)).toBe(true);
    expect(await numbersOf(format)).toEqual(numbers(1, 100));
    for (const tail of [0, 1, 2, 50, 99, 100, 101, 1000])
      expect(await numbersOf(format, { tail })).toEqual(numbers(Math.max(1, 101 - tail), 100));
  });

  test("the last lines of a file of many pages", async () => {
    writer(format).write(text(1, 20_000));
    expect(await numbersOf(format, { tail: 5_000 })).toEqual(numbers(15_001, 20_000));
  });

  test("following neither loses nor repeats a line while files rotate and are compressed under it", async () => {
    const log = writer(format, { maxSize: 1500, maxFiles: 60, compress: true });
    const end = Promise.withResolvers<void>();
    const following = numbersOf(format, { follow: end.promise });
    const late: Promise<number[]>[] = [];
    let next = 1;
    for (let round = 0; round < 120; round++) {
      while (log.file.full) await Bun.sleep(1);
      const count = 1 + (round % 7);
      log.write(text(next, next + count - 1));
      next += count;
      if (round % 40 === 20) late.push(numbersOf(format, { follow: end.promise }));
      // A reader in the midst of it sees a beginning without gaps.
      const seen = await numbersOf(format);
      expect(seen).toEqual(numbers(1, next - 1));
    }
    end.resolve();
    for (const seen of [following, ...late]) expect(await seen).toEqual(numbers(1, next - 1));
  });

  test("a follower that fell behind by several files goes on with the next, not with the newest", async () => {
    const log = writer(format, { maxSize: 300, maxFiles: 50 });
    log.write(text(1, 2));
    const end = Promise.withResolvers<void>();
    const following = numbersOf(format, { follow: end.promise });
    await Bun.sleep(20);
    log.write(text(3, 60));
    end.resolve();
    expect(await following).toEqual(numbers(1, 60));
  });

  test("what a crash cut off is passed over, and taken away by the next writer", async () => {
    writer(format).write(text(1, 3));
    const whole = statSync(path).size;
    writer(format).write(text(4, 4));
    truncateSync(path, whole + 9);
    expect(await numbersOf(format)).toEqual(numbers(1, 3));
    expect(await numbersOf(format, { tail: 1 })).toEqual(format === "json-file" ? [3] : []);
    writer(format).write(text(5, 6));
    expect(await numbersOf(format)).toEqual([1, 2, 3, 5, 6]);
    expect(await numbersOf(format, { tail: 3 })).toEqual([3, 5, 6]);
  });

  test("a follower that starts before the first line sees it; tail 0 shows only what comes", async () => {
    const end = Promise.withResolvers<void>();
    const early = numbersOf(format, { follow: end.promise });
    await Bun.sleep(10);
    const log = writer(format);
    log.write(text(1, 3));
    await Bun.sleep(20);
    const late = numbersOf(format, { tail: 0, follow: end.promise });
    await Bun.sleep(20);
    log.write(text(4, 5));
    end.resolve();
    expect(await early).toEqual(numbers(1, 5));
    expect(await late).toEqual([4, 5]);
  });

  test("an aborted follower ends", async () => {
    writer(format).write(text(1, 2));
    const abort = new AbortController();
    const following = numbersOf(format, { follow: new Promise(() => {}), signal: abort.signal });
    await Bun.sleep(10);
    abort.abort();
    expect(await following).toEqual([1, 2]);
  });

  test("frames: one an entry, times with nine digits, limits of time", async () => {
    const log = writer(format);
    log.write("one\n");
    const between = BigInt(Date.now()) * 1_000_000n + 1_500_000n;
    await Bun.sleep(5);
    log.write("two\n", 1);
    const frames = async (options: object, range = {}) => {
      const all = {
        stdout: true,
        stderr: true,
        follow: false,
        timestamps: false,
        details: false,
        tail: "all",
      };
      const sink = new LogFrames({ ...all, ...options }, false, {
        since: undefined,
        until: undefined,
        ...range,
      });
      const pieces: Uint8Array[] = [];
      const signal = new AbortController().signal;
      for await (const piece of readLog(path, FORMATS[format], { tail: -1, signal }, sink))
        pieces.push(piece);
      return Buffer.concat(pieces).toString("latin1");
    };
    const one = "\x01\0\0\0\0\0\0\x04one\n";
    const two = "\x02\0\0\0\0\0\0\x04two\n";
    expect(await frames({})).toBe(one + two);
    expect(await frames({ stdout: false })).toBe(two);
    expect(await frames({}, { since: between })).toBe(two);
    expect(await frames({}, { until: between })).toBe(one);
    expect(await frames({ timestamps: true, stderr: false })).toMatch(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a frame's header
      /^\x01\0\0\0\0\0\0#\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one\n$/,
    );
  });
});

test("a piece of a compressed file that a killed process left is done again", async () => {
  const log = writer("json-file", { maxSize: 200, maxFiles: 5 });
  log.write(text(1, 10));
  renameSync(`${path}.1`, `${path}.1.kept`);
  writeFileSync(`${path}.1.gz`, "half of it");
  renameSync(`${path}.1.kept`, `${path}.1`);
  writer("json-file", { maxSize: 200, maxFiles: 5, compress: true });
  const before = await numbersOf("json-file");
  await Bun.sleep(20);
  expect(existsSync(`${path}.1`)).toBe(false);
  expect(await numbersOf("json-file")).toEqual(before);
});

test("lines of Docker's own form: attributes, other fields, times without a fraction, text that is none", async () => {
  appendFileSync(
    path,
    '{"log":"a\\n","stream":"stderr","attrs":{"k":"v w"},"time":"2026-01-01T00:00:00Z"}\n',
  );
  appendFileSync(path, '{"stream":"stdout","log":"b\\n","time":"2026-01-01T00:00:00.5Z"}\n');
  appendFileSync(path, '{"log":"broken{"log":"c\\n","stream":"stdout","time":"2026-01-01T00:00:01Z"}\n');
  appendFileSync(path, '{"log":"d\\n","stream":"stdout","time":"2026-01-01T00:00:02.123Z"}\n');
  const options = { stdout: true, stderr: true, follow: false, timestamps: true, details: true, tail: "all" };
  const sink = new LogFrames(options, true, { since: undefined, until: undefined });
  let found = "";
  const signal = new AbortController().signal;
  for await (const piece of readLog(path, jsonFormat, { tail: -1, signal }, sink))
    found += Buffer.from(piece);
  expect(found).toBe(
    "2026-01-01T00:00:00.000000000Z k=v+w a\n2026-01-01T00:00:00.500000000Z  b\n2026-01-01T00:00:02.123000000Z  d\n",
  );
});

test("a single file that its owner cuts to nothing goes on from its start", async () => {
  const log = writer("json-file");
  log.write(text(1, 100));
  const [end, first, last] = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const following = textOf("json-file", { tail: 1, follow: end?.promise as Promise<void> }, (so) => {
    if (so.includes("100\n")) first?.resolve();
    if (so.includes("102\n")) last?.resolve();
  });
  await first?.promise;
  truncateSync(path, 0);
  log.write(text(101, 102));
  await last?.promise;
  end?.resolve();
  expect(await following).toBe("100\n101\n102\n");
});

test("waits for a rotation that takes long without holding up anything else", async () => {
  const log = writer("json-file", { maxSize: 1000, maxFiles: 2 });
  log.write(text(1, 3));
  const rotating = openSync(`${path}.rotation`, "r");
  lock(rotating);
  const order: string[] = [];
  const reading = numbersOf("json-file").then((found) => order.push(`read ${found}`));
  await Bun.sleep(20);
  order.push("let go");
  closeSync(rotating);
  await reading;
  expect(order).toEqual(["let go", "read 1,2,3"]);
});
