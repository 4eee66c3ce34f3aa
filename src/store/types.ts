// What the store keeps and its vocabulary. The life of a thing here:
//
//   lease   opened before an operation's first byte; what it names can't be collected; expires by itself
//   blob    some bytes under their digest, kept as they came (content-store)
//   layer   a snapshot that is finished and never changes again, found by its chain id
//   active  a snapshot that can be written: the top of a container or of a build step; frozen, it is a layer
//   root    a row that says "this container (record of the build cache, remembered build) needs that blob or snapshot"
//
// What no root and no lease reaches is garbage. Edges: an index names its manifests, a manifest its config and
// layers, a manifest its unpacked layers (labels.unpacked), a snapshot its parent; a snapshot of the build cache the archives
// that are known of it, so that the next image of it isn't packed anew.
import type { Database } from "bun:sqlite";
import type { ChainId, Digest } from "../oci/digest.ts";
import type { Descriptor } from "../oci/types.ts";

/** A folder's short name below snapshots/; it means nothing, the table is the truth. */
export type SnapshotId = string & { readonly __brand: "SnapshotId" };
export type LeaseId = string & { readonly __brand: "LeaseId" };

/** One table of JSON documents with an id; what must be unique or searched has a column of its own. */
export interface Documents<T extends { id: string }> {
  get(id: string): T | undefined;
  all(): T[];
  /** Inserts or replaces. Throws a conflict error when a unique column is taken. */
  put(document: T): void;
  delete(id: string): boolean;
  /** Documents whose column (declared in the schema) equals the value. */
  where(column: string, value: string | number): T[];
}

export interface BlobInfo {
  digest: Digest;
  size: number;
  createdAt: string;
  /** Edges and facts, e.g. `distribution.source.HOST` → repositories, for cross-repository mounts. */
  labels: Record<string, string>;
}

/** A blob on its way in. It lives in ingest/ under a name made of its reference, so a later process resumes it. */
export interface BlobWriter extends AsyncDisposable {
  /** Bytes already there (after a restart: what the earlier process had written). */
  readonly offset: number;
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Lets a process of ours write all of it at a descriptor, and tell its sha256 and its size. Errors: conflict when something was
   * written already; invalid when the size is another one.
   */
  fill(work: (fd: number) => Promise<{ digest: Digest; size: number }>): Promise<void>;
  /** Starts over, as when a server does not honour the range. */
  truncate(): Promise<void>;
  /**
   * Checks size and digest, syncs, renames, syncs the folder, writes the row and the lease's edge.
   * Errors: invalid when they differ from what was expected (the partial file is removed).
   */
  commit(expected: { digest?: Digest; size?: number }, labels?: Record<string, string>): Promise<BlobInfo>;
  /** Throws away what was written. Disposal without commit keeps it for resuming. */
  abort(): Promise<void>;
}

export interface ContentStore {
  info(digest: Digest): BlobInfo | undefined;
  list(): BlobInfo[];
  /** Absolute path of the blob's file, for reading and for workers. Throws not-found. */
  path(digest: Digest): string;
  read(digest: Digest): Promise<Uint8Array>;
  readJson<T>(digest: Digest): Promise<T>;
  /** Opens (or resumes) an ingest. One writer a reference at a time: a second caller gets a conflict error. */
  writer(reference: string, lease: LeaseId): Promise<BlobWriter>;
  /** Small content that is in memory already (manifests, configs). */
  put(bytes: Uint8Array, lease: LeaseId, labels?: Record<string, string>): Promise<BlobInfo>;
  setLabels(digest: Digest, labels: Record<string, string>): void;
}

/** What a snapshot is made on: a layer by its chain id, or any finished layer of this backend. */
export type SnapshotBase = ChainId | { on: SnapshotId };

/** What has to be mounted so that the snapshot is seen. `folder` holds the relative names. */
export type SnapshotMount =
  | { type: "overlay"; folder: string; lower: string[]; upper?: string; work?: string; options: string[] }
  | { type: "bind"; source: string; readOnly: boolean };

