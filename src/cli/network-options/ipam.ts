// `network create`'s subnets with what belongs to each: its range, its gateway and the addresses that are somebody's already.
import type { IPAM, IPAMConfig } from "../../sdk/index.ts";
import { describe } from "../describe.ts";
import { holds, parseSubnet } from "./subnet.ts";

export interface IpamFlags {
  driver: string;
  subnets: string[];
  ranges: string[];
  gateways: string[];
  /** Addresses by name. */
  auxiliary: Record<string, string>;
  options: Record<string, string>;
}

/**
 * The addresses' part of the request. Each range, gateway and auxiliary address goes to the subnets that hold it. Throws in
 * the words of Docker's client, which refuses what fits nowhere; whether a subnet is one is the daemon's to say otherwise.
 */
export function ipamOf(flags: IpamFlags): IPAM {
  const { subnets, ranges, gateways } = flags;
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new Error("every ip-range or gateway must have a corresponding subnet");
  }
  const configs = new Map<string, IPAMConfig>();
  for (const subnet of subnets) {
    for (const other of configs.keys()) {
      if (within(subnet, other) || within(other, subnet))
        throw new Error("multiple overlapping subnet configuration is not supported");
    }
    configs.set(subnet, { Subnet: subnet });
  }
  for (const range of ranges) {
    if (subnets.length > 0) parseSubnet(range);
    give(configs, range, `range ${range}`, (config) => {
      if (config.IPRange)
        throw new Error(
          `cannot configure multiple ranges (${range}, ${config.IPRange}) on the same subnet (${config.Subnet})`,
        );
      config.IPRange = range;
    });
  }
  for (const gateway of gateways) {
    give(configs, gateway, `gateway ${gateway}`, (config) => {
      if (config.Gateway)
        throw new Error(
          `cannot configure multiple gateways (${gateway}, ${config.Gateway}) for the same subnet (${config.Subnet})`,
        );
      config.Gateway = gateway;
    });
  }
  for (const [name, address] of Object.entries(flags.auxiliary)) {
    give(configs, address, `aux-address ${address}`, (config) => {
      config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address };
    });
  }
  return { Driver: flags.driver, Options: flags.options, Config: [...configs.values()] };
}

/** Calls `set` with the configuration of each subnet that holds the address; there must be one. */
function give(
  configs: Map<string, IPAMConfig>,
  address: string,
  what: string,
  set: (config: IPAMConfig) => void,
): void {
  const fitting = [...configs].filter(([subnet]) => within(subnet, address));
  if (fitting.length === 0) throw new Error(`no matching subnet for ${what}`);
  for (const [, config] of fitting) set(config);
}

function within(subnet: string, address: string): boolean {
  let parsed: ReturnType<typeof parseSubnet>;
  try {
    parsed = parseSubnet(subnet);
  } catch (thrown) {
    throw new Error(`invalid subnet: ${describe(thrown)}`);
  }
  return holds(parsed, address);
}
