// The builder of a daemon: its sessions, its running builds, its cache.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Arrivals } from "../../base/arrivals.ts";
import { conflict, forbidden, invalid } from "../../base/errors.ts";
import { SharedWork } from "../../base/shared-work.ts";
import type { BuildHistoryRecord, StatusResponseSchema } from "../../buildkit/messages/control_pb.ts";
import type { Definition } from "../../buildkit/messages/ops_pb.ts";
import type { RegistryAuth } from "../../registry/types.ts";
import type { LeaseId } from "../../store/types.ts";
import { CacheMounts } from "../cache/cache-mounts.ts";
import { Contexts } from "../cache/contexts.ts";
import { chooseRecords, matching, policiesOf } from "../cache/prune.ts";
import { Records, snapshotsSize } from "../cache/records.ts";
import { type CacheEntry, readCacheExports } from "../cache/remote/options.ts";
import { cacheUsage, type Usage } from "../cache/usage.ts";
import type { AttestationRequest } from "../export/attestations/index.ts";
import type { Frontend } from "../frontend.ts";
import { type EndedBuild, History } from "../history/history.ts";
import { beginRecord, endRecord } from "../history/recording.ts";
import type { Workshop } from "../ops/environment.ts";
import { Sessions } from "../session/sessions.ts";
import type { Solver } from "../solver/build.ts";
import { Progress } from "../solver/progress.ts";
import { Views } from "../solver/views.ts";
import type { BuildHost, ExporterResponse, PruneRequest, StepResources } from "../types.ts";
import { exportResult, factsOf } from "./export-result.ts";
import { toConnectError } from "./failures.ts";
import { Job, type JobResult, type JobTools } from "./job.ts";
import { statusMessages } from "./status-messages.ts";

/** What holds a build's parts; a starting daemon closes those of the one before it. */
export const BUILD_LEASE = "build";
const LEASE_SECONDS = 3600;
const RENEW_EVERY = 600_000;

/** How long Status waits for a build that it was told of, in milliseconds. */
const PATIENCE = 30_000;

export interface BuildRequest {
  ref: string;
  /** What its record says of it; undefined: none is kept. */
  record?: { frontend: string; attributes: Readonly<Record<string, string>> };
  session: string;
  /** undefined: the client drives the build by the bridge. */
  run?(job: Job): Promise<JobResult>;
  /** Graphs for who drives the build. */
  inputs?: Readonly<Record<string, Definition>>;
  exporters: { type: string; attributes: Readonly<Record<string, string>> }[];
  attestations: AttestationRequest;
  /** Where the build's cache is written to. */
  cacheExports: readonly CacheEntry[];
  resources: StepResources;
  entitlements: readonly string[];
  /** Credentials that came with the request; without them the session is asked. */
  credentials?(host: string): Promise<RegistryAuth | undefined>;
  signal: AbortSignal;
}

export class Builder {
  readonly sessions = new Sessions();
  readonly records: Records;
  readonly history: History;
  readonly workshop: Workshop;
  private readonly jobs = new Arrivals<Job>();
  /** Of builds that ended a moment ago. */
  private readonly ended = new Map<string, Progress>();
  private readonly running = new Set<Promise<unknown>>();
  private readonly tools: JobTools;

  constructor(
    readonly host: BuildHost,
    frontends: ReadonlyMap<string, Frontend>,
  ) {
    const { store } = host;
    this.records = new Records(store);
    this.history = new History(store);
    const views = new Views(store);
    this.workshop = {
      host,
      views,
      records: this.records,
      cacheMounts: new CacheMounts(store, this.records),
      contexts: new Contexts(store, this.records),
    };
    const solver: Solver = { store, records: this.records, views, running: new SharedWork() };
    this.tools = { workshop: this.workshop, solver, sessions: this.sessions, frontends };
  }

  /** A build from its beginning to its end. Errors: what failed, a VertexError where a vertex did. */
  async run(request: BuildRequest): Promise<ExporterResponse> {
    const work = this.runJob(request);
    this.running.add(work);
    try {
      return await work;
    } finally {
      this.running.delete(work);
    }
  }

