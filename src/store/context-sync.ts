// Receiving a client's folder, the daemon's side: a confined worker reads the client's packets and writes the files.
import { exchangeWith } from "./feed-worker.ts";
import { WORKER_ENVIRONMENT, workerCommand } from "./worker/confine.ts";
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
  return await exchangeWith<ReceivedContext>("receive-context", worker, { input, output }, signal);
}
