// What a network driver is. Two halves: `allocate` decides from rows and is stored by the caller; `realise` makes the
// decision exist in this kernel, again and again with the same result. test/networks/driver-contract.ts holds all of them to it.
import type { NetlinkSocket } from "../../linux/netlink/socket.ts";
import type { EndpointRecord, NetworkRecord } from "../types.ts";

/** Where an endpoint is plugged in. Only true inside `plug`: the thread is in the sandbox's namespace then. */
export interface Place {
  /** Descriptor of the sandbox's namespace. */
  namespaceFd: number;
  /** A route socket in it. */
  inside: NetlinkSocket;
  /** What the device is called there: `eth0`. */
  interfaceName: string;
}

/** What a driver decides of an endpoint; addresses and host ports are the room's. */
export type Allocation = Pick<EndpointRecord, "mac" | "routeByDevice">;

/** How a network's ports are published. */
export interface Publishing {
  /** The host's address where a request names none; absent: all of them. */
  defaultIp?: string;
  /** Families whose containers are reached at their own addresses. */
  routed: readonly (4 | 6)[];
}

export interface ContainerLink {
  from: EndpointRecord;
  to: EndpointRecord;
  /** Of `to`. */
  ports: readonly { protocol: string; port: number }[];
}

export interface NetworkDriver {
  readonly name: string;
  /** Which sandbox its containers have: one of their own, the host's, or one that has only loopback. */
  readonly sandbox: "private" | "host" | "none";
  /** Whether ports of its endpoints are published on the host. */
  readonly publishes: boolean;
  /** How, where they are. */
  publishing?(network: NetworkRecord): Publishing;
  /**
   * Refuses what the driver can't make, before anything is stored; may fill in the record's options. `others` are all
   * networks that there are. Errors: invalid, forbidden.
   */
  check(network: NetworkRecord, others: readonly NetworkRecord[]): void;
  /** Touches no rows and no devices. `mac` is what was asked for. */
  allocate(network: NetworkRecord, asked: { mac?: string }): Allocation;
  /**
   * Where the default route of its endpoints leads; none: nowhere. Absent: to the gateway, which the network then has
   * an address for, unless it is internal. Must not throw, since it is asked before `check`.
   */
  defaultRoute?(network: Pick<NetworkRecord, "internal" | "options">): "gateway" | "device" | "none";
  /** The network's own device and rules. Cheap when they are there. */
  realiseNetwork(network: NetworkRecord): void;
  /** Device and addresses of an endpoint, in its sandbox; the default route is the room's. Synchronous: see linux/netns.ts. */
  plug(network: NetworkRecord, endpoint: EndpointRecord, place: Place): void;
  /** Whether the network's containers don't reach each other but by published ports and links. */
  keepsApart?(network: NetworkRecord): boolean;
  /** Lets one endpoint reach ports of another, where the network keeps them apart; until either is unplugged. Errors: system. */
  link?(network: NetworkRecord, link: ContainerLink): void;
  /** What comes after, from outside: published ports. */
  publish(network: NetworkRecord, endpoint: EndpointRecord): void;
  /** Its ports are published no more, while it lives on. */
  unpublish(network: NetworkRecord, endpoint: EndpointRecord): void;
  /**
   * Silent at once, and not reachable; the device goes with its namespace, or by `sweep`. `namespace` is the file that
   * pins the sandbox's; it may be gone. Idempotent.
   */
  unplug(network: NetworkRecord, endpoint: EndpointRecord, namespace: string): void;
  /** Whether something of the endpoint is still in the kernel after its namespace was let go. */
  lingers(endpoint: EndpointRecord): boolean;
  /** The network's own device on the host, where it has one: routes by it are ours. */
  deviceOf?(network: NetworkRecord): string;
  /** Removes what lingers, though somebody keeps the namespace. Slow. */
  sweep(endpoint: EndpointRecord): void;
  /** Brings the kernel in line with the rows: all of the driver's networks, and the endpoints that live. */
  reconcile(networks: readonly NetworkRecord[], endpoints: readonly EndpointRecord[]): void;
  /** The network's own device and rules away; it has no endpoints any more. */
  removeNetwork(network: NetworkRecord): void;
}
