// Network namespaces that stay: pinned by a bind mount on a file, entered by one synchronous function.
// network_namespaces(7), setns(2), and ip-netns(8) for the folder.
//
// A namespace belongs to a thread, and Bun has several; what runs here is synchronous, so nothing else of ours comes
// between entering and returning. If the return fails the process ends: its event loop would run in a container.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check, close, cString, errno, KernelError, libc, O, open, T } from "./ffi.ts";

const c = libc({
  unshare: { args: [T.i32], returns: T.i32 },
  setns: { args: [T.i32, T.i32], returns: T.i32 },
  mount: { args: [T.ptr, T.ptr, T.ptr, T.u64_fast, T.ptr], returns: T.i32 },
  umount2: { args: [T.ptr, T.i32], returns: T.i32 },
});

const CLONE_NEWNET = 0x40000000;
const MS_BIND = 0x1000;
const MS_PRIVATE = 1 << 18;
const MS_SHARED = 1 << 20;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
const OWN = "/proc/thread-self/ns/net";
const EINVAL = 22;
const ENOENT = 2;

function goHome(home: number): void {
  if (c.setns(home, CLONE_NEWNET) === 0) return;
  process.stderr.write(`cannot return to the host's network namespace: errno ${errno()}\n`);
  process.exit(70);
}

/** True when something is mounted right at the folder. */
function isMountPoint(folder: string): boolean {
  const name = folder.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[4] === name);
}

/**
 * Makes the folder that pins live in. It is a shared mount, so that a pin taken away here goes from the copies that
 * other mount namespaces made (services of systemd, the views in which runtimes start) too, and can't keep a
 * namespace alive: ip-netns(8) does the same.
 */
export function prepareNamespaces(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (isMountPoint(folder)) return;
  const path = cString(folder);
  check(c.mount(path, path, null, MS_BIND, null), "bind mount", folder);
  // Private first: else it stays in the peer group of the file system below, and each pin is mounted twice.
  check(c.mount(null, path, null, MS_PRIVATE, null), "make private", folder);
  check(c.mount(null, path, null, MS_SHARED, null), "make shared", folder);
}

/** Takes the folder's mount away again, if no pin is left in it. */
export function dropNamespaces(folder: string): void {
  if (namesOf(folder).length > 0) return;
  c.umount2(cString(folder), MNT_DETACH | UMOUNT_NOFOLLOW);
  try {
    rmdirSync(folder);
  } catch {
    // It was never made.
  }
}

/** Names of the pins in the folder, those included that a crash left half made. */
export function namesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Makes a network namespace, pins it on `file` in a prepared folder, and runs `inside` in it (with a descriptor of it)
 * before coming back. What fails leaves neither pin nor file. `inside` must not be async.
 */
export function createNamespace<R>(file: string, inside: (fd: number) => R): R {
  closeSync(openSync(file, "wx", 0o444));
  const home = open(OWN, O.RDONLY);
  let entered = false;
  try {
    check(c.unshare(CLONE_NEWNET), "unshare", "CLONE_NEWNET");
    entered = true;
    check(c.mount(cString(OWN), cString(file), null, MS_BIND, null), "pin namespace", file);
    const fd = open(OWN, O.RDONLY);
    try {
      return inside(fd);
    } finally {
      close(fd);
    }
  } catch (thrown) {
    if (entered) goHome(home);
    entered = false;
    removeNamespace(file);
    throw thrown;
  } finally {
    if (entered) goHome(home);
    close(home);
  }
}

/** Runs `inside` in the namespace pinned on a file (or /proc/PID/ns/net). It must not be async. */
export function inNamespace<R>(file: string, inside: (fd: number) => R): R {
  const home = open(OWN, O.RDONLY);
  try {
    const fd = open(file, O.RDONLY);
    try {
      check(c.setns(fd, CLONE_NEWNET), "enter namespace", file);
      try {
        return inside(fd);
      } finally {
        goHome(home);
      }
    } finally {
      close(fd);
    }
  } finally {
    close(home);
  }
}

/** True when the file pins a namespace: it lies on nsfs then. */
export function isPinned(file: string): boolean {
  return isMountPoint(file);
}

/** Takes the pin and its file away; the kernel deletes the namespace when the last process left it. */
export function removeNamespace(file: string): void {
  while (c.umount2(cString(file), MNT_DETACH | UMOUNT_NOFOLLOW) === 0);
  const failed = errno();
  if (failed !== EINVAL && failed !== ENOENT) throw new KernelError("unpin namespace", failed, file);
  rmSync(file, { force: true });
}

/** Where the pin of a name is. */
export function pinOf(folder: string, name: string): string {
  return join(folder, name);
}
