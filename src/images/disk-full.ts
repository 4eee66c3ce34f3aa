// A full disk shows itself in several ways: a write's ENOSPC or EDQUOT (write(2)), SQLite's own error.
import { messageOf, systemError } from "../base/errors.ts";

/** True for an error that says that there is no room, itself or by its cause. */
export function isDiskFull(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (["ENOSPC", "EDQUOT", "SQLITE_FULL"].includes(String(code))) return true;
  if (/no space left on device|disk quota exceeded/i.test(messageOf(error))) return true;
  return cause !== undefined && isDiskFull(cause);
}

/** The same error, in the kernel's words when it is about a full disk. */
export function sayDiskFull(error: unknown): unknown {
  if (!isDiskFull(error) || /no space left on device/i.test(messageOf(error))) return error;
  return systemError(`${messageOf(error)}: no space left on device`, error);
}
