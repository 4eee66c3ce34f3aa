// The store's door: opens a data root and gives its parts.
import type { Database } from "bun:sqlite";
import { collectSoon } from "./collect-soon.ts";
import { openContent } from "./content.ts";
import { copyBackend } from "./copy-backend.ts";
import { openDataRoot } from "./data-root.ts";
import { keepFreePages, openDatabase } from "./database.ts";
import { openDocuments } from "./documents.ts";
import { collectGarbage } from "./garbage.ts";
import { openImageRecords } from "./image-records.ts";
import { openLayerSync } from "./layer-sync.ts";
import { openLeases, openRoots } from "./leases.ts";
import { overlayBackend, overlayWorks } from "./overlay-backend.ts";
import { reconcile } from "./reconcile.ts";
import { revisionOf } from "./revision.ts";
import { openSnapshots } from "./snapshots.ts";
import type { Store } from "./types.ts";

export {
  END_OF_ARCHIVE,
  encodeEntry,
  fromText,
  paddingOf,
  type TarEntry,
  type TarHandler,
  TarReader,
  toText,
} from "../archive/index.ts";
export { mountAt } from "./backend.ts";
export {
  type ChangesRequest,
  type ListedChange,
  listChanges,
  type PackedChanges,
  packChanges,
} from "./changes.ts";
export { cloneLayer } from "./clone-layer.ts";
export { type DigestRequest, digestPaths } from "./content-digest.ts";
export {
  type ContextTransfer,
  contextSize,
  type ReceivedContext,
  readContextIndex,
  receiveContext,
} from "./context-sync.ts";
export { type DiffRequest, diffLayer } from "./diff-layer.ts";
export type { DocumentTableName } from "./document-tables.ts";
export type * from "./file-action.ts";
export { applyFileActions, type FileActionRequest } from "./file-actions.ts";
export { type MountRequest, mountApart } from "./mount-apart.ts";
export { mountSnapshot, unmountSnapshot } from "./mount-snapshot.ts";
export type { Packing } from "./pack.ts";
export {
  isSmallLayer,
  type LayerCompression,
  type PackedLayer,
  type PackLayerRequest,
  packLayer,
  recompressLayer,
} from "./pack-layer.ts";
export {
  archiveFromView,
  type ExtractOptions,
  exportFromView,
  extractIntoFolder,
  extractIntoView,
  type FoundPackages,
  fileDigestsInView,
  fileNamesInView,
  type OutputCompression,
  type PathFacts,
  packagesInView,
  sendFromView,
  statInView,
  type TreeArchive,
  type TreeView,
  type ViewMount,
} from "./tree-view.ts";
export type * from "./types.ts";
export { type UnpackedLayer, type UnpackRequest, unpackLayer } from "./unpack.ts";
export { withLease, withSharedLease } from "./with-lease.ts";

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
  const sync = openLayerSync(db, folders.snapshots);
  const backends = {
    overlay: overlayBackend(folders.snapshots, folders.scratch),
    copy: copyBackend(folders.snapshots),
  };
  const wanted =
    options.snapshotBackend ?? (((await overlayWorks(folders.scratch)) ?? !copied(db)) ? "overlay" : "copy");
  const snapshots = openSnapshots(db, folders.snapshots, { current: backends[wanted], all: backends }, sync);
  const collect = async () => {
    const report = await collectGarbage(db, content, snapshots, folders);
    keepFreePages(db);
    return report;
  };
  const soon = collectSoon(collect);
  const close = async () => {
    await soon.close();
    await sync.idle();
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
    get revision() {
      return revisionOf(db);
    },
    documents: (table) => openDocuments(db, table),
    transaction: (work) => db.transaction(work).immediate(),
    collectGarbage: collect,
    collectSoon: soon.ask,
    reconcile: () => reconcile(db, folders, content, snapshots, sync),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Whether the last snapshot that was made is a copy: tells, on a disk that is full, what works here. */
function copied(db: Database): boolean {
  const last = db.query("SELECT backend FROM snapshots ORDER BY number DESC LIMIT 1").get();
  return (last as { backend: string } | null)?.backend === "copy";
}

export { type MountPlace, makeMountPlaces, makeUsualFiles } from "./usual-files.ts";
