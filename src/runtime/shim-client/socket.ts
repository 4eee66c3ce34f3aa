// A connection to a shim, frames in and frames out: the daemon's counterpart of shim/connection.ts.
import { connect, type Socket } from "node:net";
import { close } from "../../linux/ffi.ts";
import { openFolder, shortPath } from "../../linux/socket.ts";
import { FRAME, FRAME_HEADER, type Hello, SOCKET_NAME, STREAM_CHUNK } from "../shim/protocol.ts";

/** A shim that accepts but says nothing hangs, and its container is lost: milliseconds, plenty for a host that swaps. */
const HELLO_LIMIT = 60_000;

export interface ShimSocket {
  readonly hello: Hello;
  /** Set by whoever uses the socket, before it gives the loop a turn. A stream's frame may come in pieces. */
  onFrame: (type: number, payload: Buffer) => void;
  readonly isClosed: boolean;
  /** Resolves when the connection is over, by whichever end. */
  readonly closed: Promise<void>;
  sendMessage(message: unknown): void;
  /** Resolves when the kernel took it. */
  send(type: number, payload: Uint8Array): Promise<void>;
  pause(): void;
  resume(): void;
  end(): void;
}

/** Connects to the shim of a folder and waits for its hello. */
export async function openShimSocket(dir: string): Promise<ShimSocket> {
  // A socket's address has room for 107 bytes, and an exec root may be deep.
  const folder = openFolder(dir);
  try {
    const socket = connect(shortPath(folder, SOCKET_NAME));
    const shim = new FramedSocket(socket);
    const limit = setTimeout(() => socket.destroy(new Error("the shim does not answer")), HELLO_LIMIT);
    try {
      await shim.greeted;
    } finally {
      clearTimeout(limit);
    }
    return shim;
  } finally {
    close(folder);
  }
}

class FramedSocket implements ShimSocket {
  onFrame: (type: number, payload: Buffer) => void = () => {};
  readonly greeted: Promise<void>;
  readonly closed: Promise<void>;
  isClosed = false;
  private said: Hello | undefined;
  /** A header or a message that is not whole yet. */
  private rest: Buffer = Buffer.alloc(0);
  /** Of a stream's frame: what is still to come. */
  private left = 0;
  private type = 0;

  constructor(private readonly socket: Socket) {
    const greeted = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    this.greeted = greeted.promise;
    this.closed = closed.promise;
    let cause: Error | undefined;
    socket.on("data", (chunk: Buffer) => {
      this.take(chunk);
      if (this.said) greeted.resolve();
    });
    socket.on("error", (error) => {
      cause = error;
    });
    socket.on("close", () => {
      this.isClosed = true;
      greeted.reject(cause ?? new Error("the shim closed the connection"));
      closed.resolve();
    });
  }

  get hello(): Hello {
    if (!this.said) throw new Error("the shim has not said hello");
    return this.said;
  }

  private take(chunk: Buffer): void {
    let buffer = chunk;
    if (this.left === 0 && this.rest.length > 0) buffer = Buffer.concat([this.rest, chunk]);
    while (buffer.length > 0) {
      if (this.left > 0) {
        // A stream's bytes are handed on as they come: putting frames together again would copy each of them.
        const piece = buffer.subarray(0, this.left);
        this.left -= piece.length;
        buffer = buffer.subarray(piece.length);
        this.onFrame(this.type, piece);
        continue;
      }
      if (buffer.length < FRAME_HEADER) break;
      const length = buffer.readUInt32LE(0);
      this.type = buffer[4] as number;
      if (this.type === FRAME.STDOUT || this.type === FRAME.STDERR) {
        this.left = length;
        buffer = buffer.subarray(FRAME_HEADER);
        continue;
      }
      const end = FRAME_HEADER + length;
      if (buffer.length < end) break;
      const payload = buffer.subarray(FRAME_HEADER, end);
      if (this.type === FRAME.HELLO) this.said = JSON.parse(payload.toString()) as Hello;
      else this.onFrame(this.type, payload);
      buffer = buffer.subarray(end);
    }
    this.rest = buffer;
  }

  sendMessage(message: unknown): void {
    const payload = Buffer.from(JSON.stringify(message));
    this.socket.write(Buffer.concat([header(FRAME.REQUEST, payload.length), payload]));
  }

  async send(type: number, payload: Uint8Array): Promise<void> {
    for (let at = 0; at === 0 || at < payload.length; at += STREAM_CHUNK) {
      const part = payload.subarray(at, at + STREAM_CHUNK);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.socket.write(Buffer.concat([header(type, part.length), part]), (error) =>
        error ? reject(error) : resolve(),
      );
      await promise;
    }
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.destroy();
  }
}

function header(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER);
  bytes.writeUInt32LE(length, 0);
  bytes[4] = type;
  return bytes;
}
