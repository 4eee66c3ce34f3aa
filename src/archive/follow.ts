// Follows a path below a folder one name at a time, each opened by the descriptor of the folder before it. A symbolic
// link is read and followed here, so nothing that changes meanwhile leads the walk out of the root: ".." is the
// descriptor that we came from, "/" the root's.
import { fstatSync } from "node:fs";
import { systemError } from "../base/errors.ts";
import { KernelError } from "../linux/errors.ts";
import { close, cString, O } from "../linux/ffi.ts";
import { attempt } from "../linux/files.ts";
import { childError, openChild, targetOf } from "../linux/folder.ts";
import { toText } from "./types.ts";

const ENOENT = 2;
const EEXIST = 17;
const ENOTDIR = 20;
const ELOOP = 40;
const MAX_LINKS = 255; // As Go's filepath and os.Root
const FOLDER_MODE = 0o755;

export interface FollowOptions {
  /** What isn't there: an error (ENOENT), made as a folder, or taken as it is written. */
  missing: "fail" | "make" | "literal";
  /** A link's ".." at the root: stays there, as after chroot(2), or is refused. */
  above: "stay" | "refuse";
}

/** What a path came to. */
export interface Followed extends Disposable {
  /** Its names below the root, without links; none for the root itself. Byte strings. */
  readonly names: string[];
  /** An O_PATH descriptor of it, closed at disposal; -1 where it was only taken as written. */
  readonly fd: number;
}

interface Step {
  name: string;
  /** -1: not there. */
  fd: number;
}

/** Names of a path without empty ones and ".". */
export const partsOf = (path: string): string[] =>
  path.split("/").filter((part) => part !== "" && part !== ".");

/**
 * Follows `path` (a byte string) below the open folder `root`; the last name too, when it is a link.
 * Errors: KernelError ENOENT, ENOTDIR, ELOOP; system for a link that leads above the root where that is refused.
 */
export function follow(root: number, path: string, options: FollowOptions): Followed {
  const steps: Step[] = [];
  const rest = partsOf(path).reverse();
  let links = 0;
  const leave = (step: Step | undefined) => {
    if (step && step.fd >= 0) close(step.fd);
  };
  try {
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === "..") {
        if (steps.length > 0) leave(steps.pop());
        else if (options.above === "refuse")
          throw systemError(`statat ${toText(path)}: path escapes from parent`);
        continue;
      }
      const fd = openStep(steps.at(-1)?.fd ?? root, name, path, options);
      const facts = fd < 0 ? undefined : fstatSync(fd);
      if (!facts?.isSymbolicLink()) {
        steps.push({ name, fd });
        if (facts?.isDirectory() || rest.length === 0 || options.missing === "literal") continue;
        throw childError("openat", ENOTDIR, path);
      }
      const target = targetOf(fd);
      close(fd);
      if (++links > MAX_LINKS) throw childError("openat", ELOOP, path);
      if (target.startsWith("/")) for (const step of steps.splice(0)) leave(step);
      rest.push(...partsOf(target).reverse());
    }
    const names = steps.map(({ name }) => name);
    const last = steps.pop();
    return followed(names, last ? last.fd : openRoot(root));
  } finally {
    for (const step of steps) leave(step);
  }
}

function followed(names: string[], fd: number): Followed {
  return {
    names,
    fd,
    [Symbol.dispose]() {
      if (fd >= 0) close(fd);
    },
  };
}

function openRoot(root: number): number {
  const fd = openChild(root, ".", O.PATH | O.DIRECTORY);
  if (fd < 0) throw childError("open", -fd, ".");
  return fd;
}

/** -1 for what is not there and may be so. */
function openStep(folder: number, name: string, path: string, { missing }: FollowOptions): number {
  if (folder < 0) return -1;
  let fd = openChild(folder, name, O.PATH);
  if (fd === -ENOENT && missing === "make") {
    const code = attempt.mkdir(Buffer.from(`${name}\0`, "latin1"), FOLDER_MODE, folder);
    if (code !== 0 && code !== EEXIST) throw childError("mkdirat", code, path);
    fd = openChild(folder, name, O.PATH);
  }
  if (fd >= 0) return fd;
  if (missing === "literal" && (fd === -ENOENT || fd === -ENOTDIR)) return -1;
  throw childError("openat", -fd, path);
}

/** As `follow`, for what has to be a folder: a descriptor of it, which the caller closes. */
export function followFolder(root: number, path: string, options: FollowOptions): number {
  const { names, fd } = follow(root, path, options);
  if (names.length === 0 || fstatSync(fd).isDirectory()) return fd;
  close(fd);
  throw childError("openat", ENOTDIR, path);
}

/** Opens a host path as the root of such walks. */
export function openRootFolder(path: string): number {
  const fd = attempt.open(cString(path), O.PATH | O.DIRECTORY, 0);
  if (fd < 0) throw new KernelError("open", -fd, path);
  return fd;
}
