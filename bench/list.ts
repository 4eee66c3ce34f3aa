// `ps -a` over the API with 200 containers: requests a second, and the 99th percentile of their times while an image is
// pulled and a container writes 100 MB of log a second.
import type { Benchmark, Setting } from "./benchmarks.ts";
import { giveBusybox } from "./busybox.ts";
import type { Host } from "./hosts.ts";
import { type Sample, timeProcess } from "./measure.ts";
import { pullOnce, withRegistryImage } from "./pull.ts";

const CONTAINERS = 200;
const RUNNING = 20;
/** Clients that ask one request after the other, each on a connection of its own. */
const CLIENTS = 4;
const DURATION = 5_000;
const prefix = `berth-bench-list-${process.pid}`;
/** 10 MB ten times a second, in lines of 100 bytes; the log keeps the last 100 MB. */
const WRITER =
  "yes $(head -c 99 /dev/zero | tr '\\0' x) | head -c 10000000 > /f; while :; do cat /f; sleep 0.1; done";
const LOG = ["--log-opt", "max-size=50m", "--log-opt", "max-file=2"];

/** Milliseconds that each request took. */
async function ask(host: Host): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + DURATION;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (performance.now() < until) {
        const began = performance.now();
        const answer = await fetch("http://engine/v1.51/containers/json?all=1", { unix: host.socket });
        const bytes = (await answer.arrayBuffer()).byteLength;
        if (!answer.ok || bytes < CONTAINERS * 100) throw new Error(`an answer of ${bytes} bytes`);
        times.push(performance.now() - began);
      }
    }),
  );
  return times;
}

const percentile = (times: number[], part: number): number =>
  times.sort((a, b) => a - b)[Math.floor(times.length * part)] ?? Number.NaN;

async function withContainers(host: Host, work: () => Promise<number>): Promise<number> {
  const run = (...args: string[]) => timeProcess([host.cli, ...args], host.environment);
  const names = Array.from({ length: CONTAINERS }, (_, i) => `${prefix}-${i}`);
  try {
    for (let from = 0; from < CONTAINERS; from += 10)
      await Promise.all(
        names
          .slice(from, from + 10)
          .map((name, i) =>
            from + i < RUNNING
              ? run("run", "-d", "--name", name, "busybox", "sleep", "3600")
              : run("create", "--name", name, "busybox", "true"),
          ),
      );
    await ask(host); // not counted
    return await work();
  } finally {
    await run("rm", "-f", ...names).catch(() => {});
  }
}

async function underLoad(host: Host, image: string): Promise<number> {
  const run = (...args: string[]) => timeProcess([host.cli, ...args], host.environment);
  const writer = `${prefix}-writer`;
  await run("run", "-d", "--name", writer, ...LOG, "busybox", "sh", "-c", WRITER);
  let over = false;
  const pulls = (async () => {
    while (!over) await pullOnce(host, image);
  })();
  try {
    await Bun.sleep(500);
    return percentile(await ask(host), 0.99);
  } finally {
    over = true;
    await pulls;
    await run("rm", "-f", writer);
  }
}

async function inEach(setting: Setting, measure: (host: Host) => Promise<number>): Promise<Sample> {
  await giveBusybox(setting);
  const { ours, peer } = setting;
  return {
    ours: [await withContainers(ours, () => measure(ours))],
    peer: peer ? [await withContainers(peer, () => measure(peer))] : [],
  };
}

export const listing: Benchmark[] = [
  {
    name: "list: 200 containers over the API, requests a second",
    unit: "/s",
    bar: "at least Docker's",
    atLeastRatio: 1,
    run: (setting) => inEach(setting, async (host) => ((await ask(host)).length * 1000) / DURATION),
  },
  {
    name: "list: the same beside a pull and 100 MB/s of log, 99th percentile",
    unit: "ms",
    bar: "at most Docker's",
    run: (setting) => withRegistryImage((image) => inEach(setting, (host) => underLoad(host, image))),
  },
];
