// Routes: rtnetlink(7) RTM_*ROUTE, linux/rtnetlink.h.
import { formatAddress, isIpv6, parseAddress } from "../ip-address.ts";
import { AF } from "../socket-numbers.ts";
import { attribute, attributesByType, join, NLM_F, read, value } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const SCOPE = { UNIVERSE: 0, LINK: 253 } as const;
const HEADER = 12;

export interface Route {
  family: "ipv4" | "ipv6";
  /** CIDR; absent: the default route. */
  destination?: string;
  gateway?: string;
  /** Index of the device. */
  device?: number;
  table: number;
  /** RTN_*: 1 unicast, 2 local, 3 broadcast… */
  type: number;
}

/** struct rtmsg. */
function header(family: number, length: number, scope: number, type: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  bytes.set([family, length, 0, 0, type ? RT_TABLE_MAIN : 0, type ? RTPROT_BOOT : 0, scope, type]);
  return bytes;
}

/** All routes of all tables, those of the socket's namespace. */
export function listRoutes(socket: NetlinkSocket): Route[] {
  return socket
    .dump(RTM_GETROUTE, header(0, 0, 0, 0), "list routes")
    .filter((message) => message.type === RTM_NEWROUTE)
    .map(({ payload }) => {
      const found = attributesByType(payload.subarray(HEADER));
      const [destination, gateway, device, table] = [RTA.DST, RTA.GATEWAY, RTA.OIF, RTA.TABLE].map((type) =>
        found.get(type),
      );
      return {
        family: payload[0] === AF.INET6 ? "ipv6" : "ipv4",
        ...(destination && { destination: `${formatAddress(destination)}/${payload[1]}` }),
        ...(gateway && { gateway: formatAddress(gateway) }),
        ...(device && { device: read.u32(device) }),
        table: table ? read.u32(table) : (payload[4] ?? 0),
        type: payload[7] ?? 0,
      } as const;
    });
}

/** A route to make; without destination the default one, whose family is that of the gateway, or said. */
export interface NewRoute {
  family?: Route["family"];
  destination?: string;
  gateway?: string;
  device: number;
}

function payloadOf(route: NewRoute): Uint8Array {
  const [address, length] = route.destination?.split("/") ?? [];
  const six = route.family ? route.family === "ipv6" : isIpv6(route.gateway ?? address ?? "");
  return join(
    header(
      six ? AF.INET6 : AF.INET,
      length ? Number(length) : 0,
      route.gateway ? SCOPE.UNIVERSE : SCOPE.LINK,
      RTN_UNICAST,
    ),
    ...(address ? [attribute(RTA.DST, parseAddress(address))] : []),
    ...(route.gateway ? [attribute(RTA.GATEWAY, parseAddress(route.gateway))] : []),
    attribute(RTA.OIF, value.u32(route.device)),
  );
}

/** Adds a route of the main table, or replaces the one to the same destination. */
export function addRoute(socket: NetlinkSocket, route: NewRoute): void {
  const text = `${route.destination ?? "default"} ${route.gateway ?? ""}`.trim();
  socket.change(RTM_NEWROUTE, NLM_F.CREATE | NLM_F.REPLACE, payloadOf(route), "add route", text);
}

/** Takes the main table's default routes of a family away, those that were there. */
export function removeDefaultRoute(socket: NetlinkSocket, family: Route["family"]): void {
  for (const route of listRoutes(socket)) {
    if (route.family !== family || route.destination !== undefined || route.device === undefined) continue;
    if (route.table !== RT_TABLE_MAIN || route.type !== RTN_UNICAST) continue;
    const payload = payloadOf({
      family,
      device: route.device,
      ...(route.gateway && { gateway: route.gateway }),
    });
    socket.change(RTM_DELROUTE, 0, payload, "remove route", "default");
  }
}
