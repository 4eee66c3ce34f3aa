// Frames that tell a segment whose address is whose from now on: an ARP announcement (RFC 5227 section 2.3), and an
// unsolicited neighbour advertisement (RFC 4861 section 7.2.6). Pure.
import { parseAddress } from "../../linux/ip-address.ts";

const ETHERNET = 14;
const ARP = 28;
const IPV6 = 40;
/** Type, code, checksum, flags, target, and the option with the MAC address. */
const ADVERTISEMENT = 4 + 4 + 16 + 8;
const ICMPV6 = 58;
const ALL_NODES = "ff02::1";
/** RFC 4861 takes no advertisement that came through a router. */
const HOP_LIMIT = 255;
/** What is known already is to be replaced. */
const OVERRIDE = 0x20;

/** `02:42:ac:11:00:02` → 6 bytes. */
export const macBytes = (text: string): Uint8Array =>
  Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));

/** The frame for an address and the MAC address that has it. */
export function announcement(address: string, mac: Uint8Array): Uint8Array {
  const bytes = parseAddress(address);
  return bytes.length === 16 ? advertisement(bytes, mac) : arpAnnouncement(bytes, mac);
}

function frame(destination: Uint8Array, source: Uint8Array, type: number, length: number) {
  const bytes = new Uint8Array(ETHERNET + length);
  bytes.set(destination, 0);
  bytes.set(source, 6);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, type);
  return { bytes, view };
}

function arpAnnouncement(address: Uint8Array, mac: Uint8Array): Uint8Array {
  const { bytes, view } = frame(new Uint8Array(6).fill(0xff), mac, 0x0806, ARP);
  view.setUint16(ETHERNET, 1); // Ethernet
  view.setUint16(ETHERNET + 2, 0x0800); // IPv4
  view.setUint8(ETHERNET + 4, 6);
  view.setUint8(ETHERNET + 5, 4);
  view.setUint16(ETHERNET + 6, 1); // a request: for its own address, so that nobody answers
  bytes.set(mac, ETHERNET + 8);
  bytes.set(address, ETHERNET + 14);
  bytes.set(address, ETHERNET + 24);
  return bytes;
}

function advertisement(address: Uint8Array, mac: Uint8Array): Uint8Array {
  const { bytes, view } = frame(Uint8Array.of(0x33, 0x33, 0, 0, 0, 1), mac, 0x86dd, IPV6 + ADVERTISEMENT);
  view.setUint8(ETHERNET, 6 << 4);
  view.setUint16(ETHERNET + 4, ADVERTISEMENT);
  view.setUint8(ETHERNET + 6, ICMPV6);
  view.setUint8(ETHERNET + 7, HOP_LIMIT);
  bytes.set(address, ETHERNET + 8);
  bytes.set(parseAddress(ALL_NODES), ETHERNET + 24);
  const message = ETHERNET + IPV6;
  view.setUint8(message, 136); // neighbour advertisement
  view.setUint8(message + 4, OVERRIDE);
  bytes.set(address, message + 8);
  view.setUint8(message + 24, 2); // target link-layer address,
  view.setUint8(message + 25, 1); // of eight bytes
  bytes.set(mac, message + 26);
  view.setUint16(message + 2, icmpChecksum(bytes.subarray(ETHERNET)));
  return bytes;
}

/** RFC 4443 section 2.3: over a pseudo-header of addresses, length and protocol, and the message. */
function icmpChecksum(packet: Uint8Array): number {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  let sum = ADVERTISEMENT + ICMPV6;
  for (let at = 8; at < packet.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
