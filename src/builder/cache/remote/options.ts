// `--cache-to` and `--cache-from` as clients send them: a type and attributes (BuildKit, control/control.go and
// cache/remotecache/{registry,local,inline}).

import { BerthError, invalid, messageOf, notImplemented } from "../../../base/errors.ts";
import { goBoolean, notGoBoolean } from "../../../base/go-boolean.ts";
import { type Digest, isDigest } from "../../../oci/digest.ts";
import { type Compression, readCompression } from "../../layers/compression.ts";
import { cacheReference, type RegistryPlace } from "./places.ts";

type Attributes = Readonly<Record<string, string>>;

/** One `--cache-to` or `--cache-from`. */
export interface CacheEntry {
  type: string;
  attributes: Attributes;
}

/** From BuildKit's messages, which have one form in each of their services. */
export const entryOf = ({ type, attrs }: { type: string; attrs: Attributes }): CacheEntry => ({
  type,
  attributes: attrs,
});

/** Where a cache is written to or read from. */
export type CachePlace = ({ type: "registry" } & RegistryPlace) | { type: "local"; folder: string };

export interface CacheExport {
  place: CachePlace;
  /** `min`: only layers of the result; `max`: of each step. */
  mode: "min" | "max";
  ignoreError: boolean;
  /** OCI's media types, else Docker's. */
  oci: boolean;
  /** An image's manifest, whose config is the cache's; else an index with the config among its entries. */
  imageManifest: boolean;
  compression: Compression;
}

export interface CacheExports {
  /** In the image's config. */
  inline: boolean;
  others: CacheExport[];
}

/** Errors: invalid, in BuildKit's words; not-implemented for its other types. */
export function readCacheExports(entries: readonly CacheEntry[]): CacheExports {
  const inline = entries.some(({ type }) => type === "inline");
  const others = entries.filter(({ type }) => type !== "inline");
  const seen = new Map<string, string>();
  const twice = new Map<string, string>();
  for (const entry of others) {
    const id = idOf(entry);
    if (seen.has(id)) twice.set(id, entry.type);
    seen.set(id, entry.type);
  }
  if (twice.size > 0) throw invalid(`duplicate cache exports [${[...twice.values()].join(" ")}]`);
  return { inline, others: others.map(readExport) };
}

function readExport({ type, attributes }: CacheEntry): CacheExport {
  if (type !== "registry" && type !== "local") throw unknown("exporter", type);
  try {
    const oci = flag(attributes, "oci-mediatypes", true);
    return {
      place: type === "registry" ? registryPlace(attributes) : { type, folder: folderOf(attributes) },
      mode: attributes.mode === "max" ? "max" : "min",
      ignoreError: goBoolean(attributes["ignore-error"] ?? "") ?? false,
      oci,
      imageManifest: flag(attributes, "image-manifest", oci),
      compression: readCompression(attributes),
    };
  } catch (thrown) {
    throw configuring("exporter", type, thrown);
  }
}

const registryPlace = (attributes: Attributes) => ({
  type: "registry" as const,
  reference: cacheReference(attributes.ref),
  insecure: flag(attributes, "registry.insecure", false),
});

function folderOf({ dest }: Attributes): string {
  if (!dest) throw invalid("local cache exporter requires dest");
  return dest;
}

export type CacheImport =
  | ({ type: "registry" } & RegistryPlace)
  | { type: "local"; folder: string; digest: Digest };

/** Errors: invalid, in BuildKit's words; not-implemented for its other types. */
export function readCacheImport({ type, attributes }: CacheEntry): CacheImport {
  if (type !== "registry" && type !== "local") throw unknown("importer", type);
  try {
    if (type === "registry") return registryPlace(attributes);
    const { digest, src } = attributes;
    if (!digest) throw invalid("local cache importer requires explicit digest");
    if (!isDigest(digest)) throw invalid(`invalid digest ${JSON.stringify(digest)}`);
    if (!src) throw invalid("local cache importer requires src");
    return { type, folder: src, digest };
  } catch (thrown) {
    throw configuring("importer", type, thrown);
  }
}

/** Types of BuildKit's own that are not here. */
const ELSEWHERE = new Set(["gha", "s3", "azblob"]);

/** BuildKit quotes an exporter's type, and not an importer's. */
function unknown(what: "exporter" | "importer", type: string): Error {
  const message = `unknown cache ${what}: ${what === "exporter" ? JSON.stringify(type) : type}`;
  if (!ELSEWHERE.has(type)) return invalid(message);
  return notImplemented(`${message}: Berth's caches are of the types inline, registry and local`);
}

/** What an import is called, and known by: the same one twice is asked once. */
export function idOf({ type, attributes }: CacheEntry): string {
  if (type === "registry" && attributes.ref) return attributes.ref;
  const facts = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${type}:${Bun.hash.xxHash64(`${type} ${facts}`)}`;
}

/** Errors: invalid, in strconv's words. */
function flag(attributes: Attributes, name: string, fallback: boolean): boolean {
  const text = attributes[name];
  if (text === undefined) return fallback;
  const value = goBoolean(text);
  if (value === undefined) throw invalid(`failed to parse ${name}: ${notGoBoolean(text)}`);
  return value;
}

/** In front of what stood in the way: BuildKit's words for a place that can't be used. */
export const configuring = (what: "exporter" | "importer", type: string, thrown: unknown): Error =>
  new BerthError(
    thrown instanceof BerthError ? thrown.kind : "system",
    `failed to configure ${type} cache ${what}: ${messageOf(thrown)}`,
    { cause: thrown },
  );

/** Of a frontend's options: `cache-imports` (JSON), and the older `cache-from` (references). Errors: invalid. */
export function importsInOptions(options: ReadonlyMap<string, string>): CacheEntry[] {
  const references = (options.get("cache-from") ?? "").split(",").filter(Boolean);
  return [
    ...parseImports(options.get("cache-imports") ?? ""),
    ...references.map((ref) => ({ type: "registry", attributes: { ref } })),
  ];
}

function parseImports(text: string): CacheEntry[] {
  if (text === "") return [];
  const refuse = (why: string) =>
    invalid(`failed to unmarshal cache-imports (${JSON.stringify(text)}): ${why}`);
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (thrown) {
    throw refuse(messageOf(thrown));
  }
  if (!Array.isArray(list)) throw refuse("not a list");
  return list.map((item: unknown) => {
    if (typeof item !== "object" || item === null) throw refuse("an entry is no object");
    const fields = new Map(
      Object.entries(item).map(([name, value]) => [name.toLowerCase(), value as unknown]),
    );
    const attributes = fields.get("attrs") ?? {};
    if (typeof attributes !== "object" || attributes === null) throw refuse("attributes are no object");
    return {
      type: String(fields.get("type") ?? ""),
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([name, value]) => [name, String(value)]),
      ),
    };
  });
}
