// The README's example of the library, run as it stands there from a program that has Berth as a dependency.
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { connect } from "berth";
import { startDaemon } from "../fixtures/daemon.ts";

const ROOT = resolve(import.meta.dir, "../..");

test("the library's example lists the containers", async () => {
  const [, example = ""] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? [];
  expect(example).toContain("connect()");
  await using daemon = await startDaemon();
  const box = connect({ host: daemon.host }).container("busybox");
  await using _running = await box.name("from-readme").command("sleep", "60").start();
  const folder = mkdtempSync(join(tmpdir(), "berth-readme-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/berth"));
    // The one thing that a test can't leave as it is: the machine's own socket.
    writeFileSync(
      join(folder, "example.ts"),
      example.replace("connect()", `connect(${JSON.stringify({ host: daemon.host })})`),
    );
    const run = Bun.spawnSync([process.execPath, "example.ts"], { cwd: folder });
    expect(run.stderr.toString()).toBe("");
    expect(run.stdout.toString()).toBe('[ "/from-readme" ] running\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
