// Tells from a client's list of files alone whether its folder is still what was received before. Most builds' is: so they do
// without a worker, whose start takes longer than all the rest of them.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { unavailable } from "../base/errors.ts";
import { type FileEntry, PacketDecoder, Receiver, type Sink } from "../buildkit/file-sync/index.ts";
import { bootId, type ContextHead, INDEX, JOURNAL, readContextIndex } from "./context-state.ts";

type Index = ContextHead & { entries: FileEntry[] };

export type Comparison =
  | { same: true; index: Index }
  /** What came so far; nothing was said to the client. */
  | { same: false; taken: Uint8Array[] };

/** Bytes of a list that are kept for a worker that is to see them, too: some 100,000 files. */
const KEPT = 8 << 20;

class Differs extends Error {}

const differs = (): never => {
  throw new Differs("the folder is to be changed");
};

/** Changes nothing: the first thing to be made ends the comparison. */
const untouched: Sink = {
  begin: differs,
  directory: differs,
  symlink: differs,
  node: differs,
  hardLink: differs,
  open: differs,
  remove: differs,
};

/**
 * Takes a client's packets as long as they say nothing new. A client that is found the same has had its confirmation and given
 * its own. Errors: those of `input` and `output`; the signal's reason; unavailable when the client leaves after it was told that all is here.
 */
export async function compareWithIndex(
  state: string,
  input: AsyncIterator<Uint8Array>,
  output: (chunk: Uint8Array) => Promise<void>,
  signal?: AbortSignal,
): Promise<Comparison> {
  const taken: Uint8Array[] = [];
  const index = wholeIndex(state);
  if (!index) return { same: false, taken };
  const receiver = new Receiver(index.entries, untouched);
  const decoder = new PacketDecoder();
  let bytes = 0;
  let told = false;
  const left = Promise.withResolvers<never>();
  left.promise.catch(() => {});
  const leave = () => left.reject(signal?.reason);
  signal?.addEventListener("abort", leave, { once: true });
  using _ = { [Symbol.dispose]: () => signal?.removeEventListener("abort", leave) };
  while (!receiver.done) {
    signal?.throwIfAborted();
    const { done, value } = await Promise.race([input.next(), left.promise]);
    if (done && told) throw unavailable("the client left before its files were transferred");
    if (done) return { same: false, taken };
    if (!told) taken.push(value);
    bytes += value.length;
    try {
      if (!told && bytes > KEPT) differs();
      decoder.push(value, (packet) => receiver.take(packet));
    } catch (thrown) {
      // Also what makes no sense: the worker has the words for it.
      if (!told) return { same: false, taken };
      throw thrown;
    }
    if (receiver.encoder.length === 0) continue;
    told = true;
    taken.length = 0;
    await output(receiver.encoder.take());
  }
  return { same: true, index };
}

/** Undefined where a worker has to look at the folder first. */
function wholeIndex(state: string): Index | undefined {
  if (!existsSync(join(state, INDEX)) || existsSync(join(state, JOURNAL))) return undefined;
  const index = readContextIndex(state);
  return index.boot === bootId() && index.digest !== "" ? index : undefined;
}
