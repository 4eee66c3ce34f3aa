// gRPC services on a connection that left HTTP/1 (101 UPGRADED): the daemon's end of POST /grpc, a client's of POST /session.
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { answerFramed, type FramedHandler } from "./framed.ts";
import { mendWindows } from "./stream-windows.ts";
import { WINDOW } from "./window.ts";

/** What a client has to be told of us at most: our messages are short, but for files, which have chunks of 32 KiB. */
const MESSAGE_LIMIT = 256 << 20;

/**
 * Patterns of a file sync are a header each: Node's 128 of them, in 64 KiB, are too few for a Dockerfile's. gRPC for Go takes
 * 16 MiB.
 */
const HEADER_LIMIT = 1 << 16;
const HEADERS_LIMIT = 16 << 20;

/**
 * Serves what `routes` registers until the connection ends; resolves then. Calls that nobody registered are answered
 * with UNIMPLEMENTED.
 * @param framed calls that frame their messages themselves, by "/package.Service/Method"; they come before `routes`
 */
export function serveGrpc(
  socket: Duplex,
  routes: (router: ConnectRouter) => void,
  framed: Readonly<Record<string, FramedHandler>> = {},
): Promise<void> {
  const handler = connectNodeAdapter({
    routes,
    grpc: true,
    grpcWeb: false,
    connect: false,
    readMaxBytes: MESSAGE_LIMIT,
    writeMaxBytes: MESSAGE_LIMIT,
  });
  const server = http2.createServer(
    {
      settings: { initialWindowSize: WINDOW, maxHeaderListSize: HEADERS_LIMIT },
      maxHeaderListPairs: HEADER_LIMIT,
    },
    (request, response) => {
      const own = Object.hasOwn(framed, request.url) ? framed[request.url] : undefined;
      if (own) void answerFramed(request, response, own);
      else handler(request, response);
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
