// Other settings for a container: which of those asked for are changes, and which contradict what it has.
import type { HostConfig } from "../api/types/index.ts";
import { conflict } from "../base/errors.ts";
import type { LimitKey } from "../runtime/index.ts";

/** 0 and "" mean "as it is", as in Docker. */
const LIMITS: readonly LimitKey[] = [
  "BlkioWeight",
  "CpuShares",
  "NanoCpus",
  "CpuPeriod",
  "CpuQuota",
  "CpusetCpus",
  "CpusetMems",
  "Memory",
  "MemorySwap",
  "MemoryReservation",
  "CpuRealtimePeriod",
  "CpuRealtimeRuntime",
];

/** The settings after the changes, and which limits they touch. Errors: conflict, in Docker's words. */
export function mergeUpdate(
  before: HostConfig,
  changes: HostConfig,
): { hostConfig: HostConfig; limits: LimitKey[] } {
  refuseContradictions(before, changes);
  const limits = LIMITS.filter((key) => changes[key]);
  const hostConfig: HostConfig = { ...before };
  for (const key of limits) Object.assign(hostConfig, { [key]: changes[key] });
  if (changes.PidsLimit !== undefined && changes.PidsLimit !== null) {
    // Unlimited is 0 in what inspect shows, however it was said.
    hostConfig.PidsLimit = Math.max(0, changes.PidsLimit);
    limits.push("PidsLimit");
  }
  const policy = changes.RestartPolicy;
  if (policy?.Name) hostConfig.RestartPolicy = { MaximumRetryCount: 0, ...policy };
  return { hostConfig, limits };
}

function refuseContradictions(before: HostConfig, changes: HostConfig): void {
  const more = (value: number | null | undefined) => (value ?? 0) > 0;
  if (more(changes.NanoCpus) && more(before.CpuPeriod))
    throw conflict("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  if (more(changes.NanoCpus) && more(before.CpuQuota))
    throw conflict("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  if (more(changes.CpuPeriod) && more(before.NanoCpus))
    throw conflict("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
  if (more(changes.CpuQuota) && more(before.NanoCpus))
    throw conflict("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
  if (more(changes.Memory) && !changes.MemorySwap && Number(changes.Memory) > (before.MemorySwap ?? 0))
    throw conflict(
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    );
  const policy = changes.RestartPolicy?.Name ?? "";
  if (before.AutoRemove && policy !== "" && policy !== "no")
    throw conflict("Restart policy cannot be updated because AutoRemove is enabled for the container");
}
