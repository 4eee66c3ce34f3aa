// The use cases of a container's files: what a path is, a path as an archive (cp out), an archive into a folder (cp in),
// all of it as an archive (export). They see the container's root file system with its volumes and binds, whether it
// runs or not, as Docker does: not its tmpfs mounts, /proc or /dev. Workers do it, each in a view of its own.
//
// They run beside the container's own life: a start or an end meanwhile leaves the root file system mounted for
// them (rootfs.ts), a removal ends them.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BerthError, conflict, isKind, messageOf, notFound, systemError } from "../base/errors.ts";
import type { ContainerRecord } from "../containers/index.ts";
import { rootOwner, userIds } from "../runtime/index.ts";
import {
  archiveFromView,
  exportFromView,
  extractIntoView,
  type OutputCompression,
  type PathFacts,
  statInView,
  type TreeView,
  type ViewMount,
} from "../store/index.ts";
import type { RealisedMount } from "../volumes/types.ts";
import { publishVolumeEvents } from "./container-events.ts";
import { containerFolder, rootfsFolder } from "./folders.ts";
import { useRootfs } from "./rootfs.ts";
import type { Engine } from "./types.ts";

/** What a path of a container is, with the name that its archive has. */
export type PathStat = PathFacts & { name: string };

/** Errors: not-found, in Docker's words; system with what the kernel said. */
export async function statContainerPath(
  engine: Engine,
  reference: string,
  path: string,
  signal: AbortSignal,
): Promise<PathStat> {
  await using files = await openFiles(engine, reference, signal);
  const at = absolute(path);
  const facts = await inDockersWords(statInView(files.view, at, files.signal), reference, path);
  return { ...facts, name: baseOf(at) };
}

/** Resolves when it is known what the path is; the archive then comes as it is read. Errors as of statContainerPath. */
export async function archiveContainerPath(
  engine: Engine,
  reference: string,
  path: string,
  compression: OutputCompression,
  signal: AbortSignal,
): Promise<{ stat: PathStat; chunks: AsyncGenerator<Uint8Array> }> {
  await using stack = new AsyncDisposableStack();
  const files = stack.use(await openFiles(engine, reference, signal));
  const at = absolute(path);
  const name = baseOf(at);
  const archive = archiveFromView(files.view, at, { name, compression }, files.signal);
  const { facts, chunks, ended } = await inDockersWords(archive, reference, path);
  files.emit("archive-path");
  leaveAfter(ended, engine, stack.move());
  return { stat: { ...facts, name }, chunks };
}

/** `owner`: the container's own user, for all files, instead of the archive's (`copyUIDGID`). */
export async function extractToContainer(
  engine: Engine,
  reference: string,
  path: string,
  archive: AsyncIterable<Uint8Array>,
  options: { noOverwriteDirNonDir: boolean; asUser: boolean; size?: number },
  signal: AbortSignal,
): Promise<void> {
  await using files = await openFiles(engine, reference, signal);
  const { noOverwriteDirNonDir, size } = options;
  const owner = options.asUser ? ownerOf(engine, files.record) : "archive";
  const extracting = extractIntoView(
    files.view,
    absolute(path),
    archive,
    { noOverwriteDirNonDir, owner, ...(size !== undefined && { size }) },
    files.signal,
  );
  await inDockersWords(extracting, reference, path);
  files.emit("extract-to-dir");
}

