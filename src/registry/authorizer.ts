// Answers a registry's challenges (distribution-spec; docs "Token Authentication" and "OAuth2" of distribution):
// Basic with the name and password, Bearer with a token from the service that the registry names.
import { unauthorized } from "../base/errors.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { refusal } from "./errors.ts";
import { send, smallBody } from "./transport.ts";
import type { Endpoint, RegistryAuth } from "./types.ts";

const CLIENT_ID = "docker";
const MAX_TOKEN_ANSWER = 1 << 20;
/** The shortest life of a token by the specification ("expires_in" defaults to 60 seconds). */
const DEFAULT_LIFE = 60;

/** Holds what one endpoint let us in with, for one operation. */
export class Authorizer {
  private header: string | undefined;
  private expiresAt = Number.POSITIVE_INFINITY;
  private readonly renewals = new Map<string, Promise<void>>();
  /** Set by a token service that gave out a refresh token (login). */
  refreshToken: string | undefined;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly auth: RegistryAuth | undefined,
    private readonly scopes: string[],
  ) {
    if (auth?.registrytoken) this.header = `Bearer ${auth.registrytoken}`;
  }

  /** What to send with a request to the endpoint's own host; undefined before the first challenge. */
  authorization(): string | undefined {
    return Date.now() < this.expiresAt ? this.header : undefined;
  }

  /**
   * Takes a 401 answer to a request that was sent with `sent` as its authorization; true when it is worth sending again.
   * Requests run side by side: another one's challenge may have been answered meanwhile.
   * Errors: unauthorized, in the words of Docker, when there is nothing to answer with.
   */
  async answer(
    response: Response,
    sent: string | undefined,
    signal: AbortSignal,
    extraScopes: string[] = [],
  ): Promise<boolean> {
    const challenges = parseChallenges(response.headers.get("www-authenticate") ?? "");
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer && !this.auth?.registrytoken) {
      const known = this.authorization();
      if (known === undefined || known === sent || extraScopes.length > 0)
        await this.renew(bearer, signal, extraScopes);
      return this.header !== sent;
    }
    if (challenges.some(({ scheme }) => scheme === "basic")) {
      if (!this.auth?.username) throw unauthorized("no basic auth credentials");
      this.header = basic(this.auth);
      return this.header !== sent;
    }
    return false;
  }

  /** Gets a token, once for all who want the same one now. */
  private async renew(challenge: Challenge, signal: AbortSignal, extra: string[]): Promise<void> {
    const key = extra.join(" ");
    const underway = this.renewals.get(key);
    if (underway) {
      try {
        await underway;
        return;
      } catch {
        // Whoever asked may have been given up; this caller hasn't.
        signal.throwIfAborted();
      }
    }
    const own = this.takeToken(challenge, signal, extra).finally(() => this.renewals.delete(key));
    this.renewals.set(key, own);
    await own;
  }

  private async takeToken(challenge: Challenge, signal: AbortSignal, extra: string[]): Promise<void> {
    const { token, seconds } = await this.fetchToken(challenge, signal, extra);
    this.header = `Bearer ${token}`;
    // A token is renewed a little before its end: the request that carries it takes time as well.
    this.expiresAt = Date.now() + Math.max(seconds - 10, 5) * 1000;
  }

  private async fetchToken(
    challenge: Challenge,
    signal: AbortSignal,
    extra: string[],
  ): Promise<{ token: string; seconds: number }> {
    const { realm, service = "", scope = "" } = challenge.parameters;
    const url = realm === undefined ? undefined : URL.parse(realm);
    if (!url || (url.protocol !== "https:" && url.protocol !== "http:"))
      throw unauthorized(`${this.endpoint.host} asks for a token without saying where: no valid realm`);
    // A registry that is reached safely may not have the password sent in the clear.
    if (url.protocol === "http:" && !this.endpoint.insecure)
      throw unauthorized(
        `${this.endpoint.host} names a token service without HTTPS (${url.host}): credentials are not sent there`,
      );
    const scopes = [...new Set([...this.scopes, ...extra, ...scope.split(" ").filter(Boolean)])];
    const refresh = this.auth?.identitytoken ?? this.refreshToken;
    const response = refresh
      ? await this.exchangeRefreshToken(url, service, scopes, refresh, signal)
      : await this.askForToken(url, service, scopes, signal);
    const bytes = await smallBody(response, url.href, MAX_TOKEN_ANSWER);
    if (response.status !== 200) {
      const said = refusal("GET", url.origin + url.pathname, response.status, bytes).message;
      throw unauthorized(`failed to fetch ${this.auth?.username ? "oauth" : "anonymous"} token: ${said}`);
    }
    return this.readToken(bytes, url.host);
  }

  private readToken(bytes: Uint8Array, host: string): { token: string; seconds: number } {
    let answer: Record<string, unknown> = {};
    try {
      answer = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    } catch {
      // Falls through to the complaint below: an answer without a token.
    }
    const token = answer.token ?? answer.access_token;
    if (typeof token !== "string" || token === "")
      throw unauthorized(`authorization server ${host} did not include a token in the response`);
    if (typeof answer.refresh_token === "string") this.refreshToken = answer.refresh_token;
    return { token, seconds: typeof answer.expires_in === "number" ? answer.expires_in : DEFAULT_LIFE };
  }

  private askForToken(realm: URL, service: string, scopes: string[], signal: AbortSignal): Promise<Response> {
    const url = new URL(realm);
    if (service) url.searchParams.set("service", service);
    for (const scope of scopes) url.searchParams.append("scope", scope);
    if (this.auth?.username) {
      url.searchParams.set("account", this.auth.username);
      url.searchParams.set("offline_token", "true");
      url.searchParams.set("client_id", CLIENT_ID);
    }
    const headers: Record<string, string> = this.auth?.username ? { authorization: basic(this.auth) } : {};
    return send({
      method: "GET",
      url: url.href,
      headers,
      insecure: this.endpoint.insecure,
      signal,
    });
  }

  private exchangeRefreshToken(
    realm: URL,
    service: string,
    scopes: string[],
    token: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: token,
      service,
      client_id: CLIENT_ID,
      scope: scopes.join(" "),
    });
    return send({
      method: "POST",
      url: realm.href,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: () => form.toString(),
      secretBody: true,
      insecure: this.endpoint.insecure,
      signal,
    });
  }
}

const basic = (auth: RegistryAuth): string =>
  `Basic ${Buffer.from(`${auth.username}:${auth.password ?? ""}`).toString("base64")}`;

/** The host that credentials belong to, from the several ways in which clients name it; undefined: unnamed. */
export function hostOfCredentials(auth: RegistryAuth): string | undefined {
  const host = (auth.serveraddress ?? "").replace(/^https?:\/\//, "").split("/", 1)[0];
  if (!host) return undefined;
  return host === "index.docker.io" || host === "docker.io" ? "registry-1.docker.io" : host;
}
