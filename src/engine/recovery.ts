// What a starting daemon does about the one before it: compares the rows with what the kernel and the disk have, takes
// up what lives, records what ended, finishes what was begun, and takes away what no row names.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import {
  type ContainerId,
  type ContainerRecord,
  exitCodeOf,
  isRunning,
  now,
  recordHeldForCommit,
  recordPaused,
  recordRunning,
  shouldStartWithDaemon,
  startedAtOf,
  takeUpExecs,
} from "../containers/index.ts";
import { COMMIT_LEASE } from "../images/index.ts";
import { mountsBelow, unmount } from "../linux/mount.ts";
import { connectShim, killLeftBehind, readLeftExit } from "../runtime/index.ts";
import type { Shim, ShimState } from "../runtime/types.ts";
import { CREATE_LEASE } from "./create-container.ts";
import { bundleFolder, bundleFolders, containerFolders, rootfsFolders, shmFolders } from "./folders.ts";
import { keepPorts } from "./kept-ports.ts";
import { giveBack, lostText, onExit, onLost, scheduleRestart, watchExit } from "./on-exit.ts";
import { removeHeld } from "./remove-container.ts";
import { startHeld } from "./start-container.ts";
import type { Engine } from "./types.ts";
import { finishStop } from "./unfinished-stop.ts";
import { settleUpdate } from "./update-container.ts";

/** A shim that answers, and what it says of its container. */
interface Living {
  shim: Shim;
  state: ShimState;
}

/** Before the API answers. What takes long (restarts, removals of folders) goes on in the background. */
export async function recover(engine: Engine): Promise<void> {
  const { containers } = engine;
  const folders = new Set(namesIn(bundleFolders(engine.environment)));
  const living = new Map<ContainerId, Living>();
  await Promise.all(
    containers.all().map(async (record) => {
      const found = folders.has(record.id) ? await findShim(engine, record.id) : undefined;
      if (found) living.set(record.id, found);
    }),
  );
  const alive = new Set([...living].filter(([, { state }]) => isUp(state)).map(([id]) => id as string));
  await engine.networks.reconcile(alive);
  for (const record of containers.all()) {
    await takeUp(engine, record, living.get(record.id), folders.has(record.id)).catch((error: unknown) =>
      log.error("cannot bring a container in line with what is there", {
        id: record.id,
        error: messageOf(error),
      }),
    );
  }
  await removeLeftovers(engine);
  unmountVolumes(engine);
  engine.recovered.resolve();
}

/** Of containers that ended while nobody looked. In the background: a plugin may be away, or hang. */
function unmountVolumes({ background, containers, volumes }: Engine): void {
  for (const { id } of containers.all())
    if (volumes.isHeldBy(id))
      background.run("the unmounting of a container's volumes", () =>
        containers.locks.run(id, async () => {
          const record = containers.get(id);
          if (record && !isRunning(record.state)) await volumes.letGo(id);
        }),
      );
}

const isUp = ({ phase }: ShimState): boolean => phase === "running" || phase === "paused";

async function findShim(engine: Engine, id: ContainerId): Promise<Living | undefined> {
  try {
    const shim = await connectShim(bundleFolder(engine.environment, id));
    return { shim, state: await shim.state() };
  } catch (error) {
    log.debug("no shim answers", { id, error: messageOf(error) });
    return undefined;
  }
}

async function takeUp(
  engine: Engine,
  record: ContainerRecord,
  found: Living | undefined,
  hasFolder: boolean,
): Promise<void> {
  const { status } = record.state;
  if (status === "running" || status === "paused") return takeUpRunning(engine, record, found, hasFolder);
  if (found && isUp(found.state) && (status === "created" || status === "exited" || status === "restarting"))
    return adoptUnrecorded(engine, record, found);
  // Its end was recorded, or its start came to nothing: what may still be there of it goes.
  if (hasFolder) await clearAway(engine, record, found);
  if (status === "removing") {
    const { removeVolumes } = record.state as Extract<ContainerRecord["state"], { status: "removing" }>;
    await engine.containers.locks.run(record.id, () =>
      removeHeld(engine, record, { volumes: removeVolumes }),
    );
  } else if (status === "exited" && record.hostConfig.AutoRemove) {
    await engine.containers.locks.run(record.id, () => removeHeld(engine, record, { volumes: true }));
  } else if (status === "restarting") {
    scheduleRestart(engine, record);
  }
}

/** The row says that it runs. It does, or it ended meanwhile and left its status, or its shim died with it. */
async function takeUpRunning(
  engine: Engine,
  record: ContainerRecord,
  found: Living | undefined,
  hasFolder: boolean,
): Promise<void> {
  const { containers, environment } = engine;
  const { id } = record;
  if (found && isUp(found.state)) {
    containers.shims.set(id, found.shim);
    let paused = found.state.phase === "paused";
    if (isHeldForCommit(record)) {
      if (paused) await found.shim.resume();
      paused = false;
      recordHeldForCommit(containers, id, false);
    }
    if (paused !== (record.state.status === "paused")) recordPaused(containers, id, paused);
    takeUpExecs(containers, id, found.shim, found.state.execs);
    // The daemon may have ended in the middle of connecting it.
    await keepPorts(engine, id);
    await containers.locks.run(id, () => settleUpdate(engine, id, found.shim));
    containers.health.takeUp(containers.find(id));
    watchExit(engine, id, found.shim);
    finishStop(engine, record);
    return;
  }
  if (found?.state.exit) {
    containers.shims.set(id, found.shim);
    return onExit(engine, id, found.state.exit, { shim: found.shim });
  }
  const left = hasFolder ? readLeftExit(bundleFolder(environment, id)) : undefined;
  if (left) {
    await killLeftBehind(bundleFolder(environment, id));
    await onExit(engine, id, left, {});
  } else if (hasFolder) await onLost(engine, id, lostText(id));
  // The folder went with a boot of the host: nothing is left to kill, and nobody saw the status. Its policy starts it as one
  // that is down when a daemon starts (startByPolicy), which counts for no restart.
  else await onExit(engine, id, { code: 255, oomKilled: false, finishedAt: now() }, { restarts: false });
}

