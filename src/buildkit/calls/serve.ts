// HTTP/2 over a connection that left HTTP/1 (101 UPGRADED), the serving end.
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import { answerFramed, type FramedHandler } from "./framed.ts";
import { mendWindows } from "./stream-windows.ts";
import { WINDOW } from "./window.ts";

/**
 * Patterns of a file sync are a header each: Node's 128 of them, in 64 KiB, are too few for a Dockerfile's. gRPC for Go takes
 * 16 MiB.
 */
const HEADER_LIMIT = 1 << 16;
const HEADERS_LIMIT = 16 << 20;
/** Megabytes. With more of its answers unread, Node's 10 of them, a connection's further calls would be refused (ENHANCE_YOUR_CALM). */
const SESSION_MEMORY = 1 << 10;

export type Answer = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void;

/**
 * Serves calls until the connection ends; resolves then.
 * @param answer calls that are not among `framed`
 * @param framed calls that frame their messages themselves, by "/package.Service/Method"
 */
export function serveCalls(
  socket: Duplex,
  answer: Answer,
  framed: Readonly<Record<string, FramedHandler>> = {},
): Promise<void> {
  const server = http2.createServer(
    {
      settings: { initialWindowSize: WINDOW, maxHeaderListSize: HEADERS_LIMIT },
      maxHeaderListPairs: HEADER_LIMIT,
      maxSessionMemory: SESSION_MEMORY,
    },
    (request, response) => {
      const own = Object.hasOwn(framed, request.url) ? framed[request.url] : undefined;
      if (own) void answerFramed(request, response, own);
      else answer(request, response);
    },
  );
  const mended = mendWindows(socket, true);
  server.on("stream", (stream) => mended.watch(stream));
  server.on("session", (session) => {
    session.setLocalWindowSize?.(WINDOW);
    session.on("error", () => socket.destroy());
  });
  server.on("sessionError", () => socket.destroy());
  return new Promise((resolve) => {
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
    server.emit("connection", mended.socket);
  });
}