/** The root file system alone, without volumes. Errors: not-found, conflict. */
export async function exportContainer(
  engine: Engine,
  reference: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<Uint8Array>> {
  const { id, state } = engine.containers.find(reference);
  if (state.status === "dead") throw conflict(`You cannot export container ${id} which is Dead`);
  if (state.status === "removing") throw conflict(`You cannot export container ${id} which is being removed`);
  await using stack = new AsyncDisposableStack();
  const files = stack.use(await openFiles(engine, reference, signal, { rootOnly: true }));
  const { chunks, ended } = exportFromView(files.view, {}, files.signal);
  files.emit("export");
  leaveAfter(ended, engine, stack.move());
  return chunks;
}

interface Files extends AsyncDisposable {
  record: ContainerRecord;
  view: TreeView;
  /** The client's, or the container's removal. */
  signal: AbortSignal;
  emit(action: string): void;
}

async function openFiles(
  engine: Engine,
  reference: string,
  signal: AbortSignal,
  options: { rootOnly?: boolean } = {},
): Promise<Files> {
  await using stack = new AsyncDisposableStack();
  const use = stack.use(await useRootfs(engine, engine.containers.find(reference).id));
  const { record } = use;
  const root = rootfsFolder(engine.environment, record.id);
  let mounts: ViewMount[] = [];
  if (!options.rootOnly) {
    const realised = await engine.volumes.realise(record.id, record.mounts, rootOwner(engine.environment));
    stack.defer(() => {
      for (const { close } of realised) close?.();
    });
    mounts = mountsOf(engine, record, realised);
    publishVolumeEvents(engine, record, "mount");
    stack.defer(() => publishVolumeEvents(engine, record, "unmount"));
  }
  // A client that left while others' workers were started is heard of here, and gets none: each costs milliseconds.
  await new Promise(setImmediate);
  signal.throwIfAborted();
  const moved = stack.move();
  return {
    record,
    view: { root, readOnly: !options.rootOnly && (record.hostConfig.ReadonlyRootfs ?? false), mounts },
    signal: AbortSignal.any([signal, use.signal]),
    emit: (action) => engine.containers.emit(record, action),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

function mountsOf(engine: Engine, record: ContainerRecord, realised: RealisedMount[]): ViewMount[] {
  const tmpfs = new Set(Object.keys(record.hostConfig.Tmpfs ?? {}));
  const mounts = realised
    .filter(({ mount }) => mount.type !== "tmpfs" && !tmpfs.has(mount.destination))
    .map(({ mount, hostPath }) => ({
      source: hostPath,
      destination: mount.destination,
      readOnly: mount.readOnly,
      recursive: !mount.nonRecursive,
      readOnlyBelow: !mount.readOnlyNonRecursive,
    }));
  const taken = new Set(record.mounts.map(({ destination }) => destination));
  return [...mounts, ...networkFiles(engine, record).filter(({ destination }) => !taken.has(destination))];
}

/** hosts, hostname and resolv.conf, which are there from the first start on. */
function networkFiles(engine: Engine, record: ContainerRecord): ViewMount[] {
  const folder = containerFolder(engine.environment, networkOwner(engine, record));
  return ["hosts", "hostname", "resolv.conf"]
    .map((name) => ({
      source: join(folder, name),
      destination: `/etc/${name}`,
      readOnly: record.hostConfig.ReadonlyRootfs ?? false,
      recursive: false,
      readOnlyBelow: false,
    }))
    .filter(({ source }) => record.state.status !== "created" && existsSync(source));
}

function networkOwner(engine: Engine, { id, hostConfig }: ContainerRecord): string {
  const [kind, name] = (hostConfig.NetworkMode ?? "").split(/:(.*)/);
  if (kind !== "container" || !name) return id;
  try {
    return engine.containers.find(name).id;
  } catch (error) {
    if (isKind(error, "not-found")) return id;
    throw error;
  }
}

function ownerOf({ environment }: Engine, record: ContainerRecord): "archive" | { uid: number; gid: number } {
  const name = record.config.User ?? "";
  if (name === "") return "archive";
  return userIds(rootfsFolder(environment, record.id), name);
}

/** From the root, cleaned, but with the "/" or "/." at its end that says what is meant of a link. */
export function absolute(path: string): string {
  const names: string[] = [];
  for (const part of path.split("/"))
    if (part === "..") names.pop();
    else if (part !== "" && part !== ".") names.push(part);
  const clean = `/${names.join("/")}`;
  const slash = clean === "/" ? "" : "/";
  if (path === "." || path.endsWith("/.")) return `${clean}${slash}.`;
  return path.endsWith("/") ? clean + slash : clean;
}

/** The last name of a path, as Go's filepath.Base: of "/a/b/" it is "b", of "/a/." ".", of "/" "/". */
export function baseOf(path: string): string {
  const plain = path.replace(/\/+$/, "");
  return plain === "" ? "/" : plain.slice(plain.lastIndexOf("/") + 1);
}

/** What isn't there is Docker's not-found, whichever step found it so. */
async function inDockersWords<T>(work: Promise<T>, reference: string, path: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BerthError && error.message.endsWith(": no such file or directory"))
      throw notFound(`Could not find the file ${path} in container ${reference}`, error);
    throw error instanceof BerthError ? error : systemError(messageOf(error), error);
  }
}

/** The use of the files ends with the worker: a client that doesn't read what is left holds up nobody. */
function leaveAfter(ended: Promise<void>, engine: Engine, stack: AsyncDisposableStack): void {
  engine.background.run("the end of a copy", async () => {
    await ended;
    await stack.disposeAsync();
  });
}
