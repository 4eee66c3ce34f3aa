// Snapshots mounted beside each other in a scratch folder while a worker looks at them. What a killed process leaves of it goes
// with the next start.
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { unmount } from "../linux/mount.ts";

/** Takes away the mounts in the order against their making, then the folder. */
export interface ScratchMounts extends Disposable {
  root: string;
}

/** `mounts` makes a mount in each place that it asks for by name. Errors: its own, after which nothing is left. */
export function scratchMounts(root: string, mounts: (at: (name: string) => string) => void): ScratchMounts {
  mkdirSync(root, { recursive: true });
  const made: string[] = [];
  const takeAway = () => {
    for (const path of made.reverse()) {
      unmount(path);
      rmdirSync(path);
    }
    rmdirSync(root);
  };
  try {
    mounts((name) => {
      const path = join(root, name);
      mkdirSync(path);
      made.push(path);
      return path;
    });
    return { root, [Symbol.dispose]: takeAway };
  } catch (thrown) {
    takeAway();
    throw thrown;
  }
}
