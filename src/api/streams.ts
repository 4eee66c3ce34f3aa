// Docker's streams: stdout and stderr in one connection, each piece behind a header of eight bytes, and connections that
// leave HTTP to carry a program's input and output.
// Source: the Engine API reference, "ContainerAttach", sections "Hijacking" and "Stream format".
import type { Duplex } from "node:stream";
import type { Attachment } from "../containers/types.ts";
import { drained } from "./exchange.ts";
import { type ApiVersion, has } from "./versions.ts";

export const RAW_STREAM = "application/vnd.docker.raw-stream";
export const MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream";

/** A terminal's bytes are raw; else the streams are framed, which older versions don't tell. */
export const contentTypeOf = (tty: boolean, version: ApiVersion): string =>
  !tty && has(version, "multiplexed-type") ? MULTIPLEXED_STREAM : RAW_STREAM;

const STREAM_NUMBER = { stdin: 0, stdout: 1, stderr: 2, system: 3 } as const;
export type StreamKind = keyof typeof STREAM_NUMBER;

/** Header (stream number, three zeros, length as big-endian 32 bits) and payload. */
export function frame(stream: StreamKind, payload: Uint8Array): Uint8Array {
  const framed = Buffer.allocUnsafe(8 + payload.length);
  framed.writeUInt32BE(STREAM_NUMBER[stream] * 0x1000000, 0);
  framed.writeUInt32BE(payload.length, 4);
  framed.set(payload, 8);
  return framed;
}

/** The head that a hijacked connection begins with: 101 for a client that asked to upgrade, else 200 and bare bytes. */
export function hijackHead(
  upgrade: boolean,
  contentType: string,
  headers: Record<string, string> = {},
): string {
  const lines = [
    upgrade ? "HTTP/1.1 101 UPGRADED" : "HTTP/1.1 200 OK",
    `Content-Type: ${upgrade ? contentType : RAW_STREAM}`,
    ...(upgrade ? ["Connection: Upgrade", "Upgrade: tcp"] : []),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/**
 * Joins a hijacked connection and an attachment until the output ends or the client goes. The client's half-close ends the
 * input and leaves the output open; the output's end half-closes our side. Each side is held back by the other:
 * the socket is paused while the program takes its input, the output is pulled only when the client took what was sent.
 */
export async function join(socket: Duplex, attachment: Attachment, signal: AbortSignal): Promise<void> {
  // Order of input is kept by one chain; the socket stays paused while the chain has work.
  let input: Promise<void> = Promise.resolve();
  const onData = (chunk: Buffer) => {
    socket.pause();
    input = input
      .then(() => attachment.write(chunk))
      .catch(() => undefined) // the program has ended: what a client still types is dropped
      .then(() => void (socket.destroyed || socket.resume()));
  };
  const onEnd = () => {
    input = input.then(() => attachment.closeStdin());
  };
  socket.on("data", onData);
  socket.on("end", onEnd);
  socket.resume();

  const output = attachment.output[Symbol.asyncIterator]();
  const left = new Promise<"left">((resolve) => {
    if (signal.aborted || socket.destroyed) resolve("left");
    signal.addEventListener("abort", () => resolve("left"), { once: true });
    socket.once("close", () => resolve("left"));
  });
  try {
    for (;;) {
      const next = await Promise.race([output.next(), left]);
      if (next === "left" || next.done) break;
      const { stream, data } = next.value;
      if (!socket.write(attachment.tty ? data : frame(stream, data)))
        if ((await Promise.race([drained(socket), left])) === "left") break;
    }
  } finally {
    socket.off("data", onData);
    socket.off("end", onEnd);
    // Ends the attachment's own side first: a generator that waits for output is told so by the disposal, not by return().
    await attachment[Symbol.asyncDispose]();
    if (!socket.destroyed) {
      socket.end();
      // A client that never closes its side would keep the connection for ever; what it sends now goes nowhere.
      socket.on("data", () => undefined);
      socket.resume();
    }
  }
}
