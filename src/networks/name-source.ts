// Who is called what in which network, as the rows say: what the name server (names/) answers from. An index of each network
// is kept until a row changes, since every question of every container comes here.
import { readFileSync } from "node:fs";
import { type Attached, byPreference, leadsOut } from "./gateways.ts";
import type { NameSource, Upstream } from "./names/index.ts";
import { externalServers, ndotsSet } from "./resolv-conf.ts";
import type { Rows } from "./rows.ts";
import { resolvConfPath } from "./sandbox-files.ts";
import { settingsOf } from "./sandbox-rows.ts";
import type { EndpointRecord, NetworkRecord, NetworksConfig, SandboxRecord } from "./types.ts";
import { dnsNames } from "./views.ts";

/** One network's names. */
interface NetworkNames {
  name: string;
  addresses: Map<string, { four: string[]; six: string[] }>;
  /** The first name of who has an address. */
  names: Map<string, string>;
}

/** What one sandbox sees. */
interface View {
  networks: { names: NetworkNames; links: ReadonlyMap<string, string> }[];
  upstream: Upstream[];
  ndotsSet: boolean;
}

/** Whether a sandbox's names are ours to answer: it is on a network that somebody made. */
export const hasNames = (sandbox: SandboxRecord, networks: readonly NetworkRecord[]): boolean =>
  sandbox.mode === "private" && networks.some(({ builtIn }) => !builtIn);

export function openNameSource(options: {
  rows: Rows;
  config: NetworksConfig;
  /** A sandbox's endpoints with their networks. */
  attached: (sandbox: SandboxRecord) => Attached[];
}): NameSource {
  const { rows, config } = options;
  let revision = -1;
  const networks = new Map<string, NetworkNames>();
  const views = new Map<string, View>();

  return {
    addresses(sandboxId, name, family) {
      for (const { names, links } of viewOf(sandboxId).networks) {
        const found =
          lookUp(names, links.get(name) ?? name) ?? lookUp(names, withoutNetwork(name, names.name));
        if (found) return family === 4 ? found.four : found.six;
      }
      return undefined;
    },
    nameOf(sandboxId, address) {
      for (const { names } of viewOf(sandboxId).networks) {
        const name = names.names.get(address);
        if (name !== undefined) return `${name}.${names.name}`;
      }
      return undefined;
    },
    upstream: (sandboxId) => viewOf(sandboxId).upstream,
    ndotsSet: (sandboxId) => viewOf(sandboxId).ndotsSet,
  };

  function viewOf(sandboxId: string): View {
    if (revision !== rows.revision()) {
      revision = rows.revision();
      networks.clear();
      views.clear();
    }
    let view = views.get(sandboxId);
    if (!view) {
      view = makeView(sandboxId);
      views.set(sandboxId, view);
    }
    return view;
  }

  function makeView(sandboxId: string): View {
    const sandbox = rows.sandboxes.get(sandboxId);
    if (!sandbox) return { networks: [], upstream: [], ndotsSet: false };
    const { request } = sandbox;
    const attached = options.attached(sandbox).sort(byPreference);
    const host = readHostFile();
    const dns = request.dns.length > 0 ? request.dns : config.dns;
    const dnsOptions = request.dnsOptions.length > 0 ? request.dnsOptions : config.dnsOptions;
    return {
      networks: attached
        .filter(({ network }) => !network.builtIn)
        .map(({ network }) => ({
          names: namesOf(network),
          links: linksOf(settingsOf(request, network)?.Links ?? []),
        })),
      // What can't get out asks nobody out there either (CVE-2024-29018).
      upstream: attached.some(({ endpoint }) => leadsOut(endpoint, 4) || leadsOut(endpoint, 6))
        ? externalServers({ host, dns }).map(({ address, fromHost }) => ({ address, inside: !fromHost }))
        : [],
      ndotsSet: ndotsSet({ host, dnsOptions }),
    };
  }

  function namesOf(network: NetworkRecord): NetworkNames {
    const known = networks.get(network.id);
    if (known) return known;
    const made: NetworkNames = { name: network.name, addresses: new Map(), names: new Map() };
    for (const endpoint of rows.endpoints.where("networkId", network.id)) addNames(made, network, endpoint);
    networks.set(network.id, made);
    return made;
  }

  function addNames(index: NetworkNames, network: NetworkRecord, endpoint: EndpointRecord): void {
    const request = rows.sandboxes.get(endpoint.sandboxId)?.request;
    if (!request) return;
    const { ipv4, ipv6 } = endpoint.addresses;
    const all = dnsNames(request, settingsOf(request, network));
    for (const name of all.map((text) => text.toLowerCase())) {
      const entry = index.addresses.get(name) ?? { four: [], six: [] };
      if (ipv4) entry.four.push(ipv4);
      if (ipv6) entry.six.push(ipv6);
      index.addresses.set(name, entry);
    }
    const [first] = all;
    for (const address of [ipv4, ipv6]) if (address && first) index.names.set(address, first);
  }
}

const lookUp = (names: NetworkNames, name: string | undefined) =>
  name === undefined ? undefined : names.addresses.get(name);

/** "web.frontend" → "web" in the network frontend. */
function withoutNetwork(name: string, network: string): string | undefined {
  const suffix = `.${network.toLowerCase()}`;
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
}

/** "container:alias" → by alias, in lower case. */
function linksOf(links: readonly string[]): Map<string, string> {
  return new Map(
    links.map((link) => {
      const [container = "", alias = container] = link.split(":");
      return [alias.toLowerCase(), container.replace(/^\//, "").toLowerCase()];
    }),
  );
}

function readHostFile(): string {
  try {
    return readFileSync(resolvConfPath(), "utf8");
  } catch {
    return "";
  }
}
