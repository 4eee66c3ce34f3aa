// Ports of the host without node:net: held by a bound socket, or served.
import { check, close, errno, KernelError, libc, T } from "./ffi.ts";
import { inetAddress } from "./socket.ts";
import { AF, SOCK, SOL } from "./socket-numbers.ts";

const c = libc({
  socket: { args: [T.i32, T.i32, T.i32], returns: T.i32 },
  bind: { args: [T.i32, T.ptr, T.u32], returns: T.i32 },
  listen: { args: [T.i32, T.i32], returns: T.i32 },
  setsockopt: { args: [T.i32, T.i32, T.i32, T.ptr, T.u32], returns: T.i32 },
});

const SO_REUSEADDR = 2;
const SO_RCVBUF = 8;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const EADDRINUSE = 98;
/** Connections that wait to be accepted; the kernel's net.core.somaxconn is the limit below. */
const BACKLOG = 4096;

function setOption(fd: number, level: number, option: number, value: number): void {
  check(c.setsockopt(fd, level, option, new Int32Array([value, 0]), 4), "setsockopt", option);
}

/**
 * Holds a host's port so that no other process gets it: a bound socket. It doesn't listen, so what reaches the host
 * without going through our rules is refused as on a closed port, not left hanging. Without SO_REUSEADDR nobody else
 * can bind beside it. Errors: KernelError `bind 0.0.0.0:80/tcp: address already in use`.
 *
 * Connections of a server that ended less than a minute ago (TIME-WAIT) would refuse such a bind though no process
 * has the port: then it is taken with SO_REUSEADDR, and must listen to keep others out; `listening` says so, and
 * whoever holds the socket accepts and closes.
 */
export function holdPort(
  protocol: "tcp" | "udp",
  host: string,
  port: number,
): { fd: number; listening: boolean } {
  const first = bindPort(protocol, host, port, "hold");
  if (first >= 0) return { fd: first, listening: false };
  if (protocol === "tcp" && -first === EADDRINUSE) {
    const second = bindPort(protocol, host, port, "serve");
    if (second >= 0) return { fd: second, listening: true };
  }
  throw inUse(protocol, host, port, -first);
}

/**
 * A non-blocking socket that serves a port: it listens, or gets datagrams, of IPv6 with the address that they were sent to.
 * Errors: as holdPort's.
 */
export function servePort(protocol: "tcp" | "udp", host: string, port: number): number {
  const fd = bindPort(protocol, host, port, "serve");
  if (fd < 0) throw inUse(protocol, host, port, -fd);
  return fd;
}

const inUse = (protocol: string, host: string, port: number, errno: number) =>
  new KernelError("bind", errno, `${host.includes(":") ? `[${host}]` : host}:${port}/${protocol}`);

/** The socket, or the negated errno. */
function bindPort(protocol: "tcp" | "udp", host: string, port: number, use: "hold" | "serve"): number {
  const address = inetAddress(host, port);
  const stream = protocol === "tcp";
  const listens = stream && use === "serve";
  const type = (stream ? SOCK.STREAM : SOCK.DGRAM) | SOCK.NONBLOCK | SOCK.CLOEXEC;
  const fd = check(c.socket(address[0] as number, type, 0), "socket", protocol);
  if (address[0] === AF.INET6) setOption(fd, SOL.IPV6, IPV6_V6ONLY, 1);
  if (listens) setOption(fd, SOL.SOCKET, SO_REUSEADDR, 1);
  if (address[0] === AF.INET6 && !stream && use === "serve") setOption(fd, SOL.IPV6, IPV6_RECVPKTINFO, 1);
  // Nobody reads what arrives at a held UDP port.
  if (!stream && use === "hold") setOption(fd, SOL.SOCKET, SO_RCVBUF, 0);
  if (c.bind(fd, address, address.length) === 0 && (!listens || c.listen(fd, BACKLOG) === 0)) return fd;
  const failed = errno();
  close(fd);
  return -failed;
}
