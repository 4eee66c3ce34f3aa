// Signals to a container, and stopping it: the signal it asks for, a wait, SIGKILL.
import { conflict, invalid, isKind, messageOf, systemError } from "../base/errors.ts";
import { parseSignal, ShimDiedError } from "../runtime/index.ts";
import type { Shim } from "../runtime/types.ts";
import { recordPaused, recordRestartGivenUp, updateRecord } from "./state-machine.ts";
import type { ContainerId, ContainerRecord, Containers } from "./types.ts";
import { isRunning } from "./views/status-text.ts";

const SIGKILL = 9;
/** Seconds that `stop` waits when nobody says otherwise. */
const DEFAULT_STOP_TIMEOUT = 10;
/** Milliseconds for SIGKILL to be seen: a program in an uninterruptible call ends when the kernel lets it. */
const KILL_WAIT = 10_000;
/** Milliseconds that a paused container's runtime has to let it go on. */
const WAKE_LIMIT = 5000;

export const notRunning = (id: string) => conflict(`container ${id} is not running`);

/** `docker kill`: SIGKILL waits for the end, any other signal is only sent. */
export async function kill(containers: Containers, record: ContainerRecord, signal: string): Promise<void> {
  const number = signal === "" ? SIGKILL : known(signal);
  if (!isRunning(record.state)) throw notRunning(record.id);
  if (number === SIGKILL) await killAndWait(containers, record.id);
  else await sendSignal(containers, record.id, number);
}

/** A number that is none of Linux's is refused in words of its own. Errors: invalid. */
function known(signal: string): number {
  if (/^-?\d+$/.test(signal) && Number(signal) !== 0 && (Number(signal) < 0 || Number(signal) > 64))
    throw invalid(`the linux daemon does not support signal ${Number(signal)}`);
  return parseSignal(signal);
}

/** SIGKILL, and the end of it. Nothing happens when it doesn't run. */
export async function killAndWait(containers: Containers, id: ContainerId): Promise<void> {
  const record = containers.records.get(id);
  if (!record || !isRunning(record.state)) return;
  containers.dying.add(id);
  try {
    if (await signalAndWait(containers, record, SIGKILL, KILL_WAIT)) return;
  } finally {
    containers.dying.delete(id);
  }
  throw systemError("tried to kill container, but did not receive an exit event");
}

/** `docker stop`. `timeout` in seconds, negative: never the force. Resolves when it has ended. */
export async function stop(
  containers: Containers,
  id: ContainerId,
  options: { signal?: string; timeout?: number },
): Promise<void> {
  const record = containers.records.get(id);
  if (!record || !isRunning(record.state)) return;
  const signal = parseSignal(options.signal || record.config.StopSignal || "SIGTERM");
  const seconds = options.timeout ?? record.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT;
  const milliseconds = seconds < 0 ? undefined : seconds * 1000;
  const killAt = milliseconds === undefined ? undefined : Date.now() + milliseconds;
  if (!(await signalAndWait(containers, record, signal, milliseconds, killAt)))
    await killAndWait(containers, id);
  containers.emit(containers.records.get(id) ?? record, "stop");
}

/** True when it stopped in that time. A container that ended before the signal reached it has stopped. */
const signalAndWait = (
  containers: Containers,
  record: ContainerRecord,
  signal: number,
  milliseconds: number | undefined,
  killAt?: number,
): Promise<boolean> =>
  containers.waiters.stopsAfter(
    record,
    async () => {
      if (isRunning(containers.records.get(record.id)?.state ?? { status: "created" }))
        await sendSignal(containers, record.id, signal, killAt);
    },
    milliseconds,
  );

/**
 * Wakes one that was frozen while SIGKILL was on its way: in the first hierarchy of cgroups what is frozen dies only when it
 * is thawed (the kernel's freezer-subsystem.rst).
 */
export async function wakeDying(containers: Containers, id: ContainerId, shim: Shim): Promise<void> {
  if (containers.dying.has(id)) await unlessEnded(id, () => wake(containers, id, shim, { dies: true }));
}

/** A runtime that hangs in it doesn't hold up the killing that follows. `dies`: it does so before it could be seen to run. */
async function wake(
  containers: Containers,
  id: ContainerId,
  shim: Shim,
  { dies }: { dies: boolean },
): Promise<void> {
  const woken = shim.resume().then(
    () => {
      if (!dies && containers.records.get(id)?.state.status === "paused") recordPaused(containers, id, false);
    },
    async (error: unknown) => {
      // The signal may have ended it first, which the runtime takes for a fault, and which the shim sees the moment after.
      await Bun.sleep(100);
      const { phase } = await shim.state().catch(() => ({ phase: "exited" }));
      if (phase !== "exited") throw error;
    },
  );
  woken.catch(() => {}); // after the limit nobody looks
  await Promise.race([woken, Bun.sleep(WAKE_LIMIT)]);
}

/**
 * Sends a signal. The container's own stop signal and SIGKILL mean that a person wants it down: its restart policy
 * stays out of it, one that waits to be restarted is not, and a paused one is woken so that it can end. To `unless-stopped`
 * any signal is a person's stop (moby's daemon/kill.go).
 */
async function sendSignal(
  containers: Containers,
  id: ContainerId,
  signal: number,
  killAt?: number,
): Promise<void> {
  const record = containers.records.get(id);
  if (!record || !isRunning(record.state)) throw notRunning(id);
  const own = record.config.StopSignal;
  const isStop = signal === SIGKILL || !own || parseSignal(own) === signal;
  const isLast = isStop || record.hostConfig.RestartPolicy?.Name === "unless-stopped";
  const stoppedByUser = record.stoppedByUser || isLast;
  if (killAt !== undefined || stoppedByUser !== record.stoppedByUser)
    updateRecord(containers, id, { stoppedByUser, ...(killAt !== undefined && { killAt }) });
  if (record.state.status === "restarting") {
    if (isStop) recordRestartGivenUp(containers, id);
    return;
  }
  const shim = containers.shims.get(id);
  if (!shim) throw notRunning(id);
  await unlessEnded(id, () => shim.kill(signal));
  containers.emit(containers.records.get(id) ?? record, "kill", { signal: String(signal) });
  if (isStop && containers.records.get(id)?.state.status === "paused")
    await unlessEnded(id, () => wake(containers, id, shim, { dies: signal === SIGKILL }));
}

async function unlessEnded(id: ContainerId, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // It ended in between: its exit is on the way, and whoever waits for it will see it. The shim calls that a conflict
    // while it is still there to say so, and one that died leaves no more to be said.
    const ended = isKind(error, "not-found") || isKind(error, "conflict") || error instanceof ShimDiedError;
    if (!ended) throw systemError(`Cannot kill container ${id}: ${messageOf(error)}`, error);
  }
}
