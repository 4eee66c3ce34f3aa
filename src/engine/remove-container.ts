// The use case "remove a container". The row says first that it is being removed, so that a daemon killed on the way
// finishes it at its next start; then volumes, snapshot, row, in this order, each safe to repeat.
import { rm } from "node:fs/promises";
import { BerthError, conflict, isKind, messageOf, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { log } from "../base/log.ts";
import {
  type ContainerId,
  type ContainerRecord,
  endPending,
  isRunning,
  killAndWait,
  recordDead,
  recordRemoved,
  recordRemoving,
} from "../containers/index.ts";
import { killLeftBehind } from "../runtime/index.ts";
import { bundleFolder, containerFolder } from "./folders.ts";
import { removeLink } from "./links.ts";
import { endRootfsUse, unmountRootfs } from "./rootfs.ts";
import type { Engine, RemoveOptions } from "./types.ts";

/** How often a container that comes up again while it is removed by force is killed again. */
const ATTEMPTS = 10;
/** Milliseconds for the end of a container whose shim was killed: a process in an uninterruptible call ends when the kernel lets it. */
const KILL_WAIT = 10_000;

/** Milliseconds that a start under way may still take when the container is removed by force; most take a tenth of that. */
const START_WAIT = 1000;

/** Errors: not-found, conflict (it runs, or a removal is under way), in Docker's words. */
export async function removeContainer(
  engine: Engine,
  reference: string,
  options: RemoveOptions,
): Promise<void> {
  const { containers } = engine;
  if (options.link) return removeLink(engine, reference);
  const { id } = containers.find(reference);
  if (containers.removing.has(id)) throw conflict(`removal of container ${reference} is already in progress`);
  containers.removing.add(id);
  try {
    await removeOnce(engine, id, options);
  } catch (error) {
    const text = `cannot remove container "${reference}": ${messageOf(error)}`;
    throw error instanceof BerthError ? sameKind(error, text) : systemError(text, error);
  } finally {
    containers.removing.delete(id);
  }
}

const sameKind = (error: BerthError, text: string) => new BerthError(error.kind, text, { cause: error });

async function removeOnce(engine: Engine, id: ContainerId, options: RemoveOptions): Promise<void> {
  const { containers } = engine;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = containers.get(id);
    if (!record) return; // its own end removed it
    if (isRunning(record.state)) {
      if (!options.force) throw stillRunning(record);
      await killAndWait(containers, id).catch((error: unknown) => killWithShim(engine, id, error));
    }
    const breakingOff = options.force ? breakOffStart(engine, id) : undefined;
    const gone = await containers.locks.run(id, async () => {
      clearInterval(breakingOff);
      const now = containers.get(id);
      if (!now) return true;
      if (isRunning(now.state)) return false; // started while we waited for our turn
      await removeHeld(engine, now, options);
      return true;
    });
    if (gone) return;
  }
  throw conflict("container is started again and again");
}

/** Ends what keeps the container's lock too long: a plugin or a runtime that hangs in its start, which may not have got that far yet. */
const breakOffStart = ({ environment, background, volumes }: Engine, id: ContainerId) =>
  setInterval(() => {
    log.warn("breaking off a start, since the container is to be removed", { id });
    volumes.giveUp(id);
    background.run("the end of a start", () => killLeftBehind(bundleFolder(environment, id)));
  }, START_WAIT);

/** A shim that does nothing any more (stopped, out of order) is killed with all it keeps; its end is then seen as of one that died. */
async function killWithShim(
  { environment, containers }: Engine,
  id: ContainerId,
  cause: unknown,
): Promise<void> {
  log.warn("killing a container together with its shim", { id, error: messageOf(cause) });
  const record = containers.get(id);
  if (!record) return;
  const gone = await containers.waiters.stopsAfter(
    record,
    () => killLeftBehind(bundleFolder(environment, id)),
    KILL_WAIT,
  );
  if (!gone) throw systemError(`could not kill container: ${messageOf(cause)}`, cause);
}

const stillRunning = ({ state }: ContainerRecord) =>
  state.status === "paused"
    ? conflict("container is paused and must be unpaused first")
    : conflict(`container is ${state.status}: stop the container before removing or force remove`);

/** Removes one that doesn't run, for one who holds its lock. What is slow and needs no answer goes on after. */
export async function removeHeld(
  engine: Engine,
  record: ContainerRecord,
  options: { volumes: boolean },
): Promise<void> {
  const { containers, environment, store, volumes } = engine;
  const { id } = record;
  clearTimeout(engine.restarts.get(id)?.timer);
  engine.restarts.delete(id);
  const marked = recordRemoving(containers, id, options);
  failpoint("remove.marked");
  try {
    await endRootfsUse(engine, id);
    unmountRootfs(engine, id);
    await volumes.release(id, { removeAnonymous: options.volumes });
    failpoint("remove.volumes-released");
    await removeSnapshot(engine, record);
    failpoint("remove.snapshot-removed");
  } catch (error) {
    recordDead(containers, id, messageOf(error));
    throw systemError(`unable to remove filesystem: ${messageOf(error)}`, error);
  }
  recordRemoved(containers, marked, () => store.roots.clear({ kind: "container", id }));
  failpoint("remove.row-deleted");
  endPending(containers, id);
  containers.execs.forgetAll(id);
  engine.background.run("the removal of a container's folder", () =>
    rm(containerFolder(environment, id), { recursive: true, force: true }),
  );
}

/** Its row is gone when this resolves; its files go after the answer, or at the next start. */
async function removeSnapshot({ store, background }: Engine, { snapshot }: ContainerRecord): Promise<void> {
  const removal = store.snapshots.remove(snapshot).catch((error: unknown) => {
    if (!isKind(error, "not-found")) throw error; // an earlier attempt came this far
  });
  background.run("the removal of a snapshot's files", () => removal);
  // The row is changed before the first wait in there, so a refusal is known by now and the files' removal is not waited for.
  await Promise.race([removal, Bun.sleep(0)]);
}
