// Device nodes made in the container's /dev, and which devices its cgroup lets it use.
import { existsSync } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DeviceMapping, HostConfig } from "../../api/types/index.ts";
import { invalid } from "../../base/errors.ts";
import type { Device, DeviceRule } from "./spec.ts";

const rule = (allow: boolean, major: number, minor: number): DeviceRule => ({
  allow,
  type: "c",
  major,
  minor,
  access: "rwm",
});

/** Everything refused, then zero, null, urandom, random, tty, console; fuse refused. The runtime adds ptmx and pts. */
const DEFAULT_RULES: DeviceRule[] = [
  { allow: false, access: "rwm" },
  rule(true, 1, 5),
  rule(true, 1, 3),
  rule(true, 1, 9),
  rule(true, 1, 8),
  rule(true, 5, 0),
  rule(true, 5, 1),
  rule(false, 10, 229),
];

/** What one `--device` came to: a node, or those of a folder. */
export interface FoundDevices {
  mapping: DeviceMapping;
  devices: Device[];
}

/** `linux.devices` and the device rules. `all` are the host's devices, needed when privileged. */
export function devices(
  hostConfig: HostConfig,
  found: FoundDevices[],
  all: Device[],
): { devices: Device[]; rules: DeviceRule[] } {
  if (hostConfig.Privileged) {
    const mapped = found.filter(({ mapping }) => mapping.PathOnHost !== mapping.PathInContainer);
    return {
      devices: [...all, ...mapped.flatMap(({ devices }) => devices)],
      rules: [...DEFAULT_RULES, { allow: true, access: "rwm" }],
    };
  }
  const mapped = found.flatMap(({ mapping, devices }) =>
    devices.map(({ type, major, minor }) => ({
      allow: true,
      type: type === "b" ? ("b" as const) : ("c" as const),
      major,
      minor,
      access: mapping.CgroupPermissions || "rwm",
    })),
  );
  return {
    devices: found.flatMap(({ devices }) => devices),
    rules: [...DEFAULT_RULES, ...mapped, ...(hostConfig.DeviceCgroupRules ?? []).map(parseDeviceRule)],
  };
}

/** "c 1:* rwm" as `--device-cgroup-rule` takes it; `*` becomes -1. Errors: invalid. */
export function parseDeviceRule(text: string): DeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  if (!match) throw invalid(`invalid device cgroup rule format: '${text}'`);
  const [, type, major, minor, access = ""] = match;
  const number = (part: string | undefined) => (part === "*" ? -1 : Number(part));
  return { allow: true, type: type as "a" | "b" | "c", major: number(major), minor: number(minor), access };
}

/** Splits a device number as makedev(3) joins it. */
function splitNumber(rdev: number): { major: number; minor: number } {
  const number = BigInt(rdev);
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)),
    minor: Number((number & 0xffn) | ((number >> 12n) & ~0xffn)),
  };
}

/** Major and minor of the device at a path, for the blkio limits. Errors: invalid with the system's word. */
export async function deviceNumber(path: string): Promise<{ major: number; minor: number }> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw invalid(
      `stat ${path}: ${error.code === "ENOENT" ? "no such file or directory" : error.message}`,
      error,
    );
  });
  return splitNumber(stats.rdev);
}

/** The node at a path; undefined when there is something else. Rejects as lstat does when there is nothing. */
export async function nodeAt(path: string): Promise<Device | undefined> {
  const stats = await lstat(path);
  const type = stats.isBlockDevice()
    ? "b"
    : stats.isCharacterDevice()
      ? "c"
      : stats.isFIFO()
        ? "p"
        : undefined;
  if (!type) return undefined;
  return {
    path,
    type,
    ...splitNumber(stats.rdev),
    fileMode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
  };
}

/** Finds what a `--device` names: a node, a link to one, or a folder of them. Errors: invalid. */
export async function findDevices(mapping: DeviceMapping): Promise<FoundDevices> {
  const onHost = mapping.PathOnHost ?? "";
  const inContainer = mapping.PathInContainer || onHost;
  const refuse = (why: string, cause?: unknown) =>
    invalid(
      `error gathering device information while adding custom device ${JSON.stringify(onHost)}: ${why}`,
      cause,
    );
  const resolved = await realpath(onHost).catch((error: NodeJS.ErrnoException) => {
    throw refuse(error.code === "ENOENT" ? "no such file or directory" : error.message, error);
  });
  const node = await nodeAt(resolved);
  if (node) return { mapping, devices: [{ ...node, path: inContainer }] };
  if (!(await stat(resolved)).isDirectory()) throw refuse("not a device node");
  const found: Device[] = [];
  await walk(resolved, [], async (path) => {
    const child = await nodeAt(path).catch(() => undefined); // gone since the folder was read
    if (child) found.push({ ...child, path: inContainer + path.slice(resolved.length) });
  });
  if (found.length === 0) throw refuse("not a device node");
  return { mapping, devices: found };
}

/** Folders of /dev that are mounts of their own or hold no devices. */
const NOT_DEVICES = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"];

/** All device nodes of the host's /dev, for privileged containers. */
export async function hostDevices(): Promise<Device[]> {
  const found: Device[] = [];
  if (!existsSync("/dev")) return found;
  await walk("/dev", NOT_DEVICES, async (path) => {
    if (path === "/dev/console") return;
    const node = await nodeAt(path).catch(() => undefined); // hot-unplugged meanwhile
    if (node && node.type !== "p") found.push(node);
  });
  return found;
}

/** Calls for everything below that is neither folder nor link, in order of names. */
async function walk(folder: string, skip: string[], visit: (path: string) => Promise<void>): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!skip.includes(entry.name)) await walk(path, skip, visit);
    } else if (!entry.isSymbolicLink()) await visit(path);
  }
}
