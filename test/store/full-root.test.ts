// The data root's lock on a disk that is full: a daemon has to come up there, since starting it is how a person makes room.
import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { openDataRoot } from "../../src/store/data-root.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

function command(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words, { stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

function fill(file: string): void {
  for (const size of [65_536, 4_096, 1])
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "ENOSPC" });
    }
}

test("a full disk takes nothing from the lock, which keeps the room that it has", () => {
  using folder = temporaryFolder();
  const image = join(folder.path, "disk.img");
  const root = join(folder.path, "root");
  mkdirSync(root);
  command("truncate", "--size=16M", image);
  command("mkfs.ext4", "-q", "-m", "0", image);
  command("mount", "-o", "loop", image, root);
  openDataRoot(root)[Symbol.dispose]();
  fill(join(root, "filler"));
  for (let start = 0; start < 30; start++) {
    openDataRoot(root)[Symbol.dispose]();
    // Whatever was given up for a moment, somebody else takes.
    fill(join(root, "filler"));
    expect(readFileSync(join(root, "lock"), "utf8")).toBe(`${process.pid}\n`);
  }
  // One that never got its text is locked all the same.
  truncateSync(join(root, "lock"));
  fill(join(root, "filler"));
  openDataRoot(root)[Symbol.dispose]();
});
