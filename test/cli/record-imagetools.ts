// Records what Docker's buildx answers to the command lines of imagetools-cases.ts: `bun test/cli/record-imagetools.ts COMMAND…`,
// COMMAND being `docker`, or what leads to it; it has to reach this host's 127.0.0.1.
import { writeFileSync } from "node:fs";
import { startRegistry } from "../fixtures/registry.ts";
import { type Answer, CASES, comparable, fill, PUSHES, withRegistry } from "./imagetools-cases.ts";

const command = process.argv.slice(2);
if (command.length === 0) throw new Error("usage: record-imagetools.ts COMMAND…");
await using registry = await startRegistry();
await fill(registry);

async function ask(words: string[]): Promise<Answer> {
  const line = [...command, "buildx", "imagetools", ...withRegistry(words, registry.host)];
  const child = Bun.spawn(line, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return comparable({ code, stdout, stderr }, registry.host);
}

const answers: Record<string, Answer> = {};
for (const words of CASES) answers[words.join(" ")] = await ask(words);
for (const { words, result } of PUSHES) {
  answers[`create ${words.join(" ")}`] = await ask(["create", "--progress=plain", ...words]);
  answers[`inspect ${result} after ${words.join(" ")}`] = await ask(["inspect", "--raw", result]);
}
writeFileSync("test/cli/imagetools.recorded.json", `${JSON.stringify(answers, null, 1)}\n`);
