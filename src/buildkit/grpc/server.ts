// gRPC services on a connection that left HTTP/1 (101 UPGRADED): the daemon's end of POST /grpc, a client's of POST /session.
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { WINDOW } from "./window.ts";

/** What a client has to be told of us at most: our messages are short, but for files, which have chunks of 32 KiB. */
const MESSAGE_LIMIT = 256 << 20;

/**
 * Serves what `routes` registers until the connection ends; resolves then. Calls that nobody registered are answered
 * with UNIMPLEMENTED.
 */
export function serveGrpc(socket: Duplex, routes: (router: ConnectRouter) => void): Promise<void> {
  const handler = connectNodeAdapter({
    routes,
    grpc: true,
    grpcWeb: false,
    connect: false,
    readMaxBytes: MESSAGE_LIMIT,
    writeMaxBytes: MESSAGE_LIMIT,
  });
  const server = http2.createServer({ settings: { initialWindowSize: WINDOW } }, handler);
  server.on("session", (session) => {
    session.setLocalWindowSize?.(WINDOW);
    session.on("error", () => socket.destroy());
  });
  server.on("sessionError", () => socket.destroy());
  return new Promise((resolve) => {
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
    server.emit("connection", socket);
  });
}
