// Mounts: mount(2), umount2(2), overlay with any number of layers, and what is mounted now (proc_pid_mountinfo(5)).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { close, cString, errno, KernelError, libc, T } from "./ffi.ts";
import { openFolder } from "./files.ts";
import { mountOverlayByLayer } from "./overlay-by-layer.ts";

const calls = libc({
  mount: { args: [T.ptr, T.ptr, T.ptr, T.u64_fast, T.ptr], returns: T.i32 },
  umount2: { args: [T.ptr, T.i32], returns: T.i32 },
});

/** Flags of mount(2) (linux/mount.h). */
export const MS = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  SYNCHRONOUS: 0x10,
  REMOUNT: 0x20,
  DIRSYNC: 0x80,
  NOATIME: 0x400,
  NODIRATIME: 0x800,
  BIND: 0x1000,
  MOVE: 0x2000,
  REC: 0x4000,
  SILENT: 0x8000,
  UNBINDABLE: 0x20000,
  PRIVATE: 0x40000,
  SLAVE: 0x80000,
  SHARED: 0x100000,
  RELATIME: 0x200000,
  STRICTATIME: 0x1000000,
} as const;

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** mount(2). Errors name the target: "mount overlay on /x: no such device". */
export function mount(
  source: string | null,
  target: string,
  type: string | null,
  flags = 0,
  data: string | null = null,
): void {
  const text = (value: string | null) => (value === null ? null : cString(value));
  const result = calls.mount(text(source), cString(target), text(type), flags, text(data));
  if (result < 0) throw new KernelError(`mount ${type ?? source ?? ""} on`, errno(), target);
}

/** A bind mount; a read-only one, or one without devices, takes a second call (mount(2), "Creating a bind mount"). */
export function bindMount(
  source: string,
  target: string,
  options: { readOnly?: boolean; recursive?: boolean; noDevices?: boolean } = {},
): void {
  const recursive = options.recursive ? MS.REC : 0;
  mount(source, target, null, MS.BIND | recursive);
  const flags = (options.readOnly ? MS.RDONLY : 0) | (options.noDevices ? MS.NODEV : 0);
  if (flags === 0) return;
  try {
    mount(null, target, null, MS.BIND | MS.REMOUNT | flags);
  } catch (thrown) {
    unmount(target);
    throw thrown;
  }
}

/**
 * umount2(2), never through a symbolic link. Detaching (the default) takes the mount out of the tree at once, and the
 * kernel ends it with its last user; without it a mount in use fails (EBUSY).
 * Answers false when nothing is mounted there, or the target isn't there.
 */
export function unmount(target: string, options: { detach?: boolean } = {}): boolean {
  const flags = UMOUNT_NOFOLLOW | (options.detach === false ? 0 : MNT_DETACH);
  if (calls.umount2(cString(target), flags) === 0) return true;
  const code = errno();
  if (code === 22 || code === 2) return false; // EINVAL: no mount point; ENOENT
  throw new KernelError("umount", code, target);
}

export interface OverlayLayers {
  /** The folder that the names below are relative to. */
  folder: string;
  /** The topmost first. */
  lower: string[];
  upper?: string;
  work?: string;
  /** `index=off` and its kin (kernel: filesystems/overlayfs). */
  options?: string[];
  readOnly?: boolean;
}

/** mount(2) copies one page of options, its last byte a NUL. */
const OPTIONS_LIMIT = 4095;

/**
 * Mounts an overlay. Options end at a page, which 43 layers with long paths fill; so where absolute names don't fit,
 * or have characters that separate options, the names go through the folder's descriptor (`/proc/self/fd/9/1a/fs`),
 * which the kernel resolves while the call lasts. That takes 127 layers and more on every kernel, without chdir(2),
 * which is the whole process's. What doesn't fit then either is mounted layer by layer.
 */
export function mountOverlay(layers: OverlayLayers, target: string): void {
  const flags = layers.readOnly ? MS.RDONLY : 0;
  const absolute = overlayOptions(layers, layers.folder);
  if (Buffer.byteLength(absolute) <= OPTIONS_LIMIT && !/[:,\\"]/.test(layers.folder)) {
    mount("overlay", target, "overlay", flags, absolute);
    return;
  }
  const fd = openFolder(layers.folder);
  try {
    const options = overlayOptions(layers, `/proc/self/fd/${fd}`);
    if (Buffer.byteLength(options) > OPTIONS_LIMIT) mountOverlayByLayer(layers, fd, target);
    else mount("overlay", target, "overlay", flags, options);
  } finally {
    close(fd);
  }
}

function overlayOptions({ lower, upper, work, options = [] }: OverlayLayers, folder: string): string {
  const place = (name: string) => join(folder, name);
  return [
    `lowerdir=${lower.map(place).join(":")}`,
    ...(upper === undefined ? [] : [`upperdir=${place(upper)}`]),
    ...(work === undefined ? [] : [`workdir=${place(work)}`]),
    ...options,
  ].join(",");
}

export interface MountPoint {
  id: number;
  parent: number;
  /** major:minor of its file system. */
  device: string;
  /** The part of the file system that is mounted. */
  root: string;
  target: string;
  options: string[];
  /** shared:N, master:N, … */
  propagation: string[];
  type: string;
  source: string;
  superOptions: string[];
}

/** All mounts that this process sees, in the kernel's order. */
export function listMounts(pid: number | "self" = "self"): MountPoint[] {
  return readFileSync(`/proc/${pid}/mountinfo`, "utf8").trimEnd().split("\n").map(parseMountInfo);
}

/** Mounts at or below a folder, the innermost and latest first: the order to unmount in. */
export function mountsBelow(folder: string): MountPoint[] {
  return listMounts()
    .filter(({ target }) => target === folder || target.startsWith(`${folder}/`))
    .reverse();
}

/** One line of proc_pid_mountinfo(5). */
export function parseMountInfo(line: string): MountPoint {
  const fields = line.split(" ");
  const separator = fields.indexOf("-", 6);
  const at = (index: number) => fields[index] ?? "";
  return {
    id: Number(at(0)),
    parent: Number(at(1)),
    device: at(2),
    root: plainPath(at(3)),
    target: plainPath(at(4)),
    options: at(5).split(","),
    propagation: fields.slice(6, separator),
    type: at(separator + 1),
    source: plainPath(at(separator + 2)),
    superOptions: at(separator + 3).split(","),
  };
}

/** Space, tab, new line and backslash are written as three octal digits. */
function plainPath(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
