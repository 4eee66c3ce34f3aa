// Packing, the daemon's side: a confined worker whose output is the archive.
import { WORKER_ENVIRONMENT, workerEnd } from "./worker/confine.ts";
export interface Packing<T> {
  /** The archive; the worker goes on as fast as it is read. Cancelling it ends the worker. */
  output: ReadableStream<Uint8Array>;
  /** Resolves after all of the output was read. Errors: what the worker met. */
  result: Promise<T>;
}

/** Runs a worker that writes archives to files, reading another where there is one, and its report to standard error. */
export async function packIntoFiles<T>(
  job: string,
  command: string[],
  files: { input?: number; outputs: readonly number[] },
  signal: AbortSignal | undefined,
): Promise<T> {
  const worker = Bun.spawn(command, {
    cwd: "/",
    env: WORKER_ENVIRONMENT,
    stdio: [files.input ?? "ignore", "ignore", "pipe", ...files.outputs],
  });
  return await workerEnd<T>(job, worker, worker.stderr.text(), signal);
}

/** Starts a worker that writes an archive to its standard output and its report to standard error. */
export function packFrom<T>(job: string, command: string[], signal: AbortSignal | undefined): Packing<T> {
  const worker = Bun.spawn(command, {
    cwd: "/",
    env: WORKER_ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const result = workerEnd<T>(job, worker, worker.stderr.text(), signal);
  result.catch(() => {}); // Told to whoever awaits it
  const reader = worker.stdout.getReader();
  const output = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (!done) {
          controller.enqueue(value);
          return;
        }
        // An archive of a worker that failed must not look like a whole one.
        await result;
        controller.close();
      },
      cancel() {
        worker.kill("SIGKILL");
      },
    },
    { highWaterMark: 0 },
  );
  return { output, result };
}
