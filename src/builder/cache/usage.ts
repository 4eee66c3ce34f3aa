// What the cache takes on the disk: `du`, and what `prune` chooses from.
import type { ChainId } from "../../oci/digest.ts";
import type { SnapshotId, Store } from "../../store/types.ts";
import { archivesSize } from "../layers/layer-blobs.ts";
import type { BuildRecord, Records } from "./records.ts";

export interface Usage extends BuildRecord {
  inUse: boolean;
  /** An image has its layer too: its removal gives nothing back. */
  shared: boolean;
}

export function cacheUsage(store: Store, records: Records): Usage[] {
  const layers = imageLayers(store);
  return records.all().map((record) => ({
    ...record,
    size: record.size + archives(store, record),
    inUse: records.inUse(record.id),
    shared: record.outputs.some((output) => output !== null && layers.has(output)),
  }));
}

/** They are kept with the record, so that an image of it isn't packed anew. */
const archives = (store: Store, { outputs }: BuildRecord): number =>
  outputs.reduce((sum, output) => sum + (output === null ? 0 : archivesSize(store, output)), 0);

/** Snapshots that unpacked images stand on. */
function imageLayers(store: Store): Set<SnapshotId> {
  const found = new Set<SnapshotId>();
  for (const { labels } of store.content.list()) {
    if (!labels.unpacked) continue;
    let at = store.snapshots.layer(labels.unpacked as ChainId);
    for (; at !== undefined && !found.has(at); at = store.snapshots.parentOf(at)) found.add(at);
  }
  return found;
}
