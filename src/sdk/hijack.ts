// Connections that become a plain byte stream after their HTTP head: attach and exec (Engine API, "Attach to a
// container"), and what BuildKit speaks over /session and /grpc. Each direction closes by itself (half-close).
import type { Socket } from "bun";
import type { SocketEndpoint } from "./endpoint.ts";
import { messageOfBody, SdkError } from "./errors.ts";
import { explain, type RequestOptions, withQuery } from "./transport.ts";

/** Above this many bytes unread the socket is paused, so that the daemon feels a slow reader. */
const HIGH_WATER = 1 << 20;

/** A byte stream in both directions. Iterating it reads; leaving the iteration early does not close it. */
export interface HijackedStream extends AsyncDisposable, AsyncIterable<Uint8Array> {
  /** `application/vnd.docker.multiplexed-stream`, `…raw-stream`, or null from daemons before API 1.42. */
  readonly mediaType: string | null;
  /** Resolves when the bytes are with the kernel. Fails once the other side is gone. */
  write(chunk: Uint8Array | string): Promise<void>;
  /** Half-close: the other side reads end of file, and may go on writing. */
  closeWrite(): void;
  close(): void;
}

/** A connection to the daemon before anything was said on it. */
export async function dial(endpoint: SocketEndpoint, options: RequestOptions = {}): Promise<HijackedStream> {
  return open(endpoint, options);
}

async function open(endpoint: SocketEndpoint, options: RequestOptions): Promise<Connection> {
  const connection = new Connection();
  const handlers = {
    data: (_: Socket<undefined>, chunk: Buffer) => connection.received(chunk),
    drain: () => connection.drained(),
    end: () => connection.ended(),
    close: () => connection.closed(),
    error: (_: Socket<undefined>, error: Error) => connection.closed(error),
  };
  try {
    connection.socket =
      endpoint.kind === "unix"
        ? await Bun.connect<undefined>({ unix: endpoint.path, allowHalfOpen: true, socket: handlers })
        : await Bun.connect<undefined>({
            hostname: endpoint.hostname,
            port: endpoint.port,
            allowHalfOpen: true,
            socket: handlers,
            tls: endpoint.tls && {
              ca: endpoint.tls.ca,
              cert: endpoint.tls.cert,
              key: endpoint.tls.key,
              rejectUnauthorized: endpoint.tls.verify !== false,
            },
          });
  } catch (thrown) {
    throw await explain(endpoint, thrown, options);
  }
  return connection;
}

export interface HijackOptions extends RequestOptions {
  /** What is asked for in `Upgrade`. Default: `tcp`. */
  protocol?: string;
  /** Headers that are sent once for each of their values. */
  headerLists?: Record<string, string[]>;
}

/** Sends the request with `Upgrade: tcp`; resolves once the daemon has switched (101, or 200 from old ones). */
export async function hijack(
  endpoint: SocketEndpoint,
  method: string,
  path: string,
  options: HijackOptions = {},
): Promise<HijackedStream> {
  const connection = await open(endpoint, options);
  const body = options.json === undefined ? "" : JSON.stringify(options.json);
  const prefix = endpoint.kind === "unix" ? "" : new URL(endpoint.base).pathname.replace(/\/$/, "");
  const headers = {
    Host: endpoint.kind === "unix" ? "localhost" : new URL(endpoint.base).host,
    "User-Agent": "berth",
    ...options.headers,
    ...(body && { "Content-Type": "application/json" }),
    "Content-Length": String(Buffer.byteLength(body)),
    Connection: "Upgrade",
    Upgrade: options.protocol ?? "tcp",
  };
  const lists = Object.entries(options.headerLists ?? {}).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  const lines = [...Object.entries(headers), ...lists].map(([name, value]) => `${name}: ${value}\r\n`);
  let head: Head;
  try {
    await connection.write(
      `${method} ${prefix}${withQuery(path, options.query)} HTTP/1.1\r\n${lines.join("")}\r\n${body}`,
    );
    head = await connection.readHead();
  } catch (thrown) {
    throw endpoint.kind === "unix" && endpoint.complaint ? await explain(endpoint, thrown, options) : thrown;
  }
  if (head.status !== 101 && head.status !== 200) {
    const text = await connection.readErrorBody(head);
    connection.close();
    throw new SdkError("daemon", messageOfBody(text, head.status), head.status);
  }
  connection.mediaType = head.headers.get("content-type") ?? null;
  return connection;
}

