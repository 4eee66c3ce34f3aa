// The bridge driver: one bridge device a network, a veth pair an endpoint, addresses from the network's pools; its rules
// are in bridge-firewall.ts.
//
// State: a route socket in the host's namespace, and which networks and endpoints there are. All of it is synchronous, so
// nothing of ours runs at the same time as it.
import type { HostEnvironment } from "../../base/environment.ts";
import { messageOf, systemError } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { log } from "../../base/log.ts";
import { isIpv6 } from "../../linux/ip-address.ts";
import { listAddresses } from "../../linux/netlink/address.ts";
import {
  addVeth,
  findLink,
  type Link,
  listLinks,
  removeLink,
  setBridgePort,
  setLink,
} from "../../linux/netlink/link.ts";
import { replaceNeighbour } from "../../linux/netlink/neighbour.ts";
import { type NetlinkSocket, openRoute } from "../../linux/netlink/socket.ts";
import { openWire, type Wire } from "../../linux/wire.ts";
import { prefixOf } from "../prefix.ts";
import type { EndpointRecord, NetworkRecord, NetworksConfig } from "../types.ts";
import { announcement, macBytes } from "./announcement.ts";
import { openStaleConnections } from "./bridge-connections.ts";
import { type BridgeDevice, ensureBridge, filtersBridged, isOwnBridge, macOf } from "./bridge-device.ts";
import { openBridgeFirewall } from "./bridge-firewall.ts";
import { notedUplinks, startForwarding } from "./bridge-forwarding.ts";
import {
  checkBridge,
  gatewayMode,
  isAddressed,
  OPTION,
  optionIs,
  publishing,
  trustedDevices,
} from "./bridge-options.ts";
import type { BridgeRules, FamilyRules, PublishedPort } from "./bridge-rules.ts";
import { setUpDevice } from "./container-device.ts";
import { hostTag } from "./host-tag.ts";
import { randomMac } from "./mac-address.ts";
import type { ContainerLink, NetworkDriver, Place } from "./types.ts";

const DEFAULT_MTU = 1500;

export interface BridgeDriver extends NetworkDriver {
  /** Puts back bridges and rules that somebody took away. Some 30 µs, and 20 for each network, when nobody did. */
  mend(): void;
  /** All of this daemon's rules away; its devices go by `removeNetwork`. */
  removeRules(): void;
  /** Addresses, with their prefix lengths, that the default network's device has of somebody else, who made it. */
  givenAddresses(): string[];
  close(): void;
}

