// The builder of a daemon, as the client has it. What speaks to it is loaded with the first call.
import type { Connection } from "../connection.ts";
import type { BuildError } from "./build-error.ts";
import type {
  BuildEvent,
  BuilderWorker,
  BuildRecord,
  BuildResult,
  BuildSpec,
  CachePruning,
  CacheRecord,
  HistoryQuery,
} from "./types.ts";

export class Builder {
  constructor(private readonly connection: Connection) {}

  /** Builds; see `Client.build`. */
  async build(spec: BuildSpec): Promise<BuildResult> {
    const { solve } = await import("./solve.ts");
    return solve(this.connection, spec);
  }

  /** Builds all of them at once; contexts of `target:NAME` are the results of others. Throws a TargetFailure. */
  async buildTargets(specs: Record<string, BuildSpec>): Promise<Record<string, BuildResult>> {
    return (await import("./targets.ts")).solveTargets(this.connection, specs);
  }

  /** What the cache keeps. `filters`: in BuildKit's form (`type==regular`). */
  async diskUsage(filters: string[] = []): Promise<CacheRecord[]> {
    return (await import("./cache-records.ts")).diskUsage(this.connection, filters);
  }

  /** Removes from the cache; gives each record as it goes. */
  async prune(pruning: CachePruning = {}): Promise<AsyncGenerator<CacheRecord>> {
    return (await import("./cache-records.ts")).pruneCache(this.connection, pruning);
  }

  async workers(): Promise<BuilderWorker[]> {
    return (await import("./cache-records.ts")).listWorkers(this.connection);
  }

  /** The builds that the daemon remembers, the newest first. */
  async history(query: HistoryQuery = {}): Promise<BuildRecord[]> {
    return (await import("./history.ts")).buildHistory(this.connection, query);
  }

  /** What a build of the history said while it ran. */
  async logs(ref: string): Promise<AsyncGenerator<BuildEvent>> {
    return (await import("./history.ts")).buildLogs(this.connection, ref);
  }

  /** Forgets a build; its result stays. */
  async forget(ref: string): Promise<void> {
    await (await import("./history.ts")).removeBuild(this.connection, ref);
  }

  /** Has the daemon finish what it keeps of a build that has ended. */
  async finalize(ref: string): Promise<void> {
    await (await import("./history.ts")).finalizeBuild(this.connection, ref);
  }

  /** Why a remembered build failed, with the places in the Dockerfile; undefined: it didn't. */
  async failure({ failure }: BuildRecord): Promise<BuildError | undefined> {
    return failure && (await import("./history.ts")).recordedFailure(this.connection, failure.digest);
  }

  /** A blob of a remembered build: one of its attestations. Throws a BuildError of code 5 where it is gone. */
  async blob(digest: string): Promise<Uint8Array> {
    return (await import("./history.ts")).readBlob(this.connection, digest);
  }
}
