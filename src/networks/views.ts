// Networks and endpoints as the Engine API shows them (28.5), and the filters of its list.
import type { Network as ApiNetwork, EndpointSettings, PortMap } from "../api/types/index.ts";
import { invalid, notFound } from "../base/errors.ts";
import { leadsOut } from "./gateways.ts";
import { parsePorts } from "./port-requests.ts";
import type { Rows } from "./rows.ts";
import type {
  EndpointRecord,
  NetworkFilters,
  NetworkRecord,
  SandboxRecord,
  SandboxRequest,
  SandboxStatus,
} from "./types.ts";

const withPrefix = (address: string | undefined, prefix: number | undefined) =>
  address ? `${address}/${prefix}` : "";

/** A network as `GET /networks/{id}` has it; the list leaves its containers out. */
export function networkToApi(rows: Rows, record: NetworkRecord, withContainers: boolean): ApiNetwork {
  const containers = withContainers
    ? rows.endpoints.where("networkId", record.id).map((endpoint) => [
        endpoint.sandboxId,
        {
          Name: rows.sandboxes.get(endpoint.sandboxId)?.request.containerName ?? "",
          EndpointID: endpoint.id,
          MacAddress: endpoint.mac ?? "",
          IPv4Address: withPrefix(endpoint.addresses.ipv4, endpoint.addresses.prefix4),
          IPv6Address: withPrefix(endpoint.addresses.ipv6, endpoint.addresses.prefix6),
        },
      ])
    : [];
  return {
    Name: record.name,
    Id: record.id,
    Created: record.createdAt,
    Scope: record.scope === "cluster" ? "swarm" : "local",
    Driver: record.driver,
    EnableIPv4: record.enableIPv4,
    EnableIPv6: record.enableIPv6,
    IPAM: {
      Driver: record.ipam?.driver ?? "default",
      // Go's nil, which the vocabulary has no word for.
      Options: record.ipam?.options ?? (null as unknown as Record<string, string>),
      Config:
        record.pools.length === 0
          ? (null as unknown as [])
          : record.pools.map(({ subnet, range, gateway, gatewayHidden, auxiliary }) => ({
              Subnet: subnet,
              ...(range && { IPRange: range }),
              ...(gateway && !gatewayHidden && { Gateway: gateway }),
              ...(auxiliary && { AuxiliaryAddresses: auxiliary }),
            })),
    },
    Internal: record.internal,
    Attachable: record.attachable,
    Ingress: false,
    ConfigFrom: { Network: record.configFrom ?? "" },
    ConfigOnly: record.configOnly ?? false,
    Containers: Object.fromEntries(containers),
    Options: record.options,
    Labels: record.labels,
  };
}

/** Full id, then name, then the beginning of an id, as Docker looks them up. */
export function findNetwork(rows: Rows, term: string): NetworkRecord {
  const exact = rows.networks.get(term) ?? rows.networks.where("name", term)[0];
  if (exact) return exact;
  const begun = term === "" ? [] : rows.networks.all().filter(({ id }) => id.startsWith(term));
  if (begun.length > 1)
    throw invalid(`network ${term} is ambiguous (${begun.length} matches found based on ID prefix)`);
  if (begun[0]) return begun[0];
  throw notFound(`network ${term} not found`);
}

/** The same, where it is there, and it alone. */
export function findIfThere(rows: Rows, term: string): NetworkRecord | undefined {
  try {
    return findNetwork(rows, term);
  } catch {
    return undefined;
  }
}

const FILTERS = ["dangling", "driver", "id", "label", "name", "scope", "type"];
const TRUE = ["1", "true"];
const FALSE = ["0", "false"];

/** The networks that pass all of the filters. Errors: invalid. */
export function filterNetworks(rows: Rows, filters: NetworkFilters): NetworkRecord[] {
  for (const key of Object.keys(filters))
    if (!FILTERS.includes(key)) throw invalid(`invalid filter '${key}'`);
  const { dangling, driver = [], id = [], label = [], name = [], scope = [], type = [] } = filters;
  for (const kind of type)
    if (kind !== "custom" && kind !== "builtin") throw invalid(`invalid filter: 'type'='${kind}'`);
  const wantsDangling = dangling && danglingOf(dangling);
  const any = (wanted: readonly string[], test: (text: string) => boolean) =>
    wanted.length === 0 || wanted.some(test);
  return rows.networks
    .all()
    .filter(
      (record) =>
        any(driver, (text) => text === record.driver) &&
        any(id, (text) => record.id.includes(text)) &&
        any(name, (text) => record.name.includes(text)) &&
        any(scope, (text) => text === (record.scope === "cluster" ? "swarm" : "local")) &&
        any(type, (text) => (text === "builtin") === record.builtIn) &&
        label.every((text) => hasLabel(record.labels, text)) &&
        (wantsDangling === undefined || wantsDangling === isDangling(rows, record)),
    );
}

function danglingOf(values: readonly string[]): boolean {
  const [value = ""] = values;
  if (values.length > 1) throw invalid('got more than one value for filter key "dangling"');
  if (![...TRUE, ...FALSE].includes(value))
    throw invalid('invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")');
  return TRUE.includes(value);
}

