// `RUN --mount=type=cache`: folders that outlive their builds, by their id.
//
//   shared   all that ask at the same time get the same folder
//   locked   one after the other
//   private  one that nobody has, else a new one
//
// Each is a snapshot that stays active, with a record in the cache: pruned like others, never by content.

import { KeyedLock } from "../../base/keyed-lock.ts";
import { CacheSharingOpt } from "../../buildkit/messages/ops_pb.ts";
import type { LeaseId, SnapshotId, Store } from "../../store/types.ts";
import { mountWritable } from "../solver/views.ts";
import type { Ref } from "../types.ts";
import type { BuildRecord, Records } from "./records.ts";

export interface CacheMountRequest {
  id: string;
  /** What a new one begins with. */
  base: Ref | undefined;
  sharing: CacheSharingOpt;
  lease: LeaseId;
  signal: AbortSignal;
}

interface Open {
  users: number;
  mounted: Disposable & { path: string };
  use: Disposable;
}

export class CacheMounts {
  private readonly open_ = new Map<string, Open>();
  private readonly turns = new KeyedLock();
  private readonly making = new KeyedLock();

  constructor(
    private readonly store: Store,
    private readonly records: Records,
  ) {}

  async open(request: CacheMountRequest): Promise<AsyncDisposable & { path: string }> {
    const key = `cache-mount ${request.id} ${request.base?.key ?? ""}`;
    if (request.sharing !== CacheSharingOpt.LOCKED) return await this.take(key, request);
    const got = Promise.withResolvers<AsyncDisposable & { path: string }>();
    const end = Promise.withResolvers<void>();
    void this.turns.run(key, async () => {
      try {
        request.signal.throwIfAborted();
        got.resolve(await this.take(key, request));
      } catch (thrown) {
        got.reject(thrown);
        return;
      }
      await end.promise;
    });
    const taken = await got.promise;
    return {
      path: taken.path,
      async [Symbol.asyncDispose]() {
        await taken[Symbol.asyncDispose]();
        end.resolve();
      },
    };
  }

  private take(key: string, request: CacheMountRequest): Promise<AsyncDisposable & { path: string }> {
    return this.making.run(key, async () => {
      const record = await this.choose(key, request);
      const open = this.open_.get(record.id) ?? this.mount(record);
      open.users++;
      return {
        path: open.mounted.path,
        [Symbol.asyncDispose]: async () => {
          if (--open.users > 0) return;
          this.open_.delete(record.id);
          open.mounted[Symbol.dispose]();
          open.use[Symbol.dispose]();
        },
      };
    });
  }

  private mount(record: BuildRecord): Open {
    const open = {
      users: 0,
      mounted: mountWritable(this.store, record.outputs[0] as SnapshotId),
      use: this.records.use(record.id),
    };
    this.open_.set(record.id, open);
    return open;
  }

  /** Private ones are numbered: the first that nobody has. */
  private async choose(key: string, { id, base, sharing, lease }: CacheMountRequest): Promise<BuildRecord> {
    for (let number = 0; ; number++) {
      const numbered = number === 0 ? key : `${key} ${number}`;
      const known = this.records.findMutable(numbered);
      if (known && sharing === CacheSharingOpt.PRIVATE && this.open_.has(known.id)) continue;
      return known ?? (await this.make(numbered, id, base, lease));
    }
  }

  private async make(key: string, id: string, base: Ref | undefined, lease: LeaseId): Promise<BuildRecord> {
    const on = await base?.snapshot();
    const snapshot = await this.store.snapshots.createActive(on && { on }, lease);
    return await this.records.add({
      key,
      type: "exec.cachemount",
      description: `cached mount ${id}`,
      outputs: [snapshot],
      parents: [],
      mutable: true,
    });
  }
}
