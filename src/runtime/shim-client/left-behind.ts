// What a shim leaves in its folder and in the kernel, when it is dead or has to go.
import { readdirSync } from "node:fs";
import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { killCgroup, removeCgroup } from "../cgroups.ts";
import { killTree } from "../process-tree.ts";
import type { ExitStatus, LeftExit, ShimConfig } from "../types.ts";
import { read } from "./read-file.ts";

/** For a runtime's `delete` of what has no processes any more: milliseconds. */
const DELETE_LIMIT = 10_000;

/** How the container ended, from `dir`/exit.json; undefined where it did not end under a living shim. */
export function readLeftExit(dir: string): LeftExit {
  const text = read(`${dir}/exit.json`);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as ExitStatus;
  } catch {
    // A power cut came before the file's content was on the disk.
    return undefined;
  }
}

/** The control group of the container whose shim has `dir`, as config.json names it; undefined where no shim was started. */
export function containerCgroup(dir: string): string | undefined {
  const text = read(`${dir}/shim.json`);
  return text === undefined ? undefined : (JSON.parse(text) as ShimConfig).cgroupPath;
}

/**
 * What a dead shim left: kills every process of the container's cgroup, takes the runtime's state and the cgroup
 * away. Also for a shim that is alive but must go. Safe to call again.
 */
export function killLeftBehind(dir: string): Promise<void> {
  // Once for all who want it at the same time: a runtime that is called late would make a folder anew that another has
  // just taken away.
  const going = killing.get(dir) ?? killOnce(dir).finally(() => killing.delete(dir));
  killing.set(dir, going);
  return going;
}

const killing = new Map<string, Promise<void>>();

async function killOnce(dir: string): Promise<void> {
  const config = readConfig(dir);
  if (!config) return;
  const { runtime, cgroupPath } = config;
  await killProcesses(dir, cgroupPath);
  if (config.hasHooks || !PLAIN.has(runtime.name)) await deleteByRuntime(dir, config);
  for (let tries = 0; !removeCgroup(cgroupPath) && tries < 50; tries++) await Bun.sleep(20);
}

/** Undefined where no shim was started: on a full disk the file may be there and cut. */
function readConfig(dir: string): ShimConfig | undefined {
  try {
    return JSON.parse(read(`${dir}/shim.json`) ?? "") as ShimConfig;
  } catch {
    return undefined;
  }
}

/** Their `delete` without hooks does no more than is done here: processes, groups, a folder of state, which is in `dir`. */
const PLAIN = new Set(["crun", "runc"]);

/** The cgroup's processes are gone, so this has nothing to wait for, but some runtimes have more than processes. */
async function deleteByRuntime(dir: string, { runtime, id }: ShimConfig): Promise<void> {
  try {
    const child = Bun.spawn({
      cmd: [runtime.path, ...runtime.args, "--root", `${dir}/state`, "delete", "--force", id],
      stdio: ["ignore", "ignore", "ignore"],
    });
    const limit = setTimeout(() => killTree(child.pid), DELETE_LIMIT);
    await child.exited.finally(() => clearTimeout(limit));
  } catch (error) {
    log.warn("a runtime cannot be called", { runtime: runtime.path, error: messageOf(error) });
  }
}

async function killProcesses(dir: string, cgroupPath: string): Promise<void> {
  const init = Number(read(`${dir}/init.pid`) ?? Number.NaN);
  const shim = Number(read(`${dir}/shim.pid`) ?? Number.NaN);
  if (isShimOf(shim, dir)) kill(shim);
  // A runtime that the shim had called goes on without it, and would bring the container up after all.
  for (let tries = 0; killRuntimeCalls(dir) > 0 && tries < 500; tries++) await Bun.sleep(10);
  // A process that is being killed may take a moment (disk, memory); one that forks meanwhile is met again.
  for (let tries = 0; killCgroup(cgroupPath) > 0 && tries < 500; tries++) await Bun.sleep(10);
  // Where the host's cgroups tell nothing, the init itself, if it still is one that the shim's death orphaned.
  if (read(`/proc/${init}/cgroup`)?.includes(cgroupPath)) kill(init);
}

/** Kills the calls of a runtime on the state below `dir`, and what they forked before it became another program. */
function killRuntimeCalls(dir: string): number {
  const calls = readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    // A dead process that nobody has reaped yet has no command line any more.
    return read(`/proc/${name}/cmdline`)?.split("\0").includes(`${dir}/state`);
  });
  for (const pid of calls) killTree(Number(pid));
  return calls.length;
}

/** True when the pid is still that shim and not a later process of the same number. */
function isShimOf(pid: number, dir: string): boolean {
  const command = Number.isInteger(pid) ? read(`/proc/${pid}/cmdline`)?.split("\0") : undefined;
  return command?.includes("shim") === true && command.includes(dir);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
