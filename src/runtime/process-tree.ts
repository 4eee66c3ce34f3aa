// Ending a process together with what it started: a runtime that hangs has often forked before, and what it forked may
// be in no control group yet. proc_pid_stat(5).
import { readdirSync, readFileSync } from "node:fs";

/** Kills the process and all below it, those that it forks meanwhile included. One that is gone is no error. */
export function killTree(pid: number): void {
  // Stopped, nobody in it forks any more; each round finds what was forked before the stop was seen.
  const stopped = new Set<number>();
  for (let more = [pid]; more.length > 0; more = below(stopped).filter((child) => !stopped.has(child)))
    for (const found of more) {
      signal(found, "SIGSTOP");
      stopped.add(found);
    }
  for (const found of stopped) signal(found, "SIGKILL");
}

/** Children of these processes, and theirs. */
function below(parents: ReadonlySet<number>): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent === undefined) continue;
    const known = children.get(parent);
    if (known) known.push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  const found: number[] = [];
  const walk = (pid: number) => {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      walk(child);
    }
  };
  for (const parent of parents) walk(parent);
  return found;
}

/** Living children of a process. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
}

/** Undefined for one that has ended, reaped or not. */
function parentOf(pid: string): number | undefined {
  try {
    // The name in brackets may hold anything, brackets too.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    return state === "Z" ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: "SIGSTOP" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}
