// The decisions about a sandbox, as rows: its endpoints, their addresses and names, and where its ports are published. Touches
// no kernel, but for host ports, which are tried by binding them. Inside the caller's transaction.
import type { EndpointSettings } from "../api/types/index.ts";
import { conflict, forbidden, messageOf, systemError } from "../base/errors.ts";
import type { Allocation, NetworkDriver, Publishing } from "./drivers/types.ts";
import { checkSettings, chooseAddresses } from "./endpoint-addresses.ts";
import { type Attached, gatewaysOf } from "./gateways.ts";
import { type HostPorts, hasIpv6 } from "./host-ports.ts";
import { interfaceNameOf } from "./interface-names.ts";
import { newId } from "./network-record.ts";
import { type PortRequest, parsePorts } from "./port-requests.ts";
import { checkCompany, networkNames, networkOfMode, sharedContainer } from "./request-check.ts";
import { addressRow, deleteEndpointRows, portRow, type Rows } from "./rows.ts";
import type {
  EndpointRecord,
  NetworkRecord,
  NetworksConfig,
  SandboxRecord,
  SandboxRequest,
} from "./types.ts";
import { findNetwork } from "./views.ts";

export interface SandboxRows {
  /** The rows of a container that starts. */
  allocate(request: SandboxRequest): SandboxRecord;
  /** One endpoint more for a sandbox that is there. Errors: forbidden when it has one in the network. */
  addEndpoint(sandbox: SandboxRecord, network: NetworkRecord, settings: EndpointSettings): EndpointRecord;
  removeEndpoint(endpoint: EndpointRecord): void;
  /** The endpoints of a sandbox with their networks. */
  attached(sandbox: SandboxRecord): Attached[];
  /** Publishes the sandbox's ports where it leads out by now. */
  settlePorts(sandbox: SandboxRecord): void;
}

/** What was asked for a sandbox's endpoint in a network: a sandbox's request has them by the networks' names (`settled`). */
export const settingsOf = (request: SandboxRequest, network: NetworkRecord): EndpointSettings | undefined =>
  request.networkingConfig?.EndpointsConfig?.[network.name];

