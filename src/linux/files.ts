// Files below a folder that strangers fill: opened by descriptor and never by joined path, with what node:fs lacks
// (openat2, mknod, nanosecond times, flock).
import { constants } from "node:fs";
import { AT_FDCWD, check, close, cString, errno, KernelError, libc, O, ptr, SYS, syscall, T } from "./ffi.ts";

const calls = libc({
  mknodat: { args: [T.i32, T.ptr, T.u32, T.u64_fast], returns: T.i32 },
  mkdirat: { args: [T.i32, T.ptr, T.u32], returns: T.i32 },
  linkat: { args: [T.i32, T.ptr, T.i32, T.ptr, T.i32], returns: T.i32 },
  symlinkat: { args: [T.ptr, T.i32, T.ptr], returns: T.i32 },
  unlinkat: { args: [T.i32, T.ptr, T.i32], returns: T.i32 },
  openat: { args: [T.i32, T.ptr, T.i32, T.u32], returns: T.i32 },
  fchownat: { args: [T.i32, T.ptr, T.u32, T.u32, T.i32], returns: T.i32 },
  fchown: { args: [T.i32, T.u32, T.u32], returns: T.i32 },
  fchmod: { args: [T.i32, T.u32], returns: T.i32 },
  fchmodat: { args: [T.i32, T.ptr, T.u32, T.i32], returns: T.i32 },
  utimensat: { args: [T.i32, T.ptr, T.ptr, T.i32], returns: T.i32 },
  futimens: { args: [T.i32, T.ptr], returns: T.i32 },
  flock: { args: [T.i32, T.i32], returns: T.i32 },
  ioctl: { args: [T.i32, T.u64_fast, T.ptr], returns: T.i32 },
  chroot: { args: [T.ptr], returns: T.i32 },
  fchdir: { args: [T.i32], returns: T.i32 },
  umask: { args: [T.u32], returns: T.u32 },
});

/** Flags of openat2(2)'s `resolve` (linux/openat2.h). */
export const RESOLVE = {
  NO_XDEV: 0x01,
  NO_MAGICLINKS: 0x02,
  NO_SYMLINKS: 0x04,
  BENEATH: 0x08,
  IN_ROOT: 0x10,
} as const;

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;

/** What a function on a folder's entry takes as name: text, or bytes that end with a NUL. */
export type PathBytes = string | Uint8Array;
const bytesOf = (path: PathBytes): Uint8Array => (typeof path === "string" ? cString(path) : path);
const nameOf = (path: PathBytes): string =>
  typeof path === "string" ? path : Buffer.from(path.subarray(0, path.indexOf(0))).toString();

/**
 * openat2(2): opens `path` seen from the folder `directory`, close-on-exec. With `RESOLVE.IN_ROOT` absolute links and
 * `..` stay inside the folder as after chroot(2); with `RESOLVE.BENEATH` what leads outside fails (EXDEV).
 * Tries again when a rename raced with the walk (EAGAIN), as the manual asks for.
 */
export function openIn(directory: number, path: PathBytes, flags: number, resolve: number, mode = 0): number {
  const name = bytesOf(path);
  const how = new BigUint64Array([BigInt(flags | O.CLOEXEC), BigInt(mode), BigInt(resolve)]);
  for (let attempt = 0; ; attempt++) {
    const fd = syscall(SYS.openat2, directory, ptr(name), ptr(how), how.byteLength);
    if (fd >= 0) return fd;
    const code = errno();
    if (code !== 11 || attempt === 100) throw new KernelError("openat2", code, nameOf(path));
  }
}

/** A folder's descriptor for use as `directory` of the others: only a place, no reading. */
export function openFolder(path: string): number {
  return check(calls.openat(AT_FDCWD, cString(path), O.PATH | O.DIRECTORY | O.CLOEXEC, 0), "open", path);
}

/** Runs `work` with a folder's descriptor and closes it after. */
export function withFolder<R>(path: string, work: (fd: number) => R): R {
  const fd = openFolder(path);
  try {
    return work(fd);
  } finally {
    close(fd);
  }
}

