// The use cases of a volume's files, which Docker has not: all of it as an archive and back, a path of it in and out, a copy of it as
// another volume. Confined workers do it, as for a container's files (container-files.ts); a volume is kept, and mounted where it
// is a mount, for as long as one of them is at it.
import { chmod, chown, stat, utimes } from "node:fs/promises";
import type { Volume } from "../api/types/index.ts";
import { BerthError, invalid, messageOf, notFound, systemError } from "../base/errors.ts";
import {
  applyFileActions,
  archiveFromView,
  extractIntoView,
  type OutputCompression,
  statInView,
  type TreeView,
} from "../store/index.ts";
import type { VolumeHold } from "../volumes/types.ts";
import { absolute, baseOf, type PathStat } from "./container-files.ts";
import type { Engine } from "./types.ts";

const viewOf = (root: string, { readOnly }: { readOnly: boolean }): TreeView => ({
  root,
  readOnly,
  mounts: [],
});

/** The whole volume, its own folder first, as `.`. Errors: not-found. */
export async function exportVolume(
  engine: Engine,
  name: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<Uint8Array>> {
  const held = await engine.volumes.hold(name, "an export");
  return (await archive(engine, held, "/", { name: ".", compression: "none" }, signal)).chunks;
}

export interface ImportRequest {
  labels?: Record<string, string>;
  /** Bytes, where the sender said it. */
  size?: number;
}

/** Makes a volume of an archive. It is there when it is whole. Errors: conflict (it has files or users); invalid; system. */
export async function importVolume(
  engine: Engine,
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  { size, ...request }: ImportRequest,
  signal: AbortSignal,
): Promise<Volume> {
  return engine.volumes.makeFilled({ name, ...request }, async (folder) => {
    const options = { noOverwriteDirNonDir: false, owner: "archive", settlesRoot: true } as const;
    const view = viewOf(folder, { readOnly: false });
    const sized = { ...options, ...(size !== undefined && { size }) };
    await extractIntoView(view, "/", notEmpty(chunks), sized, signal).catch((thrown: unknown) => {
      // Docker's `cp`, whose words these are, calls it the daemon's fault.
      throw /^(archive\/tar: |unexpected EOF)/.test(messageOf(thrown))
        ? invalid(messageOf(thrown), thrown)
        : thrown;
    });
    signal.throwIfAborted();
  });
}

/** Nothing at all is what a command that failed sends before a pipe: no archive, not even an empty one. */
async function* notEmpty(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let some = false;
  for await (const chunk of chunks) {
    some ||= chunk.length > 0;
    yield chunk;
  }
  if (!some) throw invalid("the archive is empty: not even its end is there");
}

/**
 * A copy under another name, with the source's labels and the given ones; files share their blocks where the file system can that. Its
 * options stay behind: they say where the source's files are, and the copy has files of its own.
 */
export async function cloneVolume(
  engine: Engine,
  source: string,
  name: string,
  { labels = {} }: { labels?: Record<string, string> },
  signal: AbortSignal,
): Promise<Volume> {
  if (source === name) throw invalid(`the volume ${name} can't be a clone of itself`);
  await using held = await engine.volumes.hold(source, "a clone");
  const { "com.docker.volume.anonymous": _, ...inherited } = held.record.labels ?? {};
  const request = { name, labels: { ...inherited, ...labels } };
  return engine.volumes.makeFilled(request, async (folder) => {
    await applyFileActions({
      target: folder,
      sources: [held.path],
      actions: [{ type: "copy", from: 0, source: "/", destination: "/", directoryContents: true }],
      signal,
    });
    // The worker copies what is in it.
    const { uid, gid, mode, atime, mtime } = await stat(held.path);
    await chown(folder, uid, gid);
    await chmod(folder, mode & 0o7777);
    await utimes(folder, atime, mtime);
    signal.throwIfAborted();
  });
}

/** What a path of a volume is. Errors: not-found; system with what the kernel said. */
export async function statVolumePath(
  engine: Engine,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<PathStat> {
  await using held = await engine.volumes.hold(name, "a copy");
  const at = absolute(path);
  const facts = await inWords(statInView(viewOf(held.path, { readOnly: true }), at, signal), name, path);
  return { ...facts, name: baseOf(at) };
}

/** As archiveContainerPath. */
export async function archiveVolumePath(
  engine: Engine,
  name: string,
  path: string,
  compression: OutputCompression,
  signal: AbortSignal,
): Promise<{ stat: PathStat; chunks: AsyncGenerator<Uint8Array> }> {
  const held = await engine.volumes.hold(name, "a copy");
  const at = absolute(path);
  return archive(engine, held, at, { name: baseOf(at), compression }, signal, path);
}

/** As extractToContainer. */
export async function extractToVolume(
  engine: Engine,
  name: string,
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  { noOverwriteDirNonDir, size }: { noOverwriteDirNonDir: boolean; size?: number },
  signal: AbortSignal,
): Promise<void> {
  await using held = await engine.volumes.hold(name, "a copy");
  const options = { noOverwriteDirNonDir, owner: "archive", ...(size !== undefined && { size }) } as const;
  const view = viewOf(held.path, { readOnly: false });
  await inWords(extractIntoView(view, absolute(path), chunks, options, signal), name, path);
}

/** Ends the hold with the worker, though the last chunks may be unread. */
async function archive(
  engine: Engine,
  held: VolumeHold,
  at: string,
  options: { name: string; compression: OutputCompression },
  signal: AbortSignal,
  shown = at,
): Promise<{ stat: PathStat; chunks: AsyncGenerator<Uint8Array> }> {
  await using stack = new AsyncDisposableStack();
  stack.use(held);
  const view = viewOf(held.path, { readOnly: true });
  const { facts, chunks, ended } = await inWords(
    archiveFromView(view, at, options, signal),
    held.record.id,
    shown,
  );
  const moved = stack.move();
  engine.background.run("the end of a copy", async () => {
    await ended;
    await moved.disposeAsync();
  });
  return { stat: { ...facts, name: options.name }, chunks };
}

async function inWords<T>(work: Promise<T>, name: string, path: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BerthError && error.message.endsWith(": no such file or directory"))
      throw notFound(`Could not find the file ${path} in volume ${name}`, error);
    throw error instanceof BerthError ? error : systemError(messageOf(error), error);
  }
}