const isDangling = (rows: Rows, record: NetworkRecord) =>
  !record.builtIn && rows.endpoints.where("networkId", record.id).length === 0;

function hasLabel(labels: Record<string, string>, text: string): boolean {
  const equals = text.indexOf("=");
  if (equals < 0) return text in labels;
  return labels[text.slice(0, equals)] === text.slice(equals + 1);
}

/** A running container's settings, as inspect shows them. */
export function sandboxStatus(rows: Rows, sandbox: SandboxRecord, sandboxKey: string): SandboxStatus {
  if (sandbox.mode === "shared") return { sandboxId: "", sandboxKey: "", endpoints: {}, ports: {} };
  const endpoints: Record<string, EndpointSettings> = {};
  const ports: PortMap = {};
  for (const endpoint of rows.endpoints.where("sandboxId", sandbox.id)) {
    const network = rows.networks.get(endpoint.networkId);
    if (!network) continue;
    endpoints[network.name] = endpointToApi(sandbox, endpoint, network);
    if (network.driver === "bridge" && (leadsOut(endpoint, 4) || leadsOut(endpoint, 6)))
      addPorts(ports, sandbox, endpoint);
  }
  return { sandboxId: sandbox.key, sandboxKey, endpoints, ports };
}

/** The settings of a container without a sandbox: what was asked for, and no addresses. */
export function idleStatus(
  rows: Rows,
  request: SandboxRequest,
  names: readonly string[],
  started: boolean,
): SandboxStatus {
  const endpoints: Record<string, EndpointSettings> = {};
  for (const other of names) {
    const known = findIfThere(rows, other);
    const network = started ? known : undefined;
    endpoints[known?.name ?? other] = settings(request, other, {
      networkId: network?.id ?? "",
      endpointId: "",
      addresses: {},
      // Until its first start what was asked for is shown.
      ...(!started && { mac: settingsMac(request, other) }),
      named: network !== undefined && !network.builtIn,
    });
  }
  return { sandboxId: "", sandboxKey: "", endpoints, ports: {} };
}

const settingsMac = (request: SandboxRequest, network: string): string =>
  request.networkingConfig?.EndpointsConfig?.[network]?.MacAddress ?? "";

function endpointToApi(
  sandbox: SandboxRecord,
  endpoint: EndpointRecord,
  network: NetworkRecord,
): EndpointSettings {
  const { mac, addresses } = endpoint;
  return settings(sandbox.request, network.name, {
    networkId: network.id,
    endpointId: endpoint.id,
    addresses,
    ...(mac && { mac }),
    named: !network.builtIn,
  });
}

function settings(
  request: SandboxRequest,
  network: string,
  {
    networkId,
    endpointId,
    addresses,
    mac,
    named,
  }: {
    networkId: string;
    endpointId: string;
    addresses: EndpointRecord["addresses"];
    mac?: string;
    /** Only user-defined networks have a name service. */
    named: boolean;
  },
): EndpointSettings {
  const { ipv4, ipv6, prefix4, prefix6, gateway4, gateway6 } = addresses;
  const asked = request.networkingConfig?.EndpointsConfig?.[network];
  const none = null as unknown as string[];
  return {
    IPAMConfig: asked?.IPAMConfig ?? null,
    Links: asked?.Links ?? none,
    Aliases: asked?.Aliases ?? none,
    MacAddress: mac ?? "",
    DriverOpts: asked?.DriverOpts ?? null,
    GwPriority: asked?.GwPriority ?? 0,
    NetworkID: networkId,
    EndpointID: endpointId,
    Gateway: gateway4 ?? "",
    IPAddress: ipv4 ?? "",
    IPPrefixLen: ipv4 ? (prefix4 ?? 0) : 0,
    IPv6Gateway: gateway6 ?? "",
    GlobalIPv6Address: ipv6 ?? "",
    GlobalIPv6PrefixLen: ipv6 ? (prefix6 ?? 0) : 0,
    DNSNames: named ? dnsNames(request, asked) : none,
  };
}

/** The names by which a container is found in a network, its own first: daemon/container_operations.go. */
export function dnsNames(request: SandboxRequest, asked: EndpointSettings | undefined): string[] {
  const { containerName, containerId, hostname } = request;
  const names = [containerName, ...(asked?.Aliases ?? []), containerId.slice(0, 12), hostname];
  return [...new Set(names.filter((name) => name !== ""))];
}

function addPorts(ports: PortMap, sandbox: SandboxRecord, endpoint: EndpointRecord): void {
  for (const { port, protocol } of parsePorts(sandbox.request).exposed) ports[`${port}/${protocol}`] ??= null;
  for (const { containerPort, protocol, hostAddress, hostPort } of endpoint.ports) {
    const key = `${containerPort}/${protocol}`;
    ports[key] = [...(ports[key] ?? []), { HostIp: hostAddress, HostPort: hostPort ? String(hostPort) : "" }];
  }
}
