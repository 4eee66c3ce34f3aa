// One build: solves edges of graphs. Keys first, without running anything; then only what somebody needs and no record has.
//
//   key     of a vertex: its operation and its inputs' keys, or the content of what it takes of them. Sources are opened for it.
//   ref     an edge as others see it: its key, and a snapshot once it is asked for
//   outcome of a vertex: from a record of the same key, else by running it, once for all builds that ask at the same time
//
// Who may run side by side: all vertices of a build that don't wait for each other, and all builds. The first failure ends
// the build's other work.
import { randomUUID } from "node:crypto";
import { BerthError, messageOf } from "../../base/errors.ts";
import type { SharedWork } from "../../base/shared-work.ts";
import type { Digest } from "../../oci/digest.ts";
import type { PathSelector } from "../../store/index.ts";
import { digestPaths } from "../../store/index.ts";
import type { LeaseId, SnapshotId, Store } from "../../store/types.ts";
import type { BuildRecord, Records } from "../cache/records.ts";
import type { Ref, View } from "../types.ts";
import { VertexError, wordsOf } from "./errors.ts";
import { type Edge, type Vertex, verticesOf } from "./graph.ts";
import type { ImportedCaches } from "./imported-caches.ts";
import { keyOf, outputKey } from "./keys.ts";
import type { OpenedSource, Operation, Source, Step } from "./operation.ts";
import { type Progress, VertexProgress } from "./progress.ts";
import type { Views } from "./views.ts";

/** What all builds of a daemon share. */
export interface Solver {
  store: Store;
  records: Records;
  views: Views;
  running: SharedWork<BuildRecord, RunningEvent>;
}

export type RunningEvent = { stream: 1 | 2; data: Uint8Array };

export interface BuildOptions {
  lease: LeaseId;
  progress: Progress;
  signal: AbortSignal;
  imported?: ImportedCaches;
  /** How this build does an operation. */
  operationOf(vertex: Vertex): Operation;
}

/** A step as those see it who write caches. */
export interface KnownStep {
  vertex: Vertex;
  step: Step;
  key: string;
  inputs: readonly Ref[];
  /** What is kept of it here; `bring`: also what an imported cache has of it. */
  record(bring: boolean): Promise<BuildRecord | undefined>;
}

interface VertexState {
  vertex: Vertex;
  operation: Operation;
  progress: VertexProgress;
  /** It has said how it ended, or that it was here. */
  settled: boolean;
  source?: Promise<OpenedSource>;
  key?: Promise<string>;
  /** The key is an imported cache's word: what it counts by was not looked at. */
  isAssumed?: boolean;
  outcome?: Promise<BuildRecord>;
  recordId?: string;
}

export class Build {
  private readonly states = new Map<Digest, VertexState>();
  private readonly failure = new AbortController();
  private readonly uses = new DisposableStack();
  /** Work that was begun: awaited before the build ends. */
  private readonly begun = new Set<Promise<unknown>>();
  readonly signal: AbortSignal;

  constructor(
    private readonly solver: Solver,
    private readonly options: BuildOptions,
  ) {
    this.signal = AbortSignal.any([options.signal, this.failure.signal]);
  }

  /** An edge that others can take from. Its key, and with it all sources that the key takes, are known when this resolves. */
  async ref(edge: Edge): Promise<Ref> {
    const vertices = verticesOf(edge);
    for (const vertex of vertices) this.stateOf(vertex);
    // From the sources on: each finds its inputs' keys begun, and no call is as deep as the graph.
    for (const vertex of vertices) this.refOf({ vertex, index: 0 }).catch(() => {});
    return await this.track(this.refOf(edge));
  }

  /** Makes what a ref stands for. */
  async materialize(ref: Ref): Promise<SnapshotId | undefined> {
    return await this.track(ref.snapshot());
  }

  /** Says of all that wasn't needed that it was here. */
  settle(): void {
    for (const state of this.states.values()) if (!state.settled) this.finish(state, true);
  }

  /** Waits for what still runs; after it nothing of the build does. */
  async close(): Promise<void> {
    if (!this.failure.signal.aborted) this.failure.abort(new Error("the build has ended"));
    await Promise.allSettled(this.begun);
    this.uses.dispose();
  }

  /** Steps that an edge stands on, those first that others take from. */
  async knownSteps(edge: Edge): Promise<KnownStep[]> {
    const found: KnownStep[] = [];
    for (const vertex of verticesOf(edge)) {
      const state = this.stateOf(vertex);
      const step = state.operation;
      if (step.kind !== "step") continue;
      const key = await this.keyOf(state, step);
      const inputs = await Promise.all(vertex.inputs.map((input) => this.refOf(input)));
      const record = async (bring: boolean) =>
        this.solver.records.find(key) ?? (bring ? await this.bring(state, key) : undefined);
      found.push({ vertex, step, key, inputs, record });
    }
    return found;
  }

  vertices(): { vertex: Vertex; operation: Operation }[] {
    return [...this.states.values()];
  }

