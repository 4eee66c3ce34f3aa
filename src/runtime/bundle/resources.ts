// Limits of the container's cgroup (`linux.resources`, runtime-spec config-linux.md "Control groups"). Values are
// cgroup version 1's, as the specification has them; the runtime converts them for version 2.
import { posix } from "node:path";
import type { HostConfig } from "../../api/types/index.ts";
import { slicePath } from "../cgroups.ts";
import type { BundleInput } from "../types.ts";
import type { Resources, ThrottleRate } from "./spec.ts";

/** Numbers of the block devices that the blkio limits name, by path. */
export type DeviceNumbers = Record<string, { major: number; minor: number }>;

/** NanoCpus are a quota of this period: 100 ms in microseconds. */
const NANO_CPU_PERIOD = 100_000;

/** All limits but the device rules. */
export function limits(hostConfig: HostConfig, numbers: DeviceNumbers): Omit<Resources, "devices"> {
  const memory = memoryLimits(hostConfig);
  const cpu = cpuLimits(hostConfig);
  return {
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    // No limit is what a new group has; -1, the specification's word for it, crun writes as it is.
    ...(positive(hostConfig.PidsLimit) && { pids: { limit: hostConfig.PidsLimit } }),
    blockIO: blockLimits(hostConfig, numbers),
  };
}

const positive = (value: number | null | undefined): value is number => (value ?? 0) > 0;
const nonZero = (value: number | null | undefined): value is number => (value ?? 0) !== 0;
const noneIfEmpty = <T extends object>(value: T): T | undefined =>
  Object.keys(value).length > 0 ? value : undefined;

function memoryLimits(config: HostConfig): Resources["memory"] {
  return noneIfEmpty({
    ...(positive(config.Memory) && { limit: config.Memory }),
    ...(positive(config.MemoryReservation) && { reservation: config.MemoryReservation }),
    ...(positive(config.MemorySwap) && { swap: config.MemorySwap }),
    ...(config.MemorySwappiness !== undefined &&
      config.MemorySwappiness !== null && { swappiness: config.MemorySwappiness }),
    ...(config.OomKillDisable !== undefined &&
      config.OomKillDisable !== null && { disableOOMKiller: config.OomKillDisable }),
    ...(nonZero(config.KernelMemoryTCP) && { kernelTCP: config.KernelMemoryTCP }),
  });
}

function cpuLimits(config: HostConfig): Resources["cpu"] {
  return noneIfEmpty({
    ...(nonZero(config.CpuShares) && { shares: config.CpuShares }),
    ...(config.CpusetCpus && { cpus: config.CpusetCpus }),
    ...(config.CpusetMems && { mems: config.CpusetMems }),
    ...(positive(config.NanoCpus) && {
      period: NANO_CPU_PERIOD,
      quota: Math.trunc((config.NanoCpus * NANO_CPU_PERIOD) / 1e9),
    }),
    ...(nonZero(config.CpuPeriod) && { period: config.CpuPeriod }),
    ...(nonZero(config.CpuQuota) && { quota: config.CpuQuota }),
    ...(nonZero(config.CpuRealtimePeriod) && { realtimePeriod: config.CpuRealtimePeriod }),
    ...(nonZero(config.CpuRealtimeRuntime) && { realtimeRuntime: config.CpuRealtimeRuntime }),
  });
}

function blockLimits(config: HostConfig, numbers: DeviceNumbers): Resources["blockIO"] {
  const of = (path: string | undefined) => numbers[path ?? ""] ?? { major: 0, minor: 0 };
  const rates = (
    devices: { Path?: string; Rate?: number }[] | null | undefined,
  ): ThrottleRate[] | undefined =>
    devices?.length ? devices.map(({ Path, Rate }) => ({ ...of(Path), rate: Rate ?? 0 })) : undefined;
  const block: Resources["blockIO"] = {
    weight: config.BlkioWeight || undefined,
    weightDevice: config.BlkioWeightDevice?.length
      ? config.BlkioWeightDevice.map(({ Path, Weight }) => ({ ...of(Path), weight: Weight ?? 0 }))
      : undefined,
    throttleReadBpsDevice: rates(config.BlkioDeviceReadBps),
    throttleWriteBpsDevice: rates(config.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: rates(config.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: rates(config.BlkioDeviceWriteIOps),
  };
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined));
}

/** All paths of devices that the blkio limits name. */
export function limitedDevices(config: HostConfig): string[] {
  const lists = [
    config.BlkioWeightDevice,
    config.BlkioDeviceReadBps,
    config.BlkioDeviceWriteBps,
    config.BlkioDeviceReadIOps,
    config.BlkioDeviceWriteIOps,
  ];
  return [...new Set(lists.flatMap((list) => list ?? []).map(({ Path }) => Path ?? ""))];
}

/**
 * cgroupfs: PARENT/ID below the controller's mount. systemd on v2: a group in the scope that the shim shares with its
 * container (systemd/scope.ts), so the runtime asks systemd for nothing, and the group with its count of memory's
 * victims stays until the shim has read it. systemd elsewhere: SLICE:berth:ID, which the runtime makes berth-ID.scope.
 */
export function cgroupsPath(
  input: Pick<BundleInput, "id" | "hostConfig" | "environment" | "defaults">,
): string {
  const systemd = input.environment.cgroups.manager === "systemd";
  const fallback = systemd ? (input.environment.rootless ? "user.slice" : "system.slice") : "/berth";
  const parent = input.hostConfig.CgroupParent || input.defaults?.cgroupParent || fallback;
  // From the hierarchy's root, whatever was given: runtimes differ in what "../x" and "x" are relative to.
  if (!systemd) return posix.join("/", parent, input.id);
  return input.environment.cgroups.mode === "v2"
    ? `${slicePath(parent)}/berth-${input.id}.scope/container`
    : `${parent}:berth:${input.id}`;
}
