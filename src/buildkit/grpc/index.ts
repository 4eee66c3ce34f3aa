// gRPC over a connection that left HTTP/1, both ends.
export { type GrpcConnection, openGrpc } from "./client.ts";
export {
  callFramed,
  type FramedCall,
  type FramedHandler,
  type FramedStream,
  type ServedStream,
} from "./framed.ts";
export { serveGrpc } from "./server.ts";
