// gRPC's calls over a connection that left HTTP/1, both ends, without generated code: for calls whose messages somebody frames.
export { AUTHORITY, type CallConnection, openConnection } from "./connection.ts";
export {
  callFramed,
  type FramedCall,
  type FramedHandler,
  type FramedStream,
  type ServedStream,
} from "./framed.ts";
export { CODE, GrpcError } from "./grpc-error.ts";
export { callMessages, callOnce } from "./messages.ts";
export { type Answer, serveCalls } from "./serve.ts";
