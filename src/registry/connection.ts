// Requests to one repository: tries the endpoints in their order, answers challenges, tries again what failed for a
// passing reason. One connection serves one operation; its requests may run side by side.
import { Authorizer, hostOfCredentials } from "./authorizer.ts";
import { type HttpRequest, NetworkError, send } from "./transport.ts";
import type { Endpoint, RegistryAuth } from "./types.ts";

export interface ConnectionOptions {
  endpoints: Endpoint[];
  auth?: RegistryAuth;
  /** Token scopes, as `repository:library/busybox:pull`. */
  scopes: string[];
  attempts: number;
  signal: AbortSignal;
  /** Milliseconds for the very first answer, when waiting longer is worse than giving up. */
  firstAnswerWithin?: number;
}

export interface ConnectionRequest {
  method: HttpRequest["method"];
  /** Below `BASE/v2/`, or a whole URL that the registry gave us (`Location`). */
  path: string;
  headers?: Record<string, string>;
  body?: HttpRequest["body"];
  /** More rights than the connection's own, for a mount from another repository. */
  scopes?: string[];
  /** Default: the connection's. */
  signal?: AbortSignal;
  /** False for what must not be sent twice (starting an upload is harmless, though). Default true. */
  retry?: boolean;
}

export interface Answer {
  response: Response;
  /** Where it came from, for `Location` and `Link`. */
  url: string;
}

const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);
const MAX_PAUSE = 5_000;
const MAX_RETRY_AFTER = 30_000;

export class Connection {
  private readonly authorizers = new Map<Endpoint, Authorizer>();
  /** The endpoint that answered last: the others are asked only when it fails. */
  private preferred: Endpoint | undefined;
  private somebodyThere = false;

  constructor(private readonly options: ConnectionOptions) {}

  get signal(): AbortSignal {
    return this.options.signal;
  }

  /** An endpoint gave an answer, were it a refusal or a redirect, or failed as only one that is there can. */
  get reached(): boolean {
    return this.somebodyThere;
  }

  /** The answer of the first endpoint that gives one, whatever its status. Errors: NetworkError, unauthorized. */
  async request(request: ConnectionRequest): Promise<Answer> {
    if (URL.canParse(request.path)) return await this.tryEndpoint(this.endpointOf(request.path), request);
    let failure: unknown;
    for (const endpoint of this.order()) {
      try {
        const answer = await this.tryEndpoint(endpoint, request);
        if (endpoint.mirror && !answer.response.ok) {
          await answer.response.body?.cancel();
          continue;
        }
        this.preferred = endpoint;
        return answer;
      } catch (error) {
        (request.signal ?? this.signal).throwIfAborted();
        if (!endpoint.mirror) failure ??= error;
        if (!endpoint.mirror && !maySpeakPlainly(error)) throw error;
      }
    }
    throw failure;
  }

  /** The preferred endpoint first, then the others; plain HTTP is not gone back to HTTPS from. */
  private order(): Endpoint[] {
    const { endpoints } = this.options;
    const preferred = this.preferred;
    if (!preferred) return endpoints;
    return [preferred, ...endpoints.filter((e) => e !== preferred && (preferred.mirror || e.mirror))];
  }

  private endpointOf(url: string): Endpoint {
    const { host } = new URL(url);
    const known = this.options.endpoints.find((endpoint) => endpoint.host === host);
    return known ?? { base: new URL(url).origin, host, mirror: true, insecure: false };
  }

  private authorizer(endpoint: Endpoint): Authorizer {
    let authorizer = this.authorizers.get(endpoint);
    if (!authorizer) {
      authorizer = new Authorizer(endpoint, this.credentialsFor(endpoint), this.options.scopes);
      this.authorizers.set(endpoint, authorizer);
    }
    return authorizer;
  }

  /** Credentials are for the registry that they name; a mirror or another host gets none. */
  private credentialsFor(endpoint: Endpoint): RegistryAuth | undefined {
    const { auth } = this.options;
    if (!auth || endpoint.mirror) return undefined;
    const host = hostOfCredentials(auth);
    return host === undefined || host === endpoint.host ? auth : undefined;
  }

  private async tryEndpoint(endpoint: Endpoint, request: ConnectionRequest): Promise<Answer> {
    const attempts = request.retry === false ? 1 : this.options.attempts;
    const signal = request.signal ?? this.signal;
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.authorized(endpoint, request);
        const { response } = answer;
        if (!TRANSIENT.has(response.status) || attempt >= attempts) return answer;
        await response.body?.cancel();
        await pause(attempt, signal, response.headers.get("retry-after"));
      } catch (error) {
        this.somebodyThere ||= !saysNobodyThere(error);
        const isImpatient = !this.somebodyThere && this.options.firstAnswerWithin !== undefined;
        if (attempt >= attempts || isImpatient || !mayPass(error)) throw error;
        await pause(attempt, signal);
      }
    }
  }

  /** Sends with what the authorizer has; once more for each challenge that it can answer, at most twice. */
  private async authorized(endpoint: Endpoint, request: ConnectionRequest): Promise<Answer> {
    const url = URL.canParse(request.path) ? request.path : `${endpoint.base}/v2/${request.path}`;
    const authorizer = this.authorizer(endpoint);
    const signal = request.signal ?? this.signal;
    for (let challenges = 0; ; challenges++) {
      const authorization = authorizer.authorization();
      const response = await send({
        method: request.method,
        url,
        headers: { ...request.headers, ...(authorization && { authorization }) },
        ...(request.body && { body: request.body }),
        insecure: endpoint.insecure,
        signal,
        onAnswer: () => {
          this.somebodyThere = true;
        },
        ...(!this.somebodyThere &&
          this.options.firstAnswerWithin && { answerWithin: this.options.firstAnswerWithin }),
      });
      if (response.status !== 401 || challenges === 2) return { response, url };
      if (!(await authorizer.answer(response, authorization, signal, request.scopes)))
        return { response, url };
      await response.body?.cancel();
    }
  }
}

/** Whether a registry that may be insecure is worth asking over plain HTTP. */
const maySpeakPlainly = (error: unknown): boolean =>
  error instanceof NetworkError && (error.failure === "tls" || error.failure === "refused");

/** No such host, nobody who listens there, or only silence; a bad certificate or a cut connection is somebody's. */
const saysNobodyThere = (error: unknown): boolean =>
  error instanceof NetworkError && ["dns", "refused", "timeout"].includes(error.failure);

/** A host that is not there or refuses is not waited for: the person should hear of it at once. */
export const mayPass = (error: unknown): boolean =>
  error instanceof NetworkError && (error.failure === "reset" || error.failure === "timeout");

/** Waits before the next try: 0.2 s, 0.4 s, … or as long as the registry says. */
export async function pause(attempt: number, signal: AbortSignal, retryAfter?: string | null): Promise<void> {
  const asked = Number(retryAfter ?? Number.NaN) * 1000;
  const milliseconds = Number.isFinite(asked)
    ? Math.min(asked, MAX_RETRY_AFTER)
    : Math.min(100 * 2 ** attempt, MAX_PAUSE);
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  signal.throwIfAborted();
}
