// Which prefixes this host already has a way to: a network gets none of them.
import { listAddresses } from "../linux/netlink/address.ts";
import { listLinks } from "../linux/netlink/link.ts";
import { listRoutes } from "../linux/netlink/route.ts";
import { openRoute } from "../linux/netlink/socket.ts";
import { overlaps, type Prefix, parseCidr, prefixOf } from "./prefix.ts";

const RTN_UNICAST = 1;

/** Prefixes of routes (but the default) and of addresses, of devices other than `own`. */
export function usedPrefixes(own: ReadonlySet<string>): Prefix[] {
  using socket = openRoute();
  const ours = new Set(
    listLinks(socket)
      .filter(({ name }) => own.has(name))
      .map(({ index }) => index),
  );
  const routes = listRoutes(socket).filter(
    (route) => !ours.has(route.device ?? 0) && route.type === RTN_UNICAST,
  );
  const addresses = listAddresses(socket).filter((address) => !ours.has(address.index));
  return [
    ...routes.map(({ destination }) => destination),
    ...addresses.map(({ address, prefix }) => `${address}/${prefix}`),
  ].flatMap((text) => {
    const prefix = text ? parseCidr(text)?.prefix : undefined;
    return prefix && prefix.length > 0 ? [prefix] : [];
  });
}

/** True when a device older than `device` has one of the subnets too: another engine chose it at the same moment. */
export function choseTheSame(device: string, subnets: readonly string[]): boolean {
  using socket = openRoute();
  const own = listLinks(socket).find(({ name }) => name === device)?.index ?? 0;
  return listRoutes(socket).some(
    (route) =>
      route.destination !== undefined &&
      route.device !== undefined &&
      route.device < own &&
      route.type === RTN_UNICAST &&
      subnets.some((subnet) => overlaps(prefixOf(subnet), prefixOf(route.destination ?? ""))),
  );
}
