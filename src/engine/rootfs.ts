// A container's root file system, where its runtime finds it: taken away again.
import { rmdirSync } from "node:fs";
import { unmount } from "../linux/mount.ts";

/** Whatever is mounted there, and its folder. Safe to call again. */
export function unmountRootfs(target: string): void {
  while (unmount(target));
  try {
    rmdirSync(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
