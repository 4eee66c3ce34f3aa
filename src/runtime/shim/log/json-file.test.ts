import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { fixedBuffer } from "../../../linux/raw-io.ts";
import { JsonFileSink, wholeJsonLines } from "./json-file.ts";
import { LINE_MAX, LineSplitter } from "./line-splitter.ts";
import { RotatingFile, type RotationOptions } from "./rotating-file.ts";

let folder: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-test-log-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Entry {
  log: string;
  stream: string;
  attrs?: Record<string, string>;
  time: string;
}

interface Options extends RotationOptions {
  attributes?: Record<string, string>;
}

const ONE_FILE: Options = { maxFiles: 1, compress: false };

function logged(chunks: (string | Uint8Array)[], options = ONE_FILE, end = true) {
  const path = join(folder, `${++files}.log`);
  const fail = (message: string) => {
    throw new Error(message);
  };
  const file = new RotatingFile(path, options, { start: () => false }, fail, wholeJsonLines);
  const log = new LineSplitter(new JsonFileSink(file, options.attributes));
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk);
    // Whatever stands behind a chunk in its buffer is not part of it.
    const room = fixedBuffer(bytes.length + 11);
    room.bytes.set(Buffer.concat([Buffer.from("\n?"), bytes, Buffer.from("behind\n\n")]));
    log.write(0, room, 2, 2 + bytes.length);
  }
  if (end) log.end(0);
  const read = (name: string): Entry[] =>
    readFileSync(name, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Entry);
  return { path, entries: read(path), read };
}

/** What dockerd's copier makes of a stream: daemon/logger/copier.go, told in another way. */
function expectedParts(text: string): string[] {
  const parts: string[] = [];
  const lines = text.split("\n");
  lines.forEach((line, i) => {
    let rest = line;
    while (rest.length >= LINE_MAX) {
      parts.push(rest.slice(0, LINE_MAX));
      rest = rest.slice(LINE_MAX);
    }
    if (i < lines.length - 1) parts.push(`${rest}\n`);
    else if (rest) parts.push(rest);
  });
  return parts;
}

describe("the log of a stream", () => {
  test.each([
    ["lines", ["a\nb\n"], ["a\n", "b\n"]],
    ["an empty line", ["\n\n"], ["\n", "\n"]],
    ["a line in pieces", ["he", "ll", "o\nworld\n"], ["hello\n", "world\n"]],
    ["no line feed at the end", ["a\nrest"], ["a\n", "rest"]],
    ["nothing", [], []],
  ])("%s", (_, chunks, expected) => {
    expect(logged(chunks).entries.map(({ log }) => log)).toEqual(expected);
  });

  test("a line is not logged before it is whole", () => {
    expect(logged(["half"], undefined, false).entries).toEqual([]);
  });

  test.each([LINE_MAX - 1, LINE_MAX, LINE_MAX + 1, 3 * LINE_MAX, 3 * LINE_MAX + 5])(
    "a line of %d bytes is cut where Docker cuts it, all parts with one time",
    (length) => {
      const text = `${"x".repeat(length)}\nnext\n`;
      const { entries } = logged([text.slice(0, 7), text.slice(7)]);
      expect(entries.map(({ log }) => log)).toEqual(expectedParts(text));
      const parts = entries.filter(({ log }) => log.startsWith("x") || log === "\n");
      if (length >= LINE_MAX) expect(new Set(parts.map(({ time }) => time)).size).toBe(1);
    },
  );

  test("however a stream is cut into chunks, its log is the same", () => {
    const line = fc.oneof(
      fc.string({ maxLength: 60 }).map((text) => text.replace(/[^ -~]/g, "")),
      fc.integer({ min: LINE_MAX - 2, max: LINE_MAX * 2 + 2 }).map((length) => "y".repeat(length)),
    );
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 5 }),
        fc.array(fc.nat({ max: 70_000 }), { maxLength: 6 }),
        (lines, cuts) => {
          const text = lines.join("\n");
          const places = [0, ...cuts.filter((cut) => cut < text.length), text.length].sort((a, b) => a - b);
          const chunks = places.slice(1).map((place, i) => text.slice(places[i], place));
          expect(logged(chunks).entries.map(({ log }) => log)).toEqual(expectedParts(text));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("fields stand in Docker's order, attributes sorted and escaped", () => {
    const { path } = logged(["x\n"], { ...ONE_FILE, attributes: { tag: "<t>", a: "1" } });
    expect(readFileSync(path, "utf8")).toMatch(
      /^\{"log":"x\\n","stream":"stdout","attrs":\{"a":"1","tag":"\\u003ct\\u003e"\},"time":"\d{4}-[^"]+Z"\}\n$/,
    );
  });
});

describe("rotation", () => {
  test("a file that has reached max-size is followed by a new one, and max-file are kept", () => {
    const lines = Array.from({ length: 40 }, (_, i) => `line ${String(i).padStart(3, "0")}\n`);
    const { path, read } = logged([lines.join("")], { maxSize: 400, maxFiles: 3, compress: false });
    const names = readdirSync(folder).filter((name) => join(folder, name).startsWith(path));
    expect(names.sort()).toEqual(
      ["", ".1", ".2", ".rotation"].map((suffix) => `${path.slice(folder.length + 1)}${suffix}`),
    );
    const kept = [`${path}.2`, `${path}.1`, path].flatMap(read).map(({ log }) => log);
    expect(kept).toEqual(lines.slice(-kept.length));
    // As dockerd: an entry goes in as long as the file is below the size, so it is over by less than one entry.
    const full = readFileSync(`${path}.1`).length;
    expect(full).toBeGreaterThanOrEqual(400);
    expect(full).toBeLessThan(400 + 100);
  });

  test("a max-file that no disk has room for costs nothing", () => {
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i}\n`);
    const { path, read } = logged([lines.join("")], { maxSize: 200, maxFiles: 1e12, compress: false });
    const names = readdirSync(folder).filter(
      (name) => /\.\d+$/.test(name) && join(folder, name).startsWith(`${path}.`),
    );
    expect(names.length).toBeGreaterThan(3);
    const kept = Array.from({ length: names.length }, (_, i) => read(`${path}.${names.length - i}`)).flat();
    expect([...kept, ...read(path)].map(({ log }) => log)).toEqual(lines);
  });

  test("with max-file 1 the one file begins again", () => {
    const { path, entries } = logged(
      Array.from({ length: 20 }, (_, i) => `${i}\n`),
      { maxSize: 200, maxFiles: 1, compress: false },
    );
    expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(path))).toHaveLength(2);
    expect(entries.at(-1)?.log).toBe("19\n");
    expect(entries.length).toBeLessThan(5);
  });
});
