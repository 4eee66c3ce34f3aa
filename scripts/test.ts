// Runs the tests: those beside the code in one process, each file under test/ in a process of its own, one for each
// processor side by side, and more while the processors rest (lanes.ts). Looks at the kernel before and after: a mount, device,
// namespace, rule or process that a test leaves behind fails the run. Ends with the line "N passed, N failed".
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Glob } from "bun";
import { inLanes, longestFirst } from "./lanes.ts";
import { leftovers, takeInventory } from "./leftovers.ts";

/**
 * JavaScriptCore's settings for thousands of processes that live for a moment (clients, daemons of one test): code is compiled
 * when it has run five thousand times, not five hundred, and no heap is made ready in advance. A quarter of their time.
 */
const BRIEF = { BUN_JSC_thresholdForJITAfterWarmUp: "5000", BUN_JSC_useWarmUpMarkedBlocks: "0" };

/** Milliseconds after which one test file's process is ended: the slowest takes about four minutes. */
const FILE_LIMIT = 900_000;

interface Outcome {
  name: string;
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
  /** Seconds of processor time, of the test's process and of what it started and awaited: daemons, not containers. */
  busy?: number;
  output: string;
}

const words = process.argv.slice(2);
const wanted = (path: string) => words.length === 0 || words.some((word) => path.includes(word));
const beside = [...new Glob("{src,scripts}/**/*.test.ts").scanSync(".")].filter(wanted).sort();
const kernel = [...new Glob("test/**/*.test.ts").scanSync(".")]
  .filter(wanted)
  .filter((f) => !f.startsWith("test/vm/"))
  .sort();
const folder = mkdtempSync(join(tmpdir(), "berth-test-run-"));

async function run(name: string, files: string[]): Promise<Outcome> {
  const report = join(folder, `${name.replaceAll("/", "_")}.xml`);
  const output = `${report}.log`;
  const began = performance.now();
  const child = Bun.spawn(
    [
      process.execPath,
      "test",
      "--timeout",
      "60000",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...files.map((f) => `./${f}`),
    ],
    // To a file: a process that a failed test left behind would hold a pipe open, and with it this run.
    {
      stdin: "ignore",
      stdout: Bun.file(output),
      stderr: Bun.file(`${output}.err`),
      env: { ...process.env, ...BRIEF, NO_COLOR: "1" },
    },
  );
  const limit = setTimeout(() => child.kill("SIGKILL"), FILE_LIMIT);
  const code = await child.exited;
  clearTimeout(limit);
  const counts = readReport(report);
  // A process that died without a report, or failed outside any test, counts as one failure.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  const busy = Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6;
  const text = (await Bun.file(output).text()) + (await Bun.file(`${output}.err`).text());
  return { name, ...counts, seconds: (performance.now() - began) / 1000, busy, output: text };
}

function readReport(path: string): { passed: number; failed: number; skipped: number } {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const head = /<testsuites[^>]*>/.exec(text)?.[0] ?? "";
  const number = (key: string) => Number(new RegExp(`\\b${key}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number("failures") + number("errors");
  return { passed: number("tests") - failed - number("skipped"), failed, skipped: number("skipped") };
}

function print(outcome: Outcome): void {
  const mark = outcome.failed > 0 ? "FAIL" : "ok  ";
  const skipped = outcome.skipped > 0 ? `, ${outcome.skipped} skipped` : "";
  const busy = outcome.busy === undefined ? "" : `, busy for ${outcome.busy.toFixed(1)} s`;
  console.log(
    `${mark} ${outcome.name}: ${outcome.passed} passed${skipped} (${outcome.seconds.toFixed(1)} s${busy})`,
  );
  if (outcome.failed > 0) console.log(outcome.output.replace(/^/gm, "     "));
  else for (const line of outcome.output.match(/^skipped: .*$/gm) ?? []) console.log(`     ${line}`);
}

const before = await takeInventory();
const outcomes: Outcome[] = [];
const finish = (outcome: Outcome) => {
  outcomes.push(outcome);
  print(outcome);
};

const work = longestFirst(kernel).map((file) => ({ name: file, files: [file] }));
if (beside.length > 0) work.unshift({ name: "beside the code", files: beside });
await inLanes(work, async ({ name, files }) => finish(await run(name, files)));
rmSync(folder, { recursive: true });

const left = await leftovers(before);
finish({
  name: "nothing is left behind",
  passed: left.length === 0 ? 1 : 0,
  failed: left.length === 0 ? 0 : 1,
  skipped: 0,
  seconds: 0,
  output: left.join("\n"),
});

const sum = (key: "passed" | "failed" | "skipped") => outcomes.reduce((total, o) => total + o[key], 0);
if (sum("skipped") > 0) console.log(`${sum("skipped")} skipped, for the reasons given above`);
console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
process.exit(sum("failed") > 0 ? 1 : 0);
