// What the build cache keeps, and what of its rows is nobody's any more. The rows themselves are the builder's
// (builder/cache/records.ts, builder/layers/layer-blobs.ts); here they are seen as far as collecting has to.
import type { Database } from "bun:sqlite";
import type { Digest } from "../oci/digest.ts";
import { snapshotIdOf, snapshotNumberOf } from "./snapshots.ts";
import type { SnapshotId } from "./types.ts";

interface Archives {
  descriptor: { digest: Digest };
  others?: { digest: Digest }[];
}

/** Archives of layers that records of the cache stand on. */
export function cachedArchives(db: Database): Set<Digest> {
  const parents = new Map(
    (
      db.query("SELECT number, parent FROM snapshots WHERE state <> 'removing'").all() as {
        number: number;
        parent: number | null;
      }[]
    ).map(({ number, parent }) => [number, parent]),
  );
  const held = new Set<number>();
  const rooted = db.query("SELECT item FROM roots WHERE owner_kind = 'build' AND kind = 'snapshot'");
  for (const { item } of rooted.all() as { item: SnapshotId }[])
    for (let at: number | null = snapshotNumberOf(item); at !== null && !held.has(at); ) {
      held.add(at);
      at = parents.get(at) ?? null;
    }
  const kept = new Set<Digest>();
  const known = db.query("SELECT document FROM documents_layerBlobs WHERE id = ?");
  for (const number of held) {
    const row = known.get(snapshotIdOf(number)) as { document: string } | null;
    if (!row) continue;
    const { descriptor, others = [] } = JSON.parse(row.document) as Archives;
    for (const { digest } of [descriptor, ...others]) kept.add(digest);
  }
  return kept;
}

/**
 * Aliases that lead to no record, and archives of snapshots that are gone. An alias of a step that runs at this moment may be among
 * them: the next build looks at the files once more, and finds the record.
 */
export function dropOrphans(db: Database): void {
  db.query("DELETE FROM documents_buildKeys WHERE key NOT IN (SELECT key FROM documents_buildRecords)").run();
  const there = db.query("SELECT 1 FROM snapshots WHERE number = ? AND state <> 'removing'");
  const drop = db.query("DELETE FROM documents_layerBlobs WHERE id = ?");
  for (const { id } of db.query("SELECT id FROM documents_layerBlobs").all() as { id: SnapshotId }[])
    if (!there.get(snapshotNumberOf(id))) drop.run(id);
}
