// A container's root file system: mounted where its runtime finds it, and away again.
import { mkdirSync, rmdirSync } from "node:fs";
import { bindMount, mountOverlay, unmount } from "../linux/mount.ts";
import type { SnapshotMount } from "../store/types.ts";

/** Errors: KernelError of mount(2). */
export function mountRootfs(mount: SnapshotMount, target: string): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  if (mount.type === "bind") bindMount(mount.source, target, { readOnly: mount.readOnly });
  else mountOverlay(mount, target);
}

/** Whatever is mounted there, and its folder. Safe to call again. */
export function unmountRootfs(target: string): void {
  while (unmount(target));
  try {
    rmdirSync(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
