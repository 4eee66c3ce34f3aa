// MAC addresses of devices.
import { randomBytes } from "node:crypto";
import { formatMac } from "../../linux/netlink/link.ts";

/** Locally administered, one receiver: as Docker 28 makes them. */
export function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return formatMac(bytes);
}
