// The builds that the daemon remembers, with BuildKit's meaning (solver/llbsolver/history.go).
//
//   active    it runs: known to this process alone, so one that ran when the daemon was killed is none
//   ending    it has ended, its client has its answer; what it leaves is being written
//   row       it has ended, all of it is in the store
//
// Nobody is told of a build as ended before its row is there: what was seen once survives a killed daemon.
import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type BerthError, conflict, messageOf, systemError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import {
  type BuildHistoryEvent,
  BuildHistoryEventSchema,
  BuildHistoryEventType,
  type BuildHistoryRecord,
  BuildHistoryRecordSchema,
  type StatusResponse,
} from "../../buildkit/messages/control_pb.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Documents, LeaseId, Store } from "../../store/types.ts";
import { EventQueue } from "./event-queue.ts";
import { historyFilter } from "./filters.ts";
import { decodeStatusLog } from "./status-log.ts";

/** A build goes when there are more, and it is older (BuildKit's defaults, which are Docker's). */
const KEPT = { builds: 50, milliseconds: 48 * 3600 * 1000 };

/** Milliseconds between two looks for old ones. */
const LOOK_EVERY = 120_000;

/** What holds a record's blobs until its row does; a starting daemon closes those of the one before it. */
export const RECORD_LEASE = "build record";

interface Row {
  id: string;
  /** In protobuf's JSON. */
  record: JsonValue;
  /** Digests of what of its result is kept beside it. */
  documents: Digest[];
}

/** A manifest or a config, in base64: the content store has it as long as the image is there. */
interface Document {
  id: Digest;
  bytes: string;
}

/** What a build leaves: its record, and the blobs and documents that the record names. */
export interface EndedBuild {
  record: BuildHistoryRecord;
  blobs: Digest[];
  documents: ReadonlyMap<Digest, Uint8Array>;
}

export interface HistoryQuery {
  ref: string;
  activeOnly: boolean;
  /** Ends after what is known now; else new events follow. */
  earlyExit: boolean;
  filters: readonly string[];
  /** The newest so many that have ended; 0: all. */
  limit: number;
}

export class History {
  private readonly rows: Documents<Row>;
  private readonly kept: Documents<Document>;
  private readonly active = new Map<string, BuildHistoryRecord>();
  private readonly ending = new Set<Promise<void>>();
  private readonly listeners = new Set<EventQueue<BuildHistoryEvent>>();
  private closed = false;
  private looked = 0;

  constructor(private readonly store: Store) {
    this.rows = store.documents<Row>("builds");
    this.kept = store.documents<Document>("buildDocuments");
    this.forgetOld();
  }

  begin(record: BuildHistoryRecord): void {
    this.active.set(record.ref, record);
    this.tell(BuildHistoryEventType.STARTED, record);
  }

  /** `write` stores what the record names, and holds it by the lease, from its first synchronous piece on. Never rejects. */
  async end(ref: string, write: (lease: LeaseId) => Promise<EndedBuild>): Promise<void> {
    const written = this.keep(ref, write);
    this.ending.add(written);
    await written;
    this.ending.delete(written);
  }

  private async keep(ref: string, write: (lease: LeaseId) => Promise<EndedBuild>): Promise<void> {
    const lease = this.store.leases.open(RECORD_LEASE);
    try {
      const ended = await write(lease);
      this.put(ended);
      this.active.delete(ref);
      this.tell(BuildHistoryEventType.COMPLETE, ended.record);
      this.forgetOld();
    } catch (thrown) {
      log.warn("cannot keep the record of a build", { ref, error: messageOf(thrown) });
      this.active.delete(ref);
      this.tell(BuildHistoryEventType.DELETED, create(BuildHistoryRecordSchema, { ref }));
    } finally {
      this.store.leases.close(lease);
    }
  }

  private put({ record, blobs, documents }: EndedBuild): void {
    this.store.transaction(() => {
      for (const [id, bytes] of documents)
        this.kept.put({ id, bytes: Buffer.from(bytes).toString("base64") });
      this.putRecord(record, [...documents.keys()]);
      this.store.roots.set({ kind: "history", id: record.ref }, { digests: blobs });
    });
  }

  private putRecord(record: BuildHistoryRecord, documents: Digest[]): void {
    this.rows.put({ id: record.ref, record: toJson(BuildHistoryRecordSchema, record), documents });
  }

  /** Undefined: it runs, or nobody remembers it. */
  get(ref: string): BuildHistoryRecord | undefined {
    const row = this.rows.get(ref);
    return row && recordIn(row);
  }

  /** What a build that has ended said; undefined: there is none of that name. Errors: not-found, where its log is gone. */
  async logOf(ref: string): Promise<Generator<StatusResponse> | undefined> {
    const record = this.get(ref);
    if (!record) return undefined;
    return decodeStatusLog(
      record.logs ? await this.store.content.read(record.logs.digest as Digest) : new Uint8Array(),
    );
  }