export function openSandboxRows(options: {
  rows: Rows;
  config: NetworksConfig;
  hostPorts: HostPorts;
  driverOf: (network: NetworkRecord) => NetworkDriver;
}): SandboxRows {
  const { rows, config, hostPorts, driverOf } = options;
  return {
    allocate,
    addEndpoint,
    removeEndpoint: (endpoint) => deleteEndpointRows(rows, endpoint),
    attached,
    settlePorts,
  };

  function allocate(request: SandboxRequest): SandboxRecord {
    const shared = sharedContainer(request.networkMode);
    if (shared !== undefined) return allocateShared(request, shared);
    const { settled, networks } = settle(request);
    const [main] = networks;
    if (main) checkCompany(main.name, settled);
    const sandbox: SandboxRecord = {
      id: request.containerId,
      key: newId(),
      mode: main ? driverOf(main).sandbox : "private",
      scope: "local",
      request: settled,
    };
    rows.sandboxes.put(sandbox);
    for (const network of networks) addEndpoint(sandbox, network, settingsOf(settled, network) ?? {});
    settlePorts(sandbox);
    return sandbox;
  }

  /**
   * The networks, the mode's first where it is one of them (its device is eth0), and the request by their names: somebody may
   * have named them by ids, or by the beginnings of those, which another network's name may be too.
   */
  function settle(request: SandboxRequest): { settled: SandboxRequest; networks: NetworkRecord[] } {
    const asked = request.networkingConfig?.EndpointsConfig ?? {};
    const own = networkOfMode(request.networkMode, config.bridge === "none");
    const networks = new Map<string, NetworkRecord>();
    const EndpointsConfig: Record<string, EndpointSettings> = {};
    let { networkMode } = request;
    for (const name of networkNames(request, config.bridge === "none")) {
      const network = findNetwork(rows, name);
      networks.set(network.id, network);
      const settings = asked[name] ?? (name === own ? asked[request.networkMode] : undefined);
      if (settings) EndpointsConfig[network.name] ??= settings;
      if (name === own) networkMode = network.name;
    }
    const settled = { ...request, networkMode, networkingConfig: { EndpointsConfig } };
    return { settled, networks: [...networks.values()] };
  }

  function allocateShared(request: SandboxRequest, owner: string): SandboxRecord {
    if (owner === request.containerId) throw systemError("cannot join own network namespace");
    if (!rows.sandboxes.get(owner))
      throw conflict(`cannot join network namespace of a non running container: container ${owner}`);
    const sandbox: SandboxRecord = {
      id: request.containerId,
      key: "",
      mode: "shared",
      sharedWith: owner,
      scope: "local",
      request,
    };
    rows.sandboxes.put(sandbox);
    return sandbox;
  }

  function addEndpoint(
    sandbox: SandboxRecord,
    network: NetworkRecord,
    settings: EndpointSettings,
  ): EndpointRecord {
    if (network.configOnly) throw forbidden("cannot create endpoint on configuration-only network");
    if (!network.builtIn) checkSettings(settings, network);
    const { request } = sandbox;
    const siblings = rows.endpoints.where("sandboxId", sandbox.id);
    if (siblings.some(({ networkId }) => networkId === network.id))
      throw forbidden(
        `endpoint with name ${request.containerName} already exists in network ${network.name}`,
      );
    // A container's own MAC address (`--mac-address` of old) is that of the mode's network.
    const mac =
      settings.MacAddress || (request.networkMode === network.name ? request.macAddress : undefined);
    const taken = new Set(rows.addresses.where("networkId", network.id).map(({ address }) => address));
    const id = newId();
    const driver = driverOf(network);
    const endpoint: EndpointRecord = {
      id,
      sandboxId: sandbox.id,
      networkId: network.id,
      scope: network.scope,
      interfaceName: interfaceNameOf(network, settings, siblings),
      addresses: addressesOf(driver, network, settings, taken),
      ...allocated(driver, network, request, mac ? { mac } : {}),
      ports: [],
    };
    rows.endpoints.put(endpoint);
    for (const address of [endpoint.addresses.ipv4, endpoint.addresses.ipv6])
      if (address) rows.addresses.put(addressRow(network.id, id, address));
    return endpoint;
  }

  function attached(sandbox: SandboxRecord): Attached[] {
    return rows.endpoints.where("sandboxId", sandbox.id).map((endpoint) => {
      const network = findNetwork(rows, endpoint.networkId);
      const priority = settingsOf(sandbox.request, network)?.GwPriority ?? 0;
      return { endpoint, network, priority };
    });
  }

  /** Whether the container's shim takes connections to the host's IPv6 addresses that no rule can translate. */
  function carries(): boolean {
    return config.userlandProxy && hasIpv6();
  }

  function settlePorts(sandbox: SandboxRecord): void {
    const all = attached(sandbox);
    const { four, six } = gatewaysOf(all);
    const publishing = (endpoint: EndpointRecord | undefined): Publisher | undefined => {
      const network = all.find((one) => one.endpoint.id === endpoint?.id)?.network;
      if (!endpoint || !network) return undefined;
      const driver = driverOf(network);
      if (!driver.publishes) return undefined;
      return { endpoint, ...(driver.publishing?.(network) ?? { routed: [] }) };
    };
    const by4 = publishing(four);
    const by6 = publishing(six) ?? (carries() ? carrying(by4) : undefined);
    const holderOf = (address: string) => (address.includes(":") ? by6 : by4);
    const before = all.flatMap(({ endpoint }) => endpoint.ports);
    const ports = portsFor(sandbox.request, before, by4, by6);
    for (const { endpoint } of all) {
      const own = ports.filter(({ hostAddress }) => holderOf(hostAddress)?.endpoint.id === endpoint.id);
      if (own.length === 0 && endpoint.ports.length === 0) continue;
      rows.endpoints.put({ ...endpoint, ports: own });
      for (const { protocol, hostAddress, hostPort } of endpoint.ports)
        rows.ports.delete(portRow(endpoint.id, { protocol, hostAddress, hostPort }).id);
    }
    for (const { protocol, hostAddress, hostPort } of ports) {
      const holder = holderOf(hostAddress);
      if (holder && hostPort !== 0)
        rows.ports.put(portRow(holder.endpoint.id, { protocol, hostAddress, hostPort }));
    }
  }

  /** What it has stays; ports are chosen for a family that leads out only now, or in another way. */
  function portsFor(
    request: SandboxRequest,
    before: EndpointRecord["ports"],
    by4: Publisher | undefined,
    by6: Publisher | undefined,
  ): EndpointRecord["ports"] {
    const keeps = (family: 4 | 6, by: Publisher | undefined) => {
      const routed = by?.routed.includes(family) ?? false;
      return before.filter(
        ({ hostAddress, hostPort }) =>
          by && hostAddress.includes(":") === (family === 6) && (hostPort === 0) === routed,
      );
    };
    const [kept4, kept6] = [keeps(4, by4), keeps(6, by6)];
    const [new4, new6] = [kept4.length === 0 ? by4 : undefined, kept6.length === 0 ? by6 : undefined];
    // What a container that runs asked for a family that leads out no more is no mistake.
    const fresh = choosePorts(
      request,
      new4,
      new6,
      ({ hostAddress }) =>
        before.length === 0 || !hostAddress || Boolean(hostAddress.includes(":") ? new6 : new4),
    );
    return [...kept4, ...kept6, ...fresh];
  }

  function choosePorts(
    request: SandboxRequest,
    by4: Publisher | undefined,
    by6: Publisher | undefined,
    matters: (port: PortRequest) => boolean,
  ): EndpointRecord["ports"] {
    const requests = parsePorts(request).requests.filter(matters);
    const first = by4 ?? by6;
    if (requests.length === 0 || !first) return [];
    try {
      if (!config.nftables)
        throw systemError("ports are published by nftables rules, which this daemon is told not to make");
      return hostPorts.choose(requests, {
        ...(by4?.endpoint.addresses.ipv4 && { ipv4: by4.endpoint.addresses.ipv4 }),
        ...(by6?.endpoint.addresses.ipv6 && { ipv6: by6.endpoint.addresses.ipv6 }),
        carries: carries(),
        ...(first.defaultIp && { defaultIp: first.defaultIp }),
        routed: [
          ...(by4?.routed.filter((family) => family === 4) ?? []),
          ...(by6?.routed.filter((family) => family === 6) ?? []),
        ],
      });
    } catch (thrown) {
      throw programming(request, first.endpoint.id, thrown);
    }
  }
}

