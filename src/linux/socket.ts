// Sockets below node:net: unix(7) for processes without an event loop, addresses of the Internet's, descriptors passed.

import { ptr } from "bun:ffi";
import { chmodSync } from "node:fs";
import { check, close, cString, KernelError, libc, O, open, T } from "./ffi.ts";
import { AF, SOCK, SOL } from "./socket-numbers.ts";

const c = libc({
  socket: { args: [T.i32, T.i32, T.i32], returns: T.i32 },
  bind: { args: [T.i32, T.ptr, T.u32], returns: T.i32 },
  listen: { args: [T.i32, T.i32], returns: T.i32 },
  accept4: { args: [T.i32, T.ptr, T.ptr, T.i32], returns: T.i32 },
  setsockopt: { args: [T.i32, T.i32, T.i32, T.ptr, T.u32], returns: T.i32 },
  recvmsg: { args: [T.i32, T.ptr, T.i32], returns: T.i64_fast },
});

const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
/** sockaddr_un.sun_path, the NUL included. */
const UNIX_PATH_ROOM = 108;

/** sockaddr_un of a path: unix(7). */
export function unixAddress(path: string): Uint8Array {
  const name = cString(path);
  if (name.length > UNIX_PATH_ROOM) throw new KernelError("bind", 36, path);
  const address = new Uint8Array(2 + name.length);
  address[0] = AF.UNIX;
  address.set(name, 2);
  return address;
}

/**
 * A path to a file in an open folder that fits into a socket's address however deep the folder is. `pid` is whose
 * descriptor it is, for a path that goes to another process.
 */
export function shortPath(directoryFd: number, name: string, pid: number | "self" = "self"): string {
  return `/proc/${pid}/fd/${directoryFd}/${name}`;
}

/**
 * A listening, non-blocking stream socket `name` in the folder open as `directoryFd`, for its owner alone (mode 0600); the
 * file must not be there.
 */
export function listenUnix(directoryFd: number, name: string, backlog = 64): number {
  const fd = check(c.socket(AF.UNIX, SOCK.STREAM | SOCK.NONBLOCK | SOCK.CLOEXEC, 0), "socket", "AF_UNIX");
  try {
    const address = unixAddress(shortPath(directoryFd, name));
    check(c.bind(fd, address, address.length), "bind", name);
    // Before anybody can connect.
    chmodSync(shortPath(directoryFd, name), 0o600);
    check(c.listen(fd, backlog), "listen", name);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** A folder's descriptor for `shortPath`. */
export function openFolder(path: string): number {
  return open(path, O.PATH | O.DIRECTORY);
}

/** The next connection, non-blocking; -1 (and errno) when there is none, or it is gone again. */
export function acceptConnection(fd: number): number {
  return c.accept4(fd, null, null, SOCK.NONBLOCK | SOCK.CLOEXEC);
}

/** sockaddr_in (ip(7)) or sockaddr_in6 (ipv6(7)) of an address without zone. */
export function inetAddress(host: string, port: number): Uint8Array {
  const six = host.includes(":");
  const address = new Uint8Array(six ? 28 : 16);
  address[0] = six ? AF.INET6 : AF.INET;
  address[2] = port >> 8;
  address[3] = port & 0xff;
  if (!six) address.set(host.split(".").map(Number), 4);
  else address.set(ipv6Bytes(host), 8);
  return address;
}

function ipv6Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : text;
  const [head = "", tail] = plain.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  front.forEach((group, i) => {
    const value = Number.parseInt(group, 16);
    bytes[2 * i] = value >> 8;
    bytes[2 * i + 1] = value & 0xff;
  });
  back.forEach((group, i) => {
    const value = Number.parseInt(group, 16);
    bytes[2 * (8 - back.length + i)] = value >> 8;
    bytes[2 * (8 - back.length + i) + 1] = value & 0xff;
  });
  return bytes;
}

/** How many bytes may wait in a socket for its reader (SO_SNDBUFFORCE of socket(7), past the host's limit for root). */
export function setSendBuffer(fd: number, bytes: number): void {
  const value = new Int32Array([bytes, 0]);
  if (c.setsockopt(fd, SOL.SOCKET, SO_SNDBUFFORCE, value, 4) !== 0)
    c.setsockopt(fd, SOL.SOCKET, SO_SNDBUF, value, 4);
}

/** Takes one descriptor that a peer passed (SCM_RIGHTS of unix(7)), close-on-exec; undefined when none came. */
export function receiveDescriptor(fd: number): number | undefined {
  const MSG_CMSG_CLOEXEC = 0x40000000;
  const data = new Uint8Array(new ArrayBuffer(4096));
  const control = new DataView(new ArrayBuffer(64));
  const vector = new BigUint64Array([BigInt(ptr(data)), BigInt(data.length)]);
  const controlBytes = new Uint8Array(control.buffer);
  // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags; the same on every 64-bit Linux.
  const header = new BigUint64Array([
    0n,
    0n,
    BigInt(ptr(vector)),
    1n,
    BigInt(ptr(controlBytes)),
    BigInt(controlBytes.length),
    0n,
  ]);
  const received = Number(c.recvmsg(fd, header, MSG_CMSG_CLOEXEC));
  check(received, "recvmsg", "SCM_RIGHTS");
  // struct cmsghdr: len (8), level (4), type (4), then the descriptors.
  if (Number(header[5]) < 20) return undefined;
  if (control.getInt32(8, true) !== SOL.SOCKET || control.getInt32(12, true) !== 1) return undefined;
  return control.getInt32(16, true);
}
