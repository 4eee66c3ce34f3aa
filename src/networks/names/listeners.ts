// The sockets of the name server in one container's network namespace, and what clients send to them.
import type { Socket, TCPSocketListener, udp } from "bun";
import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { inNamespace } from "../../linux/netns.ts";
import { NAME_SERVER } from "../resolv-conf.ts";
import type { Protocol } from "./forwarder.ts";
import { failure, LARGEST_MESSAGE, parseQuestion, type Question, RCODE } from "./message.ts";
import { type Ports, redirectQuestions } from "./redirect.ts";
import { frame, frameReader } from "./tcp-frames.ts";

/** Connections of one container; more are closed as they come. */
const CONNECTIONS = 128;
/** Questions on one connection, in its life. */
const QUESTIONS = 128;
/** Milliseconds in which the next question must have come whole, and in which the answers must have been read. */
const IDLE = 8_000;
/** Bytes of answers that wait for a client to read. */
const UNREAD = 256 * 1024;

/** Answers, at once or later; both protocols' questions go here. `room`: bytes that the answer may have. */
export type Respond = (question: Question, protocol: Protocol, room: number) => Buffer | Promise<Buffer>;

export interface Listeners {
  ports: Ports;
  close(): void;
}

/** What a message that came gets back: nothing, an answer, or one that is still to come. */
function reply(bytes: Buffer, protocol: Protocol, respond: Respond): Buffer | Promise<Buffer> | undefined {
  const question = parseQuestion(bytes);
  if (!question) return undefined;
  if ("refuse" in question) return failure(bytes, question.refuse);
  try {
    return respond(question, protocol, protocol === "udp" ? question.room : LARGEST_MESSAGE);
  } catch (problem) {
    log.error(`names: a question can't be answered: ${messageOf(problem)}`);
    return failure(bytes, RCODE.serverFailure, question);
  }
}

function openUdp(port: number, respond: Respond): udp.Socket<"buffer"> {
  const answer = (socket: udp.Socket<"buffer">, message: Buffer, port: number, address: string) => {
    // An answer that finds no room is lost, as datagrams may be; a client that asks on its own behalf asks again.
    if (!socket.closed) socket.send(message, port, address);
  };
  const opening = Bun.udpSocket({
    hostname: NAME_SERVER,
    port,
    socket: {
      data(socket, bytes, port, address) {
        const message = reply(bytes, "udp", respond);
        if (message instanceof Promise) message.then((late) => answer(socket, late, port, address));
        else if (message) answer(socket, message, port, address);
      },
      error() {},
    },
  });
  // The socket is made and bound within the call.
  const socket = Bun.peek(opening);
  if (socket instanceof Promise) throw new Error("the socket was not made at once");
  return socket;
}

/** One client's connection: its questions are answered as the answers are there, in any order (RFC 7766 section 6.2.1.1). */
class Connection {
  private readonly read = frameReader();
  private unsent: Buffer[] = [];
  private asked = 0;
  private waiting = 0;
  private readonly patience: ReturnType<typeof setTimeout>;

  constructor(
    private readonly socket: Socket<Connection>,
    private readonly respond: Respond,
  ) {
    this.patience = setTimeout(() => this.lose(), IDLE);
  }

  private lose(): void {
    // Upstream may take longer than a client may.
    if (this.waiting > 0 && this.unsent.length === 0) this.patience.refresh();
    else this.socket.terminate();
  }

  take(chunk: Buffer): void {
    for (const bytes of this.read(chunk)) {
      if (this.asked === QUESTIONS) return;
      this.asked++;
      this.patience.refresh();
      const message = reply(bytes, "tcp", this.respond);
      // Who sends what is no question gets no second chance.
      if (!message) return void this.socket.terminate();
      if (!(message instanceof Promise)) this.send(message);
      else {
        this.waiting++;
        message.then((late) => {
          this.waiting--;
          this.send(late);
        });
      }
    }
  }

  private send(message: Buffer): void {
    this.unsent.push(frame(message));
    this.flush();
  }

  /** The client sends no more; what it asked is still answered. */
  end(): void {
    this.asked = QUESTIONS;
    this.flush();
  }

  flush(): void {
    const bytes = Buffer.concat(this.unsent);
    const written = Math.max(0, this.socket.write(bytes));
    this.unsent = written < bytes.length ? [bytes.subarray(written)] : [];
    if (bytes.length - written > UNREAD) this.socket.terminate();
    if (this.unsent.length > 0) return;
    if (this.waiting > 0 || this.asked < QUESTIONS) this.patience.refresh();
    else this.socket.end();
  }

  close(): void {
    clearTimeout(this.patience);
  }
}

function openTcp(port: number, respond: Respond): TCPSocketListener<Connection> {
  let connections = 0;
  return Bun.listen<Connection>({
    hostname: NAME_SERVER,
    port,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        connections++;
        socket.data = new Connection(socket, respond);
        if (connections > CONNECTIONS) socket.terminate();
      },
      data: (socket, chunk) => socket.data.take(chunk),
      end: (socket) => socket.data.end(),
      drain: (socket) => socket.data.flush(),
      error() {},
      close(socket) {
        connections--;
        socket.data.close();
      },
    },
  });
}

/**
 * Opens the sockets in the namespace and leads port 53 to them. Ports that were given are taken again, so that the
 * rules still hold, unless somebody in the container has them now.
 * Errors: KernelError and NetlinkError of the namespace and the rules, and Bun's of the sockets.
 */
export function openListeners(namespace: string, before: Ports | undefined, respond: Respond): Listeners {
  return inNamespace(namespace, () => {
    const stack = new DisposableStack();
    try {
      const socket = stack.adopt(
        orElsewhere(before?.udp, (port) => openUdp(port, respond)),
        (it) => it.close(),
      );
      const listener = stack.adopt(
        orElsewhere(before?.tcp, (port) => openTcp(port, respond)),
        (it) => it.stop(true),
      );
      const ports = { udp: socket.port, tcp: listener.port };
      redirectQuestions(ports, before?.udp !== ports.udp || before.tcp !== ports.tcp);
      const opened = stack.move();
      return { ports, close: () => opened.dispose() };
    } finally {
      stack.dispose();
    }
  });
}

function orElsewhere<S>(port: number | undefined, open: (port: number) => S): S {
  if (port === undefined) return open(0);
  try {
    return open(port);
  } catch {
    return open(0);
  }
}
