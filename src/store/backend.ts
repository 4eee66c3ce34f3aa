// What a way to stack layers has to do. There are two (overlay-backend.ts, copy-backend.ts); both pass
// test/store/snapshots.test.ts.
import { bindMount, mountOverlay } from "../linux/mount.ts";
import type { SnapshotId, SnapshotMount } from "./types.ts";

export type BackendName = "overlay" | "copy";

export interface SnapshotBackend {
  readonly name: BackendName;
  /** Puts an unpacked layer on its parents (topmost first). `implied` as in Snapshots.commitLayer. */
  finishLayer(id: SnapshotId, parents: SnapshotId[], implied: string[]): Promise<void>;
  /** Fills an active snapshot's new and empty folder. */
  prepareActive(id: SnapshotId, parents: SnapshotId[]): Promise<void>;
  mountOf(id: SnapshotId, parents: SnapshotId[], readOnly: boolean): SnapshotMount;
}

/** Names relative to snapshots/: a snapshot's files, overlay's own folder, what an unpacked layer hides (HiddenPaths). */
export const filesOf = (id: SnapshotId): string => `${id}/fs`;
export const workOf = (id: SnapshotId): string => `${id}/work`;
export const hiddenOf = (id: SnapshotId): string => `${id}/hidden.json`;
/** An empty folder beside the snapshots: overlay asks for a lower where there is none to give. No id is like it. */
export const EMPTY = "empty";

/**
 * What a layer takes away from those below it, where the file system can't say so itself (copy backend).
 * Paths as byte strings: one character a byte, since names in archives are bytes and not always UTF-8.
 */
export interface HiddenPaths {
  whiteouts: string[];
  /** Folders of which nothing from below is seen. */
  opaque: string[];
}

/** Mounts what `Snapshots.mountOf` answered. A system call or two: no process, no waiting. */
export function mountAt(mount: SnapshotMount, target: string): void {
  if (mount.type === "overlay") mountOverlay({ ...mount, readOnly: mount.upper === undefined }, target);
  else bindMount(mount.source, target, { readOnly: mount.readOnly });
}
