// Archives that travel to the daemon as a request's body: a file, or what comes on standard input.
import { reason } from "./container-options/key-values.ts";
import { fail } from "./framework/failure.ts";

/** A file's content; it is not read into memory. */
export async function fileBody(path: string): Promise<ReadableStream<Uint8Array>> {
  const { open } = await import("node:fs/promises");
  try {
    const handle = await open(path);
    if ((await handle.stat()).isDirectory()) throw fail(`read ${path}: is a directory`);
    await handle.close();
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) throw fail(`open ${path}: ${reason(thrown)}`);
    throw thrown;
  }
  return Bun.file(path).stream();
}

export function standardInputBody(): ReadableStream<Uint8Array> {
  return Bun.stdin.stream();
}
