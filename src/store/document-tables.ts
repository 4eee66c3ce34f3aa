// The tables of documents, and which of a document's fields have a column of their own.

export interface DocumentTable {
  columns: Record<string, { /** JSON path below `$.` */ path: string; unique?: boolean }>;
}

/**
 * A room that keeps rows adds its table here; tables and columns that are missing are made when the database opens.
 * Columns are computed by SQLite from the document, so they can't differ from it. A unique column whose field is
 * absent (null) never clashes.
 */
export const DOCUMENT_TABLES = {
  containers: {
    columns: {
      name: { path: "name", unique: true },
      imageId: { path: "imageId" },
      status: { path: "state.status" },
    },
  },
  execs: { columns: { containerId: { path: "containerId" } } },
  /** What a container's health checks said; its id is the container's. */
  health: { columns: {} },
  networks: { columns: { name: { path: "name", unique: true }, driver: { path: "driver" } } },
  sandboxes: { columns: { sharedWith: { path: "sharedWith" } } },
  endpoints: { columns: { sandboxId: { path: "sandboxId" }, networkId: { path: "networkId" } } },
  /** One address of one pool; its id says which, so that two endpoints can't have the same. */
  addresses: { columns: { networkId: { path: "networkId" }, endpointId: { path: "endpointId" } } },
  /** One published host port; its id is protocol, address and port. */
  ports: {
    columns: {
      endpointId: { path: "endpointId" },
      hostPort: { path: "hostPort" },
      protocol: { path: "protocol" },
    },
  },
  volumes: { columns: { driver: { path: "driver" } } },
  /** A container's use of a volume; its id is both. */
  volumeUses: { columns: { volume: { path: "volume" }, containerId: { path: "containerId" } } },
  /** What builds made and may take again (builder/cache/records.ts). */
  buildRecords: { columns: { key: { path: "key", unique: true } } },
  /** From what a step can be told by at once to its record's key, where that takes a look at files (builder/cache/records.ts). */
  buildKeys: { columns: { key: { path: "key" } } },
  /** A layer's archives, by its snapshot (builder/layers/layer-blobs.ts). */
  layerBlobs: { columns: {} },
  /** Builds that have ended, by their clients' names for them (builder/history/history.ts). */
  builds: { columns: {} },
  /** Manifests and configs of what those builds made, by digest: they stay when the image goes. */
  buildDocuments: { columns: {} },
  /** Small facts of the engine: its own id, the subnet it took. */
  settings: { columns: {} },
} as const satisfies Record<string, DocumentTable>;

export type DocumentTableName = keyof typeof DOCUMENT_TABLES;
