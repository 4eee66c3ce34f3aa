// Processes without Bun's own machinery: posix_spawn(3), waitpid(2), pidfd_open(2), prctl(2), setsid(2), kill(2).
import { ptr } from "bun:ffi";
import { check, close, cString, errno, KernelError, libc, O, open, SYS, syscall, T } from "./ffi.ts";

const c = libc({
  posix_spawn: { args: [T.ptr, T.ptr, T.ptr, T.ptr, T.ptr, T.ptr], returns: T.i32 },
  posix_spawn_file_actions_init: { args: [T.ptr], returns: T.i32 },
  posix_spawn_file_actions_adddup2: { args: [T.ptr, T.i32, T.i32], returns: T.i32 },
  posix_spawn_file_actions_addopen: { args: [T.ptr, T.i32, T.ptr, T.i32, T.u32], returns: T.i32 },
  posix_spawn_file_actions_addclosefrom_np: { args: [T.ptr, T.i32], returns: T.i32 },
  posix_spawn_file_actions_destroy: { args: [T.ptr], returns: T.i32 },
  posix_spawnattr_init: { args: [T.ptr], returns: T.i32 },
  posix_spawnattr_setflags: { args: [T.ptr, T.i16], returns: T.i32 },
  posix_spawnattr_setsigdefault: { args: [T.ptr, T.ptr], returns: T.i32 },
  posix_spawnattr_setsigmask: { args: [T.ptr, T.ptr], returns: T.i32 },
  posix_spawnattr_destroy: { args: [T.ptr], returns: T.i32 },
  waitpid: { args: [T.i32, T.ptr, T.i32], returns: T.i32 },
  kill: { args: [T.i32, T.i32], returns: T.i32 },
  prctl: { args: [T.i32, T.u64_fast, T.u64_fast, T.u64_fast, T.u64_fast], returns: T.i32 },
  setsid: { args: [], returns: T.i32 },
  signal: { args: [T.i32, T.ptr], returns: T.ptr },
  dup2: { args: [T.i32, T.i32], returns: T.i32 },
});

/** Both structs are smaller on x64 and arm64 (80 and 336 bytes, spawn.h of glibc). */
const STRUCT_ROOM = 512;
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const WNOHANG = 1;
const ECHILD = 10;

/** `char *const []`, with what it points to; the caller keeps it until the call is over. */
function pointerArray(texts: readonly string[]): { array: BigUint64Array; strings: Uint8Array[] } {
  const strings = texts.map(cString);
  const array = new BigUint64Array(texts.length + 1);
  strings.forEach((string, i) => {
    array[i] = BigInt(ptr(string));
  });
  return { array, strings };
}

export interface SpawnOptions {
  path: string;
  args: readonly string[];
  env: readonly string[];
  stdio: readonly [number | "null", number | "null", number | "null"];
}

/** A program ready to start, so that the start itself allocates nothing. Call `start` once, then `finish`. */
export interface PreparedSpawn {
  /** 0, or an errno. */
  start(): number;
  /** The pid; throws what `start` gave. */
  finish(failed: number): number;
}

/**
 * Starts a program: posix_spawn(3), which neither copies this process's memory nor runs anything of Bun's. Every
 * signal is at its default in the child and none is blocked. The child has the three descriptors given here alone
 * ("null": /dev/null): all others are closed in it, since what the threads of Bun's open is not close-on-exec in every case.
 */
export function spawnProcess(options: SpawnOptions): number {
  const prepared = prepareSpawn(options);
  return prepared.finish(prepared.start());
}

