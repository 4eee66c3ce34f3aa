// What a bind of a host folder takes over from the mount that the folder is on: propagation and restrictions.
import { realpath } from "node:fs/promises";
import { invalid } from "../../base/errors.ts";
import { listMounts, type MountPoint } from "../../linux/mount.ts";

/** The mount that holds a path: the longest mount point, and of those the last. The path has no links in it. */
export function mountOf(path: string, mounts: MountPoint[]): MountPoint | undefined {
  let best: MountPoint | undefined;
  for (const mount of mounts) {
    const { target } = mount;
    const holds = path === target || path.startsWith(target === "/" ? "/" : `${target}/`);
    if (holds && target.length >= (best?.target.length ?? 0)) best = mount;
  }
  return best;
}

/** Options of a mount that a bind of it must not lose. */
const KEPT = ["ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "nosymfollow"];

/**
 * What a bind of `source` has to repeat of the mount that it is on: runc keeps those options, crun 1.8 mounts the bind
 * again without them, and what the host mounted nosuid or read-only would be neither in the container.
 */
export async function inheritedOptions(source: string, mounts = listMounts()): Promise<string[]> {
  const options = mountOf(await realpath(source).catch(() => source), mounts)?.options ?? [];
  return KEPT.filter((option) => options.includes(option));
}

/** Whether mounts made on the host below `source` can be seen through a bind of it. */
export async function propagates(source: string, mounts = listMounts()): Promise<boolean> {
  const mount = mountOf(await realpath(source).catch(() => source), mounts);
  return mount?.propagation.some((field) => /^(shared|master):/.test(field)) ?? false;
}

/** Errors: invalid, in Docker's words, when the host's mount is neither shared nor (unless it must be) a slave. */
export async function requirePropagation(source: string, mustBeShared: boolean): Promise<void> {
  const mount = mountOf(await realpath(source), listMounts());
  const fits = (field: string) =>
    field.startsWith("shared:") || (!mustBeShared && field.startsWith("master:"));
  if (!mount?.propagation.some(fits))
    throw invalid(
      `path ${source} is mounted on ${mount?.target ?? "/"} but it is not a shared${mustBeShared ? "" : " or slave"} mount`,
    );
}
