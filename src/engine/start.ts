// Opens the rooms, takes up what an earlier daemon left, and closes again.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { invalid, messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { openContainers, releaseAllFromCommit } from "../containers/index.ts";
import { openImages } from "../images/index.ts";
import { notifyServiceManager } from "../linux/service-manager.ts";
import { openNetworks } from "../networks/index.ts";
import { detectEnvironment, enterOwnScope, systemdRunsHost } from "../runtime/index.ts";
import type { RuntimeDefaults } from "../runtime/types.ts";
import { openStore } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { openVolumes } from "../volumes/index.ts";
import { openBackground } from "./background.ts";
import { closeBuilder } from "./builder.ts";
import { emitTo } from "./container-events.ts";
import { openEvents } from "./events.ts";
import { holdExecRoot } from "./exec-root.ts";
import { checkHealth } from "./health.ts";
import { NO_LIVE_RESTORE } from "./info.ts";
import { checkDefaultLogging } from "./log-config.ts";
import { recover, startByPolicy } from "./recovery.ts";
import type { DaemonConfig, Engine } from "./types.ts";

/** What ends an engine, and what it gives back at its end; not part of the record, since only stopEngine may. */
const closers = new WeakMap<Engine, AbortController>();
const execRoots = new WeakMap<Engine, Disposable>();

/** Milliseconds that the work after the last answers may take at shutdown. */
const SHUTDOWN_WAIT = 10_000;

/**
 * Takes the roots' locks, opens the rooms, reconciles with the kernel and the disk. Errors: conflict when another daemon holds
 * the root; invalid for a setting that can't be.
 */
export async function startEngine(config: DaemonConfig): Promise<Engine> {
  const environment = detectEnvironment({
    dataRoot: config.dataRoot,
    execRoot: config.execRoot,
    bridge: config.bridge,
    ...cgroupManager(config.execOptions),
  });
  checkDefaultLogging(config);
  if (config.liveRestore === false) log.warn(NO_LIVE_RESTORE);
  const { BERTH_SCOPE } = process.env;
  if (BERTH_SCOPE) void enterOwnScope(BERTH_SCOPE);
  await using undo = new AsyncDisposableStack();
  const execRoot = undo.use(holdExecRoot(config.execRoot));
  const store = undo.use(await openStore({ root: config.dataRoot }));
  await store.reconcile();
  const events = openEvents();
  const onImageEvent: Engine["onImageEvent"] = ({ action, id, attributes }) =>
    events.publish("image", action, id, attributes);
  const images = openImages({ store, config, environment, onImageEvent });
  const networks = openNetworks({ store, config, environment });
  undo.defer(() => networks.close());
  const volumes = await openVolumes({
    store,
    environment,
    pluginFolders: config.pluginDirs,
    onVolumeEvent: (action, { id, driver }) => events.publish("volume", action, id, { driver }),
  });
  const engine = joinRooms({ config, environment, store, images, networks, volumes, events, onImageEvent });
  await recover(engine);
  undo.move();
  execRoots.set(engine, execRoot);
  startByPolicy(engine);
  engine.background.run("the collection of garbage", async () => {
    await store.collectGarbage();
  });
  notifyServiceManager("READY=1"); // the API listens already, and answers from now on
  return engine;
}

type Rooms = Pick<
  Engine,
  "config" | "environment" | "store" | "images" | "networks" | "volumes" | "events" | "onImageEvent"
>;

function joinRooms(rooms: Rooms): Engine {
  const closer = new AbortController();
  const engine: Engine = {
    ...rooms,
    containers: openContainers({
      ...rooms,
      emit: emitTo(rooms.events),
      check: (record, signal, started) => checkHealth(engine, record, signal, started),
    }),
    runtimeDefaults: runtimeDefaults(rooms.config),
    id: ownId(rooms.store),
    startedAt: new Date(),
    leaving: new Map(),
    rootfsUsers: new Map(),
    restarts: new Map(),
    kept: new Set(),
    background: openBackground(),
    recovered: Promise.withResolvers(),
    closing: closer.signal,
  };
  closers.set(engine, closer);
  return engine;
}

/** Lets go of the shims and closes the rooms; containers go on running. */
export async function stopEngine(engine: Engine): Promise<void> {
  notifyServiceManager("STOPPING=1");
  closers.get(engine)?.abort(new Error("the daemon is shutting down"));
  for (const { timer } of engine.restarts.values()) clearTimeout(timer);
  engine.containers.health.close();
  await releaseAllFromCommit(engine.containers);
  for (const shim of engine.containers.shims.values()) {
    try {
      await shim[Symbol.asyncDispose]();
    } catch (error) {
      log.warn("cannot let go of a shim", { id: shim.id, error: messageOf(error) });
    }
  }
  await Promise.race([closeBuilder(engine), Bun.sleep(SHUTDOWN_WAIT)]);
  await Promise.race([engine.background.idle(), Bun.sleep(SHUTDOWN_WAIT)]);
  await engine.networks.close();
  await engine.store.close();
  execRoots.get(engine)?.[Symbol.dispose]();
}

/** `native.cgroupdriver=systemd` of `--exec-opt`. Errors: invalid, in dockerd's words where it refuses too. */
function cgroupManager(options: string[]): { cgroupManager?: "cgroupfs" | "systemd" } {
  for (const option of options) {
    const [name, value] = option.split("=", 2);
    if (name !== "native.cgroupdriver") throw invalid(`invalid exec-opt: ${option}`);
    if (value !== "cgroupfs" && value !== "systemd")
      throw invalid(`native.cgroupdriver option ${value} is invalid`);
    if (value === "systemd" && !systemdRunsHost())
      throw invalid(
        "native.cgroupdriver=systemd can't be served: systemd does not run this host; leave it out, or use cgroupfs",
      );
    return { cgroupManager: value };
  }
  return {};
}

function runtimeDefaults(config: DaemonConfig): RuntimeDefaults {
  return {
    ulimits: config.defaultUlimits,
    ...(config.cgroupParent && { cgroupParent: config.cgroupParent }),
    noNewPrivileges: config.noNewPrivileges,
    seccompProfile: seccompProfile(config.seccompProfile),
    shmSize: config.defaultShmSize,
    ...(config.init !== undefined && { init: config.init }),
    ...(config.initPath && { initPath: config.initPath }),
    ...(config.defaultIpcMode && { ipcMode: config.defaultIpcMode }),
    ...(config.defaultCgroupnsMode && { cgroupnsMode: config.defaultCgroupnsMode }),
    runtimes: Object.keys(config.runtimes),
    ...(config.defaultRuntime && { defaultRuntime: config.defaultRuntime }),
  };
}

/** "builtin" and "unconfined" stay; a path is read now, so that a bad one is seen now. Errors: invalid. */
function seccompProfile(setting: string): string {
  if (["", "builtin", "default"].includes(setting)) return "builtin";
  if (setting === "unconfined") return setting;
  try {
    return readFileSync(setting, "utf8");
  } catch (error) {
    throw invalid(`opening seccomp profile (${setting}) failed: ${messageOf(error)}`, error);
  }
}

/** Made at the first start, and kept. */
function ownId(store: Store): string {
  const settings = store.documents<{ id: string; value: string }>("settings");
  const known = settings.get("engine-id");
  if (known) return known.value;
  const made = { id: "engine-id", value: randomUUID() };
  settings.put(made);
  return made.value;
}
