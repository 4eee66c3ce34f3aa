// Both sides of the name server's conversations: a client in a network namespace, and other servers that answer as told.
import type { Socket, TCPSocketListener, udp } from "bun";
import { decode, encode, type Packet, type RecordType } from "dns-packet";
import { inNamespace } from "../../src/linux/netns.ts";
import { NAME_SERVER } from "../../src/networks/resolv-conf.ts";

/** Milliseconds for an answer: longer than three silent servers take. */
const PATIENCE = 15_000;

export interface Reply {
  rcode: string;
  data: unknown[];
  truncated: boolean;
  bytes: Buffer;
}

export function question(name: string, type: RecordType = "A", more: Packet = {}): Buffer {
  const id = Math.floor(Math.random() * 65536);
  return encode({ type: "query", id, flags: 0x100, questions: [{ type, name }], ...more });
}

function read(bytes: Buffer): Reply {
  const message = decode(bytes) as ReturnType<typeof decode> & { rcode: string; flag_tc: boolean };
  return {
    rcode: message.rcode,
    data: (message.answers ?? []).map((record) => ("data" in record ? record.data : undefined)),
    truncated: message.flag_tc,
    bytes,
  };
}

async function within<T>(answer: Promise<T>, milliseconds = PATIENCE): Promise<T> {
  const late = Bun.sleep(milliseconds).then(() => {
    throw new Error("no answer");
  });
  late.catch(() => {});
  return await Promise.race([answer, late]);
}

/** A client of a namespace with one datagram socket, and connections as it likes. */
export interface Client extends Disposable {
  /** Sends a message as it is. */
  send(bytes: Uint8Array): void;
  /** Sends and waits for the answer with its id. */
  ask(bytes: Buffer, milliseconds?: number): Promise<Reply>;
  /** All of these chunks on one connection, then waits for so many answers, in the order in which they come. */
  askByTcp(chunks: readonly Uint8Array[], count: number): Promise<Reply[]>;
  /** A connection that is left alone; settles when the other side closes it. */
  stall(bytes: Uint8Array): Promise<"closed">;
}

export function openClient(namespace: string): Client {
  const waiting = new Map<number, (reply: Reply) => void>();
  const socket = inNamespace(namespace, () =>
    Bun.peek(
      Bun.udpSocket({
        connect: { hostname: NAME_SERVER, port: 53 },
        socket: {
          data(_, bytes) {
            waiting.get(bytes.readUInt16BE(0))?.(read(bytes));
            waiting.delete(bytes.readUInt16BE(0));
          },
          error() {},
        },
      }),
    ),
  ) as udp.ConnectedSocket<"buffer">;
  const connect = (handlers: { open(socket: Socket): void; data(chunk: Buffer): void; close(): void }) => {
    const connecting = inNamespace(namespace, () =>
      Bun.connect({
        hostname: NAME_SERVER,
        port: 53,
        socket: {
          open: handlers.open,
          data: (_, chunk) => handlers.data(chunk),
          close: handlers.close,
          error: handlers.close,
        },
      }),
    );
    connecting.catch(handlers.close);
  };
  return {
    send: (bytes) => void socket.send(bytes),
    ask(bytes, milliseconds) {
      const { promise, resolve } = Promise.withResolvers<Reply>();
      waiting.set(bytes.readUInt16BE(0), resolve);
      socket.send(bytes);
      return within(promise, milliseconds);
    },
    askByTcp(chunks, count) {
      const { promise, resolve, reject } = Promise.withResolvers<Reply[]>();
      const replies: Reply[] = [];
      let held = Buffer.alloc(0);
      connect({
        async open(connection) {
          for (const chunk of chunks) {
            connection.write(chunk);
            connection.flush();
            await Bun.sleep(2);
          }
        },
        data(chunk) {
          held = Buffer.concat([held, chunk]);
          while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
            replies.push(read(held.subarray(2, 2 + held.readUInt16BE(0))));
            held = held.subarray(2 + held.readUInt16BE(0));
          }
          if (replies.length === count) resolve(replies);
        },
        close: () => reject(new Error("closed")),
      });
      return within(promise);
    },
    stall(bytes) {
      const { promise, resolve } = Promise.withResolvers<"closed">();
      connect({
        open: (connection) => void connection.write(bytes),
        data() {},
        close: () => resolve("closed"),
      });
      return within(promise);
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

/** What another server does with a question: messages to send back, by its own socket. */
export type Behaviour = (question: Buffer, port: number) => readonly Buffer[];

/** Answers with one address. */
export const addressed =
  (data: string): Behaviour =>
  (bytes) => [reply(bytes, { answers: [{ type: "A", name: name(bytes), ttl: 1, data }] })];

/** Answers with a code. */
export const failing =
  (code: number): Behaviour =>
  (bytes) => [reply(bytes, { flags: code })];

export const silent: Behaviour = () => [];

const name = (bytes: Buffer) => decode(bytes).questions?.[0]?.name ?? "";

export function reply(bytes: Buffer, more: Packet): Buffer {
  const { id, questions } = decode(bytes);
  return encode({
    type: "response",
    ...(id !== undefined && { id }),
    ...(questions && { questions }),
    ...more,
  });
}

export interface OtherServer extends Disposable {
  port: number;
  /** Questions that came, by either protocol. */
  readonly asked: Buffer[];
}

/** A server at an address of a namespace, by UDP and TCP on one port. */
export function openServer(namespace: string, behave: Behaviour, hostname = "127.0.0.1"): OtherServer {
  const asked: Buffer[] = [];
  return inNamespace(namespace, () => {
    const listener: TCPSocketListener = Bun.listen({
      hostname,
      port: 0,
      socket: {
        data(socket, chunk) {
          const bytes = chunk.subarray(2);
          asked.push(bytes);
          for (const message of behave(bytes, 0)) {
            const length = Buffer.alloc(2);
            length.writeUInt16BE(message.length);
            socket.write(Buffer.concat([length, message]));
          }
        },
      },
    });
    const socket = Bun.peek(
      Bun.udpSocket({
        hostname,
        port: listener.port,
        socket: {
          data(socket, bytes, port, address) {
            asked.push(bytes);
            for (const message of behave(bytes, port)) socket.send(message, port, address);
          },
        },
      }),
    ) as udp.Socket<"buffer">;
    return {
      port: listener.port,
      asked,
      [Symbol.dispose]() {
        socket.close();
        listener.stop(true);
      },
    };
  });
}
