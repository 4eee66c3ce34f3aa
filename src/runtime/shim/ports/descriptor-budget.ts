// How many descriptors the forwarded ports of a shim may have open. The rest stays for the container itself: without one the
// shim takes up no daemon, starts no exec and rotates no log, and strangers' connections must not bring that about.
import { readFileSync } from "node:fs";

export interface DescriptorBudget {
  /** Takes so many, if they are there. */
  take(count: number): boolean;
  giveBack(count: number): void;
}

/** What isn't for ports: one in four (RLIMIT_NOFILE, getrlimit(2)). */
const KEPT_SHARE = 4;
/** Where /proc doesn't say. */
const USUAL_LIMIT = 1_024;

/** @param limit of this process, as it is when the first one is taken: `ulimit -n`. */
export function descriptorBudget(limit = ownLimit): DescriptorBudget {
  let left: number | undefined;
  return {
    take(count) {
      left ??= Math.floor(limit() * (1 - 1 / KEPT_SHARE));
      if (left < count) return false;
      left -= count;
      return true;
    },
    giveBack(count) {
      left = (left ?? 0) + count;
    },
  };
}

function ownLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft ? Number(soft) : USUAL_LIMIT;
  } catch {
    return USUAL_LIMIT;
  }
}
