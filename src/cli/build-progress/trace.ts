// What is known of a build's steps, from the events so far. Both displays are made of it (the facts are those of
// BuildKit's util/progress/progressui).
import type {
  BuildEvent,
  BuildLog,
  BuildStatus,
  BuildVertex,
  BuildWarning,
  Instant,
} from "../../sdk/index.ts";
import { type Interval, mergeIntervals } from "./intervals.ts";

export interface Step {
  digest: string;
  name: string;
  cached: boolean;
  error: string;
  /** By their start, so that an interval which comes again replaces itself. */
  readonly byStart: Map<Instant, Interval>;
  /** Joined; empty until it has started. */
  intervals: Interval[];
  readonly statuses: BuildStatus[];
  /** Statuses that have changed since the plain display was there. */
  readonly changedStatuses: Set<string>;
  readonly warnings: BuildWarning[];
  /** Lines with their time before them; the last one may be unfinished. */
  lines: string[];
  unfinished: boolean;
  readonly decoder: TextDecoder;
  /** Members of a group, which is shown in their place. */
  readonly members: Map<string, BuildVertex> | undefined;
  /** A group of which only unimportant members have run. */
  hidden: boolean;
  /** Changes since it was shown last, and since when: which step a plain display turns to. */
  changes: number;
  changedSince: number;
}

export const isStarted = (step: Step): boolean => step.intervals.length > 0;
export const isCompleted = (step: Step): boolean => step.intervals.at(-1)?.stop !== undefined;

const CANCELED = "context canceled";
export const isCanceled = ({ error }: { error: string }): boolean => error.endsWith(CANCELED);

/** Output of a step that a terminal shows as a terminal would; the plain display has none. */
export type OutputListener = (step: Step, log: BuildLog) => void;

export class Trace {
  /** Steps by digest; a group's members lead to the group. */
  readonly byDigest = new Map<string, Step>();
  /** Those that have started, in that order. */
  readonly started: Step[] = [];
  /** Those that have changed since a display took them. */
  readonly changed = new Set<Step>();
  readonly warnings: BuildWarning[] = [];
  /** When the first step began, on the daemon's clock. */
  begin: Instant | undefined;
  /** Nanoseconds by which this host's clock is ahead of the daemon's. */
  clockDifference: bigint | undefined;

  constructor(
    private readonly now: () => Instant,
    private readonly onOutput: OutputListener = () => {},
  ) {}

  /** This moment, on the daemon's clock. */
  daemonNow(): Instant {
    return this.now() - (this.clockDifference ?? 0n);
  }

  update(event: BuildEvent): void {
    const groups = new Set<Step>();
    for (const vertex of event.vertexes) {
      this.begin ??= vertex.started;
      if (vertex.group) groups.add(this.#member(vertex, vertex.group));
      else this.#vertex(vertex);
    }
    for (const group of groups) this.#refresh(group);
    for (const status of event.statuses) this.#status(status);
    for (const warning of event.warnings) {
      this.warnings.push(warning);
      const step = this.byDigest.get(warning.vertex);
      if (!step) continue;
      step.warnings.push(warning);
      this.#touch(step);
    }
    for (const log of event.logs) this.#log(log);
  }

  #vertex(vertex: BuildVertex): void {
    const known = this.byDigest.get(vertex.digest);
    const step = known ?? newStep(vertex.digest, vertex.name);
    if (!known) this.byDigest.set(vertex.digest, step);
    const wasStarted = isStarted(step);
    if (!vertex.started) {
      // A step that comes again before it has started says nothing new of one that has.
      if (!wasStarted) Object.assign(step, namesOf(vertex));
      return;
    }
    const before = step.byStart.get(vertex.started);
    const isNews =
      !before ||
      before.stop !== vertex.completed ||
      step.name !== vertex.name ||
      step.cached !== vertex.cached ||
      step.error !== vertex.error;
    Object.assign(step, namesOf(vertex));
    step.byStart.set(vertex.started, { start: vertex.started, stop: vertex.completed });
    step.intervals = mergeIntervals(step.byStart.values());
    if (!wasStarted) {
      this.clockDifference ??= this.now() - vertex.started;
      this.started.push(step);
    }
    if (isNews) this.#touch(step);
  }

  #member(vertex: BuildVertex, { id, name }: { id: string; name: string }): Step {
    let group = this.byDigest.get(id);
    if (!group) {
      group = newStep(id, name, new Map());
      this.byDigest.set(id, group);
    }
    group.members?.set(vertex.digest, vertex);
    this.byDigest.set(vertex.digest, group);
    return group;
  }

  /** A group is cached when all of it is, has the first error of it, and is seen when something important of it has begun. */
  #refresh(group: Step): void {
    const members = [...(group.members?.values() ?? [])];
    const before = { cached: group.cached, error: group.error, count: group.byStart.size };
    const wasHidden = group.hidden;
    let changed = false;
    for (const { started, completed, error, group: of } of members) {
      if (started) {
        changed ||= group.byStart.get(started)?.stop !== completed || !group.byStart.has(started);
        group.byStart.set(started, { start: started, stop: completed });
        if (!of?.weak) group.hidden = false;
      }
      if (error) group.hidden = false;
    }
    group.cached = members.every(({ cached }) => cached);
    group.error = members.find(({ error }) => error)?.error ?? "";
    group.intervals = mergeIntervals(group.byStart.values());
    const first = group.intervals[0];
    if (before.count === 0 && first) this.clockDifference ??= this.now() - first.start;
    if (group.hidden) return;
    if (wasHidden) this.started.push(group);
    if (wasHidden || changed || before.cached !== group.cached || before.error !== group.error)
      this.#touch(group);
  }

  #status(status: BuildStatus): void {
    const step = this.byDigest.get(status.vertex);
    if (!step) return;
    const at = step.statuses.findIndex(({ id }) => id === status.id);
    if (at >= 0) step.statuses[at] = status;
    else if (status.started) step.statuses.push(status);
    step.changedStatuses.add(status.id);
    this.#touch(step);
  }

  #log(log: BuildLog): void {
    const step = this.byDigest.get(log.vertex);
    if (!step) return;
    this.onOutput(step, log);
    const text = step.decoder.decode(log.data, { stream: true });
    if (text === "") return;
    const start = step.intervals.at(-1)?.start;
    const time = start === undefined ? 0 : Number(log.timestamp - start) / 1e9;
    const stamp = time.toFixed(time < 10 ? 3 : time < 100 ? 2 : 1);
    const pieces = text.split("\n");
    const complete = pieces.at(-1) === "";
    if (complete) pieces.pop();
    for (const [index, piece] of pieces.entries()) {
      if (index === 0 && step.unfinished && step.lines.length > 0) step.lines[step.lines.length - 1] += piece;
      else step.lines.push(`${stamp} ${piece}`);
    }
    step.unfinished = !complete;
    this.#touch(step);
  }

  #touch(step: Step): void {
    if (step.changes === 0) step.changedSince = performance.now();
    step.changes++;
    this.changed.add(step);
  }
}

const namesOf = ({ name, cached, error }: BuildVertex) => ({ name, cached, error });

function newStep(digest: string, name: string, members?: Map<string, BuildVertex>): Step {
  return {
    digest,
    name,
    cached: false,
    error: "",
    byStart: new Map(),
    intervals: [],
    statuses: [],
    changedStatuses: new Set(),
    warnings: [],
    lines: [],
    unfinished: false,
    decoder: new TextDecoder(),
    members,
    hidden: members !== undefined,
    changes: 0,
    changedSince: 0,
  };
}
