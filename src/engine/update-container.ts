// The use case "update": other limits and another restart policy for a container. The kernel first, then the row, since
// a limit that the kernel refuses must not be shown. Before the kernel is asked the row says which limits are about to
// change: a daemon killed on the way finds by that what to set back (settleUpdate).
import type { HostConfig } from "../api/types/index.ts";
import { BerthError, isKind, messageOf, notFound, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { log } from "../base/log.ts";
import {
  type ContainerId,
  type ContainerRecord,
  exitCodeOf,
  mergeUpdate,
  recordRestartGivenUp,
  shouldRestart,
  updateRecord,
} from "../containers/index.ts";
import {
  containerCgroup,
  type LimitKey,
  readCgroupStats,
  updatedResources,
  validateUpdate,
} from "../runtime/index.ts";
import type { Shim } from "../runtime/types.ts";
import { bundleFolder } from "./folders.ts";
import type { Engine } from "./types.ts";

/** MIN_SHARES and MAX_SHARES of kernel/sched/sched.h. */
const LEAST_SHARES = 2;
const MOST_SHARES = 262_144;

/** Limits, and RestartPolicy; what is 0 or "" stays as it is. */
export type UpdateRequest = HostConfig;

/**
 * Gives the warnings. Errors: invalid, not-found, conflict (contradicts what the container has), system (the kernel or the
 * runtime refused: nothing has changed then).
 */
export async function updateContainer(
  engine: Engine,
  reference: string,
  request: UpdateRequest,
): Promise<string[]> {
  const { changes, warnings } = validateUpdate(request, engine.environment);
  const { id } = engine.containers.find(reference);
  await engine.containers.locks.run(id, async () => {
    try {
      await updateHeld(engine, id, reference, changes);
    } catch (error) {
      if (!(error instanceof BerthError) || error.kind === "not-found") throw error;
      throw new BerthError(error.kind, `Cannot update container ${id}: ${error.message}`, { cause: error });
    }
  });
  return warnings;
}

async function updateHeld(
  engine: Engine,
  id: ContainerId,
  reference: string,
  changes: HostConfig,
): Promise<void> {
  const { containers } = engine;
  const record = containers.get(id);
  if (!record) throw notFound(`No such container: ${reference}`);
  const { status } = record.state;
  if (status === "removing" || status === "dead")
    throw systemError('container is marked for removal and cannot be "update"');
  const { hostConfig, limits } = mergeUpdate(record.hostConfig, changes);
  const shim = containers.shims.get(id);
  if (limits.length > 0 && shim && (status === "running" || status === "paused"))
    await applyLimits(engine, shim, record, { hostConfig, limits });
  const updated = updateRecord(containers, id, { hostConfig, updating: undefined });
  failpoint("update.recorded");
  if (changes.RestartPolicy?.Name) followPolicy(engine, updated);
  containers.emit(updated, "update");
}

/** All of the limits, or none. */
async function applyLimits(
  engine: Engine,
  shim: Shim,
  record: ContainerRecord,
  { hostConfig, limits }: { hostConfig: HostConfig; limits: LimitKey[] },
): Promise<void> {
  const { containers, environment } = engine;
  refuseShares(hostConfig.CpuShares ?? 0);
  const resources = updatedResources(hostConfig, limits, environment);
  if (Object.keys(resources).length === 0) return; // such as this kernel has none of
  updateRecord(containers, record.id, { updating: limits });
  failpoint("update.intended");
  try {
    await shim.update(resources);
  } catch (error) {
    if (isKind(error, "unavailable")) {
      updateRecord(containers, record.id, { updating: undefined }); // nobody was asked
      throw error;
    }
    // One that has just ended has no group any more; its record is what counts.
    if (await hasEnded(shim)) return;
    const refusal = await inRuncsWords(engine, record.id, hostConfig, limits, error);
    await settleUpdate(engine, record.id, shim);
    throw refusal;
  }
  failpoint("update.applied");
}

/** The kernel takes any number and sets another (v1) or one that means another (v2): refused as runc does. */
function refuseShares(shares: number): void {
  if (shares < 0 || shares > MOST_SHARES)
    throw systemError(`the maximum allowed cpu-shares is ${MOST_SHARES}`);
  if (shares > 0 && shares < LEAST_SHARES)
    throw systemError(`the minimum allowed cpu-shares is ${LEAST_SHARES}`);
}

async function hasEnded(shim: Shim): Promise<boolean> {
  try {
    return (await shim.state()).phase === "exited";
  } catch {
    return true; // the shim died, and the container with it
  }
}

/** v1 refuses a limit below what is in use with EBUSY alone. */
async function inRuncsWords(
  { environment }: Engine,
  id: ContainerId,
  { Memory: asked = 0 }: HostConfig,
  limits: LimitKey[],
  error: unknown,
): Promise<unknown> {
  const cgroup = limits.includes("Memory") ? containerCgroup(bundleFolder(environment, id)) : undefined;
  const memory = cgroup === undefined ? undefined : (await readCgroupStats(cgroup))?.memory_stats;
  if (memory?.usage === undefined || memory.usage <= asked) return error;
  const { usage, max_usage: peak = usage } = memory;
  const said = messageOf(error).replace(/(did not terminate successfully: exit status 1: ).*/s, "$1");
  return systemError(
    `${said.endsWith(": ") ? said : ""}unable to set memory limit to ${asked} (current usage: ${usage}, peak usage: ${peak})`,
    error,
  );
}

/**
 * Gives the kernel what the row says of the limits that were being changed, where a change did not come to its end:
 * the runtime sets one after the other, and may have stopped between. Whoever calls it holds the container's lock.
 */
export async function settleUpdate(engine: Engine, id: ContainerId, shim: Shim | undefined): Promise<void> {
  const { containers, environment } = engine;
  const record = containers.get(id);
  if (!record?.updating) return;
  const resources = updatedResources(record.hostConfig, record.updating, environment);
  try {
    await shim?.update(resources);
  } catch (error) {
    log.error("cannot set a container's limits back", { id, error: messageOf(error) });
  }
  updateRecord(containers, id, { updating: undefined });
}

/** A restart that waits for its time comes only if the new policy has it. */
function followPolicy(engine: Engine, record: ContainerRecord): void {
  if (record.state.status !== "restarting") return;
  const { RestartPolicy } = record.hostConfig;
  const end = {
    exitCode: exitCodeOf(record.state),
    stoppedByUser: record.stoppedByUser,
    // This restart is counted already.
    restarts: record.restartCount - 1,
  };
  if (shouldRestart(RestartPolicy, end)) return;
  clearTimeout(engine.restarts.get(record.id)?.timer);
  recordRestartGivenUp(engine.containers, record.id);
}
