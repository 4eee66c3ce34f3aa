// A worker's standard input: an archive as it comes, or one side of an exchange whose other side is its output.
import type { Subprocess } from "bun";
import { workerEnd } from "./worker/confine.ts";

export interface Exchange {
  /** What comes from the other end, cut anywhere. */
  input: AsyncIterable<Uint8Array>;
  /** Takes what goes to it; resolves when there may be more. */
  output: (chunk: Uint8Array) => Promise<void>;
}

/**
 * Writes as fast as the worker reads. A worker that ended early has said why in its report. One whose source fails is killed, but
 * for one that can tell by itself whether it has all (`tells`).
 */
export async function feed(
  worker: Subprocess<"pipe", "ignore" | "pipe", "pipe">,
  chunks: AsyncIterable<Uint8Array>,
  { tells = false }: { tells?: boolean } = {},
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (worker.exitCode !== null || worker.signalCode !== null) return;
      try {
        // Both can fail later than they return, when the worker ends meanwhile.
        await worker.stdin.write(chunk);
        await worker.stdin.flush();
      } catch {
        return;
      }
    }
  } catch (thrown) {
    if (!tells) worker.kill("SIGKILL");
    throw thrown;
  } finally {
    await Promise.resolve(worker.stdin.end()).catch(() => {});
  }
}

/** Until the worker has ended. Errors: those of `input` and `output`; the worker's. */
export async function exchangeWith<T>(
  job: string,
  worker: Subprocess<"pipe", "pipe", "pipe">,
  { input, output }: Exchange,
  signal: AbortSignal | undefined,
): Promise<T> {
  const result = workerEnd<T>(job, worker, worker.stderr.text(), signal);
  const source = watched(input);
  // Not awaited: an end that says nothing more must not hold up the other.
  feed(worker, source.chunks, { tells: true }).catch(() => {});
  const [ended, answered] = await Promise.allSettled([result, answer(worker, output)]);
  signal?.throwIfAborted();
  // The worker saw the other end's last word: how the call then ends says nothing more. Go's server resets a stream whose client
  // may still write, and with it perhaps the answer to that word.
  if (ended.status === "fulfilled") return ended.value;
  // A stream that failed is the reason, and the worker's complaint only follows from it.
  const failure = source.failure();
  if (failure) throw failure.reason;
  if (answered.status === "rejected") throw answered.reason;
  throw (ended as PromiseRejectedResult).reason;
}

/** What comes, and why it broke off. */
function watched(input: AsyncIterable<Uint8Array>) {
  let failure: { reason: unknown } | undefined;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* input;
    } catch (reason) {
      failure = { reason };
      throw reason;
    }
  }
  return { chunks: chunks(), failure: () => failure };
}

/** Hands the worker's packets on, as fast as they are taken. */
async function answer(
  worker: Subprocess<"pipe", "pipe", "pipe">,
  output: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  try {
    for await (const chunk of worker.stdout) await output(chunk);
  } catch (thrown) {
    worker.kill("SIGKILL");
    throw thrown;
  }
}
