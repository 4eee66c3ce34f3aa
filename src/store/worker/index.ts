// The worker role: one job with strangers' bytes, away from the daemon. How it is confined is in confine.ts.
import { writeSync } from "node:fs";
import { limitProcess, offerToOomKiller } from "../../linux/limits.ts";
import { openTrees } from "./changes.ts";
import type { InnerJob } from "./confine.ts";
import { applyActions } from "./files/apply-actions.ts";
import { digestPaths } from "./files/digest-paths.ts";
import { listChanges } from "./list-changes.ts";
import { mountAsked } from "./mount-asked.ts";
import type { OutputCompression } from "./output.ts";
import { packChanges, packLayers } from "./pack-changes.ts";
import { scanPackages } from "./packages/scan.ts";
import { receiveContext } from "./receive-context.ts";
import { recompress } from "./recompress.ts";
import { errorReport, type Report } from "./report.ts";
import { digestFiles, listFiles, sendFiles } from "./send-files.ts";
import { archivePath, exportTree, extractInto, statTree } from "./tree-jobs.ts";
import { unpack } from "./unpack.ts";
import { enterView } from "./view.ts";

/** Trees are walked with a descriptor for each folder on the way; deeper ones are refused (EMFILE). */
const DEEP = 4096;

/**
 * Runs one job and exits: 0 when it reported success.
 *
 *   worker unpack ROOT STYLE SECONDS [BYTES]   standard input: a layer's archive; standard output: the report
 *   worker view VIEW JOB …                     becomes `worker JOB ROOT …` in a view (JSON) of a container's files:
 *     stat ROOT PATH
 *     archive ROOT PATH NAME COMPRESSION       standard output: a line of facts, then the archive
 *     export ROOT OPTIONS                      standard output: the archive
 *     send-tree ROOT OPTIONS                   standard input: file sync's packets from a client; standard output: those to it
 *     file-digests ROOT                        standard output: a digest, a path and a NUL for each file
 *     file-names ROOT                          standard output: a path and a NUL for all that is no folder
 *     scan-packages ROOT                       the report has what is installed
 *     extract ROOT PATH OPTIONS SECONDS        standard input: an archive
 *   worker changes ROOT STYLE                  standard output: a letter, a path and a NUL for each; standard error: the report
 *   worker pack-changes ROOT STYLE             standard output: a layer's archive, with gzip; standard error: the report
 *   worker pack-layer ROOT STYLE COMPRESSION [LATEST]  the same of a finished layer, compressed as asked (JSON)
 *   worker recompress COMPRESSION              standard input: a layer's archive; standard output: it, compressed otherwise;
 *                                              standard error: the report
 *   worker receive-context ROOT STATE          standard input: file sync's packets from a client; standard output: those to
 *                                              it; standard error: the report
 *
 *   worker mount                               standard input: a mount(2) (JSON); standard error: the report; not confined
 *   worker file-actions                        standard input: actions; 3 and on: trees; standard error: the report
 *   worker digest-paths                        standard input: selectors; 3: a tree; standard error: the report
 *
 * SECONDS of processor time and BYTES of a file are the most that this archive may take (bounds.ts).
 */
export async function runWorker(args: string[]): Promise<never> {
  const [job = "", ...rest] = args;
  let report: Report<unknown>;
  try {
    limit(job);
    report = { ok: (await run(job, rest)) ?? null };
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
function limit(job: string): void {
  limitProcess("core", 0);
  limitProcess("openFiles", job === "unpack" ? 64 : DEEP);
  offerToOomKiller(800);
}

async function run(job: string, [root = "", how = "", ...bounds]: string[]): Promise<unknown> {
  switch (job) {
    case "unpack":
      limitUnpacking(bounds.map(Number));
      return await unpack(root, how === "list" ? "list" : "overlay");
    case "changes":
    case "pack-changes": {
      limitProcess("fileSize", 0);
      const trees = openTrees(root, how === "copy" ? "copy" : "overlay");
      return job === "changes" ? listChanges(trees) : await packChanges(trees);
    }
    case "pack-layers":
      return await packLayers(root, JSON.parse(how));
    case "recompress":
      return await recompress(JSON.parse(root));
    case "receive-context":
      return receiveContext(root, how);
    case "mount":
      return mountAsked();
    case "file-actions":
      return await applyActions();
    case "digest-paths":
      limitProcess("fileSize", 0);
      return digestPaths();
    case "view":
      return enterView(JSON.parse(root), how as InnerJob, bounds);
    case "stat":
      return statTree(root, how);
    case "archive":
      limitProcess("fileSize", 0);
      return await archivePath(root, how, bounds[0] ?? "", (bounds[1] ?? "none") as OutputCompression);
    case "export":
      limitProcess("fileSize", 0);
      return await exportTree(root, JSON.parse(how));
    case "send-tree":
      limitProcess("fileSize", 0);
      return await sendFiles(root, JSON.parse(how));
    case "file-digests":
      limitProcess("fileSize", 0);
      return digestFiles(root);
    case "file-names":
      limitProcess("fileSize", 0);
      return listFiles(root);
    case "scan-packages":
      limitProcess("fileSize", 0);
      return scanPackages(root);
    case "extract":
      limitUnpacking([Number(bounds[1])]);
      return await extractInto(root, how, JSON.parse(bounds[0] ?? "{}"));
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