/** A commit that was cut off paused it, and nobody else would wake it. */
const isHeldForCommit = ({ state }: ContainerRecord): boolean =>
  "heldForCommit" in state && state.heldForCommit === true;

/** The daemon was killed between the program's start and the row that says so. */
async function adoptUnrecorded(
  engine: Engine,
  record: ContainerRecord,
  { shim, state }: Living,
): Promise<void> {
  const { containers } = engine;
  containers.shims.set(record.id, shim);
  const startedAt = state.startedAt ?? now();
  recordRunning(containers, record.id, {
    pid: state.pid ?? 0,
    startedAt,
    byUser: record.state.status !== "restarting",
  });
  watchExit(engine, record.id, shim);
}

/** Ends a shim that has nothing to do any more, and gives back what its container used. */
async function clearAway(engine: Engine, record: ContainerRecord, found: Living | undefined): Promise<void> {
  await found?.shim[Symbol.asyncDispose]();
  await killLeftBehind(bundleFolder(engine.environment, record.id));
  await engine.containers.locks.run(record.id, () => giveBack(engine, record));
}

/** Folders, mounts, volumes' uses and shims that no row names. */
async function removeLeftovers(engine: Engine): Promise<void> {
  const { environment, containers, store, volumes } = engine;
  const unknown = (id: string) => containers.get(id) === undefined;
  for (const id of namesIn(bundleFolders(environment)).filter(unknown)) {
    log.warn("removing what a container that no row names left", { id });
    await killLeftBehind(bundleFolder(environment, id)).catch((error: unknown) =>
      log.error("cannot remove it", { id, error: messageOf(error) }),
    );
    rmSync(bundleFolder(environment, id), { recursive: true, force: true });
  }
  store.leases.closeAll(CREATE_LEASE);
  store.leases.closeAll(COMMIT_LEASE);
  store.leases.closeAll("build");
  store.leases.closeAll("build step");
  store.leases.closeAll("build record");
  endStrayShims(engine);
  for (const folder of [rootfsFolders(environment), shmFolders(environment)]) unmountUnused(engine, folder);
  const users = store.documents<{ id: string; containerId: string }>("volumeUses").all();
  for (const id of new Set(users.map(({ containerId }) => containerId)))
    if (unknown(id)) await volumes.release(id, { removeAnonymous: true });
  engine.background.run("the removal of left folders", async () => {
    const names = await readdir(containerFolders(environment)).catch(() => []);
    for (const id of names.filter(unknown))
      await rm(join(containerFolders(environment), id), { recursive: true, force: true });
  });
}

/** A shim that was still on its way up when its daemon was killed said nothing yet to find it by, but its command line. */
function endStrayShims({ environment, containers }: Engine): void {
  const prefix = `${bundleFolders(environment)}/`;
  const connected = new Set([...containers.shims.values()].map(({ pid }) => pid));
  for (const name of namesIn("/proc").filter((name) => /^\d+$/.test(name))) {
    const words = commandLine(name);
    const at = words.lastIndexOf("shim");
    if (at < 0 || !words[at + 1]?.startsWith(prefix) || connected.has(Number(name))) continue;
    log.warn("ending a shim that keeps nothing", { pid: name, folder: words[at + 1] });
    process.kill(Number(name), "SIGKILL");
  }
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // it ended meanwhile
  }
}

/** Mounts of containers that don't run, with their folders. */
function unmountUnused({ containers }: Engine, folder: string): void {
  const inUse = (id: string) => {
    const record = containers.get(id);
    return record !== undefined && (record.state.status === "running" || record.state.status === "paused");
  };
  const names = namesIn(folder).filter((id) => !inUse(id));
  for (const id of names) {
    const path = join(folder, id);
    for (const { target } of mountsBelow(path)) unmount(target);
    rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Restart policies of containers that should be up and aren't: in the background, the API answers meanwhile. One that joins
 * another's namespaces is started after that.
 */
export function startByPolicy(engine: Engine): void {
  const { containers } = engine;
  const starts = new Map<string, PromiseWithResolvers<void>>();
  const wanted = containers.all().filter((record) => wantsStart(record));
  for (const { id } of wanted) starts.set(id, Promise.withResolvers());
  for (const record of wanted) {
    engine.background.run("the start of a container by its policy", async () => {
      try {
        await Promise.all(joinedBy(record).map((id) => starts.get(id)?.promise));
        await containers.locks.run(record.id, () =>
          startHeld(engine, record.id, { reference: record.id, byUser: true }),
        );
      } finally {
        starts.get(record.id)?.resolve();
      }
    });
  }
}

function wantsStart({ state, hostConfig, stoppedByUser, restartCount }: ContainerRecord): boolean {
  if (isRunning(state) || state.status === "removing" || state.status === "dead") return false;
  return shouldStartWithDaemon(hostConfig.RestartPolicy, {
    everStarted: startedAtOf(state) !== undefined,
    stoppedByUser,
    exitCode: exitCodeOf(state),
    restarts: restartCount,
  });
}

/** Ids of the containers whose namespaces it shares. */
const joinedBy = ({ hostConfig: { NetworkMode, IpcMode, PidMode } }: ContainerRecord): string[] =>
  [NetworkMode, IpcMode, PidMode].flatMap((mode) =>
    mode?.startsWith("container:") ? [mode.slice("container:".length)] : [],
  );

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not made yet
  }
}