  private async runJob(request: BuildRequest): Promise<ExporterResponse> {
    const { store } = this.host;
    if (request.ref === "") throw invalid("a build needs a ref");
    if (this.jobs.get(request.ref)) throw conflict(`build ${request.ref} is running already`);
    const lease = store.leases.open(BUILD_LEASE, LEASE_SECONDS);
    const renewal = setInterval(() => store.leases.touch(lease, LEASE_SECONDS), RENEW_EVERY);
    const job = new Job(
      {
        ref: request.ref,
        session: request.session,
        lease,
        resources: request.resources,
        entitlements: new Set(request.entitlements),
        ...(request.credentials && { credentials: request.credentials }),
        signal: AbortSignal.any([request.signal, this.host.closing]),
      },
      new Progress(),
      this.tools,
    );
    job.inputs = request.inputs ?? {};
    this.jobs.arrive(request.ref, job);
    const begun = request.record && beginRecord({ ...request, ...request.record });
    if (begun) this.history.begin(begun);
    let failure: unknown;
    try {
      this.refuseEntitlements(request.entitlements);
      const caches = readCacheExports(request.cacheExports);
      const result = await (request.run ? request.run(job) : driven(job));
      return await exportResult(job, result, { ...request, caches });
    } catch (thrown) {
      failure = thrown;
      throw thrown;
    } finally {
      await job.close();
      this.keepEnded(request.ref, job.progress);
      if (begun) void this.history.end(request.ref, (held) => this.keepRecord(begun, job, failure, held));
      this.jobs.leave(request.ref, job);
      clearInterval(renewal);
      store.leases.close(lease);
      this.host.background("the bounds of the build cache", () => this.keepWithinBounds());
    }
  }

  private refuseEntitlements(wanted: readonly string[]): void {
    const refused = wanted.find((each) => !this.host.entitlements.includes(each));
    if (refused !== undefined)
      throw forbidden(`granting entitlement ${refused} is not allowed by build daemon configuration`);
  }

  /** Its client has its answer, and doesn't wait for the disk. */
  private async keepRecord(
    begun: BuildHistoryRecord,
    job: Job,
    failure: unknown,
    lease: LeaseId,
  ): Promise<EndedBuild> {
    const error = failure === undefined ? undefined : recordedError(failure, job.options.signal);
    const outcome = {
      ...job.outcome,
      facts: factsOf(job),
      events: job.progress.all(),
      ...(error && { error }),
    };
    return await endRecord(this.host.store, begun, outcome, lease);
  }

  /**
   * What a build says of itself, from its beginning: one that runs or is about to, one that ended before its client asked,
   * one of the history. Errors: not-found.
   */
  async *status(
    ref: string,
    signal: AbortSignal,
  ): AsyncGenerator<MessageInitShape<typeof StatusResponseSchema>> {
    const known = this.ended.get(ref) ?? this.jobs.get(ref)?.progress;
    const past = known ? undefined : await this.history.logOf(ref);
    if (past) return yield* past;
    const progress = known ?? (await this.job(ref, signal)).progress;
    for await (const events of progress.follow(signal)) yield* statusMessages(events);
  }

  private keepEnded(ref: string, progress: Progress): void {
    this.ended.set(ref, progress);
    setTimeout(() => this.ended.delete(ref), PATIENCE).unref();
  }

  /** A running build, also one that is about to begin. Errors: not-found when it doesn't. */
  async job(ref: string, signal: AbortSignal): Promise<Job> {
    // Nothing is begun without a name.
    const job = ref === "" ? undefined : await this.jobs.wait(ref, PATIENCE, signal);
    if (!job) throw new ConnectError(`no such job ${ref}`, Code.NotFound);
    return job;
  }

  /** Errors: invalid, for filters. */
  async usage(filters: readonly string[] = []): Promise<Usage[]> {
    const { store } = this.host;
    const { contexts } = this.workshop;
    await this.records.measure(async ({ id, type, outputs }) => {
      if (type === "source.local") return contexts.sizeOf(id);
      return await snapshotsSize(store, outputs);
    });
    return matching(cacheUsage(store, this.records), filters);
  }

  /** Removes records that nobody uses; answers them. Their files go in a moment. Errors: invalid, for filters. */
  async prune(request: PruneRequest): Promise<Usage[]> {
    const { store } = this.host;
    const chosen = chooseRecords(await this.usage(), request, store.root);
    for (const { id, type } of chosen) {
      this.records.remove(id);
      if (type === "source.local") this.workshop.contexts.remove(id);
    }
    if (chosen.length > 0) store.collectSoon();
    return chosen;
  }

  /** Keeps the cache within its bounds, after a build. */
  private async keepWithinBounds(): Promise<void> {
    const { cacheBounds, store } = this.host;
    for (const policy of policiesOf(cacheBounds, store.root)) await this.prune(policy);
  }

  /** Resolves when no build runs any more; the host's closing has told them all. */
  async close(): Promise<void> {
    await Promise.allSettled(this.running);
    await this.history.close();
    this.sessions.close();
  }
}

/** Who left or broke off has no error of the build's. */
const recordedError = (failure: unknown, signal: AbortSignal): ConnectError =>
  signal.aborted ? new ConnectError("context canceled", Code.Canceled) : toConnectError(failure);

/** The client returns its result by the bridge, or leaves. */
async function driven(job: Job): Promise<JobResult> {
  const { signal } = job.options;
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([job.returned.promise, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
