// The data root's disk is full: it opens, and the database goes on, since both have their room.
import { afterEach, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { openDataRoot } from "../../src/store/data-root.ts";
import { openDatabase } from "../../src/store/database.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

/** An ext4 of its own of so many megabytes. */
function smallDisk(megabytes: number): string {
  const folder = temporaryRoot();
  const [image, disk] = [join(folder, "disk.img"), join(folder, "disk")];
  mkdirSync(disk);
  for (const words of [
    ["truncate", `--size=${megabytes}M`, image],
    ["mkfs.ext4", "-q", "-m", "0", image],
    ["mount", "-o", "loop", image, disk],
  ]) {
    const { exitCode, stderr } = Bun.spawnSync(words, { stderr: "pipe" });
    if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  }
  return disk;
}

/** Takes all that is left. */
function fill(disk: string): void {
  for (let size = 1 << 20; size >= 512; )
    try {
      appendFileSync(join(disk, "filling"), Buffer.alloc(size));
    } catch {
      size >>= 1;
    }
  expect(statfsSync(disk).bavail).toBe(0);
}

/** Takes each block that comes free, as a container does that writes on. */
const GREED = `const { openSync, writeSync } = require("node:fs");
const fd = openSync(process.argv.at(-1), "a");
process.stdout.write("ready");
for (;;) try { writeSync(fd, "x".repeat(1024)); } catch {}`;

test("a data root opens while others take each block that comes free", async () => {
  const disk = smallDisk(16);
  const root = join(disk, "root");
  openDataRoot(root)[Symbol.dispose]();
  fill(disk);
  const greedy = Array.from({ length: 3 }, (_, i) =>
    Bun.spawn([process.execPath, "-e", GREED, join(disk, `greed${i}`)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    }),
  );
  try {
    for (const { stdout } of greedy) await stdout.getReader().read();
    // One that gave up its block for a moment lost it within a thousand.
    for (let i = 0; i < 1500; i++) openDataRoot(root)[Symbol.dispose]();
  } finally {
    for (const one of greedy) one.kill("SIGKILL");
    await Promise.all(greedy.map(({ exited }) => exited));
  }
}, 60_000);

test("a database goes on, after its log was written back and also by one who opens it then", () => {
  const disk = smallDisk(32);
  const path = join(disk, "database");
  const row = "x".repeat(3500);
  /** A transaction each: the log is written back many times. */
  const write = (count: number) => {
    for (let i = 0; i < count; i++)
      db.query("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)").run(`${i}`, row);
  };
  let db = openDatabase(path);
  write(500);
  db.close();
  db = openDatabase(path);
  write(500);
  fill(disk);
  // Larger than it was.
  write(575);
  db.close();
  fill(disk);
  db = openDatabase(path);
  for (let i = 0; i < 3; i++) write(575);
  expect(db.query("SELECT count(*) AS rows FROM facts").get()).toEqual({ rows: 575 });
  expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  db.close();
}, 60_000);
