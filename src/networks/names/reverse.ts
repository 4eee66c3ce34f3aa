// The address that a reverse look-up's name stands for: RFC 1035 section 3.5, RFC 3596 section 2.5.
import { formatAddress, tryParseAddress } from "../../linux/ip-address.ts";

const IPV4 = ".in-addr.arpa";
const IPV6 = ".ip6.arpa";

/** The canonical address of a name in lower case, or undefined when it is none, or only part of one. */
export function addressOfReverse(name: string): string | undefined {
  if (name.endsWith(IPV4)) {
    const text = name.slice(0, -IPV4.length).split(".").reverse().join(".");
    return text.includes(":") || !tryParseAddress(text) ? undefined : text;
  }
  if (!name.endsWith(IPV6)) return undefined;
  const nibbles = name.slice(0, -IPV6.length).split(".").reverse();
  if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
  return formatAddress(Buffer.from(nibbles.join(""), "hex"));
}
