// Fifty containers at once: how many a second are started, and what all of an engine's processes take for each that idles.
import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Benchmark, Setting } from "./benchmarks.ts";
import { giveBusybox } from "./busybox.ts";
import type { Host } from "./hosts.ts";
import { type Sample, timeProcess } from "./measure.ts";

const MANY = 50;
const ROUNDS = 3;
const name = (i: number) => `berth-bench-many-${process.pid}-${i}`;
const NAMES = Array.from({ length: MANY }, (_, i) => name(i));

async function startAll(host: Host): Promise<number> {
  const began = performance.now();
  await Promise.all(
    NAMES.map((one) =>
      timeProcess([host.cli, "run", "-d", "--name", one, "busybox", "sleep", "3600"], host.environment),
    ),
  );
  return (MANY * 1000) / (performance.now() - began);
}

const removeAll = (host: Host) => timeProcess([host.cli, "rm", "-f", ...NAMES], host.environment);

async function text(host: Host, ...args: string[]): Promise<string> {
  const child = Bun.spawn([host.cli, ...args], {
    env: { ...process.env, ...host.environment },
    stdout: "pipe",
    stderr: "inherit",
  });
  return (await new Response(child.stdout).text()).trim();
}

const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
const wordsOf = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
};
const processes = () =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);

/** The shims are the parents of the containers' first processes; who they answer to is the rest of the engine. */
async function engineProcesses(host: Host): Promise<Set<number>> {
  const inits = (await text(host, "inspect", "-f", "{{.State.Pid}}", ...NAMES)).split("\n").map(Number);
  const shims = inits.map(parentOf);
  const found = new Set(shims);
  const [command = "", ...words] = wordsOf(shims[0] ?? 0);
  const place = command.includes("containerd-shim")
    ? dirname(words[words.indexOf("-address") + 1] ?? "")
    : undefined;
  for (const pid of processes()) {
    const [program = "", ...rest] = wordsOf(pid);
    if (place === undefined) {
      // Ours: the daemon whose socket is the bench's.
      if (rest[0] === "daemon" && rest.includes(`unix://${host.socket}`)) found.add(pid);
    } else if (/(^|\/)containerd$/.test(program) && rest.some((word) => word.startsWith(place))) {
      found.add(pid);
      const parent = parentOf(pid);
      if (/(^|\/)dockerd$/.test(wordsOf(parent)[0] ?? "")) found.add(parent);
    }
  }
  return found;
}

/** Proportional set size in MB: what is shared counts for each by its part (proc(5), smaps_rollup). */
function proportional(pid: number): number {
  const found = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(found?.[1]) / 1024;
}

async function memoryOfEach(host: Host): Promise<number> {
  await startAll(host);
  try {
    await Bun.sleep(2_000);
    const pids = await engineProcesses(host);
    return [...pids].reduce((sum, pid) => sum + proportional(pid), 0) / MANY;
  } finally {
    await removeAll(host);
  }
}

async function each(setting: Setting, rounds: number, measure: (host: Host) => Promise<number>) {
  await giveBusybox(setting);
  const sample: Sample = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    sample.ours.push(await measure(setting.ours));
    if (setting.peer) sample.peer.push(await measure(setting.peer));
  }
  return sample;
}

export const manyContainers: Benchmark[] = [
  {
    name: "many: fifty `run -d` at once, containers a second",
    unit: "/s",
    bar: "at least Docker's",
    atLeastRatio: 1,
    run: (setting) =>
      each(setting, ROUNDS, async (host) => {
        try {
          return await startAll(host);
        } finally {
          await removeAll(host);
        }
      }),
  },
  {
    name: "many: memory of the whole engine, for each of fifty idle",
    unit: "MB",
    bar: "at most Docker's",
    run: (setting) => each(setting, 1, memoryOfEach),
  },
];
