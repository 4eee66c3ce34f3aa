// The table of `stats`: what of a container's counters people want to see, and how it is worded.
import type { ContainerStatsResponse } from "../../sdk/index.ts";
import { type Row, row } from "./rows.ts";
import { binarySize, humanSize, shortId } from "./units.ts";

export const STATS = {
  table: "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
  headers: {
    Container: "CONTAINER",
    Name: "NAME",
    ID: "CONTAINER ID",
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
  },
};

/** What one reading comes to. Percent, bytes. */
export interface Figures {
  name: string;
  id: string;
  processor: number;
  memory: number;
  memoryLimit: number;
  received: number;
  sent: number;
  read: number;
  written: number;
  processes: number;
}

export function figuresOf(stats: ContainerStatsResponse): Figures {
  const networks = Object.values(stats.networks ?? {});
  const blocks = (stats.blkio_stats?.io_service_bytes_recursive ?? []) as { op?: string; value?: number }[];
  const sum = (values: (number | undefined)[]) =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  const moved = (letter: string) =>
    sum(blocks.filter(({ op }) => op?.toLowerCase().startsWith(letter)).map(({ value }) => value));
  return {
    name: stats.name ?? "",
    id: stats.id ?? "",
    processor: processorShare(stats),
    memory: memoryInUse(stats.memory_stats),
    memoryLimit: stats.memory_stats?.limit ?? 0,
    received: sum(networks.map((network) => network?.rx_bytes)),
    sent: sum(networks.map((network) => network?.tx_bytes)),
    read: moved("r"),
    written: moved("w"),
    processes: stats.pids_stats?.current ?? 0,
  };
}

/** Percent of one processor, between the two readings: of four that are busy all the time, 400. */
function processorShare({ cpu_stats: now, precpu_stats: before }: ContainerStatsResponse): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0);
  const passed = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  const processors = now?.online_cpus || (now?.cpu_usage?.percpu_usage?.length ?? 0);
  return used > 0 && passed > 0 ? (used / passed) * processors * 100 : 0;
}

/** Without the file pages that the kernel would give up first: a program that read a file is not as large as it. */
function memoryInUse(memory: ContainerStatsResponse["memory_stats"]): number {
  const usage = memory?.usage ?? 0;
  const stats = memory?.stats;
  // v1 has both names, and counts the groups below only under the first.
  const reclaimable = stats?.total_inactive_file ?? stats?.inactive_file ?? 0;
  return reclaimable < usage ? usage - reclaimable : usage;
}

/** `figures` undefined: there are none (yet, or any more); id and name are kept. */
export function statsRow(
  shown: { container: string; id: string; name: string; figures: Figures | undefined },
  options: { truncate: boolean },
): Row {
  const { container, id, name, figures } = shown;
  const of = (text: (figures: Figures) => string, none = "--") => (figures ? text(figures) : none);
  const share = (f: Figures) => (f.memoryLimit > 0 ? (f.memory / f.memoryLimit) * 100 : 0);
  return row("*container.statsContext", {
    Container: () => container,
    Name: () => name.replace(/^\//, "") || "--",
    ID: () => (options.truncate ? shortId(id) : id),
    CPUPerc: () => of((f) => `${f.processor.toFixed(2)}%`),
    MemUsage: () => of((f) => `${binarySize(f.memory)} / ${binarySize(f.memoryLimit)}`, "-- / --"),
    MemPerc: () => of((f) => `${share(f).toFixed(2)}%`),
    NetIO: () => of((f) => `${humanSize(f.received, 3)} / ${humanSize(f.sent, 3)}`),
    BlockIO: () => of((f) => `${humanSize(f.read, 3)} / ${humanSize(f.written, 3)}`),
    PIDs: () => of((f) => String(f.processes)),
  });
}
