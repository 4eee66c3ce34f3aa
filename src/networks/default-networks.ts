// The networks that are always there: bridge, host and none; their rows, made from the daemon's settings.
import { randomBytes } from "node:crypto";
import type { HostEnvironment } from "../base/environment.ts";
import { invalid, systemError } from "../base/errors.ts";
import { chooseSubnet, DEFAULT_POOLS, firstUsable, type Pool } from "./address-pool.ts";
import { OPTION } from "./drivers/bridge-options.ts";
import { DEFAULT_GATEWAY } from "./endpoint-addresses.ts";
import { emptyRecord } from "./network-record.ts";
import { contains, formatPrefix, overlaps, type Prefix, parseCidr, parseIp, prefixOf } from "./prefix.ts";
import type { Rows } from "./rows.ts";
import type { NetworkRecord, NetworksConfig } from "./types.ts";

const DEFAULT_MTU = 1500;

/** Refuses a wrong `bip`, `fixed-cidr`, `default-address-pools`…: invalid, when the daemon starts. */
export function checkConfig(config: NetworksConfig, bridge: string): void {
  if (!/^[A-Za-z][A-Za-z0-9_.-]{0,14}$/.test(bridge))
    throw invalid(`invalid bridge name: ${JSON.stringify(bridge)}`);
  for (const [option, text] of [
    ["bip", config.bip],
    ["bip6", config.bip6],
    ["fixed-cidr", config.fixedCidr],
    ["fixed-cidr-v6", config.fixedCidrV6],
  ])
    if (text && !parseCidr(text)) throw invalid(`parse ${option} failed: invalid CIDR address: ${text}`);
  for (const [i, { base, size }] of config.defaultAddressPools.entries()) {
    const prefix = parseCidr(base)?.prefix;
    if (!prefix) throw invalid(`invalid base pool "${base}": invalid CIDR address: ${base}`);
    if (size < prefix.length || size > (prefix.family === 4 ? 32 : 128))
      throw invalid(
        `network at index ${i} (${base}) has a smaller prefix (/${prefix.length}) than the target size of that pool (/${size})`,
      );
  }
  for (const address of [
    config.ip,
    config.defaultGateway,
    config.defaultGatewayV6,
    ...(config.hostGatewayIps ?? []),
  ])
    if (address && !parseIp(address)) throw invalid(`invalid IP address: ${address}`);
}

/**
 * Makes or updates the rows of the default networks, in the caller's transaction.
 *
 * @param used prefixes that the host has routes to, by other devices than our own
 * @param present addresses with their prefix lengths of the default bridge where somebody else made it: it keeps them
 * @param busy whether containers live on the bridge: then its subnets stay what they are
 */
export function ensureDefaultNetworks(
  rows: Rows,
  config: NetworksConfig,
  environment: HostEnvironment,
  used: readonly Prefix[],
  present: readonly string[],
  busy: boolean,
): void {
  for (const [name, driver] of [
    ["none", "null"],
    ["host", "host"],
  ] as const)
    if (!rows.networks.where("name", name)[0]) rows.networks.put(plainRecord(name, driver));
  const before = rows.networks.where("name", "bridge")[0];
  if (config.bridge === "none") {
    if (before && !busy) rows.networks.delete(before.id);
    return;
  }
  const pools = busy && before ? before.pools : bridgePools(config, used, present, before?.pools ?? []);
  rows.networks.put({
    ...(before ?? plainRecord("bridge", "bridge")),
    enableIPv6: pools.some(({ subnet }) => prefixOf(subnet).family === 6),
    pools,
    options: {
      [OPTION.DEFAULT]: "true",
      [OPTION.ICC]: String(config.icc),
      [OPTION.MASQUERADE]: String(config.ipMasq),
      [OPTION.HOST_BINDING]: config.ip ?? "0.0.0.0",
      [OPTION.NAME]: environment.bridge,
      [OPTION.MTU]: String(config.mtu || DEFAULT_MTU),
    },
  });
}

const plainRecord = (name: string, driver: string): NetworkRecord => ({
  ...emptyRecord(name, driver),
  builtIn: true,
});

