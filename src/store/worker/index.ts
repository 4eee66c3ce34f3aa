// The worker role: one job with strangers' bytes, away from the daemon. How it is confined is in confine.ts.
import { writeSync } from "node:fs";
import { errorReport, type Report } from "./report.ts";
import { unpack } from "./unpack.ts";

/**
 * Runs one job and exits: 0 when it reported success.
 *
 *   worker unpack ROOT STYLE    standard input: a layer's archive; standard output: the report
 */
export async function runWorker(args: string[]): Promise<never> {
  const [job, ...rest] = args;
  let report: Report<unknown>;
  try {
    report = { ok: await run(job, rest) };
  } catch (thrown) {
    report = errorReport(thrown);
  }
  say(1, `${JSON.stringify(report)}\n`);
  process.exit("ok" in report ? 0 : 1);
}

async function run(job: string | undefined, args: string[]): Promise<unknown> {
  switch (job) {
    case "unpack":
      return await unpack(args[0] ?? "", args[1] === "list" ? "list" : "overlay");
    default:
      throw new Error(`a worker has no job ${job}`);
  }
}

/** All of it, also into a pipe that takes a part at a time. */
function say(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
