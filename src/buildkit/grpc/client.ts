// gRPC calls over a connection that left HTTP/1: the daemon's to a client's session, a client's to the daemon's builder.
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { eagerChunks } from "./eager-chunks.ts";
import { mendWindows } from "./stream-windows.ts";
import { WINDOW } from "./window.ts";

export interface GrpcConnection {
  /** For the generated services' clients. */
  readonly transport: Transport;
  /** A call whose messages the caller frames itself (gRPC over HTTP/2, "Length-Prefixed-Message"). */
  call(path: string, headers?: Record<string, string | string[]>): http2.ClientHttp2Stream;
  /** Resolves when the connection has ended, by whom ever. */
  readonly closed: Promise<void>;
  close(): void;
}

const AUTHORITY = "http://localhost";

/** The connection's other end serves gRPC. Nothing is sent before the first call but HTTP/2's own greeting. */
export function openGrpc(socket: Duplex): GrpcConnection {
  const mended = mendWindows(socket, false);
  const session = http2.connect(AUTHORITY, {
    createConnection: () => mended.socket,
    settings: { initialWindowSize: WINDOW, enablePush: false },
  });
  session.setLocalWindowSize?.(WINDOW);
  session.on("error", () => {}); // Each call under way gets it, and `closed`
  const closed = new Promise<void>((resolve) => {
    session.on("close", () => resolve());
    socket.on("close", () => resolve());
  });
  const request = (headers: http2.OutgoingHttpHeaders, options?: http2.ClientSessionRequestOptions) => {
    if (session.closed || session.destroyed) throw new Error("the connection to the session has ended");
    const stream = session.request(headers, options);
    mended.watch(stream);
    return stream;
  };
  const transport = createGrpcTransport({
    baseUrl: AUTHORITY,
    sessionManager: {
      authority: AUTHORITY,
      request: async (method, path, headers, options) => {
        const stream = request({ ...headers, ":method": method, ":path": path }, options);
        stream[Symbol.asyncIterator] = () => eagerChunks(stream) as NodeJS.AsyncIterator<Uint8Array>;
        return stream;
      },
      notifyResponseByteRead() {},
    },
  } as Parameters<typeof createGrpcTransport>[0]);
  return {
    transport,
    call: (path, headers = {}) =>
      request(
        { ...headers, ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" },
        { endStream: false },
      ),
    closed,
    close() {
      session.close();
      socket.destroy();
    },
  };
}