function bridgePools(
  settings: NetworksConfig,
  used: readonly Prefix[],
  present: readonly string[],
  before: readonly Pool[],
): Pool[] {
  const config = {
    ...settings,
    bip: settings.bip || addressIn(present, 4, settings.fixedCidr),
    bip6: settings.bip6 || addressIn(present, 6, settings.fixedCidrV6),
  };
  const ofFamily = (family: 4 | 6) => before.find(({ subnet }) => prefixOf(subnet).family === family);
  const pools = config.defaultAddressPools.length > 0 ? config.defaultAddressPools : DEFAULT_POOLS;
  const four = configuredPool(config.bip, config.fixedCidr) ?? keptPool(ofFamily(4), pools, used);
  const result: Pool[] = [four ?? chosenPool(pools, 4, used)];
  if (config.defaultGateway) result[0]!.auxiliary = { [DEFAULT_GATEWAY[4]]: config.defaultGateway };
  else delete result[0]!.auxiliary;
  if (!config.ipv6) return result;
  const six = configuredPool(config.bip6, config.fixedCidrV6) ?? keptPool(ofFamily(6), undefined, used);
  const pool = six ?? (hasFamily(pools, 6) ? chosenPool(pools, 6, used) : localPool());
  if (config.defaultGatewayV6) pool.auxiliary = { [DEFAULT_GATEWAY[6]]: config.defaultGatewayV6 };
  else delete pool.auxiliary;
  result.push(pool);
  return result;
}

/** The address of a bridge whose subnet the network gets: of several the one in whose subnet `fixed-cidr` is. */
function addressIn(present: readonly string[], family: 4 | 6, fixed: string | undefined): string | undefined {
  const all = present.filter((text) => parseCidr(text)?.prefix.family === family);
  const range = fixed ? parseCidr(fixed)?.prefix : undefined;
  if (!range) return all[0];
  return all.find((text) => contains(prefixOf(text), range));
}

const hasFamily = (pools: readonly { base: string }[], family: 4 | 6) =>
  pools.some(({ base }) => prefixOf(base).family === family);

/** `--bip` says subnet and gateway, `--fixed-cidr` what containers get; alone it is the subnet too. */
function configuredPool(bip: string | undefined, fixed: string | undefined): Pool | undefined {
  const range = fixed ? parseCidr(fixed)?.prefix : undefined;
  if (bip) {
    const { prefix, address } = parseCidr(bip)!;
    // `--bip 192.168.1.0/24` names a subnet and no address of it: the first one is meant.
    const gateway = address === formatPrefix(prefix).split("/")[0] ? firstUsable(prefix) : address;
    if (range && !contains(prefix, range))
      throw invalid(`fixed-cidr ${fixed} is not in the subnet of bip ${bip}`);
    return { subnet: formatPrefix(prefix), gateway, ...(range && { range: formatPrefix(range) }) };
  }
  return range && { subnet: formatPrefix(range), gateway: firstUsable(range), range: formatPrefix(range) };
}

/** What was chosen before stays, so that a restart changes nothing, unless the host got a route there. */
function keptPool(
  before: Pool | undefined,
  pools: readonly { base: string }[] | undefined,
  used: readonly Prefix[],
): Pool | undefined {
  if (!before || before.range) return undefined;
  const subnet = prefixOf(before.subnet);
  if (pools && !pools.some(({ base }) => contains(prefixOf(base), subnet))) return undefined;
  return used.some((prefix) => overlaps(prefix, subnet)) ? undefined : { ...before };
}

function chosenPool(
  pools: readonly { base: string; size: number }[],
  family: 4 | 6,
  used: readonly Prefix[],
): Pool {
  const subnet = chooseSubnet(pools, family, used);
  if (!subnet)
    throw systemError(
      "all predefined address pools have been fully subnetted: free a subnet, or give --bip or default-address-pools",
    );
  return { subnet: formatPrefix(subnet), gateway: firstUsable(subnet) };
}

/** A /64 of a random unique local prefix: RFC 4193. */
function localPool(): Pool {
  const global = randomBytes(5);
  const groups = [0xfd00 | global[0]!, (global[1]! << 8) | global[2]!, (global[3]! << 8) | global[4]!];
  const subnet = parseCidr(`${groups.map((group) => group.toString(16)).join(":")}::/64`)!.prefix;
  return { subnet: formatPrefix(subnet), gateway: firstUsable(subnet) };
}
