// The use case "start a container". What doesn't depend on each other runs side by side (network, root file system,
// mounts), then its files, the bundle, the shim, the program. Anything that fails is undone, and the record says why.
//
// A daemon that is killed on the way leaves what the next start takes away: the network by its rows, the mount and the bundle by
// their folders' names; a shim that lives by then is adopted if its program runs (recovery.ts).
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { conflict, firstThrown, messageOf, notFound, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { log } from "../base/log.ts";
import {
  type ContainerId,
  type ContainerRecord,
  classifyStartError,
  connectPending,
  endPending,
  recordRunning,
  recordStartFailed,
} from "../containers/index.ts";
import { KernelError } from "../linux/errors.ts";
import type { RealisedSandbox } from "../networks/types.ts";
import {
  cgroupsPath,
  killLeftBehind,
  resolveInRoot,
  rootOwner,
  ShimDiedError,
  selectRuntime,
  startShim,
  takesFilter,
  writeBundle,
} from "../runtime/index.ts";
import type { BundleInput, Shim, ShimConfig } from "../runtime/types.ts";
import { makeMountPlaces } from "../store/index.ts";
import { publishNetworkEvents, publishVolumeEvents } from "./container-events.ts";
import { deviceEdits } from "./device-edits.ts";
import { bundleFolder, containerFolder, rootfsFolder } from "./folders.ts";
import { joinedNamespaces, shareMemory, unshareMemory } from "./joined-namespaces.ts";
import { linkEnvironment, linkHosts, refreshLinkers } from "./links.ts";
import { logSettings } from "./log-settings.ts";
import { watchExit } from "./on-exit.ts";
import { removeHeld } from "./remove-container.ts";
import { mountRootfs, unmountRootfs } from "./rootfs.ts";
import { sandboxRequest } from "./sandbox-request.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { Engine } from "./types.ts";

/** "unchanged" (304): it runs already. Errors: not-found, conflict (paused, being removed), and what stood in the way. */
export function startContainer(engine: Engine, reference: string): Promise<"started" | "unchanged"> {
  const { id } = engine.containers.find(reference);
  return engine.containers.locks.run(id, () => startHeld(engine, id, { reference, byUser: true }));
}

/** As startContainer, for one who holds the container's lock. `byUser: false`: its restart policy. */
export async function startHeld(
  engine: Engine,
  id: ContainerId,
  { reference, byUser }: { reference: string; byUser: boolean },
): Promise<"started" | "unchanged"> {
  const record = engine.containers.get(id);
  if (!record) throw notFound(`No such container: ${reference}`);
  switch (record.state.status) {
    case "paused":
      throw conflict("cannot start a paused container, try unpause instead");
    case "running":
      return "unchanged";
    case "restarting":
      if (byUser) return "unchanged";
      break;
    case "removing":
    case "dead":
      throw markedForRemoval();
  }
  try {
    await retryLostPorts(() => bringUp(engine, record, byUser));
    return "started";
  } catch (error) {
    if (error instanceof SuppressedError)
      log.error("cannot undo a start that failed", { id, error: messageOf(error.error) });
    // A person's stop came while its policy brought it up: the row says already how it ended, and nothing failed.
    if (!byUser && engine.containers.get(id)?.state.status === "exited") {
      endPending(engine.containers, id);
      return "unchanged";
    }
    const first = firstThrown(error);
    const problem = classifyStartError(
      first instanceof ShimDiedError && engine.containers.removing.has(id) ? markedForRemoval() : first,
    );
    const failed = recordStartFailed(engine.containers, id, {
      exitCode: problem.exitCode,
      error: problem.error.message,
    });
    endPending(engine.containers, id);
    if (record.hostConfig.AutoRemove)
      await removeHeld(engine, failed, { volumes: true }).catch((cause: unknown) =>
        log.error("cannot remove a container that did not start", { id, error: messageOf(cause) }),
      );
    throw problem.error;
  }
}

const markedForRemoval = () => conflict("container is marked for removal and cannot be started");

/** How often Docker too looks for another host port before it gives up. */
const PORT_ATTEMPTS = 10;

/**
 * Between the choice of a host port and the shim that holds it, a process of the host can take the port: what was
 * begun is undone by then, and the next attempt chooses another one, or says whose port it was if a person named it.
 */
async function retryLostPorts(attempt: () => Promise<void>): Promise<void> {
  for (let left = PORT_ATTEMPTS - 1; ; left--)
    try {
      return await attempt();
    } catch (error) {
      const first = firstThrown(error);
      const lost =
        first instanceof Error && first.cause instanceof KernelError && first.cause.code === "EADDRINUSE";
      if (!lost || left === 0) throw error;
    }
}

async function bringUp(engine: Engine, record: ContainerRecord, byUser: boolean): Promise<void> {
  const { environment, containers } = engine;
  const { id } = record;
  const watch = new Stopwatch("start", id);
  const bundle = bundleFolder(environment, id);
  await engine.leaving.get(id);
  containers.execs.forgetAll(id);
  await using undo = new AsyncDisposableStack();
  using opened = new DisposableStack();
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(bundle, { recursive: true, mode: 0o700 });
  mkdirSync(containerFolder(environment, id), { recursive: true, mode: 0o710 });
  undo.defer(() => rmSync(bundle, { recursive: true, force: true }));

  const runtime = runtimeOf(engine, record);
  const edits = await deviceEdits(engine, record, runtime.path);
  const hasHooks = (edits?.hooks ?? []).length > 0;
  // A shim that has no port to hold needs to know nothing of the rest: it comes up meanwhile.
  const early = publishes(record) ? undefined : spawnShim(engine, record, { reserve: [], hasHooks }, undo);
  const [sandbox, mounts] = await allOrFirstError([
    realiseNetwork(engine, record, undo, watch),
    realiseMounts(engine, record, undo, opened, watch),
  ]);
  const files = await writeFiles(engine, record, sandbox);
  const shm = shareMemory(engine, record);
  if (shm?.own) undo.defer(() => unshareMemory(environment, id));
  await writeBundle(bundle, {
    id,
    name: record.name,
    config: record.config,
    hostConfig: record.hostConfig,
    rootfs: rootfsFolder(environment, id),
    mounts,
    files: { ...files, ...(shm && { shm: shm.path }) },
    hostname: record.config.Hostname ?? "",
    networkNamespace: sandbox.namespace,
    joinedNamespaces: joinedNamespaces(engine, record),
    sysctls: sandbox.sysctls,
    environment,
    defaults: engine.runtimeDefaults,
    takesFilter: takesFilter(runtime),
    ...(edits && { edits }),
    ...(record.links && { linkEnvironment: linkEnvironment(engine, record) }),
  });
  failpoint("start.bundle-written");
  watch.lap("bundle");

  const shim = await (early ?? spawnShim(engine, record, { reserve: sandbox.reserve, hasHooks }, undo));
  failpoint("start.shim-spawned");
  watch.lap("shim");
  containers.shims.set(id, shim);
  await connectPending(containers, id, shim);
  // Until it is recorded as running, a stop finds nothing to send a signal to.
  const unlessStopped = () => {
    if (!byUser && containers.get(id)?.stoppedByUser) throw conflict(`container ${id} was stopped`);
  };
  unlessStopped();
  const started = await shim.start();
  unlessStopped();
  failpoint("start.runtime-created");
  watch.lap("runtime");
  publishVolumeEvents(engine, record, "mount");
  publishNetworkEvents(engine, record, "connect");
  recordRunning(containers, id, { ...started, byUser });
  refreshLinkers(engine, id);
  undo.move();
  failpoint("start.running-recorded");
  watch.lap("recorded");
  watchExit(engine, id, shim);
}

const publishes = ({ hostConfig }: ContainerRecord): boolean =>
  hostConfig.PublishAllPorts === true || Object.keys(hostConfig.PortBindings ?? {}).length > 0;

/** The host ports that the shim is to hold, and whether the bundle has hooks. */
interface ShimOptions {
  reserve: RealisedSandbox["reserve"];
  hasHooks: boolean;
}

const runtimeOf = (engine: Engine, { hostConfig, mounts }: ContainerRecord): ShimConfig["runtime"] =>
  selectRuntime({
    asked: hostConfig.Runtime ?? "",
    defaultRuntime: engine.config.defaultRuntime,
    runtimes: engine.config.runtimes,
    sharedPropagation: mounts.some((mount) => /shared/.test(mount.propagation ?? "")),
    environment: engine.environment,
  });

/** The undoing waits for a shim that is still on its way. */
function spawnShim(
  engine: Engine,
  record: ContainerRecord,
  options: ShimOptions,
  undo: AsyncDisposableStack,
): Promise<Shim> {
  const bundle = bundleFolder(engine.environment, record.id);
  const starting = shimConfig(engine, record, options)
    .then((config) => startShim(bundle, config))
    .catch((error: unknown) => {
      throw portTaken(engine, record, error);
    });
  starting.catch(() => {}); // awaited later, when the rest is ready
  undo.defer(async () => {
    const shim = await starting.catch(() => undefined);
    engine.containers.shims.delete(record.id);
    await shim?.[Symbol.asyncDispose]();
    await killLeftBehind(bundle);
  });
  return starting;
}

/** A host port that a process of the host has, in Docker's words. */
function portTaken(engine: Engine, record: ContainerRecord, error: unknown): unknown {
  if (!(error instanceof KernelError) || error.code !== "EADDRINUSE") return error;
  const status = engine.networks.status(record.id);
  const [endpoint] = Object.values(status?.endpoints ?? {});
  const [place, protocol] = error.object.split("/");
  const inside = Object.entries(status?.ports ?? {}).find(([key, bindings]) =>
    bindings?.some(({ HostPort }) => key.endsWith(`/${protocol}`) && place?.endsWith(`:${HostPort}`)),
  );
  return systemError(
    `failed to set up container networking: driver failed programming external connectivity on endpoint ${record.name} ` +
      `(${endpoint?.EndpointID ?? ""}): failed to bind host port for ${place}:${endpoint?.IPAddress ?? ""}:` +
      `${inside?.[0] ?? protocol}: address already in use`,
    error,
  );
}

/** Waits for all, also when one fails: what the others made has to be known before it is undone. */
async function allOrFirstError<T extends readonly unknown[]>(
  work: {
    readonly [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}

async function realiseNetwork(
  engine: Engine,
  record: ContainerRecord,
  undo: AsyncDisposableStack,
  watch: Stopwatch,
): Promise<RealisedSandbox> {
  checkNetworkOwner(engine, record);
  undo.defer(() => engine.networks.release(record.id));
  const request = sandboxRequest(record);
  await engine.networks.allocate({
    ...request,
    extraHosts: [...request.extraHosts, ...linkHosts(engine, record)],
  });
  failpoint("start.network-allocated");
  const sandbox = await engine.networks.realise(record.id);
  failpoint("start.network-realised");
  watch.lap("network");
  return sandbox;
}

/** Whose network is joined has to run. Errors: not-found, conflict. */
function checkNetworkOwner(engine: Engine, record: ContainerRecord): void {
  const mode = record.hostConfig.NetworkMode;
  if (!mode?.startsWith("container:")) return;
  const owner = engine.containers.find(mode.slice("container:".length));
  const { status } = owner.state;
  if (status !== "running" && status !== "paused")
    throw conflict(
      `cannot join network namespace of a non running container: container ${owner.name} is ${status}`,
    );
}

/** Mounts the root, then what goes into it: a volume's first content comes from the image. */
async function realiseMounts(
  engine: Engine,
  record: ContainerRecord,
  undo: AsyncDisposableStack,
  /** What has to stay open until the runtime has made the mounts. */
  opened: DisposableStack,
  watch: Stopwatch,
) {
  const rootfs = rootfsFolder(engine.environment, record.id);
  undo.defer(() => unmountRootfs(engine, record.id));
  mountRootfs(engine, record);
  failpoint("start.rootfs-mounted");
  watch.lap("rootfs");
  undo.defer(() => engine.volumes.letGo(record.id));
  const realised = await engine.volumes.realise(record.id, record.mounts, rootOwner(engine.environment));
  opened.defer(() => {
    for (const { close } of realised) close?.();
  });
  const mounts = await Promise.all(
    engine.volumes.toBundle(realised, record.hostConfig.Tmpfs).map((mount) => withOpenMode(rootfs, mount)),
  );
  makeMountPlaces(rootfs, mounts.map(placeOf), rootOwner(engine.environment));
  watch.lap("mounts");
  return mounts;
}

/** A tmpfs has the mode of the folder that it covers; where there was none, anybody may write: as with Docker. */
async function withOpenMode(
  rootfs: string,
  mount: BundleInput["mounts"][number],
): Promise<BundleInput["mounts"][number]> {
  const said = mount.type !== "tmpfs" || mount.options.some((option) => option.startsWith("mode="));
  if (said || existsSync(await resolveInRoot(rootfs, mount.destination))) return mount;
  return { ...mount, options: [...mount.options, "mode=1777"] };
}

const placeOf = ({ destination, type, source }: { destination: string; type: string; source: string }) => ({
  destination,
  isFile: type === "bind" && statSync(source, { throwIfNoEntry: false })?.isDirectory() === false,
});

/** hosts, hostname, resolv.conf; not where a mount of the user's is in that place. Who shares a network shares its files. */
async function writeFiles(engine: Engine, record: ContainerRecord, sandbox: RealisedSandbox) {
  const folder = containerFolder(engine.environment, sandbox.filesOf ?? record.id);
  const taken = new Set(record.mounts.map((mount) => mount.destination));
  const write = async (name: string, place: string, content: string) => {
    if (taken.has(place)) return undefined;
    const path = join(folder, name);
    if (sandbox.filesOf === undefined || !existsSync(path)) await writeFile(path, content, { mode: 0o644 });
    return path;
  };
  const [hosts, hostname, resolvConf] = await Promise.all([
    write("hosts", "/etc/hosts", sandbox.hosts),
    write("hostname", "/etc/hostname", `${record.config.Hostname ?? ""}\n`),
    write("resolv.conf", "/etc/resolv.conf", sandbox.resolvConf),
  ]);
  return { ...(hosts && { hosts }), ...(hostname && { hostname }), ...(resolvConf && { resolvConf }) };
}

async function shimConfig(
  engine: Engine,
  record: ContainerRecord,
  { reserve, hasHooks }: ShimOptions,
): Promise<ShimConfig> {
  const log = await logSettings(engine, record);
  const { config, hostConfig } = record;
  const [rows = 0, columns = 0] = hostConfig.ConsoleSize ?? [];
  return {
    protocol: 1,
    id: record.id,
    bundle: bundleFolder(engine.environment, record.id),
    runtime: runtimeOf(engine, record),
    terminal: config.Tty ?? false,
    stdin: config.OpenStdin ?? false,
    stdinOnce: config.StdinOnce ?? false,
    ...(rows > 0 && columns > 0 && { consoleSize: [rows, columns] as [number, number] }),
    log,
    spillFolder: containerFolder(engine.environment, record.id),
    reservePorts: reserve,
    ...(hasHooks && { hasHooks }),
    cgroupPath: cgroupsPath({
      id: record.id,
      hostConfig,
      environment: engine.environment,
      defaults: engine.runtimeDefaults,
    }),
  };
}