function addressesOf(
  driver: NetworkDriver,
  network: NetworkRecord,
  { IPAMConfig }: EndpointSettings,
  taken: ReadonlySet<string>,
): EndpointRecord["addresses"] {
  if (driver.sandbox !== "private") return {};
  const route = driver.defaultRoute?.(network) ?? (network.internal ? "none" : "gateway");
  return chooseAddresses(network, IPAMConfig, taken, { leadsOut: route === "gateway" });
}

/** What the driver decides, with Docker's frame around what it says against it. */
function allocated(
  driver: NetworkDriver,
  network: NetworkRecord,
  { containerName }: SandboxRequest,
  asked: { mac?: string },
): Allocation {
  try {
    return driver.allocate(network, asked);
  } catch (thrown) {
    const frame = `failed to create endpoint ${containerName} on network ${network.name}`;
    throw systemError(`${frame}: ${messageOf(thrown)}`, thrown);
  }
}

/** The endpoint on whose network the ports of a family are published, and how. */
interface Publisher extends Publishing {
  endpoint: EndpointRecord;
}

/** One without IPv6 of its own, to which its shim carries what comes to the host's IPv6 addresses. */
const carrying = (by4: Publisher | undefined): Publisher | undefined =>
  by4 && { ...by4, routed: by4.routed.filter((family) => family === 4) };

/** Docker's frame around what its bridge driver says. */
function programming(request: SandboxRequest, endpointId: string, thrown: unknown): unknown {
  const frame = `driver failed programming external connectivity on endpoint ${request.containerName} (${endpointId})`;
  return systemError(`${frame}: ${messageOf(thrown)}`, thrown);
}
