// Frames put on a device as they are: packet(7).
import { check, close, errno, KernelError, libc, T } from "./ffi.ts";

const c = libc({
  socket: { args: [T.i32, T.i32, T.i32], returns: T.i32 },
  sendto: { args: [T.i32, T.ptr, T.u64_fast, T.i32, T.ptr, T.u32], returns: T.i64_fast },
});

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** struct sockaddr_ll. */
const ADDRESS_SIZE = 20;

export interface Wire extends Disposable {
  /** Sends a whole frame (its Ethernet header included) by a device. Errors: KernelError (network is down). */
  send(deviceIndex: number, frame: Uint8Array): void;
}

/** Of the network namespace that the thread is in now. It receives nothing: its protocol is none. */
export function openWire(): Wire {
  const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = check(c.socket(AF_PACKET, type, 0), "socket", "AF_PACKET");
  return {
    send(deviceIndex, frame) {
      const address = new DataView(new ArrayBuffer(ADDRESS_SIZE));
      address.setUint16(0, AF_PACKET, true);
      address.setInt32(4, deviceIndex, true);
      const place = new Uint8Array(address.buffer);
      if (Number(c.sendto(fd, frame, frame.length, 0, place, place.length)) < 0)
        throw new KernelError("sendto", errno(), `device ${deviceIndex}`);
    },
    [Symbol.dispose]: () => close(fd),
  };
}
