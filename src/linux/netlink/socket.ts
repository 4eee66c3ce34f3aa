// A netlink socket that asks and waits for the answer, synchronously: netlink(7). It belongs to the network namespace
// that its thread was in when it was opened, and keeps it wherever the thread goes.
import { ptr } from "bun:ffi";
import { close, errno, KernelError, libc, T } from "../ffi.ts";
import { AF, SOCK, SOL } from "../socket-numbers.ts";
import { decodeError, decodeMessages, encodeMessage, type NetlinkMessage, NLM_F, NLMSG } from "./message.ts";

const c = libc({
  socket: { args: [T.i32, T.i32, T.i32], returns: T.i32 },
  setsockopt: { args: [T.i32, T.i32, T.i32, T.ptr, T.u32], returns: T.i32 },
  send: { args: [T.i32, T.ptr, T.u64_fast, T.i32], returns: T.i64_fast },
  recv: { args: [T.i32, T.ptr, T.u64_fast, T.i32], returns: T.i64_fast },
});

const SO_RCVTIMEO = 20;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;
const EINTR = 4;

/** The kernel answers within the call; what takes this many seconds is stuck behind a lock, and must not be waited for. */
const PATIENCE = 10;
/** A dump that changed while it was read is asked again; this often. */
const DUMP_ATTEMPTS = 20;

/** Protocols of socket(AF_NETLINK): linux/netlink.h. */
export const NETLINK = { ROUTE: 0, NETFILTER: 12 } as const;

// Dumps come in datagrams of at most 32 kB. One buffer for all sockets: a request is over before the next begins.
const buffer = new Uint8Array(new ArrayBuffer(65536));

/** A request that the kernel refused: `add link berth0: file exists (…the kernel's own words)`. */
export class NetlinkError extends KernelError {
  constructor(what: string, errno: number, object: string, words?: string) {
    super(what, errno, object);
    if (words) this.message += ` (${words})`;
  }
}

export class NetlinkSocket implements Disposable {
  private sequence = 1;
  private constructor(readonly fd: number) {}

  /** Opens a socket in the thread's present network namespace. */
  static open(protocol: number): NetlinkSocket {
    const fd = c.socket(AF.NETLINK, SOCK.RAW | SOCK.CLOEXEC, protocol);
    if (fd < 0) throw new KernelError("socket", errno(), "AF_NETLINK");
    const one = Int32Array.of(1);
    c.setsockopt(fd, SOL.NETLINK, NETLINK_EXT_ACK, ptr(one), 4);
    c.setsockopt(fd, SOL.NETLINK, NETLINK_CAP_ACK, ptr(one), 4);
    if (protocol === NETLINK.ROUTE) c.setsockopt(fd, SOL.NETLINK, NETLINK_GET_STRICT_CHK, ptr(one), 4);
    const timeout = BigInt64Array.of(BigInt(PATIENCE), 0n);
    c.setsockopt(fd, SOL.SOCKET, SO_RCVTIMEO, ptr(timeout), 16);
    return new NetlinkSocket(fd);
  }

  /** Asks for a change and waits for its acknowledgement. `what` and `object` are for the error's text. */
  change(type: number, flags: number, payload: Uint8Array, what: string, object: string): void {
    this.exchange(type, flags | NLM_F.REQUEST | NLM_F.ACK, payload, what, object);
  }

  /** Asks for one thing; undefined answers are none. */
  get(type: number, payload: Uint8Array, what: string, object: string): NetlinkMessage | undefined {
    return this.exchange(type, NLM_F.REQUEST | NLM_F.ACK, payload, what, object).messages[0];
  }

  /** All messages of a dump, read again when it changed meanwhile. */
  dump(type: number, payload: Uint8Array, what: string): NetlinkMessage[] {
    for (let attempt = 1; ; attempt++) {
      const { messages, interrupted } = this.exchange(type, NLM_F.REQUEST | NLM_F.DUMP, payload, what, "");
      if (!interrupted || attempt === DUMP_ATTEMPTS) return messages;
    }
  }

  /**
   * Sends requests in one datagram, as netfilter's transactions are, and waits for the acknowledgement of the last
   * that is to be acknowledged (all of them are, but those of `quiet` types), or the first refusal.
   */
  changeAll(
    requests: readonly { type: number; flags: number; payload: Uint8Array }[],
    quiet: readonly number[],
    what: string,
    object: string,
  ): void {
    const encoded: Uint8Array[] = [];
    let awaited = 0;
    for (const { type, flags, payload } of requests) {
      const sequence = this.sequence++;
      const loud = !quiet.includes(type);
      if (loud) awaited = sequence;
      encoded.push(
        encodeMessage({
          type,
          flags: flags | NLM_F.REQUEST | (loud ? NLM_F.ACK : 0),
          sequence,
          portId: 0,
          payload,
        }),
      );
    }
    this.send(Buffer.concat(encoded), what, object);
    for (;;) {
      for (const message of this.receive(what, object)) {
        if (message.type !== NLMSG.ERROR) continue;
        const { errno, text } = decodeError(message);
        if (errno !== 0) throw new NetlinkError(what, errno, object, text);
        if (message.sequence === awaited) return;
      }
    }
  }

  private send(request: Uint8Array, what: string, object: string): void {
    if (Number(c.send(this.fd, request, request.length, 0)) < 0) throw new KernelError(what, errno(), object);
  }

  private exchange(type: number, flags: number, payload: Uint8Array, what: string, object: string) {
    const sequence = this.sequence++;
    this.send(encodeMessage({ type, flags, sequence, portId: 0, payload }), what, object);
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.receive(what, object)) {
        if (message.sequence !== sequence) continue; // left from a request that timed out
        if (message.flags & NLM_F.DUMP_INTR) interrupted = true;
        if (message.type === NLMSG.ERROR || message.type === NLMSG.DONE) {
          const { errno, text } = decodeError(message);
          if (errno !== 0) throw new NetlinkError(what, errno, object, text);
          return { messages, interrupted };
        }
        // A copy, since the buffer is used again.
        if (message.type !== NLMSG.NOOP) messages.push({ ...message, payload: message.payload.slice() });
      }
    }
  }

  private receive(what: string, object: string): NetlinkMessage[] {
    for (;;) {
      const length = Number(c.recv(this.fd, buffer, buffer.length, MSG_TRUNC));
      if (length > buffer.length) throw new KernelError(what, 90, object);
      if (length >= 0) return decodeMessages(buffer.subarray(0, length));
      const failed = errno();
      if (failed !== EINTR) throw new KernelError(what, failed, object);
    }
  }

  close(): void {
    close(this.fd);
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A socket for links, addresses, routes and neighbours of the thread's present namespace: rtnetlink(7). */
export function openRoute(): NetlinkSocket {
  return NetlinkSocket.open(NETLINK.ROUTE);
}

let netfilter: NetlinkSocket | undefined;

/**
 * This process's one socket to netfilter, in the namespace that the thread was in at first use. It stays open: closing
 * one waits until all that nftables deleted just before is freed, some 10 to 30 ms (nf_tables, NETLINK_URELEASE).
 */
export function netfilterSocket(): NetlinkSocket {
  netfilter ??= NetlinkSocket.open(NETLINK.NETFILTER);
  return netfilter;
}
