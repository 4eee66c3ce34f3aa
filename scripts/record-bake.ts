// Records what Docker's buildx makes of the bake files in src/cli/bake/cases: `bun scripts/record-bake.ts FOLDER COMMAND…`. FOLDER is
// a place that COMMAND (`docker`, or what leads to it) sees as its second word says: `HERE:THERE`, or the same for both.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Answer, argumentsOf, CASES } from "../src/cli/bake/bake.cases.ts";

const [folder = "", ...command] = process.argv.slice(2);
const [here = "", there = here] = folder.split(":");
if (!here || command.length === 0) throw new Error("usage: record-bake.ts FOLDER[:FOLDER] COMMAND…");

rmSync(here, { recursive: true, force: true });
cpSync("src/cli/bake/cases", here, { recursive: true });
mkdirSync(join(here, "tmp"));
writeFileSync(join(here, "tmp/a"), "");
const agent = createServer().listen(join(here, "tmp/agent.sock"));

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const answers: Record<string, Answer> = {};
for (const one of CASES) {
  const env = Object.entries({ SSH_AUTH_SOCK: "tmp/agent.sock", ...one.env }).map(
    ([key, value]) => `${key}=${value}`,
  );
  const words = ["env", ...env, "docker", "buildx", "bake", ...argumentsOf(one)];
  const script = `cd ${quoted(there)} && exec ${words.map(quoted).join(" ")}`;
  const child = Bun.spawn([...command, "sh", "-c", script], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  answers[one.name] = { code, stdout, error: code === 0 ? "" : (stderr.trimEnd().split("\n").at(-1) ?? "") };
}
agent.close();
writeFileSync("src/cli/bake/bake.recorded.json", `${JSON.stringify(answers, null, 1)}\n`);
