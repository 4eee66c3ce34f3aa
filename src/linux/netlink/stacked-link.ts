// Devices that sit on another one, and dummies for them to sit on: linux/if_link.h IFLA_MACVLAN_*, IFLA_IPVLAN_*,
// IFLA_VLAN_*; networking/ipvlan of the kernel's documentation.
import { failedWith } from "../errors.ts";
import { header, IFLA, IFLA_INFO, parseMac, RTM_NEWLINK } from "./link.ts";
import { attribute, join, NLM_F, nest, value } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

export const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
export const IPVLAN_MODES = { l2: 0, l3: 1, l3s: 2 } as const;
export const IPVLAN_FLAGS = { bridge: 0, private: 1, vepa: 2 } as const;

export type MacvlanMode = keyof typeof MACVLAN_MODES;
export type IpvlanMode = keyof typeof IPVLAN_MODES;
export type IpvlanFlag = keyof typeof IPVLAN_FLAGS;

const MACVLAN_MODE = 1;
const IPVLAN = { MODE: 1, FLAGS: 2 } as const;
const VLAN_ID = 1;

export interface StackedLink {
  name: string;
  /** Index of the device that it sits on, in the socket's namespace. */
  parent: number;
  /** Where it is made; absent: in the socket's namespace. */
  namespaceFd?: number;
}

/** Makes a device with a MAC address of its own, whose frames come and go by its parent. */
export function addMacvlan(
  socket: NetlinkSocket,
  link: StackedLink & { mode: MacvlanMode; address?: string },
): void {
  const mode = attribute(MACVLAN_MODE, value.u32(MACVLAN_MODES[link.mode]));
  const address = link.address ? [attribute(IFLA.ADDRESS, parseMac(link.address))] : [];
  add(socket, "macvlan", link, address, [mode]);
}

/** Makes a device with its parent's MAC address. Mode and flag are one for all of a parent's: the last one's. */
export function addIpvlan(
  socket: NetlinkSocket,
  link: StackedLink & { mode: IpvlanMode; flag: IpvlanFlag },
): void {
  add(
    socket,
    "ipvlan",
    link,
    [],
    [
      attribute(IPVLAN.MODE, value.u16(IPVLAN_MODES[link.mode])),
      attribute(IPVLAN.FLAGS, value.u16(IPVLAN_FLAGS[link.flag])),
    ],
  );
}

/** Makes a device for its parent's frames with an 802.1Q tag. EEXIST when the parent has one for the tag, by any name. */
export function addVlan(socket: NetlinkSocket, link: StackedLink & { id: number }): void {
  add(socket, "vlan", link, [], [attribute(VLAN_ID, value.u16(link.id))]);
}

/** Makes a device that takes frames and drops them. */
export function addDummy(socket: NetlinkSocket, name: string): void {
  add(socket, "dummy", { name }, [], []);
}

function add(
  socket: NetlinkSocket,
  kind: string,
  link: { name: string; parent?: number; namespaceFd?: number },
  attributes: readonly Uint8Array[],
  data: readonly Uint8Array[],
): void {
  const payload = join(
    header(),
    attribute(IFLA.IFNAME, value.text(link.name)),
    ...(link.parent === undefined ? [] : [attribute(IFLA.LINK, value.u32(link.parent))]),
    ...(link.namespaceFd === undefined ? [] : [attribute(IFLA.NET_NS_FD, value.i32(link.namespaceFd))]),
    ...attributes,
    nest(
      IFLA.LINKINFO,
      attribute(IFLA_INFO.KIND, value.text(kind)),
      ...(data.length > 0 ? [nest(IFLA_INFO.DATA, ...data)] : []),
    ),
  );
  socket.change(RTM_NEWLINK, NLM_F.CREATE | NLM_F.EXCL, payload, `add ${kind}`, link.name);
}

/**
 * Whether the kernel makes macvlan, ipvlan or vlan devices, its modules included: it is asked for one without a parent,
 * which a kernel that knows them refuses as such.
 */
export function kernelHas(socket: NetlinkSocket, kind: "macvlan" | "ipvlan" | "vlan"): boolean {
  try {
    add(socket, kind, { name: "bthprobe" }, [], []);
  } catch (thrown) {
    return !failedWith(thrown, "EOPNOTSUPP");
  }
  return true;
}
