// What no root reaches goes. Roots: image records, containers and their kin (table roots), leases that live.
//
// Marking and deleting rows is one transaction, and blobs lose their names in the same synchronous piece, so whoever
// looks a digest up before sees all of it and whoever looks after sees nothing of it. Only the slow part, taking files
// away, goes on after.
import type { Database } from "bun:sqlite";
import { readdirSync, renameSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "../base/failpoint.ts";
import { failedWith } from "../linux/errors.ts";
import type { Digest } from "../oci/digest.ts";
import { cachedArchives, dropOrphans } from "./build-garbage.ts";
import type { OpenContent } from "./content.ts";
import { type OpenSnapshots, snapshotIdOf } from "./snapshots.ts";
import type { GarbageReport, SnapshotId } from "./types.ts";

/** A download that nobody went on with for so long is given up. */
const INGEST_LIFE = 24 * 3600 * 1000;

/** Blobs that are reached: from roots over edges, which lead from parents to children and from subjects to referrers. */
const LIVE_BLOBS = `
  live_blobs (digest) AS (
    SELECT digest FROM images
    UNION SELECT item FROM roots WHERE kind = 'blob'
    UNION SELECT item FROM lease_items WHERE kind = 'blob'
    UNION SELECT target FROM blob_edges JOIN live_blobs ON source = digest
  )`;

/** Snapshots that are reached; ids are base 36 in text columns, so numbers come in as a table. */
export async function collectGarbage(
  db: Database,
  content: OpenContent,
  snapshots: OpenSnapshots,
  folders: { ingest: string; scratch: string },
): Promise<GarbageReport> {
  let freed = 0;
  const trash: string[] = [];
  const { blobs, removed } = db
    .transaction(() => {
      db.query("DELETE FROM leases WHERE expires_at < ?").run(Date.now());
      const blobs = deadBlobs(db, content);
      for (const { digest, size } of blobs) {
        db.query("DELETE FROM blobs WHERE digest = ?").run(digest);
        db.query("DELETE FROM blob_edges WHERE source = ?").run(digest);
        freed += size;
      }
      const removed = deadSnapshots(db);
      for (const { number } of removed)
        db.query("UPDATE snapshots SET state = 'removing', parent = NULL WHERE number = ?").run(number);
      dropOrphans(db);
      return { blobs, removed };
    })
    .immediate();
  failpoint("store.garbage-unlisted");
  for (const { digest } of blobs) {
    // A new name now, so that a writer that brings the same digest the next moment keeps its file.
    const away = join(folders.scratch, `blob-${crypto.randomUUID()}`);
    try {
      renameSync(content.fileOf(digest), away);
      trash.push(away);
    } catch (thrown) {
      if (!failedWith(thrown, "ENOENT")) throw thrown;
    }
  }
  for (const path of trash) await rm(path, { force: true });
  for (const { number, size } of removed) {
    await snapshots.finishRemoval(snapshotIdOf(number));
    freed += size ?? 0;
  }
  freed += await removeOldIngests(db, content, folders.ingest);
  return {
    blobs: blobs.map(({ digest }) => digest),
    snapshots: removed.map(({ number }) => snapshotIdOf(number)),
    freed,
  };
}

function deadBlobs(db: Database, content: OpenContent): { digest: Digest; size: number }[] {
  const arriving = new Set(content.arriving.values());
  const cached = cachedArchives(db);
  const dead = db
    .query(
      `WITH RECURSIVE ${LIVE_BLOBS} SELECT digest, size FROM blobs WHERE digest NOT IN (SELECT digest FROM live_blobs)`,
    )
    .all() as { digest: Digest; size: number }[];
  return dead.filter(({ digest }) => !arriving.has(digest) && !cached.has(digest));
}

function deadSnapshots(db: Database): { number: number; size: number | null }[] {
  const all = db
    .query(
      "SELECT number, parent, chain, size FROM snapshots WHERE state IN ('layer', 'active', 'preparing') ORDER BY number DESC",
    )
    .all() as { number: number; parent: number | null; chain: string | null; size: number | null }[];
  const held = new Set(
    (
      db
        .query(
          "SELECT item FROM roots WHERE kind = 'snapshot' UNION SELECT item FROM lease_items WHERE kind = 'snapshot'",
        )
        .all() as { item: SnapshotId }[]
    ).map(({ item }) => Number.parseInt(item, 36)),
  );
  const chains = new Set(
    (
      db
        .query(
          `WITH RECURSIVE ${LIVE_BLOBS}
           SELECT DISTINCT unpacked FROM blobs WHERE unpacked IS NOT NULL AND digest IN (SELECT digest FROM live_blobs)`,
        )
        .all() as { unpacked: string }[]
    ).map(({ unpacked }) => unpacked),
  );
  const parents = new Map(all.map(({ number, parent }) => [number, parent]));
  const live = new Set<number>();
  for (const { number, chain } of all) {
    if (!held.has(number) && !(chain !== null && chains.has(chain))) continue;
    for (let at: number | null = number; at !== null && !live.has(at); at = parents.get(at) ?? null)
      live.add(at);
  }
  return all.filter(({ number }) => !live.has(number));
}

/** Ingests that nobody has touched for a day. */
async function removeOldIngests(db: Database, content: OpenContent, folder: string): Promise<number> {
  let freed = 0;
  for (const name of readdirSync(folder)) {
    if (content.writing.has(name)) continue;
    const { mtimeMs, size } = statSync(join(folder, name));
    if (Date.now() - mtimeMs < INGEST_LIFE) continue;
    await rm(join(folder, name), { force: true });
    db.query("DELETE FROM ingests WHERE name = ?").run(name);
    freed += size;
  }
  return freed;
}
