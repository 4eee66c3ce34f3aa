// Receiving a client's folder, the daemon's side. Where it is what it was, its list of files says so; else a confined worker reads
// the client's packets from the first on, and writes the files.
import { compareWithIndex } from "./context-compare.ts";
import { exchangeWith } from "./feed-worker.ts";
import { WORKER_ENVIRONMENT, workerCommand } from "./worker/confine.ts";
import type { ReceivedContext } from "./worker/receive-context.ts";

export { contextSize, readContextIndex } from "./context-state.ts";
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
  const { folder, state, output, signal } = transfer;
  const input = transfer.input[Symbol.asyncIterator]();
  const comparison = await compareWithIndex(state, input, output, signal);
  if (comparison.same) {
    const { digest, entries } = comparison.index;
    return { files: entries.length, bytes: 0, changed: 0, removed: 0, digest };
  }
  const worker = Bun.spawn(workerCommand("receive-context", folder, state), {
    cwd: "/",
    env: WORKER_ENVIRONMENT,
    stdio: ["pipe", "pipe", "pipe"],
  });
  return await exchangeWith<ReceivedContext>(
    "receive-context",
    worker,
    { input: onwards(comparison.taken, input), output },
    signal,
  );
}

/** What was taken already, then the rest. */
async function* onwards(
  taken: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* taken;
  yield* { [Symbol.asyncIterator]: () => rest };
}
