// The one door to libc: lazily bound functions, errno, C strings and the tables that differ by architecture.
// Every other file of linux/ declares what it calls with `libc({…})`; a function costs nothing until its first call.
import { dlopen, type FFIFunction, FFIType, read } from "bun:ffi";
import { KernelError } from "./errors.ts";

export { FFIType as T, ptr } from "bun:ffi";
export { KernelError } from "./errors.ts";

type Symbols = Record<string, FFIFunction>;
type Bound<S extends Symbols> = ReturnType<typeof dlopen<S>>["symbols"];

/**
 * Binds functions of a shared library, each one when it is first touched (dlopen(3): 0.4 ms the first time in a
 * process, some 10 µs for each further function).
 *
 * Returned integers: take `T.i32` for what returns an int, and `T.i64_fast` for ssize_t; `T.i64` makes a BigInt of
 * every result, which is slow and garbage.
 */
export function library<S extends Symbols>(file: string, symbols: S): Bound<S> {
  const bound = {} as Bound<S>;
  for (const name of Object.keys(symbols)) {
    Object.defineProperty(bound, name, {
      configurable: true,
      enumerable: true,
      get() {
        const symbol = dlopen(file, { [name]: symbols[name] as FFIFunction }).symbols[name];
        Object.defineProperty(bound, name, { value: symbol, enumerable: true });
        return symbol;
      },
    });
  }
  return bound;
}

/** Functions of the C library, bound as `library` does. */
export function libc<S extends Symbols>(symbols: S): Bound<S> {
  return library("libc.so.6", symbols);
}

const base = libc({ __errno_location: { args: [], returns: FFIType.ptr } });
let errnoAddress: Parameters<typeof read.i32>[0] | undefined;

/** errno of this thread. Only true right after the call: any other work, an `await` above all, may change it. */
export function errno(): number {
  // The address is the thread's for its whole life, and each of Bun's threads has modules of its own.
  errnoAddress ??= base.__errno_location() ?? undefined;
  return errnoAddress === undefined ? 0 : read.i32(errnoAddress, 0);
}

// The first look-up of the address must not come between a failed call and its errno.
errno();

/** Throws a KernelError for a result of -1; else gives the result back. Call it directly on the call's result. */
export function check(result: number, syscall: string, object: string | number = ""): number {
  if (result >= 0) return result;
  throw new KernelError(syscall, errno(), String(object));
}

/** A NUL-terminated copy for a `const char *`. Refuses text with a NUL in it, which the kernel would cut there. */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new KernelError("use a path or name", 22, JSON.stringify(text));
  return Buffer.from(`${text}\0`);
}

/** Text up to the first NUL, or to the end. */
export function fromCString(bytes: Uint8Array, offset = 0): string {
  const end = bytes.indexOf(0, offset);
  return Buffer.from(
    bytes.buffer,
    bytes.byteOffset + offset,
    (end < 0 ? bytes.length : end) - offset,
  ).toString();
}

type Architecture = "x64" | "arm64";
export const architecture: Architecture = process.arch === "arm64" ? "arm64" : "x64";

/** Picks one architecture's row of a table. */
export function byArchitecture<V>(table: Record<Architecture, V>): V {
  return table[architecture];
}

/** Numbers of system calls that glibc 2.36 (Debian 12) has no function for: asm/unistd_64.h, asm-generic/unistd.h. */
export const SYS = {
  // From 424 on the numbers are the same everywhere.
  pidfd_send_signal: 424,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_open: 434,
  clone3: 435,
  close_range: 436,
  openat2: 437,
  pidfd_getfd: 438,
  faccessat2: 439,
  mount_setattr: 442,
  ...byArchitecture({
    x64: { pivot_root: 155, keyctl: 250, getdents64: 217, renameat2: 316, gettid: 186 },
    arm64: { pivot_root: 41, keyctl: 219, getdents64: 61, renameat2: 276, gettid: 178 },
  }),
} as const;

/** open(2) flags; three of them have other values on arm64 (asm/fcntl.h). */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
  TMPFILE: 0o20000000 | byArchitecture({ x64: 0o200000, arm64: 0o40000 }),
  ...byArchitecture({
    x64: { DIRECTORY: 0o200000, NOFOLLOW: 0o400000, DIRECT: 0o40000 },
    arm64: { DIRECTORY: 0o40000, NOFOLLOW: 0o100000, DIRECT: 0o200000 },
  }),
} as const;

export const AT_FDCWD = -100;

const calls = libc({
  syscall: {
    args: [
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
    ],
    returns: FFIType.i64_fast,
  },
  open: { args: [FFIType.ptr, FFIType.i32, FFIType.u32], returns: FFIType.i32 },
  openat: { args: [FFIType.i32, FFIType.ptr, FFIType.i32, FFIType.u32], returns: FFIType.i32 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
  read: { args: [FFIType.i32, FFIType.ptr, FFIType.u64_fast], returns: FFIType.i64_fast },
  write: { args: [FFIType.i32, FFIType.ptr, FFIType.u64_fast], returns: FFIType.i64_fast },
  fcntl: { args: [FFIType.i32, FFIType.i32, FFIType.i64_fast], returns: FFIType.i32 },
});

/**
 * syscall(2) with up to six integer arguments; addresses as `ptr(buffer)`, and the caller keeps the buffers alive.
 * Gives -1 and sets errno as libc's functions do.
 */
export function syscall(number: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  return Number(calls.syscall(number, a, b, c, d, e, f));
}

/** open(2), always close-on-exec. Throws with the path. */
export function open(path: string, flags: number, mode = 0): number {
  return check(calls.open(cString(path), flags | O.CLOEXEC, mode), "open", path);
}

/** close(2). Errors are of no use to anybody: the descriptor is gone in each case but EBADF. */
export function close(fd: number): void {
  calls.close(fd);
}

/** read(2) into a buffer's part; gives -1 (and errno) on failure, so that loops can look at EAGAIN without an exception. */
export function readInto(fd: number, buffer: Uint8Array): number {
  return Number(calls.read(fd, buffer, buffer.length));
}

/** write(2) of a buffer's part; gives -1 (and errno) on failure. */
export function writeFrom(fd: number, buffer: Uint8Array): number {
  return Number(calls.write(fd, buffer, buffer.length));
}

const F_GETFL = 3;
const F_SETFL = 4;

/** O_NONBLOCK of the open file (shared by all descriptors of it). */
export function setNonBlocking(fd: number, on: boolean): void {
  const flags = check(calls.fcntl(fd, F_GETFL, 0), "fcntl", `F_GETFL ${fd}`);
  check(calls.fcntl(fd, F_SETFL, on ? flags | O.NONBLOCK : flags & ~O.NONBLOCK), "fcntl", `F_SETFL ${fd}`);
}
