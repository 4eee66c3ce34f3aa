// What a control group has used, in the words of the Engine API (GET /containers/{id}/stats), whose fields differ
// between the hierarchies as the kernel's files do.

/** A counter or limit of the kernel's, 64 bits without sign: a bigint where a JavaScript number can't hold it. */
export type Count = number | bigint;

export interface ProcessorUsage {
  cpu_usage: {
    /** Nanoseconds. */
    total_usage: Count;
    /** Nanoseconds for each processor; v1 alone. */
    percpu_usage?: Count[];
    usage_in_kernelmode: Count;
    usage_in_usermode: Count;
  };
  /** Nanoseconds that all processors of the host have run, idle time included; absent where there is no sample. */
  system_cpu_usage?: Count;
  online_cpus?: number;
  throttling_data: { periods: Count; throttled_periods: Count; throttled_time: Count };
}

export interface BlockEntry {
  major: number;
  minor: number;
  op: string;
  value: Count;
}

/** null: this hierarchy doesn't tell. */
export type BlockUsage = Record<(typeof BLOCK_LISTS)[number], BlockEntry[] | null>;

export const BLOCK_LISTS = [
  "io_service_bytes_recursive",
  "io_serviced_recursive",
  "io_queue_recursive",
  "io_service_time_recursive",
  "io_wait_time_recursive",
  "io_merged_recursive",
  "io_time_recursive",
  "sectors_recursive",
] as const;

export interface MemoryUsage {
  /** Bytes. */
  usage?: Count;
  max_usage?: Count;
  /** Lines of memory.stat. */
  stats?: Record<string, Count>;
  /** How often a limit was hit. */
  failcnt?: Count;
  /** Bytes; the host's memory where there is no limit below it. */
  limit?: Count;
}

export interface CgroupStats {
  /** `limit` is absent on v1 where there is none, and 2^64-1 on v2. */
  pids_stats: { current?: Count; limit?: Count };
  blkio_stats: BlockUsage;
  cpu_stats: ProcessorUsage;
  memory_stats: MemoryUsage;
}

/** Reads a file of the group in the hierarchy's folder; undefined where it isn't there. */
export type ReadFile = (path: string) => Promise<string | undefined>;
