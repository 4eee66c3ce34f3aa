// The containers room's door.
import type { HostEnvironment } from "../base/environment.ts";
import { KeyedLock } from "../base/keyed-lock.ts";
import type { Store } from "../store/types.ts";
import { Execs } from "./execs.ts";
import { HealthMonitors, type RunProbe } from "./health/monitors.ts";
import { Records } from "./records.ts";
import type { Containers, EmitContainerEvent } from "./types.ts";
import { Waiters } from "./waiters.ts";

export { millisecondsOf, now, nowNanoseconds, parseEpoch, parseNanoseconds } from "../base/nanoseconds.ts";
export { attach, connectPending, endPending } from "./attach.ts";
export {
  createExec,
  execIdsOf,
  findExec,
  inspectExec,
  resizeExec,
  startExec,
  takeUpExecs,
} from "./exec.ts";
export type { ProbeOutcome } from "./health/monitors.ts";
export { runProbe } from "./health/probe.ts";
export { kill, killAndWait, notRunning, stop } from "./kill.ts";
export { openLogs } from "./logs/open.ts";
export { checkName, makeName } from "./names.ts";
export { holdForCommit, pause, releaseAllFromCommit, unpause } from "./pause.ts";
export { refuseTakenName, rename } from "./rename.ts";
export { resize } from "./resize.ts";
export { nextWait, shouldRestart, shouldStartWithDaemon } from "./restart-policy.ts";
export { classifyStartError } from "./start-error.ts";
export {
  finishedAtOf,
  recordCreated,
  recordDead,
  recordExit,
  recordHeldForCommit,
  recordPaused,
  recordRemoved,
  recordRemoving,
  recordRestartGivenUp,
  recordRunning,
  recordStartFailed,
  startedAtOf,
  updateRecord,
} from "./state-machine.ts";
export { type ContainerStats, type StatsSample, toStats } from "./stats/answer.ts";
export { Sampler } from "./stats/sampler.ts";
export { top } from "./top.ts";
export type * from "./types.ts";
export { mergeUpdate } from "./update.ts";
export { checkFilters, type Filters, matchesLabel, selectContainers } from "./views/filters.ts";
export { type InspectSurroundings, toInspect } from "./views/inspect.ts";
export { exitCodeOf, isRunning } from "./views/status-text.ts";
export { type Surroundings, toSummary, withStatus } from "./views/summary.ts";

/** Reads the rows; what runs is for the engine's recovery to find out. */
export function openContainers(rooms: {
  store: Store;
  environment: HostEnvironment;
  emit: EmitContainerEvent;
  /** Runs one health check. */
  check: RunProbe;
}): Containers {
  const records = new Records(rooms.store);
  const { store, emit, check } = rooms;
  return {
    environment: rooms.environment,
    records,
    waiters: new Waiters(),
    dying: new Set(),
    locks: new KeyedLock(),
    shims: new Map(),
    execs: new Execs(rooms.store),
    health: new HealthMonitors({ store, emit, get: (id) => records.get(id), run: check }),
    pendingAttachments: new Map(),
    removing: new Set(),
    emit: rooms.emit,
    find: (reference) => records.find(reference),
    get: (id) => records.get(id),
    all: () => records.all(),
  };
}
