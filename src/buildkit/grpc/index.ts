// gRPC over a connection that left HTTP/1, both ends.
export { type GrpcConnection, openGrpc } from "./client.ts";
export { serveGrpc } from "./server.ts";
