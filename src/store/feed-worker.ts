// A worker's standard input: an archive as it comes.
import type { Subprocess } from "bun";

/** Writes as fast as the worker reads. A worker that ended early has said why in its report. */
export async function feed(
  worker: Subprocess<"pipe", "ignore" | "pipe", "pipe">,
  chunks: AsyncIterable<Uint8Array>,
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
    worker.kill("SIGKILL");
    throw thrown;
  } finally {
    await Promise.resolve(worker.stdin.end()).catch(() => {});
  }
}