  private async track<T>(work: Promise<T>): Promise<T> {
    this.begun.add(work);
    try {
      return await work;
    } catch (thrown) {
      this.failure.abort(thrown);
      throw thrown;
    } finally {
      this.begun.delete(work);
    }
  }

  private stateOf(vertex: Vertex): VertexState {
    const known = this.states.get(vertex.digest);
    if (known) return known;
    const group = vertex.metadata?.progressGroup;
    const progress = new VertexProgress(this.options.progress, {
      digest: vertex.digest,
      inputs: vertex.inputs.map((input) => input.vertex.digest),
      name: vertex.name,
      ...(group && { group: { id: group.id, name: group.name, weak: group.weak } }),
    });
    const state = { vertex, operation: this.options.operationOf(vertex), progress, settled: false };
    this.states.set(vertex.digest, state);
    progress.announce();
    return state;
  }

  private async refOf({ vertex, index }: Edge): Promise<Ref> {
    const state = this.stateOf(vertex);
    if (state.operation.kind === "source") return (await this.openSource(state, state.operation)).ref;
    const key = await this.keyOf(state, state.operation);
    return this.outputRef(state, state.operation, key, index);
  }

  private openSource(state: VertexState, source: Source): Promise<OpenedSource> {
    state.source ??= this.track(
      this.reported(state, async () => {
        const { lease } = this.options;
        const opened = await source.open({ progress: state.progress, signal: this.signal, lease });
        this.finish(state, opened.cached);
        return opened;
      }),
    );
    return state.source;
  }

  private keyOf(state: VertexState, step: Step): Promise<string> {
    state.key ??= this.track(this.findKey(state, step));
    return state.key;
  }

  private async findKey(state: VertexState, step: Step): Promise<string> {
    const { vertex } = state;
    const inputs = await Promise.all(vertex.inputs.map((input) => this.refOf(input)));
    const atOnce = keyOf(step.operation, keysOf(inputs));
    const { records } = this.solver;
    if (vertex.metadata?.ignoreCache) {
      const key = `${atOnce}#${randomUUID()}`;
      return key;
    }
    const known = records.keyOf(atOnce);
    if (known && records.find(known)) return this.hit(state, known);
    if (step.selectors.size === 0) return this.hit(state, atOnce);
    const imported = await this.options.imported?.keyOf(atOnce);
    if (imported !== undefined) {
      state.isAssumed = true;
      return this.hit(state, imported);
    }
    const content = await this.reported(state, () => contentKey(step, inputs));
    const newest = records.keyOf(content);
    const key = newest && records.find(newest) ? newest : content;
    records.setAlias(atOnce, key);
    return this.hit(state, key);
  }

  /** Tells at once of what is here already. */
  private hit(state: VertexState, key: string): string {
    const record = this.solver.records.find(key);
    if (!record || state.settled) return key;
    this.take(record);
    this.finish(state, true);
    return key;
  }

  /** What an imported cache has of a step. */
  private async bring(state: VertexState, key: string): Promise<BuildRecord | undefined> {
    const { imported, lease } = this.options;
    const { progress, vertex } = state;
    const imageOf = async (source: Vertex) => {
      const of = this.stateOf(source);
      return of.operation.kind === "source" ? (await this.openSource(of, of.operation)).ref.image : undefined;
    };
    const record = await imported?.bring(key, { progress, vertex, imageOf, lease, signal: this.signal });
    if (!record) return undefined;
    this.take(record);
    state.recordId = record.id;
    state.settled = false;
    this.finish(state, true);
    return record;
  }

  private take(record: BuildRecord): void {
    for (const output of record.outputs)
      if (output !== null) this.solver.store.leases.hold(this.options.lease, { snapshot: output });
    this.uses.use(this.solver.records.use(record.id));
  }

  private outcomeOf(state: VertexState, step: Step, key: string): Promise<BuildRecord> {
    state.outcome ??= this.track(this.find(state, step, key));
    return state.outcome;
  }

  private async find(state: VertexState, step: Step, key: string): Promise<BuildRecord> {
    const known = this.solver.records.find(key);
    if (known) {
      state.recordId = known.id;
      return known;
    }
    const brought = await this.bring(state, key);
    if (brought) return brought;
    // A step's time is its own, not that of what it waits for.
    await Promise.all(state.vertex.inputs.map((input) => this.prepare(input)));
    const record = await this.reported(state, () => {
      state.progress.start();
      return this.solver.running.run(
        key,
        this.signal,
        ({ stream, data }) => state.progress.log(stream, data),
        (signal, report) => this.untilEnd(this.runStep(state, step, key, signal, report)),
      );
    });
    this.take(record);
    state.recordId = record.id;
    this.finish(state, false);
    return record;
  }

  /** Who waits for a step may leave before it has taken away what it made; the build itself ends after it. */
  private untilEnd<T>(work: Promise<T>): Promise<T> {
    this.begun.add(work);
    const ended = () => void this.begun.delete(work);
    work.then(ended, ended);
    return work;
  }

