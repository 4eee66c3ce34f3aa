// The config of a cache that travels: records by their digests, and the layers of their results (BuildKit,
// cache/remotecache/v1: media type application/vnd.buildkit.cacheconfig.v0). An image's config has the records alone, in base64
// (`moby.buildkit.cache.v0`); their layers are the image's then.
//
// A record of BuildKit's has an operation's digest and is told apart by what its inputs lead to. Ours has a key that says all; an
// input of it is a record without inputs of its own, by whose digest (an alias) the same key is found. A cache of ours has both kinds
// (buildkit-keys.ts).
import { invalid, messageOf } from "../../../base/errors.ts";
import { type Digest, isDigest } from "../../../oci/digest.ts";
import type { Descriptor } from "../../../oci/types.ts";

export const CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0";

/** Annotations of a layer's descriptor: digest of the plain archive, when it was made, what made it. */
export const UNCOMPRESSED = "containerd.io/uncompressed";
export const CREATED_AT = "buildkit/createdat";
export const DESCRIPTION = "buildkit/description";

export interface CacheLayer {
  blob: Digest;
  /** -1: none. Go leaves out a 0. */
  parent?: number;
}

export interface CacheRecord {
  /** Results: the layer with all below it. */
  layers?: { layer: number; createdAt: string }[];
  /** Results: each layer by itself, lowest first. */
  chains?: { layers: number[]; createdAt: string }[];
  digest: string;
  inputs?: { selector?: string; link: number }[][];
}

export interface CacheConfig {
  layers?: CacheLayer[];
  records?: CacheRecord[];
}

/** A layer as it can be brought. */
export interface RemoteLayer {
  descriptor: Descriptor;
  diffId: Digest;
  createdAt?: string;
  description?: string;
}

/** A record whose parts are known to fit each other. */
export interface RemoteRecord {
  digest: string;
  /** What each input may be: another record by its number, and what is taken of it. */
  inputs: { selector: string; record: number }[][];
  /** Lowest layer first; the newest of several. */
  result?: { layers: RemoteLayer[]; createdAt: string };
}

/** Layers on each other: more than overlay mounts. */
const DEEPEST = 500;

/** Records of a config. `layerOf` knows the layers that can be brought. Errors: invalid for what is no such config. */
export function readRecords(
  config: unknown,
  layerOf: (blob: string) => RemoteLayer | undefined,
): RemoteRecord[] {
  const { layers, records } = checked(config);
  const stackOf = (top: number): RemoteLayer[] | undefined => {
    const stack: RemoteLayer[] = [];
    for (let at = top; at !== -1; at = layers[at]?.parent ?? 0) {
      const layer = layers[at];
      if (!layer) throw invalid(`invalid layer index ${at}`);
      if (stack.length === DEEPEST) throw invalid("invalid looping layer");
      const known = layerOf(layer.blob);
      if (!known) return undefined;
      stack.push(known);
    }
    return stack.reverse();
  };
  const chainOf = (indexes: number[]): RemoteLayer[] | undefined => {
    const found = indexes.map((at) => {
      const layer = layers[at];
      if (!layer) throw invalid(`invalid layer index ${at}`);
      return layerOf(layer.blob);
    });
    return found.every((layer) => layer !== undefined) ? found : undefined;
  };
  const checkedLink = ({ selector = "", link }: { selector?: string; link: number }) => {
    if (!records[link]) throw invalid(`invalid record ID: ${link}`);
    return { selector, record: link };
  };
  return records.map((record): RemoteRecord => {
    const results = [
      ...(record.layers ?? []).map(({ layer, createdAt }) => ({ layers: stackOf(layer), createdAt })),
      ...(record.chains ?? []).map(({ layers, createdAt }) => ({ layers: chainOf(layers), createdAt })),
    ].flatMap(({ layers, createdAt }) => (layers && layers.length > 0 ? [{ layers, createdAt }] : []));
    const [result] = results.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
    return {
      digest: record.digest,
      inputs: (record.inputs ?? []).map((links) => links.map(checkedLink)),
      ...(result && { result }),
    };
  });
}

/** Errors: invalid. */
export function parseConfig(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (thrown) {
    throw invalid(`the cache's config is not JSON: ${messageOf(thrown)}`, thrown);
  }
}

function checked(config: unknown): { layers: CacheLayer[]; records: CacheRecord[] } {
  const { layers = [], records = [] } = objectOf(config) as { layers?: unknown; records?: unknown };
  return {
    layers: listOf(layers).map((layer) => {
      const { blob, parent } = objectOf(layer) as Partial<Record<string, unknown>>;
      if (typeof blob !== "string" || !isDigest(blob))
        throw invalid(`invalid digest ${JSON.stringify(blob)}`);
      return { blob, parent: numberOf(parent ?? 0) };
    }),
    records: listOf(records).map((record) => {
      const { digest, layers, chains, inputs } = objectOf(record) as Partial<Record<string, unknown>>;
      if (typeof digest !== "string") throw invalid("a record of the cache has no digest");
      return {
        digest,
        layers: listOf(layers ?? []).map((result) => {
          const { layer, createdAt } = objectOf(result) as Partial<Record<string, unknown>>;
          return { layer: numberOf(layer ?? 0), createdAt: timeOf(createdAt) };
        }),
        chains: listOf(chains ?? []).map((result) => {
          const { layers, createdAt } = objectOf(result) as Partial<Record<string, unknown>>;
          return { layers: listOf(layers ?? []).map(numberOf), createdAt: timeOf(createdAt) };
        }),
        inputs: listOf(inputs ?? []).map((links) =>
          listOf(links ?? []).map((input) => {
            const { selector, link } = objectOf(input) as Partial<Record<string, unknown>>;
            return {
              ...(typeof selector === "string" && { selector }),
              link: numberOf(link ?? 0),
            };
          }),
        ),
      };
    }),
  };
}

function objectOf(value: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw invalid("the cache's config is not of its form: an object is missing");
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid("the cache's config is not of its form: a list is missing");
}

function numberOf(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw invalid("the cache's config is not of its form: a number is missing");
}

const timeOf = (value: unknown): string =>
  typeof value === "string" && !Number.isNaN(Date.parse(value)) ? value : new Date(0).toISOString();
