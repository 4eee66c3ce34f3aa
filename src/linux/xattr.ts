// Extended attributes (xattr(7)): values are bytes, since security.capability is a structure.
import { cString, errno, KernelError, libc, T } from "./ffi.ts";
import type { PathBytes } from "./files.ts";

const calls = libc({
  lgetxattr: { args: [T.ptr, T.ptr, T.ptr, T.u64_fast], returns: T.i64_fast },
  llistxattr: { args: [T.ptr, T.ptr, T.u64_fast], returns: T.i64_fast },
  lsetxattr: { args: [T.ptr, T.ptr, T.ptr, T.u64_fast, T.i32], returns: T.i32 },
  fgetxattr: { args: [T.i32, T.ptr, T.ptr, T.u64_fast], returns: T.i64_fast },
  flistxattr: { args: [T.i32, T.ptr, T.u64_fast], returns: T.i64_fast },
  fremovexattr: { args: [T.i32, T.ptr], returns: T.i32 },
  fsetxattr: { args: [T.i32, T.ptr, T.ptr, T.u64_fast, T.i32], returns: T.i32 },
});

/** A name, which is not followed when it is a symbolic link, or an open file's descriptor (not an O_PATH one). */
export type XattrTarget = PathBytes | number;

const ENODATA = 61;
const ENOTSUP = 95;
/** XATTR_SIZE_MAX and XATTR_LIST_MAX of linux/limits.h. */
const LIMIT = 65536;
const scratch = new Uint8Array(LIMIT);

const bytesOf = (path: PathBytes): Uint8Array => (typeof path === "string" ? cString(path) : path);
const nameOf = (target: XattrTarget): string =>
  target instanceof Uint8Array
    ? Buffer.from(target.subarray(0, target.indexOf(0))).toString()
    : String(target);

/** The value, or undefined when there is no such attribute or the file system has none. */
export function getXattr(target: XattrTarget, name: string): Uint8Array | undefined {
  const key = cString(name);
  const size = Number(
    typeof target === "number"
      ? calls.fgetxattr(target, key, scratch, LIMIT)
      : calls.lgetxattr(bytesOf(target), key, scratch, LIMIT),
  );
  if (size >= 0) return scratch.slice(0, size);
  const code = errno();
  if (code === ENODATA || code === ENOTSUP) return undefined;
  throw new KernelError(`getxattr ${name}`, code, nameOf(target));
}

/** Names of all attributes that this process may see; none where the file system has none. */
export function listXattrs(target: XattrTarget): string[] {
  const size = Number(
    typeof target === "number"
      ? calls.flistxattr(target, scratch, LIMIT)
      : calls.llistxattr(bytesOf(target), scratch, LIMIT),
  );
  if (size === 0) return [];
  if (size < 0) {
    const code = errno();
    if (code === ENOTSUP) return [];
    throw new KernelError("listxattr", code, nameOf(target));
  }
  return Buffer.from(scratch.subarray(0, size - 1))
    .toString()
    .split("\0");
}

/** Sets an attribute. Throws KernelError; the caller decides what EPERM and EOPNOTSUPP mean to it. */
export function setXattr(target: XattrTarget, name: string, value: Uint8Array): void {
  // An empty value has no address, and the kernel takes none then.
  const data = value.length === 0 ? null : value;
  const result =
    typeof target === "number"
      ? calls.fsetxattr(target, cString(name), data, value.length, 0)
      : calls.lsetxattr(bytesOf(target), cString(name), data, value.length, 0);
  if (result < 0) throw new KernelError(`setxattr ${name}`, errno(), nameOf(target));
}

/** Removes an attribute of an open file or folder, if it is there. */
export function removeXattr(fd: number, name: string): void {
  if (calls.fremovexattr(fd, cString(name)) === 0) return;
  const code = errno();
  if (code !== ENODATA && code !== ENOTSUP) throw new KernelError(`removexattr ${name}`, code, String(fd));
}
