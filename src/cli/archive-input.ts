// Archives that travel to the daemon as a request's body: a file, or what comes on standard input.
import type { FileHandle } from "node:fs/promises";
import { reason } from "./container-options/key-values.ts";
import { fail } from "./framework/failure.ts";

/** A file's content; it is not read into memory. */
export async function fileBody(path: string): Promise<ReadableStream<Uint8Array>> {
  const { open } = await import("node:fs/promises");
  try {
    const handle = await open(path);
    const found = await handle.stat();
    if (found.isDirectory()) throw fail(`read ${path}: is a directory`);
    // Bun's fetch sends regular files only: of a device it says that it lacks the permission.
    if (!found.isFile()) return bytesFrom(handle);
    await handle.close();
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) throw fail(`open ${path}: ${reason(thrown)}`);
    throw thrown;
  }
  return Bun.file(path).stream();
}

/** All that a pipe or a device gives, from the open handle: a pipe can't be opened twice. */
function bytesFrom(handle: FileHandle): ReadableStream<Uint8Array> {
  const chunks = handle.createReadStream()[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

export function standardInputBody(): ReadableStream<Uint8Array> {
  return Bun.stdin.stream();
}
