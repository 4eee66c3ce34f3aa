// Names of an archive's entries: made safe, given to the kernel as bytes, and said in errors.
import { lstatSync } from "node:fs";
import { type TarEntry, toText } from "../../archive/index.ts";
import { type BerthError, invalid } from "../../base/errors.ts";
import { KernelError } from "../../linux/errors.ts";

/** An entry's name without slashes at its ends, `.` and `..`. Errors: invalid for one that leads outside. */
export function cleanName(name: string, entry: TarEntry, what = "its name"): string {
  if (name.includes("\0")) throw refused(entry, `${what} has a NUL in it`);
  // Nearly all names are clean or begin with "./".
  let plain = name.startsWith("./") ? name.slice(2) : name;
  if (plain.endsWith("/")) plain = plain.slice(0, -1);
  if (!/^\/|\/\/|(?:^|\/)\.\.?(?:\/|$)/.test(plain)) return plain;
  const names: string[] = [];
  for (const part of plain.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") names.push(part);
    else if (names.pop() === undefined) throw refused(entry, `${what} leads outside of the archive's root`);
  }
  return names.join("/");
}

/** Paths for the kernel, seen from the working directory: two at a time, in buffers that each call uses up at once. */
const PATH_LIMIT = 65536;
/** The buffer of a call's first path. */
export const first = Buffer.alloc(PATH_LIMIT);
/** And of its second. */
export const second = Buffer.alloc(PATH_LIMIT);

export function pathBytes(path: string, buffer: Buffer): Uint8Array {
  if (path.length >= PATH_LIMIT) throw new KernelError("use", 36, `${toText(path).slice(0, 100)}…`);
  const length = buffer.write(path || ".", 0, "latin1");
  buffer[length] = 0;
  return buffer;
}

export const pathBuffer = (path: string): Buffer => Buffer.from(path || ".", "latin1");

export function existsAt(path: string): boolean {
  return lstatSync(pathBuffer(path), { throwIfNoEntry: false }) !== undefined;
}

export function refused(entry: TarEntry, why: string): BerthError {
  return invalid(`refused to unpack ${toText(entry.name).slice(0, 200)}: ${why}`);
}

export function failed(call: string, code: number, entry: TarEntry): KernelError {
  return new KernelError(`unpack ${toText(entry.name).slice(0, 200)}: ${call}`, code);
}

export function inEntry(thrown: unknown, entry: TarEntry): unknown {
  return thrown instanceof KernelError ? failed(thrown.syscall, thrown.errno, entry) : thrown;
}
