// Leases and roots: what says that a blob or a snapshot is needed, for a while or for good.
import type { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { notFound } from "../base/errors.ts";
import type { LeaseId, Leases, Roots } from "./types.ts";

const DEFAULT_SECONDS = 3600;

export function openLeases(db: Database): Leases {
  const expiry = (seconds = DEFAULT_SECONDS) => Date.now() + seconds * 1000;
  return {
    open(purpose, seconds) {
      const id = randomBytes(12).toString("hex") as LeaseId;
      db.query("INSERT INTO leases (id, purpose, created_at, expires_at) VALUES (?, ?, ?, ?)").run(
        id,
        purpose,
        new Date().toISOString(),
        expiry(seconds),
      );
      return id;
    },
    touch(lease, seconds) {
      const { changes } = db
        .query("UPDATE leases SET expires_at = ? WHERE id = ?")
        .run(expiry(seconds), lease);
      if (changes === 0) throw notFound(`lease ${lease} has expired or was closed`);
    },
    hold(lease, what) {
      holdItem(
        db,
        lease,
        "digest" in what ? "blob" : "snapshot",
        "digest" in what ? what.digest : what.snapshot,
      );
    },
    close(lease) {
      db.query("DELETE FROM leases WHERE id = ?").run(lease);
    },
    closeAll(purpose) {
      db.query("DELETE FROM leases WHERE purpose = ?").run(purpose);
    },
  };
}

/** A lease's edge. Errors: not-found when the lease is no more, since what it should hold would be garbage. */
export function holdItem(db: Database, lease: LeaseId, kind: "blob" | "snapshot", item: string): void {
  const { changes } = db
    .query(
      "INSERT INTO lease_items (lease, kind, item) SELECT id, ?2, ?3 FROM leases WHERE id = ?1 ON CONFLICT DO NOTHING",
    )
    .run(lease, kind, item);
  if (changes === 0 && !db.query("SELECT 1 FROM leases WHERE id = ?").get(lease))
    throw notFound(`lease ${lease} has expired or was closed`);
}

export function openRoots(db: Database): Roots {
  const clear: Roots["clear"] = (owner) => {
    db.query("DELETE FROM roots WHERE owner_kind = ? AND owner = ?").run(owner.kind, owner.id);
  };
  return {
    set(owner, needs) {
      db.transaction(() => {
        clear(owner);
        const insert = db.query(
          "INSERT OR IGNORE INTO roots (owner_kind, owner, kind, item) VALUES (?, ?, ?, ?)",
        );
        for (const digest of needs.digests ?? []) insert.run(owner.kind, owner.id, "blob", digest);
        for (const snapshot of needs.snapshots ?? []) insert.run(owner.kind, owner.id, "snapshot", snapshot);
      })();
    },
    clear,
  };
}
