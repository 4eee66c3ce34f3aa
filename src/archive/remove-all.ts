// Takes an entry of a folder away with all that is in it, by descriptors.
import { KernelError } from "../linux/errors.ts";
import { close, O } from "../linux/ffi.ts";
import { attempt } from "../linux/files.ts";
import { namesIn, openChild } from "../linux/folder.ts";
import { toText } from "./types.ts";

const EPERM = 1;
const ENOENT = 2;
const EBUSY = 16;
const EXDEV = 18;
const ENOTDIR = 20;
const EISDIR = 21;

const bytesOf = (name: string): Uint8Array => Buffer.from(`${name}\0`, "latin1");

/**
 * Removes an entry with all below it, on its own mount alone. Errors: KernelError, EBUSY where something is mounted.
 */
export function removeAll(folder: number, base: string, name: string): void {
  const refuse = (code: number) => new KernelError("RemoveAll", code === EXDEV ? EBUSY : code, toText(name));
  const code = attempt.unlink(bytesOf(base), folder);
  if (code === 0 || code === ENOENT) return;
  if (code !== EISDIR && code !== EPERM) throw refuse(code);
  const fd = openChild(folder, base, O.RDONLY | O.DIRECTORY | O.NONBLOCK, { sameMount: true });
  if (fd === -ENOENT || fd === -ENOTDIR) return;
  if (fd < 0) throw refuse(-fd);
  try {
    for (const child of namesIn(fd)) removeAll(fd, child, name);
  } finally {
    close(fd);
  }
  const left = attempt.rmdir(bytesOf(base), folder);
  if (left !== 0 && left !== ENOENT) throw refuse(left);
}
