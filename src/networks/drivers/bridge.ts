// The bridge driver: one bridge device a network, a veth pair an endpoint, addresses from the network's pools, NAT.
//
// State: a route socket in the host's namespace, and the number of the rule set when ours was last seen whole. All of
// it is synchronous, so nothing of ours runs at the same time as it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HostEnvironment } from "../../base/environment.ts";
import { messageOf, systemError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { isIpv6 } from "../../linux/ip-address.ts";
import { listAddresses } from "../../linux/netlink/address.ts";
import { forgetConnections } from "../../linux/netlink/conntrack.ts";
import {
  addVeth,
  findLink,
  type Link,
  listLinks,
  removeLink,
  setBridgePort,
  setLink,
} from "../../linux/netlink/link.ts";
import { type NetlinkSocket, openRoute } from "../../linux/netlink/socket.ts";
import { nft, nftGeneration, nftList } from "../../linux/nftables.ts";
import { prefixOf } from "../prefix.ts";
import type { EndpointRecord, NetworkRecord, NetworksConfig } from "../types.ts";
import {
  type BridgeDevice,
  ensureBridge,
  forwards,
  macOf,
  switchForwardingOn,
  uplinks,
} from "./bridge-device.ts";
import { checkBridge, OPTION, optionIs } from "./bridge-options.ts";
import {
  addElements,
  type BridgeRules,
  deleteElement,
  type PublishedPort,
  tableOf,
  wholeTable,
} from "./bridge-rules.ts";
import { setUpDevice } from "./container-device.ts";
import { hostTag } from "./host-tag.ts";
import { randomMac } from "./mac-address.ts";
import { acceptForwarding, otherEnginesBridges, withdrawForwarding } from "./other-firewalls.ts";
import type { NetworkDriver, Place } from "./types.ts";

const DEFAULT_MTU = 1500;

export interface BridgeDriver extends NetworkDriver {
  /** Puts back what somebody else's change of the rule set took away. Some 30 µs when nobody changed anything. */
  checkRules(): void;
  /** All of this daemon's rules away; its devices go by `removeNetwork`. */
  removeRules(): void;
  close(): void;
}

/** What is in force: kept by the driver, so that its table can be made anew at any moment. */
interface InForce {
  networks: Map<string, NetworkRecord>;
  /** By endpoint. */
  ports: Map<string, PublishedPort[]>;
  /** Bridges of other engines, as they were when last looked at. */
  others: string[];
  /** The rule set's number when ours was last seen whole; undefined: look. */
  generation: number | undefined;
  /** How many chains, rules and maps our table had when it was made. */
  entries: number;
}

export function openBridgeDriver(options: {
  environment: HostEnvironment;
  config: NetworksConfig;
}): BridgeDriver {
  const { environment, config } = options;
  const { bridge } = environment;
  const tag = hostTag(environment);
  const table = `inet ${tableOf(bridge)}`;
  const force: InForce = {
    networks: new Map(),
    ports: new Map(),
    others: [],
    generation: undefined,
    entries: 0,
  };
  const toForget: PublishedPort[] = [];
  let socket: NetlinkSocket | undefined;

  const host = () => {
    socket ??= openRoute();
    return socket;
  };
  const vethOf = (endpoint: EndpointRecord) => `bth${tag}${endpoint.id.slice(0, 8)}`;

  return {
    name: "bridge",
    sandbox: "private",
    publishes: true,
    check: checkBridge,
    allocate: (_network, { mac }) => ({ mac: mac || randomMac() }),
    deviceOf: (network) => bridgeOf(network, tag).name,
    realiseNetwork(network) {
      ensureBridge(host(), bridgeOf(network, tag));
      if (!force.networks.has(network.id)) {
        force.networks.set(network.id, network);
        force.generation = undefined;
        force.entries = -1;
      }
      checkRules();
    },
    plug,
    publish,
    unpublish,
    unplug,
    lingers: (endpoint) => findLink(host(), vethOf(endpoint)) !== undefined,
    sweep: (endpoint) => void removeLink(host(), vethOf(endpoint)),
    reconcile,
    removeNetwork(network) {
      const link = findLink(host(), bridgeOf(network, tag).name);
      // One that was there before stays; the default one is ours by its name.
      if (link && (network.builtIn || isOurs(link, tag))) removeLink(host(), link.name);
      force.networks.delete(network.id);
      force.generation = undefined;
      force.entries = -1;
    },
    checkRules,
    removeRules() {
      if (!config.nftables) return;
      withdrawForwarding(bridge);
      nft(`add table ${table}\ndelete table ${table}`);
      force.networks.clear();
      force.ports.clear();
    },
    close() {
      forget();
      socket?.close();
      socket = undefined;
    },
  };

  function plug(network: NetworkRecord, endpoint: EndpointRecord, place: Place): void {
    const name = vethOf(endpoint);
    const device = bridgeOf(network, tag);
    const master = findLink(host(), device.name);
    if (!master) throw systemError(`the bridge ${device.name} is gone`);
    // What a crash left; gone already where it was reconciled.
    if (findLink(host(), name)) removeLink(host(), name);
    const { namespaceFd, inside, interfaceName } = place;
    addVeth(
      host(),
      { name, master: master.index, mtu: device.mtu, up: true },
      { name: interfaceName, namespaceFd, mtu: device.mtu, ...(endpoint.mac && { address: endpoint.mac }) },
    );
    const port = findLink(host(), name);
    if (!port) throw systemError(`the device ${interfaceName} is gone`);
    setUpDevice(inside, interfaceName, endpoint.addresses);
    // Where bridged frames pass the IP rules (br_netfilter), a container reaches a port of its own this way.
    setBridgePort(host(), port.index, { hairpin: true });
  }

  function publish(_network: NetworkRecord, endpoint: EndpointRecord): void {
    const ports = publishedPorts(endpoint);
    if (ports.length === 0) return;
    change(addElements(bridge, ports));
    force.ports.set(endpoint.id, ports);
    // What was sent to the port before it was ours goes on to where it went, until it is forgotten.
    forgetSoon(ports.filter(({ protocol }) => protocol === "udp"));
  }

  function unplug(network: NetworkRecord, endpoint: EndpointRecord): void {
    const link = findLink(host(), vethOf(endpoint));
    // Without a master where somebody removed the bridge: nothing comes through it then.
    if (link?.master) setBridgePort(host(), link.index, { enabled: false });
    unpublish(network, endpoint);
  }

  function unpublish(_network: NetworkRecord, endpoint: EndpointRecord): void {
    const ports = publishedPorts(endpoint);
    if (ports.length === 0) return;
    force.ports.delete(endpoint.id);
    withdraw(ports);
    forgetSoon(ports);
  }

  function reconcile(networks: readonly NetworkRecord[], endpoints: readonly EndpointRecord[]): void {
    force.networks = new Map(networks.map((network) => [network.id, network]));
    force.ports = new Map(endpoints.map((endpoint) => [endpoint.id, publishedPorts(endpoint)]));
    const masters = new Map(
      networks.map((network) => [network.id, ensureBridge(host(), bridgeOf(network, tag)).index]),
    );
    const living = new Map(endpoints.map((endpoint) => [vethOf(endpoint), endpoint]));
    const devices = new Set(networks.map((network) => bridgeOf(network, tag).name));
    for (const link of listLinks(host())) {
      // Of a network that was removed, or was about to be made, when a daemon was killed.
      if (isOurs(link, tag) && !devices.has(link.name)) removeLink(host(), link.name);
      if (!link.name.startsWith(`bth${tag}`)) continue;
      const endpoint = living.get(link.name);
      // One container without a network keeps no daemon from starting.
      try {
        if (!endpoint) removeLink(host(), link.name);
        else rejoin(link, masters.get(endpoint.networkId));
      } catch (thrown) {
        const container = endpoint ? { container: endpoint.sandboxId } : {};
        log.error("cannot bring a container's network device in line: restart the container", {
          device: link.name,
          ...container,
          error: messageOf(thrown),
        });
      }
    }
    if (networks.length === 0) return;
    if (config.ipForward) startForwarding(networks);
    force.generation = undefined;
    force.entries = -1;
    checkRules();
  }

  /** A port of a bridge that was removed and made anew. */
  function rejoin(link: Link, master: number | undefined): void {
    if (master === undefined || (link.master === master && link.up)) return;
    setLink(host(), link.index, { master, up: true });
    setBridgePort(host(), link.index, { hairpin: true });
  }

  function startForwarding(networks: readonly NetworkRecord[]): void {
    if (!forwards(false)) {
      // A host that did not forward must not become a router between its own networks by running containers.
      noteUplinks(environment, uplinks(host(), listLinks(host())));
      switchForwardingOn(false);
    }
    if (networks.some((network) => network.enableIPv6) && !forwards(true)) switchForwardingOn(true);
  }

  function withdraw(ports: readonly PublishedPort[]): void {
    try {
      change(ports.map((port) => deleteElement(bridge, port)).join("\n"));
    } catch {
      // One of them is gone already (somebody flushed the rules): the others one by one.
      for (const port of ports)
        try {
          change(deleteElement(bridge, port));
        } catch (thrown) {
          log.debug("a published port was gone already", { port: port.hostPort, error: messageOf(thrown) });
        }
    }
  }

  /** After the answer: it takes some 10 ms on a host with a large table of connections. */
  function forgetSoon(ports: readonly PublishedPort[]): void {
    if (ports.length === 0) return;
    toForget.push(...ports);
    setTimeout(forget, 0);
  }

  /** Connections to the ports on an address of this host, or translated to their containers, are looked at anew. */
  function forget(): void {
    const groups = Map.groupBy(toForget.splice(0), (port) => `${port.protocol}/${isIpv6(port.hostAddress)}`);
    for (const ports of groups.values()) {
      const [first] = ports;
      if (!first) continue;
      try {
        const local = new Set(listAddresses(host()).map(({ address }) => address));
        const containers = new Set(ports.map(({ containerAddress }) => containerAddress));
        forgetConnections(
          {
            protocol: first.protocol,
            ports: new Set(ports.map(({ hostPort }) => hostPort)),
            family: isIpv6(first.hostAddress) ? "ipv6" : "ipv4",
          },
          ({ original, reply }) =>
            local.has(original.destination) ||
            original.destination.startsWith("127.") ||
            containers.has(reply.source),
        );
      } catch (thrown) {
        log.debug("cannot forget connections", { port: first.hostPort, error: messageOf(thrown) });
      }
    }
  }

  /** One transaction of ours. When nobody else's came between, the rule set is known to be whole still. */
  function change(commands: string): void {
    const before = force.generation;
    force.generation = undefined;
    nft(commands);
    const now = nftGeneration();
    if (before !== undefined && now === before + 1) force.generation = now;
  }

  function checkRules(): void {
    if (!config.nftables || force.networks.size === 0) return;
    if (force.generation !== undefined && force.generation === nftGeneration()) return;
    const others = otherEnginesBridges();
    if (!isWhole() || others.join() !== force.others.join()) rebuild(others);
    const devices = [...force.networks.values()].map((network) => bridgeOf(network, tag).name);
    acceptForwarding(bridge, devices, (device) => findLink(host(), device) !== undefined);
    force.generation = nftGeneration();
  }

  function isWhole(): boolean {
    if (force.entries < 0) return false;
    const { entries, elements } = countsOf(nftList(`list table ${table}`) ?? []);
    const ports = [...force.ports.values()].reduce((sum, list) => sum + list.length, 0);
    return entries === force.entries && elements === ports;
  }

  function rebuild(others: string[]): void {
    nft(
      wholeTable({
        bridge,
        networks: [...force.networks.values()].map((network) => rulesOf(network, config, tag)),
        ports: [...force.ports.values()].flat(),
        others,
        uplinks: notedUplinks(environment),
      }),
    );
    force.others = others;
    force.entries = countsOf(nftList(`list table ${table}`) ?? []).entries;
  }
}

/** The MAC of a bridge that we made is of this, by which it is known for ours when no row names it any more. */
const seedOf = (name: string, tag: string) => `${tag} ${name}`;
const isOurs = (link: Link, tag: string) =>
  link.kind === "bridge" && link.address === macOf(seedOf(link.name, tag));

function bridgeOf(network: NetworkRecord, tag: string): BridgeDevice {
  const name = network.options[OPTION.NAME] || `br-${network.id.slice(0, 12)}`;
  return {
    name,
    mtu: Number(network.options[OPTION.MTU] ?? DEFAULT_MTU) || DEFAULT_MTU,
    addresses: network.pools.flatMap(({ subnet, gateway }) => {
      const { family, length } = prefixOf(subnet);
      const enabled = family === 4 ? network.enableIPv4 : network.enableIPv6;
      return gateway && enabled ? [{ address: gateway, prefix: length }] : [];
    }),
    ipv6: network.enableIPv6,
    seed: seedOf(name, tag),
  };
}

function rulesOf(network: NetworkRecord, config: NetworksConfig, tag: string): BridgeRules {
  return {
    device: bridgeOf(network, tag).name,
    subnets: network.pools.map(({ subnet }) => subnet),
    masquerade: optionIs(network, OPTION.MASQUERADE, network.builtIn ? config.ipMasq : true),
    icc: optionIs(network, OPTION.ICC, network.builtIn ? config.icc : true),
    internal: network.internal,
  };
}

function publishedPorts(endpoint: EndpointRecord): PublishedPort[] {
  return endpoint.ports.flatMap((port) => {
    const containerAddress = isIpv6(port.hostAddress) ? endpoint.addresses.ipv6 : endpoint.addresses.ipv4;
    return containerAddress ? [{ ...port, containerAddress }] : [];
  });
}

/** How much is in a listed table: chains, rules, maps and sets; and elements of the maps of ports. */
function countsOf(listed: readonly Record<string, unknown>[]): { entries: number; elements: number } {
  let [entries, elements] = [0, 0];
  for (const entry of listed) {
    if ("chain" in entry || "rule" in entry || "map" in entry || "set" in entry) entries++;
    elements += (entry.map as { elem?: unknown[] } | undefined)?.elem?.length ?? 0;
  }
  return { entries, elements };
}

/** In the exec root, since it is about the boot's kernel settings, and ends with them. */
const uplinksNote = (environment: HostEnvironment) =>
  join(environment.paths.execRoot, "networks", "uplinks.json");

function noteUplinks(environment: HostEnvironment, names: readonly string[]): void {
  const file = uplinksNote(environment);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify(names));
}

function notedUplinks(environment: HostEnvironment): string[] {
  try {
    const names: unknown = JSON.parse(readFileSync(uplinksNote(environment), "utf8"));
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return []; // The host forwarded before us.
  }
}
