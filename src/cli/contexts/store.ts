// Contexts: names for daemons, with what it takes to reach them. They lie where Docker's client keeps its own, in the
// same form, so that both share them (docker/cli cli/context/store): contexts/meta/ID/meta.json and
// contexts/tls/ID/ENDPOINT/*.pem below the configuration's folder, ID being the sha256 of the name.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { goJson } from "../../base/go-json.ts";
import { reason } from "../container-options/key-values.ts";
import { fail } from "../framework/failure.ts";
import { goJsonProblem, goKind, parseGoJson } from "../go-json.ts";

export const DEFAULT_CONTEXT = "default";
/** The one kind of endpoint that we speak to; others (Kubernetes', of older clients) are kept as they are. */
export const DOCKER_ENDPOINT = "docker";

export interface DockerEndpoint {
  Host?: string;
  SkipTLSVerify: boolean;
}

export interface Context {
  name: string;
  description: string;
  /** What other programs keep in a context's metadata beside its description. */
  fields: Record<string, unknown>;
  docker?: DockerEndpoint;
  otherEndpoints: Record<string, unknown>;
}

/** PEM files by endpoint and name. */
export type TlsFiles = Record<string, Record<string, Uint8Array>>;

/** A context that isn't there, in Docker's words. */
export class NoSuchContext extends Error {}

const idOf = (name: string): string => new Bun.CryptoHasher("sha256").update(name).digest("hex");
const metaRoot = (folder: string) => join(folder, "contexts/meta");
const metaFolder = (folder: string, name: string) => join(metaRoot(folder), idOf(name));
const tlsFolder = (folder: string, name: string) => join(folder, "contexts/tls", idOf(name));

/** Where a context lies, as `context inspect` shows it. */
export const storageOf = (folder: string, name: string) => ({
  MetadataPath: metaFolder(folder, name),
  TLSPath: tlsFolder(folder, name),
});

const NAME = "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$";

/** Throws for what can't name a context of one's own. */
export function checkContextName(name: string): void {
  if (name === "") throw fail("context name cannot be empty");
  if (name === DEFAULT_CONTEXT) throw fail('"default" is a reserved context name');
  if (!new RegExp(NAME).test(name)) {
    throw fail(
      `context name ${JSON.stringify(name)} is invalid, names are validated against regexp ${JSON.stringify(NAME)}`,
    );
  }
}

/** Throws NoSuchContext, or an Error for a file that can't be read. */
export async function readContext(folder: string, name: string): Promise<Context> {
  try {
    return await readMeta(metaFolder(folder, name));
  } catch (thrown) {
    const text = `context ${JSON.stringify(name)}: ${thrown instanceof Error ? thrown.message : thrown}`;
    throw thrown instanceof NoSuchContext ? new NoSuchContext(text) : new Error(text);
  }
}

/** All of them, in no order. A folder without metadata is none; a file that can't be read fails them all. */
export async function listContexts(folder: string): Promise<Context[]> {
  const found: Context[] = [];
  const entries = await readdir(metaRoot(folder), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    try {
      found.push(await readMeta(join(metaRoot(folder), entry.name)));
    } catch (thrown) {
      if (!(thrown instanceof NoSuchContext))
        throw fail(`failed to read metadata: ${thrown instanceof Error ? thrown.message : thrown}`);
    }
  }
  return found;
}

/** Whether the context's folder is there, readable or not: a broken one can be removed too. */
export const contextExists = (folder: string, name: string): boolean => existsSync(metaFolder(folder, name));

/** Writes it whole. `tls` replaces all of its PEM files; without it they stay. */
export async function writeContext(folder: string, context: Context, tls?: TlsFiles): Promise<void> {
  if (tls) await replaceTls(folder, context.name, tls);
  const meta = metaFolder(folder, context.name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(meta, { recursive: true, mode: 0o755 });
  const draft = join(meta, `meta.json.${process.pid}`);
  await writeFile(draft, metaText(context), { mode: 0o644 });
  await rename(draft, join(meta, "meta.json"));
}

async function replaceTls(folder: string, name: string, tls: TlsFiles): Promise<void> {
  const root = tlsFolder(folder, name);
  await rm(root, { recursive: true, force: true });
  for (const [endpoint, files] of Object.entries(tls))
    for (const [file, bytes] of Object.entries(files)) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await mkdir(join(root, endpoint), { recursive: true, mode: 0o700 });
      await writeFile(join(root, endpoint, file), bytes, { mode: 0o600 });
    }
}