export interface Snapshots {
  /** How new snapshots are stacked: `copy` where overlay can't be mounted on the data root. */
  readonly backend: "overlay" | "copy";
  /** The finished layer of a chain id, if it is unpacked here. */
  layer(chain: ChainId): SnapshotId | undefined;
  /**
   * A folder for one layer's own files. It needs no parent yet: layers are unpacked side by side.
   * `directory` is where the worker unpacks; `commitLayer` makes it findable under its chain id.
   */
  beginLayer(lease: LeaseId): Promise<{ id: SnapshotId; directory: string }>;
  /**
   * Finishes a layer on its parent. `implied` are folders that the archive did not name but that had to be made:
   * they take owner, mode, times and xattrs from the parent's folder of that name, if it has one. Their paths are
   * byte strings (one character a byte), "" for the root.
   * When another pull finished the same chain id first, that one is returned and this one removed. Without a chain id
   * it is found by its own id alone.
   */
  commitLayer(
    id: SnapshotId,
    chain: ChainId | undefined,
    options: { parent?: SnapshotBase; size: number; inodes: number; implied: string[] },
  ): Promise<SnapshotId>;
  /**
   * A writable snapshot on a chain of layers (none: an empty one). The caller's transaction writes a root for it.
   * On a chain id it waits until the layer is on disk. On a snapshot's id it doesn't: after a power cut it may be gone
   * together with what it stands on, which is right for a build's step and not for a container.
   */
  createActive(parent: SnapshotBase | undefined, lease: LeaseId): Promise<SnapshotId>;
  /**
   * Makes an active snapshot a layer without a chain id. It must not be mounted for writing any more.
   * Errors: conflict for one that is not active.
   */
  freeze(id: SnapshotId, facts: { size: number; inodes: number }): Promise<void>;
  /**
   * Gives a layer that has no chain id its own, once its archive is known. Answers the layer that has the chain id:
   * another one where that was first; this one stays as it is then.
   */
  nameLayer(id: SnapshotId, chain: ChainId): SnapshotId;
  /** Whether this is a finished layer that snapshots can be made on. A layer that was not on disk at a power cut is none. */
  has(id: SnapshotId): boolean;
  /** What to mount to see it; `readOnly` leaves the upper out of writing. */
  mountOf(id: SnapshotId, readOnly?: boolean): SnapshotMount;
  /** The snapshot's own files: a layer's folder, or an active one's upper. */
  directory(id: SnapshotId): string;
  /** Bytes and inodes of its own files. Layers have it stored; active ones are walked. */
  usage(id: SnapshotId): Promise<{ size: number; inodes: number }>;
  parentOf(id: SnapshotId): SnapshotId | undefined;
  /** When its folder was made, as ISO 8601: for a build's step, when that began. */
  createdAt(id: SnapshotId): string;
  /** Row first, then the folder. */
  remove(id: SnapshotId): Promise<void>;
  list(): { id: SnapshotId; chain?: ChainId; parent?: SnapshotId; size?: number; createdAt: string }[];
}

export interface Leases {
  /** Default life: one hour; renewed by `touch` while the operation goes on. */
  open(purpose: string, seconds?: number): LeaseId;
  touch(lease: LeaseId, seconds?: number): void;
  hold(lease: LeaseId, what: { digest: Digest } | { snapshot: SnapshotId }): void;
  close(lease: LeaseId): void;
  /** Closes every lease of this purpose: at start-up, what a killed daemon's operations held. */
  closeAll(purpose: string): void;
}

/** `build`: a record of the build cache. `history`: a build that has ended. */
export interface RootOwner {
  kind: "container" | "build" | "history" | "volume";
  id: string;
}

/** Who keeps what alive, besides image records. */
export interface Roots {
  set(owner: RootOwner, needs: { digests?: Digest[]; snapshots?: SnapshotId[] }): void;
  clear(owner: RootOwner): void;
}

/** An image is a name and a root descriptor. Untagged images have the name `<none>@DIGEST`. */
export interface ImageRecord {
  /** Canonical: `docker.io/library/busybox:latest`, `localhost:5000/debian:bookworm-slim`, `<none>@sha256:…`. */
  name: string;
  target: Descriptor;
  createdAt: string;
  updatedAt: string;
  labels: Record<string, string>;
}

export interface ImageRecords {
  get(name: string): ImageRecord | undefined;
  byDigest(digest: Digest): ImageRecord[];
  all(): ImageRecord[];
  put(record: Omit<ImageRecord, "createdAt" | "updatedAt">): ImageRecord;
  delete(name: string): boolean;
}

export interface GarbageReport {
  blobs: Digest[];
  snapshots: SnapshotId[];
  /** Bytes given back. */
  freed: number;
}

export interface Store extends AsyncDisposable {
  readonly root: string;
  readonly db: Database;
  readonly content: ContentStore;
  readonly snapshots: Snapshots;
  readonly leases: Leases;
  readonly roots: Roots;
  readonly images: ImageRecords;
  /** Another number once an image's name, a network, an endpoint or a volume has changed. */
  readonly revision: number;
  documents<T extends { id: string }>(table: string): Documents<T>;
  /** One change, one transaction; synchronous, so nothing of ours can come between. */
  transaction<T>(work: () => T): T;
  collectGarbage(): Promise<GarbageReport>;
  /** A collection in a moment, once for all who ask until then. For what failed and holds nothing any more. */
  collectSoon(): void;
  /** After a crash: removes ingest files and snapshot folders that no row knows, finishes half-made removals. */
  reconcile(): Promise<void>;
  close(): Promise<void>;
}
