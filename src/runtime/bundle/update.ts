// What `update` takes for a container that is there: checked as at its creation, and as a runtime's `update` wants it.
import type { HostConfig } from "../../api/types/index.ts";
import type { HostEnvironment } from "../../base/environment.ts";
import type { UpdatedResources } from "../types.ts";
import { hostFacts } from "./host-facts.ts";
import { refuseRestartPolicy } from "./validate.ts";
import { validateResources } from "./validate-resources.ts";

/** The limits that can change while a container runs. */
export type LimitKey = keyof Pick<
  HostConfig,
  | "BlkioWeight"
  | "CpuPeriod"
  | "CpuQuota"
  | "CpuRealtimePeriod"
  | "CpuRealtimeRuntime"
  | "CpuShares"
  | "CpusetCpus"
  | "CpusetMems"
  | "Memory"
  | "MemoryReservation"
  | "MemorySwap"
  | "NanoCpus"
  | "PidsLimit"
>;

/** What is kept of the changes, with the warnings. Errors: invalid. */
export function validateUpdate(
  changes: HostConfig,
  environment: HostEnvironment,
): { changes: HostConfig; warnings: string[] } {
  const { limits, cpus } = hostFacts(environment);
  refuseRestartPolicy(changes);
  const { config, warnings } = validateResources(changes, limits, { cpus, update: true });
  return { changes: config, warnings };
}

/** Where nothing is said: the kernel's defaults (admin-guide/cgroup-v1 and scheduler/sched-bwc; BFQ's weight). */
const SHARES = 1024;
const PERIOD = 100_000;
const WEIGHT = 100;
const NO_LIMIT = -1;

/**
 * The limits named, as `hostConfig` has them, each with the one that the kernel reads it together with: v2 has the swap
 * alone where v1 has memory and swap in one number, and a quota means nothing without its period.
 */
export function updatedResources(
  hostConfig: HostConfig,
  keys: readonly LimitKey[],
  environment: HostEnvironment,
): UpdatedResources {
  const { limits } = hostFacts(environment);
  const has = (...names: LimitKey[]) => names.some((name) => keys.includes(name));
  const c = hostConfig;
  const nano = c.NanoCpus ?? 0;
  const memory = {
    ...(has("Memory", "MemorySwap") && {
      limit: c.Memory || NO_LIMIT,
      ...(limits.swap && { swap: c.MemorySwap || NO_LIMIT }),
    }),
    // v2's memory.low is a guarantee, and none is 0.
    ...(has("MemoryReservation") && {
      reservation: c.MemoryReservation || (environment.cgroups.mode === "v2" ? 0 : NO_LIMIT),
    }),
  };
  const cpu = {
    ...(has("CpuShares") && { shares: c.CpuShares || SHARES }),
    ...(has("NanoCpus", "CpuPeriod", "CpuQuota") && {
      period: (nano === 0 && c.CpuPeriod) || PERIOD,
      quota: nano > 0 ? Math.trunc((nano * PERIOD) / 1e9) : c.CpuQuota || NO_LIMIT,
    }),
    ...(has("CpusetCpus") && { cpus: c.CpusetCpus || limits.cpuset?.cpus }),
    ...(has("CpusetMems") && { mems: c.CpusetMems || limits.cpuset?.mems }),
    ...(limits.cpuRealtime &&
      has("CpuRealtimePeriod", "CpuRealtimeRuntime") && {
        ...(c.CpuRealtimePeriod && { realtimePeriod: c.CpuRealtimePeriod }),
        realtimeRuntime: c.CpuRealtimeRuntime ?? 0,
      }),
  };
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(has("PidsLimit") && { pids: { limit: (c.PidsLimit ?? 0) > 0 ? Number(c.PidsLimit) : NO_LIMIT } }),
    ...(has("BlkioWeight") && { blockIO: { weight: c.BlkioWeight || WEIGHT } }),
  };
}
