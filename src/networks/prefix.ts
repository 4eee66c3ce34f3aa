// Arithmetic on IP prefixes ("172.17.0.0/16"): RFC 4632, RFC 4291. Addresses are numbers of 32 or 128 bits here.
import { formatAddress, tryParseAddress } from "../linux/ip-address.ts";

export interface Prefix {
  family: 4 | 6;
  /** The first address, as a number. */
  base: bigint;
  length: number;
}

export const bitsOf = (family: 4 | 6) => (family === 4 ? 32 : 128);

const sizeOf = (prefix: Prefix) => 1n << BigInt(bitsOf(prefix.family) - prefix.length);

/** The number of an address, with its family; undefined when the text is none. */
export function parseIp(text: string): { family: 4 | 6; number: bigint } | undefined {
  const bytes = tryParseAddress(text);
  if (!bytes) return undefined;
  const number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: bytes.length === 4 ? 4 : 6, number };
}

/** The canonical text of an address. */
export function formatIp(family: 4 | 6, number: bigint): string {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  for (let i = bytes.length - 1, rest = number; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return formatAddress(bytes);
}

/** A CIDR text as the prefix it is in, and the address it names; undefined when it is malformed. */
export function parseCidr(text: string): { prefix: Prefix; address: string } | undefined {
  const [address = "", length = "", rest] = text.split("/");
  const ip = parseIp(address);
  if (!ip || rest !== undefined || !/^\d{1,3}$/.test(length)) return undefined;
  const bits = Number(length);
  if (bits > bitsOf(ip.family)) return undefined;
  const host = BigInt(bitsOf(ip.family) - bits);
  const prefix: Prefix = { family: ip.family, base: (ip.number >> host) << host, length: bits };
  return { prefix, address: formatIp(ip.family, ip.number) };
}

/** The prefix of a CIDR text that was checked before. */
export function prefixOf(text: string): Prefix {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`not a CIDR prefix: ${JSON.stringify(text)}`);
  return parsed.prefix;
}

export const formatPrefix = (prefix: Prefix) => `${formatIp(prefix.family, prefix.base)}/${prefix.length}`;

export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
}

/** True when all of `inner` is in `outer`. */
export function contains(outer: Prefix, inner: Prefix): boolean {
  return overlaps(outer, inner) && outer.length <= inner.length;
}

/** The prefix's first and last address. */
export function boundsOf(prefix: Prefix): { first: bigint; last: bigint } {
  return { first: prefix.base, last: prefix.base + sizeOf(prefix) - 1n };
}

/** The prefixes of `length` bits that a prefix is made of, in order. */
export function* split(prefix: Prefix, length: number): Generator<Prefix> {
  const step = 1n << BigInt(bitsOf(prefix.family) - length);
  const { last } = boundsOf(prefix);
  for (let base = prefix.base; base <= last; base += step) yield { family: prefix.family, base, length };
}
