// Where a registry is reached: mirrors first for docker.io, HTTPS first everywhere, plain HTTP only where the
// configuration or the address (loopback) says that it may be.
import { lookup } from "node:dns/promises";
import { DEFAULT_DOMAIN } from "../oci/reference.ts";
import { contains, isLoopback } from "./proxy.ts";
import type { Endpoint, RegistrySettings } from "./types.ts";

/** docker.io is a name only; this host serves it. */
const HUB = "registry-1.docker.io";

const hostOnly = (host: string): string =>
  host.startsWith("[") ? host.slice(1, host.indexOf("]")) : host.replace(/:\d+$/, "");

/** Whether plain HTTP and unknown certificates are accepted at `host` (`name:port`), as dockerd decides it. */
export async function isInsecure(host: string, settings: RegistrySettings): Promise<boolean> {
  const listed = settings.insecureRegistries.map((entry) => entry.replace(/^https?:\/\//i, ""));
  if (listed.includes(host)) return true;
  const name = hostOnly(host);
  if (name === "localhost" || isLoopback(name)) return true;
  const blocks = listed.filter((entry) => entry.includes("/"));
  if (blocks.some((block) => contains(block, name))) return true;
  if (blocks.length === 0 || host === HUB) return false;
  // A name counts as what it resolves to; what doesn't resolve can't be reached anyway.
  const addresses = await lookup(name, { all: true }).catch(() => []);
  return addresses.some(({ address }) => blocks.some((block) => contains(block, address)));
}

/** The places to ask for a repository of `domain`, best first. `push` leaves mirrors out: they are for reading. */
export async function endpointsOf(
  domain: string,
  settings: RegistrySettings,
  use: "pull" | "push",
): Promise<Endpoint[]> {
  const own = domain === DEFAULT_DOMAIN ? HUB : domain;
  const mirrors = domain === DEFAULT_DOMAIN && use === "pull" ? settings.registryMirrors : [];
  const endpoints: Endpoint[] = [];
  for (const mirror of mirrors) {
    const url = new URL(mirror);
    const insecure = await isInsecure(url.host, settings);
    endpoints.push({ base: mirror.replace(/\/+$/, ""), host: url.host, mirror: true, insecure });
  }
  const insecure = await isInsecure(own, settings);
  endpoints.push({ base: `https://${own}`, host: own, mirror: false, insecure });
  if (insecure) endpoints.push({ base: `http://${own}`, host: own, mirror: false, insecure });
  return endpoints;
}
