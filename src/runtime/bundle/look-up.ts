// What a bundle needs of the host and of the mounted root, looked up side by side: users, devices, the init, mounts'
// propagation.
import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import type { HostEnvironment } from "../../base/environment.ts";
import { invalid, systemError } from "../../base/errors.ts";
import type { BundleInput } from "../types.ts";
import type { BundleFacts } from "./build.ts";
import { deviceNumber, findDevices, hostDevices } from "./devices.ts";
import { hostFacts } from "./host-facts.ts";
import { wantsInit } from "./process.ts";
import { limitedDevices } from "./resources.ts";
import { makeFolderInRoot, readInRoot } from "./root-path.ts";
import { type AccountFiles, resolveUser } from "./user.ts";

/** Also makes the working folder when it is missing, as Docker does. Errors: invalid, in Docker's words. */
export async function lookUp(input: BundleInput): Promise<BundleFacts> {
  const { config, hostConfig, environment, rootfs } = input;
  const accounts = accountFiles(rootfs);
  const [devices, numbers, all, rootPropagation, shm] = await Promise.all([
    Promise.all((hostConfig.Devices ?? []).map(findDevices)),
    Promise.all(limitedDevices(hostConfig).map(async (path) => [path, await deviceNumber(path)] as const)),
    hostConfig.Privileged ? hostDevices() : [],
    rootPropagationFor(input.mounts),
    sharedMemory(input),
    config.WorkingDir && makeFolderInRoot(rootfs, config.WorkingDir, rootOwner(environment)),
  ]);
  return {
    host: hostFacts(environment),
    user: resolveUser(config.User ?? "", hostConfig.GroupAdd, accounts),
    devices,
    numbers: Object.fromEntries(numbers),
    hostDevices: all,
    initPath: wantsInit(hostConfig, input.defaults) ? findInit(input.defaults?.initPath) : undefined,
    rootPropagation,
    shm,
  };
}

/** The tmpfs to bind as /dev/shm, where it is not the container's own. */
async function sharedMemory({ hostConfig, files }: BundleInput): Promise<BundleFacts["shm"]> {
  const source = hostConfig.IpcMode === "host" ? "/dev/shm" : files.shm;
  return source ? { source, options: await inheritedOptions(source) } : undefined;
}

/** The host ids of the container's root. */
export function rootOwner(environment: HostEnvironment): { uid: number; gid: number } {
  const first = (ranges: { container: number; host: number }[] | undefined) =>
    ranges?.find(({ container }) => container === 0)?.host ?? 0;
  return { uid: first(environment.idMapping?.uid), gid: first(environment.idMapping?.gid) };
}

/** The image's account files, as the container sees them. */
export function accountFiles(rootfs: string): AccountFiles {
  return { passwd: readInRoot(rootfs, "/etc/passwd"), group: readInRoot(rootfs, "/etc/group") };
}

/** Static programs only: what is bound into the container has no libraries there. Docker's and Debian's places. */
const INIT_PATHS = [
  "/usr/bin/tini-static",
  "/usr/libexec/docker/docker-init",
  "/usr/local/libexec/docker/docker-init",
  "/usr/libexec/docker-init",
  "/usr/bin/docker-init",
];

function findInit(configured: string | undefined): string {
  const found = configured ?? INIT_PATHS.find((path) => existsSync(path));
  if (!found)
    throw systemError(
      'exec: "docker-init": executable file not found in $PATH: --init needs Debian\'s package tini, or init-path in daemon.json',
    );
  return found;
}

/** A bind that is shared with the host (or its slave) can only be so below a root that is, too. */
async function rootPropagationFor(mounts: BundleInput["mounts"]): Promise<"shared" | "rslave" | undefined> {
  let needed: "shared" | "rslave" | undefined;
  for (const { source, options } of mounts) {
    const shared = options.includes("shared") || options.includes("rshared");
    const slave = options.includes("slave") || options.includes("rslave");
    if (!shared && !slave) continue;
    await requirePropagation(source, shared);
    needed = shared ? "shared" : (needed ?? "rslave");
  }
  return needed;
}

/** Errors: invalid, in Docker's words, when the host's mount is neither shared nor (unless it must be) a slave. */
async function requirePropagation(source: string, mustBeShared: boolean): Promise<void> {
  const path = await realpath(source);
  const mount = mountOf(path, await readFile("/proc/self/mountinfo", "utf8"));
  const propagates = mount.optional.some(
    (field) => field.startsWith("shared:") || (!mustBeShared && field.startsWith("master:")),
  );
  if (!propagates)
    throw invalid(
      `path ${source} is mounted on ${mount.point} but it is not a shared${mustBeShared ? "" : " or slave"} mount`,
    );
}

/** One mount as proc_pid_mountinfo(5) has it. */
export interface HeldBy {
  point: string;
  /** Of the mount, not of its file system: ro, nosuid, … */
  options: string[];
  /** shared:N, master:N. */
  optional: string[];
}

/** The mount that holds a path, from the text of proc_pid_mountinfo(5): the longest mount point, of those the last. */
export function mountOf(path: string, mountinfo: string): HeldBy {
  let best: HeldBy = { point: "/", options: [], optional: [] };
  for (const line of mountinfo.split("\n")) {
    const [before = ""] = line.split(" - ");
    const [, , , , escaped, options = "", ...optional] = before.split(" ");
    if (!escaped) continue;
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const holds = path === point || path.startsWith(point === "/" ? "/" : `${point}/`);
    if (holds && point.length >= best.point.length) best = { point, options: options.split(","), optional };
  }
  return best;
}

/** Options of a mount that a bind of it must not lose. */
const KEPT = ["ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "nosymfollow"];

/**
 * What a bind of `source` has to repeat of the mount that it is on: runc keeps those options, crun 1.8 mounts the bind
 * again without them, and what the host mounted nosuid or read-only would be neither in the container.
 */
export async function inheritedOptions(source: string, mountinfo?: string): Promise<string[]> {
  const path = await realpath(source).catch(() => source);
  const { options } = mountOf(path, mountinfo ?? (await readFile("/proc/self/mountinfo", "utf8")));
  return KEPT.filter((option) => options.includes(option));
}
