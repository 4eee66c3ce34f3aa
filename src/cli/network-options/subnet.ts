// Subnets in CIDR form, and which addresses they hold, as Go's package net has it: an IPv4 address is the same when it is
// written as an IPv6 one (`::ffff:10.0.0.1`).
import { ipVersion } from "../container-options/ip-address.ts";

/** An address as a number, `bits` wide: 32 or 128. */
interface Address {
  bits: 32 | 128;
  value: bigint;
}

export interface Subnet {
  /** Its base, or the address within it that it was written with. */
  address: Address;
  /** How many leading bits are the network's. */
  prefix: number;
}

/** `10.0.0.0/24`. Throws with Go's words for what is none. */
export function parseSubnet(text: string): Subnet {
  const invalid = () => new Error(`invalid CIDR address: ${text}`);
  const slash = text.indexOf("/");
  const version = ipVersion(text.slice(0, Math.max(slash, 0)));
  const length = text.slice(slash + 1);
  const bits = version === 4 ? 32 : 128;
  if (slash < 0 || !version || !/^\d+$/.test(length) || Number(length) > bits) throw invalid();
  const address = addressOf(text.slice(0, slash));
  if (!address) throw invalid();
  // Of an IPv4 subnet in IPv6 form the last 32 bits count.
  return { address, prefix: Math.max(0, Number(length) - (bits - address.bits)) };
}

/** Whether an address, or the one that a subnet is written with, is in the subnet. What is no address is in none. */
export function holds(subnet: Subnet, text: string): boolean {
  const address = text.includes("/") ? parseSubnet(text).address : addressOf(text);
  if (!address || address.bits !== subnet.address.bits) return false;
  const host = BigInt(address.bits - subnet.prefix);
  return address.value >> host === subnet.address.value >> host;
}

function addressOf(text: string): Address | undefined {
  const version = ipVersion(text);
  if (!version) return undefined;
  if (version === 4) return { bits: 32, value: joined(text.split(".").map(Number), 8n) };
  const [head = [], tail = []] = text.split("::").map(groupsOf);
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  const value = joined([...head, ...zeros, ...tail], 16n);
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

/** The 16-bit groups on one side of a `::`; the last two may be written as an IPv4 address. */
function groupsOf(side: string): number[] {
  if (side === "") return [];
  return side.split(":").flatMap((group) => {
    const bytes = group.split(".").map(Number);
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    return bytes.length === 4 ? [a * 256 + b, c * 256 + d] : [Number.parseInt(group, 16)];
  });
}

const joined = (parts: number[], width: bigint) =>
  parts.reduce((value, part) => (value << width) | BigInt(part), 0n);
