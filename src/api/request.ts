// A request as the resource files see it, and what they answer with: values in, values out; who writes them to the
// connection is server.ts.
import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import { invalid } from "../base/errors.ts";
import type { Attachment } from "../containers/types.ts";
import type { Engine } from "../engine/types.ts";
import type { ApiVersion } from "./versions.ts";

export interface ApiRequest {
  method: string;
  /** The path's parameter, decoded. */
  name: string;
  version: ApiVersion;
  /** Parameters of the query, and of a form in the body of a route that takes none else; those that this version has not are gone. */
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** JSON, checked against the operation's schema; undefined when the body was empty. */
  body: unknown;
  /** Remarks about the request that the answer is to carry. */
  warnings: string[];
  /** The body's bytes, for routes that take a stream; pulled slowly, the client is held back. */
  stream: AsyncIterable<Uint8Array>;
  /** Length that the client declared; -1: chunked. */
  contentLength: number;
  /** The client asked to leave HTTP (`Connection: Upgrade`). */
  upgrade: boolean;
  /** Aborts when the client has gone. */
  signal: AbortSignal;
}

/** Where a streamed answer goes. The promise is the back-pressure: it resolves when there is room for more. */
export interface Sink {
  write(chunk: Uint8Array | string): Promise<void>;
}

export type Reply =
  | { kind: "json"; status: number; body: unknown }
  | { kind: "empty"; status: number; headers?: Record<string, string> }
  | { kind: "text"; status: number; body: string; headers?: Record<string, string> }
  /**
   * Head first (at once, unless `lazy`: then with the first chunk, so that an error before it still has its status),
   * then what `write` gives; a failure after the head goes to `failed`, else the connection is cut.
   */
  | {
      kind: "stream";
      contentType: string;
      headers?: Record<string, string>;
      lazy?: boolean;
      write(sink: Sink): Promise<void>;
      failed?(error: unknown): string | Uint8Array;
    }
  /** Leaves HTTP: the attachment's output to the client, what the client sends to the attachment. */
  | { kind: "hijack"; attachment: Attachment; contentType: string }
  /** Leaves HTTP for HTTP/2 (`Upgrade: h2c`); resolves when the connection has ended. */
  | { kind: "connection"; serve(socket: Duplex): Promise<void> }
  /** As hijack, behind the handshake and in the frames of a WebSocket. */
  | { kind: "websocket"; attachment: Attachment; key: string };

export type Handler = (request: ApiRequest, engine: Engine) => Promise<Reply> | Reply;

export const json = (body: unknown, status = 200): Reply => ({ kind: "json", status, body });
export const empty = (status = 204): Reply => ({ kind: "empty", status });

/** As moby's BoolValue: "", 0, no, false and none are false, all else is true. */
export function flag(query: URLSearchParams, name: string, fallback = false): boolean {
  const value = query.get(name);
  if (value === null) return fallback;
  return !["", "0", "no", "false", "none"].includes(value.trim().toLowerCase());
}

/** A whole number as Go's strconv.Atoi; absent or empty: undefined. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  if (!/^[+-]?\d+$/.test(value))
    throw invalid(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw invalid(`strconv.Atoi: parsing ${JSON.stringify(value)}: value out of range`);
  return number;
}

/** A size of a terminal: required, 32 bits without sign, refused in moby's words. */
export function terminalSize(query: URLSearchParams): { rows: number; columns: number } {
  const read = (name: string, what: string) => {
    const text = query.get(name) ?? "";
    const refuse = (why: string) => invalid(`invalid resize ${what} ${JSON.stringify(text)}: ${why}`);
    if (!/^-?\d+$/.test(text)) throw refuse("invalid syntax");
    const number = Number(text);
    if (text.startsWith("-") || number > 0xffff_ffff) throw refuse("value out of range");
    return number;
  };
  return { rows: read("h", "height"), columns: read("w", "width") };
}
