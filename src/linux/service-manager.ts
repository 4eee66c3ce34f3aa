// What the daemon tells who runs it as a service: sd_notify(3), one datagram a state.
import { close, cString, libc, T } from "./ffi.ts";
import { AF, SOCK } from "./socket-numbers.ts";

const c = libc({
  socket: { args: [T.i32, T.i32, T.i32], returns: T.i32 },
  sendto: { args: [T.i32, T.ptr, T.u64_fast, T.i32, T.ptr, T.u32], returns: T.i64_fast },
});

const MSG_NOSIGNAL = 0x4000;

/** Taken out of the environment, so that no program we start speaks for us. */
const place = process.env.NOTIFY_SOCKET;
delete process.env.NOTIFY_SOCKET;

/** `READY=1`, `STOPPING=1`, …; false where nobody asked for it, or nobody listens any more. */
export function notifyServiceManager(state: string, socketPath: string | undefined = place): boolean {
  if (!socketPath) return false;
  const fd = c.socket(AF.UNIX, SOCK.DGRAM | SOCK.CLOEXEC, 0);
  if (fd < 0) return false;
  try {
    const address = unixAddress(socketPath);
    const text = Buffer.from(state);
    return c.sendto(fd, text, text.length, MSG_NOSIGNAL, address, address.length) === text.length;
  } finally {
    close(fd);
  }
}

/** sockaddr_un; a leading @ stands for the NUL of an abstract name, which has no NUL at its end: unix(7). */
function unixAddress(path: string): Uint8Array {
  const name = path.startsWith("@") ? Buffer.from(`\0${path.slice(1)}`) : cString(path);
  return Uint8Array.from([AF.UNIX, 0, ...name]);
}
