// One connection to the shim: takes its frames apart, and sends it frames without ever waiting for it.
import { close } from "../../linux/ffi.ts";
import { AGAIN, type FixedBuffer, fixedBuffer, readAt, writeAt } from "../../linux/raw-io.ts";
import { setSendBuffer } from "../../linux/socket.ts";
import { FRAME, FRAME_HEADER, MESSAGE_LIMIT, type Reply, type Request, STREAM_CHUNK } from "./protocol.ts";
import { EPOLL, READ, type Reactor, WRITE } from "./reactor.ts";
import { Spill } from "./spill.ts";

/** Who deals with what a connection says. */
export interface ConnectionHandler {
  request(connection: Connection, request: Request): void;
  /** Gives how much of it was taken; less than `length` pauses the connection until `resume`. */
  stdin(connection: Connection, address: number, length: number): number;
  stdinEnd(connection: Connection): void;
  /** The client took all that was kept for it. */
  drained(connection: Connection): void;
  closed(connection: Connection): void;
}

const CONTROL_INPUT = 4096;
/** Bytes of output that wait in an attached client's socket, in the kernel's memory while they do. */
const SEND_BUFFER = 1 << 20;

export class Connection {
  /** Streams that the client attached to: bits of 1 (stdout) and 2 (stderr). */
  wants = 0;

  private input: FixedBuffer = fixedBuffer(CONTROL_INPUT);
  private position = 0;
  private filled = 0;
  private frameType = 0;
  /** Bytes of the current frame that are still to come; -1 between frames. */
  private frameLeft = -1;
  private message: Uint8Array | undefined;

  private paused = false;
  private watched = true;
  private open = true;
  private spill: Spill | undefined;
  private interest: number = READ;

  constructor(
    private readonly reactor: Reactor,
    private readonly fd: number,
    private readonly spillFolder: string,
    private readonly handler: ConnectionHandler,
  ) {
    reactor.watch(fd, READ, (events) => this.onEvents(events));
  }

  /** Something is kept here that the client has not taken. */
  get unsent(): boolean {
    return this.spill !== undefined && !this.spill.empty;
  }

  /** Room for whole chunks, for a connection that brings a process's input. */
  expectStdin(): void {
    if (this.input.bytes.length >= STREAM_CHUNK) return;
    const larger = fixedBuffer(STREAM_CHUNK);
    larger.bytes.set(this.input.bytes.subarray(this.position, this.filled));
    this.filled -= this.position;
    this.position = 0;
    this.input = larger;
  }

  /** Room for a reader that is a moment late: what doesn't fit goes to disk and back. */
  expectOutput(): void {
    setSendBuffer(this.fd, SEND_BUFFER);
  }

  /** Reads on, after `stdin` took less than it was given. */
  resume(): void {
    if (!this.paused || !this.open) return;
    this.paused = false;
    this.consume();
    // The peer is gone, but what it sent before still counts.
    while (this.open && !this.paused && !this.watched) this.receive();
    this.updateInterest();
  }

  reply(reply: Reply): void {
    this.sendMessage(FRAME.REPLY, reply);
  }

  sendMessage(type: number, message: unknown): void {
    const payload = Buffer.from(JSON.stringify(message));
    const frame = fixedBuffer(FRAME_HEADER + payload.length);
    new DataView(frame.bytes.buffer).setUint32(0, payload.length, true);
    frame.bytes[4] = type;
    frame.bytes.set(payload, FRAME_HEADER);
    this.send(frame.address, frame.bytes.length);
  }

  /** Sends bytes that are whole frames. Never waits: what the client doesn't take goes to its spill. */
  send(address: number, length: number): void {
    if (!this.open) return;
    let taken = 0;
    if (!this.spill || this.spill.empty) {
      taken = writeAt(this.fd, address, length);
      if (taken === length) return;
      if (taken < 0 && taken !== AGAIN) {
        this.outputGone();
        return;
      }
      taken = Math.max(taken, 0);
    }
    try {
      this.spill ??= new Spill(this.spillFolder);
    } catch {
      this.close();
      return;
    }
    if (!this.spill.append(address + taken, length - taken)) {
      this.close();
      return;
    }
    this.updateInterest();
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    if (this.watched) this.reactor.forget(this.fd);
    this.spill?.close();
    close(this.fd);
    this.handler.closed(this);
  }