/** Device number as the kernel's makedev has it (sys/sysmacros.h). */
export function deviceNumber(major: number, minor: number): number {
  return (
    (minor & 0xff) +
    (major & 0xfff) * 0x100 +
    (minor >>> 8) * 0x100000 +
    Math.floor(major / 0x1000) * 0x100000000000
  );
}

/** Major and minor of a device number, as gnu_dev_major and gnu_dev_minor have them. */
export function numbersOfDevice(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}

/** mknod(2): a device, a fifo or a socket's name; `mode` with its type bits (S_IFCHR …). umask applies. */
export function makeNode(path: PathBytes, mode: number, device = 0, directory = AT_FDCWD): void {
  check(calls.mknodat(directory, bytesOf(path), mode, device), "mknod", nameOf(path));
}

/** What overlay takes for "not there any more": a character device 0/0 (kernel: filesystems/overlayfs, "whiteouts"). */
export function makeWhiteout(path: PathBytes, directory = AT_FDCWD): void {
  makeNode(path, constants.S_IFCHR, 0, directory);
}

/** fchown(2) and fchmod(2) by descriptor, in the order that keeps setuid bits: chown takes them away. */
export function setOwnerAndMode(fd: number, uid: number, gid: number, mode: number): void {
  check(calls.fchown(fd, uid, gid), "fchown", fd);
  check(calls.fchmod(fd, mode), "fchmod", fd);
}

/** fchmod(2) of an open file. */
export function setModeOf(fd: number, mode: number): void {
  check(calls.fchmod(fd, mode), "fchmod", fd);
}

/** fchownat(2) of an O_PATH descriptor, which fchown refuses. */
export function setOwnerOfPath(fd: number, uid: number, gid: number): void {
  check(calls.fchownat(fd, cString(""), uid, gid, AT_EMPTY_PATH), "fchownat", fd);
}

/** lchown(2). */
export function setOwnerOfLink(path: PathBytes, uid: number, gid: number, directory = AT_FDCWD): void {
  check(calls.fchownat(directory, bytesOf(path), uid, gid, AT_SYMLINK_NOFOLLOW), "lchown", nameOf(path));
}

/** chmod(2) of what is not a symbolic link. */
export function setMode(path: PathBytes, mode: number, directory = AT_FDCWD): void {
  check(calls.fchmodat(directory, bytesOf(path), mode, 0), "chmod", nameOf(path));
}

/** A moment as timespec has it. */
export interface Moment {
  seconds: number;
  /** 0 to 999,999,999. */
  nanoseconds: number;
}

const BILLION = 1_000_000_000n;

/** Nanoseconds since 1970, as bigint stats have them, as a moment. */
export function momentOf(nanoseconds: bigint): Moment {
  const rest = ((nanoseconds % BILLION) + BILLION) % BILLION;
  return { seconds: Number((nanoseconds - rest) / BILLION), nanoseconds: Number(rest) };
}

const times = new BigInt64Array(4);

function fillTimes(accessed: Moment, modified: Moment): BigInt64Array {
  times[0] = BigInt(accessed.seconds);
  times[1] = BigInt(accessed.nanoseconds);
  times[2] = BigInt(modified.seconds);
  times[3] = BigInt(modified.nanoseconds);
  return times;
}

/** futimens(3): times of an open file. */
export function setTimes(fd: number, accessed: Moment, modified: Moment): void {
  check(calls.futimens(fd, fillTimes(accessed, modified)), "futimens", fd);
}

/** utimensat(2) of the name itself; a symbolic link is not followed. */
export function setTimesOfLink(
  path: PathBytes,
  accessed: Moment,
  modified: Moment,
  directory = AT_FDCWD,
): void {
  check(
    calls.utimensat(directory, bytesOf(path), fillTimes(accessed, modified), AT_SYMLINK_NOFOLLOW),
    "utimensat",
    nameOf(path),
  );
}

