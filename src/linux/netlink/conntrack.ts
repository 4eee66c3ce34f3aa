// Connection tracking: entries found by their tuple and deleted. nfnetlink, linux/netfilter/nfnetlink_conntrack.h.
import { errnoNumber } from "../errors.ts";
import { formatAddress } from "../ip-address.ts";
import { attribute, attributesByType, join, nest, read, value } from "./message.ts";
import { NetlinkError, type NetlinkSocket, netfilterSocket } from "./socket.ts";

const SUBSYSTEM = 1 << 8;
const GET = SUBSYSTEM | 1;
const DELETE = SUBSYSTEM | 2;
const NEW = SUBSYSTEM;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ID: 12, ZONE: 18, FILTER: 25 } as const;
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const CTA_FILTER_ORIG_FLAGS = 1;
const FILTER = { PROTO_NUM: 1 << 3, PROTO_DST_PORT: 1 << 5 } as const;
const HEADER = 4;

export const PROTOCOL = { tcp: 6, udp: 17, sctp: 132 } as const;

/** One direction of a connection. */
export interface Tuple {
  source: string;
  destination: string;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
}

export interface Connection {
  original: Tuple;
  reply: Tuple;
}

function decodeTuple(bytes: Uint8Array): Tuple {
  const parts = attributesByType(bytes);
  const ip = attributesByType(parts.get(CTA_TUPLE.IP) ?? new Uint8Array());
  const protocol = attributesByType(parts.get(CTA_TUPLE.PROTO) ?? new Uint8Array());
  const address = (...types: number[]) => {
    const found = types.map((type) => ip.get(type)).find((bytes) => bytes);
    return found ? formatAddress(found) : "";
  };
  const port = (type: number) => read.be16(protocol.get(type) ?? value.be16(0));
  return {
    source: address(CTA_IP.V4_SRC, CTA_IP.V6_SRC),
    destination: address(CTA_IP.V4_DST, CTA_IP.V6_DST),
    protocol: read.u8(protocol.get(CTA_PROTO.NUM) ?? value.u8(0)),
    sourcePort: port(CTA_PROTO.SRC_PORT),
    destinationPort: port(CTA_PROTO.DST_PORT),
  };
}

const header = (six: boolean) => Uint8Array.of(six ? 10 : 2, 0, 0, 0);

/**
 * Deletes the tracked connections whose first packet went to one of `ports` and that `matches` chooses, so that their
 * next packet is looked at anew by the rules. Gives how many.
 *
 * The kernel filters by protocol, and by a single port (CTA_FILTER, Linux 5.8), so that the connections of a busy host
 * aren't copied; but it walks its whole table, some 10 ms with 262,144 buckets: one call for many ports, and not while
 * somebody waits.
 */
export function forgetConnections(
  what: { protocol: keyof typeof PROTOCOL; ports: ReadonlySet<number>; family: "ipv4" | "ipv6" },
  matches: (connection: Connection) => boolean,
): number {
  const socket = netfilterSocket();
  const family = header(what.family === "ipv6");
  const [port] = what.ports;
  const single = what.ports.size === 1 && port !== undefined;
  const request = join(
    family,
    nest(
      CTA.TUPLE_ORIG,
      nest(
        CTA_TUPLE.PROTO,
        attribute(CTA_PROTO.NUM, value.u8(PROTOCOL[what.protocol])),
        ...(single ? [attribute(CTA_PROTO.DST_PORT, value.be16(port))] : []),
      ),
    ),
    nest(
      CTA.FILTER,
      attribute(CTA_FILTER_ORIG_FLAGS, value.u32(FILTER.PROTO_NUM | (single ? FILTER.PROTO_DST_PORT : 0))),
    ),
  );
  let deleted = 0;
  for (const { type, payload } of socket.dump(GET, request, "list connections")) {
    if (type !== NEW) continue;
    const found = attributesByType(payload.subarray(HEADER));
    const original = found.get(CTA.TUPLE_ORIG);
    const reply = found.get(CTA.TUPLE_REPLY);
    if (!original || !reply) continue;
    const connection = { original: decodeTuple(original), reply: decodeTuple(reply) };
    if (!what.ports.has(connection.original.destinationPort) || !matches(connection)) continue;
    const id = found.get(CTA.ID);
    const zone = found.get(CTA.ZONE);
    const which = join(
      family,
      nest(CTA.TUPLE_ORIG, original),
      ...(id ? [attribute(CTA.ID, id)] : []),
      ...(zone ? [attribute(CTA.ZONE, zone)] : []),
    );
    if (removeConnection(socket, which)) deleted++;
  }
  return deleted;
}

function removeConnection(socket: NetlinkSocket, which: Uint8Array): boolean {
  try {
    socket.change(DELETE, 0, which, "delete connection", "");
    return true;
  } catch (thrown) {
    // It ended by itself meanwhile.
    if (thrown instanceof NetlinkError && thrown.errno === errnoNumber("ENOENT")) return false;
    throw thrown;
  }
}
