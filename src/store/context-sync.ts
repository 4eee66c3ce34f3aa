// Receiving a client's folder, the daemon's side: a confined worker reads the client's packets and writes the files.
import type { Subprocess } from "bun";
import { feed } from "./feed-worker.ts";
import { WORKER_ENVIRONMENT, workerCommand, workerEnd } from "./worker/confine.ts";
import type { ReceivedContext } from "./worker/receive-context.ts";

export { readContextIndex } from "./context-state.ts";
export type { ReceivedContext };

export interface ContextTransfer {
  /** Where the files are, with those of earlier transfers; there already. One transfer at a time. */
  folder: string;
  /** A folder of its own, elsewhere, for what is known of them (context-state.ts); there already. */
  state: string;
  /** What comes from the client: gRPC's frames, cut anywhere. */
  input: AsyncIterable<Uint8Array>;
  /** Takes what goes to the client; resolves when there may be more. */
  output: (chunk: Uint8Array) => Promise<void>;
  signal?: AbortSignal;
}

/**
 * Receives what has changed since the last transfer into the same folder. Errors: those of `input` and `output`; the worker's: invalid
 * for what the client sends, unavailable when it leaves, "error from sender: …". After one, or a kill, the next transfer
 * goes on where this one was.
 */
export async function receiveContext(transfer: ContextTransfer): Promise<ReceivedContext> {
  const { folder, state, input, output, signal } = transfer;
  const worker = Bun.spawn(workerCommand("receive-context", folder, state), {
    cwd: "/",
    env: WORKER_ENVIRONMENT,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const result = workerEnd<ReceivedContext>("receive-context", worker, worker.stderr.text(), signal);
  const source = watched(input);
  // Not awaited: a client that says nothing more must not hold up the end.
  feed(worker, source.chunks).catch(() => {});
  const [received, answered] = await Promise.allSettled([result, answer(worker, output)]);
  signal?.throwIfAborted();
  // All came: how the client then ends the call (Go's server resets a stream whose client may still write) says nothing more.
  if (received.status === "fulfilled" && answered.status === "fulfilled") return received.value;
  // A stream that failed is the reason, and the worker's complaint only follows from it.
  const failure = source.failure();
  if (failure) throw failure.reason;
  if (answered.status === "rejected") throw answered.reason;
  throw (received as PromiseRejectedResult).reason;
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
