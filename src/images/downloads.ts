// Blobs on their way from a registry: shared by all pulls, so many at a time, resumed at their byte after a broken
// connection and after a restart of the daemon. Only what has its digest is kept.
import { BerthError, messageOf, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { SharedWork, Slots } from "../base/shared-work.ts";
import type { Digest } from "../oci/digest.ts";
import type { Descriptor } from "../oci/types.ts";
import { mayPass, NetworkError, pause, type Repository } from "../registry/index.ts";
import { withSharedLease } from "../store/index.ts";
import type { BlobWriter, LeaseId, Store } from "../store/types.ts";
import { isDiskFull } from "./disk-full.ts";
import { LiveBlob } from "./live-blob.ts";

export interface DownloadRequest {
  repository: Repository;
  descriptor: Descriptor;
  /** The caller's lease, which holds the blob in the end. */
  lease: LeaseId;
  signal: AbortSignal;
  /** Bytes that are here. */
  report: (bytes: number) => void;
  /** Called when it has to wait for others. */
  waiting: () => void;
}

export class Downloads {
  private readonly shared = new SharedWork<void, number>();
  private readonly slots: Slots;
  private readonly followers = new Map<Digest, LiveBlob>();
  private readonly arrivals = new Map<Digest, Set<() => void>>();

  constructor(
    private readonly store: Store,
    private readonly settings: { concurrent: number; attempts: number },
  ) {
    this.slots = new Slots(settings.concurrent);
  }

  /** Brings a blob; true when it was here already. Errors: the network's, or system for wrong content. */
  async fetch(request: DownloadRequest): Promise<boolean> {
    const { store } = this;
    const { descriptor, lease, repository } = request;
    const { digest } = descriptor;
    if (store.content.info(digest)) {
      store.leases.hold(lease, { digest });
      noteSource(store, digest, repository);
      return true;
    }
    if (this.slots.full) request.waiting();
    await this.shared.run(digest, request.signal, request.report, (signal, report) =>
      this.slots.run(signal, () => this.bring(repository, descriptor, signal, report)),
    );
    // The work holds the blob for one turn more after it has told us (withSharedLease).
    store.leases.hold(lease, { digest });
    noteSource(store, digest, repository);
    return false;
  }

  /** Keeps the bytes of a blob for a reader as its download brings them. To be asked before the download is. */
  offerLive(digest: Digest): void {
    if (!this.store.content.info(digest) && !this.followers.has(digest))
      this.followers.set(digest, new LiveBlob());
  }

  /** What `offerLive` keeps, for the first who asks. */
  claimLive(digest: Digest): LiveBlob | undefined {
    const live = this.followers.get(digest);
    return live?.claim() ? live : undefined;
  }

  /** Ends what `offerLive` began, when the reader is done or there is none. */
  endLive(digest: Digest): void {
    const live = this.followers.get(digest);
    this.followers.delete(digest);
    live?.break();
    live?.abandon();
  }

  /** Waits until a blob is in the content store, whoever brings it. */
  async stored(digest: Digest, signal: AbortSignal): Promise<void> {
    if (this.store.content.info(digest)) return;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = this.arrivals.get(digest) ?? new Set();
    this.arrivals.set(digest, waiting.add(resolve));
    const giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      await promise;
    } finally {
      waiting.delete(resolve);
      signal.removeEventListener("abort", giveUp);
    }
  }

  private async bring(
    repository: Repository,
    descriptor: Descriptor,
    signal: AbortSignal,
    report: (bytes: number) => void,
  ): Promise<void> {
    const { store } = this;
    // A lease of its own: the callers may come and go.
    const work = withSharedLease(store, `download ${descriptor.digest}`, async (lease) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.attempt(repository, descriptor, lease, signal, report);
        } catch (error) {
          signal.throwIfAborted();
          const passing = mayPass(error) || isRefusedConnection(error);
          if (!passing || attempt >= this.settings.attempts) throw error;
          await pause(attempt, signal);
        }
      }
    });
    await work.catch((error: unknown) => {
      this.followers.get(descriptor.digest)?.break();
      throw error;
    });
  }

  private async attempt(
    repository: Repository,
    descriptor: Descriptor,
    lease: LeaseId,
    signal: AbortSignal,
    report: (bytes: number) => void,
  ): Promise<void> {
    const { digest, size } = descriptor;
    if (this.store.content.info(digest)) return;
    await using writer = await this.store.content.writer(`download-${digest}`, lease);
    const resumed = writer.offset > 0;
    if (writer.offset > size) await writer.truncate();
    const live = () => this.followers.get(digest);
    if (writer.offset < size)
      await receive(repository, descriptor, writer, signal, report, live).catch(async (error: unknown) => {
        // What came is kept for the next try, unless it is what fills the disk, or the image it is for was refused.
        if (isDiskFull(error) || isRefusal(signal.reason)) await writer.abort();
        throw error;
      });
    if (writer.offset < size)
      throw new NetworkError("reset", `${digest}: the connection ended at byte ${writer.offset} of ${size}`);
    try {
      await writer.commit({ digest, size });
    } catch (error) {
      live()?.break();
      if (!(error instanceof BerthError) || error.kind !== "invalid") throw error;
      // What an earlier process left may have been broken: then the whole is worth one more try.
      if (resumed) throw new NetworkError("reset", messageOf(error), { cause: error });
      throw systemError(`failed to pull and unpack: ${messageOf(error)}`, error);
    }
    live()?.end();
    for (const wake of this.arrivals.get(digest) ?? []) wake();
    this.arrivals.delete(digest);
    failpoint("pull.blob-stored");
  }
}

async function receive(
  repository: Repository,
  descriptor: Descriptor,
  writer: BlobWriter,
  signal: AbortSignal,
  report: (bytes: number) => void,
  live: () => LiveBlob | undefined,
): Promise<void> {
  const { digest, size } = descriptor;
  const { body, offset } = await repository.blob(descriptor, writer.offset, signal);
  if (offset !== writer.offset) await writer.truncate();
  for await (const chunk of body) {
    signal.throwIfAborted();
    if (writer.offset + chunk.length > size) {
      await writer.abort();
      throw systemError(`${digest}: the registry sends more than the ${size} bytes that the manifest names`);
    }
    await live()?.push(writer.offset, chunk);
    await writer.write(chunk);
    report(writer.offset);
    failpoint("pull.blob-partial");
  }
}

/** Another part of the same pull failed for good: not the network's doing, and not a client that left. */
const isRefusal = (reason: unknown): boolean =>
  reason instanceof BerthError && !(reason instanceof NetworkError);

/** A registry that is being restarted refuses for a moment; in the middle of a pull that is worth waiting for. */
const isRefusedConnection = (error: unknown): boolean =>
  error instanceof NetworkError && error.failure === "refused";

const SOURCE = "distribution.source.";

/** Remembers where a blob can be had, for mounts between repositories when it is pushed. */
export function noteSource(store: Store, digest: Descriptor["digest"], { reference }: Repository): void {
  const info = store.content.info(digest);
  if (!info) return;
  const key = SOURCE + reference.domain;
  const known = (info.labels[key] ?? "").split(",").filter(Boolean);
  if (known.includes(reference.path)) return;
  store.content.setLabels(digest, { ...info.labels, [key]: [...known, reference.path].join(",") });
}

/** The repositories of a registry that have a blob, as far as is known. */
export const sourcesOf = (labels: Record<string, string>, domain: string): string[] =>
  (labels[SOURCE + domain] ?? "").split(",").filter(Boolean);
