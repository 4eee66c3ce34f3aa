// The one place that changes a container's state. Each change is one transaction; then the events, then those who wait.
// Callers hold the container's lock, except for `created`.
import { conflict } from "../base/errors.ts";
import { millisecondsOf } from "../base/nanoseconds.ts";
import type { ExitStatus } from "../runtime/types.ts";
import type { ContainerId, ContainerRecord, ContainerState, Containers } from "./types.ts";
import { exitCodeOf } from "./views/status-text.ts";

type Status = ContainerState["status"];

/** From where each state may be reached; anything else is a bug of the caller, refused before it is written. */
const FROM: Record<Status, readonly Status[]> = {
  created: ["created"],
  running: ["created", "exited", "restarting", "paused"],
  paused: ["running"],
  restarting: ["running", "paused"],
  exited: ["running", "paused", "restarting", "exited"],
  removing: ["created", "exited", "restarting", "dead", "removing"],
  dead: ["removing", "dead"],
};

/** A change of the record along with its state, such as a count. */
type Also = Partial<Omit<ContainerRecord, "id" | "state">>;

function change(
  containers: Containers,
  id: ContainerId,
  state: ContainerState,
  also: Also = {},
): ContainerRecord {
  const before = containers.records.get(id);
  if (!before) throw conflict(`container ${id} is gone`);
  if (!FROM[state.status].includes(before.state.status))
    throw conflict(`container ${id} is ${before.state.status} and can't become ${state.status}`);
  const after = { ...before, ...also, state };
  containers.records.put(after);
  containers.health.follow(after);
  return after;
}

/** `roots` writes, in the same transaction, what keeps the container's image and snapshot alive. */
export function recordCreated(containers: Containers, record: ContainerRecord, roots: () => void): void {
  containers.records.put(record, roots);
  containers.emit(record, "create");
}

/** `byUser`: a person (or a starting daemon) started it, so that restarts are counted anew. */
export function recordRunning(
  containers: Containers,
  id: ContainerId,
  started: { pid: number; startedAt: string; byUser: boolean },
): ContainerRecord {
  const before = containers.records.get(id);
  const finishedAt = before && finishedAtOf(before.state);
  const record = change(
    containers,
    id,
    { status: "running", pid: started.pid, startedAt: started.startedAt, ...(finishedAt && { finishedAt }) },
    {
      killAt: undefined,
      ...(started.byUser && { restartCount: 0, restartWait: 0, stoppedByUser: false }),
    },
  );
  containers.emit(record, "start");
  return record;
}

export function recordPaused(containers: Containers, id: ContainerId, paused: boolean): ContainerRecord {
  const { state } = containers.records.get(id) ?? {};
  if (state?.status !== "running" && state?.status !== "paused")
    throw conflict(`container ${id} is not running`);
  const { heldForCommit, ...rest } = state;
  const record = change(containers, id, {
    ...rest,
    status: paused ? "paused" : "running",
    ...(paused && heldForCommit && { heldForCommit }),
  });
  containers.emit(record, paused ? "pause" : "unpause");
  return record;
}

/** Whether a commit is about to pause it, or was: written before and after the pause itself. */
export function recordHeldForCommit(containers: Containers, id: ContainerId, held: boolean): void {
  const record = containers.records.get(id);
  if (record?.state.status !== "running" && record?.state.status !== "paused") return;
  const { heldForCommit: _, ...state } = record.state;
  containers.records.put({ ...record, state: { ...state, ...(held && { heldForCommit: true }) } });
}

/**
 * The program ended. `restartIn`: its policy starts it again in so many milliseconds, and whoever waits goes on waiting. The row is written here; `tell`
 * publishes it, once the caller has given back what the container used: who waited may need just that.
 */
export function recordExit(
  containers: Containers,
  id: ContainerId,
  end: { exit: ExitStatus; restartIn?: number | undefined; problem?: string },
): { record: ContainerRecord; tell: () => void } {
  const before = containers.records.get(id);
  const startedAt = (before && startedAtOf(before.state)) ?? end.exit.finishedAt;
  const { exit } = end;
  const { restartIn: wait } = end;
  const record =
    wait !== undefined
      ? change(
          containers,
          id,
          { status: "restarting", startedAt, exit },
          { restartCount: (before?.restartCount ?? 0) + 1, restartWait: wait },
        )
      : change(containers, id, {
          status: "exited",
          startedAt,
          exit,
          ...(end.problem && { problem: { exitCode: exit.code, error: end.problem } }),
        });
  return { record, tell: () => tellExit(containers, record, exit, startedAt) };
}

