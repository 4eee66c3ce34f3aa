// What a container's control group has used, read from outside it: one file here for each version of the hierarchy.
// Files for which the kernel sums over processors and groups, milliseconds on a large host, are read on another thread;
// the others are a number each, 5 µs, a fifth of what the way to another thread costs.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import type { CgroupMode } from "../../base/environment.ts";
import { cgroupRelativePath, hostCgroupMode } from "../cgroups.ts";
import { times } from "./numbers.ts";
import type { CgroupStats, Count } from "./types.ts";
import { readV1 } from "./v1.ts";
import { readV2 } from "./v2.ts";

export type { BlockUsage, CgroupStats, Count, ProcessorUsage } from "./types.ts";

const SUMMED = /\/(memory|cpu|io)\.stat$/;

/** USER_HZ as nanoseconds, as in /proc/stat. */
const TICK = 1e7;

/**
 * Figures of the group that config.json names (`linux.cgroupsPath`), those below it included. undefined: it is gone.
 * `root`, `mode` and `hostMemory` (bytes) are this host's unless a test has recorded another's.
 */
export function readCgroupStats(
  cgroupPath: string,
  host: { root?: string; mode?: CgroupMode; hostMemory?: number } = {},
): Promise<CgroupStats | undefined> {
  const { root = "/sys/fs/cgroup", mode = hostCgroupMode(), hostMemory = totalmem() } = host;
  const relative = cgroupRelativePath(cgroupPath);
  if (mode === "v2") return readV2((file) => read(`${root}${relative}/${file}`), hostMemory);
  return readV1((path) => {
    const [controller, file] = path.split("/", 2);
    return read(`${root}/${controller}${relative}/${file}`);
  }, hostMemory);
}

/**
 * Nanoseconds that the host's processors have run, idle time included, and how many there are: the scale on which
 * clients put a container's share. proc_stat(5).
 */
export function readHostProcessors(path = "/proc/stat"): Promise<{ usage: Count; online: number }> {
  if (path !== "/proc/stat") return readProcessors(path);
  // Once for all who ask at the same moment: its hundreds of columns are summed too.
  going ??= readProcessors(path).finally(() => {
    going = undefined;
  });
  return going;
}

let going: Promise<{ usage: Count; online: number }> | undefined;

async function readProcessors(path: string): Promise<{ usage: Count; online: number }> {
  const text = await readFile(path, "utf8");
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ").slice(0, 7) ?? [];
  const ticks = fields.reduce((sum, field) => sum + Number(field), 0);
  return { usage: times(ticks, TICK), online: text.match(/^cpu\d+ /gm)?.length ?? 0 };
}

async function read(path: string): Promise<string | undefined> {
  try {
    return SUMMED.test(path) ? await readFile(path, "utf8") : readFileSync(path, "utf8");
  } catch {
    return undefined; // the controller or the group isn't there, or has just gone (ENODEV)
  }
}
