// The kernel's lock that every move of a process into a control group takes (cgroup_threadgroup_rwsem): its first taker
// after a quiet moment waits for a grace period of RCU, 10 to 20 ms, those that follow shortly after wait for none.
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";

/** How long a round of this is enough for: the kernel falls back after about one more grace period (milliseconds). */
const WARM = 5;

let own: string | undefined;
let last = Number.NEGATIVE_INFINITY;

/**
 * Waits that grace period out on another thread, beside whatever is done before a runtime needs the lock: this process
 * is moved to where it is. Called as soon as a start or an exec is in sight; costs nothing else, and may fail.
 */
export function warmCgroupLock(): void {
  const now = performance.now();
  if (now - last < WARM) return;
  last = now;
  own ??= ownProcsFile();
  if (own) void writeFile(own, String(process.pid)).catch(() => {});
}

/** `cgroup.procs` of this process's own group: any hierarchy will do, they share the lock. cgroups(7). */
function ownProcsFile(): string | undefined {
  const groups = readFileSync("/proc/self/cgroup", "utf8");
  const v1 = /^\d+:pids:(.*)$/m.exec(groups)?.[1];
  if (v1 !== undefined) return `/sys/fs/cgroup/pids${v1}/cgroup.procs`;
  const v2 = /^0::(.*)$/m.exec(groups)?.[1];
  return v2 === undefined ? undefined : `/sys/fs/cgroup${v2}/cgroup.procs`;
}
