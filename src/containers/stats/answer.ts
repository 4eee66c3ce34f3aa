// A container's figures as GET /containers/{id}/stats shows them, field by field as Docker 28.5 does.

import { ZERO_TIME } from "../../base/nanoseconds.ts";
import type { LinkStatistics } from "../../linux/netlink/statistics.ts";
import type { BlockUsage, CgroupStats, Count, ProcessorUsage } from "../../runtime/index.ts";

/** One reading of everything. */
export interface StatsSample {
  /** RFC 3339 with nanoseconds. */
  read: string;
  cgroup: CgroupStats;
  host: { usage: Count; online: number };
  networks: Record<string, LinkStatistics>;
}

export interface ContainerStats extends Omit<CgroupStats, "cpu_stats"> {
  name: string;
  id: string;
  read: string;
  preread: string;
  /** Windows' alone. */
  num_procs: number;
  storage_stats: Record<string, never>;
  cpu_stats: ProcessorUsage;
  precpu_stats: ProcessorUsage;
  networks?: Record<string, LinkStatistics>;
}

/** `sample` and `before` are undefined where the container did not run. */
export function toStats(
  container: { id: string; name: string },
  sample: StatsSample | undefined,
  before: StatsSample | undefined,
): ContainerStats {
  return {
    name: `/${container.name}`,
    id: container.id,
    read: sample?.read ?? ZERO_TIME,
    preread: before?.read ?? ZERO_TIME,
    pids_stats: sample?.cgroup.pids_stats ?? {},
    blkio_stats: sample?.cgroup.blkio_stats ?? NO_BLOCKS,
    num_procs: 0,
    storage_stats: {},
    cpu_stats: processors(sample),
    precpu_stats: processors(before),
    memory_stats: sample?.cgroup.memory_stats ?? {},
    ...(sample && Object.keys(sample.networks).length > 0 && { networks: sample.networks }),
  };
}

function processors(sample: StatsSample | undefined): ProcessorUsage {
  if (!sample) return NOTHING_USED;
  const { cpu_usage, throttling_data } = sample.cgroup.cpu_stats;
  return {
    cpu_usage,
    system_cpu_usage: sample.host.usage,
    online_cpus: sample.host.online,
    throttling_data,
  };
}

const NOTHING_USED: ProcessorUsage = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

const NO_BLOCKS: BlockUsage = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};
