// A file's bytes into another file, by the kernel where it can: copy_file_range(2), which also shares blocks where the file
// system knows how.
import { errno, KernelError, libc, T } from "./ffi.ts";
import { type FixedBuffer, fixedBuffer, readAt, writeAllAt } from "./raw-io.ts";

const calls = libc({
  copy_file_range: { args: [T.i32, T.ptr, T.i32, T.ptr, T.u64_fast, T.u32], returns: T.i64_fast },
});

const EINTR = 4;
/** Through our own memory up to here: two short calls cost less than the kernel's preparations. */
const SMALL = 64 << 10;
const CHUNK = 1 << 20;
/** One call's most: between two of them a signal can end the process. */
const RANGE = 64 << 20;
/** What says that these two files can't be copied so, which isn't an error of the files (copy_file_range(2), "ERRORS"). */
const UNABLE = new Set([1, 5, 18, 22, 38, 95]); // EPERM EIO EXDEV EINVAL ENOSYS EOPNOTSUPP

let memory: FixedBuffer | undefined;

/**
 * Copies all that is left of `from` to `to`, from where each of them stands. `size`: what it is expected to be.
 * Errors: KernelError, with `copy_file_range`, `read` or `write` as what was called.
 */
export function copyData(from: number, to: number, size: number): void {
  if (size > SMALL && copyInKernel(from, to, size)) return;
  memory ??= fixedBuffer(CHUNK);
  for (;;) {
    const count = readAt(from, memory.address, CHUNK);
    if (count < 0) throw new KernelError("read", -count);
    if (count === 0) return;
    const failed = writeAllAt(to, memory.address, count);
    if (failed < 0) throw new KernelError("write", -failed);
    if (count < CHUNK && size <= SMALL) return; // A short read of a file is its end
  }
}

/** False when nothing was copied, since the kernel can't between these two. */
function copyInKernel(from: number, to: number, size: number): boolean {
  for (let done = 0; done < size; ) {
    const count = Number(calls.copy_file_range(from, null, to, null, Math.min(size - done, RANGE), 0));
    if (count > 0) {
      done += count;
      continue;
    }
    if (count === 0) return done > 0; // Shorter than it was, or a file system that has no sizes, as /proc
    const code = errno();
    if (code === EINTR) continue;
    if (done === 0 && UNABLE.has(code)) return false;
    throw new KernelError("copy_file_range", code);
  }
  return true;
}
