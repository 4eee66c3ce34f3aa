// A container's files as cp and export see them, the daemon's side: confined workers, each in a view of its own.
import { feed } from "./feed-worker.ts";
import { unpackBounds } from "./worker/bounds.ts";
import { WORKER_ENVIRONMENT, workerCommand, workerEnd } from "./worker/confine.ts";
import type { OutputCompression } from "./worker/output.ts";
import type { ExtractOptions, PathFacts } from "./worker/tree-jobs.ts";
import type { TreeView, ViewMount } from "./worker/view.ts";

export type { ExtractOptions, OutputCompression, PathFacts, TreeView, ViewMount };

/** An archive that a worker makes as fast as it is read. */
export interface TreeArchive {
  /** Breaks off with the worker's error where it failed. Leaving it early ends the worker. */
  chunks: AsyncGenerator<Uint8Array>;
}

const OPTIONS = { cwd: "/", env: WORKER_ENVIRONMENT } as const;
/** The line of facts before an archive is short: a link's target is the longest of it. */
const FACTS_LIMIT = 64 << 10;

const command = (view: TreeView, job: string, ...args: string[]): string[] =>
  workerCommand("view", JSON.stringify(view), job, ...args);

/** Errors: KernelError's words, "lstat PATH: no such file or directory". */
export async function statInView(view: TreeView, path: string, signal?: AbortSignal): Promise<PathFacts> {
  const worker = Bun.spawn(command(view, "stat", path), { ...OPTIONS, stdio: ["ignore", "ignore", "pipe"] });
  return await workerEnd<PathFacts>("stat", worker, worker.stderr.text(), signal);
}

/** A path as an archive whose entries begin with `name`; resolves when it is known what the path is. Errors as statInView. */
export async function archiveFromView(
  view: TreeView,
  path: string,
  options: { name: string; compression: OutputCompression },
  signal?: AbortSignal,
): Promise<TreeArchive & { facts: PathFacts }> {
  const job = startArchive(
    "archive",
    command(view, "archive", path, options.name, options.compression),
    signal,
  );
  let line: Uint8Array = new Uint8Array();
  for (let end = -1; end < 0; end = line.indexOf(10)) {
    const { done, value } = await job.next();
    if (done || line.length > FACTS_LIMIT)
      throw new Error("the worker for an archive said nothing of its path");
    line = Buffer.concat([line, value]);
  }
  const end = line.indexOf(10);
  const rest = line.subarray(end + 1);
  return {
    facts: JSON.parse(Buffer.from(line.subarray(0, end)).toString()) as PathFacts,
    chunks: before(rest, job),
  };
}

/** The whole view as an archive. */
export const exportFromView = (view: TreeView, signal?: AbortSignal): TreeArchive => ({
  chunks: startArchive("export", command(view, "export"), signal),
});

async function* before(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first;
    yield* rest;
  } finally {
    await rest.return(undefined); // also when the reader left at the first piece
  }
}

async function* startArchive(
  job: string,
  args: string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const worker = Bun.spawn(args, { ...OPTIONS, stdio: ["ignore", "pipe", "pipe"] });
  const result = workerEnd<null>(job, worker, worker.stderr.text(), signal);
  result.catch(() => {}); // Told when the output has ended
  const reader = worker.stdout.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    // An archive of a worker that failed must not look like a whole one.
    await result;
  } finally {
    worker.kill("SIGKILL");
    await worker.exited;
  }
}

/**
 * Puts an archive into a folder of the view. Errors: the worker's. What was written before one stays.
 * `archive`: chunks as they come, plain or compressed; `size` where the sender said it.
 */
export async function extractIntoView(
  view: TreeView,
  path: string,
  archive: AsyncIterable<Uint8Array>,
  options: ExtractOptions & { size?: number },
  signal?: AbortSignal,
): Promise<void> {
  const { size, ...rest } = options;
  const { processorSeconds } = unpackBounds(size);
  const worker = Bun.spawn(command(view, "extract", path, JSON.stringify(rest), String(processorSeconds)), {
    ...OPTIONS,
    stdio: ["pipe", "ignore", "pipe"],
  });
  const result = workerEnd<null>("extract", worker, worker.stderr.text(), signal);
  const [fed, extracted] = await Promise.allSettled([feed(worker, archive), result]);
  // When the source failed that is the reason, and the worker's complaint of a truncated archive only follows from it.
  if (fed.status === "rejected") throw fed.reason;
  if (extracted.status === "rejected") throw extracted.reason;
}
