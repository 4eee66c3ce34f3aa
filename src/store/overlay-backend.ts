// Layers stacked by the kernel's overlay: the usual backend.
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { failedWith } from "../linux/errors.ts";
import { makeWhiteout } from "../linux/files.ts";
import { unmount } from "../linux/mount.ts";
import { setXattr } from "../linux/xattr.ts";
import { EMPTY, filesOf, mountAt, type SnapshotBackend, workOf } from "./backend.ts";
import { copyFolderFacts } from "./folder-facts.ts";
import { settleImplied } from "./implied-folders.ts";
import { removeTree } from "./remove-tree.ts";
import type { SnapshotId, SnapshotMount } from "./types.ts";

/**
 * index and redirect_dir tie an upper to the very lowers it was first mounted with and leave marks in it that only
 * overlay understands; metacopy leaves files without their content. Hosts switch them on by module parameters.
 */
const OPTIONS = ["index=off", "redirect_dir=off", "metacopy=off"];

/** `folder` is snapshots/, `scratch` a place for short-lived mount points. */
export function overlayBackend(folder: string, scratch: string): SnapshotBackend {
  mkdirSync(join(folder, EMPTY), { recursive: true, mode: 0o755 });
  const readOnlyMount = (ids: SnapshotId[]): SnapshotMount => ({
    type: "overlay",
    folder,
    // Without an upper overlay asks for two layers at least.
    lower: [...ids.map(filesOf), ...(ids.length < 2 ? [EMPTY] : [])],
    options: OPTIONS,
  });

  return {
    name: "overlay",
    async finishLayer(id, parents, implied) {
      if (implied.length === 0 || parents.length === 0) return;
      // One synchronous piece: nobody else ever sees the view, and only a kill leaves it (reconcile unmounts it).
      const view = mkdtempSync(join(scratch, "view-"));
      try {
        mountAt(readOnlyMount(parents), view);
        try {
          settleImplied(join(folder, filesOf(id)), view, implied);
        } finally {
          unmount(view);
        }
      } finally {
        rmdirSync(view);
      }
    },
    async prepareActive(id, parents) {
      mkdirSync(join(folder, workOf(id)), { mode: 0o700 });
      // The merged root is the upper's own folder: without this an image's mode and owner of / would be lost.
      const [top] = parents;
      if (top) copyFolderFacts(join(folder, filesOf(top)), join(folder, filesOf(id)));
    },
    mountOf(id, parents, readOnly) {
      if (readOnly) return readOnlyMount([id, ...parents]);
      return {
        type: "overlay",
        folder,
        lower: parents.length > 0 ? parents.map(filesOf) : [EMPTY],
        upper: filesOf(id),
        work: workOf(id),
        options: OPTIONS,
      };
    },
  };
}

/**
 * Whether overlay works below `scratch` with what layers need of it: a mount, whiteouts, trusted attributes. Undefined: the disk
 * is full, so it cannot be tried.
 */
export async function overlayWorks(scratch: string): Promise<boolean | undefined> {
  let place: string | undefined;
  try {
    place = mkdtempSync(join(scratch, "probe-"));
    for (const name of ["lower", "upper", "work", "target"]) mkdirSync(join(place, name));
    makeWhiteout(join(place, "upper", "gone"));
    setXattr(join(place, "upper"), "trusted.overlay.opaque", Buffer.from("y"));
    const mount: SnapshotMount = {
      type: "overlay",
      folder: place,
      lower: ["lower"],
      upper: "upper",
      work: "work",
      options: OPTIONS,
    };
    mountAt(mount, join(place, "target"));
    unmount(join(place, "target"));
    return true;
  } catch (thrown) {
    return failedWith(thrown, "ENOSPC") ? undefined : false;
  } finally {
    if (place) await removeTree(place);
  }
}