  /** A manifest or config of a result whose image may be gone. */
  document(digest: Digest): Uint8Array | undefined {
    const found = this.kept.get(digest);
    return found && Buffer.from(found.bytes, "base64");
  }

  /** Running builds, then those that have ended, then what happens. Errors: invalid, for filters and limits. */
  async *listen(query: HistoryQuery, signal: AbortSignal): AsyncGenerator<BuildHistoryEvent> {
    const matches = historyFilter(query.filters);
    if (query.limit < 0) throw systemError(`invalid limit ${query.limit}`);
    await Promise.all(this.ending);
    using events = new EventQueue<BuildHistoryEvent>(signal);
    this.listeners.add(events);
    try {
      const isAsked = ({ ref }: BuildHistoryRecord) => query.ref === "" || ref === query.ref;
      const active = [...this.active.values()].filter(isAsked);
      const ended = query.activeOnly
        ? []
        : newest(this.rowsOf(query.ref).map(recordIn).filter(matches), query.limit);
      for (const record of active) yield eventOf(BuildHistoryEventType.STARTED, record);
      for (const record of ended) yield eventOf(BuildHistoryEventType.COMPLETE, record);
      if (query.earlyExit || this.closed) return;
      for await (const event of events) if (event.record && isAsked(event.record)) yield event;
    } finally {
      this.listeners.delete(events);
    }
  }

  private rowsOf(ref: string): Row[] {
    if (ref === "") return this.rows.all();
    const row = this.rows.get(ref);
    return row ? [row] : [];
  }

  /** Errors: conflict for a build that runs; system, in containerd's words, for one that isn't there. */
  async remove(ref: string): Promise<void> {
    await Promise.all(this.ending);
    if (this.active.has(ref)) throw conflict(`build ${ref} is running: cancel it first`);
    if (!this.rows.get(ref)) throw missing(`lease "ref_${ref}": not found`);
    this.forget([ref]);
  }

  /** Pinned ones don't go by themselves. Errors: system, in BuildKit's words, for one that isn't there. */
  async pin(ref: string, pinned: boolean): Promise<void> {
    await Promise.all(this.ending);
    const row = this.rows.get(ref);
    if (!row) throw missing(`failed to retrieve ref ${ref}: file does not exist`);
    const record = recordIn(row);
    record.pinned = pinned;
    record.generation++;
    this.putRecord(record, row.documents);
    this.tell(BuildHistoryEventType.COMPLETE, record);
  }

  /** Resolves when what has ended is in the store. */
  async settled(): Promise<void> {
    await Promise.all(this.ending);
  }

  /** Ends those who follow. */
  async close(): Promise<void> {
    await this.settled();
    this.closed = true;
    for (const listener of this.listeners) listener.end();
  }

  private forgetOld(): void {
    if (Date.now() - this.looked < LOOK_EVERY) return;
    this.looked = Date.now();
    const rows = this.rows.all();
    if (rows.length <= KEPT.builds) return;
    const oldest = this.looked - KEPT.milliseconds;
    const others = rows
      .map(recordIn)
      .filter(({ pinned }) => !pinned)
      .sort((a, b) => millisecondsOf(b.completedAt) - millisecondsOf(a.completedAt));
    const old = others
      .slice(KEPT.builds)
      .filter(({ completedAt }) => millisecondsOf(completedAt) < oldest)
      .map(({ ref }) => ref);
    if (old.length > 0) this.forget(old);
  }

  private forget(refs: string[]): void {
    this.store.transaction(() => {
      for (const ref of refs) {
        this.rows.delete(ref);
        this.store.roots.clear({ kind: "history", id: ref });
      }
      const named = new Set(this.rows.all().flatMap(({ documents }) => documents));
      for (const { id } of this.kept.all()) if (!named.has(id)) this.kept.delete(id);
    });
    for (const ref of refs)
      this.tell(BuildHistoryEventType.DELETED, create(BuildHistoryRecordSchema, { ref }));
    this.store.collectSoon();
  }

  private tell(type: BuildHistoryEventType, record: BuildHistoryRecord): void {
    const event = eventOf(type, record);
    for (const listener of this.listeners) listener.put(event);
  }
}

const recordIn = ({ record }: Row): BuildHistoryRecord => fromJson(BuildHistoryRecordSchema, record);

const eventOf = (type: BuildHistoryEventType, record: BuildHistoryRecord): BuildHistoryEvent =>
  create(BuildHistoryEventSchema, { type, record });

const missing = (text: string): BerthError => systemError(text);

/** In the order of their names, as BuildKit has them, unless there is a limit. */
function newest(records: BuildHistoryRecord[], limit: number): BuildHistoryRecord[] {
  if (limit === 0) return records.sort((a, b) => (a.ref < b.ref ? -1 : 1));
  return records.sort((a, b) => millisecondsOf(b.createdAt) - millisecondsOf(a.createdAt)).slice(0, limit);
}

const millisecondsOf = (time: { seconds: bigint; nanos: number } | undefined): number =>
  time ? Number(time.seconds) * 1000 + time.nanos / 1e6 : 0;
