// gRPC over a connection that left HTTP/1, both ends, with generated services; what does without them is in calls/.
export {
  CODE,
  callFramed,
  type FramedCall,
  type FramedHandler,
  type FramedStream,
  GrpcError,
  type ServedStream,
} from "../calls/index.ts";
export { type GrpcConnection, openGrpc, withTransport } from "./client.ts";
export { answerBy, serveGrpc } from "./server.ts";
