// Decides a new network's record: what was asked for, checked in Docker's words, and subnets where nobody chose any.
// Touches no rows and no devices.

import { createHash } from "node:crypto";
import type { IPAMConfig } from "../api/types/index.ts";
import { conflict, forbidden, invalid, notFound, unavailable } from "../base/errors.ts";
import { goBoolean } from "../base/go-boolean.ts";
import { chooseSubnet, DEFAULT_POOLS, firstUsable, isUsable } from "./address-pool.ts";
import { canonicalAddress, checkIpamConfig } from "./ipam-config.ts";
import { emptyRecord } from "./network-record.ts";
import { formatPrefix, overlaps, type Prefix, parseCidr, prefixOf } from "./prefix.ts";
import type { NetworkRecord, NetworkRequest, NetworksConfig } from "./types.ts";

type Pool = NetworkRecord["pools"][number];

const PREDEFINED = ["bridge", "host", "none", "default"];
const NOT_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
/** Options that say the same as EnableIPv4 and EnableIPv6, which win. */
const ENABLE_IPV4 = "com.docker.network.enable_ipv4";
const ENABLE_IPV6 = "com.docker.network.enable_ipv6";

export interface Surroundings {
  networks: readonly NetworkRecord[];
  config: NetworksConfig;
  drivers: ReadonlySet<string>;
  /** Whether a driver's network has a gateway though nobody asked for one. */
  choosesGateway(driver: string, network: Pick<NetworkRecord, "internal" | "options">): boolean;
  /** Prefixes that the host has a way to, by devices that are not this daemon's. */
  used(): readonly Prefix[];
}

/** Errors: invalid, forbidden, conflict, not-found, unavailable (what a swarm would do). */
export function decideNetwork(request: NetworkRequest, around: Surroundings): NetworkRecord {
  const { name, driver } = checkFrame(request, around);
  const template = request.ConfigFrom?.Network;
  if (template) return fromTemplate(request, name, driver, template, around);
  const options = { ...around.config.defaultNetworkOpts?.[driver], ...request.Options };
  const enableIPv4 = request.EnableIPv4 ?? flagOf(options, ENABLE_IPV4) ?? true;
  const enableIPv6 = request.EnableIPv6 ?? flagOf(options, ENABLE_IPV6) ?? false;
  if (request.EnableIPv4 != null) delete options[ENABLE_IPV4];
  if (request.EnableIPv6 != null) delete options[ENABLE_IPV6];
  if (!enableIPv4 && !enableIPv6) throw invalid("IPv4 or IPv6 must be enabled");
  const configs = request.IPAM?.Config ?? [];
  checkIpamConfig(configs, enableIPv6);
  const given = configs.map(poolOf);
  const record = { ...bareRecord(request, name, request.ConfigOnly ? "null" : driver), options };
  return {
    ...record,
    enableIPv4,
    enableIPv6,
    ...(request.ConfigOnly
      ? {
          configOnly: true,
          pools: given.map(({ gatewayHidden, gateway, ...pool }) => ({
            ...pool,
            ...(!gatewayHidden && gateway && { gateway }),
          })),
        }
      : { pools: completePools(given, { ...record, enableIPv4, enableIPv6 }, around) }),
    ...chosen(given),
  };
}

function checkFrame(request: NetworkRequest, around: Surroundings): { name: string; driver: string } {
  const name = request.Name ?? "";
  if (PREDEFINED.includes(name)) throw forbidden(`operation is not permitted on predefined ${name} network `);
  const driver = request.Driver || "bridge";
  if (driver === "overlay") throw forbidden(NOT_MANAGER);
  if (request.Scope === "swarm")
    throw forbidden("cannot create a swarm scoped network when swarm is not active");
  if (request.Ingress) throw unavailable(NOT_MANAGER);
  if (name.trim() === "") throw invalid("invalid name: name is empty");
  if (around.networks.some((other) => other.name === name))
    throw conflict(`network with name ${name} already exists`);
  if (!around.drivers.has(driver)) throw notFound(`plugin ${JSON.stringify(driver)} not found`);
  const ipam = request.IPAM?.Driver;
  if (ipam && ipam !== "default" && ipam !== "null")
    throw notFound(`plugin ${JSON.stringify(ipam)} not found`);
  if (ipam === "null" && driver !== "null") throw invalid("ipv4 pool is empty");
  return { name, driver };
}

function flagOf(options: NetworkRequest["Options"], key: string): boolean | undefined {
  const text = options?.[key];
  if (text === undefined) return undefined;
  const value = goBoolean(text);
  if (value === undefined) throw invalid(`driver-opt ${JSON.stringify(key)} is not a valid bool`);
  return value;
}

const bareRecord = (request: NetworkRequest, name: string, driver: string): NetworkRecord => ({
  ...emptyRecord(name, driver),
  internal: request.Internal ?? false,
  attachable: request.Attachable ?? false,
  ipam: { driver: request.IPAM?.Driver || "default", options: request.IPAM?.Options ?? null },
  options: request.Options ?? {},
  labels: request.Labels ?? {},
});

