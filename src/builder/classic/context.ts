// A build's context that comes with its request: the body's archive, or what a URL gives, in a folder of ours until the build's end.
// A confined worker unpacks it; the Dockerfile and .dockerignore are looked at as Docker does (moby, builder/remotecontext/detect.go).
import { mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, posix } from "node:path";
import { BerthError, invalid, isKind, messageOf, systemError } from "../../base/errors.ts";
import { createMatcher, readIgnoreFile } from "../../buildkit/patterns/index.ts";
import { close, O } from "../../linux/ffi.ts";
import { openIn, RESOLVE, withFolder } from "../../linux/files.ts";
import { extractIntoFolder } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { readIn } from "../solver/read-tree.ts";
import { scratchFolder } from "../solver/views.ts";
import type { Upload } from "../sources/upload.ts";
import { archiveKey, type KnownContext, keepContext, knownContext, SMALL_ARCHIVE } from "./known-contexts.ts";
import { detectRemote } from "./remote-file.ts";

const DOCKERFILE = "Dockerfile";
const IGNORE_FILE = ".dockerignore";
const DOCKERFILE_LIMIT = 16 << 20;

/** What of a context the graph needs: two folders. */
export interface UploadedContext extends AsyncDisposable {
  readonly files: Upload;
  /** The folder that has it alone, and its name in there. */
  readonly dockerfile: { readonly path: string; readonly name: string };
  /** The Dockerfile's bytes. */
  readonly text: Uint8Array;
}

export interface Archive {
  chunks: AsyncIterable<Uint8Array>;
  size?: number;
}

/**
 * Unpacks an archive; one that is known when somebody wants its files. Errors: system, in Docker's words, for a bad archive or a
 * Dockerfile that isn't in it.
 */
export async function receiveArchive(
  store: Store,
  archive: Archive,
  dockerfile: string,
  signal: AbortSignal,
): Promise<UploadedContext> {
  await using folders = openFolders(store);
  const { first, all } = await begin(archive.chunks);
  const wanted = dockerfile || DOCKERFILE;
  const unpack = async (chunks: AsyncIterable<Uint8Array>) => {
    await extract(folders.context, { ...archive, chunks }, signal);
    return takeDockerfile(folders.context, wanted);
  };
  const key = first && archiveKey(first, wanted);
  const known = key && knownContext(store, key);
  if (known) return finish(folders, known.name, known.text, { known, unpack: () => unpack(all()) });
  const found = first?.length === 0 ? takeDockerfile(folders.context, wanted) : await unpack(all());
  if (key) keepContext(store, key, found);
  return finish(folders, found.name, found.text, { known: found });
}

/** A URL's archive, or its Dockerfile alone. Errors: system, where nothing usable is there. */
export async function receiveRemote(
  store: Store,
  url: string,
  dockerfile: string,
  signal: AbortSignal,
): Promise<UploadedContext> {
  const found = await detectRemote(url, signal);
  if (found.kind === "archive") return await receiveArchive(store, found.archive, dockerfile, signal);
  await using folders = openFolders(store);
  writeFileSync(join(folders.context, DOCKERFILE), found.text, { mode: 0o644 });
  return finish(folders, DOCKERFILE, found.text);
}

interface Folders extends AsyncDisposable {
  base: string;
  context: string;
  /** Whoever has it now takes it away. */
  keep(): () => Promise<void>;
}

function openFolders(store: Store): Folders {
  const base = scratchFolder(store, "upload");
  const context = join(base, "context");
  mkdirSync(context, { mode: 0o755 });
  const remove = () => rm(base, { recursive: true, force: true });
  let kept = false;
  return {
    base,
    context,
    keep() {
      kept = true;
      return remove;
    },
    async [Symbol.asyncDispose]() {
      if (!kept) await remove();
    },
  };
}

interface Unpacking {
  known?: KnownContext;
  /** Undefined: it is done. */
  unpack?(): Promise<unknown>;
}

