// The files that a container gets from its sandbox: /etc/hosts and /etc/resolv.conf.
import { readFileSync } from "node:fs";
import { hostsFile } from "./hosts-file.ts";
import { resolvConf } from "./resolv-conf.ts";
import type { EndpointRecord, NetworksConfig, SandboxRecord } from "./types.ts";

const HOSTS = "/etc/hosts";
const RESOLV_CONF = "/etc/resolv.conf";
/** Where systemd-resolved keeps the real servers, when the usual file names only its own stub. */
const BEHIND_STUB = "/run/systemd/resolve/resolv.conf";

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The host's file of name servers: the one behind systemd-resolved's stub, where it has that. */
export function resolvConfPath(): string {
  const servers = [...readText(RESOLV_CONF).matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server]) => server);
  return servers.length === 1 && servers[0] === "127.0.0.53" ? BEHIND_STUB : RESOLV_CONF;
}

const either = (own: readonly string[], daemons: readonly string[]) => (own.length > 0 ? own : daemons);

/**
 * @param named whether the sandbox has the name server
 * @param gateways what `host-gateway` stands for: the default bridge's addresses
 */
export function sandboxFiles(
  sandbox: SandboxRecord,
  endpoints: readonly EndpointRecord[],
  config: NetworksConfig,
  { named, gateways }: { named: boolean; gateways: readonly string[] },
): { hosts: string; resolvConf: string } {
  const { request } = sandbox;
  const ownHost = sandbox.mode === "host";
  const addresses = endpoints.flatMap(({ addresses: { ipv4, ipv6 } }) =>
    [ipv4, ipv6].filter((ip) => ip !== undefined),
  );
  const path = ownHost ? RESOLV_CONF : resolvConfPath();
  return {
    // The host's own file, unless something is to be added to it: Docker's way.
    hosts:
      ownHost && request.extraHosts.length === 0
        ? readText(HOSTS)
        : hostsFile({ ...request, addresses, gateways: config.hostGatewayIps ?? gateways }),
    resolvConf: resolvConf({
      host: readText(path),
      hostPath: path,
      kind: ownHost ? "host" : named ? "internal" : "legacy",
      ipv6: endpoints.some((endpoint) => endpoint.addresses.ipv6),
      dns: either(request.dns, config.dns),
      dnsSearch: either(request.dnsSearch, config.dnsSearch),
      dnsOptions: either(request.dnsOptions, config.dnsOptions),
    }),
  };
}
