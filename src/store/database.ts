// The database: opening it, its schema and the migrations from older releases.
import { constants, Database } from "bun:sqlite";
import { closeSync, fstatSync, openSync, statfsSync } from "node:fs";
import { conflict } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { reserveSpace } from "../linux/raw-io.ts";
import { DOCUMENT_TABLES } from "./document-tables.ts";

/**
 * Each entry brings the schema from its index to the next version (PRAGMA user_version). Never edit one that was
 * released: append. Tables of documents are not here but in document-tables.ts, which only ever adds columns; a
 * change of the documents themselves is a migration.
 */
export const MIGRATIONS: readonly ((db: Database) => void)[] = [
  (db) =>
    db.exec(`
      CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

      CREATE TABLE blobs (
        digest TEXT PRIMARY KEY, size INTEGER NOT NULL, created_at TEXT NOT NULL,
        labels TEXT NOT NULL DEFAULT '{}',
        unpacked TEXT GENERATED ALWAYS AS (json_extract(labels, '$.unpacked')) VIRTUAL
      ) STRICT;
      -- What a blob keeps alive. Written when an index or manifest comes in, so that collecting reads no files.
      CREATE TABLE blob_edges (
        source TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (source, target)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE ingests (
        name TEXT PRIMARY KEY, reference TEXT NOT NULL, touched_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE images (
        name TEXT PRIMARY KEY, digest TEXT NOT NULL, target TEXT NOT NULL,
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL, labels TEXT NOT NULL
      ) STRICT;
      CREATE INDEX images_digest ON images (digest);

      -- AUTOINCREMENT: a folder's name never comes back, so a stale mount can't show another's files.
      CREATE TABLE snapshots (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        state TEXT NOT NULL CHECK (state IN ('preparing', 'layer', 'active', 'removing')),
        backend TEXT NOT NULL, mapping TEXT NOT NULL DEFAULT '',
        chain TEXT, parent INTEGER REFERENCES snapshots (number),
        size INTEGER, inodes INTEGER,
        -- Boot in which it was finished and not yet known to be on disk; null: it is.
        unsynced_boot TEXT,
        created_at TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX snapshots_chain ON snapshots (chain, backend, mapping) WHERE state = 'layer';
      CREATE INDEX snapshots_parent ON snapshots (parent);

      CREATE TABLE leases (
        id TEXT PRIMARY KEY, purpose TEXT NOT NULL, created_at TEXT NOT NULL, expires_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE lease_items (
        lease TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('blob', 'snapshot')), item TEXT NOT NULL,
        PRIMARY KEY (lease, kind, item)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE roots (
        owner_kind TEXT NOT NULL, owner TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('blob', 'snapshot')), item TEXT NOT NULL,
        PRIMARY KEY (owner_kind, owner, kind, item)
      ) STRICT, WITHOUT ROWID;
    `),
];

/**
 * Bytes kept for the database on a disk that is full: stopping and removing containers writes rows, and it is how a person
 * makes room. SQLite writes its log (WAL) anew from the beginning at each 4 MB; the rest is for a log that can't be
 * written back since the database itself can't grow. Room behind the database's end lasts until its log is first written back, when
 * SQLite cuts it to its length; `pages` are kept inside, free.
 */
const RESERVED = { log: 6 << 20, database: 3 << 20, pages: 1 << 20 };

/**
 * Opens the database and brings its schema up to date, each migration in a transaction with its version number.
 * Errors: conflict when it was written by a later release.
 */
export function openDatabase(path: string, migrations = MIGRATIONS): Database {
  // Before it is opened: closing another descriptor of the file would drop the locks that SQLite has on it (fcntl(2)).
  reserve(path, RESERVED.database);
  const db = new Database(path, { create: true, strict: true });
  try {
    // Its log stays when it is closed, or the room would be lost with it.
    db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    // Alone with it, as the data root's lock has it: then the index of the log is in memory. In a mapped file its pages could not
    // be filled on a disk that is full, and the process would end by SIGBUS.
    // NORMAL with WAL: a killed process loses nothing, a power cut perhaps the last moment; never a broken file.
    db.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;",
    );
    migrate(db, migrations);
    defineDocumentTables(db);
    reserve(`${path}-wal`, RESERVED.log);
    keepFreePages(db);
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** Room behind the end of the database, or up to that length of its log. */
function reserve(path: string, bytes: number): void {
  const file = openSync(path, "a", 0o600);
  try {
    const length = path.endsWith("-wal") ? bytes : fstatSync(file).size + bytes;
    if (!reserveSpace(file, length))
      log.warn("cannot keep room on the disk for the database", { path, bytes });
  } finally {
    closeSync(file);
  }
}

/**
 * Fills up the database's free pages where they became few and the disk has room for more. In two transactions: pages that are made
 * and freed in one are never written, and have no place on the disk.
 */
export function keepFreePages(db: Database): void {
  const number = (pragma: string) => Object.values(db.query(`PRAGMA ${pragma}`).get() as object)[0] as number;
  const free = number("freelist_count") * number("page_size");
  const { bavail, bsize } = statfsSync(db.filename);
  // On a full disk it would only use up the room of the log.
  if (free >= RESERVED.pages / 2 || bavail * bsize < 4 * RESERVED.pages) return;
  db.exec("DROP TABLE IF EXISTS room; CREATE TABLE room (bytes BLOB)");
  db.exec(`INSERT INTO room VALUES (zeroblob(${RESERVED.pages - free}))`);
  db.exec("DROP TABLE room");
}

function migrate(db: Database, migrations: readonly ((db: Database) => void)[]): void {
  const { user_version: version } = db.query("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length)
    throw conflict(
      `the database was written by a later release (schema ${version}, this one knows ${migrations.length}): start that release, or give this one another --data-root`,
    );
  for (let at = version; at < migrations.length; at++) {
    db.transaction(() => {
      migrations[at]?.(db);
      db.exec(`PRAGMA user_version = ${at + 1}`);
    }).immediate();
  }
}

/** Makes the tables, columns and indexes of documents that are not there yet. */
function defineDocumentTables(db: Database): void {
  db.transaction(() => {
    for (const [table, { columns }] of Object.entries(DOCUMENT_TABLES)) {
      const name = `documents_${table}`;
      db.exec(`CREATE TABLE IF NOT EXISTS ${name} (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT`);
      const present = new Set(
        (db.query(`PRAGMA table_xinfo(${name})`).all() as { name: string }[]).map((column) => column.name),
      );
      for (const [column, { path, unique }] of Object.entries(columns)) {
        if (present.has(column)) continue;
        // Without a type: JSON numbers stay numbers, texts stay texts. STRICT tables ask for a type: ANY.
        db.exec(
          `ALTER TABLE ${name} ADD COLUMN ${column} ANY GENERATED ALWAYS AS (json_extract(document, '$.${path}')) VIRTUAL`,
        );
        db.exec(`CREATE ${unique ? "UNIQUE " : ""}INDEX ${name}_${column} ON ${name} (${column})`);
      }
    }
  }).immediate();
}
