// What MAC addresses the kernel has for its neighbours: rtnetlink(7) RTM_*NEIGH, linux/neighbour.h.
import { KernelError } from "../errors.ts";
import { parseAddress } from "../ip-address.ts";
import { AF } from "../socket-numbers.ts";
import { attribute, join, NLM_F } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWNEIGH = 28;
const NDA = { DST: 1, LLADDR: 2 } as const;
/** Used at once, and asked for soon after (NUD_STALE). */
const STALE = 0x04;
const HEADER = 12;

export interface Neighbour {
  /** Of the device that leads to it. */
  index: number;
  address: string;
  mac: Uint8Array;
}

/** Tells the kernel a neighbour's MAC address, in place of one that it knows; one that it doesn't know it asks for. */
export function replaceNeighbour(socket: NetlinkSocket, { index, address, mac }: Neighbour): void {
  const bytes = parseAddress(address);
  // struct ndmsg: family, padding, index, state, flags, type.
  const header = new DataView(new ArrayBuffer(HEADER));
  header.setUint8(0, bytes.length === 16 ? AF.INET6 : AF.INET);
  header.setInt32(4, index, true);
  header.setUint16(8, STALE, true);
  const payload = join(new Uint8Array(header.buffer), attribute(NDA.DST, bytes), attribute(NDA.LLADDR, mac));
  try {
    socket.change(RTM_NEWNEIGH, NLM_F.REPLACE, payload, "replace neighbour", address);
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== "ENOENT") throw error;
  }
}
