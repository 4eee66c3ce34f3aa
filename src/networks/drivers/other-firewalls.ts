// Other programs' base chains that would drop what we forward: Docker's FORWARD policy, a firewall's. Our accept goes
// where each lets its users put theirs, marked by a comment, and comes back when it was flushed.

import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { nft, nftList } from "../../linux/nftables.ts";

const FAMILIES = ["ip", "ip6"] as const;
type Family = (typeof FAMILIES)[number];
/** Docker's chain for rules of users comes before its own; without Docker there may be a FORWARD chain that drops. */
const CHAINS = ["DOCKER-USER", "FORWARD"] as const;

interface Rule {
  handle: number;
  comment?: string;
  expr: Record<string, unknown>[];
}

const markOf = (bridge: string) => `berth ${bridge}`;

interface Chain {
  rules: Rule[];
  drops: boolean;
}

function readChain(family: Family, name: string): Chain | undefined {
  const listed = nftList(`list chain ${family} filter ${name}`);
  if (!listed) return undefined;
  const rules = listed.flatMap((entry) => ("rule" in entry ? [entry.rule as Rule] : []));
  const policy = listed.some((entry) => (entry.chain as { policy?: string } | undefined)?.policy === "drop");
  const verdict = rules.some((rule) => rule.expr.some((part) => "drop" in part || "reject" in part));
  return { rules, drops: policy || verdict };
}

/**
 * Puts our accepts where they are missing, and takes those away that a daemon left for a device that is gone. Cheap
 * where there is no other firewall.
 */
export function acceptForwarding(
  bridge: string,
  devices: readonly string[],
  exists: (device: string) => boolean,
): void {
  for (const family of FAMILIES) {
    const user = readChain(family, "DOCKER-USER");
    const chain = user ?? readChain(family, "FORWARD");
    const name = user ? "DOCKER-USER" : "FORWARD";
    if (!chain || (!user && !chain.drops)) continue;
    insertMissing(family, name, chain, bridge, devices);
    for (const rule of chain.rules) if (isOrphan(rule, exists)) removeRule(family, name, rule);
  }
}

/** An accept of ours, or of another daemon like us, for a device that is not there. */
function isOrphan(rule: Rule, exists: (device: string) => boolean): boolean {
  const device = /^[io]ifname "(.+)"$/.exec(directionOf(rule))?.[1];
  return rule.comment?.startsWith("berth ") === true && device !== undefined && !exists(device);
}

function removeRule(family: Family, chain: string, rule: Rule): void {
  try {
    nft(`delete rule ${family} filter ${chain} handle ${rule.handle}`);
  } catch (thrown) {
    log.debug("cannot take an accept away", { family, chain, error: messageOf(thrown) });
  }
}

function insertMissing(
  family: Family,
  chain: string,
  { rules }: Chain,
  bridge: string,
  devices: readonly string[],
): void {
  const ours = new Set(rules.filter((rule) => rule.comment === markOf(bridge)).map(directionOf));
  const missing = devices
    .flatMap((device) => [`iifname "${device}"`, `oifname "${device}"`])
    .filter((match) => !ours.has(match));
  if (missing.length === 0) return;
  // In the form that iptables-nft writes and reads itself, so that `iptables -S` goes on working.
  nft(
    missing
      .map(
        (match) =>
          `insert rule ${family} filter ${chain} ${match} counter accept comment "${markOf(bridge)}"`,
      )
      .join("\n"),
  );
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
  for (const family of FAMILIES)
    for (const chain of CHAINS)
      for (const rule of readChain(family, chain)?.rules ?? [])
        if (rule.comment === markOf(bridge)) removeRule(family, chain, rule);
}

/** Docker's own bridges, by the drops with which it keeps strangers out of them. */
export function otherEnginesBridges(): string[] {
  const found = new Set<string>();
  for (const chain of ["DOCKER", "DOCKER-ISOLATION-STAGE-2"])
    for (const { expr } of readChain("ip", chain)?.rules ?? []) {
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
