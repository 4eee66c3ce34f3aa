// Control groups from outside a container: which hierarchies the host has, where a container's folders are, who is in
// them. cgroups(7), and the kernel's admin-guide/cgroup-v1 and cgroup-v2. The shim loads this file: it stays small.
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import type { CgroupMode } from "../base/environment.ts";

const ROOT = "/sys/fs/cgroup";
const UNIFIED = `${ROOT}/unified`;
const SIGKILL = 9;

let mode: CgroupMode | undefined;

/** How the host mounts its control groups, found out once. */
export function hostCgroupMode(): CgroupMode {
  mode ??= existsSync(`${ROOT}/cgroup.controllers`)
    ? "v2"
    : existsSync(`${UNIFIED}/cgroup.controllers`)
      ? "hybrid"
      : "v1";
  return mode;
}

/** v1 hierarchies by controller: what `/proc/self/mountinfo` would say too, without parsing thousands of mounts. */
function v1Controllers(): string[] {
  return readdirSync(ROOT).filter((name) => name !== "unified" && existsSync(`${ROOT}/${name}/cgroup.procs`));
}

/**
 * A container's group as a path below the hierarchy's root. systemd's form `slice:prefix:name` is the unit
 * `prefix-name.scope` in the slice, and each dash of a slice's name is a level (systemd.slice(5)).
 */
export function cgroupRelativePath(cgroupPath: string): string {
  if (!cgroupPath.includes(":")) return `/${cgroupPath.replace(/^\/+/, "")}`;
  const [slice = "", prefix = "", name = ""] = cgroupPath.split(":");
  const unit = name.endsWith(".slice") ? name : `${prefix ? `${prefix}-` : ""}${name}.scope`;
  return `${slicePath(slice || "system.slice")}/${unit}`;
}

/** A unit's name, no path: each dash is a level (systemd.slice(5)), so there is something on both sides of it. */
export const isSliceName = (name: string): boolean =>
  name === "-.slice" || /^[\w:.\\@]+(?:-[\w:.\\@]+)*\.slice$/.test(name);

/** `a-b.slice` → `/a.slice/a-b.slice`; the root slice is the hierarchy's root. */
export function slicePath(slice: string): string {
  if (slice === "-.slice") return "";
  const parts = slice.replace(/\.slice$/, "").split("-");
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join("-")}.slice`).join("");
}

/**
 * The folders of a container's control group that are there: one for each v1 controller by its name, or `unified` on v2.
 * `cgroupPath` is what config.json says: `/docker/ID`, or systemd's `slice:prefix:name`.
 */
export function cgroupFolders(cgroupPath: string): Record<string, string> {
  const relative = cgroupRelativePath(cgroupPath);
  const folders: Record<string, string> = {};
  if (hostCgroupMode() === "v2") {
    if (existsSync(ROOT + relative)) folders.unified = ROOT + relative;
    return folders;
  }
  for (const controller of v1Controllers()) {
    const folder = `${ROOT}/${controller}${relative}`;
    if (existsSync(folder)) folders[controller] = folder;
  }
  return folders;
}

/**
 * The scope of systemd that a container's group is in: `/system.slice/berth-ID.scope/container`. Undefined where
 * systemd manages no groups of ours.
 */
export function scopeOf(cgroupPath: string): { slice: string; unit: string; folder: string } | undefined {
  const found = /^((?:\/[^/]+\.slice)*)\/([^/]+\.scope)\/container$/.exec(cgroupPath);
  if (!found) return undefined;
  const [, slices = "", unit = ""] = found;
  return { slice: slices.split("/").at(-1) || "-.slice", unit, folder: `${ROOT}${slices}/${unit}` };
}

/** The one folder that tells the processes: every hierarchy has them all. */
function processFolder(cgroupPath: string): string {
  const hierarchy =
    hostCgroupMode() === "v2" ? ROOT : `${ROOT}/${existsSync(`${ROOT}/pids`) ? "pids" : "memory"}`;
  return hierarchy + cgroupRelativePath(cgroupPath);
}

/** Process ids in a container's control group and those below it. Empty where the group is gone. */
export function cgroupProcesses(cgroupPath: string): number[] {
  const pids: number[] = [];
  const walk = (folder: string) => {
    for (const line of (read(`${folder}/cgroup.procs`) ?? "").split("\n")) if (line) pids.push(Number(line));
    for (const child of subfolders(folder)) walk(child);
  };
  walk(processFolder(cgroupPath));
  return pids;
}

/** True while the container is frozen (paused). */
export function cgroupFrozen(cgroupPath: string): boolean {
  const relative = cgroupRelativePath(cgroupPath);
  return hostCgroupMode() === "v2"
    ? (read(`${ROOT}${relative}/cgroup.freeze`) ?? "").trim() === "1"
    : (read(`${ROOT}/freezer${relative}/freezer.state`) ?? "THAWED").trim() !== "THAWED";
}

/** How many of the group's processes the kernel killed for want of memory; 0 where the group is gone. */
export function cgroupOomKills(cgroupPath: string): number {
  const relative = cgroupRelativePath(cgroupPath);
  const file =
    hostCgroupMode() === "v2"
      ? `${ROOT}${relative}/memory.events`
      : `${ROOT}/memory${relative}/memory.oom_control`;
  const match = /^oom_kill (\d+)$/m.exec(read(file) ?? "");
  return match ? Number(match[1]) : 0;
}

/** Polls of a millisecond until the v1 freezer has stopped everybody; one in an uninterruptible call may not be. */
const FREEZE_POLLS = 50;

/** One round of SIGKILL for all that is in the group, a frozen one too; gives how many processes it found. */
export function killCgroup(cgroupPath: string): number {
  const relative = cgroupRelativePath(cgroupPath);
  const found = cgroupProcesses(cgroupPath);
  if (found.length === 0) return 0;
  if (hostCgroupMode() === "v2") {
    // cgroup.kill (since 5.14) can't be outrun by a process that forks.
    if (tryWrite(`${ROOT}${relative}/cgroup.kill`, "1")) return found.length;
    killAll(found);
    tryWrite(`${ROOT}${relative}/cgroup.freeze`, "0");
    return found.length;
  }
  // On v1 the freezer holds them meanwhile, so that none forks between the list and the signal.
  const freezer = `${ROOT}/freezer${relative}/freezer.state`;
  tryWrite(freezer, "FROZEN");
  for (let polls = 0; polls < FREEZE_POLLS && read(freezer)?.trim() === "FREEZING"; polls++) Bun.sleepSync(1);
  killAll(cgroupProcesses(cgroupPath));
  tryWrite(freezer, "THAWED");
  return found.length;
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, SIGKILL);
    } catch {
      // It ended by itself.
    }
  }
}

/**
 * Removes the group's folders, those that the container made below included. False where one is still busy: a process
 * that ended is in it until the kernel has let it go.
 */
export function removeCgroup(cgroupPath: string): boolean {
  const folders = Object.values(cgroupFolders(cgroupPath));
  // Of no use for limits there, but runc makes one.
  if (hostCgroupMode() === "hybrid") folders.push(UNIFIED + cgroupRelativePath(cgroupPath));
  return folders.map(removeFolder).every(Boolean);
}

function removeFolder(folder: string): boolean {
  for (const child of subfolders(folder)) if (!removeFolder(child)) return false;
  try {
    rmdirSync(folder);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
  return true;
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${folder}/${entry.name}`);
  } catch {
    return [];
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function tryWrite(path: string, text: string): boolean {
  try {
    writeFileSync(path, text);
    return true;
  } catch {
    return false;
  }
}
