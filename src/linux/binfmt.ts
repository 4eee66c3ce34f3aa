// Programs of other machines that the kernel gives to an interpreter (kernel: admin-guide/binfmt-misc).
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { close, KernelError } from "./ffi.ts";
import { createMount } from "./file-system-context.ts";

/** One registration. */
export interface BinaryFormat {
  interpreter: string;
  /** `F`: the interpreter was opened when it was registered, so it is there in every root; `P`, `O`, `C`. */
  flags: string;
  /** What a program's first bytes are, from their beginning; undefined: it is known by its name's ending. */
  magic: Uint8Array | undefined;
}

const PLACE = "/proc/sys/fs/binfmt_misc";

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

/** Undefined without rights, and on a kernel that hasn't it. */
function openUnmounted(): number | undefined {
  try {
    return createMount("binfmt_misc", "binfmt_misc", () => {});
  } catch (thrown) {
    if (thrown instanceof KernelError) return undefined;
    throw thrown;
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
