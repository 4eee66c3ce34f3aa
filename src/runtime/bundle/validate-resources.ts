// Limits that are refused, and those that this host can't hold and that are taken out with a warning, in Docker's words.
// `update` (docker update, later) checks the same way.
import type { HostConfig } from "../../api/types/index.ts";
import { invalid } from "../../base/errors.ts";
import { type LimitSupport, parseNumberList } from "./host-facts.ts";

/** Below this a program hardly starts; Docker's floor, not the kernel's. */
const MINIMUM_MEMORY = 6 * 1024 * 1024;
/** The kernel's usual greatest number of CPUs; a list that goes further is refused before it is written out. */
const MAXIMUM_CPU = 8192;

interface Check {
  config: HostConfig;
  support: LimitSupport;
  warnings: string[];
}

/** Gives back what is kept of the limits, and the warnings. Errors: invalid. */
export function validateResources(
  asked: HostConfig,
  support: LimitSupport,
  host: { cpus: number; update?: boolean },
): { config: HostConfig; warnings: string[] } {
  const check: Check = { config: { ...asked }, support, warnings: [] };
  if (check.config.MemorySwappiness === -1) delete check.config.MemorySwappiness; // old clients' "not set"
  checkMemory(check, host.update ?? false);
  checkOomAndPids(check);
  checkCpu(check, host.cpus);
  checkCpuset(check);
  checkBlockInputOutput(check);
  return { config: check.config, warnings: check.warnings };
}

const LOST = "capabilities or the cgroup is not mounted.";

function checkMemory({ config, support, warnings }: Check, update: boolean): void {
  const { Memory: memory = 0 } = config;
  if (memory !== 0 && memory < MINIMUM_MEMORY) throw invalid("Minimum memory limit allowed is 6MB");
  if (memory > 0 && !support.memory) {
    warnings.push(`Your kernel does not support memory limit ${LOST} Limitation discarded.`);
    config.Memory = 0;
    config.MemorySwap = -1;
  }
  if ((config.Memory ?? 0) > 0 && config.MemorySwap !== -1 && !support.swap) {
    warnings.push(`Your kernel does not support swap limit ${LOST} Memory limited without swap.`);
    config.MemorySwap = -1;
  }
  const { Memory: limit = 0, MemorySwap: swap = 0 } = config;
  if (limit > 0 && swap > 0 && swap < limit)
    throw invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (limit === 0 && swap > 0 && !update)
    throw invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
  checkSwappiness({ config, support, warnings });
  checkReservation({ config, support, warnings });
}

function checkSwappiness({ config, support, warnings }: Check): void {
  if (config.MemorySwappiness === undefined || config.MemorySwappiness === null) return;
  if (!support.swappiness) {
    warnings.push(`Your kernel does not support memory swappiness ${LOST} Memory swappiness discarded.`);
    delete config.MemorySwappiness;
  } else if (config.MemorySwappiness < 0 || config.MemorySwappiness > 100)
    throw invalid(`Invalid value: ${config.MemorySwappiness}, valid memory swappiness range is 0-100`);
}

function checkReservation({ config, support, warnings }: Check): void {
  if ((config.MemoryReservation ?? 0) > 0 && !support.reservation) {
    warnings.push(`Your kernel does not support memory soft limit ${LOST} Limitation discarded.`);
    config.MemoryReservation = 0;
  }
  const { MemoryReservation: reservation = 0, Memory: limit = 0 } = config;
  if (reservation > 0 && reservation < MINIMUM_MEMORY)
    throw invalid("Minimum memory reservation allowed is 6MB");
  if (limit > 0 && reservation > 0 && limit < reservation)
    throw invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
}

function checkOomAndPids({ config, support, warnings }: Check): void {
  if (config.OomKillDisable !== undefined && !support.oomKillDisable) {
    if (config.OomKillDisable)
      warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
    delete config.OomKillDisable;
  }
  if (config.OomKillDisable && (config.Memory ?? 0) === 0)
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  if (config.PidsLimit !== undefined && config.PidsLimit !== null && !support.pids) {
    if (config.PidsLimit > 0)
      warnings.push(`Your kernel does not support PIDs limit ${LOST} PIDs limit discarded.`);
    delete config.PidsLimit;
  }
}

