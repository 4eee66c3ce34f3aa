// Snapshots mounted read-only where their files can be read. One mount a snapshot, however many look.
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { mountSnapshot, unmountSnapshot } from "../../store/index.ts";
import type { SnapshotId, Store } from "../../store/types.ts";
import type { View } from "../types.ts";

interface Mounted {
  path: string;
  users: number;
}

/** Mount points are in the store's scratch folder: what a killed process leaves there goes with the next start. */
export class Views {
  private readonly mounted = new Map<SnapshotId | "nothing", Mounted>();

  constructor(private readonly store: Store) {}

  /** Undefined: an empty folder. */
  open(snapshot: SnapshotId | undefined): View {
    const key = snapshot ?? "nothing";
    const view = this.mounted.get(key) ?? this.mount(snapshot);
    this.mounted.set(key, view);
    view.users++;
    let open = true;
    return {
      path: view.path,
      [Symbol.asyncDispose]: async () => {
        if (!open) return;
        open = false;
        if (--view.users > 0) return;
        this.mounted.delete(key);
        if (snapshot) unmountSnapshot(view.path);
        rmdirSync(view.path);
      },
    };
  }

  private mount(snapshot: SnapshotId | undefined): Mounted {
    const path = scratchFolder(this.store, "view");
    if (snapshot) mountSnapshot(this.store, snapshot, path, { readOnly: true });
    return { path, users: 0 };
  }
}

/** A new and empty folder, which the caller takes away. */
export function scratchFolder(store: Store, what: string): string {
  const scratch = join(store.root, "scratch");
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  return mkdtempSync(join(scratch, `build-${what}-`));
}

/** A snapshot mounted to be written to. */
export function mountWritable(store: Store, snapshot: SnapshotId): Disposable & { path: string } {
  const path = scratchFolder(store, "root");
  try {
    mountSnapshot(store, snapshot, path);
  } catch (thrown) {
    rmdirSync(path);
    throw thrown;
  }
  return {
    path,
    [Symbol.dispose]() {
      unmountSnapshot(path);
      rmdirSync(path);
    },
  };
}