function tellExit(
  containers: Containers,
  record: ContainerRecord,
  exit: ExitStatus,
  startedAt: string,
): void {
  if (exit.oomKilled) containers.emit(record, "oom");
  const ran = Math.max(0, millisecondsOf(exit.finishedAt) - millisecondsOf(startedAt));
  containers.emit(record, "die", {
    execDuration: String(Math.floor(ran / 1000)),
    exitCode: String(exit.code),
  });
  // A stop while a restart was due has told them already.
  const now = containers.records.get(record.id) ?? record;
  if (now.state.status !== "restarting") containers.waiters.stopped(now);
}

/** No restart will come after all: a person stopped it meanwhile, or the start failed. */
export function recordRestartGivenUp(containers: Containers, id: ContainerId): ContainerRecord | undefined {
  const { state } = containers.records.get(id) ?? {};
  if (state?.status !== "restarting") return undefined;
  const record = change(containers, id, { status: "exited", startedAt: state.startedAt, exit: state.exit });
  containers.waiters.stopped(record);
  return record;
}

/**
 * A start that came to nothing: what ran before stays what it was, code and reason are shown. Where a policy started it, the
 * code is the last run's, as in Docker.
 */
export function recordStartFailed(
  containers: Containers,
  id: ContainerId,
  problem: { exitCode: number; error: string },
): ContainerRecord {
  const { state } = containers.records.get(id) ?? {};
  const shown = state?.status === "restarting" ? { ...problem, exitCode: state.exit.code } : problem;
  const record =
    state?.status === "exited" || state?.status === "restarting"
      ? change(containers, id, {
          status: "exited",
          startedAt: state.startedAt,
          exit: state.exit,
          problem: shown,
        })
      : change(containers, id, { status: "created", ...problem });
  // Whoever waits for the end of a run that never was goes on waiting, as in Docker; a restart that failed is the end.
  if (state?.status === "restarting") containers.waiters.stopped(record);
  return record;
}

/** From here on the removal will be finished, by the next daemon if need be. */
export function recordRemoving(
  containers: Containers,
  id: ContainerId,
  options: { volumes: boolean },
): ContainerRecord {
  const before = containers.records.get(id);
  if (!before) throw conflict(`container ${id} is gone`);
  if (before.state.status === "removing") return before;
  const startedAt = startedAtOf(before.state);
  const exit = "exit" in before.state ? before.state.exit : undefined;
  return change(containers, id, {
    status: "removing",
    removeVolumes: options.volumes,
    ...(startedAt && { startedAt }),
    ...(exit && { exit }),
  });
}

/** The removal stopped half-way; another attempt takes it up where it is. */
export function recordDead(containers: Containers, id: ContainerId, error: string): void {
  const { state } = containers.records.get(id) ?? {};
  if (state?.status !== "removing") return;
  change(containers, id, {
    status: "dead",
    error,
    ...(state.startedAt && { startedAt: state.startedAt }),
    ...(state.exit && { exit: state.exit }),
  });
}

/** Deletes the row, and in the same transaction what `roots` deletes. */
export function recordRemoved(containers: Containers, record: ContainerRecord, roots: () => void): void {
  containers.records.delete(record.id, roots);
  containers.health.forget(record.id);
  containers.emit(record, "destroy");
  containers.waiters.removed(record);
}

/** What isn't state: a name, a flag, mounts. */
export function updateRecord(containers: Containers, id: ContainerId, also: Also): ContainerRecord {
  const before = containers.records.get(id);
  if (!before) throw conflict(`container ${id} is gone`);
  const after = { ...before, ...also };
  containers.records.put(after);
  return after;
}

export const startedAtOf = (state: ContainerState): string | undefined =>
  "startedAt" in state ? state.startedAt : undefined;

export function finishedAtOf(state: ContainerState): string | undefined {
  if (state.status === "running" || state.status === "paused") return state.finishedAt;
  return "exit" in state ? state.exit?.finishedAt : undefined;
}

export { exitCodeOf };
