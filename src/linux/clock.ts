// The wall clock with nanoseconds: clock_gettime(2).
import { libc, T } from "./ffi.ts";

const c = libc({ clock_gettime: { args: [T.i32, T.ptr], returns: T.i32 } });
const spec = new DataView(new ArrayBuffer(16));
const bytes = new Uint8Array(spec.buffer);

/** Reads CLOCK_REALTIME; `seconds` and `nanoseconds` are then the moment. No garbage: it is called for each log line. */
export const wallClock = {
  seconds: 0,
  nanoseconds: 0,
  read(): void {
    c.clock_gettime(0, bytes);
    this.seconds = spec.getUint32(0, true) + spec.getUint32(4, true) * 2 ** 32;
    this.nanoseconds = spec.getUint32(8, true);
  },
};
