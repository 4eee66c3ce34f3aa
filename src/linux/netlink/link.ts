// Network devices: rtnetlink(7) RTM_*LINK, linux/if_link.h.
import { errnoNumber } from "../errors.ts";
import { AF } from "../socket-numbers.ts";
import {
  attribute,
  attributesByType,
  join,
  type NetlinkMessage,
  NLM_F,
  nest,
  read,
  value,
} from "./message.ts";
import { NetlinkError, type NetlinkSocket } from "./socket.ts";

export const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  PROTINFO: 12,
  LINKINFO: 18,
  IFALIAS: 20,
  NET_NS_FD: 28,
} as const;
export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
const VETH_INFO_PEER = 1;
const IFLA_BRPORT = { STATE: 1, MODE: 4, ISOLATED: 33 } as const;
const IFF_UP = 1;
const HEADER = 16;

export interface Link {
  index: number;
  name: string;
  up: boolean;
  mtu: number;
  /** `02:42:ac:11:00:02`; empty for a device that has none. */
  address: string;
  /** Index of the bridge it is a port of. */
  master?: number;
  /** Index of the device that it sits on, in whatever namespace that is; of a veth: the other end's. */
  parent?: number;
  /** `bridge`, `veth`; absent for hardware. */
  kind?: string;
  /** Free text that somebody gave it. */
  alias?: string;
}

/** struct ifinfomsg. */
export function header(
  options: { family?: number; index?: number; flags?: number; change?: number } = {},
): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, options.family ?? 0);
  view.setInt32(4, options.index ?? 0, true);
  view.setUint32(8, options.flags ?? 0, true);
  view.setUint32(12, options.change ?? 0, true);
  return bytes;
}

const upFlags = (up: boolean | undefined) =>
  up === undefined ? {} : { flags: up ? IFF_UP : 0, change: IFF_UP };

function decode(message: NetlinkMessage): Link {
  const view = new DataView(message.payload.buffer, message.payload.byteOffset, HEADER);
  const found = attributesByType(message.payload.subarray(HEADER));
  const info = found.get(IFLA.LINKINFO);
  const kind = info && attributesByType(info).get(IFLA_INFO.KIND);
  const [master, parent, alias] = [IFLA.MASTER, IFLA.LINK, IFLA.IFALIAS].map((type) => found.get(type));
  return {
    index: view.getInt32(4, true),
    name: read.text(found.get(IFLA.IFNAME) ?? new Uint8Array()),
    up: (view.getUint32(8, true) & IFF_UP) !== 0,
    mtu: read.u32(found.get(IFLA.MTU) ?? value.u32(0)),
    address: formatMac(found.get(IFLA.ADDRESS) ?? new Uint8Array()),
    ...(master && { master: read.u32(master) }),
    ...(parent && { parent: read.u32(parent) }),
    ...(alias && { alias: read.text(alias) }),
    ...(kind && { kind: read.text(kind) }),
  };
}

export const formatMac = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");

export const parseMac = (text: string) =>
  Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));

/** All devices of the socket's namespace. */
export function listLinks(socket: NetlinkSocket): Link[] {
  return socket
    .dump(RTM_GETLINK, header(), "list links")
    .filter((message) => message.type === RTM_NEWLINK)
    .map(decode);
}

/** The device of that name, or undefined. */
export function findLink(socket: NetlinkSocket, name: string): Link | undefined {
  try {
    const payload = join(header(), attribute(IFLA.IFNAME, value.text(name)));
    const message = socket.get(RTM_GETLINK, payload, "find link", name);
    return message && decode(message);
  } catch (thrown) {
    if (thrown instanceof NetlinkError && thrown.errno === errnoNumber("ENODEV")) return undefined;
    throw thrown;
  }
}

/** Makes a bridge; EEXIST when the name is taken. Without an address the kernel's would change with its ports. */
export function addBridge(
  socket: NetlinkSocket,
  bridge: { name: string; address: string; mtu?: number },
): void {
  const payload = join(
    header(),
    attribute(IFLA.IFNAME, value.text(bridge.name)),
    attribute(IFLA.ADDRESS, parseMac(bridge.address)),
    ...(bridge.mtu ? [attribute(IFLA.MTU, value.u32(bridge.mtu))] : []),
    nest(IFLA.LINKINFO, attribute(IFLA_INFO.KIND, value.text("bridge"))),
  );
  socket.change(RTM_NEWLINK, NLM_F.CREATE | NLM_F.EXCL, payload, "add bridge", bridge.name);
}

