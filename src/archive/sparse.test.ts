// Sparse files as GNU tar writes them, in each of its formats, read back whole.
import { expect, test } from "bun:test";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { TarReader } from "./reader.ts";
import { SparseData } from "./sparse.ts";

/** Data at many places: more than a header, and one continuing block, have room for. */
function makeHoles(path: string, pieces: number): void {
  const fd = openSync(path, "w");
  for (let piece = 0; piece < pieces; piece++)
    writeSync(fd, Buffer.from(`piece ${piece}`), 0, undefined, piece * 65536 + 4096);
  ftruncateSync(fd, pieces * 65536 + 100_000);
  closeSync(fd);
}

for (const [format, pieces] of [
  ["gnu", 3],
  ["gnu", 60],
  ["posix --sparse-version=0.1", 60],
  ["posix --sparse-version=1.0", 60],
  ["posix --sparse-version=1.0", 0],
] as const)
  test(`${pieces} pieces of data, format ${format}`, () => {
    const folder = mkdtempSync("/var/tmp/berth-test-sparse-");
    try {
      const file = join(folder, "holes");
      makeHoles(file, pieces);
      const { stdout, stderr } = Bun.spawnSync([
        ...["tar", "-C", folder, "--sparse", ...`--format=${format}`.split(" ")],
        ...["-c", "holes"],
      ]);
      expect(stderr.toString()).toBe("");
      expect(stdout.length).toBeLessThan(readFileSync(file).length);
      for (const step of [stdout.length, 700]) {
        const chunks: Buffer[] = [];
        const seen: [string, number][] = [];
        const reader = new TarReader({
          entry: ({ name, size }) => {
            seen.push([name, size]);
          },
          data: (chunk) => {
            chunks.push(Buffer.from(chunk));
          },
          end: () => {},
        });
        for (let at = 0; at < stdout.length; at += step) reader.push(stdout.subarray(at, at + step));
        reader.finish();
        const whole = readFileSync(file);
        expect(seen).toEqual([["holes", whole.length]]);
        expect(Buffer.concat(chunks).equals(whole)).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

test.each([
  ["more data than places", [{ offset: 0, length: 3 }], 10, "four"],
  ["less", [{ offset: 0, length: 5 }], 10, "four"],
])("%s", (_, segments, size, data) => {
  const feed = () => {
    const sparse = new SparseData(segments, size, () => {});
    sparse.push(Buffer.from(data));
    sparse.finish();
  };
  expect(feed).toThrow("malformed");
});

test.each([
  ["beyond the end", [{ offset: 8, length: 3 }]],
  [
    "backwards",
    [
      { offset: 4, length: 3 },
      { offset: 0, length: 2 },
    ],
  ],
  [
    "over each other",
    [
      { offset: 0, length: 5 },
      { offset: 4, length: 2 },
    ],
  ],
])("a map that goes %s", (_, segments) => {
  expect(() => new SparseData(segments, 10, () => {})).toThrow("malformed");
});
