// gRPC services on a connection that left HTTP/1 (101 UPGRADED): the daemon's end of POST /grpc, a client's of POST /session.
import type { Duplex } from "node:stream";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type Answer, type FramedHandler, serveCalls } from "../calls/index.ts";

/** What a client has to be told of us at most: our messages are short, but for files, which have chunks of 32 KiB. */
const MESSAGE_LIMIT = 256 << 20;

/** Answers calls of what `routes` registers; those that nobody registered with UNIMPLEMENTED. */
export const answerBy = (routes: (router: ConnectRouter) => void): Answer =>
  connectNodeAdapter({
    routes,
    grpc: true,
    grpcWeb: false,
    connect: false,
    readMaxBytes: MESSAGE_LIMIT,
    writeMaxBytes: MESSAGE_LIMIT,
  });

/**
 * Serves what `routes` registers until the connection ends; resolves then.
 * @param framed calls that frame their messages themselves, by "/package.Service/Method"; they come before `routes`
 */
export const serveGrpc = (
  socket: Duplex,
  routes: (router: ConnectRouter) => void,
  framed: Readonly<Record<string, FramedHandler>> = {},
): Promise<void> => serveCalls(socket, answerBy(routes), framed);
