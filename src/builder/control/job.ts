// One build under its client's name for it: what its frontend asks, what a client drives by the bridge, what it ends with.
//
//   begun by Control/Solve, which resolves at the build's end
//   Status follows it; it may ask before the build has begun
//   the bridge (LLBBridge) solves parts of it and returns a result, where the request names no frontend
import { randomUUID } from "node:crypto";
import type { ConnectError } from "@connectrpc/connect";
import { invalid } from "../../base/errors.ts";
import type { Definition } from "../../buildkit/messages/ops_pb.ts";
import { type Digest, digestOf } from "../../oci/digest.ts";
import type { Descriptor } from "../../oci/types.ts";
import type { RegistryAuth } from "../../registry/types.ts";
import type { LeaseId, SnapshotId } from "../../store/types.ts";
import { CacheImports } from "../cache/remote/imports.ts";
import { type CacheEntry, importsInOptions } from "../cache/remote/options.ts";
import type { PlaceContext } from "../cache/remote/places.ts";
import type { Frontend, FrontendAnswer } from "../frontend.ts";
import type { OperationEnvironment, Workshop } from "../ops/environment.ts";
import { operationOf } from "../ops/index.ts";
import { credentialsOf } from "../session/credentials.ts";
import type { Session, Sessions } from "../session/sessions.ts";
import { Build, type Solver } from "../solver/build.ts";
import { wordsOf } from "../solver/errors.ts";
import { type Edge, loadDefinition, type Vertex } from "../solver/graph.ts";
import { Progress, VertexProgress } from "../solver/progress.ts";
import type { Upload } from "../sources/upload.ts";
import type { Ref, StepResources } from "../types.ts";
import { frontendBridge } from "./frontend-bridge.ts";
import { Materials } from "./materials.ts";

/** A part of a build's result, solved when somebody needs it. */
export interface ResultRef {
  id: string;
  edge: Edge | undefined;
  definition: Definition | undefined;
}

/** What a frontend or a client answered: by platform, "" for the only one. */
export interface JobResult {
  refs: Map<string, ResultRef | undefined>;
  metadata: Map<string, Uint8Array>;
}

/** What a build came to, as far as it came: for its record. */
export interface JobOutcome {
  /** Undefined: it failed before. */
  result?: JobResult;
  /** Parts of the result that have files, all of them made. */
  parts: { id: string; snapshot: SnapshotId }[];
  /** Images, by the numbers of their exporters. */
  images: Map<number, Descriptor>;
}

export interface JobOptions {
  ref: string;
  session: string;
  lease: LeaseId;
  resources: StepResources;
  entitlements: ReadonlySet<string>;
  /** Credentials that came with the request, by registry; without them the session is asked. */
  credentials?(host: string): Promise<RegistryAuth | undefined>;
  signal: AbortSignal;
}

export interface JobTools {
  workshop: Workshop;
  solver: Solver;
  sessions: Sessions;
  frontends: ReadonlyMap<string, Frontend>;
}

export class Job {
  readonly materials = new Materials();
  build: Build;
  private readonly imports: CacheImports;
  /** What a client that drives the build returns in the end. */
  readonly returned = Promise.withResolvers<JobResult>();
  private readonly refs = new Map<string, ResultRef>();
  private readonly solved = new Map<string, Promise<Ref | undefined>>();
  private readonly atEnd: (() => void)[] = [];
  private readonly failures: unknown[] = [];
  /** Folders that came with the request, by their ids; whoever put them there takes them away. */
  readonly uploads = new Map<string, Upload>();
  readonly createdAt = new Date();
  /** Graphs that came with the request, for a client that drives the build. */
  inputs: Readonly<Record<string, Definition>> = {};
  readonly outcome: JobOutcome = { parts: [], images: new Map() };
  /** The frontend that was run last, and what it was told. */
  frontend: { name: string; options: Readonly<Record<string, string>> } = { name: "", options: {} };

  constructor(
    readonly options: JobOptions,
    readonly progress: Progress,
    private readonly tools: JobTools,
  ) {
    this.returned.promise.catch(() => {}); // Told by Control/Solve
    this.imports = new CacheImports({
      store: tools.solver.store,
      records: tools.solver.records,
      platform: this.host.environment.platform,
      places: () => this.places(),
      shown: (name, work) => this.shown(name, work),
    });
    this.build = this.newBuild();
  }

  private newBuild(): Build {
    const environment = this.environment();
    const { lease, signal } = this.options;
    return new Build(this.tools.solver, {
      lease,
      progress: this.progress,
      signal,
      imported: this.imports,
      operationOf: (vertex) => operationOf(vertex, environment),
    });
  }

