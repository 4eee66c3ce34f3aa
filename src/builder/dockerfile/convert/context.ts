// The client's files: the Dockerfile, the build context and its .dockerignore, from the client's folders, from graphs that
// it gives, from git or from a URL (frontend/dockerui/context.go).

import { posix } from "node:path";
import { withoutCredentials } from "../../../base/addresses.ts";
import { BerthError, invalid, messageOf } from "../../../base/errors.ts";
import { goBoolean } from "../../../base/go-boolean.ts";
import {
  copy,
  digestOfTree,
  file,
  fromDefinition,
  git,
  http,
  local,
  marshal,
  type SourceFile,
  scratch,
  type Tree,
} from "../../../buildkit/llb/index.ts";
import { readIgnoreFile } from "../../../buildkit/patterns/index.ts";
import type { Digest } from "../../../oci/digest.ts";
import type { FrontendBridge, FrontendRequest, ReadableTree } from "../../frontend.ts";
import { internalName, parseGitSource } from "../plan/index.ts";
import { isArchive } from "./archive-head.ts";
import type { BuildOptions } from "./options.ts";

const CONTEXT = "context";
const DOCKERFILE = "Dockerfile";
const IGNORE_FILE = ".dockerignore";
/** The name of the one file that a URL gives. */
const DOWNLOADED = "context";

/** The Dockerfile, and what it is called in warnings and errors. */
export interface Entrypoint {
  readonly data: Uint8Array;
  readonly file: SourceFile;
  /** The step that brought it. */
  readonly vertex: Digest | undefined;
}

export interface ClientFiles {
  readonly entrypoint: Entrypoint;
  /** What the client's folder leaves out; nothing where the context is no folder of it. */
  ignorePatterns(): Promise<readonly string[]>;
  /** The build context, of a folder only these paths; none: all. After ignorePatterns. */
  context(followPaths: readonly string[]): Tree;
  /** Of the context those files alone. */
  scripts(followPaths: readonly string[]): Tree;
}

/** Errors: invalid and not-found, in BuildKit's words; what solving gives. */
export async function openClientFiles(request: FrontendRequest, options: BuildOptions): Promise<ClientFiles> {
  const place = await placeOf(request, options);
  const { entrypoint, ignoreFile } = await readEntrypoint(request.bridge, options, place);
  let patterns: Promise<readonly string[]> | undefined;
  let excludes: readonly string[] = [];
  const load = async () => {
    if (place.context) return [];
    const text = ignoreFile ?? (await loadIgnoreFile(request.bridge, options));
    excludes = parseIgnoreFile(text.content, text.name);
    return excludes;
  };
  return {
    entrypoint,
    ignorePatterns: () => {
      patterns ??= load();
      return patterns;
    },
    context: (followPaths) => place.context ?? mainFolder(options, excludes, followPaths),
    scripts: (followPaths) => place.context ?? scriptsFolder(options, excludes, followPaths),
  };
}

/** Patterns of a .dockerignore. Errors: invalid, `failed parsing …`. */
export function parseIgnoreFile(content: string, name: string): string[] {
  try {
    return readIgnoreFile(content);
  } catch (thrown) {
    throw invalid(`failed parsing ${name}: ${messageOf(thrown)}`, thrown);
  }
}

const mainFolder = (
  options: BuildOptions,
  exclude: readonly string[],
  followPaths: readonly string[],
): Tree =>
  local(CONTEXT, {
    session: options.sessionOf(CONTEXT),
    exclude,
    sharedKey: CONTEXT,
    name: internalName("load build context"),
    followPaths,
  });

/** Apart from the context itself: to look into a script nobody waits for gigabytes. What is a folder comes empty. */
const scriptsFolder = (
  options: BuildOptions,
  exclude: readonly string[],
  followPaths: readonly string[],
): Tree =>
  local(CONTEXT, {
    session: options.sessionOf(CONTEXT),
    exclude: [...exclude, ...followPaths.map((path) => `${path.replace(/^\//, "")}/*`)],
    sharedKey: `${CONTEXT}-scripts`,
    name: internalName("look at copied scripts"),
    followPaths,
  });

/** Where context and Dockerfile are, if they are no folders of the client's. */
interface Place {
  readonly context?: Tree;
  readonly dockerfile?: Tree;
  readonly dockerfileName: string;
  readonly filename: string;
}

async function placeOf(request: FrontendRequest, options: BuildOptions): Promise<Place> {
  const { raw } = options;
  const forced = raw.get("dockerfilekey");
  const place = {
    dockerfileName: forced ?? "dockerfile",
    filename: raw.get("filename") ?? DOCKERFILE,
  };
  const found = await remotePlace(request, options, place.filename);
  const { filename = place.filename } = found;
  const subfolder = raw.get("contextsubdir");
  const context =
    found.context && subfolder !== undefined
      ? file(scratch(), copy(found.context, subfolder, "/", { contentsOnly: true }))
      : found.context;
  const dockerfile = forced === undefined ? found.dockerfile : undefined;
  return { ...place, filename, ...(context && { context }), ...(dockerfile && { dockerfile }) };
}

interface Remote {
  readonly context?: Tree;
  readonly dockerfile?: Tree;
  readonly filename?: string;
}

