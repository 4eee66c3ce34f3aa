// The store's door: opens a data root and gives its parts.
import type { Database } from "bun:sqlite";
import { notImplemented } from "../base/errors.ts";
import { openContent } from "./content.ts";
import { openDataRoot } from "./data-root.ts";
import { openDatabase } from "./database.ts";
import { openDocuments } from "./documents.ts";
import { openImageRecords } from "./image-records.ts";
import { openLeases, openRoots } from "./leases.ts";
import type { Snapshots, Store } from "./types.ts";

export type { DocumentTableName } from "./document-tables.ts";
export type * from "./types.ts";

export interface StoreOptions {
  /** The data root; made when missing. */
  root: string;
  /** Default: overlay where it can be mounted on the data root, else copy. */
  snapshotBackend?: "overlay" | "copy";
}

/**
 * Opens the data root for this process alone, makes what is missing and migrates what is old.
 * Errors: conflict when another daemon holds it, or a later release wrote it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const folders = openDataRoot(options.root);
  let db: Database;
  try {
    db = openDatabase(folders.database);
  } catch (thrown) {
    folders[Symbol.dispose]();
    throw thrown;
  }
  const content = openContent(db, folders);
  const leases = openLeases(db);
  const unbuilt = () => {
    throw notImplemented("snapshots are not built yet");
  };
  const snapshots: Snapshots = {
    layer: unbuilt,
    beginLayer: unbuilt,
    commitLayer: unbuilt,
    createActive: unbuilt,
    mountOf: unbuilt,
    directory: unbuilt,
    usage: unbuilt,
    parentOf: unbuilt,
    remove: unbuilt,
    list: () => [],
  };
  const close = async () => {
    db.close();
    folders[Symbol.dispose]();
  };
  return {
    root: folders.path,
    db,
    content,
    snapshots,
    leases,
    roots: openRoots(db),
    images: openImageRecords(db),
    documents: (table) => openDocuments(db, table),
    transaction: (work) => db.transaction(work).immediate(),
    collectGarbage: unbuilt,
    reconcile: async () => {},
    close,
    [Symbol.asyncDispose]: close,
  };
}
