import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, argumentsOf, CASES } from "./bake.cases.ts";
import recorded from "./bake.recorded.json";

const BERTH = process.env.BERTH_BINARY
  ? [process.env.BERTH_BINARY]
  : [process.execPath, join(import.meta.dir, "../../main.ts")];
const answers = recorded as Record<string, Answer>;

let folder: string;
let agent: ReturnType<typeof createServer>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-bake-"));
  cpSync(join(import.meta.dir, "cases"), folder, { recursive: true });
  mkdirSync(join(folder, "tmp"));
  writeFileSync(join(folder, "tmp/a"), "");
  agent = createServer().listen(join(folder, "tmp/agent.sock"));
});
afterAll(() => {
  agent.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each(CASES)(
  "bake: $name",
  async (one) => {
    const child = Bun.spawn([...BERTH, "buildx", "bake", ...argumentsOf(one)], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: "/root", SSH_AUTH_SOCK: "tmp/agent.sock", ...one.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    const expected = answers[one.name];
    const error = code === 0 ? "" : stderr.trimEnd().split("\n").at(-1);
    expect({ code, stdout, error }).toEqual(expected as never);
  },
  20_000,
);
