// A bearer token of a registry's authority (distribution specification, "Token authentication"): by OAuth's password
// grant where there are credentials, else without.

export interface TokenRequest {
  realm: string;
  service: string;
  scopes: string[];
  clientId: string;
  username: string;
  secret: string;
}

export interface Token {
  token: string;
  /** Seconds. */
  expiresIn: number;
  /** Seconds since 1970; 0 where the authority doesn't say. */
  issuedAt: number;
}

/** What is assumed where the authority doesn't say how long. */
const SHORT_LIFE = 60;
/** Registries without the POST form answer so (docker/cli, GCR, JFrog). */
const NO_POST = new Set([401, 404, 405]);

/** Throws an Error with the authority's status where it refuses. */
export async function fetchToken(request: TokenRequest): Promise<Token> {
  if (!request.secret) return byGet(request);
  const answer = await fetch(request.realm, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" },
    body: new URLSearchParams({
      grant_type: request.username ? "password" : "refresh_token",
      service: request.service,
      client_id: request.clientId,
      ...(request.scopes.length > 0 && { scope: request.scopes.join(" ") }),
      ...(request.username
        ? { username: request.username, password: request.secret }
        : { refresh_token: request.secret }),
    }),
  });
  if (NO_POST.has(answer.status) && (answer.status !== 405 || request.username)) return byGet(request);
  return tokenOf(answer, "failed to fetch oauth token");
}

async function byGet({ realm, service, scopes, username, secret }: TokenRequest): Promise<Token> {
  const address = new URL(realm);
  if (service) address.searchParams.append("service", service);
  for (const scope of scopes) address.searchParams.append("scope", scope);
  const pair = Buffer.from(`${username}:${secret}`).toString("base64");
  const answer = await fetch(address, { headers: secret ? { Authorization: `Basic ${pair}` } : {} });
  return tokenOf(answer, secret ? "failed to fetch oauth token" : "failed to fetch anonymous token");
}

async function tokenOf(answer: Response, what: string): Promise<Token> {
  const text = await answer.text();
  if (!answer.ok)
    throw new Error(`${what}: unexpected status from ${answer.url}: ${answer.status} ${answer.statusText}`);
  const { token, access_token, expires_in, issued_at } = JSON.parse(text) as Record<string, unknown>;
  const found = access_token ?? token;
  if (typeof found !== "string" || !found)
    throw new Error(`${what}: authorization server did not include a token in the response`);
  const issued = typeof issued_at === "string" ? Date.parse(issued_at) : Number.NaN;
  return {
    token: found,
    expiresIn: typeof expires_in === "number" && expires_in > 0 ? expires_in : SHORT_LIFE,
    issuedAt: Number.isNaN(issued) ? 0 : Math.floor(issued / 1000),
  };
}
