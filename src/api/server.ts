// The HTTP server of the Engine API: finds the route, reads what the operation takes, and writes what it answers. It can
// listen before the engine is up: only what needs the engine waits for it.
import { createServer as createHttpServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { ENGINE_VERSION } from "../base/build.ts";
import { BerthError, firstThrown, invalid, messageOf, STATUS_OF_KIND } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { Engine } from "../engine/types.ts";
import { bodyBehindHead, type Exchange, type Headers, httpExchange, socketExchange } from "./exchange.ts";
import { parseQuery } from "./query.ts";
import type { ApiRequest, Reply } from "./request.ts";
import { cleanPath, decodePath, type Match, type Route, type Router } from "./router.ts";
import { hijackHead, join, RAW_STREAM } from "./streams.ts";
import {
  type ApiVersion,
  adaptAnswer,
  adaptRequest,
  compareVersions,
  NEWEST,
  OLDEST,
  parseVersion,
} from "./versions.ts";

/** A JSON body beyond this is refused: the largest real one (containers/create) has some kilobytes. */
const JSON_LIMIT = 16 * 1024 * 1024;
/** Time for a request's head to arrive, in milliseconds, as moby's ReadHeaderTimeout. */
const HEADERS_TIMEOUT = 300_000;
/** For bytes that are no request. */
const BAD_REQUEST =
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request";

export interface ServerOptions {
  router: Router;
  /** Rejects when the start failed: requests that wait for it are then answered with 503. */
  engine: Promise<Engine>;
  /** Read with each request: a reload may change them. */
  experimental(): boolean;
  /** The oldest version served: DOCKER_MIN_API_VERSION may raise it. */
  oldestVersion?: string;
}

export interface ApiServer {
  /** A server to listen with; with `tls`, for TLS connections. */
  createListener(tls?: TlsFiles): Server;
  /** Takes a connection that was accepted on an inherited socket. */
  accept(socket: Duplex): void;
  /** Requests that are being answered, and connections that left HTTP. */
  readonly active: number;
  /** Ends what has no end of its own (events, logs, attached clients). */
  beginClosing(): void;
  closeConnections(): void;
}

export interface TlsFiles {
  cert: Buffer;
  key: Buffer;
  /** Clients need a certificate of this authority. */
  ca?: Buffer;
}

export function createApiServer(options: ServerOptions): ApiServer {
  const exchanges = new Set<Exchange>();
  const sockets = new Set<Duplex>();
  const serve = (exchange: Exchange) => {
    exchanges.add(exchange);
    void handle(exchange, options)
      .catch((error) => {
        log.error("request failed", { error: messageOf(error) });
        exchange.destroy();
      })
      .finally(() => exchanges.delete(exchange));
  };
  const prepare = (http: Server) => {
    http.on("request", (request, response) => serve(httpExchange(request, response)));
    http.on("clientError", (_error, socket: Duplex) => {
      if (socket.writable) socket.end(BAD_REQUEST);
      else socket.destroy();
    });
    http.on("connection", (socket: Duplex) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    // Events, waits and attached containers are silent for hours; an idle connection is the client's to close.
    http.keepAliveTimeout = 0;
    http.requestTimeout = 0;
    http.timeout = 0;
    http.headersTimeout = HEADERS_TIMEOUT;
    return http;
  };

  // Connections that are handed over are read by node's own parser, which leaves an upgrade's body to us; on listeners of
  // its own Bun reads the body.
  const handedOver = prepare(createHttpServer());
  handedOver.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const length = contentLength(request);
    if (length < 0) return socket.destroy();
    if (length === 0 && head.length > 0) socket.unshift(head);
    serve(socketExchange(request, socket, bodyBehindHead(socket, head, length)));
  });
  return {
    createListener(tls) {
      const http = prepare(tls ? createTlsServer(tls) : createHttpServer());
      http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (head.length > 0) socket.unshift(head);
        serve(socketExchange(request, socket));
      });
      return http;
    },
    accept: (socket) => void handedOver.emit("connection", socket),
    get active() {
      return exchanges.size;
    },
    beginClosing() {
      for (const exchange of exchanges) exchange.abort();
    },
    closeConnections() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function createTlsServer(tls: TlsFiles): Server {
  const server = createHttpsServer({
    ...tls,
    requestCert: tls.ca !== undefined,
    rejectUnauthorized: tls.ca !== undefined,
    minVersion: "TLSv1.2",
  });
  // A handshake that fails is the client's matter.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

async function handle(exchange: Exchange, options: ServerOptions): Promise<void> {
  const { request } = exchange;
  const target = request.url ?? "/";
  const path = decodePath(target);
  if (path === undefined) return refuse(exchange, {}, 400, "invalid URL escape");
  const clean = cleanPath(path);
  if (clean !== path) {
    const query = target.indexOf("?");
    return exchange.answer(301, { Location: encodeURI(clean) + (query < 0 ? "" : target.slice(query)) }, "");
  }
  const match = options.router.match(request.method ?? "GET", clean);
  if (!match) return refuse(exchange, {}, 404, "page not found");
  const headers: Headers = {
    "Api-Version": NEWEST,
    "Docker-Experimental": String(options.experimental()),
    Ostype: "linux",
    Server: `Docker/${ENGINE_VERSION} (linux)`,
  };
  let version: ApiVersion;
  try {
    version = parseVersion(match.version, options.oldestVersion);
  } catch (error) {
    return refuseVersion(exchange, headers, match.version ?? "", messageOf(error));
  }
  try {
    await run(exchange, headers, match, version, options);
  } catch (error) {
    fail(exchange, headers, match.route, error);
  }
}

async function run(
  exchange: Exchange,
  headers: Headers,
  { route, name }: Match,
  version: ApiVersion,
  options: ServerOptions,
): Promise<void> {
  if (!route.handler)
    throw new BerthError(
      "not-implemented",
      `${route.operation} (${route.method} ${route.path}) is not implemented in Berth`,
    );
  const target = exchange.request.url ?? "";
  const mark = target.indexOf("?");
  const query = parseQuery(mark < 0 ? "" : target.slice(mark + 1));
  const body =
    route.method === "GET" || route.method === "HEAD" ? undefined : await readBody(exchange, route, query);
  const engine =
    route.path === "/_ping" || route.method === "OPTIONS" ? (undefined as never) : await options.engine;
  const versioned = { query, body, warnings: [], cgroup2: engine?.environment.cgroups.mode === "v2" };
  adaptRequest(route.operation, version, versioned);
  const request: ApiRequest = {
    method: route.method,
    name,
    version,
    query,
    headers: exchange.request.headers,
    body: versioned.body,
    warnings: versioned.warnings,
    stream: exchange.body,
    contentLength: contentLength(exchange.request),
    upgrade: exchange.upgrade,
    signal: exchange.signal,
  };
  await send(exchange, headers, route, version, await route.handler(request, engine));
}

async function send(
  exchange: Exchange,
  headers: Headers,
  route: Route,
  version: ApiVersion,
  reply: Reply,
): Promise<void> {
  switch (reply.kind) {
    case "json":
      headers["Content-Type"] = "application/json";
      return exchange.answer(
        reply.status,
        headers,
        `${JSON.stringify(adaptAnswer(route.operation, version, reply.body))}\n`,
      );
    case "empty":
      return exchange.answer(reply.status, { ...headers, ...reply.headers }, "");
    case "text":
      return exchange.answer(reply.status, { ...headers, ...reply.headers }, reply.body);
    case "hijack": {
      const socket = exchange.hijack();
      // moby sends the usual headers along where an exec begins, and not where a client attaches.
      const more = route.operation === "ExecStart" ? headers : {};
      socket.write(hijackHead(exchange.upgrade, reply.contentType, more));
      return join(socket, reply.attachment, exchange.signal);
    }
    case "connection": {
      const socket = exchange.hijack();
      const leave = () => socket.destroy();
      exchange.signal.addEventListener("abort", leave, { once: true });
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
      return reply.serve(socket);
    }
    case "websocket": {
      const { joinWebsocket, websocketHead } = await import("./websocket.ts");
      const socket = exchange.hijack();
      socket.write(websocketHead(reply.key));
      return joinWebsocket(socket, reply.attachment, exchange.signal);
    }
    case "stream":
      return stream(exchange, { ...headers, ...reply.headers, "Content-Type": reply.contentType }, reply);
  }
}

async function stream(
  exchange: Exchange,
  headers: Headers,
  reply: Extract<Reply, { kind: "stream" }>,
): Promise<void> {
  const begin = () => {
    if (!exchange.started) exchange.begin(200, headers);
  };
  if (!reply.lazy) begin();
  try {
    await reply.write({
      write(chunk) {
        begin();
        return exchange.write(chunk);
      },
    });
  } catch (error) {
    if (!exchange.started) throw error;
    if (exchange.signal.aborted) return exchange.destroy();
    if (!reply.failed) {
      log.error("a stream broke off", { error: messageOf(error) });
      return exchange.destroy();
    }
    await exchange.write(reply.failed(error));
  }
  begin();
  // A stream that this daemon's end cut short is not whole, and who follows a log has to know.
  if (exchange.signal.aborted) exchange.destroy();
  else exchange.end();
}

/** The length that the client declared; -1 for chunks, 0 for nothing. */
function contentLength(request: IncomingMessage): number {
  if (request.headers["transfer-encoding"]) return -1;
  return Number(request.headers["content-length"] ?? 0);
}

/** Reads the body of an operation that takes JSON or nothing; for the latter, a form's fields join the query, as Go's ParseForm has it. */
async function readBody(exchange: Exchange, route: Route, query: URLSearchParams): Promise<unknown> {
  const { request } = exchange;
  if (route.body === "stream") return undefined;
  const length = contentLength(request);
  const type = request.headers["content-type"] ?? "";
  if (route.body === "json") checkJsonType(type, length);
  if (length === 0) return undefined;
  if (length > JSON_LIMIT) throw tooLarge();
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of exchange.body) {
    size += part.length;
    if (size > JSON_LIMIT) throw tooLarge();
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString("utf8");
  const { decodeBody, parseJson } = await import("./decode.ts");
  if (route.body === "json") return decodeBody(route.operation, text);
  if (text.trim() === "") return undefined;
  if (type.startsWith("application/x-www-form-urlencoded"))
    for (const [name, value] of parseQuery(text)) query.append(name, value);
  // Some clients repeat the query as JSON in the body of operations that take none: let it pass, refuse what isn't JSON.
  else parseJson(text);
  return undefined;
}

const tooLarge = () => invalid(`http: request body too large (more than ${JSON_LIMIT} bytes)`);

/** As moby's CheckForJSON. */
function checkJsonType(type: string, length: number): void {
  if (type === "" && length === 0) return;
  const media = type.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(media))
    throw invalid(
      `malformed Content-Type header (${type}): ${media === "" ? "mime: no media type" : "mime: expected slash after first token"}`,
    );
  if (media !== "application/json")
    throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`);
}

function fail(exchange: Exchange, headers: Headers, route: Route, error: unknown): void {
  const first = firstThrown(error);
  const status = first instanceof BerthError ? first.status : STATUS_OF_KIND.system;
  const message = messageOf(error);
  // What broke off since its client left is no failure of ours.
  if (status >= 500 && !exchange.signal.aborted)
    log.error("Handler returned error", { operation: route.operation, status, error: message });
  if (exchange.started || exchange.signal.aborted) exchange.destroy();
  else if (route.operation === "ContainerAttach")
    exchange.answer(status, { ...headers, "Content-Type": RAW_STREAM }, `${message}\r\n`);
  else refuse(exchange, headers, status, message);
}

function refuse(exchange: Exchange, headers: Headers, status: number, message: string): void {
  discardBody(exchange);
  exchange.answer(
    status,
    { ...headers, "Content-Type": "application/json" },
    `${JSON.stringify({ message })}\n`,
  );
}

/** Clients from before JSON errors (1.24) get plain text, as from moby. */
function refuseVersion(exchange: Exchange, headers: Headers, version: string, message: string): void {
  delete headers["Docker-Experimental"];
  if (compareVersions(version, OLDEST) >= 0) {
    refuse(exchange, headers, 400, message);
    return;
  }
  discardBody(exchange);
  exchange.answer(
    400,
    { ...headers, "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" },
    `${message}\n`,
  );
}

/** An answer that came before the body was read: what remains of it is read to nowhere, so that the connection can go on. */
function discardBody(exchange: Exchange): void {
  exchange.request.on("error", () => undefined);
  exchange.request.resume();
}
