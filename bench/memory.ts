// Private memory of a shim: idle, and again after its container wrote 1 GB and 1,000 execs came and went.
import { readFileSync } from "node:fs";
import type { Benchmark, Setting } from "./benchmarks.ts";
import type { Host } from "./hosts.ts";
import { type Sample, timeProcess } from "./measure.ts";

const EXECS = 1_000;
const GIGABYTE = 1_000_000_000;
/** Side by side, as clients would; one after the other takes a minute and shows the same. */
const AT_A_TIME = 8;

/** Private bytes of a process in MB (proc(5), smaps_rollup). */
function privateMemory(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return [...text.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, kb]) => sum + Number(kb), 0) / 1024;
}

async function output(host: Host, ...args: string[]): Promise<string> {
  const child = Bun.spawn([host.cli, ...args], {
    env: { ...process.env, ...host.environment },
    stdout: "pipe",
    stderr: "inherit",
  });
  return (await new Response(child.stdout).text()).trim();
}

/** The shim is the parent of the container's first process. */
async function shimOf(host: Host, container: string): Promise<number> {
  const init = Number(await output(host, "inspect", "-f", "{{.State.Pid}}", container));
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${init}/status`, "utf8"))?.[1]);
}

async function inEach({ ours, peer }: Setting, measure: (host: Host) => Promise<number>): Promise<Sample> {
  return { ours: [await measure(ours)], peer: peer ? [await measure(peer)] : [] };
}

async function withShim(
  host: Host,
  command: string[],
  work: (shim: number, name: string) => Promise<number>,
): Promise<number> {
  const name = `berth-bench-memory-${process.pid}`;
  await timeProcess([host.cli, "run", "-d", "--name", name, "busybox", ...command], host.environment);
  try {
    return await work(await shimOf(host, name), name);
  } finally {
    await timeProcess([host.cli, "rm", "-f", name], host.environment);
  }
}

async function afterWork(host: Host): Promise<number> {
  const write = `head -c ${GIGABYTE} /dev/zero | tr '\\0' 'x' | fold -w 100; touch /done; sleep 3600`;
  return withShim(host, ["sh", "-c", write], async (shim, name) => {
    const run = (...args: string[]) => timeProcess([host.cli, "exec", name, ...args], host.environment);
    while ((await run("test", "-e", "/done").catch(() => 0)) === 0) await Bun.sleep(200);
    for (let done = 0; done < EXECS; done += AT_A_TIME)
      await Promise.all(Array.from({ length: AT_A_TIME }, () => run("true")));
    await Bun.sleep(1_000);
    return privateMemory(shim);
  });
}

export const shimMemory: Benchmark[] = [
  {
    name: "shim: private memory, idle",
    unit: "MB",
    bar: "at most 6 MB",
    atMost: 6,
    run: (setting) =>
      inEach(setting, (host) =>
        withShim(host, ["sleep", "3600"], async (shim) => {
          await Bun.sleep(1_000);
          return privateMemory(shim);
        }),
      ),
  },
  {
    name: "shim: private memory after 1 GB of output and 1,000 execs",
    unit: "MB",
    bar: "at most 6 MB",
    atMost: 6,
    run: (setting) => inEach(setting, afterWork),
  },
];
