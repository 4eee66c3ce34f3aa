// The benchmarks, each with its bar: a share of the peer's figure in the same run, or a number of its own.
import { buildBenchmarks } from "./build.ts";
import { giveBusybox } from "./busybox.ts";
import { command, type Host, type OurHost } from "./hosts.ts";
import { listing } from "./list.ts";
import { logBenchmarks } from "./logs.ts";
import { manyContainers } from "./many.ts";
import { inTurn, type Sample } from "./measure.ts";
import { shimMemory } from "./memory.ts";
import { nameBenchmarks } from "./names.ts";
import { networkBenchmarks } from "./network.ts";
import { benchPull } from "./pull.ts";

export interface Setting {
  ours: OurHost;
  peer: Host | undefined;
  rounds: number;
}

export interface Benchmark {
  name: string;
  unit: "ms" | "MB" | "MB/s" | "/s";
  bar: string;
  /** The bar as a ratio to the peer's median (default 1), or as a number in the benchmark's unit. */
  atMostRatio?: number;
  atMost?: number;
  /** For rates: the ratio that must be reached. */
  atLeastRatio?: number;
  run(setting: Setting): Promise<Sample>;
}

const inBoth = ({ ours, peer, rounds }: Setting, ...args: string[]) =>
  inTurn(rounds, () => command(ours, ...args), peer && (() => command(peer, ...args)));

async function withContainer(setting: Setting, work: (name: string) => Promise<Sample>): Promise<Sample> {
  await giveBusybox(setting);
  const name = `berth-bench-${process.pid}`;
  const hosts = [setting.ours, ...(setting.peer ? [setting.peer] : [])];
  for (const host of hosts) await command(host, "run", "-d", "--name", name, "busybox", "sleep", "3600");
  try {
    return await work(name);
  } finally {
    for (const host of hosts) await command(host, "rm", "-f", name);
  }
}

export const BENCHMARKS: Benchmark[] = [
  {
    name: "version: `berth version`, whole process",
    unit: "ms",
    bar: "at most Docker's",
    run: (setting) => inBoth(setting, "version"),
  },
  {
    name: "start: `berth run --rm busybox true` on the bridge",
    unit: "ms",
    bar: "at most half of Docker's",
    atMostRatio: 0.5,
    async run(setting) {
      await giveBusybox(setting);
      return inBoth(setting, "run", "--rm", "busybox", "true");
    },
  },
  {
    name: "exec: `berth exec C true`",
    unit: "ms",
    bar: "at most half of Docker's",
    atMostRatio: 0.5,
    run: (setting) => withContainer(setting, (name) => inBoth(setting, "exec", name, "true")),
  },
  ...shimMemory,
  ...logBenchmarks,
  ...manyContainers,
  ...listing,
  benchPull,
  ...buildBenchmarks,
  ...nameBenchmarks,
  ...networkBenchmarks,
];
