// Mounts that are made before they are anywhere, and put where a descriptor says: open_tree(2), mount_setattr(2),
// move_mount(2). No path of a stranger's is walked by the mounting calls.
import { AT_FDCWD, check, cString, O, ptr, SYS, syscall } from "./ffi.ts";

const OPEN_TREE_CLONE = 1;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const MS_PRIVATE = 1 << 18;

/** linux/mount.h, "mount attributes". */
export const MOUNT_ATTR = { RDONLY: 0x1, NOSUID: 0x2, NODEV: 0x4, NOEXEC: 0x8 } as const;

/** A copy of the mount that a host path is on, from that path down; with `recursive` the mounts below it too. */
export function cloneMount(path: string, options: { recursive?: boolean } = {}): number {
  const name = cString(path);
  const flags = OPEN_TREE_CLONE | O.CLOEXEC | (options.recursive ? AT_RECURSIVE : 0);
  return check(syscall(SYS.open_tree, AT_FDCWD, ptr(name), flags), "open_tree", path);
}

/** Sets attributes of a mount, and makes it private. `recursive`: of all mounts below it too. */
export function restrictMount(tree: number, attributes: number, options: { recursive?: boolean } = {}): void {
  const empty = cString("");
  const attr = new BigUint64Array([BigInt(attributes), 0n, BigInt(MS_PRIVATE), 0n]);
  const flags = AT_EMPTY_PATH | (options.recursive ? AT_RECURSIVE : 0);
  check(
    syscall(SYS.mount_setattr, tree, ptr(empty), flags, ptr(attr), attr.byteLength),
    "mount_setattr",
    attributes,
  );
}

/** Mounts a copy on the very place that a descriptor has open. `shown` is for the error. */
export function attachMount(tree: number, place: number, shown: string): void {
  const empty = cString("");
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  check(syscall(SYS.move_mount, tree, ptr(empty), place, ptr(empty), flags), "move_mount to", shown);
}
