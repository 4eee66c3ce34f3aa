// The check behind `login`: are these credentials good at that registry (POST /auth)?
import { BerthError, messageOf, systemError, unauthorized } from "../base/errors.ts";
import { Authorizer } from "./authorizer.ts";
import { endpointsOf } from "./endpoints.ts";
import { statusText } from "./errors.ts";
import { NetworkError, send, smallBody } from "./transport.ts";
import type { RegistryAuth, RegistrySettings } from "./types.ts";

const HUB_HOSTS = new Set(["index.docker.io", "docker.io", "registry-1.docker.io"]);

/**
 * Asks the registry's base URL with the credentials. Answers the identity token that a token service gave out, else "".
 * Errors: unauthorized when they are refused; system when the registry can't be asked.
 */
export async function login(
  auth: RegistryAuth,
  settings: RegistrySettings,
  signal: AbortSignal,
): Promise<{ identityToken: string }> {
  const address = (auth.serveraddress ?? "").replace(/^https?:\/\//, "").split("/", 1)[0] || "docker.io";
  const domain = HUB_HOSTS.has(address) ? "docker.io" : address;
  let failure: unknown;
  for (const endpoint of await endpointsOf(domain, settings, "push")) {
    const url = `${endpoint.base}/v2/`;
    const authorizer = new Authorizer(endpoint, { ...auth, registrytoken: undefined }, []);
    try {
      for (let tries = 0; ; tries++) {
        const authorization = authorizer.authorization();
        const headers = authorization ? { authorization } : undefined;
        const response = await send({ method: "GET", url, headers, insecure: endpoint.insecure, signal });
        await smallBody(response, url, 1 << 20);
        if (response.ok) return { identityToken: authorizer.refreshToken ?? "" };
        if (
          response.status === 401 &&
          tries < 2 &&
          (await authorizer.answer(response, authorization, signal))
        )
          continue;
        const said = `login attempt to ${url} failed with status: ${response.status} ${statusText(response.status)}`;
        throw response.status === 401 ? unauthorized(said) : systemError(said);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BerthError) throw error;
      failure = systemError(messageOf(error), error);
      if (!(error instanceof NetworkError)) break;
    }
  }
  throw failure;
}
