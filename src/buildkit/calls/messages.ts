// Calls of encoded messages: one goes, one or many come.

import type { CallConnection } from "./connection.ts";
import { callFramed } from "./framed.ts";
import { CODE, GrpcError } from "./grpc-error.ts";

/** Bytes of a frame before its message: a flag, the length. */
const HEAD = 5;
/** As the daemon's own limit of a message. */
const MESSAGE_LIMIT = 256 << 20;

interface Options {
  signal?: AbortSignal;
}

/** The messages that answer one. Errors: GrpcError; the signal's reason. */
export async function* callMessages(
  connection: CallConnection,
  path: string,
  request: Uint8Array,
  { signal }: Options = {},
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const call = callFramed(connection, path);
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    await call.write(framed(request));
    call.end();
    yield* messagesOf(call.chunks);
    await call.status;
  } catch (thrown) {
    signal?.throwIfAborted();
    // Why the other end broke off is in its status.
    throw await call.status.then(
      () => thrown,
      (status) => status,
    );
  } finally {
    signal?.removeEventListener("abort", cancel);
    call.cancel();
  }
}

/** The one message that answers. Errors: as those of `callMessages`. */
export async function callOnce(
  connection: CallConnection,
  path: string,
  request: Uint8Array,
  options: Options = {},
): Promise<Uint8Array> {
  let answer: Uint8Array | undefined;
  for await (const message of callMessages(connection, path, request, options)) answer = message;
  if (!answer) throw new GrpcError(`${path} was answered with nothing`, CODE.unknown);
  return answer;
}

function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(HEAD + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, HEAD);
  return frame;
}

async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = held.length > 0 ? Buffer.concat([held, chunk]) : Buffer.from(chunk);
    while (held.length >= HEAD) {
      const length = held.readUInt32BE(1);
      if (held[0] !== 0 || length > MESSAGE_LIMIT)
        throw new GrpcError("received a message that is compressed, or too long", CODE.unknown);
      if (held.length < HEAD + length) break;
      yield held.subarray(HEAD, HEAD + length);
      held = held.subarray(HEAD + length);
    }
  }
  if (held.length > 0) throw new GrpcError("the answer ended in the middle of a message", CODE.unavailable);
}