function checkCpu({ config, support, warnings }: Check, cpus: number): void {
  const { NanoCpus: nano = 0 } = config;
  if (nano > 0 && (config.CpuPeriod ?? 0) > 0)
    throw invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (nano > 0 && (config.CpuQuota ?? 0) > 0)
    throw invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (nano > 0 && !support.cpuQuota)
    throw invalid(
      "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
    );
  if (nano !== 0 && (nano < 0 || nano > cpus * 1e9))
    throw invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  if ((config.CpuShares ?? 0) > 0 && !support.cpuShares) {
    warnings.push("Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.");
    config.CpuShares = 0;
  }
  if (((config.CpuPeriod ?? 0) !== 0 || (config.CpuQuota ?? 0) !== 0) && !support.cpuQuota) {
    warnings.push("Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.");
    config.CpuPeriod = 0;
    config.CpuQuota = 0;
  }
  const { CpuPeriod: period = 0, CpuQuota: quota = 0 } = config;
  if (period !== 0 && (period < 1000 || period > 1_000_000))
    throw invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (quota > 0 && quota < 1000) throw invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  if ((config.CpuPercent ?? 0) > 0) {
    warnings.push("linux does not support CPU percent. Percent discarded.");
    config.CpuPercent = 0;
  }
}

function checkCpuset({ config, support, warnings }: Check): void {
  if ((config.CpusetCpus || config.CpusetMems) && !support.cpuset) {
    warnings.push("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.");
    config.CpusetCpus = "";
    config.CpusetMems = "";
  }
  const cpus = support.cpuset?.cpus ?? "";
  const mems = support.cpuset?.mems ?? "";
  if (!available(config.CpusetCpus ?? "", cpus, "cpus"))
    throw invalid(`Requested CPUs are not available - requested ${config.CpusetCpus}, available: ${cpus}`);
  if (!available(config.CpusetMems ?? "", mems, "mems"))
    throw invalid(
      `Requested memory nodes are not available - requested ${config.CpusetMems}, available: ${mems}`,
    );
}

function available(requested: string, there: string, what: "cpus" | "mems"): boolean {
  const refuse = (why: string) => invalid(`Invalid value ${requested} for cpuset ${what}: ${why}`);
  const highest = Math.max(0, ...(requested.match(/\d+/g) ?? []).map(Number));
  if (/^[\d,-]*$/.test(requested) && highest > MAXIMUM_CPU)
    throw refuse(`value of out range, maximum is ${MAXIMUM_CPU}`);
  const wanted = parseNumberList(requested);
  if (!wanted) throw refuse(`invalid format: ${requested}`);
  const has = new Set(parseNumberList(there) ?? []);
  return wanted.every((number) => has.has(number));
}

function checkBlockInputOutput({ config, support, warnings }: Check): void {
  const lost = "or the cgroup is not mounted.";
  if ((config.BlkioWeight ?? 0) > 0 && !support.blkioWeight) {
    warnings.push(`Your kernel does not support Block I/O weight ${lost} Weight discarded.`);
    config.BlkioWeight = 0;
  }
  const { BlkioWeight: weight = 0 } = config;
  if (weight > 0 && (weight < 10 || weight > 1000)) throw invalid("Range of blkio weight is from 10 to 1000");
  const lists = [
    ["BlkioWeightDevice", support.blkioWeightDevice, "Block I/O weight_device", "Weight-device"],
    ["BlkioDeviceReadBps", support.blkioReadBps, "BPS Block I/O read limit", "Block I/O BPS read limit"],
    ["BlkioDeviceWriteBps", support.blkioWriteBps, "BPS Block I/O write limit", "Block I/O BPS write limit"],
    ["BlkioDeviceReadIOps", support.blkioReadIops, "IOPS Block read limit", "Block I/O IOPS read limit"],
    ["BlkioDeviceWriteIOps", support.blkioWriteIops, "IOPS Block write limit", "Block I/O IOPS write limit"],
  ] as const;
  for (const [key, supported, what, short] of lists)
    if ((config[key]?.length ?? 0) > 0 && !supported) {
      warnings.push(`Your kernel does not support ${what} ${lost} ${short} discarded.`);
      config[key] = [];
    }
}
