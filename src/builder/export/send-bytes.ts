// A stream of bytes to one of a client's outputs: FileSend/DiffCopy with messages `{ bytes data = 1 }` (BuildKit,
// session/filesync/filesync.go: CopyFileWriter).
import { invalid } from "../../base/errors.ts";
import { CODE, callFramed, type FramedCall, GrpcError } from "../../buildkit/calls/index.ts";
import { encodeSendRequest, FILE_SEND_PATH } from "../../buildkit/file-sync/index.ts";
import type { Session } from "../session/sessions.ts";

/** Of one message. A client takes at least 4 MiB. */
const PIECE = 512 << 10;
const TAG_DATA = 0x0a;

export interface SendOptions {
  /** Which of the client's outputs. */
  number: number;
  /** Told to the client's output. */
  metadata: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** Bytes so far. */
  sent?: (bytes: number) => void;
}

/** The call, with nothing sent yet. Errors: invalid where the client has no such service. */
export function callFileSend(
  session: Session,
  { number, metadata, multiPlatform = false }: Omit<SendOptions, "signal"> & { multiPlatform?: boolean },
): FramedCall {
  if (!session.serves(FILE_SEND_PATH)) throw invalid(`method ${FILE_SEND_PATH} not supported by the client`);
  return callFramed(
    session.grpc,
    FILE_SEND_PATH,
    encodeSendRequest({ exporter: number, metadata, multiPlatform }),
  );
}

/** Resolves when the client has taken all of it, or has it already. Errors: the client's; those of `chunks`. */
export async function sendBytes(
  session: Session,
  chunks: AsyncIterable<Uint8Array>,
  options: SendOptions,
): Promise<void> {
  const call = callFileSend(session, options);
  const cancel = () => call.cancel();
  options.signal.addEventListener("abort", cancel, { once: true });
  let sent = 0;
  try {
    for await (const chunk of chunks)
      for (let at = 0; at < chunk.length; at += PIECE) {
        const piece = chunk.subarray(at, at + PIECE);
        await call.write(messageOf(piece));
        sent += piece.length;
        options.sent?.(sent);
      }
    call.end();
    await call.status;
  } catch (thrown) {
    options.signal.throwIfAborted();
    // A client that leaves says why in its status.
    const status = await endOf(call);
    if (status?.code === CODE.alreadyExists) return;
    throw status ?? thrown;
  } finally {
    options.signal.removeEventListener("abort", cancel);
    call.cancel();
  }
}

const PATIENCE = 1000;

/** What the client ended the call with, where that comes in a moment. */
export async function endOf({ status }: FramedCall): Promise<GrpcError | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), PATIENCE);
  try {
    return await Promise.race([
      status.then(
        () => undefined,
        (thrown) => GrpcError.from(thrown),
      ),
      late.promise,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** gRPC's frame (a flag, the length in four bytes) around the message. */
function messageOf(data: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = data.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  const head = 5 + 1 + length.length;
  const message = Buffer.allocUnsafe(head + data.length);
  message[0] = 0;
  message.writeUInt32BE(1 + length.length + data.length, 1);
  message[5] = TAG_DATA;
  message.set(length, 6);
  message.set(data, head);
  return message;
}