function finish(
  folders: Folders,
  name: string,
  text: Uint8Array,
  { known, unpack }: Unpacking = {},
): UploadedContext {
  const path = join(folders.base, "dockerfile");
  mkdirSync(path, { mode: 0o755 });
  // Under its last name: the folders before it are the client's, and nobody looks at them any more.
  const file = posix.basename(name);
  writeFileSync(join(path, file), text, { mode: 0o644 });
  let unpacked: Promise<unknown> | undefined;
  const remove = folders.keep();
  return {
    files: {
      path: folders.context,
      known,
      async ready() {
        unpacked ??= unpack?.();
        await unpacked;
      },
    },
    dockerfile: { path, name: file },
    text,
    async [Symbol.asyncDispose]() {
      await unpacked?.catch(() => {});
      await remove();
    },
  };
}

async function extract(context: string, { chunks, size }: Archive, signal: AbortSignal): Promise<void> {
  // As COPY has it: the files of a context are root's, whoever's they are at the client.
  const options = {
    noOverwriteDirNonDir: false,
    owner: { uid: 0, gid: 0 },
    ...(size !== undefined && { size }),
  };
  try {
    await extractIntoFolder(context, chunks, options, signal);
  } catch (thrown) {
    // A body that is no archive is the client's mistake.
    if (/^(archive\/tar: |unexpected EOF)/.test(messageOf(thrown))) throw invalid(messageOf(thrown), thrown);
    throw thrown;
  }
}

/** What comes, as far as it is small: `first` is all of it then, and no body is an empty context. */
async function begin(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]();
  const taken: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  while (!ended && size <= SMALL_ARCHIVE) {
    const { done, value } = await iterator.next();
    if (done) ended = true;
    else {
      // The sender may use its buffer again.
      taken.push(new Uint8Array(value));
      size += value.length;
    }
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* taken;
    if (!ended) yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { first: ended ? taken : undefined, all };
}

/** Reads the Dockerfile, and takes it and .dockerignore out of the context where that excludes them. */
function takeDockerfile(context: string, wanted: string): KnownContext {
  return withFolder(context, (root) => {
    const { name, text } = readDockerfile(root, wanted);
    const ignoreFile = readIgnoreFileIn(root);
    const matcher = ignoreFile && createMatcher(readIgnoreFile(Buffer.from(ignoreFile).toString()));
    const excluded = [IGNORE_FILE, name].filter((path) => matcher?.matches(plain(path)));
    for (const path of excluded) unlinkIn(root, path);
    return { name, text, ignoreFile: excluded.includes(IGNORE_FILE) ? undefined : ignoreFile };
  });
}

const plain = (path: string): string => posix.join("/", path).slice(1);

function readDockerfile(root: number, wanted: string): { name: string; text: Uint8Array } {
  const names = wanted === DOCKERFILE ? [wanted, wanted.toLowerCase()] : [wanted];
  for (const name of names) {
    try {
      return { name, text: readIn(root, name, DOCKERFILE_LIMIT) };
    } catch (thrown) {
      if (!isKind(thrown, "not-found")) throw invalid(`cannot read ${name}: ${messageOf(thrown)}`, thrown);
    }
  }
  throw systemError(`Cannot locate specified Dockerfile: ${wanted}`);
}

function readIgnoreFileIn(root: number): Uint8Array | undefined {
  try {
    return readIn(root, IGNORE_FILE, DOCKERFILE_LIMIT);
  } catch (thrown) {
    if (isKind(thrown, "not-found")) return undefined;
    throw new BerthError("invalid", `error reading ${IGNORE_FILE}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** Links on the way are followed inside the context alone; the name itself never is. */
function unlinkIn(root: number, path: string): void {
  const folder = openIn(root, posix.dirname(plain(path)), O.PATH | O.DIRECTORY, RESOLVE.IN_ROOT);
  try {
    unlinkSync(`/proc/self/fd/${folder}/${posix.basename(path)}`);
  } finally {
    close(folder);
  }
}
