// Image records: names and the root descriptors they point to.
import type { Database } from "bun:sqlite";
import type { Descriptor } from "../oci/types.ts";
import { countChange } from "./revision.ts";
import type { ImageRecord, ImageRecords } from "./types.ts";

interface Row {
  name: string;
  target: string;
  created_at: string;
  updated_at: string;
  labels: string;
}

const toRecord = (row: Row): ImageRecord => ({
  name: row.name,
  target: JSON.parse(row.target) as Descriptor,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  labels: JSON.parse(row.labels) as Record<string, string>,
});

export function openImageRecords(db: Database): ImageRecords {
  const get = (name: string): ImageRecord | undefined => {
    const row = db.query("SELECT * FROM images WHERE name = ?").get(name) as Row | null;
    return row ? toRecord(row) : undefined;
  };
  return {
    get,
    byDigest: (digest) =>
      (db.query("SELECT * FROM images WHERE digest = ? ORDER BY name").all(digest) as Row[]).map(toRecord),
    all: () => (db.query("SELECT * FROM images ORDER BY name").all() as Row[]).map(toRecord),
    put(record) {
      countChange(db);
      const now = new Date().toISOString();
      db.query(
        `INSERT INTO images (name, digest, target, created_at, updated_at, labels) VALUES (?1, ?2, ?3, ?4, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET digest = ?2, target = ?3, updated_at = ?4, labels = ?5`,
      ).run(
        record.name,
        record.target.digest,
        JSON.stringify(record.target),
        now,
        JSON.stringify(record.labels),
      );
      return get(record.name)!;
    },
    delete(name) {
      countChange(db);
      return db.query("DELETE FROM images WHERE name = ?").run(name).changes > 0;
    },
  };
}