/** The two halves of `spawnProcess`. */
export function prepareSpawn(options: SpawnOptions): PreparedSpawn {
  const actions = new Uint8Array(STRUCT_ROOM);
  const attributes = new Uint8Array(STRUCT_ROOM);
  const argv = pointerArray([options.path, ...options.args]);
  const envp = pointerArray(options.env);
  const path = cString(options.path);
  const nothing = cString("/dev/null");
  const pid = new Int32Array(2);
  const { posix_spawn } = c;
  c.posix_spawn_file_actions_init(actions);
  c.posix_spawnattr_init(attributes);
  options.stdio.forEach((from, target) => {
    if (from === "null") c.posix_spawn_file_actions_addopen(actions, target, nothing, O.RDWR, 0);
    else c.posix_spawn_file_actions_adddup2(actions, from, target);
  });
  // Last, after those that the dup2 above still needs.
  c.posix_spawn_file_actions_addclosefrom_np(actions, 3);
  c.posix_spawnattr_setsigdefault(attributes, new Uint8Array(128).fill(0xff));
  c.posix_spawnattr_setsigmask(attributes, new Uint8Array(128));
  c.posix_spawnattr_setflags(attributes, SETSIGDEF | SETSIGMASK);
  return {
    // The result is the error itself; errno isn't set.
    start: () => posix_spawn(pid, path, actions, attributes, argv.array, envp.array),
    finish(failed) {
      c.posix_spawn_file_actions_destroy(actions);
      c.posix_spawnattr_destroy(attributes);
      // What the arrays point to has to live until here.
      argv.strings.length = envp.strings.length = 0;
      if (failed !== 0) throw new KernelError("posix_spawn", failed, options.path);
      return pid[0] as number;
    },
  };
}

/** How a process ended: its own status, or the signal that ended it. */
export interface WaitStatus {
  pid: number;
  code: number;
  signal?: number;
}

const status = new Int32Array(2);

/**
 * A child that has ended, without waiting for one: waitpid(2) with WNOHANG. `pid` -1 takes any child, those of
 * `Bun.spawn` too: only for processes that don't use that. Undefined: none has ended, or there is none.
 */
export function reapChild(pid: number): WaitStatus | undefined {
  const reaped = c.waitpid(pid, status, WNOHANG);
  if (reaped === 0) return undefined;
  if (reaped < 0) {
    const failed = errno();
    if (failed === ECHILD) return undefined;
    throw new KernelError("waitpid", failed, String(pid));
  }
  const word = status[0] as number;
  const signal = word & 0x7f;
  return signal === 0
    ? { pid: reaped, code: (word >> 8) & 0xff }
    : { pid: reaped, code: 128 + signal, signal };
}

/** A descriptor that becomes readable when the process ends: pidfd_open(2). Close-on-exec by itself. */
export function openPidfd(pid: number): number {
  return check(syscall(SYS.pidfd_open, pid, 0), "pidfd_open", pid);
}

/** Sends a signal: kill(2). Mind that a pid may be another process's by now unless it is a child not yet reaped. */
export function killProcess(pid: number, signal: number): void {
  check(c.kill(pid, signal), "kill", `${pid} with ${signal}`);
}

/** Orphans below this process become its children instead of process 1's: PR_SET_CHILD_SUBREAPER of prctl(2). */
export function becomeSubreaper(): void {
  check(c.prctl(36, 1, 0, 0, 0), "prctl", "PR_SET_CHILD_SUBREAPER");
}

/** The name that `ps` shows for this thread, up to 15 bytes: PR_SET_NAME of prctl(2). */
export function setProcessName(name: string): void {
  const text = cString(name);
  check(c.prctl(15, ptr(text), 0, 0, 0), "prctl", "PR_SET_NAME");
}

/** Leaves the session and the controlling terminal: setsid(2). Nothing to do for a session's leader. */
export function leaveSession(): void {
  c.setsid();
}

/** The kernel drops the signal from now on: SIG_IGN of signal(2). For processes without Bun's event loop. */
export function ignoreSignal(signal: number): void {
  c.signal(signal, 1 as never);
}

/** The signal does again what it does by default: SIG_DFL of signal(2). */
export function restoreSignal(signal: number): void {
  c.signal(signal, null);
}

/** Makes a descriptor /dev/null, keeping its number taken: dup2(2). */
export function pointToNull(fd: number): void {
  const nothing = open("/dev/null", O.RDWR);
  check(c.dup2(nothing, fd), "dup2", fd);
  close(nothing);
}