export function openBridgeDriver(options: {
  environment: HostEnvironment;
  config: NetworksConfig;
}): BridgeDriver {
  const { environment, config } = options;
  const { bridge } = environment;
  const tag = hostTag(environment);
  /** Those that are realised. */
  let networks = new Map<string, NetworkRecord>();
  /** Those that are plugged in, by their device's name. */
  let plugged = new Map<string, EndpointRecord>();
  /** Whether bridged frames pass the IP rules, as the ports were joined. */
  let filtered = filtersBridged();
  let socket: NetlinkSocket | undefined;
  /** Opened where the thread is in the host's namespace. */
  let wire: Wire | undefined;

  const host = () => {
    socket ??= openRoute();
    return socket;
  };
  const connections = openStaleConnections(host);
  const firewall = openBridgeFirewall({
    bridge,
    enabled: config.nftables,
    exists: (device) => findLink(host(), device) !== undefined,
    uplinks: () => notedUplinks(environment),
  });
  const vethOf = (endpoint: EndpointRecord) => `bth${tag}${endpoint.id.slice(0, 8)}`;

  return {
    name: "bridge",
    sandbox: "private",
    publishes: true,
    publishing,
    check: checkBridge,
    allocate: (_network, { mac }) => ({ mac: mac || randomMac() }),
    deviceOf: (network) => bridgeOf(network, tag).name,
    realiseNetwork(network) {
      const known = networks.has(network.id);
      if (!known && config.ipForward) startForwarding(environment, host(), [network]);
      wire ??= openWire();
      mendBridge(network);
      followSetting();
      networks.set(network.id, network);
      firewall.addNetwork(network.id, rulesOf(network, config, tag));
      firewall.check();
    },
    plug,
    keepsApart: (network) => !rulesOf(network, config, tag).icc,
    link,
    publish,
    unpublish,
    unplug,
    lingers: (endpoint) => findLink(host(), vethOf(endpoint)) !== undefined,
    sweep: (endpoint) => void removeLink(host(), vethOf(endpoint)),
    reconcile,
    removeNetwork(network) {
      const link = findLink(host(), bridgeOf(network, tag).name);
      // One that was there before stays, the default network's too.
      if (link && isOwnBridge(link, seedOf(link.name, tag))) removeLink(host(), link.name);
      networks.delete(network.id);
      firewall.removeNetwork(network.id);
    },
    givenAddresses() {
      const link = findLink(host(), bridge);
      if (link?.kind !== "bridge" || isOwnBridge(link, seedOf(bridge, tag))) return [];
      return listAddresses(host())
        .filter(({ index, address }) => index === link.index && !address.startsWith("fe80:"))
        .map(({ address, prefix }) => `${address}/${prefix}`);
    },
    mend() {
      for (const network of networks.values()) mendBridge(network);
      followSetting();
      firewall.check();
    },
    removeRules() {
      firewall.withdraw();
      networks.clear();
      plugged.clear();
    },
    close() {
      connections.forget();
      firewall.close();
      wire?.[Symbol.dispose]();
      wire = undefined;
      socket?.close();
      socket = undefined;
    },
  };

  /** Somebody switches br_netfilter at any time. */
  function followSetting(): void {
    if (filtered === filtersBridged()) return;
    filtered = !filtered;
    for (const [name, { networkId }] of plugged) {
      const network = networks.get(networkId);
      if (!network || rulesOf(network, config, tag).icc) continue;
      const link = findLink(host(), name);
      if (link?.master) joinBridge(network, link.index);
    }
  }

  /** The network's device, made when it is missing; where somebody removed it, the living are its ports again. */
  function mendBridge(network: NetworkRecord): void {
    const device = bridgeOf(network, tag);
    const lost = networks.has(network.id) && !findLink(host(), device.name);
    const { index } = ensureBridge(host(), device);
    if (!lost) return;
    const ports = listLinks(host()).filter(({ name }) => plugged.get(name)?.networkId === network.id);
    for (const link of ports) rejoin(link, network, index);
    log.warn("somebody removed a network's bridge: made again, and its containers joined to it", {
      network: network.name,
      device: device.name,
      containers: ports.length,
    });
  }

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
    failpoint("network.device-made");
    joinBridge(network, port.index);
    setUpDevice(inside, interfaceName, endpoint.addresses);
    plugged.set(name, endpoint);
    announce(master.index, endpoint);
  }

  /**
   * Its addresses may have been another container's a moment ago. Who knows them by the other's MAC address, the host too, would
   * send into the void for most of a minute; who sends this is the bridge, since the new port takes frames only a little later.
   */
  function announce(index: number, { mac: text, addresses, id }: EndpointRecord): void {
    if (!text) return;
    const mac = macBytes(text);
    for (const address of [addresses.ipv4, addresses.ipv6, ...(addresses.linkLocal ?? [])])
      try {
        if (!address) continue;
        replaceNeighbour(host(), { index, address, mac });
        wire?.send(index, announcement(address, mac));
      } catch (thrown) {
        log.debug("an address is not announced", { endpoint: id, address, error: messageOf(thrown) });
      }
  }

  function joinBridge(network: NetworkRecord, index: number): void {
    setBridgePort(host(), index, {
      // Where bridged frames pass the IP rules (br_netfilter), a container reaches a port of its own this way.
      hairpin: true,
      // icc=false where they pass none. Else it is the rules', since what they translate from one port to another
      // (a neighbour's published port) is bridged too.
      isolated: !filtered && !rulesOf(network, config, tag).icc,
    });
  }

  function link(network: NetworkRecord, link: ContainerLink): void {
    if (rulesOf(network, config, tag).icc) return;
    // Their ports of the bridge are kept apart then, and nothing opens that for two.
    if (!filtered)
      throw systemError(
        `network ${network.name} keeps its containers apart (icc=false), and a link opens ports between them where bridged ` +
          "frames pass the rules: load br_netfilter, and set net.bridge.bridge-nf-call-iptables to 1",
      );
    firewall.link(link);
  }

  function publish(network: NetworkRecord, endpoint: EndpointRecord): void {
    const ports = publishedPorts(network, endpoint);
    if (ports.length === 0) return;
    firewall.publish(endpoint.id, ports);
    // What was sent to the port before it was ours goes on to where it went, until it is forgotten.
    connections.forgetSoon(ports.filter(({ protocol }) => protocol === "udp"));
  }

  function unplug(network: NetworkRecord, endpoint: EndpointRecord): void {
    const link = findLink(host(), vethOf(endpoint));
    // Without a master where somebody removed the bridge: nothing comes through it then.
    if (link?.master) setBridgePort(host(), link.index, { enabled: false });
    plugged.delete(vethOf(endpoint));
    firewall.unlink(endpoint.id);
    unpublish(network, endpoint);
  }

  function unpublish(network: NetworkRecord, endpoint: EndpointRecord): void {
    const ports = publishedPorts(network, endpoint);
    if (ports.length === 0) return;
    firewall.unpublish(endpoint.id);
    connections.forgetSoon(ports);
  }

  function reconcile(all: readonly NetworkRecord[], endpoints: readonly EndpointRecord[]): void {
    wire ??= openWire();
    networks = new Map(all.map((network) => [network.id, network]));
    plugged = new Map(endpoints.map((endpoint) => [vethOf(endpoint), endpoint]));
    if (config.ipForward) startForwarding(environment, host(), all);
    const masters = new Map(
      all.map((network) => [network.id, ensureBridge(host(), bridgeOf(network, tag)).index]),
    );
    const devices = new Set(all.map((network) => bridgeOf(network, tag).name));
    for (const link of listLinks(host())) {
      // Of a network that was removed, or was about to be made, when a daemon was killed.
      if (isOurs(link, tag) && !devices.has(link.name)) removeLink(host(), link.name);
      if (!link.name.startsWith(`bth${tag}`)) continue;
      const endpoint = plugged.get(link.name);
      const network = networks.get(endpoint?.networkId ?? "");
      // One container without a network keeps no daemon from starting.
      if (network) rejoin(link, network, masters.get(network.id));
      else removeLeftover(link);
    }
    firewall.reset(
      new Map(all.map((network) => [network.id, rulesOf(network, config, tag)])),
      new Map(
        endpoints.flatMap((endpoint) => {
          const network = networks.get(endpoint.networkId);
          return network ? [[endpoint.id, publishedPorts(network, endpoint)]] : [];
        }),
      ),
    );
  }

  function removeLeftover(link: Link): void {
    try {
      removeLink(host(), link.name);
    } catch (thrown) {
      log.error("a container's network device is left over", { device: link.name, error: messageOf(thrown) });
    }
  }

  /** A port of a bridge that was removed and made anew. */
  function rejoin(link: Link, network: NetworkRecord, master: number | undefined): void {
    if (master === undefined || (link.master === master && link.up)) return;
    try {
      setLink(host(), link.index, { master, up: true });
      joinBridge(network, link.index);
    } catch (thrown) {
      log.error("cannot bring a container's network device in line: restart the container", {
        device: link.name,
        container: plugged.get(link.name)?.sandboxId,
        error: messageOf(thrown),
      });
    }
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
      return gateway && isAddressed(network, family) ? [{ address: gateway, prefix: length }] : [];
    }),
    // Without, it would have a link-local address of its own.
    ...(network.enableIPv6 && { ipv6: isAddressed(network, 6) }),
    seed: seedOf(name, tag),
  };
}

