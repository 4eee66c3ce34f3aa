// Frames put on a device as they are: packet(7).
import { check, close, errno, KernelError, libc, T } from "./ffi.ts";
import { AF, SOCK } from "./socket-numbers.ts";

const c = libc({
  socket: { args: [T.i32, T.i32, T.i32], returns: T.i32 },
  sendto: { args: [T.i32, T.ptr, T.u64_fast, T.i32, T.ptr, T.u32], returns: T.i64_fast },
});

/** struct sockaddr_ll. */
const ADDRESS_SIZE = 20;

export interface Wire extends Disposable {
  /** Sends a whole frame (its Ethernet header included) by a device. Errors: KernelError (network is down). */
  send(deviceIndex: number, frame: Uint8Array): void;
}

/** Of the network namespace that the thread is in now. It receives nothing: its protocol is none. */
export function openWire(): Wire {
  const type = SOCK.RAW | SOCK.NONBLOCK | SOCK.CLOEXEC;
  const fd = check(c.socket(AF.PACKET, type, 0), "socket", "AF_PACKET");
  return {
    send(deviceIndex, frame) {
      const address = new DataView(new ArrayBuffer(ADDRESS_SIZE));
      address.setUint16(0, AF.PACKET, true);
      address.setInt32(4, deviceIndex, true);
      const place = new Uint8Array(address.buffer);
      if (Number(c.sendto(fd, frame, frame.length, 0, place, place.length)) < 0)
        throw new KernelError("sendto", errno(), `device ${deviceIndex}`);
    },
    [Symbol.dispose]: () => close(fd),
  };
}