interface Head {
  status: number;
  headers: Map<string, string>;
}

class Connection implements HijackedStream {
  socket!: Socket<undefined>;
  mediaType: string | null = null;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #paused = false;
  #over = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #writable: Array<() => void> = [];
  #gone = false;

  received(chunk: Uint8Array): void {
    this.#queue.push(new Uint8Array(chunk)); // Bun may use its buffer again
    this.#queued += chunk.length;
    if (this.#queued > HIGH_WATER && !this.#paused) {
      this.#paused = true;
      this.socket.pause();
    }
    this.#wake?.();
  }
  ended(): void {
    this.#over = true;
    this.#wake?.();
  }
  closed(error?: Error): void {
    this.#gone = true;
    this.#failure ??= error;
    this.ended();
    this.drained();
  }
  drained(): void {
    for (const resume of this.#writable.splice(0)) resume();
  }

  /** The next bytes, or undefined at the end. */
  async #next(): Promise<Uint8Array | undefined> {
    while (this.#queue.length === 0) {
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const chunk = this.#queue.shift()!;
    this.#queued -= chunk.length;
    if (this.#paused && this.#queued < HIGH_WATER / 2) {
      this.#paused = false;
      this.socket.resume();
    }
    return chunk;
  }

  async readHead(): Promise<Head> {
    let bytes = Buffer.alloc(0);
    for (;;) {
      const chunk = await this.#next();
      if (!chunk)
        throw this.#failure ?? new SdkError("protocol", "the daemon closed the connection without an answer");
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf("\r\n\r\n");
      if (end >= 0) {
        const rest = bytes.subarray(end + 4);
        if (rest.length > 0) {
          this.#queue.unshift(new Uint8Array(rest));
          this.#queued += rest.length;
        }
        return parseHead(bytes.toString("latin1", 0, end));
      }
      if (bytes.length > 65536) throw new SdkError("protocol", "the daemon's answer has no end of its head");
    }
  }

  /** An error's body is short JSON; chunk sizes around it (chunked encoding) don't matter to whoever looks for braces. */
  async readErrorBody(head: Head): Promise<string> {
    const length = head.headers.get("content-length");
    let text = "";
    while (length === undefined ? !text.endsWith("0\r\n\r\n") : Buffer.byteLength(text) < Number(length)) {
      const chunk = await this.#next();
      if (!chunk) break;
      text += Buffer.from(chunk).toString();
    }
    return /\{[\s\S]*\}/.exec(text)?.[0] ?? text;
  }

  async write(chunk: Uint8Array | string): Promise<void> {
    let bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    while (bytes.length > 0) {
      if (this.#gone) throw this.#failure ?? new SdkError("protocol", "the connection is closed");
      const written = this.socket.write(bytes);
      if (written < 0) throw this.#failure ?? new SdkError("protocol", "the connection is closed");
      bytes = bytes.subarray(written);
      if (bytes.length > 0) await new Promise<void>((resolve) => this.#writable.push(resolve));
    }
  }

  closeWrite(): void {
    if (!this.#gone) this.socket.shutdown();
  }
  close(): void {
    if (!this.#gone) this.socket.terminate();
    this.closed();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.#next(); chunk; chunk = await this.#next()) yield chunk;
  }
}

function parseHead(text: string): Head {
  const [first = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? Number.NaN);
  if (Number.isNaN(status))
    throw new SdkError("protocol", `the daemon's answer is not HTTP: ${first.slice(0, 80)}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status, headers };
}