  /** A request of a client that drives the build: what fails with it ends that request, and the client may go on. */
  async attempt<T>(work: () => Promise<T> | T): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      this.failures.push(thrown);
      if (this.build.signal.aborted && !this.options.signal.aborted) {
        const failed = this.build;
        this.build = this.newBuild();
        this.solved.clear();
        await failed.close();
      }
      throw thrown;
    }
  }

  /** What a client says that the build failed with: the failure itself where it was one of its requests', which knows more. */
  failureOf(error: ConnectError): unknown {
    return this.failures.findLast((each) => error.message.includes(wordsOf(each))) ?? error;
  }

  get signal(): AbortSignal {
    return this.build.signal;
  }

  /** The client's; another one where a source names it. Errors: not-found. */
  readonly session = (id: string = this.options.session): Promise<Session> =>
    this.tools.sessions.get(id, this.options.signal);

  credentials(host: string): Promise<RegistryAuth | undefined> {
    return this.options.credentials?.(host) ?? credentialsOf(this, host);
  }

  get host() {
    return this.tools.workshop.host;
  }

  get views() {
    return this.tools.workshop.views;
  }

  /** Runs a frontend; the answer's parts are not solved yet. Errors: invalid for a frontend that isn't here. */
  async runFrontend(
    name: string,
    options: Readonly<Record<string, string>>,
    inputs: Readonly<Record<string, Definition>>,
  ): Promise<JobResult> {
    const frontend = this.tools.frontends.get(name);
    if (!frontend)
      throw invalid(
        `frontend ${name} is not known: Berth has ${[...this.tools.frontends.keys()].join(", ")}`,
      );
    this.frontend = { name, options };
    this.importCaches(importsInOptions(new Map(Object.entries(options))));
    const answer = await frontend({
      options: new Map(Object.entries(options)),
      inputs: new Map(Object.entries(inputs)),
      session: this.options.session,
      bridge: frontendBridge(this),
    });
    return this.resultOf(answer);
  }

  /** Takes caches from elsewhere into account, from now on. */
  importCaches(entries: readonly CacheEntry[]): void {
    this.imports.add(entries);
  }

  /** What caches are reached with. */
  places(): PlaceContext {
    return {
      settings: this.host.registrySettings,
      credentials: (host) => this.credentials(host),
      session: () => this.session(),
      signal: this.signal,
    };
  }

  private resultOf({ definitions, metadata }: FrontendAnswer): JobResult {
    const refs = new Map(
      [...definitions].map(([platform, definition]) => [platform, this.refOf(definition)] as const),
    );
    return { refs, metadata };
  }

  /** Undefined: nothing (scratch). */
  refOf(definition: Definition | undefined): ResultRef | undefined {
    const edge = loadDefinition(definition);
    if (!edge) return undefined;
    const ref: ResultRef = { id: randomUUID().replaceAll("-", "").slice(0, 25), edge, definition };
    this.refs.set(ref.id, ref);
    return ref;
  }

  find(id: string): ResultRef | undefined {
    if (id === "") return undefined;
    const ref = this.refs.get(id);
    if (!ref) throw invalid(`return reference not found: ${id}`);
    return ref;
  }

  /** Its key, and with it all sources that the key takes. */
  open(ref: ResultRef | undefined): Promise<Ref | undefined> {
    if (!ref?.edge) return Promise.resolve(undefined);
    const known = this.solved.get(ref.id);
    if (known) return known;
    // What a frontend reads before it has its graph is a source: no cache has it.
    if (ref.edge.vertex.op.op.case !== "source") this.imports.start();
    const opened = this.build.ref(ref.edge);
    opened.catch(() => {});
    this.solved.set(ref.id, opened);
    return opened;
  }

  /** Everything of it made. */
  async evaluate(ref: ResultRef | undefined): Promise<Ref | undefined> {
    const opened = await this.open(ref);
    if (opened) await this.build.materialize(opened);
    return opened;
  }

  /** A vertex's progress that nobody sees. */
  untold({ digest, name }: Vertex): VertexProgress {
    return new VertexProgress(new Progress(), { digest, inputs: [], name });
  }

  /** Work that is no vertex of a graph, shown as one. */
  async shown<T>(name: string, work: (progress: VertexProgress) => Promise<T>): Promise<T> {
    const digest: Digest = digestOf(`${name} ${randomUUID()}`);
    const progress = new VertexProgress(this.progress, { digest, inputs: [], name });
    progress.start();
    try {
      const done = await work(progress);
      progress.finish(false);
      return done;
    } catch (thrown) {
      progress.fail(this.options.signal.aborted ? "context canceled" : wordsOf(thrown));
      throw thrown;
    }
  }

  async close(): Promise<void> {
    this.returned.reject(new Error("the build has ended"));
    await this.build.close();
    for (const undo of this.atEnd.splice(0)) undo();
    this.progress.close();
  }

  private environment(): OperationEnvironment {
    return {
      ...this.tools.workshop,
      session: (id) => this.session(id || undefined),
      credentials: (host) => this.credentials(host),
      uploads: this.uploads,
      resources: this.options.resources,
      entitlements: this.options.entitlements,
      solve: (definition) => this.evaluate(this.refOf(definition)),
      untilEnd: (undo) => this.atEnd.push(undo),
      materials: this.materials,
    };
  }
}
