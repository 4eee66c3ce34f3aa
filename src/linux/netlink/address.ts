// Addresses of devices: rtnetlink(7) RTM_*ADDR, linux/if_addr.h.
import { formatAddress, parseAddress } from "../ip-address.ts";
import { AF } from "../socket-numbers.ts";
import { attribute, attributesByType, join, NLM_F, read, value } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8 } as const;
/** Used at once: nobody else can have an address that we gave out. */
const IFA_F_NODAD = 0x02;
const HEADER = 8;

export interface LinkAddress {
  index: number;
  address: string;
  prefix: number;
}

/** struct ifaddrmsg. */
function header(family: number, prefix: number, index: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  bytes[0] = family;
  bytes[1] = prefix;
  new DataView(bytes.buffer).setUint32(4, index, true);
  return bytes;
}

/** All addresses of the socket's namespace. */
export function listAddresses(socket: NetlinkSocket): LinkAddress[] {
  return socket
    .dump(RTM_GETADDR, header(0, 0, 0), "list addresses")
    .filter((message) => message.type === RTM_NEWADDR)
    .flatMap(({ payload }) => {
      const found = attributesByType(payload.subarray(HEADER));
      // On a point-to-point device ADDRESS is the other side's.
      const bytes = found.get(IFA.LOCAL) ?? found.get(IFA.ADDRESS);
      if (!bytes) return [];
      return [
        { index: read.u32(payload.subarray(4)), address: formatAddress(bytes), prefix: payload[1] ?? 0 },
      ];
    });
}

function payloadOf({ index, address, prefix }: LinkAddress): Uint8Array {
  const bytes = parseAddress(address);
  if (bytes.length === 16)
    return join(
      header(AF.INET6, prefix, index),
      attribute(IFA.ADDRESS, bytes),
      attribute(IFA.FLAGS, value.u32(IFA_F_NODAD)),
    );
  return join(
    header(AF.INET, prefix, index),
    attribute(IFA.ADDRESS, bytes),
    attribute(IFA.LOCAL, bytes),
    ...(prefix < 31 ? [attribute(IFA.BROADCAST, broadcastOf(bytes, prefix))] : []),
  );
}

function broadcastOf(address: Uint8Array, prefix: number): Uint8Array {
  return address.map((byte, i) => byte | (0xff >> Math.min(8, Math.max(0, prefix - 8 * i))));
}

/** Gives a device an address; it may have it already. The kernel adds the route of the subnet. */
export function addAddress(socket: NetlinkSocket, address: LinkAddress): void {
  const text = `${address.address}/${address.prefix}`;
  socket.change(RTM_NEWADDR, NLM_F.CREATE | NLM_F.REPLACE, payloadOf(address), "add address", text);
}

/** Takes an address away. */
export function removeAddress(socket: NetlinkSocket, address: LinkAddress): void {
  const text = `${address.address}/${address.prefix}`;
  socket.change(RTM_DELADDR, 0, payloadOf(address), "remove address", text);
}
