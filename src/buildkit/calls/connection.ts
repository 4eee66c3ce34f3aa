// HTTP/2 over a connection that left HTTP/1, the calling end: without generated code, which takes longer to load than most builds.
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import { mendWindows } from "./stream-windows.ts";
import { WINDOW } from "./window.ts";

export interface CallConnection {
  /** A call whose messages the caller frames itself (gRPC over HTTP/2, "Length-Prefixed-Message"). */
  call(path: string, headers?: Record<string, string | string[]>): http2.ClientHttp2Stream;
  /** A stream with all of its headers given. */
  request(
    headers: http2.OutgoingHttpHeaders,
    options?: http2.ClientSessionRequestOptions,
  ): http2.ClientHttp2Stream;
  /** Resolves when the connection has ended, by whom ever. */
  readonly closed: Promise<void>;
  close(): void;
}

export const AUTHORITY = "http://localhost";

/** The connection's other end serves gRPC. Nothing is sent before the first call but HTTP/2's own greeting. */
export function openConnection(socket: Duplex): CallConnection {
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
  const request: CallConnection["request"] = (headers, options) => {
    if (session.closed || session.destroyed) throw new Error("the connection to the session has ended");
    const stream = session.request(headers, options);
    mended.watch(stream);
    return stream;
  };
  return {
    request,
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
