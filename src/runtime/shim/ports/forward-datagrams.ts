// UDP datagrams to a port of the host, carried to the container by hand: each sender to an address of the host has a socket of
// its own there, so that the answers find back, and from that address, until nothing went either way for a while.
import { beginConnect, sendAt } from "../../../linux/client-socket.ts";
import { type Ends, lastEnds, receiveFrom, sendBack } from "../../../linux/datagram.ts";
import { close } from "../../../linux/ffi.ts";
import { servePort } from "../../../linux/port.ts";
import { readAt } from "../../../linux/raw-io.ts";
import type { ReservedPort } from "../../types.ts";
import { STREAM_CHUNK } from "../protocol.ts";
import { READ, type Reactor } from "../reactor.ts";
import { CHUNK_START, scratch } from "../scratch.ts";
import type { DescriptorBudget } from "./descriptor-budget.ts";
import type { Forwarder, Target } from "./held-ports.ts";

/** Milliseconds without a datagram after which a sender is forgotten, as in Docker's proxy; and how often that is looked at. */
const IDLE = 90_000;
const LOOK = 10_000;
/** Senders at one time; of more, the one that was silent longest is forgotten. */
const SENDERS = 1_024;
/** Datagrams of one turn of the loop. */
const TURN = 64;
/** ECONNREFUSED. */
const REFUSED = -111;
const NONE = new Uint8Array(0);

const ROOM = scratch.address + CHUNK_START;

interface Sender {
  ends: Ends;
  fd: number;
  /** Of performance.now(). */
  last: number;
}

/** Serves the port. Errors: KernelError (bind). */
export function forwardDatagrams(
  reactor: Reactor,
  budget: DescriptorBudget,
  { address, port, forward }: ReservedPort,
): Forwarder {
  const socket = servePort("udp", address, port);
  /** In the order of their last words. */
  const senders = new Map<string, Sender>();
  let target = forward as Target;
  let sweeping: ReturnType<Reactor["after"]> | undefined;
  reactor.watch(socket, READ, receive);
  return {
    leadTo(other) {
      if (other.address === target.address && other.port === target.port) return;
      target = other;
      for (const key of [...senders.keys()]) forget(key);
    },
    close() {
      reactor.cancel(sweeping);
      for (const key of [...senders.keys()]) forget(key);
      reactor.forget(socket);
      close(socket);
    },
  };

  function receive(): void {
    for (let count = 0; count < TURN; count++) {
      const length = receiveFrom(socket, ROOM, STREAM_CHUNK);
      if (length < 0) return;
      const sender = senderOf(lastEnds());
      // The container's answer to an earlier one, that nobody listened there (ICMP), is an error of this call, once.
      if (sender && sendAt(sender.fd, ROOM, length) === REFUSED) sendAt(sender.fd, ROOM, length);
    }
  }

  function senderOf(ends: Ends): Sender | undefined {
    const key = Buffer.concat([ends.peer, ends.local ?? NONE]).toString("latin1");
    const known = senders.get(key);
    if (known) {
      heard(key, known);
      return known;
    }
    const [oldest] = senders.keys();
    if (senders.size === SENDERS && oldest !== undefined) forget(oldest);
    if (!budget.take(1)) {
      if (oldest === undefined) return undefined;
      forget(oldest);
      budget.take(1);
    }
    try {
      const { fd } = beginConnect({ kind: "inet", ...target, datagram: true });
      const sender = { ends, fd, last: performance.now() };
      senders.set(key, sender);
      reactor.watch(fd, READ, () => answer(key, sender));
      sweeping ??= reactor.after(LOOK, sweep);
      return sender;
    } catch {
      // No route to the container any more, or no descriptor: a datagram is lost, as they are.
      budget.giveBack(1);
      return undefined;
    }
  }

  function heard(key: string, sender: Sender): void {
    sender.last = performance.now();
    senders.delete(key);
    senders.set(key, sender);
  }

  function answer(key: string, sender: Sender): void {
    for (let count = 0; count < TURN; count++) {
      // An error is the container's answer that nobody listens there (ICMP): reading takes it away.
      const length = readAt(sender.fd, ROOM, STREAM_CHUNK);
      if (length < 0) return;
      sendBack(socket, ROOM, length, sender.ends);
      heard(key, sender);
    }
  }

  function forget(key: string): void {
    const fd = senders.get(key)?.fd;
    senders.delete(key);
    if (fd === undefined) return;
    reactor.forget(fd);
    close(fd);
    budget.giveBack(1);
  }

  function sweep(): void {
    const before = performance.now() - IDLE;
    for (const [key, { last }] of [...senders]) if (last < before) forget(key);
    sweeping = senders.size > 0 ? reactor.after(LOOK, sweep) : undefined;
  }
}
