// Which subnet a network gets, and which address an endpoint: pure choices; the rows that hold them are in rows.ts.
import {
  boundsOf,
  contains,
  formatIp,
  formatPrefix,
  overlaps,
  type Prefix,
  parseIp,
  prefixOf,
  split,
} from "./prefix.ts";
import type { NetworkRecord } from "./types.ts";

export type Pool = NetworkRecord["pools"][number];

/** Docker's predefined pools of local networks; `default-address-pools` replaces them. */
export const DEFAULT_POOLS: readonly { base: string; size: number }[] = [
  { base: "172.17.0.0/16", size: 16 },
  { base: "172.18.0.0/16", size: 16 },
  { base: "172.19.0.0/16", size: 16 },
  { base: "172.20.0.0/14", size: 16 },
  { base: "172.24.0.0/14", size: 16 },
  { base: "172.28.0.0/14", size: 16 },
  { base: "192.168.0.0/16", size: 20 },
];

/** The first subnet of the pools, of one family, that overlaps nothing in use; undefined when all are taken. */
export function chooseSubnet(
  pools: readonly { base: string; size: number }[],
  family: 4 | 6,
  used: readonly Prefix[],
): Prefix | undefined {
  for (const pool of pools) {
    const base = prefixOf(pool.base);
    if (base.family !== family) continue;
    // No walk through all of a pool that lies in a prefix in use as a whole.
    for (const candidate of split(base, pool.size))
      if (!used.some((prefix) => overlaps(prefix, candidate))) return candidate;
      else if (used.some((prefix) => contains(prefix, base))) break;
  }
  return undefined;
}

/**
 * The lowest address of a pool's range that nobody has: not the subnet's own (and, of IPv4, not its broadcast), not
 * the gateway, not an auxiliary one, not one of `taken`. undefined when none is left.
 */
export function lowestFree(pool: Pool, taken: ReadonlySet<string>): string | undefined {
  const subnet = prefixOf(pool.subnet);
  const range = pool.range ? prefixOf(pool.range) : subnet;
  const reserved = new Set([...taken, ...Object.values(pool.auxiliary ?? {})].map(canonical));
  if (pool.gateway) reserved.add(canonical(pool.gateway));
  const { first, last } = boundsOf(range);
  for (let number = first; number <= last; number++) {
    const address = formatIp(subnet.family, number);
    if (usable(subnet, number) && !reserved.has(address)) return address;
  }
  return undefined;
}

const canonical = (text: string) => {
  const ip = parseIp(text);
  return ip ? formatIp(ip.family, ip.number) : text;
};

/** Whether a subnet has an address for somebody: not its own, nor its broadcast. */
export function isUsable(subnet: Prefix, address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && usable(subnet, ip.number);
}

/** Point-to-point subnets (RFC 3021, RFC 6164) use all of their addresses. */
function usable(subnet: Prefix, number: bigint): boolean {
  const { first, last } = boundsOf(subnet);
  if (last - first <= 1n) return true;
  return number !== first && !(subnet.family === 4 && number === last);
}

/** The first usable address, in the range where there is one, which the gateway gets when nobody chose another. */
export function firstUsable(subnet: Prefix, range?: string): string {
  const pool: Pool = { subnet: formatPrefix(subnet), ...(range && { range }) };
  return lowestFree(pool, new Set()) ?? formatIp(subnet.family, subnet.base);
}
