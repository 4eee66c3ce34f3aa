// One HTTP exchange with a registry: certificates, proxy, time-outs, and redirects that never carry credentials to
// another host. Bodies stream; Bun's fetch stops reading when nobody takes the bytes, so memory stays flat.
import { certificatesFor } from "./certificates.ts";
import { proxyFor } from "./proxy.ts";

/** Why no answer came. */
export type NetworkFailure = "dns" | "refused" | "tls" | "certificate" | "timeout" | "reset" | "other";

/** The request never got an answer. The message is in the words of Go's net package, which people search for. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  constructor(
    readonly failure: NetworkFailure,
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

export interface HttpRequest {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH";
  url: string;
  headers?: Record<string, string>;
  /** Made anew for each hop and try. */
  body?: () => NonNullable<RequestInit["body"]>;
  /** The body says a secret: no redirect takes it to another host. */
  secretBody?: boolean;
  /** Accept certificates that nobody vouches for, and a redirect to plain HTTP. */
  insecure: boolean;
  signal: AbortSignal;
  /** Called for each answer's head, a redirect's too. */
  onAnswer?: () => void;
  /** Milliseconds until the first byte of the answer's head; default 30 s (a busy registry needs a few). */
  answerWithin?: number;
}

const ANSWER_WITHIN = 30_000;
const MAX_REDIRECTS = 10;
const USER_AGENT = `berth/0.1.0 (linux; ${process.arch})`;

/** The answer, whatever its status; redirects are followed. Errors: NetworkError, or the signal's reason. */
export async function send(request: HttpRequest): Promise<Response> {
  let url = new URL(request.url);
  let headers: Record<string, string> = {
    "user-agent": USER_AGENT,
    // Blobs are compressed themselves; an encoding on top would break ranges and digests.
    "accept-encoding": "identity",
    ...request.headers,
  };
  for (let hop = 0; ; hop++) {
    const response = await exchange(request, url, headers);
    request.onAnswer?.();
    const location = response.headers.get("location");
    const follows =
      [301, 302, 303, 307, 308].includes(response.status) &&
      location !== null &&
      (request.method === "GET" || request.method === "HEAD" || [307, 308].includes(response.status));
    if (!follows) return response;
    await response.body?.cancel();
    if (hop === MAX_REDIRECTS) throw new NetworkError("other", `stopped after ${MAX_REDIRECTS} redirects`);
    const next = new URL(location, url);
    if (
      next.protocol !== "https:" &&
      !(next.protocol === "http:" && (url.protocol === "http:" || request.insecure))
    )
      throw new NetworkError(
        "other",
        `${url.host} redirects to ${next.protocol}//${next.host}, which is not HTTPS`,
      );
    // Who holds the next host isn't who the credentials are for; once gone, they stay gone.
    if (next.host !== url.host || next.protocol !== url.protocol) {
      if (request.secretBody)
        throw new NetworkError(
          "other",
          `${url.host} redirects a request that carries credentials to ${next.protocol}//${next.host}: they are not sent there`,
        );
      headers = withoutCredentials(headers);
    }
    url = next;
  }
}

function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !["authorization", "cookie"].includes(name.toLowerCase())),
  );
}

async function exchange(request: HttpRequest, url: URL, headers: Record<string, string>): Promise<Response> {
  request.signal.throwIfAborted();
  const deadline = new AbortController();
  const within = request.answerWithin ?? ANSWER_WITHIN;
  const timer = setTimeout(() => deadline.abort(), within);
  try {
    const init: BunFetchRequestInit = {
      method: request.method,
      headers,
      redirect: "manual",
      decompress: false,
      signal: AbortSignal.any([request.signal, deadline.signal]),
      ...(request.body && { body: request.body() }),
    };
    if (url.protocol === "https:")
      init.tls = { ...(await certificatesFor(url.host)), rejectUnauthorized: !request.insecure };
    return await fetchThroughProxy(url, init);
  } catch (error) {
    request.signal.throwIfAborted();
    if (deadline.signal.aborted)
      throw new NetworkError(
        "timeout",
        `${said(request, url)}: no answer within ${within} ms (i/o timeout)`,
        {
          cause: error,
        },
      );
    throw networkError(url, error, said(request, url));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Bun's fetch reads the proxy variables by itself, with other rules for exemptions than Go's. So ours decide, and where
 * they say "direct" Bun's are switched off while it starts (it reads them when called).
 */
function fetchThroughProxy(url: URL, init: BunFetchRequestInit): Promise<Response> {
  const proxy = proxyFor(url);
  if (proxy) return fetch(url, { ...init, proxy });
  const before = process.env.NO_PROXY;
  if (
    !process.env.HTTP_PROXY &&
    !process.env.http_proxy &&
    !process.env.HTTPS_PROXY &&
    !process.env.https_proxy
  )
    return fetch(url, init);
  process.env.NO_PROXY = "*";
  try {
    return fetch(url, init);
  } finally {
    if (before === undefined) delete process.env.NO_PROXY;
    else process.env.NO_PROXY = before;
  }
}

/** How Go's http client begins an error: `Head "https://…"`. */
const said = ({ method }: HttpRequest, url: URL): string =>
  `${method.slice(0, 1)}${method.slice(1).toLowerCase()} "${url.href}"`;

/** Bun's error codes, as what they mean for the person who waits; `request`: what was asked, as Go has it: `Get "https://…"`. */
export function networkError(url: URL, error: unknown, request: string): NetworkError {
  const code = (error as { code?: string }).code ?? "";
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const say = (failure: NetworkFailure, words: string) =>
    new NetworkError(failure, `${request}: ${words}`, { cause: error });
  if (/NOTFOUND|EAI_|DNS/.test(code)) return say("dns", `dial tcp: lookup ${url.hostname}: no such host`);
  if (/ECONNREFUSED|ConnectionRefused/.test(code))
    return say("refused", `dial tcp ${url.hostname}:${port}: connect: connection refused`);
  if (/EHOSTUNREACH|ENETUNREACH|FailedToOpenSocket/.test(code))
    return say("refused", `dial tcp ${url.hostname}:${port}: connect: no route to host`);
  const message = error instanceof Error ? error.message : String(error);
  if (/EPROTO|TLS_HANDSHAKE|WRONG_VERSION/.test(code))
    return say("tls", "http: server gave HTTP response to HTTPS client");
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(code))
    return say("certificate", `tls: failed to verify certificate: ${message}`);
  if (/RESET|EPIPE|Closed|ECONNABORTED/i.test(code))
    return say("reset", `read tcp ${url.host}: connection reset by peer`);
  if (/TIMEDOUT|Timeout/i.test(code)) return say("timeout", `dial tcp ${url.hostname}:${port}: i/o timeout`);
  return say("other", message);
}

/** The body as chunks; an error on the way is a NetworkError; nothing for `idle` milliseconds counts as one. */
export async function* bodyOf(response: Response, url: string, idle = 60_000): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      let timer: Timer | undefined;
      const silence = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new NetworkError("timeout", `${new URL(url).host}: no data for ${idle} ms`)),
          idle,
        );
      });
      const { value, done } = await Promise.race([reader.read(), silence]).finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw error instanceof NetworkError || (error as Error).name === "AbortError"
      ? error
      : networkError(new URL(url), error, `Get "${url}"`);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** A small body whole. Errors: NetworkError when it has more than `limit` bytes. */
export async function smallBody(response: Response, url: string, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyOf(response, url)) {
    size += chunk.length;
    if (size > limit) throw new NetworkError("other", `${url}: the answer has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
