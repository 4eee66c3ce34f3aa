// The timers of health checks: one for each container that runs and has a check, and what came of the last ones. The state
// machine tells each change of a container's state; how a check is run is the engine's (it needs the bundle).
//
// A check that is under way when its container stops, is paused, or when the daemon closes is ended, and its result is nobody's.
import { availableParallelism } from "node:os";
import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { now } from "../../base/nanoseconds.ts";
import type { Documents, Store } from "../../store/types.ts";
import type { ContainerId, ContainerRecord, EmitContainerEvent } from "../types.ts";
import { type Health, healthAfter, healthAtStart, isChecked, type ProbeResult, probeDelay } from "./rules.ts";

/** What a run of the check came to. `exitCode` -1: it took too long. */
export interface ProbeOutcome {
  exitCode: number;
  output: string;
}

/**
 * Runs the container's check to its end. Resolves or rejects soon after `signal` aborts. `started` is called once its program
 * runs, which is when another container's may be begun.
 */
export type RunProbe = (
  record: ContainerRecord,
  signal: AbortSignal,
  started: () => void,
) => Promise<ProbeOutcome>;

/** A program that SIGKILL ended. */
const KILLED = 137;
/** Milliseconds from the end of a container's last exec to its own. */
const SETTLING = 100;

/** Milliseconds that the start of one check keeps others waiting, at most. */
const TURN_LIMIT = 5000;

interface Rooms {
  store: Store;
  get: (id: string) => ContainerRecord | undefined;
  emit: EmitContainerEvent;
  run: RunProbe;
}

export class HealthMonitors {
  private readonly documents: Documents<Health>;
  private readonly byId = new Map<string, Health>();
  private readonly monitors = new Map<ContainerId, AbortController>();
  private readonly starts = new Turns(Math.max(2, availableParallelism()));

  constructor(private readonly rooms: Rooms) {
    this.documents = rooms.store.documents<Health>("health");
    for (const health of this.documents.all()) this.byId.set(health.id, health);
  }

  /** Undefined for a container that has no check, or was never started. */
  of(id: ContainerId): Health | undefined {
    return this.byId.get(id);
  }

  /** A container's state changed. */
  follow(record: ContainerRecord): void {
    if (!isChecked(record)) {
      this.stop(record.id);
      return;
    }
    const startedAt = startedAtOf(record);
    const known = this.byId.get(record.id);
    let health = known;
    if (health?.startedAt !== startedAt) {
      this.end(record.id);
      health = this.put(healthAtStart(record.id, startedAt, known));
    }
    this.begin(record, probeDelay(record.config, health, Date.now()));
  }

  /**
   * A starting daemon found it running: its health is what it was, and so is the time of its next check. (Docker's live restore
   * forgets both, and begins again with "starting".)
   */
  takeUp(record: ContainerRecord): void {
    const known = this.byId.get(record.id);
    if (!known || !isChecked(record) || known.startedAt !== startedAtOf(record)) {
      this.follow(record);
      return;
    }
    const last = Math.max(Date.parse(known.startedAt), Date.parse(known.log.at(-1)?.End ?? known.startedAt));
    // Never more than a whole wait, should the clock have been set back meanwhile.
    const delay = probeDelay(record.config, known, last);
    this.begin(record, Math.min(delay, Math.max(0, last + delay - Date.now())));
  }

  /** The container is gone. */
  forget(id: ContainerId): void {
    this.end(id);
    if (this.byId.delete(id)) this.documents.delete(id);
  }

  /** Ends all checks; what is known of them stays for the next daemon. */
  close(): void {
    for (const id of this.monitors.keys()) this.end(id);
  }

  /** As in Docker, one that nobody checks any more counts as unhealthy, which is no event. */
  private stop(id: ContainerId): void {
    this.end(id);
    const known = this.byId.get(id);
    if (known && known.status !== "unhealthy") this.put({ ...known, status: "unhealthy" });
  }

  private end(id: ContainerId): void {
    this.monitors.get(id)?.abort();
    this.monitors.delete(id);
  }

  private begin(record: ContainerRecord, due: number): void {
    if (this.monitors.has(record.id)) return;
    const monitor = new AbortController();
    this.monitors.set(record.id, monitor);
    void this.watch(record, due, monitor.signal);
  }

  /** `due`: milliseconds to the first check. */
  private async watch({ id, config }: ContainerRecord, due: number, signal: AbortSignal): Promise<void> {
    while (await pause(due, signal)) {
      const result = await this.check(id, signal);
      if (signal.aborted || !result) return;
      // A container's end takes the check along, and the check's is told first: the kernel waits for it.
      if ((result.ExitCode === KILLED || result.ExitCode < 0) && !(await pause(SETTLING, signal))) return;
      const before = this.byId.get(id);
      const record = this.rooms.get(id);
      if (!before || !record) return;
      const after = healthAfter(config, before, result);
      this.put(after);
      if (after.status !== before.status) this.rooms.emit(record, `health_status: ${after.status}`);
      due = probeDelay(config, after, Date.now());
    }
  }

  /** Waits for its turn to start a program, so that many checks that are due at once leave room for what people ask for. */
  private async check(id: ContainerId, signal: AbortSignal): Promise<ProbeResult | undefined> {
    const free = await this.starts.take();
    // A runtime that hangs for one container doesn't hold up the others' checks.
    const limit = setTimeout(free, TURN_LIMIT);
    try {
      const record = this.rooms.get(id);
      if (signal.aborted || !record) return undefined;
      const Start = now();
      const { exitCode, output } = await this.rooms.run(record, signal, free).catch((error: unknown) => {
        if (!signal.aborted) log.warn("a health check could not be run", { id, error: messageOf(error) });
        return { exitCode: -1, output: messageOf(error) };
      });
      return { Start, End: now(), ExitCode: exitCode, Output: output };
    } finally {
      clearTimeout(limit);
      free();
    }
  }

  /** On a disk that is full the row waits for the next one: the checks go on. */
  private put(health: Health): Health {
    this.byId.set(health.id, health);
    try {
      this.documents.put(health);
    } catch (error) {
      log.warn("cannot write a container's health", { id: health.id, error: messageOf(error) });
    }
    return health;
  }
}

const startedAtOf = ({ state }: ContainerRecord): string => ("startedAt" in state && state.startedAt) || "";

/** True when the time is over, false when it was aborted before. */
function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  if (signal.aborted) resolve(false);
  const timer = setTimeout(() => resolve(true), Math.min(milliseconds, LONGEST));
  const abort = () => {
    clearTimeout(timer);
    resolve(false);
  };
  signal.addEventListener("abort", abort, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

/** A timer of more milliseconds would fire at once. */
const LONGEST = 2 ** 31 - 1;

/** At most so many at a time; the others wait in the order in which they came. */
class Turns {
  private readonly waiting: (() => void)[] = [];
  constructor(private left: number) {}

  /** Resolves with what gives the turn back; calling that again does nothing. */
  async take(): Promise<() => void> {
    if (this.left > 0) this.left--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.waiting.shift();
      if (next) next();
      else this.left++;
    };
  }
}
