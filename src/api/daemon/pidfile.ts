// The pid file: one daemon for each, and a file that a killed daemon left counts for nothing.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes our pid. Errors when the file names another process that lives. */
export function writePidFile(path: string): { remove(): void } {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const other = runningPid(path);
  if (other !== undefined)
    throw new Error(
      `failed to start daemon, ensure no other daemon is running or delete ${path}: process with PID ${other} is still running`,
    );
  writeFileSync(path, String(process.pid), { mode: 0o644 });
  return {
    remove() {
      // Somebody may have deleted it to start another daemon: then it is that one's.
      if (readPid(path) === process.pid) rmSync(path, { force: true });
    },
  };
}

function runningPid(path: string): number | undefined {
  const pid = readPid(path);
  if (pid === undefined || pid === process.pid) return undefined;
  return isAlive(pid) ? pid : undefined;
}

/** A zombie has ended: it only waits for its parent to ask how. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false; // no such process
  }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined; // no file: nobody's
  }
}