/** A template's settings; a network that names one has none of its own. */
function fromTemplate(
  request: NetworkRequest,
  name: string,
  driver: string,
  wanted: string,
  around: Surroundings,
): NetworkRecord {
  const template = around.networks.find((other) => other.configOnly && other.name === wanted);
  if (!template) throw notFound(`configuration network ${JSON.stringify(wanted)} does not exist`);
  const refuse = (what: string) =>
    forbidden(`${what} are not supported if the network depends on a configuration network`);
  if (request.ConfigOnly)
    throw forbidden("a configuration network cannot depend on another configuration network");
  if (request.IPAM?.Config?.length) throw refuse("user specified configurations");
  if (Object.keys(request.Options ?? {}).length > 0) throw refuse("network driver options");
  if (Object.keys(request.Labels ?? {}).length > 0) throw refuse("network labels");
  const given = template.pools.map((pool) => ({
    ...pool,
    ...(!pool.gateway && { gateway: firstUsable(prefixOf(pool.subnet), pool.range), gatewayHidden: true }),
  }));
  const { enableIPv4, enableIPv6 } = template;
  const record: NetworkRecord = {
    ...bareRecord(request, name, driver),
    enableIPv4,
    enableIPv6,
    options: { ...template.options },
    labels: { ...template.labels },
    configFrom: template.name,
  };
  return { ...record, pools: completePools(given, record, around), ...chosen(given) };
}

const familyOf = (pool: Pool) => prefixOf(pool.subnet).family;

function chosen(given: readonly Pool[]): Pick<NetworkRecord, "chosenSubnets"> {
  const families = [...new Set(given.map(familyOf))];
  return families.length > 0 ? { chosenSubnets: families } : {};
}

function poolOf(config: IPAMConfig): Pool {
  const subnet = parseCidr(config.Subnet ?? "")?.prefix;
  if (!subnet)
    throw invalid(`invalid network config:\ninvalid subnet ${config.Subnet}: invalid CIDR block notation`);
  const auxiliary = Object.entries(config.AuxiliaryAddresses ?? {});
  const range = config.IPRange ? formatPrefix(prefixOf(config.IPRange)) : undefined;
  return {
    subnet: formatPrefix(subnet),
    ...(config.Gateway
      ? { gateway: canonicalAddress(config.Gateway) }
      : { gateway: firstUsable(subnet, range), gatewayHidden: true }),
    ...(range && { range }),
    ...(auxiliary.length > 0 && {
      auxiliary: Object.fromEntries(auxiliary.map(([key, text]) => [key, canonicalAddress(text)])),
    }),
  };
}

/** Those given, none of which may overlap another network's, and one for each family that has none. */
function completePools(given: readonly Pool[], record: NetworkRecord, around: Surroundings): Pool[] {
  const { enableIPv4, enableIPv6 } = record;
  const withGateway = around.choosesGateway(record.driver, record);
  const known = around.networks
    .filter(({ configOnly }) => !configOnly)
    .flatMap(({ pools }) => pools.map(({ subnet }) => prefixOf(subnet)));
  const prefixes = given.map(({ subnet }) => prefixOf(subnet));
  for (const [at, prefix] of prefixes.entries())
    if ([...known, ...prefixes.slice(0, at)].some((other) => overlaps(other, prefix)))
      throw forbidden("invalid pool request: Pool overlaps with other one on this address space");
  const pools = given.map((pool) => (withGateway ? pool : withoutHiddenGateway(pool)));
  for (const pool of pools) checkReserved(pool);
  for (const [family, wanted] of [
    [4, enableIPv4],
    [6, enableIPv6],
  ] as const) {
    if (!wanted || pools.some((pool) => familyOf(pool) === family)) continue;
    const subnet = chooseSubnet(poolsOf(family, around), family, [...known, ...prefixes, ...around.used()]);
    if (!subnet) throw forbidden("all predefined address pools have been fully subnetted");
    pools.push({
      subnet: formatPrefix(subnet),
      ...(withGateway && { gateway: firstUsable(subnet) }),
    });
  }
  return pools;
}

/** The gateway first, then what is set aside: each must be an address that the subnet has for somebody. Errors: forbidden. */
function checkReserved({ subnet, gateway, auxiliary }: Pool): void {
  const taken = new Set<string>();
  const take = (address: string, what: string) => {
    if (taken.has(address) || !isUsable(prefixOf(subnet), address))
      throw forbidden(`failed to allocate ${what}: Address already in use`);
    taken.add(address);
  };
  if (gateway) take(gateway, `gateway (${gateway})`);
  for (const [name, address] of Object.entries(auxiliary ?? {}))
    take(address, `secondary ip address (${name}:${address})`);
}

function withoutHiddenGateway({ gatewayHidden, ...pool }: Pool): Pool {
  if (gatewayHidden) delete pool.gateway;
  return pool;
}

/** For IPv6, where no pool is configured, /64s of one unique local prefix (RFC 4193) that stays the same for a data root. */
function poolsOf(family: 4 | 6, { config, networks }: Surroundings): { base: string; size: number }[] {
  const { defaultAddressPools: configured } = config;
  const pools = configured.length > 0 ? configured : [...DEFAULT_POOLS];
  if (family === 4 || pools.some(({ base }) => prefixOf(base).family === 6)) return pools;
  const seed = networks.find(({ builtIn, driver }) => builtIn && driver === "host")?.id ?? "";
  const global = createHash("sha256").update(seed).digest("hex").slice(0, 10);
  return [{ base: `fd${global.slice(0, 2)}:${global.slice(2, 6)}:${global.slice(6)}::/48`, size: 64 }];
}
