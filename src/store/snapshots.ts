// Snapshots: layers and what is written on top of them. The table is the truth, folders only follow it.
//
//   preparing ──commitLayer──▶ layer          (never changes again, found by its chain id)
//   preparing ──createActive─▶ active         (written by a container or a build step)
//   active ──────freeze──────▶ layer          (a build step's result: no chain id until its archive is known)
//   any ──────────remove─────▶ removing ──▶ gone
//
// What is `preparing` belongs to one operation of this process; after a restart it is nobody's and goes
// (reconcile.ts). Changes of rows are synchronous, so nothing comes between a look and a change.
import type { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { conflict, notFound } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import type { ChainId } from "../oci/digest.ts";
import { type BackendName, filesOf, type SnapshotBackend, workOf } from "./backend.ts";
import type { LayerSync } from "./layer-sync.ts";
import { holdItem } from "./leases.ts";
import { removeTree } from "./remove-tree.ts";
import type { LeaseId, SnapshotBase, SnapshotId, Snapshots } from "./types.ts";

interface Row {
  number: number;
  state: "preparing" | "layer" | "active" | "removing";
  backend: BackendName;
  chain: string | null;
  parent: number | null;
  size: number | null;
  inodes: number | null;
  created_at: string;
}

export const snapshotIdOf = (number: number): SnapshotId => number.toString(36) as SnapshotId;
export const snapshotNumberOf = (id: SnapshotId): number => Number.parseInt(id, 36);

export interface OpenSnapshots extends Snapshots {
  readonly folder: string;
  /** The backend that new snapshots get. */
  readonly backend: BackendName;
  /** Takes away the folder and the row of a snapshot whose row says `removing` already. */
  finishRemoval(id: SnapshotId): Promise<void>;
}

export function openSnapshots(
  db: Database,
  folder: string,
  backends: { current: SnapshotBackend; all: Record<BackendName, SnapshotBackend> },
  sync: LayerSync,
): OpenSnapshots {
  const { current } = backends;

  const row = (id: SnapshotId): Row => {
    const found = db
      .query("SELECT * FROM snapshots WHERE number = ?")
      .get(snapshotNumberOf(id)) as Row | null;
    if (!found || found.state === "removing") throw notFound(`snapshot ${id}: not found`);
    return found;
  };
  const layer = (chain: ChainId): SnapshotId | undefined => {
    const found = db
      .query(
        "SELECT number FROM snapshots WHERE chain = ? AND backend = ? AND mapping = '' AND state = 'layer'",
      )
      .get(chain, current.name) as { number: number } | null;
    return found ? snapshotIdOf(found.number) : undefined;
  };
  /** The snapshots below, the nearest first. */
  const parentsOf = (number: number | null): SnapshotId[] => {
    const parents: SnapshotId[] = [];
    for (let at = number; at !== null; ) {
      parents.push(snapshotIdOf(at));
      at = (db.query("SELECT parent FROM snapshots WHERE number = ?").get(at) as { parent: number | null })
        .parent;
    }
    return parents;
  };
  const has = (id: SnapshotId): boolean =>
    db
      .query("SELECT 1 FROM snapshots WHERE number = ? AND backend = ? AND mapping = '' AND state = 'layer'")
      .get(snapshotNumberOf(id), current.name) !== null;
  const requireLayer = (base: SnapshotBase): SnapshotId => {
    if (typeof base === "object") {
      if (!has(base.on)) throw notFound(`snapshot ${base.on} is not a layer that another can be made on`);
      return base.on;
    }
    const id = layer(base);
    if (!id) throw notFound(`layer ${base} is not unpacked here`);
    return id;
  };

  /** A row that is `preparing`, held by the lease, and its folder. */
  function prepare(lease: LeaseId, parent: SnapshotId | undefined): SnapshotId {
    const id = db.transaction(() => {
      const { lastInsertRowid } = db
        .query("INSERT INTO snapshots (state, backend, parent, created_at) VALUES ('preparing', ?, ?, ?)")
        .run(current.name, parent ? snapshotNumberOf(parent) : null, new Date().toISOString());
      const made = snapshotIdOf(Number(lastInsertRowid));
      holdItem(db, lease, "snapshot", made);
      return made;
    })();
    failpoint("store.snapshot-numbered");
    mkdirSync(join(folder, id), { mode: 0o711 });
    mkdirSync(join(folder, filesOf(id)), { mode: 0o755 });
    return id;
  }

  async function finishRemoval(id: SnapshotId): Promise<void> {
    failpoint("store.removal-marked");
    await removeTree(join(folder, id));
    failpoint("store.removal-emptied");
    db.query("DELETE FROM snapshots WHERE number = ?").run(snapshotNumberOf(id));
    db.query("DELETE FROM lease_items WHERE kind = 'snapshot' AND item = ?").run(id);
  }

  async function remove(id: SnapshotId): Promise<void> {
    const { state } = row(id);
    if (state === "preparing") {
      // Nobody finds it by its row, so its files go first: a full disk has no room for the row's change.
      await removeTree(join(folder, id));
    } else
      db.transaction(() => {
        const child = db
          .query("SELECT number FROM snapshots WHERE parent = ?")
          .get(snapshotNumberOf(id)) as Row | null;
        if (child) throw conflict(`snapshot ${id} is in use by snapshot ${snapshotIdOf(child.number)}`);
        db.query("UPDATE snapshots SET state = 'removing', parent = NULL WHERE number = ?").run(
          snapshotNumberOf(id),
        );
      }).immediate();
    await finishRemoval(id);
  }

  return {
    folder,
    backend: current.name,
    finishRemoval,
    layer,
    has,
    remove,
    async beginLayer(lease) {
      const id = prepare(lease, undefined);
      return { id, directory: join(folder, filesOf(id)) };
    },
    async commitLayer(id, chain, { parent, size, inodes, implied }) {
      const known = () => (chain === undefined ? undefined : layer(chain));
      if (!known()) {
        const below = parent ? requireLayer(parent) : undefined;
        await current.finishLayer(id, below ? parentsOf(snapshotNumberOf(below)) : [], implied);
      }
      failpoint("store.layer-settled");
      const result = db
        .transaction(() => {
          const first = known();
          if (first) {
            // Whoever holds ours needs the other's now.
            db.query(
              "INSERT OR IGNORE INTO lease_items (lease, kind, item) SELECT lease, kind, ? FROM lease_items WHERE kind = 'snapshot' AND item = ?",
            ).run(first, id);
            return first;
          }
          const { changes } = db
            .query(
              `UPDATE snapshots SET state = 'layer', chain = ?, parent = ?, size = ?, inodes = ?, unsynced_boot = ?
             WHERE number = ? AND state = 'preparing'`,
            )
            .run(
              chain ?? null,
              parent ? snapshotNumberOf(requireLayer(parent)) : null,
              size,
              inodes,
              sync.boot,
              snapshotNumberOf(id),
            );
          if (changes === 0) throw conflict(`snapshot ${id} is not being prepared`);
          return id;
        })
        .immediate();
      if (result === id) sync.schedule();
      else await remove(id);
      return result;
    },
    async createActive(parent, lease) {
      if (typeof parent === "string") await sync.settled(snapshotNumberOf(requireLayer(parent)));
      // Looked up again: it may have been collected meanwhile by a caller that held nothing.
      const below = parent ? requireLayer(parent) : undefined;
      const id = prepare(lease, below);
      try {
        await current.prepareActive(id, below ? parentsOf(snapshotNumberOf(below)) : []);
        db.query("UPDATE snapshots SET state = 'active' WHERE number = ?").run(snapshotNumberOf(id));
        return id;
      } catch (thrown) {
        await remove(id);
        throw thrown;
      }
    },
    async freeze(id, { size, inodes }) {
      row(id);
      const { changes } = db
        .query(
          `UPDATE snapshots SET state = 'layer', size = ?, inodes = ?, unsynced_boot = ?
           WHERE number = ? AND state = 'active'`,
        )
        .run(size, inodes, sync.boot, snapshotNumberOf(id));
      if (changes === 0) throw conflict(`snapshot ${id} is not written to: only an active one can be frozen`);
      sync.scheduleLate();
      failpoint("store.snapshot-frozen");
      // Overlay's own folder has no use without an upper one; a killed process leaves it beside the layer until that goes.
      await removeTree(join(folder, workOf(id)));
    },
    nameLayer(id, chain) {
      return db
        .transaction(() => {
          const first = layer(chain);
          if (first) return first;
          const { chain: old } = row(requireLayer({ on: id }));
          if (old !== null) throw conflict(`snapshot ${id} is the layer ${old} already`);
          db.query("UPDATE snapshots SET chain = ? WHERE number = ?").run(chain, snapshotNumberOf(id));
          return id;
        })
        .immediate();
    },
    mountOf(id, readOnly = false) {
      const { backend, parent, state } = row(id);
      return backends.all[backend].mountOf(id, parentsOf(parent), readOnly || state === "layer");
    },
    directory: (id) => join(folder, filesOf(snapshotIdOf(row(id).number))),
    async usage(id) {
      const { size, inodes } = row(id);
      if (size !== null && inodes !== null) return { size, inodes };
      return await measure(join(folder, filesOf(id)));
    },
    createdAt: (id) => row(id).created_at,
    parentOf(id) {
      const { parent } = row(id);
      return parent === null ? undefined : snapshotIdOf(parent);
    },
    list: () =>
      (
        db.query("SELECT * FROM snapshots WHERE state IN ('layer', 'active') ORDER BY number").all() as Row[]
      ).map((found) => ({
        id: snapshotIdOf(found.number),
        ...(found.chain === null ? {} : { chain: found.chain as ChainId }),
        ...(found.parent === null ? {} : { parent: snapshotIdOf(found.parent) }),
        ...(found.size === null ? {} : { size: found.size }),
        createdAt: found.created_at,
      })),
  };
}

/** Bytes on disk and inodes of a tree, each hard-linked file once; files that go meanwhile don't count. */
async function measure(root: string): Promise<{ size: number; inodes: number }> {
  const seen = new Set<number>();
  let size = 0;
  const count = async (path: string): Promise<boolean> => {
    const facts = await lstat(path).catch(() => undefined);
    if (!facts || seen.has(facts.ino)) return false;
    seen.add(facts.ino);
    size += facts.blocks * 512;
    return facts.isDirectory();
  };
  const walk = async (folder: string): Promise<void> => {
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      const path = join(folder, name);
      if (await count(path)) await walk(path);
    }
  };
  if (await count(root)) await walk(root);
  return { size, inodes: seen.size };
}
