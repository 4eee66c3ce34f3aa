// Freezing all processes of a container, and letting them go on.
import { conflict, messageOf, systemError } from "../base/errors.ts";
import { notRunning } from "./kill.ts";
import { recordPaused } from "./state-machine.ts";
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