  /** Runs or brings what a step takes, as far as it has to be a snapshot. */
  private async prepare(edge: Edge): Promise<void> {
    const state = this.stateOf(edge.vertex);
    const { operation } = state;
    if (operation.kind === "step") {
      await this.outcomeOf(state, operation, await this.keyOf(state, operation));
      return;
    }
    const { ref, isFolder } = await this.openSource(state, operation);
    if (!isFolder) await ref.snapshot();
  }

  /** Runs for all builds that want the same key; whoever began it may have left by its end. */
  private async runStep(
    state: VertexState,
    step: Step,
    key: string,
    signal: AbortSignal,
    report: (event: RunningEvent) => void,
  ): Promise<BuildRecord> {
    const { store, records } = this.solver;
    const { vertex } = state;
    const lease = store.leases.open("build step", 24 * 3600);
    try {
      const inputs = await Promise.all(vertex.inputs.map((input) => this.refOf(input)));
      const progress = state.progress.withLog(report);
      // What is built without the cache is found by the next build, also where that takes it of another folder.
      const anew = vertex.metadata?.ignoreCache && step.selectors.size > 0;
      const content = anew ? contentKey(step, inputs) : undefined;
      content?.catch(() => {});
      const outputs = await step.run({ inputs, lease, progress, signal }).catch(async (thrown) => {
        // It isn't looked at before either: a source that isn't there is told as everywhere.
        if (!signal.aborted) await content;
        throw thrown;
      });
      const parents = vertex.inputs.flatMap((input) => this.recordOf(input));
      // What comes of a cache's word is not kept under it: the inputs may be others by now.
      const own = state.isAssumed ? await contentKey(step, inputs) : key;
      if (state.isAssumed) records.setAlias(keyOf(step.operation, keysOf(inputs)), own);
      const record = await records.add({
        key: own,
        type: step.recordType ?? "regular",
        description: vertex.name,
        outputs,
        parents,
      });
      const atOnce = key.indexOf("#");
      if (atOnce > 0) records.setAlias(key.slice(0, atOnce), key);
      if (content) records.setAlias(await content, key);
      return record;
    } finally {
      // One turn later: those who wait for the record take hold of it themselves.
      setTimeout(() => store.leases.close(lease), 0);
    }
  }

  private recordOf({ vertex }: Edge): string[] {
    const outcome = this.states.get(vertex.digest)?.recordId;
    return outcome ? [outcome] : [];
  }

  private outputRef(state: VertexState, step: Step, key: string, index: number): Ref {
    const { solver } = this;
    const snapshot = async (): Promise<SnapshotId | undefined> => {
      const record = await this.outcomeOf(state, step, key);
      return record.outputs[index] ?? undefined;
    };
    return {
      key: outputKey(key, index),
      vertex: state.vertex.digest,
      snapshot,
      view: async (): Promise<View> => solver.views.open(await snapshot()),
      digests: async (selectors: PathSelector[]) => {
        await using view = solver.views.open(await snapshot());
        return await digestPaths({ root: view.path, selectors, signal: this.signal });
      },
    };
  }

  private finish(state: VertexState, cached: boolean): void {
    if (state.settled) return;
    state.settled = true;
    state.progress.finish(cached);
  }

  /** Runs a vertex's work; a failure is told as the vertex's, once. */
  private async reported<T>(state: VertexState, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof VertexError || this.failure.signal.aborted) throw thrown;
      state.settled = true;
      state.progress.fail(this.options.signal.aborted ? "context canceled" : wordsOf(thrown));
      throw new VertexError(state.vertex, thrown);
    }
  }
}

const keysOf = (refs: readonly Ref[]): string[] => refs.map(({ key }) => key);

/**
 * A step's key by what is in its inputs, where it takes only parts of them. `portable`: the keys of the others as they count.
 * Errors: not-found, in BuildKit's words.
 */
export async function contentKey(
  step: Step,
  inputs: readonly Ref[],
  portable: (key: string) => string = (key) => key,
): Promise<string> {
  const counted = await Promise.all(
    inputs.map(async (ref, at) => {
      const selectors = step.selectors.get(at);
      return selectors ? await contentOf(ref, selectors) : portable(ref.key);
    }),
  );
  return keyOf(`content ${step.operation}`, counted);
}

/** Errors: not-found in BuildKit's words, which people look for. */
async function contentOf(ref: Ref, selectors: PathSelector[]): Promise<string> {
  try {
    return (await ref.digests(selectors)).join();
  } catch (thrown) {
    if (!(thrown instanceof BerthError)) throw thrown;
    const name = keyOf(ref.key, []).slice("sha256:".length, "sha256:".length + 25);
    const words = `failed to compute cache key: failed to calculate checksum of ref ${name}: ${messageOf(thrown)}`;
    throw new BerthError(thrown.kind, words, { cause: thrown });
  }
}
