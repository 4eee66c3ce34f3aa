// Subnets in CIDR form, and which addresses they hold, as Go's package net has it: an IPv4 address is the same when it is
// written as an IPv6 one (`::ffff:10.0.0.1`).
import { ipVersion } from "../container-options/ip-address.ts";

/** An address as a number, `bits` wide: 32 or 128. */
interface Address {
  bits: 32 | 128;
  value: bigint;
}

export interface Subnet {
  /** The one that it is written with. */
  address: Address;
  /** The subnet's own, whatever follows its prefix. */
  base: Address;
  /** How many leading bits of the base count. */
  prefix: number;
}

/** `10.0.0.0/24`. Throws with Go's words for what is none. */
export function parseSubnet(text: string): Subnet {
  const slash = text.indexOf("/");
  const written = text.slice(0, Math.max(slash, 0));
  const length = text.slice(slash + 1);
  const address = addressOf(written);
  const bits = ipVersion(written) === 4 ? 32 : 128;
  const prefix = /^\d+$/.test(length) ? Number(length) : Number.POSITIVE_INFINITY;
  if (!address || prefix > bits) throw new Error(`invalid CIDR address: ${text}`);
  if (bits === address.bits) return { address, base: address, prefix };
  // An IPv4 address in IPv6 form: an IPv4 subnet as far as the prefix takes in what says so.
  const rest = prefix - (bits - address.bits);
  return rest < 0
    ? { address, base: { bits, value: MAPPED | address.value }, prefix }
    : { address, base: address, prefix: rest };
}

/** Whether an address, or the one that a subnet is written with, is in the subnet. What is no address is in none. */
export function holds({ base, prefix }: Subnet, text: string): boolean {
  const address = text.includes("/") ? parseSubnet(text).address : addressOf(text);
  if (!address || address.bits !== base.bits) return false;
  const host = BigInt(base.bits - prefix);
  return address.value >> host === base.value >> host;
}

/** What an IPv4 address begins with in IPv6 form (RFC 4291, 2.5.5.2). */
const MAPPED = 0xffffn << 32n;

function addressOf(text: string): Address | undefined {
  const version = ipVersion(text);
  if (!version) return undefined;
  if (version === 4) return { bits: 32, value: joined(text.split(".").map(Number), 8n) };
  const [head = [], tail = []] = text.split("::").map(groupsOf);
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  const value = joined([...head, ...zeros, ...tail], 16n);
  return value >> 32n === MAPPED >> 32n ? { bits: 32, value: value ^ MAPPED } : { bits: 128, value };
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
