// The use case "a container ended": recorded first, so that its status is never lost; then what it used is given back;
// then those who wait are told, and its restart policy or its removal follows. A daemon killed on the way finds the rest
// to do at its next start, by what the row says and what is still there.
import { rmSync } from "node:fs";
import { messageOf, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { log } from "../base/log.ts";
import {
  type ContainerId,
  type ContainerRecord,
  millisecondsOf,
  nextWait,
  now,
  recordExit,
  shouldRestart,
  startedAtOf,
} from "../containers/index.ts";
import { killLeftBehind, ShimDiedError } from "../runtime/index.ts";
import type { ExitStatus, Shim } from "../runtime/types.ts";
import { publishNetworkEvents, publishVolumeEvents } from "./container-events.ts";
import { bundleFolder } from "./folders.ts";
import { unshareMemory } from "./joined-namespaces.ts";
import { removeHeld } from "./remove-container.ts";
import { unmountRootfs } from "./rootfs.ts";
import { startHeld } from "./start-container.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { Engine } from "./types.ts";

/** Nobody saw its status: as a program that SIGKILL ended. */
const LOST = 137;
/** Milliseconds: a runtime's `delete` may take ten seconds, after which its shim gives it up. */
const LEAVE_LIMIT = 15_000;

/** From now on the end of this shim's container is acted upon. */
export function watchExit(engine: Engine, id: ContainerId, shim: Shim): void {
  const act = (work: () => Promise<void>) => {
    // A daemon that is closing has let go of the shim; the container runs on, or its end waits in the shim.
    if (!engine.closing.aborted) engine.background.run("the end of a container", work);
  };
  shim.wait().then(
    (exit) => act(() => onExit(engine, id, exit, { shim })),
    (error: unknown) => act(() => onLost(engine, id, messageOf(error), shim)),
  );
}

/** The shim died and took the status along: what it left is killed, and the record says so. */
export async function onLost(engine: Engine, id: ContainerId, problem: string, shim?: Shim): Promise<void> {
  log.warn("a shim died", { id, error: problem });
  await killLeftBehind(bundleFolder(engine.environment, id));
  const exit: ExitStatus = { code: LOST, oomKilled: false, finishedAt: now() };
  await onExit(engine, id, exit, { ...(shim && { shim }), problem });
}

export const lostText = (id: string): string => new ShimDiedError(id).message;

/**
 * Records the end and does what follows from it. `shim`: the one that told; absent when it is gone. `restarts: false`: its policy
 * stays out of it.
 */
export function onExit(
  engine: Engine,
  id: ContainerId,
  exit: ExitStatus,
  { shim, problem, restarts = true }: { shim?: Shim; problem?: string; restarts?: boolean },
): Promise<void> {
  const { containers } = engine;
  return containers.locks.run(id, async () => {
    const before = containers.get(id);
    if (before?.state.status !== "running" && before?.state.status !== "paused") return;
    if (shim && containers.shims.get(id) !== shim) return;
    const watch = new Stopwatch("exit", id);
    const restarting =
      restarts &&
      shouldRestart(before.hostConfig.RestartPolicy, {
        exitCode: exit.code,
        stoppedByUser: before.stoppedByUser,
        restarts: before.restartCount,
      });
    const restartIn = restarting ? waitBefore(before, exit) : undefined;
    const told = recordExit(containers, id, { exit, restartIn, ...(problem && { problem }) });
    failpoint("exit.recorded");
    watch.lap("recorded");
    await giveBack(engine, told.record, problem ? undefined : shim); // a dead one has nothing to give
    watch.lap("given back");
    told.tell();
    if (restarting) scheduleRestart(engine, told.record);
    else if (before.hostConfig.AutoRemove && !containers.removing.has(id) && !engine.kept.has(id)) {
      await removeHeld(engine, told.record, { volumes: true }).catch((error: unknown) =>
        log.error("cannot remove a container after its end", { id, error: messageOf(error) }),
      );
      watch.lap("removed");
    }
  });
}

/** Network, mounts and shim of a container that ended. Each part is tried; what fails is logged, and taken up at the next start. */
export async function giveBack(engine: Engine, record: ContainerRecord, shim?: Shim): Promise<void> {
  const { environment, containers } = engine;
  const { id } = record;
  publishNetworkEvents(engine, record, "disconnect");
  const attempt = async (what: string, work: () => unknown) => {
    try {
      await work();
    } catch (error) {
      log.error(`cannot ${what} of a container that ended`, { id, error: messageOf(error) });
    }
  };
  containers.shims.delete(id);
  const leave = attempt("end the shim", async () => {
    const bundle = bundleFolder(environment, id);
    if (shim)
      await Promise.race([shim.remove(), tooLong("the shim does not end")]).catch((error: unknown) => {
        log.warn("killing a shim that does not go", { id, error: messageOf(error) });
        return killLeftBehind(bundle);
      });
    rmSync(bundle, { recursive: true, force: true });
  }).finally(() => engine.leaving.delete(id));
  engine.leaving.set(id, leave);
  // The shim holds the host's ports: where there are any, the next container may need them right after the answer.
  const portsHeld =
    Object.keys(record.hostConfig.PortBindings ?? {}).length > 0 || record.hostConfig.PublishAllPorts;
  if (portsHeld) await leave;
  else engine.background.run("the end of a shim", () => leave);
  await attempt("release the network", () => engine.networks.release(id));
  failpoint("exit.network-released");
  await attempt("unmount the root file system", () => unmountRootfs(engine, id));
  await attempt("unmount the shared memory", () => unshareMemory(environment, id));
  await attempt("let go of the volumes", () => engine.volumes.letGo(id));
  failpoint("exit.unmounted");
  publishVolumeEvents(engine, record, "unmount");
}

/** A shim has nothing to wait for when it goes; one that hangs must not hold up the next start. */
async function tooLong(what: string): Promise<never> {
  await Bun.sleep(LEAVE_LIMIT);
  throw systemError(what);
}

/** Milliseconds to its next start. */
function waitBefore({ state, restartWait = 0 }: ContainerRecord, exit: ExitStatus): number {
  const ran = millisecondsOf(exit.finishedAt) - millisecondsOf(startedAtOf(state) ?? exit.finishedAt);
  return nextWait(restartWait, ran);
}

/**
 * Starts one that is restarting when the time that its row says has passed since its end, be it under this daemon or the one
 * before; a person's stop or removal meanwhile wins.
 */
export function scheduleRestart(engine: Engine, { id, state, restartWait: wait = 0 }: ContainerRecord): void {
  if (state.status !== "restarting") return;
  // The wall clock may have been set meanwhile: never longer than that.
  const left = Math.min(wait, Math.max(0, millisecondsOf(state.exit.finishedAt) + wait - Date.now()));
  clearTimeout(engine.restarts.get(id)?.timer);
  const timer = setTimeout(() => {
    engine.background.run("a restart", () => restartNow(engine, id));
  }, left);
  engine.restarts.set(id, { timer });
}

async function restartNow(engine: Engine, id: ContainerId): Promise<void> {
  const { containers } = engine;
  // Before that its shim, which no row names yet, would be taken for one that an earlier daemon left.
  await engine.recovered.promise;
  await containers.locks.run(id, async () => {
    if (engine.closing.aborted || containers.get(id)?.state.status !== "restarting") return;
    await startHeld(engine, id, { reference: id, byUser: false });
  });
}
