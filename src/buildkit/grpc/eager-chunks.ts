// What comes on an HTTP/2 stream, taken as it comes. Bun destroys a stream at its end with what nobody has read yet, and
// the stream's own iterator begins to read with its first `next`: an answer that comes in one piece would be lost.
import type http2 from "node:http2";

/** Bytes unread above which the stream is paused. */
const HIGH_WATER = 1 << 20;

/** Reads from now on. Throws the stream's error once its chunks are taken; leaving early destroys it. */
export function eagerChunks(stream: http2.ClientHttp2Stream): AsyncIterableIterator<Uint8Array> {
  const queue: Uint8Array[] = [];
  let queued = 0;
  let ended = false;
  let failure: Error | undefined;
  let wake = () => {};
  stream.on("data", (chunk: Uint8Array) => {
    queue.push(chunk);
    queued += chunk.length;
    if (queued > HIGH_WATER) stream.pause();
    wake();
  });
  stream.on("end", () => {
    ended = true;
    wake();
  });
  stream.on("error", (error: Error) => {
    failure = error;
    wake();
  });
  stream.on("close", () => {
    if (!ended) failure ??= new Error("the call was broken off");
    ended = true;
    wake();
  });
  const iterator: AsyncIterableIterator<Uint8Array> = {
    async next() {
      while (queue.length === 0) {
        if (failure) throw failure;
        if (ended) return { done: true, value: undefined };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const value = queue.shift() as Uint8Array;
      queued -= value.length;
      if (stream.isPaused() && queued < HIGH_WATER / 2) stream.resume();
      return { done: false, value };
    },
    async return() {
      stream.destroy();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
