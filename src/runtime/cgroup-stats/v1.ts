// Version 1 of control groups (and hybrid hosts, whose controllers are v1's): a folder for each controller. The kernel's
// admin-guide/cgroup-v1: cpuacct, memory (its memory.stat), blkio-controller, pids; scheduler/sched-bwc for cpu.stat.
import { count, counts, times, withoutZeros } from "./numbers.ts";
import type {
  BlockEntry,
  BlockUsage,
  CgroupStats,
  Count,
  MemoryUsage,
  ProcessorUsage,
  ReadFile,
} from "./types.ts";

/** cpuacct.stat counts in USER_HZ, which is 100 on every architecture: nanoseconds of one. */
const TICK = 1e7;

/** The lines of memory.stat that Docker shows; each also as `total_…`, with the groups below. */
const MEMORY_LINES = [
  "active_anon",
  "active_file",
  "cache",
  "dirty",
  "inactive_anon",
  "inactive_file",
  "mapped_file",
  "pgfault",
  "pgmajfault",
  "pgpgin",
  "pgpgout",
  "rss",
  "rss_huge",
  "unevictable",
  "writeback",
];
const MEMORY_STAT = [
  ...MEMORY_LINES,
  "hierarchical_memory_limit",
  "hierarchical_memsw_limit",
  ...MEMORY_LINES.map((name) => `total_${name}`),
].sort();

/** `read` takes `controller/file`. undefined: the group is gone. */
export async function readV1(read: ReadFile, hostMemory: number): Promise<CgroupStats | undefined> {
  const [pids, blkio, cpu, memory] = await Promise.all([
    readPids(read),
    readBlocks(read),
    readProcessor(read),
    readMemory(read, hostMemory),
  ]);
  if (!pids && !cpu && !memory.usage) return undefined;
  return {
    pids_stats: pids ?? {},
    blkio_stats: blkio,
    cpu_stats: cpu ?? {
      cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
    },
    memory_stats: memory,
  };
}

async function readPids(read: ReadFile): Promise<CgroupStats["pids_stats"] | undefined> {
  const [current, limit] = await Promise.all([read("pids/pids.current"), read("pids/pids.max")]);
  if (current === undefined) return undefined;
  return withoutZeros({
    current: count(current),
    limit: limit?.trim() === "max" ? undefined : count(limit),
  });
}

async function readProcessor(read: ReadFile): Promise<ProcessorUsage | undefined> {
  const [total, each, modes, throttling] = await Promise.all([
    read("cpuacct/cpuacct.usage"),
    read("cpuacct/cpuacct.usage_percpu"),
    read("cpuacct/cpuacct.stat"),
    read("cpu/cpu.stat"),
  ]);
  if (total === undefined) return undefined;
  const ticks = counts(modes);
  const throttled = counts(throttling);
  return {
    cpu_usage: {
      total_usage: count(total) ?? 0,
      ...(each !== undefined && {
        percpu_usage: each
          .trim()
          .split(/\s+/)
          .map((text) => count(text) ?? 0),
      }),
      usage_in_kernelmode: times(ticks.get("system") ?? 0, TICK),
      usage_in_usermode: times(ticks.get("user") ?? 0, TICK),
    },
    throttling_data: {
      periods: throttled.get("nr_periods") ?? 0,
      throttled_periods: throttled.get("nr_throttled") ?? 0,
      throttled_time: throttled.get("throttled_time") ?? 0,
    },
  };
}

async function readMemory(read: ReadFile, hostMemory: number): Promise<MemoryUsage> {
  const file = (name: string) => read(`memory/memory.${name}`);
  const [stat, usage, most, failures, limit] = await Promise.all([
    file("stat"),
    file("usage_in_bytes"),
    file("max_usage_in_bytes"),
    file("failcnt"),
    file("limit_in_bytes"),
  ]);
  if (usage === undefined) return {};
  const lines = counts(stat);
  const set = count(limit) ?? 0;
  return {
    ...withoutZeros({ usage: count(usage), max_usage: count(most) }),
    stats: Object.fromEntries(MEMORY_STAT.map((name): [string, Count] => [name, lines.get(name) ?? 0])),
    ...withoutZeros({ failcnt: count(failures), limit: set > hostMemory ? hostMemory : set }),
  };
}

/** A scheduler that accounts (CFQ of old, BFQ) has its own files; else what passes the throttling layer is counted. */
const SCHEDULED: Record<keyof BlockUsage, string> = {
  io_service_bytes_recursive: "io_service_bytes_recursive",
  io_serviced_recursive: "io_serviced_recursive",
  io_queue_recursive: "io_queued_recursive",
  io_service_time_recursive: "io_service_time_recursive",
  io_wait_time_recursive: "io_wait_time_recursive",
  io_merged_recursive: "io_merged_recursive",
  io_time_recursive: "time_recursive",
  sectors_recursive: "sectors_recursive",
};

async function readBlocks(read: ReadFile): Promise<BlockUsage> {
  const none = Object.fromEntries(Object.keys(SCHEDULED).map((name) => [name, []])) as unknown as BlockUsage;
  const first = await read("blkio/blkio.io_serviced_recursive");
  if (first !== undefined) {
    const entries = await Promise.all(
      Object.entries(SCHEDULED).map(async ([name, file]) => [
        name,
        blockEntries(await read(`blkio/blkio.${file}`)),
      ]),
    );
    const usage = Object.fromEntries(entries) as BlockUsage;
    if (Object.values(usage).some((list) => list?.length)) return usage;
  }
  const [bytes, operations] = await Promise.all([
    read("blkio/blkio.throttle.io_service_bytes_recursive"),
    read("blkio/blkio.throttle.io_serviced_recursive"),
  ]);
  return {
    ...none,
    io_service_bytes_recursive: blockEntries(bytes),
    io_serviced_recursive: blockEntries(operations),
  };
}

/** `8:0 Read 4096`, or `8:0 16` in files that know no operation; the sum of all devices is left out. */
function blockEntries(text: string | undefined): BlockEntry[] {
  const entries: BlockEntry[] = [];
  for (const line of text?.split("\n") ?? []) {
    const found = /^(\d+):(\d+) (?:(\S+) )?(\d+)$/.exec(line);
    if (!found) continue;
    const [, major, minor, op = "", value] = found;
    entries.push({ major: Number(major), minor: Number(minor), op, value: count(value) ?? 0 });
  }
  return entries;
}
