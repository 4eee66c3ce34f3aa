// Who holds a lock: its file names the process, for the error of whoever comes second.
import { readFileSync, writeSync } from "node:fs";

/** As long as any pid: what is written over what was there takes no room on the disk. */
const WIDTH = 10;

/**
 * Names this process in the file of a lock that it holds; `lock` is not open for appending. The file is never emptied: on a disk
 * that is full, a process that waits for room would take what comes free, and there would be none for the pid.
 */
export function nameHolder(lock: number): void {
  writeSync(lock, `${String(process.pid).padEnd(WIDTH)}\n`, 0);
}

/** The process that holds or held the lock; undefined while it names itself. */
export function namedHolder(path: string): number | undefined {
  return Number(readFileSync(path, "utf8")) || undefined;
}
