// Messages to a log server over a socket that never makes the shim wait. What the server does not take waits here: then the
// container's output is left in its pipe (`full`), or, in non-blocking mode, later messages are dropped, as Docker's ring does.
//
// A connection that breaks is made anew with the next message, once; what waits for one that fails is lost, and told of.
import {
  beginConnect,
  connectOutcome,
  connectWaiting,
  type Peer,
  sendAt,
} from "../../../linux/client-socket.ts";
import { errnoText, KernelError } from "../../../linux/errors.ts";
import { close } from "../../../linux/ffi.ts";
import { AGAIN, copyBytes, type FixedBuffer, fixedBuffer, readAt } from "../../../linux/raw-io.ts";
import { EPOLL, READ, type Reactor, WRITE } from "../reactor.ts";

/** The first connection is waited for this long, in milliseconds. */
const CONNECT_LIMIT = 60_000;
const HEADER = 4;
const SMALLEST = 16 << 10;

export class RemoteWriter {
  onRoom: () => void = () => {};
  private fd = -1;
  private state: "up" | "connecting" | "down" = "down";
  /** u32 length and bytes, one message after the other, from `head` to `tail`. */
  private queue: FixedBuffer = fixedBuffer(SMALLEST);
  private head = 0;
  private tail = 0;
  /** Of the first message, what a stream has taken already. */
  private taken = 0;
  private failing = false;
  private dropped = 0;

  /**
   * Connects, and waits for that. Errors: KernelError.
   * @param limit bytes that wait at most before messages are dropped; undefined: nothing is dropped, `full` says so
   */
  constructor(
    private readonly reactor: Reactor,
    private readonly peer: Peer,
    private readonly limit: number | undefined,
    private readonly complain: (message: string) => void,
  ) {
    this.fd = connectWaiting(peer, CONNECT_LIMIT);
    this.up();
  }

  get empty(): boolean {
    return this.head === this.tail;
  }
  get full(): boolean {
    return this.limit === undefined && !this.empty;
  }
  /** Whether a message of this length would be dropped. */
  drops(length: number): boolean {
    if (this.limit === undefined || this.empty || this.tail - this.head + length <= this.limit) return false;
    if (this.dropped++ === 0) this.complain("the log server is slower than the container: lines are dropped");
    return true;
  }

  /** One message of a datagram socket, or whole messages for a stream. */
  send(address: number, length: number): void {
    if (this.state === "up" && this.empty) {
      const count = sendAt(this.fd, address, length);
      if (count === length) {
        this.worked();
        return;
      }
      if (count >= 0) this.enqueue(address + count, length - count);
      else if (this.bearable(count)) {
        if (count === AGAIN) this.enqueue(address, length);
      } else {
        this.enqueue(address, length);
        this.reconnect();
        return;
      }
      this.watch();
      return;
    }
    this.enqueue(address, length);
    if (this.state === "down") this.reconnect();
  }

  /** A datagram that is too long, or that nobody was there for, is lost alone; the socket is as good as before. */
  private bearable(count: number): boolean {
    const EMSGSIZE = 90;
    if (count === AGAIN) return true;
    if (count !== -EMSGSIZE || !this.peer.datagram) return false;
    this.complain("a line is too long for the log's socket, and lost");
    return true;
  }

  private enqueue(address: number, length: number): void {
    this.makeRoom(HEADER + length);
    new DataView(this.queue.bytes.buffer).setUint32(this.tail, length);
    copyBytes(this.queue.address + this.tail + HEADER, address, length);
    this.tail += HEADER + length;
  }

  private makeRoom(length: number): void {
    if (this.empty) this.head = this.tail = 0;
    if (this.tail + length <= this.queue.bytes.length) return;
    const used = this.tail - this.head;
    let size = this.queue.bytes.length;
    while (size < used + length) size *= 2;
    if (size === this.queue.bytes.length) this.queue.bytes.copyWithin(0, this.head, this.tail);
    else {
      const larger = fixedBuffer(size);
      larger.bytes.set(this.queue.bytes.subarray(this.head, this.tail));
      this.queue = larger;
    }
    this.head = 0;
    this.tail = used;
  }

  private drain(): void {
    const view = new DataView(this.queue.bytes.buffer);
    while (!this.empty) {
      const length = view.getUint32(this.head) - this.taken;
      const count = sendAt(this.fd, this.queue.address + this.head + HEADER + this.taken, length);
      if (count === AGAIN) return;
      if (count < 0 && !this.bearable(count)) {
        this.reconnect();
        return;
      }
      if (count >= 0 && count < length) {
        this.taken += count;
        return;
      }
      this.head += HEADER + this.taken + length;
      this.taken = 0;
    }
    this.worked();
    if (this.queue.bytes.length > 4 * SMALLEST) this.queue = fixedBuffer(SMALLEST);
    this.head = this.tail = 0;
    this.dropped = 0;
    this.watch();
    this.onRoom();
  }

  private worked(): void {
    if (this.failing) this.complain("the log server takes lines again");
    this.failing = false;
  }

  private up(): void {
    this.state = "up";
    this.reactor.watch(this.fd, READ, (events) => this.onEvents(events));
  }

  private watch(): void {
    if (this.state === "up") this.reactor.change(this.fd, this.empty ? READ : READ | WRITE);
  }

  private onEvents(events: number): void {
    if (this.state === "connecting") {
      const failed = connectOutcome(this.fd);
      if (failed !== 0) {
        this.lose(failed);
        return;
      }
      this.state = "up";
      this.watch();
      if (this.empty) return;
    }
    if (events & (EPOLL.IN | EPOLL.HUP | EPOLL.ERR) && this.gone()) {
      this.closeSocket();
      if (!this.empty) this.reconnect();
      return;
    }
    if (events & EPOLL.OUT || !this.empty) this.drain();
  }

  /** What a server says is of no interest; that it left is. */
  private gone(): boolean {
    const room = fixedBuffer(512);
    const count = readAt(this.fd, room.address, room.bytes.length);
    if (this.peer.datagram) return false;
    return count === 0 || (count < 0 && count !== AGAIN);
  }

  private closeSocket(): void {
    if (this.fd >= 0) {
      this.reactor.forget(this.fd);
      close(this.fd);
    }
    this.fd = -1;
    this.state = "down";
    // The new connection begins with a whole message.
    if (this.taken > 0) {
      this.head += HEADER + new DataView(this.queue.bytes.buffer).getUint32(this.head);
      this.taken = 0;
    }
  }

  private reconnect(): void {
    this.closeSocket();
    try {
      const { fd, pending } = beginConnect(this.peer);
      this.fd = fd;
      this.up();
      if (pending) {
        this.state = "connecting";
        this.reactor.change(fd, WRITE);
      } else this.reactor.change(fd, READ | WRITE);
    } catch (error) {
      this.lose(error instanceof KernelError ? error.errno : 5);
    }
  }

  /** Nobody is there: what waits is lost, as with Docker, and the next message tries again. */
  private lose(failed: number): void {
    this.closeSocket();
    this.head = this.tail = 0;
    if (!this.failing) this.complain(`cannot reach the log server: ${errnoText(failed)}; lines are lost`);
    this.failing = true;
    this.onRoom();
  }
}