function rulesOf(network: NetworkRecord, config: NetworksConfig, tag: string): BridgeRules {
  return {
    device: bridgeOf(network, tag).name,
    four: familyOf(network, 4),
    six: familyOf(network, 6),
    masquerade: optionIs(network, OPTION.MASQUERADE, network.builtIn ? config.ipMasq : true),
    icc: optionIs(network, OPTION.ICC, network.builtIn ? config.icc : true),
    internal: network.internal,
    trusted: trustedDevices(network),
  };
}

function familyOf(network: NetworkRecord, family: 4 | 6): FamilyRules {
  const subnet = network.pools.find((pool) => prefixOf(pool.subnet).family === family)?.subnet;
  const source = network.options[family === 4 ? OPTION.SOURCE4 : OPTION.SOURCE6];
  return { mode: gatewayMode(network, family), ...(subnet && { subnet }), ...(source && { source }) };
}

function publishedPorts(network: NetworkRecord, endpoint: EndpointRecord): PublishedPort[] {
  const trusted = trustedDevices(network).length > 0;
  return endpoint.ports.flatMap((port) => {
    const six = isIpv6(port.hostAddress);
    const containerAddress = six ? endpoint.addresses.ipv6 : endpoint.addresses.ipv4;
    if (!containerAddress) return six && port.hostPort !== 0 ? [port] : [];
    const direct = trusted || gatewayMode(network, six ? 6 : 4) === "routed";
    return [{ ...port, containerAddress, direct }];
  });
}
