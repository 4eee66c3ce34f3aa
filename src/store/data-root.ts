// The data root: its folders, and the lock that gives it to one process at a time.
import { chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { conflict } from "../base/errors.ts";
import { spreadSubfolders, tryLock } from "../linux/files.ts";
import { writeHolder } from "../linux/lock-holder.ts";

export interface DataRoot extends Disposable {
  path: string;
  database: string;
  content: string;
  ingest: string;
  snapshots: string;
  /** Emptied at each start. */
  scratch: string;
}

/**
 * Makes the folders that are missing, root's alone (0700), and locks the root until disposed or until this process ends.
 * Errors: conflict when another process holds it.
 */
export function openDataRoot(path: string): DataRoot {
  const folder = (...names: string[]) => {
    const name = join(path, ...names);
    mkdirSync(name, { recursive: true, mode: 0o700 });
    return name;
  };
  folder();
  chmodSync(path, 0o700);
  const lockPath = join(path, "lock");
  // Opened close-on-exec (node:fs does): a shim that inherited it would hold the root when this daemon is long gone.
  const lock = openSync(lockPath, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!lockPatiently(lock, lockPath)) {
      const holder = readFileSync(lockPath, "utf8").trim();
      throw conflict(
        `the data root ${path} is in use by another daemon${holder ? ` (process ${holder})` : ""}: stop it, or choose another --data-root`,
      );
    }
    const snapshots = folder("snapshots");
    // ext4 takes no inode again within minutes of its removal, and looks for one past all of them in the folder's block
    // group: a pull after a removal of 20,000 files took 14 s instead of 0.6 s until each snapshot had its own group.
    spreadSubfolders(snapshots);
    writeHolder(lock);
    return {
      path,
      database: join(path, "berth.db"),
      content: folder("content"),
      ingest: folder("ingest"),
      snapshots,
      scratch: folder("scratch"),
      [Symbol.dispose]: () => closeSync(lock),
    };
  } catch (thrown) {
    closeSync(lock);
    throw thrown;
  }
}

/** Milliseconds for a dead holder's last copy of the lock to go. */
const PATIENCE = 2_000;

/**
 * A daemon that was killed while it started a process may live on in that one's copy of its descriptors, until it becomes
 * the other program. So a lock whose holder is dead is tried again for a moment; one whose holder lives is not.
 */
function lockPatiently(lock: number, lockPath: string): boolean {
  for (const until = Date.now() + PATIENCE; ; Bun.sleepSync(5)) {
    if (tryLock(lock)) return true;
    if (Date.now() > until || isAlive(Number(readFileSync(lockPath, "utf8")))) return false;
  }
}

function isAlive(pid: number): boolean {
  return pid > 0 && existsSync(`/proc/${pid}`);
}
