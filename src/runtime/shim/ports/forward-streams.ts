// TCP connections to a port of the host, carried to the container by hand: what one side sends the other gets, each way
// ends by itself (half-closed connections stay), and who is not read from is not read for.
import { beginConnect, connectOutcome, endSending, sendAt } from "../../../linux/client-socket.ts";
import { close, errno } from "../../../linux/ffi.ts";
import { servePort } from "../../../linux/port.ts";
import { AGAIN, copyBytes, type FixedBuffer, fixedBuffer, readAt } from "../../../linux/raw-io.ts";
import { acceptConnection } from "../../../linux/socket.ts";
import type { ReservedPort } from "../../types.ts";
import { STREAM_CHUNK } from "../protocol.ts";
import { EPOLL, READ, type Reactor, WRITE } from "../reactor.ts";
import type { DescriptorBudget } from "./descriptor-budget.ts";
import type { Forwarder, Target } from "./held-ports.ts";

/** Connections accepted, and chunks read from one, in one turn of the loop. */
const ACCEPTS = 64;
const CHUNKS = 8;
/** Out of descriptors (of its share, or at all) or memory: who waits to be accepted waits for so long (milliseconds). */
const PAUSE = 200;
const EAGAIN = 11;
const ECONNABORTED = 103;

/** Of a connection: the client's, and the container's. */
const DESCRIPTORS = 2;

/** Serves the port. Errors: KernelError (bind). */
export function forwardStreams(
  reactor: Reactor,
  budget: DescriptorBudget,
  { address, port, forward }: ReservedPort,
): Forwarder {
  const listener = servePort("tcp", address, port);
  const connections = new Set<Forwarded>();
  let target = forward as Target;
  let closed = false;
  listen();
  return {
    leadTo(other) {
      if (other.address === target.address && other.port === target.port) return;
      target = other;
      for (const connection of [...connections]) connection.close();
    },
    close() {
      closed = true;
      reactor.forget(listener);
      close(listener);
      for (const connection of [...connections]) connection.close();
    },
  };

  function listen(): void {
    if (!closed) reactor.watch(listener, READ, accept);
  }

  function accept(): void {
    for (let count = 0; count < ACCEPTS; count++) {
      if (!budget.take(DESCRIPTORS)) return void pause();
      const fd = acceptConnection(listener);
      if (fd >= 0) {
        begin(fd);
        continue;
      }
      const failed = errno();
      budget.giveBack(DESCRIPTORS);
      if (failed === EAGAIN) return;
      if (failed !== ECONNABORTED) return void pause();
    }
  }

  function pause(): void {
    reactor.forget(listener);
    reactor.after(PAUSE, listen);
  }

  function begin(client: number): void {
    let server: ReturnType<typeof beginConnect>;
    try {
      server = beginConnect({ kind: "inet", ...target, datagram: false });
    } catch {
      // Refused at once, as by a container where nothing listens.
      close(client);
      budget.giveBack(DESCRIPTORS);
      return;
    }
    const connection = new Forwarded(reactor, client, server, () => {
      connections.delete(connection);
      budget.giveBack(DESCRIPTORS);
    });
    connections.add(connection);
  }
}

/** What passes through: twice a frame's chunk, which is a third faster on a link as fast as loopback. */
const passage = fixedBuffer(2 * STREAM_CHUNK);

interface End {
  readonly fd: number;
  /** Bits of EPOLL that are watched for; 0: it isn't in the reactor, which would tell of a hang-up again and again. */
  interest: number;
  /** It sends nothing more. */
  ended: boolean;
  /** What it has not taken yet of what the other sent. */
  waiting?: { buffer: FixedBuffer; from: number; to: number };
}

class Forwarded {
  private readonly client: End;
  private readonly server: End;
  private connecting: boolean;
  private closed = false;

  constructor(
    private readonly reactor: Reactor,
    client: number,
    { fd, pending }: { fd: number; pending: boolean },
    private readonly gone: () => void,
  ) {
    this.client = { fd: client, interest: 0, ended: false };
    this.server = { fd, interest: 0, ended: false };
    this.connecting = pending;
    this.watch();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const { fd, interest } of [this.client, this.server]) {
      if (interest !== 0) this.reactor.forget(fd);
      close(fd);
    }
    this.gone();
  }

  private watch(): void {
    if (this.closed) return;
    if (this.client.ended && this.server.ended && !this.client.waiting && !this.server.waiting)
      return void this.close();
    this.watchEnd(this.client, this.server);
    this.watchEnd(this.server, this.client);
  }

  private watchEnd(end: End, other: End): void {
    const reads = !this.connecting && !end.ended && !other.waiting;
    const writes = end.waiting !== undefined || (this.connecting && end === this.server);
    const interest = (reads ? READ : 0) | (writes ? WRITE : 0);
    if (interest === end.interest) return;
    if (end.interest === 0)
      this.reactor.watch(end.fd, interest, (events) => this.happened(end, other, events));
    else if (interest === 0) this.reactor.forget(end.fd);
    else this.reactor.change(end.fd, interest);
    end.interest = interest;
  }

  private happened(end: End, other: End, events: number): void {
    if (this.connecting) {
      if (end !== this.server) return;
      if (connectOutcome(end.fd) !== 0) return void this.close();
      this.connecting = false;
    } else {
      const over = events & (EPOLL.HUP | EPOLL.ERR);
      if (end.waiting && events & (WRITE | over)) this.flush(end);
      if (!this.closed && !end.ended && !other.waiting && events & (READ | over)) this.pump(end, other);
    }
    this.watch();
  }

  private pump(from: End, to: End): void {
    for (let turn = 0; turn < CHUNKS; turn++) {
      const count = readAt(from.fd, passage.address, passage.bytes.length);
      if (count === AGAIN) return;
      if (count < 0) return void this.close();
      if (count === 0) {
        from.ended = true;
        endSending(to.fd);
        return;
      }
      const sent = sendAt(to.fd, passage.address, count);
      if (sent < 0 && sent !== AGAIN) return void this.close();
      const taken = Math.max(sent, 0);
      if (taken === count) continue;
      const buffer = fixedBuffer(count - taken);
      copyBytes(buffer.address, passage.address + taken, count - taken);
      to.waiting = { buffer, from: 0, to: count - taken };
      return;
    }
  }

  private flush(end: End): void {
    const { waiting } = end;
    if (!waiting) return;
    const sent = sendAt(end.fd, waiting.buffer.address + waiting.from, waiting.to - waiting.from);
    if (sent < 0 && sent !== AGAIN) return void this.close();
    waiting.from += Math.max(sent, 0);
    if (waiting.from === waiting.to) delete end.waiting;
  }
}
