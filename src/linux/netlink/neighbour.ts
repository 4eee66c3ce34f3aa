// Neighbours (ARP and neighbour discovery): rtnetlink(7) RTM_*NEIGH, linux/neighbour.h.
import { formatAddress, parseAddress } from "../ip-address.ts";
import { formatMac, parseMac } from "./link.ts";
import { attribute, attributesByType, join, NLM_F, read } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
const AF = { INET: 2, INET6: 10 } as const;
const NDA = { DST: 1, LLADDR: 2 } as const;
const NUD_PERMANENT = 0x80;
const HEADER = 12;

export interface Neighbour {
  index: number;
  address: string;
  /** Absent while it is being asked for. */
  mac?: string;
  /** NUD_* bits. */
  state: number;
}

/** struct ndmsg. */
function header(family: number, index: number, state: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, family);
  view.setInt32(4, index, true);
  view.setUint16(8, state, true);
  return bytes;
}

/** All neighbours of the socket's namespace. */
export function listNeighbours(socket: NetlinkSocket): Neighbour[] {
  return socket
    .dump(RTM_GETNEIGH, header(0, 0, 0), "list neighbours")
    .filter((message) => message.type === RTM_NEWNEIGH)
    .flatMap(({ payload }) => {
      const found = attributesByType(payload.subarray(HEADER));
      const address = found.get(NDA.DST);
      const mac = found.get(NDA.LLADDR);
      if (!address) return [];
      return [
        {
          index: read.i32(payload.subarray(4)),
          address: formatAddress(address),
          ...(mac && { mac: formatMac(mac) }),
          state: read.u16(payload.subarray(8)),
        },
      ];
    });
}

const payloadOf = (index: number, address: Uint8Array, state: number, mac?: string) =>
  join(
    header(address.length === 16 ? AF.INET6 : AF.INET, index, state),
    attribute(NDA.DST, address),
    ...(mac ? [attribute(NDA.LLADDR, parseMac(mac))] : []),
  );

/** Adds a permanent neighbour, or replaces what is known of it. */
export function addNeighbour(
  socket: NetlinkSocket,
  neighbour: { index: number; address: string; mac: string },
): void {
  const { index, address, mac } = neighbour;
  const payload = payloadOf(index, parseAddress(address), NUD_PERMANENT, mac);
  socket.change(RTM_NEWNEIGH, NLM_F.CREATE | NLM_F.REPLACE, payload, "add neighbour", address);
}

/** Forgets a neighbour. */
export function removeNeighbour(socket: NetlinkSocket, neighbour: { index: number; address: string }): void {
  const payload = payloadOf(neighbour.index, parseAddress(neighbour.address), 0);
  socket.change(RTM_DELNEIGH, 0, payload, "remove neighbour", neighbour.address);
}
