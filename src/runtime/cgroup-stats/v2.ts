// Version 2 of control groups: one folder. The kernel's admin-guide/cgroup-v2, "Core Interface Files", "CPU", "Memory",
// "IO", "PID".
import { count, counts, times, withoutZeros } from "./numbers.ts";
import type { BlockEntry, BlockUsage, CgroupStats, Count, MemoryUsage, ReadFile } from "./types.ts";

/** The lines of memory.stat that Docker shows; a kernel that has split one (workingset_refault since 5.9) gives 0. */
const MEMORY_STAT = [
  "active_anon",
  "active_file",
  "anon",
  "anon_thp",
  "file",
  "file_dirty",
  "file_mapped",
  "file_writeback",
  "inactive_anon",
  "inactive_file",
  "kernel_stack",
  "pgactivate",
  "pgdeactivate",
  "pgfault",
  "pglazyfree",
  "pglazyfreed",
  "pgmajfault",
  "pgrefill",
  "pgscan",
  "pgsteal",
  "shmem",
  "slab",
  "slab_reclaimable",
  "slab_unreclaimable",
  "sock",
  "thp_collapse_alloc",
  "thp_fault_alloc",
  "unevictable",
  "workingset_activate",
  "workingset_nodereclaim",
  "workingset_refault",
];
const MICROSECOND = 1000;

/** `read` takes a file's name. undefined: the group is gone. */
export async function readV2(read: ReadFile, hostMemory: number): Promise<CgroupStats | undefined> {
  const [processor, memory, io, current, limit] = await Promise.all([
    read("cpu.stat"),
    readMemory(read, hostMemory),
    read("io.stat"),
    read("pids.current"),
    read("pids.max"),
  ]);
  // Every group but the root has it, whatever controllers there are.
  if (processor === undefined) return undefined;
  const used = counts(processor);
  const nanoseconds = (name: string) => times(used.get(name) ?? 0, MICROSECOND);
  return {
    pids_stats: withoutZeros({ current: count(current), limit: count(limit) }),
    blkio_stats: readBlocks(io),
    cpu_stats: {
      cpu_usage: {
        total_usage: nanoseconds("usage_usec"),
        usage_in_kernelmode: nanoseconds("system_usec"),
        usage_in_usermode: nanoseconds("user_usec"),
      },
      throttling_data: {
        periods: used.get("nr_periods") ?? 0,
        throttled_periods: used.get("nr_throttled") ?? 0,
        throttled_time: nanoseconds("throttled_usec"),
      },
    },
    memory_stats: memory,
  };
}

async function readMemory(read: ReadFile, hostMemory: number): Promise<MemoryUsage> {
  const [stat, usage, limit, events] = await Promise.all([
    read("memory.stat"),
    read("memory.current"),
    read("memory.max"),
    read("memory.events"),
  ]);
  const lines = counts(stat);
  const set = count(limit) ?? 0;
  return {
    ...withoutZeros({ usage: count(usage) }),
    stats: Object.fromEntries(MEMORY_STAT.map((name): [string, Count] => [name, lines.get(name) ?? 0])),
    ...withoutZeros({ failcnt: counts(events).get("oom"), limit: set > hostMemory ? hostMemory : set }),
  };
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 …`: bytes alone are shown, two entries a device. */
function readBlocks(text: string | undefined): BlockUsage {
  const bytes: BlockEntry[] = [];
  for (const line of text?.split("\n") ?? []) {
    const [device = "", ...pairs] = line.split(" ");
    const [, major, minor] = /^(\d+):(\d+)$/.exec(device) ?? [];
    if (major === undefined || pairs.length === 0) continue;
    const of = (name: string) =>
      count(pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)) ?? 0;
    const place = { major: Number(major), minor: Number(minor) };
    bytes.push({ ...place, op: "read", value: of("rbytes") }, { ...place, op: "write", value: of("wbytes") });
  }
  return {
    io_service_bytes_recursive: bytes.length > 0 ? bytes : null,
    io_serviced_recursive: null,
    io_queue_recursive: null,
    io_service_time_recursive: null,
    io_wait_time_recursive: null,
    io_merged_recursive: null,
    io_time_recursive: null,
    sectors_recursive: null,
  };
}
