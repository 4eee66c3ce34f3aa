// Counters of a network device: IFLA_STATS64 of rtnetlink(7), struct rtnl_link_stats64 of linux/if_link.h.
import { errnoNumber } from "../errors.ts";
import { attribute, attributesByType, join, value } from "./message.ts";
import { NetlinkError, type NetlinkSocket } from "./socket.ts";

const RTM_GETLINK = 18;
const IFLA_IFNAME = 3;
const IFLA_STATS64 = 23;
/** struct ifinfomsg. */
const HEADER = 16;

/** Since the device was made, as it sees them: `rx` is what came in. */
export interface LinkStatistics {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** The fields' places in the structure, 8 bytes each. */
const PLACES: Record<keyof LinkStatistics, number> = {
  rx_bytes: 2,
  rx_packets: 0,
  rx_errors: 4,
  rx_dropped: 6,
  tx_bytes: 3,
  tx_packets: 1,
  tx_errors: 5,
  tx_dropped: 7,
};

/** Counters of the device of that name in the socket's namespace, or undefined where there is none. */
export function linkStatistics(socket: NetlinkSocket, name: string): LinkStatistics | undefined {
  try {
    const payload = join(new Uint8Array(HEADER), attribute(IFLA_IFNAME, value.text(name)));
    const message = socket.get(RTM_GETLINK, payload, "read counters", name);
    const bytes = message && attributesByType(message.payload.subarray(HEADER)).get(IFLA_STATS64);
    return bytes && decodeStatistics(bytes);
  } catch (thrown) {
    if (thrown instanceof NetlinkError && thrown.errno === errnoNumber("ENODEV")) return undefined;
    throw thrown;
  }
}

export function decodeStatistics(bytes: Uint8Array): LinkStatistics {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Object.fromEntries(
    Object.entries(PLACES).map(([name, place]) => [name, Number(view.getBigUint64(place * 8, true))]),
  ) as unknown as LinkStatistics;
}
