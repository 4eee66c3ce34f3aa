// What builds made, kept for the next: a record for each vertex that ran, by the key of what it follows from.
//
// A vertex has one key. Where its inputs are told apart by their content (COPY), finding the key takes a look at files; so what it can
// be told by at once (its operation, its inputs' keys) is kept as an alias of it. Rows are the truth; a record whose snapshot is gone is none.
import { randomBytes } from "node:crypto";
import type { SnapshotId, Store } from "../../store/types.ts";

/** As `du` names them. */
export type RecordType =
  | "regular"
  | "internal"
  | "frontend"
  | "source.local"
  | "source.git.checkout"
  | "exec.cachemount";

export interface BuildRecord {
  id: string;
  key: string;
  type: RecordType;
  description: string;
  /** By the number of the output; null: nothing (scratch). */
  outputs: (SnapshotId | null)[];
  /** Records that it was made on. */
  parents: string[];
  /** Bytes of its own on disk. */
  size: number;
  createdAt: string;
  lastUsedAt: string;
  usageCount: number;
  /** It is written to by each build that uses it; a build has it to itself. */
  mutable: boolean;
}

export interface NewRecord {
  key: string;
  type: RecordType;
  description: string;
  outputs: (SnapshotId | null)[];
  parents: string[];
  mutable?: boolean;
}

interface Alias {
  id: string;
  key: string;
}

export class Records {
  private readonly rows;
  private readonly aliases;
  /** Records that a running build has, by how many. */
  private readonly users = new Map<string, number>();
  /** Mutable ones that somebody may have written to since they were measured. */
  private readonly unmeasured = new Set<string>();
  private measuring: Promise<void> = Promise.resolve();

  constructor(private readonly store: Store) {
    this.rows = store.documents<BuildRecord>("buildRecords");
    this.aliases = store.documents<Alias>("buildKeys");
  }

  /** The key that `alias` was found to lead to. */
  keyOf(alias: string): string | undefined {
    return this.aliases.get(alias)?.key;
  }

  setAlias(alias: string, key: string): void {
    this.aliases.put({ id: alias, key });
  }

  find(key: string): BuildRecord | undefined {
    const [record] = this.rows.where("key", key);
    if (!record) return undefined;
    if (record.outputs.every((output) => output === null || this.store.snapshots.has(output))) return record;
    this.remove(record.id);
    return undefined;
  }

  /** One that builds write to: its snapshot is never finished. */
  findMutable(key: string): BuildRecord | undefined {
    const [record] = this.rows.where("key", key);
    return record?.mutable ? record : undefined;
  }

  get(id: string): BuildRecord | undefined {
    return this.rows.get(id);
  }

  all(): BuildRecord[] {
    return this.rows.all();
  }

  /** Writes the row and what keeps its snapshots, in one transaction. A record of the same key gives way. */
  async add(made: NewRecord): Promise<BuildRecord> {
    const size = await snapshotsSize(this.store, made.outputs);
    const time = new Date().toISOString();
    const record: BuildRecord = {
      id: randomBytes(12).toString("hex"),
      mutable: false,
      ...made,
      size,
      createdAt: time,
      lastUsedAt: time,
      usageCount: 1,
    };
    this.store.transaction(() => {
      for (const old of this.rows.where("key", made.key)) this.forget(old.id);
      this.rows.put(record);
      this.store.roots.set(
        { kind: "build", id: record.id },
        { snapshots: record.outputs.filter((output) => output !== null) },
      );
    });
    return record;
  }

  /** Its snapshots go with the next collection, unless somebody else has them. */
  remove(id: string): void {
    this.store.transaction(() => this.forget(id));
  }

  private forget(id: string): void {
    const record = this.rows.get(id);
    if (record) for (const alias of this.aliases.where("key", record.key)) this.aliases.delete(alias.id);
    this.rows.delete(id);
    this.store.roots.clear({ kind: "build", id });
  }

  /** Notes that a build takes it, and keeps it from removal until the answer is disposed of. */
  use(id: string): Disposable {
    const record = this.rows.get(id);
    if (record)
      this.rows.put({ ...record, lastUsedAt: new Date().toISOString(), usageCount: record.usageCount + 1 });
    this.users.set(id, (this.users.get(id) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.users.get(id) ?? 1) - 1;
        if (left > 0) this.users.set(id, left);
        else this.users.delete(id);
        if (record?.mutable) this.unmeasured.add(id);
      },
    };
  }

  /** Brings the sizes of mutable ones up to date. `sizeOf`: bytes. One at a time: who asks while others are measured sees those too. */
  measure(sizeOf: (record: BuildRecord) => Promise<number>): Promise<void> {
    const measured = this.measuring.then(() => this.measureNow(sizeOf));
    this.measuring = measured.catch(() => {});
    return measured;
  }

  private async measureNow(sizeOf: (record: BuildRecord) => Promise<number>): Promise<void> {
    const ids = [...this.unmeasured];
    this.unmeasured.clear();
    for (const id of ids) {
      const known = this.rows.get(id);
      if (!known) continue;
      const size = await sizeOf(known);
      const record = this.rows.get(id);
      if (record && record.size !== size) this.rows.put({ ...record, size });
    }
  }

  inUse(id: string): boolean {
    return this.users.has(id);
  }
}

/** Bytes on disk. */
export async function snapshotsSize(store: Store, outputs: BuildRecord["outputs"]): Promise<number> {
  let size = 0;
  for (const output of outputs) if (output !== null) size += (await store.snapshots.usage(output)).size;
  return size;
}
