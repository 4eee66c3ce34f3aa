// Records of an imported cache, by the keys that this solver asks for.
import type { RemoteRecord } from "./config.ts";

export interface RecordIndex {
  /** What there is for a key. */
  result(key: string): NonNullable<RemoteRecord["result"]> | undefined;
  /** The key that another leads to. */
  keyOf(alias: string): string | undefined;
  aliasesOf(key: string): readonly string[];
  /** Keys with their results. */
  results(): IterableIterator<[string, NonNullable<RemoteRecord["result"]>]>;
}

/** Records of other builders are in it too: their digests are nobody's keys here. */
export function indexRecords(records: readonly RemoteRecord[]): RecordIndex {
  const results = new Map<string, NonNullable<RemoteRecord["result"]>>();
  const keys = new Map<string, string>();
  const aliases = new Map<string, string[]>();
  for (const { digest, inputs, result } of records) {
    if (result && !results.has(digest)) results.set(digest, result);
    const [links, ...others] = inputs;
    if (!links || others.length > 0) continue;
    for (const alias of links) {
      if (keys.has(alias)) continue;
      keys.set(alias, digest);
      aliases.set(digest, [...(aliases.get(digest) ?? []), alias]);
    }
  }
  return {
    result: (key) => results.get(key),
    keyOf: (alias) => keys.get(alias),
    aliasesOf: (key) => aliases.get(key) ?? [],
    results: () => results.entries(),
  };
}
