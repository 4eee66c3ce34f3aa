// gRPC calls over a connection that left HTTP/1: the daemon's to a client's session, a client's to the daemon's builder.
import type { Duplex } from "node:stream";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AUTHORITY, type CallConnection, openConnection } from "../calls/index.ts";
import { eagerChunks } from "./eager-chunks.ts";

export interface GrpcConnection extends CallConnection {
  /** For the generated services' clients. */
  readonly transport: Transport;
}

/** The connection's other end serves gRPC. Nothing is sent before the first call but HTTP/2's own greeting. */
export const openGrpc = (socket: Duplex): GrpcConnection => withTransport(openConnection(socket));

/** The same connection, also for the generated services' clients. */
export function withTransport(connection: CallConnection): GrpcConnection {
  const transport = createGrpcTransport({
    baseUrl: AUTHORITY,
    sessionManager: {
      authority: AUTHORITY,
      request: async (method, path, headers, options) => {
        const stream = connection.request({ ...headers, ":method": method, ":path": path }, options);
        stream[Symbol.asyncIterator] = () => eagerChunks(stream) as NodeJS.AsyncIterator<Uint8Array>;
        return stream;
      },
      notifyResponseByteRead() {},
    },
  } as Parameters<typeof createGrpcTransport>[0]);
  return { ...connection, transport };
}
