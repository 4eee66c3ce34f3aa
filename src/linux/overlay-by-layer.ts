// An overlay of more layers than a page of mount options names, by fsconfig(2): at most 500 (the kernel's OVL_MAX_STACK).
import { check, close, cString, errno, KernelError, O, open, ptr, SYS, syscall } from "./ffi.ts";
import type { OverlayLayers } from "./mount.ts";
import { attachMount } from "./mount-tree.ts";

/** linux/mount.h, "enum fsconfig_command". */
const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, CMD_CREATE: 6 } as const;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const EINVAL = 22;
const E2BIG = 7;

/** `folder` is the descriptor of `layers.folder`. Errors: E2BIG where the kernel (before 6.5) has no `lowerdir+`. */
export function mountOverlayByLayer(layers: OverlayLayers, folder: number, target: string): void {
  const type = cString("overlay");
  const context = check(syscall(SYS.fsopen, ptr(type), FSOPEN_CLOEXEC), "fsopen", "overlay");
  try {
    describe(context, layers, folder, target);
    check(syscall(SYS.fsconfig, context, FSCONFIG.CMD_CREATE), "mount overlay on", target);
    attach(context, target);
  } finally {
    close(context);
  }
}

function describe(context: number, layers: OverlayLayers, folder: number, target: string): void {
  const { lower, upper, work, options = [], readOnly } = layers;
  // By the descriptor, since a value is at most 255 bytes long.
  const place = (name: string) => `/proc/self/fd/${folder}/${name}`;
  for (const name of lower)
    if (set(context, "lowerdir+", place(name)) < 0) {
      const code = errno();
      const shown = `${target} (${lower.length} layers)`;
      throw new KernelError("mount overlay on", code === EINVAL ? E2BIG : code, shown);
    }
  if (upper !== undefined) check(set(context, "upperdir", place(upper)), "mount overlay on", target);
  if (work !== undefined) check(set(context, "workdir", place(work)), "mount overlay on", target);
  for (const option of readOnly ? [...options, "ro"] : options) {
    const [key = "", value] = option.split("=", 2);
    check(set(context, key, value), `mount overlay with ${option} on`, target);
  }
}

/** Without a value: a flag. */
function set(context: number, key: string, value: string | undefined): number {
  const name = cString(key);
  if (value === undefined) return syscall(SYS.fsconfig, context, FSCONFIG.SET_FLAG, ptr(name));
  const text = cString(value);
  return syscall(SYS.fsconfig, context, FSCONFIG.SET_STRING, ptr(name), ptr(text));
}

function attach(context: number, target: string): void {
  const mount = check(syscall(SYS.fsmount, context, FSMOUNT_CLOEXEC), "fsmount", target);
  try {
    const place = open(target, O.PATH | O.DIRECTORY | O.NOFOLLOW);
    try {
      attachMount(mount, place, target);
    } finally {
      close(place);
    }
  } finally {
    close(mount);
  }
}
