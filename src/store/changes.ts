// What a container's snapshot has changed, the daemon's side: the views that the worker compares (worker/changes.ts), mounted
// while it runs, and the worker's output.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { bindMount } from "../linux/mount.ts";
import { mountAt } from "./backend.ts";
import { type Packing, packFrom } from "./pack.ts";
import { type ScratchMounts, scratchMounts } from "./scratch-mounts.ts";
import type { SnapshotId, Store } from "./types.ts";
import { type Job, WORKER_ENVIRONMENT, workerCommand, workerEnd } from "./worker/confine.ts";
import type { PackedChanges } from "./worker/pack-changes.ts";

export type { PackedChanges };

export interface ChangesRequest {
  snapshot: SnapshotId;
  /** Where it is mounted to be written to: an overlay's upper folder must not be mounted twice. */
  rootfs: string;
  signal?: AbortSignal;
}

export interface ListedChange {
  kind: "added" | "changed" | "deleted";
  /** With a slash at the front, as bytes. */
  path: Buffer;
}

const KINDS = { A: "added", C: "changed", D: "deleted" } as const;

/** All changes, a folder before what is in it; a folder with changes in it is a changed one. Errors: system. */
export async function listChanges(store: Store, request: ChangesRequest): Promise<ListedChange[]> {
  using views = mountViews(store, request);
  const worker = Bun.spawn(command("changes", views), {
    cwd: "/",
    env: WORKER_ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [bytes] = await Promise.all([
    worker.stdout.bytes(),
    workerEnd("changes", worker, worker.stderr.text(), request.signal),
  ]);
  return parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** The changes as a layer's archive with gzip. `result` resolves after all of it was read. Errors: system. */
export function packChanges(store: Store, request: ChangesRequest): Packing<PackedChanges> {
  const views = mountViews(store, request);
  const unmountViews = () => views[Symbol.dispose]();
  try {
    const words = command("pack-changes", views);
    const packing = packFrom<PackedChanges>("pack-changes", words, request.signal);
    packing.result.then(unmountViews, unmountViews);
    return packing;
  } catch (thrown) {
    unmountViews();
    throw thrown;
  }
}

const command = (job: Job, { root, style }: Views): string[] => workerCommand(job, root, style);

export interface Views extends ScratchMounts {
  style: "overlay" | "copy";
}

/** Read-only, and without devices: the worker may be led to open what the container makes of a name meanwhile. */
const READ = { readOnly: true, noDevices: true } as const;

/** `rootfs` undefined: a finished layer, which may be mounted once more. In `root`, a folder to be made, or one of its own. */
export function mountViews(
  store: Store,
  { snapshot, rootfs }: { snapshot: SnapshotId; rootfs: string | undefined },
  root: string = mkdtempSync(join(store.root, "scratch", "changes-")),
): Views {
  const { snapshots } = store;
  const own = snapshots.mountOf(snapshot);
  const parent = snapshots.parentOf(snapshot);
  const mounts = scratchMounts(root, (at) => {
    bindMount(snapshots.directory(snapshot), at("written"), READ);
    if (parent) mountAt(snapshots.mountOf(parent), at("below"));
    if (own.type === "overlay" && rootfs !== undefined) bindMount(rootfs, at("seen"), READ);
    else if (own.type === "overlay") mountAt(own, at("seen"));
  });
  return { ...mounts, style: own.type === "overlay" ? "overlay" : "copy" };
}

function parse(bytes: Buffer): ListedChange[] {
  const changes: ListedChange[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0, from);
    const kind = KINDS[String.fromCharCode(bytes[from] as number) as keyof typeof KINDS];
    changes.push({ kind, path: bytes.subarray(from + 1, end) });
    from = end + 1;
  }
  return changes;
}