  private onEvents(events: number): void {
    if (events & EPOLL.OUT && this.spill && !this.spill.drainTo(this.fd)) {
      this.outputGone();
      return;
    }
    if (this.open && this.paused && events & (EPOLL.HUP | EPOLL.ERR)) {
      // A hang-up is reported again and again; the rest of its input is read when the process takes it.
      this.reactor.forget(this.fd);
      this.watched = false;
    } else if (this.open && !this.paused && events & (EPOLL.IN | EPOLL.HUP | EPOLL.ERR)) this.receive();
    this.updateInterest();
    if (this.open && events & EPOLL.OUT && !this.unsent) this.handler.drained(this);
  }

  /** The client reads no more. Input that it sent before is still the process's. */
  private outputGone(): void {
    this.wants = 0;
    this.spill?.close();
    this.spill = undefined;
    if (!this.paused) this.close();
    else this.updateInterest();
  }

  private receive(): void {
    if (this.position > 0) {
      this.input.bytes.copyWithin(0, this.position, this.filled);
      this.filled -= this.position;
      this.position = 0;
    }
    const count = readAt(this.fd, this.input.address + this.filled, this.input.bytes.length - this.filled);
    if (count === AGAIN) return;
    if (count <= 0) {
      this.close();
      return;
    }
    this.filled += count;
    this.consume();
  }

  private consume(): void {
    while (this.open && !this.paused) {
      if (this.frameLeft < 0 && !this.beginFrame()) return;
      if (this.frameType === FRAME.STDIN ? !this.consumeStdin() : !this.consumeMessage()) return;
    }
  }

  /** False when the header isn't whole yet, or is none. */
  private beginFrame(): boolean {
    if (this.filled - this.position < FRAME_HEADER) return false;
    const { bytes } = this.input;
    const at = this.position;
    const length =
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24)) >>>
      0;
    const type = bytes[at + 4] as number;
    const known = type === FRAME.REQUEST || type === FRAME.STDIN || type === FRAME.STDIN_END;
    if (!known || length > MESSAGE_LIMIT) {
      this.close();
      return false;
    }
    this.position += FRAME_HEADER;
    this.frameType = type;
    this.frameLeft = length;
    if (type !== FRAME.STDIN) this.message = new Uint8Array(length);
    return true;
  }

  private consumeStdin(): boolean {
    const available = Math.min(this.frameLeft, this.filled - this.position);
    if (available > 0) {
      const taken = this.handler.stdin(this, this.input.address + this.position, available);
      this.position += taken;
      this.frameLeft -= taken;
      if (taken < available) {
        this.paused = true;
        this.updateInterest();
        return false;
      }
    }
    if (this.frameLeft > 0) return false;
    this.frameLeft = -1;
    return true;
  }

  private consumeMessage(): boolean {
    const message = this.message as Uint8Array;
    const available = Math.min(this.frameLeft, this.filled - this.position);
    message.set(
      this.input.bytes.subarray(this.position, this.position + available),
      message.length - this.frameLeft,
    );
    this.position += available;
    this.frameLeft -= available;
    if (this.frameLeft > 0) return false;
    this.frameLeft = -1;
    this.message = undefined;
    if (this.frameType === FRAME.STDIN_END) this.handler.stdinEnd(this);
    else this.handler.request(this, parseRequest(message));
    return true;
  }

  private updateInterest(): void {
    if (!this.open || !this.watched) return;
    const interest = (this.paused ? 0 : READ) | (this.unsent ? WRITE : 0);
    if (interest === this.interest) return;
    this.interest = interest;
    this.reactor.change(this.fd, interest);
  }
}

/** A request whose form is right; what is none gets method "" and so the answer "unknown-method". */
function parseRequest(bytes: Uint8Array): Request {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = undefined;
  }
  const { id, method, params } = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  return {
    id: typeof id === "number" ? id : 0,
    method: typeof method === "string" ? method : "",
    params: typeof params === "object" && params !== null ? (params as Record<string, unknown>) : {},
  };
}
