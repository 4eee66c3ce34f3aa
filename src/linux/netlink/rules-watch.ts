// Who changed nftables: the kernel's notifications of every transaction, read when somebody asks. nfnetlink(7),
// linux/netfilter/nf_tables.h (NFNLGRP_NFTABLES).
import { errno, libc, T } from "../ffi.ts";
import { SOL } from "../socket-numbers.ts";
import { attributesByType, decodeMessages, read } from "./message.ts";
import { NETLINK, NetlinkSocket } from "./socket.ts";

const c = libc({
  setsockopt: { args: [T.i32, T.i32, T.i32, T.ptr, T.u32], returns: T.i32 },
  recv: { args: [T.i32, T.ptr, T.u64_fast, T.i32], returns: T.i64_fast },
});
const SO_RCVBUFFORCE = 33;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_NO_ENOBUFS = 5;
const NFNLGRP_NFTABLES = 7;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const EINTR = 4;
const SUBSYSTEM = 10;
const NEWGEN = 15;
const GETGEN = 16;
const GEN_ID = 1;
/** In all of nf_tables' messages the first attribute is the table's name (or, of a generation, its number). */
const TABLE = 1;
const FAMILIES: Record<number, string> = {
  1: "inet",
  2: "ip",
  10: "ip6",
  7: "bridge",
  3: "arp",
  5: "netdev",
};
/** Bytes of notifications that wait for us: some thousand rules. */
const ROOM = 4 << 20;

export interface RuleNews {
  /** What was changed by transactions that are not `own`: `inet filter`. */
  tables: Set<string>;
  /** The number of the last transaction that was read. */
  generation?: number;
  /** There were more than fit: anything may have changed. */
  lost: boolean;
}

export interface RulesWatch extends Disposable {
  /** What was changed since the last call, but for the transactions of these numbers. Doesn't wait. */
  read(own: ReadonlySet<number>): RuleNews;
}

/**
 * A socket that gets the notifications of the network namespace that the thread is in now. Of more than fits in its buffer
 * the rest is lost, which the next reading is told of (ENOBUFS) or, for who wants only the fact that there was one, isn't.
 */
export function openRulesGroup({ overflow }: { overflow: "told" | "silent" }): NetlinkSocket {
  const socket = NetlinkSocket.open(NETLINK.NETFILTER);
  if (overflow === "silent") c.setsockopt(socket.fd, SOL.NETLINK, NETLINK_NO_ENOBUFS, Int32Array.of(1, 0), 4);
  c.setsockopt(socket.fd, SOL.NETLINK, NETLINK_ADD_MEMBERSHIP, Int32Array.of(NFNLGRP_NFTABLES, 0), 4);
  // A first request gives it an address: without one (0) it counts as the sender of the kernel's own notifications, and
  // gets none (net/netlink/af_netlink.c, do_one_broadcast).
  socket.get((SUBSYSTEM << 8) | GETGEN, Uint8Array.of(0, 0, 0, 0), "read nftables generation", "");
  return socket;
}

/** Watches the network namespace that the thread is in now. `room` is how many bytes may wait to be read. */
export function watchRules({ room } = { room: ROOM }): RulesWatch {
  const socket = openRulesGroup({ overflow: "told" });
  c.setsockopt(socket.fd, SOL.SOCKET, SO_RCVBUFFORCE, Int32Array.of(room, 0), 4);
  const buffer = new Uint8Array(1 << 16);
  /** Of a transaction whose end (its number) wasn't read yet. */
  let open = new Set<string>();

  return {
    read(own) {
      const news: RuleNews = { tables: new Set(), lost: false };
      for (;;) {
        const length = Number(c.recv(socket.fd, buffer, buffer.length, MSG_DONTWAIT | MSG_TRUNC));
        if (length < 0) {
          const failed = errno();
          if (failed === EINTR) continue;
          if (failed === EAGAIN) return news;
          news.lost = true; // ENOBUFS; what is still there is read all the same
          continue;
        }
        if (length > buffer.length) news.lost = true;
        else take(buffer.subarray(0, length), own, news);
      }
    },
    [Symbol.dispose]: () => socket.close(),
  };

  function take(datagram: Uint8Array, own: ReadonlySet<number>, news: RuleNews): void {
    for (const { type, payload } of decodeMessages(datagram)) {
      if (type >> 8 !== SUBSYSTEM) continue;
      const first = attributesByType(payload.subarray(4)).get(TABLE);
      if ((type & 0xff) !== NEWGEN) {
        if (first) open.add(`${FAMILIES[payload[0] ?? 0] ?? ""} ${read.text(first)}`);
        continue;
      }
      const number = read.be32(attributesByType(payload.subarray(4)).get(GEN_ID) ?? new Uint8Array(4));
      news.generation = number;
      if (!own.has(number)) for (const table of open) news.tables.add(table);
      open = new Set();
    }
  }
}
