// Folders that strangers change while we look: entries by a folder's descriptor and one plain name, never by a path.
import { check, close, cString, errno, KernelError, libc, O, ptr, SYS, syscall, T } from "./ffi.ts";
import { RESOLVE } from "./files.ts";

const calls = libc({
  readlinkat: { args: [T.i32, T.ptr, T.ptr, T.u64_fast], returns: T.i64_fast },
  linkat: { args: [T.i32, T.ptr, T.i32, T.ptr, T.i32], returns: T.i32 },
  fstatfs: { args: [T.i32, T.ptr], returns: T.i32 },
  ftruncate: { args: [T.i32, T.i64_fast], returns: T.i32 },
  lseek: { args: [T.i32, T.i64_fast, T.i32], returns: T.i64_fast },
});

const EAGAIN = 11;
const ATTEMPTS = 100;

/** How one entry of a folder is opened: it and nothing behind it. */
const CHILD = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;

const named = (name: string): Uint8Array => Buffer.from(`${name}\0`, "latin1");
const shown = (name: string): string => Buffer.from(name, "latin1").toString();

/**
 * openat2(2) of one entry of a folder, close-on-exec and without following a symbolic link: a descriptor, or minus
 * errno. With O.PATH a link itself is opened; without, it is ELOOP. `name` is a byte string without a slash.
 * `sameMount`: what is mounted there is EXDEV.
 */
export function openChild(
  folder: number,
  name: string,
  flags: number,
  options: { mode?: number; sameMount?: boolean } = {},
): number {
  const bytes = named(name);
  const how = new BigUint64Array([
    BigInt(flags | O.NOFOLLOW | O.CLOEXEC),
    BigInt(options.mode ?? 0),
    BigInt(options.sameMount ? CHILD | RESOLVE.NO_XDEV : CHILD),
  ]);
  for (let attempt = 0; ; attempt++) {
    const fd = syscall(SYS.openat2, folder, ptr(bytes), ptr(how), how.byteLength);
    if (fd >= 0) return fd;
    const code = errno();
    if (code !== EAGAIN || attempt === ATTEMPTS) return -code;
  }
}

/** A second descriptor of a folder, for reading its entries: an O_PATH one only names a place. Minus errno. */
export const openForReading = (folder: number): number =>
  openChild(folder, ".", O.RDONLY | O.DIRECTORY | O.NONBLOCK);

const ENTRIES = 64 << 10;
const entries = Buffer.alloc(ENTRIES);

/** What getdents64(2) says of an entry's kind (`d_type`): not all file systems know. */
export const KIND = { unknown: 0, folder: 4, file: 8 } as const;

export interface FolderEntry {
  /** A byte string. */
  name: string;
  /** One of `KIND`, or another kind's number. */
  kind: number;
}

/** What is in a folder that is open for reading, in the file system's order: getdents64(2). */
export function entriesIn(folder: number): FolderEntry[] {
  const found: FolderEntry[] = [];
  for (;;) {
    const count = check(syscall(SYS.getdents64, folder, ptr(entries), ENTRIES), "getdents64", folder);
    if (count === 0) return found;
    for (let at = 0; at < count; ) {
      const length = entries.readUInt16LE(at + 16);
      const end = entries.indexOf(0, at + 19);
      const name = entries.toString("latin1", at + 19, end);
      if (name !== "." && name !== "..") found.push({ name, kind: entries.readUInt8(at + 18) });
      at += length;
    }
  }
}

/** Names in a folder that is open for reading, as byte strings in the file system's order. */
export const namesIn = (folder: number): string[] => entriesIn(folder).map(({ name }) => name);

const TARGET_LIMIT = 4096;

/** The target of a symbolic link that is open with O_PATH, as a byte string: readlinkat(2). */
export function targetOf(link: number): string {
  const buffer = Buffer.alloc(TARGET_LIMIT);
  const length = check(Number(calls.readlinkat(link, cString(""), buffer, TARGET_LIMIT)), "readlinkat", link);
  return buffer.toString("latin1", 0, length);
}

/** linkat(2) from an entry of one folder to one of another; a symbolic link is linked itself. 0, or errno. */
export function linkBetween(from: number, name: string, to: number, newName: string): number {
  return calls.linkat(from, named(name), to, named(newName), 0) < 0 ? errno() : 0;
}

/** renameat2(2) within one folder: what has the new name is replaced at once. Errors: KernelError. */
export function renameWithin(folder: number, name: string, newName: string): void {
  const [from, to] = [named(name), named(newName)];
  check(syscall(SYS.renameat2, folder, ptr(from), folder, ptr(to), 0), "renameat2", shown(name));
}

const ST_RDONLY = 1;

/** Whether nothing can be written where this descriptor is: its mount is read-only, or the file system (fstatfs(2)). */
export function isReadOnly(fd: number): boolean {
  const facts = new BigUint64Array(16); // struct statfs is 120 bytes on x64 and arm64, f_flags its eleventh word
  check(calls.fstatfs(fd, facts), "fstatfs", fd);
  return (Number(facts[10]! & 0xffn) & ST_RDONLY) !== 0;
}

/** ftruncate(2). */
export function setSize(fd: number, size: number): void {
  check(calls.ftruncate(fd, size), "ftruncate", fd);
}

const SEEK_CUR = 1;

/** lseek(2) forward: what is passed over in a new file is a hole. */
export function skip(fd: number, length: number): void {
  check(Number(calls.lseek(fd, length, SEEK_CUR)), "lseek", fd);
}

/** The error of a failed call on a folder's entry. */
export const childError = (call: string, code: number, name: string): KernelError =>
  new KernelError(call, code, shown(name));

/** Closes a descriptor when the scope ends. */
export const closing = (fd: number): Disposable & { readonly fd: number } => ({
  fd,
  [Symbol.dispose]: () => close(fd),
});
