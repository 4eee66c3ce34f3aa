// The master's side of a pseudo-terminal (pty(7)), as a runtime hands it over on its console socket.
import { check, libc, T } from "./ffi.ts";

const c = libc({ ioctl: { args: [T.i32, T.u64_fast, T.ptr], returns: T.i32 } });

/** asm-generic/ioctls.h: the same on x64 and arm64. */
const TIOCSWINSZ = 0x5414;

/** Tells the terminal its size in characters; its foreground processes get SIGWINCH when it changed. */
export function setWindowSize(fd: number, rows: number, columns: number): void {
  check(c.ioctl(fd, TIOCSWINSZ, new Uint16Array([rows, columns, 0, 0])), "ioctl", "TIOCSWINSZ");
}
