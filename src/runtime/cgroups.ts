// Control groups from outside a container: which hierarchies the host has, where a container's folders are, who is in them.
import type { CgroupMode } from "../base/environment.ts";
import { notImplemented } from "../base/errors.ts";

/** How the host mounts its control groups (cgroups(7)), and who manages them: systemd where it is process 1. */
export function detectCgroups(): { mode: CgroupMode; manager: "cgroupfs" | "systemd" } {
  throw notImplemented("detectCgroups");
}

/**
 * The folders of a container's control group: one for each v1 controller by its name, or `unified` on v2.
 * `cgroupPath` is what config.json says: `/docker/ID`, or systemd's `slice:prefix:name`.
 */
export function cgroupFolders(_cgroupPath: string): Record<string, string> {
  throw notImplemented("cgroupFolders");
}

/** Process ids in a container's control group and those below it. Empty where the group is gone. */
export function cgroupProcesses(_cgroupPath: string): number[] {
  throw notImplemented("cgroupProcesses");
}

/** True while the container is frozen (paused). */
export function cgroupFrozen(_cgroupPath: string): boolean {
  throw notImplemented("cgroupFrozen");
}
