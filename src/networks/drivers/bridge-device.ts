// A bridge network's device on this host: made when missing, with its addresses and kernel settings.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { messageOf, systemError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { isIpv6 } from "../../linux/ip-address.ts";
import { addAddress, listAddresses, removeAddress } from "../../linux/netlink/address.ts";
import { addBridge, findLink, type Link, setLink } from "../../linux/netlink/link.ts";
import type { NetlinkSocket } from "../../linux/netlink/socket.ts";

export interface BridgeDevice {
  name: string;
  mtu: number;
  /** Gateways with their prefix lengths. */
  addresses: { address: string; prefix: number }[];
  /** Whether the device itself speaks IPv6; undefined: as it is. */
  ipv6?: boolean;
  /** What its MAC is derived from, so that neighbours' caches hold when it is made anew. */
  seed: string;
}

const KERNEL_DEFAULT_MTU = 1500;
/** The default network's device where no other is named: ours, whichever daemon made it. */
const OWN_NAME = "berth0";

/** A MAC of our own choice (locally administered, one receiver): the same for the same seed. */
export function macOf(seed: string): string {
  const bytes = createHash("sha256").update(seed).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Whether a bridge is a daemon's of ours to change and remove; another, that the administrator made, keeps what it has. */
export const isOwnBridge = ({ name, address, kind }: Link, seed: string) =>
  kind === "bridge" && (name === OWN_NAME || address === macOf(seed));

/** The device as it should be. Errors: system, when something else has the name. */
export function ensureBridge(socket: NetlinkSocket, wanted: BridgeDevice): Link {
  let link = findLink(socket, wanted.name);
  if (!link) {
    const mtu = wanted.mtu === KERNEL_DEFAULT_MTU ? {} : { mtu: wanted.mtu };
    addBridge(socket, { name: wanted.name, address: macOf(wanted.seed), ...mtu });
    link = findLink(socket, wanted.name);
  }
  if (link?.kind !== "bridge")
    throw systemError(
      `the network device ${wanted.name} is there and is no bridge: choose another with --bridge`,
    );
  setAddresses(socket, link, wanted);
  if (!link.up) setLink(socket, link.index, { up: true });
  setKernel(`ipv4/conf/${wanted.name}/route_localnet`, "1");
  return link;
}

function setAddresses(socket: NetlinkSocket, link: Link, wanted: BridgeDevice): void {
  // A bridge that somebody else made is how that reaches the host, or the host the world: nothing of it is taken away.
  const ours = isOwnBridge(link, wanted.seed);
  if (wanted.ipv6 || (ours && wanted.ipv6 === false))
    setKernel(`ipv6/conf/${wanted.name}/disable_ipv6`, wanted.ipv6 ? "0" : "1");
  const present = listAddresses(socket).filter((address) => address.index === link.index);
  const same = (a: { address: string; prefix: number }, b: { address: string; prefix: number }) =>
    a.address === b.address && a.prefix === b.prefix;
  for (const address of wanted.addresses)
    if (!present.some((other) => same(other, address))) addAddress(socket, { index: link.index, ...address });
  if (!ours) return;
  for (const address of present)
    if (!wanted.addresses.some((other) => same(other, address)) && !address.address.startsWith("fe80:"))
      removeAddress(socket, address);
}

/** Writes a setting below /proc/sys/net when it differs; false when the kernel has no such. */
export function setKernel(path: string, value: string): boolean {
  const file = `/proc/sys/net/${path}`;
  try {
    if (readFileSync(file, "utf8").trim() !== value) writeFileSync(file, value);
    return true;
  } catch (thrown) {
    log.debug("cannot set a kernel setting", { setting: file, error: messageOf(thrown) });
    return false;
  }
}

const isOn = (path: string) => {
  try {
    return readFileSync(`/proc/sys/net/${path}`, "utf8").trim() !== "0";
  } catch {
    return false;
  }
};

/** Whether frames between the ports of a bridge pass the rules for IP too: br_netfilter, networking/ip-sysctl. */
export const filtersBridged = () =>
  isOn("bridge/bridge-nf-call-iptables") && isOn("bridge/bridge-nf-call-ip6tables");

/** Whether the host forwards, of a family. */
export const forwards = (ipv6: boolean) => isOn(ipv6 ? "ipv6/conf/all/forwarding" : "ipv4/ip_forward");

/**
 * Switches the host's forwarding on. For IPv6 a host that forwards stops listening to routers (accept_ra = 1,
 * networking/ip-sysctl): the devices that did go on doing it (2).
 */
export function switchForwardingOn(ipv6: boolean): void {
  if (!ipv6) {
    if (!setKernel("ipv4/ip_forward", "1"))
      log.warn("cannot switch IPv4 forwarding on: containers reach only this host");
    return;
  }
  for (const device of readdirSync("/proc/sys/net/ipv6/conf")) {
    try {
      const file = `/proc/sys/net/ipv6/conf/${device}/accept_ra`;
      if (readFileSync(file, "utf8").trim() === "1") writeFileSync(file, "2");
    } catch {
      // A device that went meanwhile.
    }
  }
  setKernel("ipv6/conf/default/forwarding", "1");
  if (!setKernel("ipv6/conf/all/forwarding", "1")) log.warn("cannot switch IPv6 forwarding on");
}

/** Devices by which the host is reached: those with an address, loopback and virtual ones left out. */
export function uplinks(socket: NetlinkSocket, links: readonly Link[]): string[] {
  const withAddress = new Set(
    listAddresses(socket)
      .filter(({ address }) => !isIpv6(address) || !address.startsWith("fe80:"))
      .map(({ index }) => index),
  );
  return links
    .filter((link) => link.name !== "lo" && link.kind === undefined && withAddress.has(link.index))
    .map((link) => link.name);
}
