// The worker role: one job with strangers' bytes, away from the daemon. How it is confined is in confine.ts.
import { writeSync } from "node:fs";
import { limitProcess, offerToOomKiller } from "../../linux/limits.ts";
import { pack } from "./pack.ts";
import { errorReport, type Report } from "./report.ts";
import { unpack } from "./unpack.ts";

/**
 * Runs one job and exits: 0 when it reported success.
 *
 *   worker unpack ROOT STYLE SECONDS [BYTES]   standard input: a layer's archive; standard output: the report
 *   worker pack ROOT COMPRESSION               standard output: the archive; standard error: the report
 *
 * SECONDS of processor time and BYTES of a file are the most that this archive may take (bounds.ts).
 */
export async function runWorker(args: string[]): Promise<never> {
  const [job = "", ...rest] = args;
  let report: Report<unknown>;
  try {
    limit();
    report = { ok: await run(job, rest) };
  } catch (thrown) {
    report = errorReport(thrown);
  }
  say(job === "unpack" ? 1 : 2, `${JSON.stringify(report)}\n`);
  process.exit("ok" in report ? 0 : 1);
}

/**
 * Limits before the first strange byte. Not of memory's addresses: Bun reserves gigabytes of them that it never
 * uses. What an archive can make this process hold is bounded by the parser (pax.ts) and by the disk's inodes; and
 * when memory does run out, the kernel takes this process and not the daemon.
 */
function limit(): void {
  limitProcess("core", 0);
  limitProcess("openFiles", 64);
  offerToOomKiller(800);
}

async function run(job: string, [root = "", how = "", ...bounds]: string[]): Promise<unknown> {
  switch (job) {
    case "unpack":
      limitUnpacking(bounds.map(Number));
      return await unpack(root, how === "list" ? "list" : "overlay");
    case "pack":
      limitProcess("fileSize", 0); // Its archive goes into a pipe
      return await pack(root, how === "gzip" ? "gzip" : "none");
    default:
      throw new Error(`a worker has no job ${job}`);
  }
}

function limitUnpacking([seconds, bytes]: number[]): void {
  if (!seconds) throw new Error("a worker that unpacks needs a bound of its time");
  limitProcess("processorSeconds", seconds, seconds + 1);
  if (bytes) limitProcess("fileSize", bytes);
}

/** All of it, also into a pipe that takes a part at a time. */
function say(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
