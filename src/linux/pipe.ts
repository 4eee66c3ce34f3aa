// Pipes whose ends are used by number: pipe2(2).
import { check, libc, O, T } from "./ffi.ts";

const c = libc({ pipe2: { args: [T.ptr, T.i32], returns: T.i32 } });

/** A pipe, both ends close-on-exec and blocking. */
export function makePipe(): { read: number; write: number } {
  const ends = new Int32Array(2);
  check(c.pipe2(ends, O.CLOEXEC), "pipe2");
  return { read: ends[0] as number, write: ends[1] as number };
}
