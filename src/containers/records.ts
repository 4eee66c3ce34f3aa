// The containers' rows, and a copy of them in memory: this process alone writes them, and lists come often.
// A row is written first, in a transaction; the copy follows when that succeeded.
import { invalid, notFound } from "../base/errors.ts";
import type { Documents, Store } from "../store/types.ts";
import type { ContainerId, ContainerRecord } from "./types.ts";

export class Records {
  private readonly documents: Documents<ContainerRecord>;
  private readonly byId = new Map<string, ContainerRecord>();
  private readonly byName = new Map<string, ContainerRecord>();
  /** Who links to a container. */
  private readonly linkers = new Map<string, Set<ContainerId>>();
  /** Until the next change. */
  private sorted: ContainerRecord[] | undefined;

  constructor(readonly store: Store) {
    this.documents = store.documents<ContainerRecord>("containers");
    for (const record of this.documents.all()) this.remember(record);
  }

  get(id: string): ContainerRecord | undefined {
    return this.byId.get(id);
  }

  named(name: string): ContainerRecord | undefined {
    return this.byName.get(name);
  }

  /** Containers that have a link to this one. */
  linkersOf(id: string): ContainerRecord[] {
    return [...(this.linkers.get(id) ?? [])].flatMap((linker) => this.byId.get(linker) ?? []);
  }

  /** Newest first. */
  all(): ContainerRecord[] {
    this.sorted ??= [...this.byId.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1));
    return [...this.sorted];
  }

  /** Writes the row, and with it what `also` writes, in one transaction. */
  put(record: ContainerRecord, also?: () => void): void {
    this.store.transaction(() => {
      this.documents.put(record);
      also?.();
    });
    this.forget(record.id);
    this.remember(record);
  }

  delete(id: ContainerId, also?: () => void): void {
    this.store.transaction(() => {
      this.documents.delete(id);
      also?.();
    });
    this.forget(id);
  }

  /** By full id, name or unique prefix of an id. Errors: not-found, invalid when several begin so; Docker's words. */
  find(reference: string): ContainerRecord {
    if (reference === "") throw invalid('invalid name or ID supplied: ""');
    const exact =
      this.byId.get(reference) ??
      this.byName.get(reference.startsWith("/") ? reference.slice(1) : reference) ??
      this.withPrefix(reference) ??
      this.linked(reference);
    if (!exact) throw notFound(`No such container: ${reference}`);
    return exact;
  }

  /** `PARENT/ALIAS`, the name of a link. */
  private linked(reference: string): ContainerRecord | undefined {
    const [parent = "", alias, ...more] = reference.replace(/^\//, "").split("/");
    if (alias === undefined || more.length > 0) return undefined;
    const link = this.byName.get(parent)?.links?.find((each) => each.alias === alias);
    return link && this.byId.get(link.id);
  }

  private withPrefix(prefix: string): ContainerRecord | undefined {
    let found: ContainerRecord | undefined;
    for (const [id, record] of this.byId) {
      if (!id.startsWith(prefix)) continue;
      if (found) throw invalid(`multiple IDs found with provided prefix: ${prefix}`);
      found = record;
    }
    return found;
  }

  private remember(record: ContainerRecord): void {
    this.sorted = undefined;
    this.byId.set(record.id, record);
    this.byName.set(record.name, record);
    for (const link of record.links ?? []) {
      const linkers = this.linkers.get(link.id) ?? new Set();
      this.linkers.set(link.id, linkers.add(record.id));
    }
  }

  private forget(id: string): void {
    this.sorted = undefined;
    const known = this.byId.get(id);
    if (known) this.byName.delete(known.name);
    for (const link of known?.links ?? []) {
      const linkers = this.linkers.get(link.id);
      linkers?.delete(known?.id as ContainerId);
      if (linkers?.size === 0) this.linkers.delete(link.id);
    }
    this.byId.delete(id);
  }
}

/** Without the Z, "…08.1" comes before "…08.12", as it should. */
const sortKey = ({ createdAt }: ContainerRecord): string => createdAt.slice(0, -1);
