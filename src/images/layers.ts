// From packed layers to a stack of snapshots: layers are unpacked side by side as their blobs arrive, then joined from
// the bottom up. Two pulls of one stack unpack each layer once.
import { systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { SharedWork, Slots } from "../base/shared-work.ts";
import { type ChainId, chainIds, type Digest } from "../oci/digest.ts";
import type { Descriptor } from "../oci/types.ts";
import { type UnpackedLayer, unpackLayer, withSharedLease } from "../store/index.ts";
import type { LeaseId, SnapshotId, Store } from "../store/types.ts";
import type { Downloads } from "./downloads.ts";

/** One layer of a stack, lowest first. */
export interface StackLayer {
  descriptor: Descriptor;
  /** Digest of the layer's tar, from the image's config. */
  diffId: Digest;
  /** Called when its unpacking begins, and when its snapshot can be used. */
  unpacking: () => void;
  unpacked: () => void;
}

type Stage = "unpacking";

export class Layers {
  private readonly shared = new SharedWork<void, Stage>();
  private readonly slots: Slots;
  private readonly waiters = new Map<ChainId, Set<() => void>>();

  constructor(
    private readonly store: Store,
    private readonly downloads: Downloads,
    concurrent: number,
  ) {
    this.slots = new Slots(concurrent);
  }

  /** Unpacks what isn't yet; the caller's lease holds the stack after. Answers its top. */
  async unpackStack(layers: StackLayer[], lease: LeaseId, signal: AbortSignal): Promise<ChainId | undefined> {
    const chain = chainIds(layers.map(({ diffId }) => diffId));
    // One layer's failure ends the others' work, unless another pull waits for it too.
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const tasks = layers.map(async (layer, at) => {
      const id = chain[at] as ChainId;
      const parent = chain[at - 1];
      if (!this.store.snapshots.layer(id))
        await this.shared.run(id, either, layer.unpacking, (work, report) =>
          this.unpackOne(layer, id, parent, work, () => report("unpacking")),
        );
      const snapshot = this.store.snapshots.layer(id);
      if (!snapshot) throw systemError(`layer ${id} was removed while it was being unpacked`);
      this.store.leases.hold(lease, { snapshot });
      layer.unpacked();
    });
    for (const task of tasks) task.catch((error) => failed.abort(error));
    // All have to have ended before the caller gives up its lease; the first failure is the one to tell.
    const results = await Promise.allSettled(tasks);
    signal.throwIfAborted();
    if (failed.signal.aborted) throw failed.signal.reason;
    const broken = results.find((result) => result.status === "rejected");
    if (broken) throw broken.reason;
    return chain.at(-1);
  }

  private async unpackOne(
    layer: StackLayer,
    id: ChainId,
    parent: ChainId | undefined,
    signal: AbortSignal,
    begun: () => void,
  ): Promise<void> {
    await withSharedLease(this.store, `unpack ${layer.descriptor.digest}`, async (lease) => {
      this.store.leases.hold(lease, { digest: layer.descriptor.digest });
      const unpacked =
        (await this.unpackLive(layer, lease, signal, begun)) ??
        (await this.unpackStored(layer, lease, signal, begun));
      try {
        if (unpacked.diffId !== layer.diffId)
          throw systemError(
            `failed to extract layer ${layer.descriptor.digest}: wrong diff id ${unpacked.diffId} calculated on extraction, the image's config names ${layer.diffId}`,
          );
        failpoint("pull.layer-unpacked");
        if (parent) await this.committed(parent, signal);
        const { size, inodes, implied } = unpacked;
        await this.store.snapshots.commitLayer(unpacked.id, id, { parent, size, inodes, implied });
      } catch (error) {
        await this.discard(unpacked.id);
        throw error;
      }
      failpoint("pull.layer-committed");
      for (const wake of this.waiters.get(id) ?? []) wake();
      this.waiters.delete(id);
    });
  }

  /** Unpacks while the blob arrives; undefined when that can't be, or failed: the stored blob will tell. */
  private async unpackLive(
    { descriptor }: StackLayer,
    lease: LeaseId,
    signal: AbortSignal,
    begun: () => void,
  ): Promise<UnpackedLayer | undefined> {
    const { digest } = descriptor;
    const live = this.downloads.claimLive(digest);
    if (!live) return undefined;
    const giveUp = () => this.downloads.endLive(digest);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      if (!(await live.started) || this.slots.full) return undefined;
      begun();
      const unpacked = await this.slots.run(signal, () =>
        unpackLayer(this.store, { lease, source: { chunks: live, size: descriptor.size }, signal }),
      );
      // The worker may end before the downloader has checked the digest.
      await this.downloads.stored(digest, signal).catch(async (error: unknown) => {
        await this.discard(unpacked.id);
        throw error;
      });
      return unpacked;
    } catch {
      signal.throwIfAborted();
      return undefined;
    } finally {
      signal.removeEventListener("abort", giveUp);
      giveUp();
    }
  }

  private async unpackStored(
    { descriptor }: StackLayer,
    lease: LeaseId,
    signal: AbortSignal,
    begun: () => void,
  ): Promise<UnpackedLayer> {
    await this.downloads.stored(descriptor.digest, signal);
    return await this.slots.run(signal, async () => {
      begun();
      const path = this.store.content.path(descriptor.digest);
      return await unpackLayer(this.store, { lease, source: { path }, signal });
    });
  }

  /** Waits until the layer below is there; somebody who waits for this one also sees to that one. */
  private async committed(chain: ChainId, signal: AbortSignal): Promise<void> {
    if (this.store.snapshots.layer(chain)) return;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => reject(signal.reason);
    const waiting = this.waiters.get(chain) ?? new Set();
    this.waiters.set(chain, waiting.add(resolve));
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      await promise;
    } finally {
      waiting.delete(resolve);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** What was unpacked of a layer that failed; the failure itself is what the caller hears of. */
  private async discard(snapshot: SnapshotId): Promise<void> {
    await this.store.snapshots.remove(snapshot).catch(() => undefined);
  }
}