export async function removeContext(folder: string, name: string): Promise<void> {
  await rm(metaFolder(folder, name), { recursive: true, force: true });
  await rm(tlsFolder(folder, name), { recursive: true, force: true });
}

/** All PEM files of a context; endpoints and files in the order of their names. */
export async function readTls(folder: string, name: string): Promise<TlsFiles> {
  const root = tlsFolder(folder, name);
  const files: TlsFiles = {};
  for (const endpoint of (await readdir(root).catch(() => [])).sort()) {
    if (!(await stat(join(root, endpoint))).isDirectory()) continue;
    files[endpoint] = {};
    for (const file of (await readdir(join(root, endpoint))).sort())
      files[endpoint][file] = await readFile(join(root, endpoint, file));
  }
  return files;
}

async function readMeta(folder: string): Promise<Context> {
  const path = join(folder, "meta.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    const why = `open ${path}: ${reason(thrown)}`;
    const absent = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    throw absent ? new NoSuchContext(`context not found: ${why}`) : new Error(why);
  }
  try {
    return parseMeta(text);
  } catch (thrown) {
    throw new Error(`parsing ${path}: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
}

/** A context from the text of its meta.json. Throws an Error in the words of Go's JSON. */
export function parseMeta(text: string): Context {
  const { value, trailing } = parseGoJson(text);
  if (trailing) throw new Error(goJsonProblem(text));
  const top = asMap(value, "value of type store.untypedContextMetadata");
  // Go reads keys in whatever case they have.
  const key = (wanted: string) => Object.keys(top).find((one) => one.toLowerCase() === wanted) ?? wanted;
  const name = top[key("name")] ?? "";
  if (typeof name !== "string")
    throw new Error(
      `json: cannot unmarshal ${goKind(name)} into Go struct field untypedContextMetadata.Name of type string`,
    );
  const { Description = "", ...fields } = asMap(top[key("metadata")], "value of type command.DockerContext");
  if (typeof Description !== "string")
    throw new Error(`json: cannot unmarshal ${goKind(Description)} into Go value of type string`);
  const endpoints = asMap(
    top[key("endpoints")],
    "struct field untypedContextMetadata.Endpoints of type map[string]json.RawMessage",
  );
  const { [DOCKER_ENDPOINT]: docker, ...otherEndpoints } = endpoints;
  return {
    name,
    description: Description,
    fields,
    docker: docker === undefined ? undefined : dockerEndpoint(docker),
    otherEndpoints,
  };
}

function dockerEndpoint(value: unknown): DockerEndpoint {
  const { Host, SkipTLSVerify = false } = asMap(value, "value of type docker.EndpointMeta");
  const wrong = (field: string, given: unknown, type: string) =>
    new Error(
      `json: cannot unmarshal ${goKind(given)} into Go struct field EndpointMetaBase.${field} of type ${type}`,
    );
  if (Host !== undefined && typeof Host !== "string") throw wrong("Host", Host, "string");
  if (typeof SkipTLSVerify !== "boolean") throw wrong("SkipTLSVerify", SkipTLSVerify, "bool");
  return { ...(Host && { Host }), SkipTLSVerify };
}

function asMap(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`json: cannot unmarshal ${goKind(value)} into Go ${what}`);
}

/** Maps as Go writes them, in the order of their keys. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}

/** What `context inspect` shows as metadata: its description among the fields of others. */
export const metadataOf = ({ description, fields }: Context) =>
  sorted({ ...fields, ...(description && { Description: description }) }) as Record<string, unknown>;

export const endpointsOf = ({ docker, otherEndpoints }: Context): Record<string, unknown> => {
  const others = sorted(otherEndpoints) as Record<string, unknown>;
  const all = { ...others, ...(docker && { [DOCKER_ENDPOINT]: docker }) };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** The text of its meta.json. */
export function metaText(context: Context): string {
  const endpoints = endpointsOf(context);
  return goJson({
    Name: context.name,
    Metadata: metadataOf(context),
    ...(Object.keys(endpoints).length > 0 && { Endpoints: endpoints }),
  });
}
