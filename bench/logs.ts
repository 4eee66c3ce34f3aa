// Output at speed: a gigabyte of log read back, with what the daemon takes for it, and a gigabyte pumped to an attached client.
// BERTH_BENCH_BYTES: another size, for a quick look.
import { readFileSync } from "node:fs";
import type { Benchmark, Setting } from "./benchmarks.ts";
import { giveBusybox } from "./busybox.ts";
import { command, type Host } from "./hosts.ts";
import { inTurn, type Sample } from "./measure.ts";

const BYTES = Number(process.env.BERTH_BENCH_BYTES ?? 1_000_000_000);
/** A gigabyte each time: few rounds show it. */
const ROUNDS = 3;
/** Lines of a hundred bytes. */
const WRITE = `yes ${"x".repeat(99)} | head -c ${BYTES}`;
const NAME = `berth-bench-logs-${process.pid}`;
/** Milliseconds between two looks at the daemon's memory. */
const LOOK = 50;

const megabytesPerSecond = (milliseconds: number) => BYTES / 1e6 / (milliseconds / 1000);

async function withLog(setting: Setting, work: () => Promise<Sample>): Promise<Sample> {
  await giveBusybox(setting);
  const hosts = [setting.ours, ...(setting.peer ? [setting.peer] : [])];
  try {
    for (const host of hosts) {
      await command(host, "run", "-d", "--name", NAME, "busybox", "sh", "-c", WRITE);
      await command(host, "wait", NAME);
    }
    return await work();
  } finally {
    for (const host of hosts) await command(host, "rm", "-f", NAME);
  }
}

/** Megabytes that the process has in memory beyond `text` shared with others (proc(5), statm). */
function memoryOf(pid: number): number {
  const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ").map(Number);
  return ((resident - shared) * 4096) / 1e6;
}

async function growthWhileReading({ ours }: Setting): Promise<Sample> {
  const pid = Number(readFileSync(`${ours.execRoot}/../pid`, "utf8"));
  const before = memoryOf(pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, memoryOf(pid));
  }, LOOK);
  await command(ours, "logs", NAME);
  clearInterval(timer);
  return { ours: [most - before], peer: [] };
}

export const logBenchmarks: Benchmark[] = [
  {
    name: "logs: `berth logs` of a 1 GB log",
    unit: "MB/s",
    bar: "at least Docker's",
    atLeastRatio: 1,
    run: (setting) =>
      withLog(setting, () => {
        const read = (host: Host) => async () => megabytesPerSecond(await command(host, "logs", NAME));
        return inTurn(ROUNDS, read(setting.ours), setting.peer && read(setting.peer));
      }),
  },
  {
    name: "logs: memory that the daemon takes for it",
    unit: "MB",
    bar: "at most 64 MB",
    atMost: 64,
    run: (setting) => withLog(setting, () => growthWhileReading(setting)),
  },
  {
    name: "attach: 1 GB of a container's output to an attached client",
    unit: "MB/s",
    bar: "at least Docker's",
    atLeastRatio: 1,
    async run(setting) {
      await giveBusybox(setting);
      const pump = (host: Host) => async () =>
        megabytesPerSecond(await command(host, "run", "--rm", "busybox", "sh", "-c", WRITE));
      return inTurn(ROUNDS, pump(setting.ours), setting.peer && pump(setting.peer));
    },
  },
];
