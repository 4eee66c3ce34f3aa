// Mounts on or in /proc are refused: a runtime writes a process's AppArmor and SELinux labels there (/proc/self/attr),
// and with files of an image's author in that place they would never reach the kernel (CVE-2019-16884). runc checks
// this itself, older crun doesn't, so it is done here, in runc's words.
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { systemError } from "../../base/errors.ts";
import type { BundleInput } from "../types.ts";
import { placeInRoot } from "./root-path.ts";

/** statfs(2): PROC_SUPER_MAGIC. */
const PROC_TYPE = 0x9fa0;

/** Files that LXCFS and the like put other numbers into; no label depends on them. As runc has them. */
const HARMLESS = new Set([
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/slabinfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/sys/crypto/fips_enabled",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/uptime",
]);

/** Follows the image's links, so it is for a root at rest. Errors: system. */
export async function refuseMountsOnProc({ rootfs, mounts }: Pick<BundleInput, "rootfs" | "mounts">) {
  for (const { source, destination, type } of mounts) {
    const place = await placeInRoot(rootfs, destination);
    if ((place !== "/proc" && !place.startsWith("/proc/")) || HARMLESS.has(place)) continue;
    const isProc = type === "bind" && (await statfs(source)).type === PROC_TYPE;
    if (place === "/proc" && isProc) continue;
    const reason = place === "/proc" ? "it is not of type proc" : "it is inside /proc";
    throw systemError(
      "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: " +
        `unable to start container process: error during container init: error mounting "${source}" to rootfs at ` +
        `"${destination}": create mountpoint for ${destination} mount: check proc-safety of ${destination} mount: ` +
        `"${join(rootfs, place)}" cannot be mounted because ${reason}`,
    );
  }
}
