// Datagrams with their sender, by address: recvfrom(2), sendto(2).
import { errno, libc, T } from "./ffi.ts";
import { AGAIN, fixedBuffer } from "./raw-io.ts";

const c = libc({
  recvfrom: { args: [T.i32, T.u64_fast, T.u64_fast, T.i32, T.u64_fast, T.u64_fast], returns: T.i64_fast },
  sendto: { args: [T.i32, T.u64_fast, T.u64_fast, T.i32, T.u64_fast, T.u32], returns: T.i64_fast },
});

const EINTR = 4;
/** sockaddr_in6, the longest that comes. */
const LONGEST = 28;
const sender = fixedBuffer(LONGEST);
const senderLength = fixedBuffer(4);
const receiver = fixedBuffer(LONGEST);

/** Receives one datagram: its length, or a negated errno; AGAIN where there is none. */
export function receiveFrom(fd: number, address: number, length: number): number {
  for (;;) {
    new DataView(senderLength.bytes.buffer).setUint32(0, LONGEST, true);
    const count = c.recvfrom(fd, address, length, 0, sender.address, senderLength.address) as number;
    if (count >= 0) return count;
    const failed = errno();
    if (failed !== EINTR) return -failed || AGAIN;
  }
}

/** Who sent what was received last: a socket address (ip(7), ipv6(7)), a copy. */
export function lastSender(): Uint8Array {
  const length = new DataView(senderLength.bytes.buffer).getUint32(0, true);
  return sender.bytes.slice(0, Math.min(length, LONGEST));
}

/** Sends one datagram to a socket address: its length, or a negated errno. */
export function sendTo(fd: number, address: number, length: number, peer: Uint8Array): number {
  receiver.bytes.set(peer);
  for (;;) {
    const count = c.sendto(fd, address, length, 0, receiver.address, peer.length) as number;
    if (count >= 0) return count;
    const failed = errno();
    if (failed !== EINTR) return -failed || AGAIN;
  }
}
