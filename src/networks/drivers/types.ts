// What a network driver is. Two halves: `allocate` decides from rows and is stored by the caller; `realise` makes the
// decision exist in this kernel, again and again with the same result. test/networks/driver-contract.ts holds all of them to it.
import type { NetlinkSocket } from "../../linux/netlink/socket.ts";
import type { EndpointRecord, NetworkRecord, SandboxRequest } from "../types.ts";

/** Where an endpoint is plugged in. Only true inside `plug`: the thread is in the sandbox's namespace then. */
export interface Place {
  /** Descriptor of the sandbox's namespace. */
  namespaceFd: number;
  /** A route socket in it. */
  inside: NetlinkSocket;
  /** What the device is called there: `eth0`. */
  interfaceName: string;
}

/** What an endpoint gets; the caller makes the rows of it. */
export type Allocation = Pick<EndpointRecord, "addresses" | "mac" | "ports">;

export interface NetworkDriver {
  readonly name: string;
  /** Which sandbox its containers have: one of their own, the host's, or one that has only loopback. */
  readonly sandbox: "private" | "host" | "none";
  /** Addresses, MAC, host ports. Touches no rows and no devices; tries host ports by binding them. */
  allocate(network: NetworkRecord, request: SandboxRequest, endpointId: string): Allocation;
  /** The network's own device and rules. Cheap when they are there. */
  realiseNetwork(network: NetworkRecord): void;
  /** Device, addresses and routes of an endpoint, in its sandbox. Synchronous: see linux/netns.ts. */
  plug(network: NetworkRecord, endpoint: EndpointRecord, place: Place): void;
  /** What comes after, from outside: published ports. */
  publish(network: NetworkRecord, endpoint: EndpointRecord): void;
  /** Silent at once, and not reachable; the device goes with its namespace, or by `sweep`. */
  unplug(network: NetworkRecord, endpoint: EndpointRecord): void;
  /** Whether something of the endpoint is still in the kernel after its namespace was let go. */
  lingers(endpoint: EndpointRecord): boolean;
  /** Removes what lingers, though somebody keeps the namespace. Slow. */
  sweep(endpoint: EndpointRecord): void;
  /** Brings the kernel in line with the rows: all of the driver's networks, and the endpoints that live. */
  reconcile(networks: readonly NetworkRecord[], endpoints: readonly EndpointRecord[]): void;
  /** The network's own device and rules away; it has no endpoints any more. */
  removeNetwork(network: NetworkRecord): void;
}
