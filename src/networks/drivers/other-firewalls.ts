// Other programs' base chains that would drop what we forward: Docker's FORWARD policy, a firewall's. Our accept goes
// where each lets its users put theirs, marked by a comment, and comes back when it was flushed.

import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { nft, nftList } from "../../linux/nftables.ts";

/** Where a base chain may drop what we forward, and which chain of its table takes our accept: the first that is there. */
const PLACES = [
  // Docker's chain for rules of users comes before its own; without Docker there may be a FORWARD chain that drops.
  { table: "ip filter", chains: ["DOCKER-USER", "FORWARD"] },
  { table: "ip6 filter", chains: ["DOCKER-USER", "FORWARD"] },
  { table: "inet firewalld", chains: ["filter_FORWARD"] },
] as const;

interface Rule {
  handle: number;
  comment?: string;
  expr: Record<string, unknown>[];
}

const markOf = (bridge: string) => `berth ${bridge}`;

const TABLES: ReadonlySet<string> = new Set(PLACES.map(({ table }) => table));
/** Whether a table is one of those where other firewalls drop: `ip filter`. */
export const isOfFirewall = (table: string) => TABLES.has(table);

interface Chain {
  rules: Rule[];
  drops: boolean;
}

/** `place` is family, table and chain. */
function readChain(place: string): Chain | undefined {
  const listed = nftList(`list chain ${place}`);
  if (!listed) return undefined;
  const rules = listed.flatMap((entry) => ("rule" in entry ? [entry.rule as Rule] : []));
  const policy = listed.some((entry) => (entry.chain as { policy?: string } | undefined)?.policy === "drop");
  const verdict = rules.some((rule) => rule.expr.some((part) => "drop" in part || "reject" in part));
  return { rules, drops: policy || verdict };
}

/**
 * Puts our accepts where they are missing, and takes those away that a daemon left for a device that is gone. Cheap
 * where there is no other firewall. Gives how many transactions that were.
 */
export function acceptForwarding(
  bridge: string,
  devices: readonly string[],
  exists: (device: string) => boolean,
): number {
  let transactions = 0;
  for (const { place, chain } of places()) {
    transactions += insertMissing(place, chain, bridge, devices);
    for (const rule of chain.rules) if (isOrphan(rule, exists)) transactions += removeRule(place, rule);
  }
  return transactions;
}

/** Where our accepts are by now: place and chain. */
function* places(): Generator<{ place: string; chain: Chain }> {
  for (const { table, chains } of PLACES)
    for (const name of chains) {
      const chain = readChain(`${table} ${name}`);
      if (!chain) continue;
      if (name === "DOCKER-USER" || chain.drops) yield { place: `${table} ${name}`, chain };
      break;
    }
}

/** The accepts of one device more. Gives how many transactions that were. */
export function acceptDevice(bridge: string, device: string): number {
  let transactions = 0;
  for (const { place, chain } of places()) transactions += insertMissing(place, chain, bridge, [device]);
  return transactions;
}

/** Takes the accepts of one device away. Gives how many transactions that were. */
export function withdrawDevice(bridge: string, device: string): number {
  let transactions = 0;
  for (const { place, chain } of places())
    for (const rule of chain.rules)
      if (rule.comment === markOf(bridge) && directionOf(rule).endsWith(`"${device}"`))
        transactions += removeRule(place, rule);
  return transactions;
}

/** An accept of ours, or of another daemon like us, for a device that is not there. */
function isOrphan(rule: Rule, exists: (device: string) => boolean): boolean {
  const device = /^[io]ifname "(.+)"$/.exec(directionOf(rule))?.[1];
  return rule.comment?.startsWith("berth ") === true && device !== undefined && !exists(device);
}

function removeRule(place: string, rule: Rule): number {
  try {
    nft(`delete rule ${place} handle ${rule.handle}`);
    return 1;
  } catch (thrown) {
    log.debug("cannot take an accept away", { chain: place, error: messageOf(thrown) });
    return 0;
  }
}

function insertMissing(place: string, { rules }: Chain, bridge: string, devices: readonly string[]): number {
  const ours = new Set(rules.filter((rule) => rule.comment === markOf(bridge)).map(directionOf));
  const missing = devices
    .flatMap((device) => [`iifname "${device}"`, `oifname "${device}"`])
    .filter((match) => !ours.has(match));
  if (missing.length === 0) return 0;
  try {
    // In the form that iptables-nft writes and reads itself, so that `iptables -S` goes on working.
    nft(
      missing
        .map((match) => `insert rule ${place} ${match} counter accept comment "${markOf(bridge)}"`)
        .join("\n"),
    );
    return 1;
  } catch (thrown) {
    // Newer firewalls own their tables: nobody else may change them.
    log.warn(
      `another firewall may drop what containers send: allow the devices ${devices.join(", ")} there ` +
        `(firewalld: firewall-cmd --permanent --zone=trusted --add-interface=${devices[0]})`,
      { chain: place, error: messageOf(thrown) },
    );
    return 0;
  }
}

function directionOf(rule: Rule): string {
  for (const part of rule.expr) {
    const match = part.match as { left?: { meta?: { key?: string } }; right?: unknown } | undefined;
    const key = match?.left?.meta?.key;
    if (key === "iifname" || key === "oifname") return `${key} "${String(match?.right)}"`;
  }
  return "";
}

/** Takes all of our accepts away. */
export function withdrawForwarding(bridge: string): void {
  for (const { table, chains } of PLACES)
    for (const name of chains) {
      const place = `${table} ${name}`;
      for (const rule of readChain(place)?.rules ?? [])
        if (rule.comment === markOf(bridge)) removeRule(place, rule);
    }
}

/** Docker's own bridges, by the drops with which it keeps strangers out of them. */
export function otherEnginesBridges(): string[] {
  const found = new Set<string>();
  for (const chain of ["DOCKER", "DOCKER-ISOLATION-STAGE-2"])
    for (const { expr } of readChain(`ip filter ${chain}`)?.rules ?? []) {
      if (!expr.some((part) => "drop" in part)) continue;
      for (const part of expr) {
        const match = part.match as
          | { op?: string; left?: { meta?: { key?: string } }; right?: unknown }
          | undefined;
        if (match?.left?.meta?.key === "oifname" && match.op === "==" && typeof match.right === "string")
          found.add(match.right);
      }
    }
  return [...found];
}
