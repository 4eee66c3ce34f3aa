// A client's side of a connection in the test's own hands: what is sent byte by byte, and what comes back as it comes.
import { connect, type Socket } from "node:net";

/** Milliseconds for an answer: real ones take some; the machine may be busy. */
const PATIENCE = 15_000;

export interface RawConnection extends Disposable {
  readonly socket: Socket;
  send(data: string | Uint8Array): void;
  /** Ends our side; the other goes on. */
  halfClose(): void;
  /** All that came so far. */
  received(): Buffer;
  /** Waits until what came satisfies `done`; fails with what came. */
  until(done: (received: Buffer) => boolean): Promise<Buffer>;
  /** Waits until the other side ends. */
  ended(): Promise<Buffer>;
}

export function openRaw(path: string): RawConnection {
  const socket = connect({ path, allowHalfOpen: true });
  let data = Buffer.alloc(0);
  let over = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  socket.on("data", (chunk: Buffer) => {
    data = Buffer.concat([data, chunk]);
    wake();
  });
  const end = () => {
    over = true;
    wake();
  };
  socket.on("end", end);
  socket.on("close", end);
  socket.on("error", end);
  const wait = (done: () => boolean, what: string): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => settle(new Error(`${what} in vain; got ${JSON.stringify(data.toString("latin1"))}`)),
        PATIENCE,
      );
      const settle = (error?: Error) => {
        clearTimeout(limit);
        waiting.delete(check);
        if (error) reject(error);
        else resolve(data);
      };
      const check = () => {
        if (done()) settle();
        else if (over)
          settle(new Error(`the connection ended; got ${JSON.stringify(data.toString("latin1"))}`));
      };
      waiting.add(check);
      check();
    });
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    halfClose: () => void socket.end(),
    received: () => data,
    until: (done) => wait(() => done(data), "waited for an answer"),
    ended: () => wait(() => over, "waited for the end"),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

export const UPGRADE = { Connection: "Upgrade", Upgrade: "tcp" };

/** The bytes of a request. */
export function requestBytes(
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): string {
  const text = body === undefined ? "" : JSON.stringify(body);
  const all = {
    Host: "d",
    ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    ...headers,
    "Content-Length": String(Buffer.byteLength(text)),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${text}`;
}

/** Head and rest of an answer. */
export function splitHead(answer: Buffer): { status: string; headers: Map<string, string>; rest: Buffer } {
  const end = answer.indexOf("\r\n\r\n");
  const [status = "", ...lines] = answer.subarray(0, end).toString("latin1").split("\r\n");
  const headers = new Map(lines.map((line) => line.split(/: (.*)/s) as [string, string]));
  return { status, headers, rest: answer.subarray(end + 4) };
}

/** Takes multiplexed streams apart; the last frame has to be whole. */
export function demultiplex(bytes: Buffer): { stream: number; text: string }[] {
  const frames: { stream: number; text: string }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    if (at + 8 + length > bytes.length) throw new Error("a frame is cut");
    frames.push({ stream: bytes[at] ?? -1, text: bytes.subarray(at + 8, at + 8 + length).toString() });
    at += 8 + length;
  }
  return frames;
}

/** What came on one of the streams. */
export const textOf = (bytes: Buffer, stream: 1 | 2): string =>
  demultiplex(bytes)
    .filter((frame) => frame.stream === stream)
    .map((frame) => frame.text)
    .join("");
