// A container's files as cp and export see them, the daemon's side: confined workers, each in a view of its own.
import { decompressed } from "./decompress-stream.ts";
import { type Exchange, exchangeWith, feed } from "./feed-worker.ts";
import { unpackBounds } from "./worker/bounds.ts";
import { WORKER_ENVIRONMENT, workerCommand, workerEnd } from "./worker/confine.ts";
import type { OutputCompression } from "./worker/output.ts";
import type { FoundPackages } from "./worker/packages/scan.ts";
import type { SendFilesOptions } from "./worker/send-files.ts";
import type { ExportTreeOptions, ExtractOptions, PathFacts } from "./worker/tree-jobs.ts";
import type { TreeView, ViewMount } from "./worker/view.ts";

export type { ExtractOptions, FoundPackages, OutputCompression, PathFacts, TreeView, ViewMount };

/** An archive that a worker makes as fast as it is read. */
export interface TreeArchive {
  /** Breaks off with the worker's error where it failed. Leaving it early ends the worker. */
  chunks: AsyncGenerator<Uint8Array>;
  /** Resolves when the worker touches nothing any more, though its last chunks may still be unread. */
  ended: Promise<void>;
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
  const { chunks, ended } = startArchive(
    "archive",
    command(view, "archive", path, options.name, options.compression),
    signal,
  );
  let line: Uint8Array = new Uint8Array();
  for (let end = -1; end < 0; end = line.indexOf(10)) {
    const { done, value } = await chunks.next();
    if (done || line.length > FACTS_LIMIT)
      throw new Error("the worker for an archive said nothing of its path");
    line = Buffer.concat([line, value]);
  }
  const end = line.indexOf(10);
  return {
    facts: JSON.parse(Buffer.from(line.subarray(0, end)).toString()) as PathFacts,
    chunks: before(line.subarray(end + 1), chunks),
    ended,
  };
}

/** The whole view as an archive. */
export const exportFromView = (
  view: TreeView,
  options: ExportTreeOptions = {},
  signal?: AbortSignal,
): TreeArchive => startArchive("export", command(view, "export", JSON.stringify(options)), signal);

/**
 * Sends the whole view by file sync. Errors: those of `input` and `output`; the worker's: unavailable when the receiver leaves,
 * "error from receiver: …".
 */
export async function sendFromView(
  view: TreeView,
  exchange: Exchange & { options: SendFilesOptions; signal: AbortSignal },
): Promise<void> {
  const worker = Bun.spawn(command(view, "send-tree", JSON.stringify(exchange.options)), {
    ...OPTIONS,
    stdio: ["pipe", "pipe", "pipe"],
  });
  await exchangeWith("send-tree", worker, exchange, exchange.signal);
}

/** sha256 of each file's content in hexadecimal digits, by its path as bytes in UTF-8. Errors: system. */
export async function fileDigestsInView(
  view: TreeView,
  signal: AbortSignal,
): Promise<{ path: string; digest: string }[]> {
  const lines = await linesOf("file-digests", view, signal);
  return lines.map((line) => ({ digest: line.slice(0, 64), path: line.slice(65) }));
}

/** Paths of all that is no folder. Errors: system. */
export const fileNamesInView = (view: TreeView, signal: AbortSignal): Promise<string[]> =>
  linesOf("file-names", view, signal);

async function linesOf(job: string, view: TreeView, signal: AbortSignal): Promise<string[]> {
  const { chunks } = startArchive(job, command(view, job), signal);
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString().split("\0").slice(0, -1);
}

/** What the files of the view say is installed. Errors: system. */
export async function packagesInView(view: TreeView, signal: AbortSignal): Promise<FoundPackages> {
  const worker = Bun.spawn(command(view, "scan-packages"), {
    ...OPTIONS,
    stdio: ["ignore", "ignore", "pipe"],
  });
  return await workerEnd<FoundPackages>("scan-packages", worker, worker.stderr.text(), signal);
}

async function* before(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first;
    yield* rest;
  } finally {
    await rest.return(undefined); // also when the reader left at the first piece
  }
}

function startArchive(job: string, args: string[], signal: AbortSignal | undefined): TreeArchive {
  const worker = Bun.spawn(args, { ...OPTIONS, stdio: ["ignore", "pipe", "pipe"] });
  const result = workerEnd<null>(job, worker, worker.stderr.text(), signal);
  result.catch(() => {}); // Told when the output has ended
  const reader = worker.stdout.getReader();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
      // An archive of a worker that failed must not look like a whole one.
      await result;
    } finally {
      worker.kill("SIGKILL");
      await worker.exited;
    }
  }
  return { chunks: chunks(), ended: worker.exited.then(() => {}) };
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
  await extractBy(command(view, "extract", path, ...extractArguments(options)), archive, signal);
}

/** Puts an archive into a folder of ours, in which nothing is mounted: the worker needs no view of it. Errors: as extractIntoView. */
export async function extractIntoFolder(
  folder: string,
  archive: AsyncIterable<Uint8Array>,
  options: ExtractOptions & { size?: number },
  signal?: AbortSignal,
): Promise<void> {
  await extractBy(workerCommand("extract", folder, "/", ...extractArguments(options)), archive, signal);
}

const extractArguments = ({ size, ...options }: ExtractOptions & { size?: number }): string[] => [
  JSON.stringify(options),
  String(unpackBounds(size).processorSeconds),
];

async function extractBy(
  command: string[],
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const worker = Bun.spawn(command, { ...OPTIONS, stdio: ["pipe", "ignore", "pipe"] });
  const result = workerEnd<null>("extract", worker, worker.stderr.text(), signal);
  const source = watched(archive);
  const fed = feed(worker, decompressed(source.chunks));
  fed.catch(() => {}); // A failure of its own is in source, or follows from the worker's
  try {
    // Not waiting for the feed: a worker that has ended has said all, and the sender may be silent for ever.
    const problem = await Promise.race([
      result.then(() => undefined),
      fed.then(
        () => result,
        (error) => error,
      ),
    ]);
    if (problem) throw problem;
  } catch (thrown) {
    worker.kill("SIGKILL");
    await worker.exited;
    // When the source failed that is the reason, and the worker's complaint of a truncated archive only follows from it.
    throw source.failure() ?? thrown;
  }
}

/**
 * A sender's bytes. What the worker doesn't take any more is read to nowhere, so that the sender comes to the point
 * where it reads our answer.
 */
function watched(archive: AsyncIterable<Uint8Array>): {
  chunks: AsyncGenerator<Uint8Array>;
  failure: () => unknown;
} {
  let failure: unknown;
  const iterator = archive[Symbol.asyncIterator]();
  const drain = async () => {
    while (!(await iterator.next()).done);
  };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let whole = false;
    try {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) {
          whole = true;
          return;
        }
        yield value;
      }
    } catch (thrown) {
      failure = thrown;
      throw thrown;
    } finally {
      if (!whole && failure === undefined) drain().catch(() => {}); // the sender left: nobody waits for this
    }
  }
  return { chunks: chunks(), failure: () => failure };
}
