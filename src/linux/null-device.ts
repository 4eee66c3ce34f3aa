// The host's /dev/null for programs that must not change it: null(4).
import { close, KernelError, O, open } from "./ffi.ts";
import { cloneMount, MOUNT_ATTR, restrictMount } from "./mount-tree.ts";

const EPERM = 1;

/**
 * A descriptor of /dev/null, for reading and writing, through a read-only copy of its mount. What a root in a container
 * has as a standard stream it can reach as a file too (/proc/self/fd/0), and with a plain descriptor it could change
 * the owner and mode of the host's own device.
 */
export function openNullReadOnly(): number {
  let tree: number;
  try {
    tree = cloneMount("/dev/null");
  } catch (error) {
    // Who may not mount has no power over the device that could leak.
    if (error instanceof KernelError && error.errno === EPERM) return open("/dev/null", O.RDWR | O.CLOEXEC);
    throw error;
  }
  try {
    restrictMount(tree, MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOEXEC | MOUNT_ATTR.NOSUID);
    return open(`/proc/self/fd/${tree}`, O.RDWR | O.CLOEXEC);
  } finally {
    close(tree);
  }
}
