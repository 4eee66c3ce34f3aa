// Reads and writes by address, with no object made for a call: for a loop that moves gigabytes in a small heap.
import { check, close, errno, libc, O, open, ptr, T } from "./ffi.ts";

const c = libc({
  read: { args: [T.i32, T.u64_fast, T.u64_fast], returns: T.i64_fast },
  write: { args: [T.i32, T.u64_fast, T.u64_fast], returns: T.i64_fast },
  writev: { args: [T.i32, T.u64_fast, T.i32], returns: T.i64_fast },
  pread: { args: [T.i32, T.u64_fast, T.u64_fast, T.i64_fast], returns: T.i64_fast },
  pwrite: { args: [T.i32, T.u64_fast, T.u64_fast, T.i64_fast], returns: T.i64_fast },
  ftruncate: { args: [T.i32, T.i64_fast], returns: T.i32 },
  strcspn: { args: [T.u64_fast, T.u64_fast], returns: T.u64_fast },
  memcpy: { args: [T.u64_fast, T.u64_fast, T.u64_fast], returns: T.u64_fast },
  fallocate: { args: [T.i32, T.i32, T.i64_fast, T.i64_fast], returns: T.i32 },
});

/** Memory that doesn't move, with its address; used for as long as the process lives. */
export interface FixedBuffer {
  bytes: Uint8Array;
  address: number;
}

export function fixedBuffer(size: number): FixedBuffer {
  // A view of a buffer of its own: small typed arrays without one live in the collector's heap.
  const bytes = new Uint8Array(new ArrayBuffer(size));
  return { bytes, address: Number(ptr(bytes)) };
}

const EAGAIN = 11;
const EINTR = 4;

/** Results of `readAt` and `writeAt` below zero: nothing now, or the negated errno. */
export const AGAIN = -EAGAIN;

/** read(2): bytes read, 0 at the end, or a negated errno; AGAIN where a non-blocking descriptor has nothing. */
export function readAt(fd: number, address: number, length: number): number {
  for (;;) {
    const count = c.read(fd, address, length) as number;
    if (count >= 0) return count;
    const failed = errno();
    if (failed !== EINTR) return -failed;
  }
}

/** write(2): bytes taken, or a negated errno; AGAIN where a non-blocking descriptor takes none. */
export function writeAt(fd: number, address: number, length: number): number {
  for (;;) {
    const count = c.write(fd, address, length) as number;
    if (count >= 0) return count;
    const failed = errno();
    if (failed !== EINTR) return -failed;
  }
}

/** write(2) until all is taken: for files. Gives 0, or a negated errno. */
export function writeAllAt(fd: number, address: number, length: number): number {
  for (let done = 0; done < length; ) {
    const count = writeAt(fd, address + done, length - done);
    if (count < 0) return count;
    done += count;
  }
  return 0;
}

/** writev(2) of `count` pieces (address and length, 64 bits each, at `vector`): for files. Bytes written, or a negated errno. */
export function writeVectorAt(fd: number, vector: number, count: number): number {
  for (;;) {
    const written = c.writev(fd, vector, count) as number;
    if (written >= 0) return written;
    const failed = errno();
    if (failed !== EINTR) return -failed;
  }
}

/**
 * How many bytes from `address` on are none of `stops` (which ends in NUL): strcspn(3). A NUL stops it too, so there
 * must be one behind the last byte. The C library looks at a byte in a nanosecond; an interpreted loop takes ten.
 */
export function plainRun(address: number, stops: FixedBuffer): number {
  return c.strcspn(address, stops.address) as number;
}

/** memcpy(3): between buffers that don't overlap. */
export function copyBytes(to: number, from: number, length: number): void {
  c.memcpy(to, from, length);
}

/** A file without a name (O_TMPFILE of open(2)) on the folder's file system: gone when it is closed. */
export function openUnnamedFile(folder: string): number {
  return open(folder, O.TMPFILE | O.RDWR, 0o600);
}

/** pread(2); a negated errno on failure. */
export function readFileAt(fd: number, address: number, length: number, offset: number): number {
  const count = c.pread(fd, address, length, offset) as number;
  return count >= 0 ? count : -errno();
}

/** pwrite(2) until all is written. Gives 0, or a negated errno. */
export function writeFileAt(fd: number, address: number, length: number, offset: number): number {
  for (let done = 0; done < length; ) {
    const count = c.pwrite(fd, address + done, length - done, offset + done) as number;
    if (count < 0) return -errno();
    done += count;
  }
  return 0;
}

/** Gives the disk back what a file holds before `end` (FALLOC_FL_PUNCH_HOLE); where that is not supported it stays. */
export function dropFileUntil(fd: number, end: number): void {
  c.fallocate(fd, 0x01 | 0x02, 0, end);
}

/**
 * Gives a file room on disk up to `length` without making it longer (FALLOC_FL_KEEP_SIZE): writing there can't find the disk
 * full. False where the disk is full now or its file system can't do that.
 */
export function reserveSpace(fd: number, length: number): boolean {
  return c.fallocate(fd, 0x01, 0, length) === 0;
}

/** ftruncate(2). */
export function truncateFile(fd: number, length: number): void {
  check(c.ftruncate(fd, length), "ftruncate", fd);
}

/** That many random bytes as hexadecimal digits (urandom(4)), without node:crypto's megabyte. */
export function randomHex(length: number): string {
  const room = fixedBuffer(length);
  const fd = open("/dev/urandom", O.RDONLY);
  readAt(fd, room.address, length);
  close(fd);
  return Buffer.from(room.bytes).toString("hex");
}
