// The wire form of netlink: messages and their attributes, netlink(7), linux/netlink.h, userspace-api/netlink/intro.
// Pure data: sockets are in socket.ts. Numbers are in the host's order, which is little on x64 and arm64.

export const NLM_F = {
  REQUEST: 0x01,
  MULTI: 0x02,
  ACK: 0x04,
  DUMP_INTR: 0x10,
  /** In a get: all of it. */
  DUMP: 0x300,
  /** In a new. */
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  /** In an error. */
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;

export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

const HEADER = 16;
const ATTRIBUTE_HEADER = 4;
/** NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;
const NLA_F_NESTED = 0x8000;

const aligned = (length: number) => (length + 3) & ~3;
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export interface NetlinkMessage {
  type: number;
  flags: number;
  sequence: number;
  portId: number;
  payload: Uint8Array;
}

/** One message, padded to four bytes. */
export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const length = HEADER + message.payload.length;
  const bytes = new Uint8Array(aligned(length));
  const view = viewOf(bytes);
  view.setUint32(0, length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  view.setUint32(12, message.portId, true);
  bytes.set(message.payload, HEADER);
  return bytes;
}

/** The messages of one datagram; payloads are views of it. Throws when a length leads outside. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  const view = viewOf(datagram);
  for (let at = 0; at + HEADER <= datagram.length; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > datagram.length)
      throw new Error(`netlink message of ${length} bytes at ${at} of ${datagram.length}`);
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      payload: datagram.subarray(at + HEADER, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

export interface Attribute {
  type: number;
  value: Uint8Array;
}

/** A type and its value; nested ones by `nest`. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const length = ATTRIBUTE_HEADER + value.length;
  const bytes = new Uint8Array(aligned(length));
  const view = viewOf(bytes);
  view.setUint16(0, length, true);
  view.setUint16(2, type, true);
  bytes.set(value, ATTRIBUTE_HEADER);
  return bytes;
}

/** An attribute whose value is attributes. */
export function nest(type: number, ...attributes: Uint8Array[]): Uint8Array {
  return attribute(type | NLA_F_NESTED, join(...attributes));
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Values of attributes. */
export const value = {
  u8: (number: number) => Uint8Array.of(number),
  u16: (number: number) => new Uint8Array(Uint16Array.of(number).buffer),
  u32: (number: number) => new Uint8Array(Uint32Array.of(number).buffer),
  i32: (number: number) => new Uint8Array(Int32Array.of(number).buffer),
  be16: (number: number) => Uint8Array.of(number >> 8, number & 0xff),
  be32: (number: number) =>
    Uint8Array.of(number >>> 24, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff),
  /** With the NUL that the kernel wants at its end. */
  text: (text: string) => new Uint8Array(Buffer.from(`${text}\0`)),
};

/** Numbers and text of a value that was read. */
export const read = {
  u8: (bytes: Uint8Array) => bytes[0] ?? 0,
  u16: (bytes: Uint8Array) => viewOf(bytes).getUint16(0, true),
  u32: (bytes: Uint8Array) => viewOf(bytes).getUint32(0, true),
  i32: (bytes: Uint8Array) => viewOf(bytes).getInt32(0, true),
  be16: (bytes: Uint8Array) => viewOf(bytes).getUint16(0),
  be32: (bytes: Uint8Array) => viewOf(bytes).getUint32(0),
  text: (bytes: Uint8Array) => {
    const end = bytes.indexOf(0);
    return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString();
  },
};

/** Attributes in order; values are views. What is cut off at the end is left out, as the kernel's own parser does. */
export function decodeAttributes(bytes: Uint8Array): Attribute[] {
  const attributes: Attribute[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at + ATTRIBUTE_HEADER <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER || at + length > bytes.length) break;
    attributes.push({
      type: view.getUint16(at + 2, true) & TYPE_MASK,
      value: bytes.subarray(at + ATTRIBUTE_HEADER, at + length),
    });
    at += aligned(length);
  }
  return attributes;
}

/** Attributes by type, the last of each. */
export function attributesByType(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(decodeAttributes(bytes).map(({ type, value }) => [type, value]));
}

const NLMSGERR_ATTR_MSG = 1;

/**
 * What an NLMSG_ERROR (or the end of a dump) says: 0 for success, else an errno, with the kernel's own words where it
 * has some (extended acknowledgement, NLMSGERR_ATTR_MSG).
 */
export function decodeError(message: NetlinkMessage): { errno: number; text?: string } {
  if (message.payload.length < 4) return { errno: 0 };
  const errno = Math.abs(viewOf(message.payload).getInt32(0, true));
  if (!(message.flags & NLM_F.ACK_TLVS)) return { errno };
  let at = 4;
  if (message.type === NLMSG.ERROR) {
    // The request's header follows, and the rest of it unless the answer was capped.
    const request = viewOf(message.payload).getUint32(4, true);
    at += message.flags & NLM_F.CAPPED ? HEADER : aligned(request);
  }
  const text = attributesByType(message.payload.subarray(at)).get(NLMSGERR_ATTR_MSG);
  return { errno, ...(text && { text: read.text(text) }) };
}
