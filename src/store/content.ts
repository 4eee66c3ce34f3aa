// The content store: blobs as files under their digest. How they come in is in ingest.ts.
import type { Database } from "bun:sqlite";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { invalid, messageOf, notFound } from "../base/errors.ts";
import { type Digest, digestOf, hexOf } from "../oci/digest.ts";
import { edgesOf } from "./blob-edges.ts";
import { type Arrival, openIngests } from "./ingest.ts";
import { holdItem } from "./leases.ts";
import type { BlobInfo, ContentStore } from "./types.ts";

interface Row {
  digest: string;
  size: number;
  created_at: string;
  labels: string;
}

/** What of the content store only the store's own files see. */
export interface OpenContent extends ContentStore {
  fileOf(digest: Digest): string;
  /** Digests between their rename and their row: not to be collected. */
  readonly arriving: ReadonlyMap<string, Digest>;
  /** Names of the ingests that have a writer. */
  readonly writing: ReadonlySet<string>;
}

const toInfo = (row: Row): BlobInfo => ({
  digest: row.digest as Digest,
  size: row.size,
  createdAt: row.created_at,
  labels: JSON.parse(row.labels) as Record<string, string>,
});

export function openContent(db: Database, folders: { content: string; ingest: string }): OpenContent {
  const fileOf = (digest: Digest) =>
    join(folders.content, digest.slice(0, digest.indexOf(":")), hexOf(digest));

  const info = (digest: Digest): BlobInfo | undefined => {
    const row = db
      .query("SELECT digest, size, created_at, labels FROM blobs WHERE digest = ?")
      .get(digest) as Row | null;
    return row ? toInfo(row) : undefined;
  };

  const path = (digest: Digest): string => {
    if (!info(digest)) throw notFound(`content ${digest}: not found`);
    return fileOf(digest);
  };

  /** The row, the edges and the lease's hold, in one transaction. */
  const record = ({ digest, size, head, lease, labels }: Arrival): BlobInfo =>
    db.transaction(() => {
      db.query(
        `INSERT INTO blobs (digest, size, created_at, labels) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (digest) DO UPDATE SET labels = json_patch(labels, ?4)`,
      ).run(digest, size, new Date().toISOString(), JSON.stringify(labels));
      const insert = db.query("INSERT OR IGNORE INTO blob_edges (source, target) VALUES (?, ?)");
      for (const { source, target } of edgesOf(digest, head)) insert.run(source, target);
      holdItem(db, lease, "blob", digest);
      return info(digest)!;
    })();

  const ingests = openIngests(db, folders.ingest, { fileOf, info, record });

  return {
    info,
    path,
    fileOf,
    arriving: ingests.arriving,
    writing: ingests.writing,
    list: () =>
      (db.query("SELECT digest, size, created_at, labels FROM blobs ORDER BY created_at").all() as Row[]).map(
        toInfo,
      ),
    read: async (digest) => await readFile(path(digest)),
    async readJson<T>(digest: Digest): Promise<T> {
      const bytes = await readFile(path(digest));
      try {
        return JSON.parse(bytes.toString()) as T;
      } catch (thrown) {
        throw invalid(`content ${digest} is not JSON: ${messageOf(thrown)}`, thrown);
      }
    },
    writer: ingests.writer,
    async put(bytes, lease, labels = {}) {
      const digest = digestOf(bytes);
      const known = info(digest);
      if (known) return record({ digest, size: known.size, head: bytes, lease, labels });
      await using writer = await ingests.writer(`put-${digest}-${crypto.randomUUID()}`, lease, {
        resumable: false,
      });
      try {
        await writer.write(bytes);
        return await writer.commit({ digest, size: bytes.length }, labels);
      } catch (thrown) {
        await writer.abort();
        throw thrown;
      }
    },
    setLabels(digest, labels) {
      const { changes } = db
        .query("UPDATE blobs SET labels = ? WHERE digest = ?")
        .run(JSON.stringify(labels), digest);
      if (changes === 0) throw notFound(`content ${digest}: not found`);
    },
  };
}
