// Temporary folders for the store's tests, gone after each test, mounts below them included.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";

const made: string[] = [];

/** A new empty folder below /var/tmp. */
export function temporaryRoot(): string {
  const path = mkdtempSync("/var/tmp/berth-test-");
  made.push(path);
  return path;
}

/** For `afterEach`: unmounts and removes what this file's tests made. */
export function disposeAll(): void {
  for (const path of made.splice(0)) {
    for (const target of mountsBelow(path)) Bun.spawnSync(["umount", "--lazy", target]);
    rmSync(path, { recursive: true, force: true });
  }
}

/** Mount points at or below a folder, the innermost first. */
export function mountsBelow(path: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target === path || target.startsWith(`${path}/`))
    .reverse();
}
