// IP addresses as Go's net.ParseIP takes them. Not node:net's isIP: that module costs a start 8 ms.

const BYTE = "(?:0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])";
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);

/** `4` or `6`; nothing for what is no address. */
export function ipVersion(text: string): 4 | 6 | undefined {
  if (IPV4.test(text)) return 4;
  return isIpv6(text) ? 6 : undefined;
}

/** RFC 4291, 2.2: eight groups, of which one run of zeros may be `::`, and the last two an IPv4 address. No zone. */
function isIpv6(text: string): boolean {
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return false;
  const groups = [head, tail ?? ""].flatMap((part) => (part === "" ? [] : part.split(":")));
  const last = groups.at(-1) ?? "";
  // An IPv4 address stands at the very end: not before a `::`.
  if (IPV4.test(last) && tail !== "") groups.splice(-1, 1, "0", "0");
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return tail === undefined ? groups.length === 8 : groups.length < 8;
}
