// Waiting on many descriptors in one thread: epoll(7). For processes that run no event loop of Bun's, as the shim.
import { byArchitecture, check, close, errno, KernelError, libc, T } from "./ffi.ts";

export const EPOLL = { IN: 0x1, PRI: 0x2, OUT: 0x4, ERR: 0x8, HUP: 0x10, RDHUP: 0x2000 } as const;

/** `struct epoll_event` is packed on x64 alone (epoll_event in bits/epoll.h). */
const LAYOUT = byArchitecture({ x64: { size: 12, data: 4 }, arm64: { size: 16, data: 8 } });
const EINTR = 4;
const ADD = 1;
const DELETE = 2;
const MODIFY = 3;

const c = libc({
  epoll_create1: { args: [T.i32], returns: T.i32 },
  epoll_ctl: { args: [T.i32, T.i32, T.i32, T.ptr], returns: T.i32 },
  epoll_wait: { args: [T.i32, T.ptr, T.i32, T.i32], returns: T.i32 },
});

/** A set of watched descriptors, and room for the events of one wait; nothing is allocated while it waits. */
export class Epoll implements Disposable {
  private readonly fd = check(c.epoll_create1(0o2000000), "epoll_create1");
  private readonly change = new DataView(new ArrayBuffer(LAYOUT.size));
  private readonly changeBytes = new Uint8Array(this.change.buffer);
  private readonly events: DataView;
  private readonly eventBytes: Uint8Array;

  constructor(private readonly capacity = 64) {
    this.events = new DataView(new ArrayBuffer(LAYOUT.size * capacity));
    this.eventBytes = new Uint8Array(this.events.buffer);
  }

  private control(operation: number, fd: number, events: number): void {
    this.change.setUint32(0, events, true);
    this.change.setInt32(LAYOUT.data, fd, true);
    check(c.epoll_ctl(this.fd, operation, fd, this.changeBytes), "epoll_ctl", fd);
  }

  add(fd: number, events: number): void {
    this.control(ADD, fd, events);
  }
  modify(fd: number, events: number): void {
    this.control(MODIFY, fd, events);
  }
  remove(fd: number): void {
    this.control(DELETE, fd, 0);
  }

  /** Blocks the thread for up to `milliseconds` (-1: for ever); gives how many events there are. 0 on a signal. */
  wait(milliseconds: number): number {
    const count = c.epoll_wait(this.fd, this.eventBytes, this.capacity, milliseconds);
    if (count >= 0) return count;
    const failed = errno();
    if (failed === EINTR) return 0;
    throw new KernelError("epoll_wait", failed);
  }

  /** The descriptor of one event of the last wait. */
  eventFd(index: number): number {
    return this.events.getInt32(index * LAYOUT.size + LAYOUT.data, true);
  }
  /** What happened to it: bits of EPOLL. */
  eventBits(index: number): number {
    return this.events.getUint32(index * LAYOUT.size, true);
  }

  [Symbol.dispose](): void {
    close(this.fd);
  }
}