async function remotePlace(
  { bridge, inputs }: FrontendRequest,
  options: BuildOptions,
  filename: string,
): Promise<Remote> {
  const { raw } = options;
  const url = raw.get(raw.get("contextkey") ?? CONTEXT) ?? "";
  const repository = gitContext(url, options);
  if (repository) return { context: repository, dockerfile: repository };
  if (/^https?:\/\//.test(url)) return downloadedPlace(bridge, url, filename);
  const [context, dockerfile] = [inputs.get(CONTEXT), inputs.get("dockerfile")];
  return {
    ...(context && { context: fromDefinition(context) }),
    ...(dockerfile && { dockerfile: fromDefinition(dockerfile) }),
  };
}

/** The tree of a git URL; undefined for what is none. Errors: invalid, for a bad query. */
export function gitContext(url: string, options?: BuildOptions): Tree | undefined {
  // A host that is known needs no protocol: BuildKit's clients send it as people write it.
  const source = parseGitSource(url.startsWith("github.com/") ? `https://${url}` : url);
  if (!source) return undefined;
  const keep = goBoolean(options?.raw.get("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR") ?? "");
  return git(source.remote, {
    ref: source.ref,
    folder: source.folder,
    checksum: source.checksum,
    keepGitDir: source.keepGitDir === true || keep === true,
    skipSubmodules: source.submodules === false,
    ...(options?.raw.get("build-arg:SOURCE_DATE_EPOCH") && { times: "commit" as const }),
    name: internalName(`load git source ${withoutCredentials(url)}`),
  });
}

/** An archive is the context; another file is the Dockerfile, and all of the context. Uploads of a client's stdin come so. */
async function downloadedPlace(bridge: FrontendBridge, url: string, filename: string): Promise<Remote> {
  const download = http(url, { filename: DOWNLOADED, name: internalName("load remote build context") });
  const head = await wrapped("failed to read downloaded context", async () => {
    const tree = await bridge.solve(marshal(download));
    return await tree.readFile(DOWNLOADED, 1024);
  });
  if (!isArchive(head)) return { context: download, dockerfile: download, filename: DOWNLOADED };
  const context = file(scratch(), copy(download, `/${DOWNLOADED}`, "/", { unpack: true }));
  return { context, dockerfile: context, filename };
}

async function wrapped<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name === "AbortError") throw thrown;
    const kind = thrown instanceof BerthError ? thrown.kind : "system";
    throw new BerthError(kind, `${what}: ${thrown.message}`, { cause: thrown });
  }
}

interface IgnoreFile {
  readonly name: string;
  readonly content: string;
}

async function readEntrypoint(
  bridge: FrontendBridge,
  options: BuildOptions,
  place: Place,
): Promise<{ entrypoint: Entrypoint; ignoreFile?: IgnoreFile }> {
  const { filename } = place;
  const source = place.dockerfile ?? dockerfileFolder(options, place);
  const definition = marshal(source);
  const tree = await wrapped("failed to resolve dockerfile", () => bridge.solve(definition));
  const data = await wrapped("failed to read dockerfile", () => readDockerfile(tree, filename));
  const name = `${filename}${IGNORE_FILE}`;
  const ignored = await readOptional(tree, name);
  return {
    entrypoint: {
      data,
      file: { filename, data, language: "Dockerfile", definition },
      vertex: digestOfTree(source),
    },
    ...(ignored !== undefined && { ignoreFile: { name, content: ignored } }),
  };
}

const lowerCase = (filename: string): string | undefined =>
  posix.basename(filename) === DOCKERFILE
    ? posix.join(posix.dirname(filename), DOCKERFILE.toLowerCase())
    : undefined;

function dockerfileFolder(options: BuildOptions, { filename, dockerfileName }: Place): Tree {
  const other = lowerCase(filename);
  return local(dockerfileName, {
    followPaths: [filename, `${filename}${IGNORE_FILE}`, ...(other ? [other] : [])],
    session: options.sessionOf(dockerfileName),
    sharedKey: dockerfileName,
    name: internalName(`load build definition from ${filename}`),
    differ: "none",
  });
}

async function readDockerfile(tree: ReadableTree, filename: string): Promise<Uint8Array> {
  try {
    return await tree.readFile(filename);
  } catch (thrown) {
    const other = lowerCase(filename);
    const found = other && (await tree.readFile(other).catch(() => undefined));
    if (found) return found;
    throw thrown;
  }
}

async function readOptional(tree: ReadableTree, path: string): Promise<string | undefined> {
  const bytes = await tree.readFile(path).catch(() => undefined);
  return bytes && new TextDecoder().decode(bytes);
}

async function loadIgnoreFile(bridge: FrontendBridge, options: BuildOptions): Promise<IgnoreFile> {
  const folder = ignoreFileFolder(CONTEXT, options, {
    sharedKey: `${CONTEXT}-${IGNORE_FILE}`,
    name: internalName(`load ${IGNORE_FILE}`),
  });
  return { name: IGNORE_FILE, content: await readIgnoreFileOf(bridge, folder) };
}

/** A folder of the client's with nothing but its .dockerignore. */
export const ignoreFileFolder = (
  localName: string,
  options: BuildOptions,
  labels: { readonly sharedKey: string; readonly name: string },
): Tree =>
  local(localName, {
    ...labels,
    session: options.sessionOf(localName),
    followPaths: [IGNORE_FILE],
    differ: "none",
  });

/** The text of such a folder's .dockerignore, "" without one. */
export async function readIgnoreFileOf(bridge: FrontendBridge, folder: Tree): Promise<string> {
  const tree = await bridge.solve(marshal(folder));
  return (await readOptional(tree, IGNORE_FILE)) ?? "";
}
