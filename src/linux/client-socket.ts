// Client sockets without an event loop of Bun's: connect(2) that doesn't wait, its outcome, sending without SIGPIPE.
import { check, close, errno, KernelError, libc, T } from "./ffi.ts";
import { AGAIN } from "./raw-io.ts";
import { inetAddress, unixAddress } from "./socket.ts";
import { SOCK, SOL } from "./socket-numbers.ts";

const c = libc({
  socket: { args: [T.i32, T.i32, T.i32], returns: T.i32 },
  connect: { args: [T.i32, T.ptr, T.u32], returns: T.i32 },
  getsockopt: { args: [T.i32, T.i32, T.i32, T.ptr, T.ptr], returns: T.i32 },
  poll: { args: [T.ptr, T.u64, T.i32], returns: T.i32 },
  shutdown: { args: [T.i32, T.i32], returns: T.i32 },
  send: { args: [T.i32, T.u64_fast, T.u64_fast, T.i32], returns: T.i64_fast },
});

const SO_ERROR = 4;
const MSG_NOSIGNAL = 0x4000;
const EINTR = 4;
const EINPROGRESS = 115;
const ETIMEDOUT = 110;
const POLLOUT = 4;
const SHUT_WR = 1;

/** Where a client connects to. `datagram`: each send is one message. */
export type Peer =
  | { kind: "unix"; path: string; datagram: boolean }
  /** An address, no name: nothing is looked up here. */
  | { kind: "inet"; address: string; port: number; datagram: boolean };

/** Begins to connect; `pending`: writable when it is done, then `connectOutcome` tells. Errors: KernelError. */
export function beginConnect(peer: Peer): { fd: number; pending: boolean } {
  const address = peer.kind === "unix" ? unixAddress(peer.path) : inetAddress(peer.address, peer.port);
  const type = (peer.datagram ? SOCK.DGRAM : SOCK.STREAM) | SOCK.NONBLOCK | SOCK.CLOEXEC;
  const fd = check(c.socket(address[0] as number, type, 0), "socket", peer.kind);
  if (c.connect(fd, address, address.length) === 0) return { fd, pending: false };
  const failed = errno();
  if (failed === EINPROGRESS) return { fd, pending: true };
  close(fd);
  throw new KernelError("connect", failed);
}

/** 0, or the errno that a connect ended with (SO_ERROR of socket(7)). */
export function connectOutcome(fd: number): number {
  const value = new Int32Array(2);
  const length = new Uint32Array([4, 0]);
  return c.getsockopt(fd, SOL.SOCKET, SO_ERROR, value, length) === 0 ? (value[0] as number) : errno();
}

/** Connects and waits for it, `milliseconds` at most. Errors: KernelError, ETIMEDOUT among them. */
export function connectWaiting(peer: Peer, milliseconds: number): number {
  const { fd, pending } = beginConnect(peer);
  if (!pending) return fd;
  const descriptor = new Int32Array([fd, POLLOUT]);
  const until = performance.now() + milliseconds;
  let ready: number;
  do ready = c.poll(descriptor, 1, Math.max(0, until - performance.now()));
  while (ready < 0 && errno() === EINTR);
  const failed = ready > 0 ? connectOutcome(fd) : ETIMEDOUT;
  if (failed === 0) return fd;
  close(fd);
  throw new KernelError("connect", failed);
}

/** send(2): bytes taken, or a negated errno; AGAIN where there is no room now. */
export function sendAt(fd: number, address: number, length: number): number {
  for (;;) {
    const count = c.send(fd, address, length, MSG_NOSIGNAL) as number;
    if (count >= 0) return count;
    const failed = errno();
    if (failed !== EINTR) return -failed || AGAIN;
  }
}

/** shutdown(2): nothing more is sent, and the other side reads the end. Without effect where it is gone. */
export function endSending(fd: number): void {
  c.shutdown(fd, SHUT_WR);
}
