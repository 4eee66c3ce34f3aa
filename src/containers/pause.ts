// Freezing all processes of a container, and letting them go on.
import { conflict, messageOf, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { log } from "../base/log.ts";
import { notRunning, wakeDying } from "./kill.ts";
import { recordHeldForCommit, recordPaused } from "./state-machine.ts";
import type { ContainerRecord, Containers } from "./types.ts";

export function pause(containers: Containers, { id }: ContainerRecord): Promise<void> {
  return containers.locks.run(id, async () => {
    const status = containers.records.get(id)?.state.status;
    if (status === "paused") throw conflict(`Container ${id} is already paused`);
    if (status === "restarting")
      throw conflict(`Container ${id} is restarting, wait until the container is running`);
    const shim = containers.shims.get(id);
    if (status !== "running" || !shim) throw notRunning(id);
    await shim.pause().catch((error: unknown) => {
      throw systemError(`cannot pause container ${id}: ${messageOf(error)}`, error);
    });
    recordPaused(containers, id, true);
    await wakeDying(containers, id, shim);
  });
}

export function unpause(containers: Containers, { id }: ContainerRecord): Promise<void> {
  return containers.locks.run(id, async () => {
    const shim = containers.shims.get(id);
    if (containers.records.get(id)?.state.status !== "paused" || !shim)
      throw systemError(`Container ${id} is not paused`);
    await shim.resume().catch((error: unknown) => {
      throw systemError(`Cannot unpause container ${id}: ${messageOf(error)}`, error);
    });
    recordPaused(containers, id, false);
  });
}

/**
 * Pauses a running container for the time of a commit; one that can't be paused is committed while it runs, as by Docker. Disposal
 * wakes it, unless somebody did so meanwhile. The row says why it is paused before it is, so that a daemon that takes over
 * from a killed one wakes it.
 */
export async function holdForCommit(
  containers: Containers,
  { id }: ContainerRecord,
): Promise<AsyncDisposable> {
  await containers.locks.run(id, async () => {
    const shim = containers.shims.get(id);
    if (containers.records.get(id)?.state.status !== "running" || !shim) return;
    recordHeldForCommit(containers, id, true);
    failpoint("commit.marked");
    try {
      await shim.pause();
      failpoint("commit.frozen");
      recordPaused(containers, id, true);
      await wakeDying(containers, id, shim);
    } catch (error) {
      recordHeldForCommit(containers, id, false);
      log.warn("a container that can't be paused is committed as it runs", { id, error: messageOf(error) });
    }
  });
  failpoint("commit.paused");
  return { [Symbol.asyncDispose]: () => releaseFromCommit(containers, id) };
}

/** A daemon that ends leaves none paused by commits that it breaks off. */
export async function releaseAllFromCommit(containers: Containers): Promise<void> {
  await Promise.all(containers.all().map(({ id }) => releaseFromCommit(containers, id)));
}

/** Errors are logged: the image is made by now. */
function releaseFromCommit(containers: Containers, id: ContainerRecord["id"]): Promise<void> {
  return containers.locks.run(id, async () => {
    const state = containers.records.get(id)?.state;
    const shim = containers.shims.get(id);
    if (state?.status !== "paused" || !state.heldForCommit || !shim) return;
    try {
      await shim.resume();
      failpoint("commit.resumed");
      recordPaused(containers, id, false);
    } catch (error) {
      log.error("cannot wake a container after its commit", { id, error: messageOf(error) });
    }
  });
}
