// The server's side of a WebSocket (RFC 6455) over a connection that asked for one: what `attach/ws` speaks. Output goes out in
// binary frames as Docker's does, bare, standard output and standard error alike; what comes in is input.
import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import type { Attachment } from "../containers/types.ts";
import { drained } from "./exchange.ts";

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;
/** A frame from a client beyond this is refused: input comes in pieces. */
const FRAME_LIMIT = 16 << 20;
/** A control frame's bytes at most (RFC 6455, 5.5). */
const CONTROL_LIMIT = 125;
const NORMAL = 1000;
const PROTOCOL_ERROR = 1002;
const TOO_BIG = 1009;

/** The key that a client offers; undefined for a request that asks for no WebSocket of version 13. */
export function websocketKey(headers: IncomingHttpHeaders): string | undefined {
  if (headers.upgrade?.toLowerCase() !== "websocket" || headers["sec-websocket-version"] !== "13")
    return undefined;
  return headers["sec-websocket-key"];
}

/** The head that a WebSocket begins with. */
export function websocketHead(key: string): string {
  const accept = createHash("sha1")
    .update(key + MAGIC)
    .digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** One frame as a server sends it: whole, not masked. */
export function websocketFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const header = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = 0x80 | opcode;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(payload, header);
  return frame;
}

/** Thrown for what no client may send; the code is the close frame's. */
class Violation extends Error {
  constructor(readonly code: number) {
    super(`WebSocket violation ${code}`);
  }
}

/** Takes a client's frames apart. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole now. Throws for what breaks the protocol. */
  read(chunk: Uint8Array): { opcode: number; payload: Buffer }[] {
    let buffer = Buffer.concat([this.rest, chunk]);
    const frames: { opcode: number; payload: Buffer }[] = [];
    while (buffer.length >= 2) {
      const second = buffer[1] as number;
      // A client masks all that it sends, and no extension was agreed on.
      if ((second & 0x80) === 0 || ((buffer[0] as number) & 0x70) !== 0) throw new Violation(PROTOCOL_ERROR);
      const short = second & 0x7f;
      const header = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + 4;
      if (buffer.length < header) break;
      const length =
        short === 126 ? buffer.readUInt16BE(2) : short === 127 ? Number(buffer.readBigUInt64BE(2)) : short;
      if (length > FRAME_LIMIT) throw new Violation(TOO_BIG);
      const isControl = ((buffer[0] as number) & 0x08) !== 0;
      if (isControl && length > CONTROL_LIMIT) throw new Violation(PROTOCOL_ERROR);
      if (buffer.length < header + length) break;
      const mask = buffer.subarray(header - 4, header);
      const payload = Buffer.from(buffer.subarray(header, header + length));
      for (let i = 0; i < length; i++) payload[i] = (payload[i] as number) ^ (mask[i & 3] as number);
      frames.push({ opcode: (buffer[0] as number) & 0x0f, payload });
      buffer = buffer.subarray(header + length);
    }
    this.rest = buffer;
    return frames;
  }
}

/** Joins a connection whose handshake was sent and an attachment, until the output ends or the client goes. */
export async function joinWebsocket(
  socket: Duplex,
  attachment: Attachment,
  signal: AbortSignal,
): Promise<void> {
  const left = Promise.withResolvers<"left">();
  const leave = () => left.resolve("left");
  const reader = new FrameReader();
  let closing = NORMAL;
  let input: Promise<void> = Promise.resolve();
  const take = async (frames: ReturnType<FrameReader["read"]>) => {
    for (const { opcode, payload } of frames) {
      if (opcode === OPCODE.CLOSE) leave();
      else if (opcode === OPCODE.PING) {
        // A client that doesn't read its answers gets no more of them, and is not read from meanwhile.
        if (!socket.write(websocketFrame(OPCODE.PONG, payload)))
          await Promise.race([drained(socket), left.promise]);
      } else if (opcode <= OPCODE.BINARY) await attachment.write(payload);
    }
  };
  const onData = (chunk: Buffer) => {
    let frames: ReturnType<FrameReader["read"]>;
    try {
      frames = reader.read(chunk);
    } catch (error) {
      closing = error instanceof Violation ? error.code : PROTOCOL_ERROR;
      leave();
      return;
    }
    // The socket waits while the program takes its input.
    socket.pause();
    input = input
      .then(() => take(frames))
      .catch(() => undefined) // the program has ended: what a client still sends is dropped
      .then(() => void (socket.destroyed || socket.resume()));
  };
  const onEnd = () => {
    input = input.then(() => attachment.closeStdin());
  };
  socket.on("data", onData);
  socket.on("end", onEnd);
  socket.once("close", leave);
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  socket.resume();
  const output = attachment.output[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([output.next(), left.promise]);
      if (next === "left" || next.done) break;
      if (!socket.write(websocketFrame(OPCODE.BINARY, next.value.data)))
        if ((await Promise.race([drained(socket), left.promise])) === "left") break;
    }
  } finally {
    socket.off("data", onData);
    socket.off("end", onEnd);
    await attachment[Symbol.asyncDispose]();
    if (!socket.destroyed) {
      const code = Buffer.alloc(2);
      code.writeUInt16BE(closing);
      socket.end(websocketFrame(OPCODE.CLOSE, code));
      socket.on("data", () => undefined);
      socket.resume();
    }
  }
}
