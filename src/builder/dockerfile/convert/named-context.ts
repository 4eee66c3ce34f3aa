// Named contexts (`--build-context name=…`): images, folders, repositories, URLs and results of other builds that take the
// place of a stage or an image (frontend/dockerui/namedcontext.go).
import { invalid, messageOf } from "../../../base/errors.ts";
import {
  deferred,
  fromDefinition,
  http,
  image,
  local,
  ociLayout,
  scratch,
  type Tree,
} from "../../../buildkit/llb/index.ts";
import { isDigest } from "../../../oci/digest.ts";
import { canonical, parseReference, withDefaultTag } from "../../../oci/reference.ts";
import type { ImageConfig, Platform } from "../../../oci/types.ts";
import type { FrontendRequest } from "../../frontend.ts";
import { contextNames } from "../plan/index.ts";
import { gitContext, ignoreFileFolder, parseIgnoreFile, readIgnoreFileOf } from "./context.ts";
import { parseImageConfig } from "./image-config.ts";
import type { BuildOptions } from "./options.ts";
import type { ImageResolver } from "./resolver.ts";

export interface ContextSource {
  readonly request: FrontendRequest;
  readonly options: BuildOptions;
  readonly resolve: ImageResolver;
}

/** What a named context gives; `image` where it has a configuration. */
export interface LoadedContext {
  readonly tree: Tree;
  readonly image?: ImageConfig;
}

/** Whether the client has a context for a stage's or an image's name. */
export const hasNamedContext = ({ raw }: BuildOptions, name: string, platform: Platform): boolean =>
  contextNames(name, platform).some((key) => raw.has(`context:${key}`));

/**
 * Loads the context that takes the name's place; undefined: there is none. `followPaths` says when the graph is written
 * which paths of a folder are used. Errors: invalid, what loading gives.
 */
export async function loadNamedContext(
  source: ContextSource,
  name: string,
  platform: Platform,
  followPaths: () => readonly string[],
): Promise<LoadedContext | undefined> {
  const key = contextNames(name, platform).find((each) => source.options.raw.has(`context:${each}`));
  if (key === undefined) return undefined;
  const value = source.options.raw.get(`context:${key}`) ?? "";
  const [kind, rest] = splitKind(value, key);
  switch (kind) {
    case "docker-image":
      return loadImage(source, key, rest.replace(/^\/\//, ""), platform);
    case "oci-layout":
      return loadLayout(source, key, rest.replace(/^\/\//, ""), platform);
    case "git":
      return { tree: gitContext(value) ?? refuse(`invalid git context ${value}`) };
    case "http":
    case "https":
      return {
        tree: gitContext(value) ?? http(value, { filename: "context", name: `[context ${key}] ${value}` }),
      };
    case "local":
      return loadFolder(source, key, rest, followPaths);
    case "input":
      return loadInput(source, key, rest);
    default:
      throw invalid(`unsupported context source ${kind} for ${key}`);
  }
}

function splitKind(value: string, key: string): [string, string] {
  const at = value.indexOf(":");
  if (at < 0) throw invalid(`invalid context specifier ${value} for ${key}`);
  const kind = value.slice(0, at);
  return [kind.startsWith("git@") ? "git" : kind, value.slice(at + 1)];
}

function refuse(message: string): never {
  throw invalid(message);
}

async function loadImage(
  { resolve, options }: ContextSource,
  key: string,
  name: string,
  platform: Platform,
): Promise<LoadedContext> {
  if (name === "scratch") return { tree: scratch() };
  const reference = withDefaultTag(parseReference(name));
  const resolved = await resolve(canonical(reference), {
    platform,
    mode: options.resolve,
    name: `[context ${key}] load metadata for ${name}`,
  });
  const pinned = canonical({ ...parseReference(resolved.reference), digest: resolved.digest });
  const config = parseImageConfig(resolved.config);
  return {
    tree: image(pinned, { platform: platformOfImage(config) ?? platform, name: `[context ${key}] ${name}` }),
    image: config,
  };
}

function platformOfImage(config: ImageConfig): Platform | undefined {
  const { os, architecture, variant } = config;
  return os && architecture ? { os, architecture, ...(variant && { variant }) } : undefined;
}

async function loadLayout(
  { resolve, options, request }: ContextSource,
  key: string,
  specification: string,
  platform: Platform,
): Promise<LoadedContext> {
  const [named = "", digest] = specification.split("@");
  const store = named.replace(/:[\w][\w.-]*$/, "");
  if (!digest || !isDigest(digest))
    throw invalid(`oci-layout reference ${JSON.stringify(named)} has no digest`);
  const name = key.split("::", 1)[0] ?? key;
  const reference = canonical({ ...parseReference(name), digest });
  const { session } = request;
  const resolved = await resolve(reference, {
    platform,
    mode: options.resolve,
    name: `[context ${key}] load metadata for ${reference}`,
    layout: { session, store },
  });
  const config = parseImageConfig(resolved.config);
  const tree = ociLayout(reference, {
    session,
    store,
    platform: platformOfImage(config) ?? platform,
    name: `[context ${key}] OCI load from client`,
  });
  return { tree, image: config };
}

async function loadFolder(
  { request, options }: ContextSource,
  key: string,
  localName: string,
  followPaths: () => readonly string[],
): Promise<LoadedContext> {
  const labels = {
    sharedKey: `context:${key}-.dockerignore`,
    name: `[context ${key}] load .dockerignore`,
  };
  const ignore = await readIgnoreFileOf(request.bridge, ignoreFileFolder(localName, options, labels));
  const exclude = parseIgnoreFile(ignore, ".dockerignore");
  const sharedKey = `context:${key}-${options.raw.get(`sharedkey:localdir:${key}`) ?? ""}`;
  const name = `[context ${key}] load from client`;
  const session = options.sessionOf(localName);
  return {
    tree: deferred(() => local(localName, { name, session, sharedKey, exclude, followPaths: followPaths() })),
  };
}

/** The result of another build that this client does (`target:` of bake). */
function loadInput({ request, options }: ContextSource, key: string, name: string): LoadedContext {
  const definition = request.inputs.get(name);
  if (!definition) throw invalid(`invalid input ${name} for ${key}`);
  const tree = fromDefinition(definition);
  const text = options.raw.get(`input-metadata:${name}`);
  const config = text === undefined ? undefined : configOfMetadata(text, key);
  return { tree, ...(config && { image: config }) };
}

/** A JSON object of base64 values by the keys of exporters. */
function configOfMetadata(text: string, key: string): ImageConfig | undefined {
  try {
    const metadata: unknown = JSON.parse(text);
    if (typeof metadata !== "object" || metadata === null) return undefined;
    const encoded: unknown = Reflect.get(metadata, "containerimage.config");
    return typeof encoded === "string" ? parseImageConfig(Buffer.from(encoded, "base64")) : undefined;
  } catch (thrown) {
    throw invalid(`failed to parse image config for ${key}: ${messageOf(thrown)}`, thrown);
  }
}
