// Questions to one other server by UDP. Answers are believed when they come from that server's address (the socket is
// connected), bear the question's random id, and repeat the question; a socket, and so its port, serves few questions,
// so that who can't see them has ids and ports to guess (RFC 5452 section 9).
import type { udp } from "bun";
import { isIpv6 } from "../../linux/ip-address.ts";
import { answers, idOf, type Question, withId } from "./message.ts";

/** Opens something in the namespace that the server is asked from. */
export type Enter = <R>(inside: () => R) => R;
/** Called once, with undefined when the server can't be asked any more. */
export type Answered = (reply: Buffer | undefined) => void;

/** Questions that one socket asks in its life, and milliseconds that one stays open without any. */
const QUESTIONS = 32;
const IDLE = 2_000;

interface Waiting {
  question: Question;
  answered: Answered;
}

/** A connected socket and the questions that wait on it. */
class Channel {
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  private socket: udp.ConnectedSocket<"buffer"> | undefined;
  private closed = false;
  private idle: ReturnType<typeof setTimeout> | undefined;

  constructor(
    address: string,
    port: number,
    enter: Enter,
    private readonly ended: (channel: Channel) => void,
  ) {
    // Made and connected within the call, though the promise looks otherwise; it is fulfilled in the next turn.
    const opening = enter(() =>
      Bun.udpSocket({
        // Its family is the socket's.
        hostname: isIpv6(address) ? "::" : "0.0.0.0",
        connect: { hostname: address, port },
        socket: {
          data: (_, reply) => this.take(reply),
          // An ICMP error: nobody is there.
          error: () => this.close(),
        },
      }),
    );
    const socket = Bun.peek(opening);
    if (socket instanceof Promise) throw new Error("the socket was not made at once");
    this.socket = socket;
    this.socket.unref();
  }

  get full(): boolean {
    return this.closed || this.asked >= QUESTIONS;
  }

  /** Gives what ends the wait. */
  ask(question: Question, answered: Answered): () => void {
    clearTimeout(this.idle);
    this.asked++;
    let id: number;
    do id = randomId();
    while (this.waiting.has(id));
    this.waiting.set(id, { question, answered });
    try {
      this.socket?.send(withId(question.bytes, id));
    } catch (problem) {
      this.forget(id);
      throw problem;
    }
    return () => this.forget(id);
  }

  private take(reply: Buffer): void {
    const id = idOf(reply);
    const waiting = this.waiting.get(id);
    if (!waiting || !answers(reply, waiting.question)) return;
    this.forget(id);
    waiting.answered(withId(reply, idOf(waiting.question.bytes)));
  }

  private forget(id: number): void {
    if (!this.waiting.delete(id) || this.waiting.size > 0) return;
    if (this.asked >= QUESTIONS) this.close();
    else {
      this.idle = setTimeout(() => this.close(), IDLE);
      this.idle.unref();
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.idle);
    this.socket?.close();
    this.socket = undefined;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    this.ended(this);
    for (const { answered } of waiting) answered(undefined);
  }
}

const random = new Uint16Array(512);
let left = 0;

function randomId(): number {
  if (left === 0) {
    crypto.getRandomValues(random);
    left = random.length;
  }
  return random[--left] as number;
}

/** The channels to one server. */
export class UdpUpstream {
  private readonly channels = new Set<Channel>();
  private latest: Channel | undefined;

  constructor(
    private readonly address: string,
    private readonly port: number,
    private readonly enter: Enter,
  ) {}

  /** Asks; gives what ends the wait. Errors: where no socket can be had for the address. */
  ask(question: Question, answered: Answered): () => void {
    if (!this.latest || this.latest.full) {
      this.latest = new Channel(this.address, this.port, this.enter, (channel) => {
        this.channels.delete(channel);
        if (this.latest === channel) this.latest = undefined;
      });
      this.channels.add(this.latest);
    }
    return this.latest.ask(question, answered);
  }

  get unused(): boolean {
    return this.channels.size === 0;
  }

  close(): void {
    for (const channel of this.channels) channel.close();
  }
}
