// What a build knows, as the config of a cache that travels: sorted, so that the same build gives the same bytes.
import { digestOf } from "../../../oci/digest.ts";
import type { LayerBlob } from "../../types.ts";
import type { CacheConfig, CacheLayer, CacheRecord } from "./config.ts";

/** A step of a build, as others may know it. */
export interface PortableRecord {
  key: string;
  /** Other keys that lead to it. */
  aliases: readonly string[];
  /** Lowest layer first; undefined: known by name alone. */
  result?: { layers: readonly LayerBlob[]; createdAt: string };
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

/** `layerOf`: the number of the topmost layer of a record's result. */
export function marshalRecords(
  records: readonly PortableRecord[],
  layerOf: (record: PortableRecord) => number | undefined,
): CacheRecord[] {
  const roots = [...new Set(records.flatMap(({ key, aliases }) => aliases.filter((alias) => alias !== key)))];
  const own = [...new Map(records.map((record) => [record.key, record])).values()];
  const digests = [...new Set([...roots, ...own.map(({ key }) => key)])].sort(compare);
  const indexes = new Map(digests.map((digest, at) => [digest, at]));
  const byKey = new Map(own.map((record) => [record.key, record]));
  return digests.map((digest): CacheRecord => {
    const record = byKey.get(digest);
    const layer = record && layerOf(record);
    const links = (record?.aliases ?? [])
      .filter((alias) => alias !== digest)
      .map((alias) => ({ link: indexes.get(alias) ?? 0 }))
      .sort((a, b) => a.link - b.link);
    return {
      ...(layer !== undefined && { layers: [{ layer, createdAt: record?.result?.createdAt ?? "" }] }),
      digest,
      ...(links.length > 0 && { inputs: [links] }),
    };
  });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
