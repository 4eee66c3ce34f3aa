// Paths of /proc and /sys that a container sees empty (masked) or can't change (read-only), since they are not namespaced.
import type { HostConfig } from "../../api/types/index.ts";

const MASKED = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  // Power readings give keys away (PLATYPUS), interrupt counts and heat tell what neighbours do.
  "/sys/devices/virtual/powercap",
];

const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** The default masked paths on a host whose CPUs have these heat folders. */
export const maskedPaths = (thermalThrottle: string[]): string[] => [...MASKED, ...thermalThrottle];

/** What HostConfig says (an empty list is `systempaths=unconfined`), else the defaults; nothing when privileged. */
export function systemPaths(
  hostConfig: HostConfig,
  thermalThrottle: string[],
): { maskedPaths?: string[]; readonlyPaths?: string[] } {
  const fallback = (paths: string[]) => (hostConfig.Privileged ? undefined : paths);
  return {
    maskedPaths: hostConfig.MaskedPaths ?? fallback(maskedPaths(thermalThrottle)),
    readonlyPaths: hostConfig.ReadonlyPaths ?? fallback(READ_ONLY),
  };
}

export const readonlyPaths = READ_ONLY;
