// One request's way back to its client: over node:http, or, when the client asked to leave HTTP (Connection: Upgrade),
// over the bare socket, where the head is ours to write. Writing waits for the client: a slow one is never buffered for.
import type { IncomingMessage, ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

export interface Exchange {
  readonly request: IncomingMessage;
  readonly upgrade: boolean;
  readonly body: AsyncIterable<Uint8Array>;
  /** The head went out: the status can't change any more. */
  readonly started: boolean;
  /** Aborts when the client has gone, or the daemon ends. */
  readonly signal: AbortSignal;
  abort(): void;
  /** Sends head and whole body. */
  answer(status: number, headers: Headers, body: string): void;
  /** Sends the head of an answer whose length isn't known yet, at once. */
  begin(status: number, headers: Headers): void;
  write(chunk: Uint8Array | string): Promise<void>;
  end(): void;
  /** Cuts the connection: the only way to say that a stream that began is not whole. */
  destroy(): void;
  /** Takes the connection out of HTTP; the caller writes the head. */
  hijack(): Duplex;
}

export type Headers = Record<string, string>;

/** Resolves when `stream` has room again, or has ended. */
export function drained(stream: Duplex | ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      stream.off("error", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
    stream.on("error", done);
  });
}

export function httpExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const gone = new AbortController();
  response.on("close", () => {
    if (!response.writableEnded) gone.abort();
  });
  response.on("error", () => gone.abort());
  return {
    request,
    upgrade: false,
    body: request,
    get started() {
      return response.headersSent;
    },
    signal: gone.signal,
    abort: () => gone.abort(),
    answer(status, headers, body) {
      const head = request.method === "HEAD";
      if (headers["Content-Length"] === undefined && status !== 204 && status !== 304)
        headers["Content-Length"] = String(Buffer.byteLength(body));
      response.writeHead(status, headers);
      response.end(head ? undefined : body);
    },
    begin(status, headers) {
      response.writeHead(status, headers);
      response.flushHeaders();
    },
    async write(chunk) {
      if (gone.signal.aborted || response.destroyed) throw new Error("the client has gone");
      if (!response.write(chunk)) await drained(response);
    },
    end() {
      response.end();
    },
    destroy() {
      request.socket.destroy();
    },
    hijack() {
      return request.socket;
    },
  };
}

/** `body`: what the parser left to us of it, where it did (inherited sockets); else the request has it. */
export function socketExchange(
  request: IncomingMessage,
  socket: Duplex,
  body: AsyncIterable<Uint8Array> = request,
): Exchange {
  const gone = new AbortController();
  let started = false;
  socket.on("close", () => gone.abort());
  socket.on("error", () => gone.abort());
  const head = (status: number, headers: Headers) => {
    started = true;
    const lines = Object.entries({ ...headers, Connection: "close" }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("\r\n")}\r\n\r\n`;
  };
  return {
    request,
    upgrade: true,
    body,
    get started() {
      return started;
    },
    signal: gone.signal,
    abort: () => gone.abort(),
    answer(status, headers, body) {
      headers["Content-Length"] ??= String(Buffer.byteLength(body));
      socket.end(head(status, headers) + (request.method === "HEAD" ? "" : body));
    },
    begin(status, headers) {
      socket.write(head(status, headers));
    },
    async write(chunk) {
      if (gone.signal.aborted) throw new Error("the client has gone");
      if (!socket.write(chunk)) await drained(socket);
    },
    end() {
      socket.end();
    },
    destroy() {
      socket.destroy();
    },
    hijack() {
      started = true;
      return socket;
    },
  };
}

/**
 * The body of an upgrade request on a connection that node's own parser read: it stops at the head, so the `length` bytes of
 * the body are in `head` and on the socket. What follows them is put back for whoever takes the connection.
 */
export async function* bodyBehindHead(
  socket: Duplex,
  head: Uint8Array,
  length: number,
): AsyncGenerator<Uint8Array> {
  let left = length;
  let chunk: Uint8Array | null = head;
  while (left > 0) {
    if (chunk === null || chunk.length === 0) {
      chunk = await nextChunk(socket);
      if (chunk === null) throw new Error("the connection ended within the body");
      continue;
    }
    const part: Uint8Array = chunk.subarray(0, left);
    const rest: Uint8Array = chunk.subarray(part.length);
    left -= part.length;
    if (left === 0 && rest.length > 0) socket.unshift(rest);
    yield part;
    chunk = null;
  }
}

/** What arrives next; null at the end. The socket is paused after. */
function nextChunk(socket: Duplex): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const done = (chunk: Uint8Array | null) => {
      socket.pause();
      socket.off("data", done);
      socket.off("end", ended);
      socket.off("close", ended);
      resolve(chunk);
    };
    const ended = () => done(null);
    socket.on("data", done);
    socket.on("end", ended);
    socket.on("close", ended);
    socket.resume();
  });
}
