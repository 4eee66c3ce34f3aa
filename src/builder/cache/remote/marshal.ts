// What a build knows, as the config of a cache that travels: sorted, so that the same build gives the same bytes.
import { digestOf } from "../../../oci/digest.ts";
import type { LayerBlob } from "../../types.ts";
import { ROOT_SELECTOR } from "./buildkit-keys.ts";
import type { CacheConfig, CacheLayer, CacheRecord } from "./config.ts";

/** A step of a build, as others may know it. */
export interface PortableRecord {
  key: string;
  /** Other keys that lead to it. */
  aliases: readonly string[];
  /** Lowest layer first; undefined: known by name alone. */
  result?: { layers: readonly LayerBlob[]; createdAt: string };
  /** The same as BuildKit knows it. */
  buildkit?: BuildkitRecord;
}

/** A record of BuildKit's own: a step on what its root is known by, any of these, or what a chain of steps begins with. */
export interface BuildkitRecord {
  digest: string;
  on: readonly BuildkitRecord[];
}

export interface MarshalledCache {
  config: CacheConfig;
  /** In the order of the config's; a blob may be there twice, on different ones. */
  layers: LayerBlob[];
}

/** The config, and the blobs that it names. */
export function marshalCache(records: readonly PortableRecord[]): MarshalledCache {
  const placed = new Map<string, Placed>();
  const tops = new Map(records.map((record) => [record, place(record.result?.layers ?? [], placed)]));
  const order = [...placed].sort(
    ([a, one], [b, other]) =>
      compare(one.blob.descriptor.digest, other.blob.descriptor.digest) || compare(a, b),
  );
  const indexes = new Map(order.map(([id], at) => [id, at]));
  const layers = order.map(
    ([, { blob, parent }]): CacheLayer => ({
      blob: blob.descriptor.digest,
      parent: parent === undefined ? -1 : (indexes.get(parent) ?? -1),
    }),
  );
  const config: CacheConfig = {
    layers,
    records: marshalRecords(records, (record) => {
      const top = tops.get(record);
      return top === undefined ? undefined : indexes.get(top);
    }),
  };
  return { config, layers: order.map(([, { blob }]) => blob) };
}

interface Placed {
  blob: LayerBlob;
  /** Id of the stack below. */
  parent: string | undefined;
}

/** Puts a stack's layers there; answers the top's id. */
function place(stack: readonly LayerBlob[], placed: Map<string, Placed>): string | undefined {
  let parent: string | undefined;
  for (const blob of stack) {
    const id: string = digestOf(`${parent ?? ""} ${blob.descriptor.digest}`);
    if (!placed.has(id)) placed.set(id, { blob, parent });
    parent = id;
  }
  return parent;
}

interface Entry {
  digest: string;
  /** By the entries' names. */
  inputs: { selector?: string; name: string }[];
  layer?: number;
  createdAt?: string;
}

/** `layerOf`: the number of the topmost layer of a record's result. */
export function marshalRecords(
  records: readonly PortableRecord[],
  layerOf: (record: PortableRecord) => number | undefined,
): CacheRecord[] {
  const entries = new Map<string, Entry>();
  for (const record of records) {
    const { key, result, buildkit } = record;
    const layer = layerOf(record);
    const made = layer !== undefined && { layer, createdAt: result?.createdAt ?? "" };
    const aliases = record.aliases.filter((alias) => alias !== key);
    for (const alias of aliases) if (!entries.has(alias)) entries.set(alias, { digest: alias, inputs: [] });
    entries.set(key, { digest: key, inputs: aliases.map((name) => ({ name })), ...made });
    const name = buildkit && placeBuildkit(buildkit, entries);
    const entry = name !== undefined && entries.get(name);
    if (entry) Object.assign(entry, made);
  }
  const order = [...entries].sort(
    ([a, one], [b, other]) => compare(one.digest, other.digest) || compare(a, b),
  );
  const indexes = new Map(order.map(([name], at) => [name, at]));
  return order.map(([, { digest, inputs, layer, createdAt }]): CacheRecord => {
    const links = inputs
      .map(({ selector, name }) => ({ ...(selector && { selector }), link: indexes.get(name) ?? 0 }))
      .sort((a, b) => a.link - b.link);
    return {
      ...(layer !== undefined && { layers: [{ layer, createdAt: createdAt ?? "" }] }),
      digest,
      ...(links.length > 0 && { inputs: [links] }),
    };
  });
}

/** Puts a record and those that it stands on there; answers its name. */
function placeBuildkit({ digest, on }: BuildkitRecord, entries: Map<string, Entry>): string {
  const below = on.map((each) => placeBuildkit(each, entries));
  const name = below.length === 0 ? digest : digestOf([...below, digest].join(" "));
  if (!entries.has(name))
    entries.set(name, { digest, inputs: below.map((each) => ({ selector: ROOT_SELECTOR, name: each })) });
  return name;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
