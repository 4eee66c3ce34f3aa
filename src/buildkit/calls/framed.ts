// Calls whose messages their users frame themselves (gRPC over HTTP/2, "Length-Prefixed-Message"): file sync is ten
// thousands of messages, which would each cost a promise and a generated decoder.
import type http2 from "node:http2";
import { isKind } from "../../base/errors.ts";
import type { CallConnection } from "./connection.ts";
import { CODE, GrpcError } from "./grpc-error.ts";

export interface FramedStream {
  /** What the other end sends, in pieces cut anywhere. Throws when the connection breaks. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes may be changed again: the other end reads as fast as that. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface FramedCall extends FramedStream {
  /** Nothing more is sent from here. */
  end(): void;
  /** Resolves with the other end's OK; rejects with its GrpcError. */
  readonly status: Promise<void>;
  cancel(): void;
}

export interface ServedStream extends FramedStream {
  /** Names and values as they came: a name may come many times. */
  readonly headers: readonly (readonly [string, string])[];
  /** Aborts when the other end has left. */
  readonly signal: AbortSignal;
}

/** What it throws is the call's status: that of an error of gRPC's, NOT_FOUND for an error of that kind, UNKNOWN for others. */
export type FramedHandler = (stream: ServedStream) => Promise<void>;

/** Calls `path`, "/package.Service/Method". */
export function callFramed(
  connection: CallConnection,
  path: string,
  headers: Record<string, string | string[]> = {},
): FramedCall {
  const stream = connection.call(path, headers);
  return {
    ...framedStream(stream),
    end: () => stream.end(),
    status: statusOf(stream),
    cancel: () => stream.close(8), // CANCEL (RFC 9113, 7)
  };
}

function framedStream(stream: http2.ClientHttp2Stream | http2.ServerHttp2Stream): FramedStream {
  return {
    chunks: chunksOf(stream),
    write: (bytes) =>
      new Promise((resolve, reject) => {
        const left = () => reject(new GrpcError("the other end has left the call", CODE.canceled));
        if (stream.destroyed || stream.closed || stream.writableEnded) return left();
        stream.once("close", left);
        stream.write(bytes, (error) => {
          stream.off("close", left);
          if (error) reject(error);
          else resolve();
        });
      }),
  };
}

/** Not the stream's own iterator: that destroys the stream at its end, and with it our half and the trailers. */
async function* chunksOf(
  stream: http2.ClientHttp2Stream | http2.ServerHttp2Stream,
): AsyncGenerator<Uint8Array> {
  let ended = false;
  let failure: Error | undefined;
  let wake = () => {};
  const woken = () => wake();
  stream.on("readable", woken);
  stream.on("end", () => {
    ended = true;
    wake();
  });
  stream.on("error", (error: Error) => {
    failure = error;
    wake();
  });
  stream.on("close", woken);
  for (;;) {
    const chunk = stream.read() as Uint8Array | null;
    if (chunk) yield chunk;
    else if (ended) return;
    else if (failure || stream.destroyed)
      throw new GrpcError(failure?.message ?? "the call was broken off", CODE.unavailable);
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}

function statusOf(stream: http2.ClientHttp2Stream): Promise<void> {
  const status = new Promise<void>((resolve, reject) => {
    let failure: Error | undefined;
    const take = (headers: http2.IncomingHttpHeaders) => {
      const code = headers["grpc-status"];
      if (code === undefined) return;
      if (code === "0") resolve();
      else reject(new GrpcError(messageIn(headers), Number(code) || CODE.unknown, detailsIn(headers)));
    };
    stream.on("response", (headers) => {
      if (headers[":status"] === 200) take(headers);
      else reject(new GrpcError(`the call was answered with HTTP ${headers[":status"]}`, CODE.unavailable));
    });
    stream.on("trailers", take);
    stream.on("error", (error: Error) => {
      failure = error;
    });
    stream.on("close", () =>
      reject(new GrpcError(failure?.message ?? "the call was broken off", CODE.unavailable)),
    );
  });
  status.catch(() => {}); // Whoever reads the stream may not want to know
  return status;
}

const detailsIn = (headers: http2.IncomingHttpHeaders): string | undefined => {
  const details = headers["grpc-status-details-bin"];
  return details === undefined ? undefined : String(details);
};

function messageIn(headers: http2.IncomingHttpHeaders): string {
  const message = String(headers["grpc-message"] ?? "");
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** Answers a call of a server's. Trailers go through the response, which sends its own when the stream asks for some. */
export async function answerFramed(
  request: http2.Http2ServerRequest,
  response: http2.Http2ServerResponse,
  handler: FramedHandler,
): Promise<void> {
  const { stream, rawHeaders } = request;
  const left = new AbortController();
  stream.on("close", () => left.abort());
  stream.on("error", () => left.abort());
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  response.writeHead(200, { "content-type": "application/grpc" });
  let trailers: Record<string, string> = { "grpc-status": "0" };
  try {
    await handler({ ...framedStream(stream), headers, signal: left.signal });
  } catch (thrown) {
    const error = GrpcError.from(thrown);
    trailers = {
      "grpc-status": String(isKind(thrown, "not-found") ? CODE.notFound : error.code),
      "grpc-message": encodeURIComponent(error.rawMessage),
    };
  }
  if (stream.destroyed) return;
  response.addTrailers(trailers);
  response.end();
}
