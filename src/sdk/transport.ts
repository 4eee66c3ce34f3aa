// Requests over the daemon's socket. Plain calls go through Bun's fetch (2 ms of a process's life, node:http costs
// 12); what takes over the connection goes through hijack.ts, loaded when it is needed.
import type { SocketEndpoint, TcpEndpoint } from "./endpoint.ts";
import { messageOfBody, SdkError } from "./errors.ts";
import { brokenOff } from "./streams.ts";

export type Query = Record<string, string | number | boolean | undefined | null | string[]>;

export interface RequestOptions {
  query?: Query;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it comes (a tar archive). */
  body?: ReadableStream<Uint8Array> | Uint8Array | Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Milliseconds until the head of the answer must be there; none for calls that wait on purpose. */
  timeout?: number;
}

/** Path with its query; lists repeat their name, false and undefined are left out as Docker's client does. */
export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === false || value === "") continue;
    if (Array.isArray(value)) for (const one of value) parameters.append(name, one);
    else parameters.append(name, value === true ? "1" : String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

/** Sends one request and gives the answer's head; a status of 400 and above is thrown as an SdkError. */
export async function send(
  endpoint: SocketEndpoint,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Response> {
  const headers: Record<string, string> = { "User-Agent": "berth", ...options.headers };
  let body: RequestInit["body"];
  if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.json);
  } else if (options.body !== undefined) {
    headers["Content-Type"] ??= "application/x-tar";
    body = options.body as RequestInit["body"];
  }
  const deadline = options.timeout ? AbortSignal.timeout(options.timeout) : undefined;
  // A deadline is for the answer's head alone: a stream may then go on for as long as it likes.
  const head = new AbortController();
  const stop = () => head.abort(deadline?.reason);
  deadline?.addEventListener("abort", stop);
  const signals = [options.signal, deadline && head.signal].filter((signal) => signal !== undefined);
  const target = endpoint.kind === "unix" ? "http://localhost" : endpoint.base;
  let response: Response;
  try {
    response = await fetch(target + withQuery(path, options.query), {
      method,
      headers,
      body,
      redirect: "manual",
      decompress: false,
      timeout: false, // a `wait` or `events` may be silent for days
      signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
      ...(endpoint.kind === "unix" ? { unix: endpoint.path } : tlsOptions(endpoint)),
    } as BunFetchRequestInit);
  } catch (thrown) {
    throw await explain(endpoint, thrown, options);
  } finally {
    deadline?.removeEventListener("abort", stop);
  }
  if (response.status >= 300 && response.status < 400 && response.status !== 304) {
    // Nothing was done: taken for an answer, it would look as if it were.
    const where = response.headers.get("location") ?? "an unnamed place";
    throw new SdkError("protocol", `unexpected redirect of ${method} ${path} to ${where}`, response.status);
  }
  if (response.status >= 400) {
    const text = method === "HEAD" ? "" : await response.text();
    throw new SdkError("daemon", messageOfBody(text, response.status), response.status);
  }
  return response;
}

function tlsOptions(endpoint: TcpEndpoint): object {
  const { tls } = endpoint;
  if (!tls) return {};
  return { tls: { ca: tls.ca, cert: tls.cert, key: tls.key, rejectUnauthorized: tls.verify !== false } };
}

/** The error for a connection that did not come about, in the words that Docker's users know. */
export async function explain(
  endpoint: SocketEndpoint,
  thrown: unknown,
  options: RequestOptions = {},
): Promise<unknown> {
  if (options.signal?.aborted) return options.signal.reason;
  const complaint = endpoint.kind === "unix" ? await endpoint.complaint?.() : undefined;
  if (complaint)
    return new SdkError("unreachable", `error during connect: ${complaint}`, 0, { cause: thrown });
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof Error && thrown.name === "TimeoutError") {
    return new SdkError(
      "timeout",
      `the daemon at ${endpoint.host} did not answer within ${options.timeout} ms`,
      0,
      {
        cause: thrown,
      },
    );
  }
  if (code === "EACCES" || code === "EPERM") {
    return new SdkError(
      "unreachable",
      `permission denied while trying to connect to the Docker daemon socket at ${endpoint.host}`,
      0,
      { cause: thrown },
    );
  }
  if (
    /ENOENT|ECONNREFUSED|FailedToOpenSocket|ConnectionRefused|ENOTSOCK|ENOTDIR|ETIMEDOUT|EHOSTUNREACH/.test(
      `${code} ${text}`,
    )
  ) {
    return new SdkError(
      "unreachable",
      `Cannot connect to the Docker daemon at ${endpoint.host}. Is the docker daemon running?`,
      0,
      { cause: thrown },
    );
  }
  const what = brokenOff(thrown) === thrown ? text : "EOF"; // before any answer
  return new SdkError("protocol", `error during connect: ${what}`, 0, { cause: thrown });
}
