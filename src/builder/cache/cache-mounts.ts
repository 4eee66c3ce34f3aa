// `RUN --mount=type=cache`: folders that outlive their builds, by their id.
//
//   shared   the one that others share at the time, else one that nobody has
//   locked   one that nobody has; waits where all are taken
//   private  one that nobody has, else a new one
//
// (BuildKit, solver/llbsolver/mounts/mount.go.) A step that mounts the same one twice has it once: it would wait for itself.
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

/** Those of one step, which has them until the disposal. */
export interface StepCacheMounts extends AsyncDisposable {
  /** Answers the folder. Errors: the signal's reason. */
  open(request: CacheMountRequest): Promise<string>;
}

interface Open {
  users: number;
  sharing: CacheSharingOpt;
  mounted: Disposable & { path: string };
  use: Disposable;
}

type Taken = Disposable & { path: string };

export class CacheMounts {
  private readonly open = new Map<string, Open>();
  private readonly choosing = new KeyedLock();
  private freed = Promise.withResolvers<void>();

  constructor(
    private readonly store: Store,
    private readonly records: Records,
  ) {}

  ofStep(): StepCacheMounts {
    const paths = new Map<string, string>();
    const stack = new AsyncDisposableStack();
    return {
      open: async (request) => {
        const key = `cache-mount ${request.id} ${request.base?.key ?? ""}`;
        const known = paths.get(key);
        if (known !== undefined) return known;
        const { path } = stack.use(await this.take(key, request));
        paths.set(key, path);
        return path;
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }

  private async take(key: string, request: CacheMountRequest): Promise<Taken> {
    for (;;) {
      request.signal.throwIfAborted();
      const { taken, freed } = await this.choosing.run(key, async () => {
        const record = await this.choose(key, request);
        return { taken: record && this.join(record, request.sharing), freed: this.freed.promise };
      });
      if (taken) return taken;
      await untilAborted(freed, request.signal);
    }
  }

  private join(record: BuildRecord, sharing: CacheSharingOpt): Taken {
    const open = this.open.get(record.id) ?? this.mount(record, sharing);
    open.users++;
    return {
      path: open.mounted.path,
      [Symbol.dispose]: () => {
        if (--open.users > 0) return;
        this.open.delete(record.id);
        open.mounted[Symbol.dispose]();
        open.use[Symbol.dispose]();
        const { resolve } = this.freed;
        this.freed = Promise.withResolvers();
        resolve();
      },
    };
  }

  private mount(record: BuildRecord, sharing: CacheSharingOpt): Open {
    const open = {
      users: 0,
      sharing,
      mounted: mountWritable(this.store, record.outputs[0] as SnapshotId),
      use: this.records.use(record.id),
    };
    this.open.set(record.id, open);
    return open;
  }

  /** They are numbered, since several can be wanted at once. Undefined: it has to wait. */
  private async choose(key: string, request: CacheMountRequest): Promise<BuildRecord | undefined> {
    const { SHARED, LOCKED } = CacheSharingOpt;
    const known = this.numbered(key);
    const shared = (record: BuildRecord) =>
      request.sharing === SHARED && this.open.get(record.id)?.sharing === SHARED;
    const fitting = known.find(shared) ?? known.find(({ id }) => !this.open.has(id));
    if (fitting) return fitting;
    if (request.sharing === LOCKED && known.length > 0) return undefined;
    return await this.make(numberedKey(key, known.length), request);
  }

  private numbered(key: string): BuildRecord[] {
    const found: BuildRecord[] = [];
    for (;;) {
      const record = this.records.findMutable(numberedKey(key, found.length));
      if (!record) return found;
      found.push(record);
    }
  }

  private async make(key: string, { id, base, lease }: CacheMountRequest): Promise<BuildRecord> {
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

const numberedKey = (key: string, number: number): string => (number === 0 ? key : `${key} ${number}`);

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
