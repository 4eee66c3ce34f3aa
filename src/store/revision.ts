// A number that changes with what lists are made of: who keeps something computed from rows sees by it that it is old.
import type { Database } from "bun:sqlite";

const revisions = new WeakMap<Database, number>();

/** Before a change is written: one that is rolled back makes a list anew for nothing, no more. */
export function countChange(db: Database): void {
  revisions.set(db, revisionOf(db) + 1);
}

export const revisionOf = (db: Database): number => revisions.get(db) ?? 0;
