import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readInRoot } from "./root-path.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "berth-root-"));
  mkdirSync(join(root, "etc"));
});
afterAll(() => rmSync(root, { recursive: true }));

test("reads a file, through links as if the folder were the root", () => {
  writeFileSync(join(root, "etc/own"), "text");
  symlinkSync("/../../etc/own", join(root, "etc/link"));
  expect(readInRoot(root, "/etc/own")).toBe("text");
  expect(readInRoot(root, "/etc/link")).toBe("text");
  expect(readInRoot(root, "/etc/none")).toBe("");
  expect(readInRoot(root, "/etc")).toBe("");
});

test("opens nothing but files: who writes into a pipe in a file's place waits on", async () => {
  const pipe = join(root, "etc/pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  const writer = Bun.spawn(["sh", "-c", 'echo x > "$1"', "sh", pipe], { stderr: "ignore" });
  await Bun.sleep(50);
  expect(readInRoot(root, "/etc/pipe")).toBe("");
  expect(await Promise.race([writer.exited, Bun.sleep(100)])).toBeUndefined();
  writer.kill();
  await writer.exited;
});
