// Records of an imported cache, by the keys that this solver asks for.
import type { RemoteRecord } from "./config.ts";

export interface RecordIndex {
  /** What there is for a key. */
  result(key: string): NonNullable<RemoteRecord["result"]> | undefined;
  /** The key that another leads to. */
  keyOf(alias: string): string | undefined;
  aliasesOf(key: string): readonly string[];
  /**
   * Records of a digest by their numbers: without inputs (`on` undefined), or with one that is among these, taken by this selector.
   */
  numbers(digest: string, on?: { selector: string; records: ReadonlySet<number> }): number[];
  resultAt(number: number): NonNullable<RemoteRecord["result"]> | undefined;
  /** Our own keys with their results, in a cache of ours. */
  results(): IterableIterator<[string, NonNullable<RemoteRecord["result"]>]>;
}

/** Records of other builders are in it too: their digests are nobody's keys here, but are known by what they stand on. */
export function indexRecords(records: readonly RemoteRecord[]): RecordIndex {
  const results = new Map<string, NonNullable<RemoteRecord["result"]>>();
  const keys = new Map<string, string>();
  const aliases = new Map<string, string[]>();
  const byDigest = new Map<string, number[]>();
  for (const [number, { digest, inputs, result }] of records.entries()) {
    byDigest.set(digest, [...(byDigest.get(digest) ?? []), number]);
    // What takes a part of its input is a record of BuildKit's.
    const isOwn = !inputs.some((links) => links.some(({ selector }) => selector !== ""));
    if (result && isOwn && !results.has(digest)) results.set(digest, result);
    const [links, ...others] = inputs;
    if (!links || others.length > 0) continue;
    for (const { record } of links) {
      const alias = records[record]?.digest ?? "";
      if (keys.has(alias)) continue;
      keys.set(alias, digest);
      aliases.set(digest, [...(aliases.get(digest) ?? []), alias]);
    }
  }
  return {
    result: (key) => results.get(key),
    keyOf: (alias) => keys.get(alias),
    aliasesOf: (key) => aliases.get(key) ?? [],
    numbers: (digest, on) =>
      (byDigest.get(digest) ?? []).filter((number) => {
        const { inputs = [] } = records[number] ?? {};
        if (!on) return inputs.length === 0;
        const [links = [], ...others] = inputs;
        return (
          others.length === 0 &&
          links.some(({ selector, record }) => selector === on.selector && on.records.has(record))
        );
      }),
    resultAt: (number) => records[number]?.result,
    results: () => results.entries(),
  };
}
