// Datagrams by address, with both ends of their way: recvmsg(2) and sendmsg(2) with IPV6_PKTINFO (ipv6(7)). A socket of all
// the host's addresses would answer from whichever the kernel prefers, and who asked another takes that for a stranger's.
import { errno, libc, T } from "./ffi.ts";
import { AGAIN, fixedBuffer } from "./raw-io.ts";
import { SOL } from "./socket-numbers.ts";

const c = libc({
  recvmsg: { args: [T.i32, T.u64_fast, T.i32], returns: T.i64_fast },
  sendmsg: { args: [T.i32, T.u64_fast, T.i32], returns: T.i64_fast },
});

const EINTR = 4;
const IPV6_PKTINFO = 50;
/** sockaddr_in6, the longest that comes. */
const LONGEST = 28;
const ADDRESS = 16;
/** The first byte of ff00::/8. */
const MULTICAST = 0xff;
/** A cmsghdr (16 bytes) with an in6_pktinfo: the address, then the device's number; padded. */
const CONTROL_LENGTH = 36;
const CONTROL = 40;
/** Where what is in a msghdr of 64 bits is, and its length. */
const AT = { peer: 0, peerLength: 8, pieces: 16, pieceCount: 24, control: 32, controlLength: 40 };
const HEADER = 56;

interface Message {
  header: DataView;
  /** An iovec: where the datagram is, and its length. */
  piece: DataView;
  peer: Uint8Array;
  control: DataView;
  address: number;
}

const received = message();
const sent = message();

function message(): Message {
  const header = fixedBuffer(HEADER);
  const piece = fixedBuffer(16);
  const peer = fixedBuffer(LONGEST);
  const control = fixedBuffer(CONTROL);
  const view = new DataView(header.bytes.buffer);
  view.setBigUint64(AT.peer, BigInt(peer.address), true);
  view.setBigUint64(AT.pieces, BigInt(piece.address), true);
  view.setBigUint64(AT.pieceCount, 1n, true);
  view.setBigUint64(AT.control, BigInt(control.address), true);
  return {
    header: view,
    piece: new DataView(piece.bytes.buffer),
    peer: peer.bytes,
    control: new DataView(control.bytes.buffer),
    address: header.address,
  };
}

/** The two ends of a datagram's way. */
export interface Ends {
  /** Who sent it: a socket address (ip(7), ipv6(7)). */
  peer: Uint8Array;
  /** The address of ours that it was sent to (in6_addr); absent where the socket doesn't say. */
  local?: Uint8Array;
}

function lay({ piece, header }: Message, address: number, length: number, control: number): void {
  piece.setBigUint64(0, BigInt(address), true);
  piece.setBigUint64(8, BigInt(length), true);
  header.setBigUint64(AT.controlLength, BigInt(control), true);
}

/** Receives one datagram: its length, or a negated errno; AGAIN where there is none. */
export function receiveFrom(fd: number, address: number, length: number): number {
  for (;;) {
    lay(received, address, length, CONTROL);
    received.header.setUint32(AT.peerLength, LONGEST, true);
    const count = c.recvmsg(fd, received.address, 0) as number;
    if (count >= 0) return count;
    const failed = errno();
    if (failed !== EINTR) return -failed || AGAIN;
  }
}

/** Of what was received last; copies. */
export function lastEnds(): Ends {
  const { header, control, peer } = received;
  const from = peer.slice(0, Math.min(header.getUint32(AT.peerLength, true), LONGEST));
  const told =
    header.getBigUint64(AT.controlLength, true) >= CONTROL_LENGTH &&
    control.getInt32(8, true) === SOL.IPV6 &&
    control.getInt32(12, true) === IPV6_PKTINFO;
  if (!told) return { peer: from };
  const local = new Uint8Array(control.buffer).slice(16, 16 + ADDRESS);
  // Nothing is sent from a group's address.
  return local[0] === MULTICAST ? { peer: from } : { peer: from, local };
}

/** Sends one datagram back the way that another came: its length, or a negated errno. */
export function sendBack(fd: number, address: number, length: number, { peer, local }: Ends): number {
  const { header, control } = sent;
  sent.peer.set(peer);
  header.setUint32(AT.peerLength, peer.length, true);
  if (local) {
    control.setBigUint64(0, BigInt(CONTROL_LENGTH), true);
    control.setInt32(8, SOL.IPV6, true);
    control.setInt32(12, IPV6_PKTINFO, true);
    // The device stays 0: the kernel's routes say by which the answer leaves, and a link's own peer names its device.
    new Uint8Array(control.buffer).set(local, 16);
  }
  for (;;) {
    lay(sent, address, length, local ? CONTROL : 0);
    const count = c.sendmsg(fd, sent.address, 0) as number;
    if (count >= 0) return count;
    const failed = errno();
    if (failed !== EINTR) return -failed || AGAIN;
  }
}