/** The functions below give an errno instead of throwing, 0 for success: unpackers look at EEXIST a thousand times. */
export const attempt = {
  /** openat(2) → descriptor, or minus errno. */
  open(path: Uint8Array, flags: number, mode: number, directory = AT_FDCWD): number {
    const fd = calls.openat(directory, path, flags | O.CLOEXEC, mode);
    return fd < 0 ? -errno() : fd;
  },
  mkdir: (path: Uint8Array, mode: number, directory = AT_FDCWD): number =>
    calls.mkdirat(directory, path, mode) < 0 ? errno() : 0,
  symlink: (target: Uint8Array, path: Uint8Array, directory = AT_FDCWD): number =>
    calls.symlinkat(target, directory, path) < 0 ? errno() : 0,
  /** A hard link to the name itself, not to what a symbolic link of that name points to. */
  link: (from: Uint8Array, to: Uint8Array, directory = AT_FDCWD): number =>
    calls.linkat(directory, from, directory, to, 0) < 0 ? errno() : 0,
  mknod: (path: Uint8Array, mode: number, device: number, directory = AT_FDCWD): number =>
    calls.mknodat(directory, path, mode, device) < 0 ? errno() : 0,
  unlink: (path: Uint8Array, directory = AT_FDCWD): number =>
    calls.unlinkat(directory, path, 0) < 0 ? errno() : 0,
  rmdir: (path: Uint8Array, directory = AT_FDCWD): number =>
    calls.unlinkat(directory, path, AT_REMOVEDIR) < 0 ? errno() : 0,
};

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

/** flock(2), exclusive and without waiting; false when another open file holds it. Held until the descriptor closes. */
export const tryLock = (fd: number): boolean => tryFlock(fd, LOCK_EX);

/** As tryLock, shared with others who only look. */
export const tryLockShared = (fd: number): boolean => tryFlock(fd, LOCK_SH);

function tryFlock(fd: number, kind: number): boolean {
  if (calls.flock(fd, kind | LOCK_NB) === 0) return true;
  const code = errno();
  if (code === 11) return false;
  throw new KernelError("flock", code, String(fd));
}

/** flock(2), exclusive; waits for whoever holds it. `unlock` lets go. */
export function lock(fd: number): void {
  check(calls.flock(fd, LOCK_EX), "flock", fd);
}

export function unlock(fd: number): void {
  check(calls.flock(fd, LOCK_UN), "flock", fd);
}

function withReadableFolder<R>(path: string, work: (fd: number) => R): R {
  const fd = check(
    calls.openat(AT_FDCWD, cString(path), O.RDONLY | O.DIRECTORY | O.CLOEXEC, 0),
    "open",
    path,
  );
  try {
    return work(fd);
  } finally {
    close(fd);
  }
}

/** ioctl_iflags(2); the same numbers on x64 and arm64. */
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_TOPDIR_FL = 0x00020000;

/**
 * chattr(1)'s `T`: ext4 places each new folder in here in a block group of its own choice instead of this folder's.
 * Answers false on file systems that know no such thing.
 */
export function spreadSubfolders(path: string): boolean {
  return withReadableFolder(path, (fd) => {
    const flags = new BigInt64Array(1);
    if (calls.ioctl(fd, FS_IOC_GETFLAGS, flags) < 0) return false;
    flags[0] = flags[0]! | BigInt(FS_TOPDIR_FL);
    return calls.ioctl(fd, FS_IOC_SETFLAGS, flags) === 0;
  });
}

/** chroot(2), and into it. Holds for all threads of the process, since they share their fs_struct. */
export function enterRoot(path: string): void {
  check(calls.chroot(cString(path)), "chroot", path);
  process.chdir("/");
}

/** As enterRoot, for a folder that is open, which may be nowhere in the file system (mount-tree.ts). */
export function enterOpenRoot(fd: number): void {
  check(calls.fchdir(fd), "fchdir", fd);
  check(calls.chroot(cString(".")), "chroot", fd);
}

/**
 * fchdir(2): the names that node:fs is given next are entries of this folder, whatever is at its path by now. Holds for all
 * threads of the process, so only for one that does a single thing; `process.cwd()` doesn't hear of it.
 */
export function enterFolder(fd: number): void {
  check(calls.fchdir(fd), "fchdir", fd);
}
