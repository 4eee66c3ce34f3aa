// One daemon as the resources see it: where it is, and which version of the API both sides speak.
import type { Endpoint, SocketEndpoint } from "./endpoint.ts";
import { SdkError } from "./errors.ts";
import type { HijackedStream, HijackOptions } from "./hijack.ts";
import { brokenOff, bytesOf, jsonLines } from "./streams.ts";
import { type RequestOptions, send } from "./transport.ts";

/** The newest API version that this client knows, and the oldest that it still asks for. */
export const API_VERSION = "1.51";
export const MIN_API_VERSION = "1.24";

/** Milliseconds for a daemon to answer at all: one that starts up or is swamped may take its time. */
const PING_LIMIT = 60_000;

/** Orders versions of the form 1.51: negative, zero or positive as a is older, the same or newer. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [a, b].map((version) => version.split(".").map(Number));
  return (x?.[0] ?? 0) - (y?.[0] ?? 0) || (x?.[1] ?? 0) - (y?.[1] ?? 0);
}

export interface Ping {
  apiVersion: string;
  osType: string;
  experimental: boolean;
  builderVersion: string;
}

/** Paths are given without `/vX.Y`; the first call asks `/_ping` for the daemon's version, unless one was fixed. */
export class Connection {
  #negotiated: Promise<string> | undefined;
  #ping: Promise<Ping> | undefined;
  #tunnel: Promise<SocketEndpoint> | undefined;

  constructor(
    readonly endpoint: Endpoint,
    readonly fixedVersion: string | undefined,
    readonly headers: Record<string, string>,
    /** Asked once when nobody answers the first call: true means that somebody does now. */
    readonly onUnreachable?: () => Promise<boolean>,
  ) {}

  /** Where to connect: the daemon's own address, or our end of the way to it. */
  #reach(): SocketEndpoint | Promise<SocketEndpoint> {
    const { endpoint } = this;
    if (endpoint.kind !== "ssh") return endpoint;
    this.#tunnel ??= import("./ssh.ts").then(({ tunnelTo }) => tunnelTo(endpoint));
    return this.#tunnel;
  }

  /** What the daemon says of itself without being asked much. Asked once. */
  ping(): Promise<Ping> {
    this.#ping ??= this.#askPing();
    return this.#ping;
  }

  async #askPing(): Promise<Ping> {
    // HEAD as Docker's client: an answer of status 500 still carries the headers.
    const endpoint = await this.#reach();
    const ask = () => send(endpoint, "HEAD", "/_ping", { headers: this.headers, timeout: PING_LIMIT });
    let answer: Response;
    try {
      answer = await ask();
    } catch (thrown) {
      const nobody = thrown instanceof SdkError && thrown.kind === "unreachable";
      if (!nobody || !(await this.onUnreachable?.())) throw thrown;
      answer = await ask();
    }
    const { headers } = answer;
    return {
      apiVersion: headers.get("api-version") || MIN_API_VERSION,
      osType: headers.get("ostype") || "linux",
      experimental: headers.get("docker-experimental") === "true",
      builderVersion: headers.get("builder-version") || "",
    };
  }

  /** The API version of every call: the older of ours and the daemon's. */
  version(): Promise<string> {
    this.#negotiated ??= this.#negotiate();
    return this.#negotiated;
  }

  async #negotiate(): Promise<string> {
    if (this.fixedVersion && !this.onUnreachable) return this.fixedVersion;
    const { apiVersion } = await this.ping();
    return this.fixedVersion ?? (compareVersions(apiVersion, API_VERSION) < 0 ? apiVersion : API_VERSION);
  }

  async supports(version: string): Promise<boolean> {
    return compareVersions(await this.version(), version) >= 0;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const version = await this.version();
    return send(await this.#reach(), method, `/v${version}${path}`, {
      ...options,
      headers: { ...this.headers, ...options.headers },
    });
  }

  /** A call whose answer is one JSON value. */
  async json<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
    const response = await this.request(method, path, options);
    const text = await this.textOf(response);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new SdkError(
        "protocol",
        `the daemon's answer to ${method} ${path} is not JSON`,
        response.status,
        {
          cause,
        },
      );
    }
  }

  /** An answer whole. Where it ends in its middle the error says so, or what the way to the daemon has to say of it. */
  async textOf(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (thrown) {
      const error = brokenOff(thrown);
      const complaint = error === thrown ? undefined : await this.complaint();
      if (complaint)
        throw new SdkError("unreachable", `error during connect: ${complaint}`, 0, { cause: thrown });
      throw error;
    }
  }

  /** A call whose answer says nothing but that it worked. */
  async done(method: string, path: string, options?: RequestOptions): Promise<void> {
    const response = await this.request(method, path, options);
    await response.arrayBuffer(); // reads it to its end, so that the connection can serve the next call
  }

  /** A call whose answer is a stream of bytes. */
  async bytes(method: string, path: string, options?: RequestOptions): Promise<AsyncGenerator<Uint8Array>> {
    const response = await this.request(method, path, options);
    return bytesOf(response.body as ReadableStream<Uint8Array> | null);
  }

  /** A call whose answer is a stream of JSON values. */
  async lines<T>(method: string, path: string, options?: RequestOptions): Promise<AsyncGenerator<T>> {
    return jsonLines<T>(await this.bytes(method, path, options));
  }

  /** Loads what hijacked streams need while something else is awaited: for programs that count their milliseconds. */
  prepareStreams(): Promise<unknown> {
    return import("./hijack.ts");
  }

  /** A call that turns its connection into a byte stream in both directions. */
  async hijack(method: string, path: string, options: HijackOptions = {}): Promise<HijackedStream> {
    const [{ hijack }, version] = await Promise.all([import("./hijack.ts"), this.version()]);
    return hijack(await this.#reach(), method, `/v${version}${path}`, {
      ...options,
      headers: { ...this.headers, ...options.headers },
    });
  }

  /** For a stream that ended early: what the way to the daemon has to say, where it is one that speaks (ssh). */
  async complaint(): Promise<string | undefined> {
    const endpoint = await this.#reach();
    return endpoint.kind === "unix" ? endpoint.complaint?.() : undefined;
  }

  /** A plain connection to the daemon, on which nothing has been said: for who brings its own HTTP (`dial-stdio`). */
  async dial(): Promise<HijackedStream> {
    const { dial } = await import("./hijack.ts");
    try {
      return await dial(await this.#reach());
    } catch (thrown) {
      const nobody = thrown instanceof SdkError && thrown.kind === "unreachable";
      if (!nobody || !(await this.onUnreachable?.())) throw thrown;
      return dial(await this.#reach());
    }
  }
}

/** Filters as the API takes them: `{"label": ["a=b"]}` in JSON; nothing when there are none. */
export type Filters = Record<string, string[]>;
export function encodeFilters(filters: Filters | undefined): string | undefined {
  return filters && Object.keys(filters).length > 0 ? JSON.stringify(filters) : undefined;
}

/**
 * A name or an id as a part of a path. An empty one would make another path: refused. Slashes around it go, as in
 * Docker's client, which cleans the whole path: `/web` is how inspect shows a name, and a daemon redirects when asked for it.
 */
export function segment(name: string, kind = "container"): string {
  const plain = name.replace(/^\/+|\/+$/g, "");
  if (plain.trim() === "") throw new SdkError("protocol", `invalid ${kind} name or ID: value is empty`);
  return encodeURIComponent(plain);
}
