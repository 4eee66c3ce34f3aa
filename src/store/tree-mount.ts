// Mounted trees for a worker: clones of their mounts that are nowhere in the file system, handed on as descriptors. So the worker
// needs no right to mount, and the kernel itself keeps it inside: such a mount has nothing above its root.
import { close } from "../linux/ffi.ts";
import { cloneMount, MOUNT_ATTR, restrictMount } from "../linux/mount-tree.ts";

const HARMLESS = MOUNT_ATTR.NODEV | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOEXEC;

export interface TreeMount extends Disposable {
  readonly fd: number;
}

/** What is mounted at, or below, a host path of ours; it ends with the last process that has the descriptor. */
export function openTreeMount(path: string, options: { readOnly: boolean }): TreeMount {
  const fd = cloneMount(path);
  try {
    restrictMount(fd, options.readOnly ? HARMLESS | MOUNT_ATTR.RDONLY : HARMLESS);
  } catch (thrown) {
    close(fd);
    throw thrown;
  }
  return { fd, [Symbol.dispose]: () => close(fd) };
}
