// After a crash: what a killed process left on disk and in the kernel that no row knows, and rows whose files are gone.
import type { Database } from "bun:sqlite";
import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { log } from "../base/log.ts";
import { mountsBelow, unmount } from "../linux/mount.ts";
import type { Digest } from "../oci/digest.ts";
import { EMPTY } from "./backend.ts";
import type { OpenContent } from "./content.ts";
import type { DataRoot } from "./data-root.ts";
import type { LayerSync } from "./layer-sync.ts";
import { removeTree } from "./remove-tree.ts";
import { type OpenSnapshots, snapshotIdOf } from "./snapshots.ts";

/** Called once, before anything else uses the store. Whoever runs it holds the data root's lock. */
export async function reconcile(
  db: Database,
  folders: DataRoot,
  content: OpenContent,
  snapshots: OpenSnapshots,
  sync: LayerSync,
): Promise<void> {
  for (const { target } of mountsBelow(folders.scratch)) unmount(target);
  // The folder stays: on a disk that is full there is no room for a new one.
  for (const name of readdirSync(folders.scratch)) await removeTree(join(folders.scratch, name));
  await reconcileBlobs(db, folders, content);
  await reconcileIngests(db, folders, content);
  dropUnsynced(db, sync.boot);
  await reconcileSnapshots(db, folders, snapshots);
  sync.schedule();
}

async function reconcileBlobs(db: Database, folders: DataRoot, content: OpenContent): Promise<void> {
  const known = new Set(
    (db.query("SELECT digest FROM blobs").all() as { digest: Digest }[]).map(({ digest }) => digest),
  );
  for (const algorithm of readdirSync(folders.content))
    for (const hex of readdirSync(join(folders.content, algorithm)))
      if (!known.delete(`${algorithm}:${hex}` as Digest)) await rm(join(folders.content, algorithm, hex));
  for (const digest of known) {
    log.warn("a blob's file is gone; its row goes too", { digest, path: content.fileOf(digest) });
    db.query("DELETE FROM blobs WHERE digest = ?").run(digest);
  }
}

async function reconcileIngests(db: Database, folders: DataRoot, content: OpenContent): Promise<void> {
  const known = new Set(
    (db.query("SELECT name FROM ingests").all() as { name: string }[]).map(({ name }) => name),
  );
  for (const name of readdirSync(folders.ingest))
    if (!known.delete(name) && !content.writing.has(name)) await rm(join(folders.ingest, name));
  for (const name of known) db.query("DELETE FROM ingests WHERE name = ?").run(name);
}

/**
 * Layers of an earlier boot that were never synced, and what is on them: perhaps broken (layer-sync.ts). What an active snapshot
 * that somebody has for good (a container) stands on stays all the same.
 */
function dropUnsynced(db: Database, boot: string): void {
  const suspects = db
    .query(
      `WITH RECURSIVE suspect (number) AS (
         SELECT number FROM snapshots WHERE unsynced_boot IS NOT NULL AND unsynced_boot <> ?
         UNION SELECT snapshots.number FROM snapshots JOIN suspect ON snapshots.parent = suspect.number
       )
       SELECT number, parent, state FROM snapshots WHERE number IN (SELECT number FROM suspect)`,
    )
    .all(boot) as { number: number; parent: number | null; state: string }[];
  const parents = new Map(suspects.map(({ number, parent }) => [number, parent]));
  const rooted = db.query("SELECT 1 FROM roots WHERE kind = 'snapshot' AND item = ?");
  const kept = new Set<number>();
  for (const { number, state } of suspects)
    if (state === "active" && rooted.get(snapshotIdOf(number)))
      for (let at: number | null = number; at !== null; at = parents.get(at) ?? null) kept.add(at);
  const lost = suspects.filter(({ number }) => !kept.has(number));
  const drop = db.query("UPDATE snapshots SET state = 'removing', parent = NULL WHERE number = ?");
  db.transaction(() => {
    for (const { number } of lost) drop.run(number);
  }).immediate();
  if (lost.length > 0)
    log.warn("layers were not on disk when the host went down; they will be made anew", {
      changes: lost.length,
    });
}

async function reconcileSnapshots(db: Database, folders: DataRoot, snapshots: OpenSnapshots): Promise<void> {
  // What was being prepared was one operation's of a process that is no more.
  db.query("UPDATE snapshots SET state = 'removing', parent = NULL WHERE state = 'preparing'").run();
  const rows = db.query("SELECT number, state FROM snapshots").all() as { number: number; state: string }[];
  const known = new Set<string>(rows.map(({ number }) => snapshotIdOf(number)));
  for (const name of readdirSync(folders.snapshots))
    if (name !== EMPTY && !known.has(name)) await removeTree(join(folders.snapshots, name));
  for (const { number, state } of rows) {
    const id = snapshotIdOf(number);
    if (state === "removing") await snapshots.finishRemoval(id);
    else if (!existsSync(join(folders.snapshots, id)))
      log.error("a snapshot's folder is gone", { snapshot: id, path: join(folders.snapshots, id) });
  }
}
