// Which addresses an endpoint gets: those that were asked for, else the lowest free ones. Pure; rows.ts keeps them.
import type { EndpointSettings } from "../api/types/index.ts";
import { forbidden, invalid } from "../base/errors.ts";
import { isUsable, lowestFree } from "./address-pool.ts";
import { sysctlProblems } from "./endpoint-sysctls.ts";
import { canonicalAddress, holds, joinProblems } from "./ipam-config.ts";
import { parseIp, prefixOf } from "./prefix.ts";
import type { EndpointRecord, NetworkRecord } from "./types.ts";

/** The names under which `--default-gateway(-v6)` is kept among a pool's auxiliary addresses, as in libnetwork. */
export const DEFAULT_GATEWAY = { 4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6" } as const;

const NO_SUBNET =
  "user specified IP address is supported only when connecting to networks with user configured subnets";

/**
 * What is wrong with an endpoint's settings, in Docker's words. `network` is undefined where it isn't there (yet): then
 * only their form is looked at.
 */
export function settingsProblems(
  settings: EndpointSettings | undefined,
  network: NetworkRecord | undefined,
): string[] {
  const { IPv4Address: four, IPv6Address: six, LinkLocalIPs: linkLocal } = settings?.IPAMConfig ?? {};
  const problems: string[] = [];
  if (four && !isAddress(four, 4)) problems.push(`invalid IPv4 address: ${four}`);
  if (six && !isAddress(six, 6)) problems.push(`invalid IPv6 address: ${six}`);
  for (const address of linkLocal ?? [])
    if (!parseIp(address)) problems.push(`invalid link-local IP address: ${address}`);
  for (const [address, family] of [
    [four, 4],
    [six, 6],
  ] as const) {
    if (!address || !network) continue;
    if (!network.chosenSubnets?.includes(family)) problems.push(NO_SUBNET);
    else if (!network.pools.some(({ subnet }) => holds(prefixOf(subnet), address)))
      problems.push(`no configured subnet or ip-range contain the IP address ${address}`);
  }
  return [...problems, ...sysctlProblems(settings)];
}

/** One of the family, and not its "unspecified" address. */
function isAddress(text: string, family: 4 | 6): boolean {
  const ip = parseIp(text);
  return ip?.family === family && ip.number !== 0n;
}

/** fe80::/10 (RFC 4291 section 2.5.6) and 169.254.0.0/16 (RFC 3927). */
const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10"].map(prefixOf);

/** Errors: invalid. */
export function checkSettings(settings: EndpointSettings | undefined, network: NetworkRecord): void {
  const problems = settingsProblems(settings, network);
  if (problems.length > 0) throw invalid(`invalid endpoint settings:\n${joinProblems(problems)}`);
}

/**
 * With `leadsOut` the gateways, to which the default routes go. Errors: forbidden, when the address is taken or none
 * is left; invalid for a link-local address that is none.
 */
export function chooseAddresses(
  network: NetworkRecord,
  asked: EndpointSettings["IPAMConfig"] | undefined,
  taken: ReadonlySet<string>,
  { leadsOut } = { leadsOut: !network.internal },
): EndpointRecord["addresses"] {
  const addresses: EndpointRecord["addresses"] = {};
  for (const family of [4, 6] as const) {
    if (!(family === 4 ? network.enableIPv4 : network.enableIPv6)) continue;
    const pools = network.pools.filter(({ subnet }) => prefixOf(subnet).family === family);
    if (pools.length === 0) continue;
    const wanted = family === 4 ? asked?.IPv4Address : asked?.IPv6Address;
    const { address, pool } = chooseOf(network, pools, wanted, family, taken);
    const { length } = prefixOf(pool.subnet);
    const gateway = leadsOut ? (pool.auxiliary?.[DEFAULT_GATEWAY[family]] ?? pool.gateway) : undefined;
    if (family === 4)
      Object.assign(addresses, { ipv4: address, prefix4: length, ...(gateway && { gateway4: gateway }) });
    else Object.assign(addresses, { ipv6: address, prefix6: length, ...(gateway && { gateway6: gateway }) });
  }
  const linkLocal = asked?.LinkLocalIPs?.map(canonicalAddress) ?? [];
  const other = linkLocal.find((address) => !LINK_LOCAL.some((prefix) => holds(prefix, address)));
  if (other) throw invalid(`invalid link local IP address: ${other}`);
  return { ...addresses, ...(linkLocal.length > 0 && { linkLocal }) };
}

function chooseOf(
  network: NetworkRecord,
  pools: NetworkRecord["pools"],
  wanted: string | undefined,
  family: 4 | 6,
  taken: ReadonlySet<string>,
) {
  if (wanted) {
    const address = canonicalAddress(wanted);
    const pool = pools.find(({ subnet }) => holds(prefixOf(subnet), address));
    const reserved = [pool?.gateway, ...Object.values(pool?.auxiliary ?? {})].map((text) =>
      text ? canonicalAddress(text) : undefined,
    );
    const free = pool && isUsable(prefixOf(pool.subnet), address) && !taken.has(address);
    if (!free || reserved.includes(address)) throw forbidden("Address already in use");
    return { address, pool };
  }
  for (const pool of pools) {
    const address = lowestFree(pool, taken);
    if (address) return { address, pool };
  }
  throw forbidden(
    `no available IPv${family} addresses on this network's address pools: ${network.name} (${network.id})`,
  );
}
