// The end of a snapshot's being written to.
import type { SnapshotId, Store } from "../../store/types.ts";

/** Makes a written snapshot a layer; its mount is gone by now. */
export async function freeze(store: Store, snapshot: SnapshotId): Promise<SnapshotId> {
  await store.snapshots.freeze(snapshot, await store.snapshots.usage(snapshot));
  return snapshot;
}
