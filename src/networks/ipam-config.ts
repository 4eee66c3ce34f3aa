// The addresses that somebody wants for a network, checked in Docker's words (daemon/network.go, ValidateIPAM). Pure.
import type { IPAMConfig } from "../api/types/index.ts";
import { invalid } from "../base/errors.ts";
import { contains, formatIp, formatPrefix, overlaps, type Prefix, parseCidr, parseIp } from "./prefix.ts";

const bitsOf = (text: string) => Number(text.split("/")[1]);

/** Go's joined errors: one alone, several as a list. */
export const joinProblems = (problems: readonly string[]) =>
  problems.length === 1 ? problems[0] : problems.map((text) => `* ${text}`).join("\n");

/** Errors: invalid, all problems in one. */
export function checkIpamConfig(configs: readonly IPAMConfig[], enableIPv6: boolean): void {
  const problems = configs.flatMap((config) => problemsOf(config, enableIPv6));
  if (problems.length > 0) throw invalid(`invalid network config:\n${joinProblems(problems)}`);
}

function problemsOf(config: IPAMConfig, enableIPv6: boolean): string[] {
  const text = config.Subnet ?? "";
  const subnet = parseCidr(text)?.prefix;
  if (!subnet) return [`invalid subnet ${text}: invalid CIDR block notation`];
  if (subnet.family === 6 && !enableIPv6) return [];
  const problems: string[] = [];
  if (formatPrefix(subnet) !== canonicalCidr(text))
    problems.push(`invalid subnet ${text}: it should be ${formatPrefix(subnet)}`);
  problems.push(...rangeProblems(config.IPRange ?? "", subnet));
  const gateway = config.Gateway && addressProblem(config.Gateway, subnet);
  if (gateway) problems.push(`invalid gateway ${config.Gateway}: ${gateway}`);
  for (const [name, address] of Object.entries(config.AuxiliaryAddresses ?? {})) {
    const problem = addressProblem(address, subnet);
    if (problem) problems.push(`invalid auxiliary address ${name}: ${problem}`);
  }
  return problems;
}

function canonicalCidr(text: string): string {
  const address = parseCidr(text)?.address ?? "";
  return `${address}/${bitsOf(text)}`;
}

function rangeProblems(text: string, subnet: Prefix): string[] {
  if (text === "") return [];
  const range = parseCidr(text)?.prefix;
  if (!range) return [`invalid ip-range ${text}: invalid CIDR block notation`];
  if (range.family !== subnet.family)
    return [`invalid ip-range ${text}: parent subnet is an IPv${subnet.family} block`];
  const problems: string[] = [];
  if (range.length < subnet.length)
    problems.push(
      `invalid ip-range ${text}: CIDR block is bigger than its parent subnet ${formatPrefix(subnet)}`,
    );
  if (formatPrefix(range) !== canonicalCidr(text))
    problems.push(`invalid ip-range ${text}: it should be ${formatPrefix(range)}`);
  if (!overlaps(subnet, range))
    problems.push(`invalid ip-range ${text}: parent subnet ${formatPrefix(subnet)} doesn't contain ip-range`);
  return problems;
}

function addressProblem(text: string, subnet: Prefix): string | undefined {
  const ip = parseIp(text);
  if (!ip) return "invalid address";
  if (ip.family !== subnet.family) return `parent subnet is an IPv${subnet.family} block`;
  if (!holds(subnet, text)) return `parent subnet ${formatPrefix(subnet)} doesn't contain this address`;
  return undefined;
}

/** Whether an address is one of a subnet. */
export function holds(subnet: Prefix, address: string): boolean {
  const ip = parseIp(address);
  if (!ip) return false;
  return contains(subnet, { family: ip.family, base: ip.number, length: ip.family === 4 ? 32 : 128 });
}

/** The canonical text of an address that was checked before. */
export function canonicalAddress(text: string): string {
  const ip = parseIp(text);
  return ip ? formatIp(ip.family, ip.number) : text;
}
