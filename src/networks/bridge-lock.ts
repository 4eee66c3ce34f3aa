// One daemon at a time has a bridge, and with it the table of rules that carries its name: a lock in the host's /run,
// since daemons with roots of their own share nothing else.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { conflict } from "../base/errors.ts";
import { tryLock } from "../linux/files.ts";
import { writeHolder } from "../linux/lock-holder.ts";

const FOLDER = "/run/berth-bridges";

/** A daemon that starts holds locks of dead ones for a moment, to remove them: who holds one longer than half a second lives. */
const LOOKS = 25;
const LOOK_INTERVAL = 20;

/**
 * Holds the bridge's name until disposed or until this process ends. The name is one of a network namespace, so the
 * lock is too. Errors: conflict when another daemon holds it.
 */
export function lockBridge(bridge: string): Disposable {
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  removeLeft();
  const path = join(FOLDER, `${statSync("/proc/self/ns/net").ino}-${bridge}`);
  for (let look = 1; ; ) {
    // Close-on-exec (node:fs opens so): no shim must keep it.
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    if (!tryLock(fd)) {
      if (look++ < LOOKS) {
        closeSync(fd);
        Bun.sleepSync(LOOK_INTERVAL);
        continue;
      }
      const holder = readFileSync(fd, "utf8").trim();
      closeSync(fd);
      throw conflict(
        `the bridge ${bridge} is in use by another daemon${holder ? ` (process ${holder})` : ""}: stop it, or choose another --bridge`,
      );
    }
    if (isAt(fd, path)) return held(fd, path);
    closeSync(fd); // Somebody took the file away between our opening and our locking it.
  }
}

function held(fd: number, path: string): Disposable {
  writeHolder(fd);
  return {
    [Symbol.dispose]() {
      unlinkSync(path);
      closeSync(fd);
    },
  };
}

/** Locks of killed daemons away. Only files that name a process: one just made is about to be locked by who made it. */
function removeLeft(): void {
  for (const name of readdirSync(FOLDER)) {
    const path = join(FOLDER, name);
    const fd = tryOpen(path);
    if (fd === undefined) continue;
    const holder = readFileSync(fd, "utf8").trim();
    if (holder && !existsSync(`/proc/${holder}`) && tryLock(fd) && isAt(fd, path)) unlinkSync(path);
    closeSync(fd);
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined; // It went meanwhile.
  }
}

function isAt(fd: number, path: string): boolean {
  try {
    return statSync(path).ino === fstatSync(fd).ino;
  } catch {
    return false; // It is gone.
  }
}