export interface VethEnd {
  name: string;
  mtu?: number;
  address?: string;
  /** Whether it is up from the first. */
  up?: boolean;
}

/** Makes a pair of devices, this end as port of a bridge, the other in a namespace, all in one change: veth(4). */
export function addVeth(
  socket: NetlinkSocket,
  end: VethEnd & { master?: number },
  peer: VethEnd & { namespaceFd?: number },
): void {
  const describe = (end: VethEnd) => [
    attribute(IFLA.IFNAME, value.text(end.name)),
    ...(end.mtu ? [attribute(IFLA.MTU, value.u32(end.mtu))] : []),
    ...(end.address ? [attribute(IFLA.ADDRESS, parseMac(end.address))] : []),
  ];
  const other = join(
    header(upFlags(peer.up)),
    ...describe(peer),
    ...(peer.namespaceFd === undefined ? [] : [attribute(IFLA.NET_NS_FD, value.i32(peer.namespaceFd))]),
  );
  const payload = join(
    header(upFlags(end.up)),
    ...describe(end),
    ...(end.master ? [attribute(IFLA.MASTER, value.u32(end.master))] : []),
    nest(
      IFLA.LINKINFO,
      attribute(IFLA_INFO.KIND, value.text("veth")),
      nest(IFLA_INFO.DATA, attribute(VETH_INFO_PEER, other)),
    ),
  );
  socket.change(RTM_NEWLINK, NLM_F.CREATE | NLM_F.EXCL, payload, "add veth", end.name);
}

/** Changes a device. `master: 0` takes it out of its bridge. */
export function setLink(
  socket: NetlinkSocket,
  index: number,
  changes: {
    up?: boolean;
    mtu?: number;
    address?: string;
    master?: number;
    name?: string;
    alias?: string;
  },
): void {
  const payload = join(
    header({ index, ...upFlags(changes.up) }),
    ...(changes.name ? [attribute(IFLA.IFNAME, value.text(changes.name))] : []),
    ...(changes.mtu ? [attribute(IFLA.MTU, value.u32(changes.mtu))] : []),
    ...(changes.address ? [attribute(IFLA.ADDRESS, parseMac(changes.address))] : []),
    ...(changes.alias === undefined
      ? []
      : [attribute(IFLA.IFALIAS, new Uint8Array(Buffer.from(changes.alias)))]),
    ...(changes.master === undefined ? [] : [attribute(IFLA.MASTER, value.u32(changes.master))]),
  );
  socket.change(RTM_NEWLINK, 0, payload, "set link", String(index));
}

/**
 * Changes a bridge's port. `enabled: false` stops every frame at once (BR_STATE_DISABLED), without the grace period
 * that taking the device down or away costs; `hairpin` lets a frame leave where it came in; no frame goes from one
 * `isolated` port to another.
 */
export function setBridgePort(
  socket: NetlinkSocket,
  index: number,
  changes: { enabled?: boolean; hairpin?: boolean; isolated?: boolean },
): void {
  const port = nest(
    IFLA.PROTINFO,
    ...(changes.enabled === undefined
      ? []
      : [attribute(IFLA_BRPORT.STATE, value.u8(changes.enabled ? 3 : 0))]),
    ...(changes.hairpin === undefined
      ? []
      : [attribute(IFLA_BRPORT.MODE, value.u8(changes.hairpin ? 1 : 0))]),
    ...(changes.isolated === undefined
      ? []
      : [attribute(IFLA_BRPORT.ISOLATED, value.u8(changes.isolated ? 1 : 0))]),
  );
  const payload = join(header({ family: AF.BRIDGE, index }), port);
  // Not RTM_NEWLINK, which takes the message and leaves the port as it is.
  socket.change(RTM_SETLINK, 0, payload, "set bridge port", String(index));
}

/** Removes a device (for veth: both ends); false when there is none. It waits for a grace period, some 25 ms. */
export function removeLink(socket: NetlinkSocket, name: string): boolean {
  try {
    const payload = join(header(), attribute(IFLA.IFNAME, value.text(name)));
    socket.change(RTM_DELLINK, 0, payload, "remove link", name);
    return true;
  } catch (thrown) {
    if (thrown instanceof NetlinkError && thrown.errno === errnoNumber("ENODEV")) return false;
    throw thrown;
  }
}
