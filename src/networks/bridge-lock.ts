// One daemon at a time has a bridge, and with it the table of rules that carries its name: a lock in the host's /run,
// since daemons with roots of their own share nothing else.
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { conflict } from "../base/errors.ts";
import { tryLock } from "../linux/files.ts";

const FOLDER = "/run/berth-bridges";

/** A daemon that starts holds locks of dead ones for a moment, to remove them: who holds one longer lives. */
const LOOKS = 5;
const LOOK_INTERVAL = 20;

/**
 * Holds the bridge's name until disposed or until this process ends. The name is one of a network namespace, so the
 * lock is too. Errors: conflict when another daemon holds it.
 */
export function lockBridge(bridge: string): Disposable {
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  removeUnheld();
  const path = join(FOLDER, `${statSync("/proc/self/ns/net").ino}-${bridge}`);
  for (let look = 1; ; ) {
    mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
    // Close-on-exec (node:fs opens so): no shim must keep it.
    const fd = tryOpen(path);
    if (fd === undefined) continue; // The folder went meanwhile, with its last lock.
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
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return {
    [Symbol.dispose]() {
      unlinkSync(path);
      closeSync(fd);
      try {
        rmdirSync(FOLDER);
      } catch {
        // Other daemons have theirs in it.
      }
    },
  };
}

/** Locks that killed daemons left. */
function removeUnheld(): void {
  for (const name of readdirSync(FOLDER)) {
    const path = join(FOLDER, name);
    const fd = tryOpen(path);
    if (fd === undefined) continue;
    if (tryLock(fd) && isAt(fd, path)) unlinkSync(path);
    closeSync(fd);
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, "a+", 0o600);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}

function isAt(fd: number, path: string): boolean {
  try {
    return statSync(path).ino === fstatSync(fd).ino;
  } catch {
    return false; // It is gone.
  }
}
