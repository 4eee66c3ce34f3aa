// One table of JSON documents: what most rooms keep their rows in.
import type { Database } from "bun:sqlite";
import { conflict } from "../base/errors.ts";
import { DOCUMENT_TABLES, type DocumentTable, type DocumentTableName } from "./document-tables.ts";
import { countChange } from "./revision.ts";
import type { Documents } from "./types.ts";

/** Tables that a container's summary shows something of. */
const LISTED = new Set(["networks", "sandboxes", "endpoints", "volumes"]);

type Row = { document: string };

/** The documents of a table of DOCUMENT_TABLES; an unknown one is a mistake of ours and throws a plain error. */
export function openDocuments<T extends { id: string }>(db: Database, table: string): Documents<T> {
  if (!(table in DOCUMENT_TABLES))
    throw new Error(`no table of documents is called ${table}: see document-tables.ts`);
  const { columns }: DocumentTable = DOCUMENT_TABLES[table as DocumentTableName];
  const name = `documents_${table}`;
  // Containers have a copy of their records in memory, whose identity tells; the others come and go without a list's notice.
  const counts = LISTED.has(table);
  const parse = (row: Row): T => JSON.parse(row.document) as T;
  return {
    get(id) {
      const row = db.query(`SELECT document FROM ${name} WHERE id = ?`).get(id) as Row | null;
      return row ? parse(row) : undefined;
    },
    all() {
      return (db.query(`SELECT document FROM ${name} ORDER BY rowid`).all() as Row[]).map(parse);
    },
    put(document) {
      if (counts) countChange(db);
      try {
        db.query(
          `INSERT INTO ${name} (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document`,
        ).run(document.id, JSON.stringify(document));
      } catch (thrown) {
        throw taken(thrown, table, document);
      }
    },
    delete(id) {
      if (counts) countChange(db);
      return db.query(`DELETE FROM ${name} WHERE id = ?`).run(id).changes > 0;
    },
    where(column, value) {
      if (!(column in columns))
        throw new Error(`documents of ${table} have no column ${column}: see document-tables.ts`);
      return (
        db.query(`SELECT document FROM ${name} WHERE ${column} = ? ORDER BY rowid`).all(value) as Row[]
      ).map(parse);
    },
  };

  function taken(thrown: unknown, table: string, document: T): unknown {
    const message = thrown instanceof Error ? thrown.message : "";
    if (!message.includes("UNIQUE constraint failed")) return thrown;
    const column = Object.keys(columns).find(
      (column) => message.includes(`${name}_${column}`) || message.includes(`${name}.${column}`),
    );
    const value =
      column &&
      columns[column]?.path
        .split(".")
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    return conflict(`the ${column ?? "id"} ${JSON.stringify(value)} is taken in ${table}`, thrown);
  }
}
