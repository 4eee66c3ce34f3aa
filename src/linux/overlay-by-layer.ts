// An overlay of more layers than a page of mount options names, by fsconfig(2): at most 500 (the kernel's OVL_MAX_STACK).
import { check, close, errno, KernelError, O, open } from "./ffi.ts";
import { createMount, type SetParameter } from "./file-system-context.ts";
import type { OverlayLayers } from "./mount.ts";
import { attachMount } from "./mount-tree.ts";

const EINVAL = 22;
const E2BIG = 7;

/** `folder` is the descriptor of `layers.folder`. Errors: E2BIG where the kernel (before 6.5) has no `lowerdir+`. */
export function mountOverlayByLayer(layers: OverlayLayers, folder: number, target: string): void {
  const mount = createMount("overlay", target, (set) => describe(set, layers, folder, target));
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

function describe(set: SetParameter, layers: OverlayLayers, folder: number, target: string): void {
  const { lower, upper, work, options = [], readOnly } = layers;
  // By the descriptor, since a value is at most 255 bytes long.
  const place = (name: string) => `/proc/self/fd/${folder}/${name}`;
  for (const name of lower)
    if (set("lowerdir+", place(name)) < 0) {
      const code = errno();
      const shown = `${target} (${lower.length} layers)`;
      throw new KernelError("mount overlay on", code === EINVAL ? E2BIG : code, shown);
    }
  if (upper !== undefined) check(set("upperdir", place(upper)), "mount overlay on", target);
  if (work !== undefined) check(set("workdir", place(work)), "mount overlay on", target);
  for (const option of readOnly ? [...options, "ro"] : options) {
    const [key = "", value] = option.split("=", 2);
    check(set(key, value), `mount overlay with ${option} on`, target);
  }
}
