// Limits that are taken away altogether, for crun: it writes the specification's -1 to pids.max, which the kernel doesn't
// take, and to a quota as 2^64-1 (seen with 1.8.1). So those two are written here, and crun is told the rest.
import { writeFileSync } from "node:fs";
import { cgroupFolders } from "./cgroups.ts";
import type { UpdatedResources } from "./types.ts";

export interface Lifted {
  pids: boolean;
  quota: boolean;
}

/** What a crun is told, and what is left for `liftLimits`. */
export function withoutLifted(resources: UpdatedResources): { said: UpdatedResources; lifted: Lifted } {
  const { pids, cpu: { quota, ...cpu } = {}, ...others } = resources;
  const lifted = { pids: (pids?.limit ?? 0) < 0, quota: (quota ?? 0) < 0 };
  const keptCpu = { ...cpu, ...(quota !== undefined && !lifted.quota && { quota }) };
  return {
    said: {
      ...others,
      ...(pids && !lifted.pids && { pids }),
      ...(Object.keys(keptCpu).length > 0 && { cpu: keptCpu }),
    },
    lifted,
  };
}

/** Errors: the kernel's; ENOENT when the group is gone. */
export function liftLimits(cgroupPath: string, lifted: Lifted): void {
  const { unified, pids, cpu } = cgroupFolders(cgroupPath);
  if (lifted.pids) writeFileSync(`${unified ?? pids}/pids.max`, "max");
  // v2's cpu.max keeps its period when the quota alone is written.
  if (lifted.quota)
    writeFileSync(unified ? `${unified}/cpu.max` : `${cpu}/cpu.cfs_quota_us`, unified ? "max" : "-1");
}
