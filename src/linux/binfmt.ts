// Programs of other machines that the kernel gives to an interpreter (kernel: admin-guide/binfmt-misc).
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { check, close, cString, ptr, SYS, syscall } from "./ffi.ts";

/** One registration. */
export interface BinaryFormat {
  interpreter: string;
  /** `F`: the interpreter was opened when it was registered, so it is there in every root; `P`, `O`, `C`. */
  flags: string;
  /** What a program's first bytes are, from their beginning; undefined: it is known by its name's ending. */
  magic: Uint8Array | undefined;
}

const PLACE = "/proc/sys/fs/binfmt_misc";

// linux/mount.h
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/** Those that are on; none on a kernel without the feature. Where it isn't mounted, it is read by a mount that is nowhere. */
export function binaryFormats(): BinaryFormat[] {
  if (existsSync(join(PLACE, "status"))) return formatsIn(PLACE);
  const fd = openUnmounted();
  if (fd === undefined) return [];
  try {
    return formatsIn(`/proc/self/fd/${fd}`);
  } finally {
    close(fd);
  }
}

function openUnmounted(): number | undefined {
  const type = cString("binfmt_misc");
  const context = syscall(SYS.fsopen, ptr(type), FSOPEN_CLOEXEC);
  if (context < 0) return undefined; // ENODEV; EPERM without rights
  try {
    check(syscall(SYS.fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), "fsconfig", "binfmt_misc");
    return check(syscall(SYS.fsmount, context, FSMOUNT_CLOEXEC, 0), "fsmount", "binfmt_misc");
  } catch {
    return undefined;
  } finally {
    close(context);
  }
}

function formatsIn(folder: string): BinaryFormat[] {
  if (read(join(folder, "status")) !== "enabled") return [];
  return readdirSync(folder)
    .filter((name) => name !== "register" && name !== "status")
    .flatMap((name) => parseFormat(read(join(folder, name))) ?? []);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // Gone since
  }
}

/** A registration as the kernel shows it; undefined: it is off, or is none. */
export function parseFormat(text: string): BinaryFormat | undefined {
  const [state, ...lines] = text.split("\n");
  if (state !== "enabled") return undefined;
  const field = (name: string) =>
    lines
      .find((line) => line.startsWith(name))
      ?.slice(name.length)
      .trim();
  const interpreter = field("interpreter ");
  if (!interpreter) return undefined;
  const magic = field("offset ") === "0" ? field("magic ") : undefined;
  return {
    interpreter,
    flags: field("flags:") ?? "",
    magic: magic === undefined ? undefined : Buffer.from(magic, "hex"),
  };
}
