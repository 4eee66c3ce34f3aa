// IP addresses as text and as the kernel's bytes (network order): RFC 4291 section 2.2, written as RFC 5952 asks.

/** 4 or 16 bytes of an address without zone; undefined when the text is none. */
export function tryParseAddress(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** As `tryParseAddress`, for text that was checked before. */
export function parseAddress(text: string): Uint8Array {
  const bytes = tryParseAddress(text);
  if (!bytes) throw new Error(`not an IP address: ${JSON.stringify(text)}`);
  return bytes;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    // Leading zeros are octal to some programs and decimal to others: refused, as Go does.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const front = groupsOf(halves[0] ?? "", halves.length === 1);
  const back = halves.length === 2 ? groupsOf(halves[1] ?? "", true) : [];
  if (!front || !back) return undefined;
  const missing = 16 - front.length - back.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return Uint8Array.from([...front, ...new Array<number>(missing).fill(0), ...back]);
}

/** Bytes of groups between colons; the last may be a dotted IPv4 address. */
function groupsOf(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (group.includes(".")) {
      const dotted = mayEndDotted && i === groups.length - 1 ? parseIpv4(group) : undefined;
      if (!dotted) return undefined;
      bytes.push(...dotted);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/** Canonical text of 4 or 16 bytes. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return `::ffff:${bytes.subarray(12).join(".")}`;
  const { start, length } = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function longestZeros(groups: number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** True for text that is an IPv6 address (or prefix), by its colon. */
export function isIpv6(text: string): boolean {
  return text.includes(":");
}
