// What a bundle needs of the host and of the mounted root, looked up side by side: users, devices, the init, mounts'
// propagation.
import { existsSync } from "node:fs";
import type { HostEnvironment } from "../../base/environment.ts";
import { systemError } from "../../base/errors.ts";
import type { BundleInput } from "../types.ts";
import type { BundleFacts } from "./build.ts";
import { deviceNumber, findDevices, hostDevices } from "./devices.ts";
import { hostFacts } from "./host-facts.ts";
import { inheritedOptions, requirePropagation } from "./host-mounts.ts";
import { refuseMountsOnProc } from "./proc-safety.ts";
import { wantsInit } from "./process.ts";
import { limitedDevices } from "./resources.ts";
import { folderModeInRoot, makeFolderInRoot, placeInRoot, readInRoot } from "./root-path.ts";
import { type AccountFiles, resolveUser } from "./user.ts";

/** Also makes the working folder when it is missing, as Docker does. Errors: invalid, in Docker's words. */
export async function lookUp(input: BundleInput): Promise<BundleFacts> {
  const { config, hostConfig, environment, rootfs } = input;
  const accounts = accountFiles(rootfs);
  const [devices, numbers, all, rootPropagation, shm, passwdMounted] = await Promise.all([
    Promise.all((hostConfig.Devices ?? []).map(findDevices)),
    Promise.all(limitedDevices(hostConfig).map(async (path) => [path, await deviceNumber(path)] as const)),
    hostConfig.Privileged ? hostDevices() : [],
    rootPropagationFor(input.mounts),
    sharedMemory(input),
    passwdIsMounted(rootfs, input.mounts),
    refuseMountsOnProc(input),
    config.WorkingDir && makeFolderInRoot(rootfs, config.WorkingDir, rootOwner(environment)),
  ]);
  const resolved = resolveUser(config.User ?? "", hostConfig.GroupAdd, accounts);
  return {
    host: hostFacts(environment),
    user: passwdMounted ? { user: resolved.user } : resolved,
    devices,
    numbers: Object.fromEntries(numbers),
    hostDevices: all,
    initPath: wantsInit(hostConfig, input.defaults) ? findInit(input.defaults?.initPath) : undefined,
    rootPropagation,
    shm,
    folderModes: folderModes(input),
  };
}

function folderModes({ rootfs, mounts }: BundleInput): Record<string, number> {
  const modes: Record<string, number> = {};
  for (const { destination, type } of mounts) {
    const mode = type === "tmpfs" ? folderModeInRoot(rootfs, destination) : undefined;
    if (mode !== undefined) modes[destination] = mode;
  }
  return modes;
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

/**
 * Whether a mount hides the root's passwd file: names are looked up in the root all the same, as Docker does, but HOME
 * comes from what the container's programs see, and that the daemon doesn't open: it might never answer.
 */
export async function passwdIsMounted(
  rootfs: string,
  mounts: readonly { destination: string }[],
): Promise<boolean> {
  // Links in a circle, or too long: there is no such file, and a mount on it is not possible either.
  const place = await placeInRoot(rootfs, "/etc/passwd").catch(() => undefined);
  if (place === undefined) return false;
  return mounts.some(({ destination }) => `${place}/`.startsWith(`${destination}/`));
}

/** Static programs only: what is bound into the container has no libraries there. Docker's and Debian's places. */
const INIT_PATHS = [
  "/usr/bin/tini-static",
  "/usr/libexec/docker/docker-init",
  "/usr/local/libexec/docker/docker-init",
  "/usr/libexec/docker-init",
  "/usr/bin/docker-init",
];

/** The init that `--init` binds into a container; undefined where none is installed. */
export const usualInit = (configured?: string): string | undefined =>
  configured ?? INIT_PATHS.find((path) => existsSync(path));

function findInit(configured: string | undefined): string {
  const found = usualInit(configured);
  if (!found)
    throw systemError(
      'exec: "docker-init": executable file not found in $PATH: --init needs Debian\'s package tini, or init-path in daemon.json',
    );
  return found;
}

/** A bind that is shared with the host (or its slave) can only be so below a root that is, too. */
async function rootPropagationFor(mounts: BundleInput["mounts"]): Promise<"shared" | "rslave" | undefined> {
  let needed: "shared" | "rslave" | undefined;
  for (const { source, options, type } of mounts) {
    if (type !== "bind") continue;
    const shared = options.includes("shared") || options.includes("rshared");
    const slave = options.includes("slave") || options.includes("rslave");
    if (!shared && !slave) continue;
    await requirePropagation(source, shared);
    needed = shared ? "shared" : (needed ?? "rslave");
  }
  return needed;
}
