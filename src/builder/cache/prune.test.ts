import { expect, test } from "bun:test";
import type { CacheBounds, PruneRequest } from "../types.ts";
import { chooseRecords, policiesOf } from "./prune.ts";
import type { Usage } from "./usage.ts";

const NOW = Date.parse("2026-03-01T00:00:00Z");
const HOUR = 3600_000;

const usage = (id: string, hoursUnused: number, more: Partial<Usage> = {}): Usage => ({
  id,
  key: id,
  type: "regular",
  description: id,
  outputs: [],
  parents: [],
  size: 100,
  createdAt: new Date(NOW).toISOString(),
  lastUsedAt: new Date(NOW - hoursUnused * HOUR).toISOString(),
  usageCount: 1,
  mutable: false,
  inUse: false,
  shared: false,
  ...more,
});

const NOTHING = { reservedSpace: 0, maxUsedSpace: 0, minFreeSpace: 0 };

const everything: PruneRequest = {
  all: true,
  filters: [],
  keepFor: 0,
  reservedSpace: 0,
  maxUsedSpace: 0,
  minFreeSpace: 0,
};

const chosen = (records: Usage[], request: Partial<PruneRequest>): string[] =>
  chooseRecords(records, { ...everything, ...request }, "/", NOW).map(({ id }) => id);

test("what was used least recently goes first, until the rest fits", () => {
  const records = [usage("new", 1), usage("old", 9), usage("middle", 5)];
  expect(chosen(records, { maxUsedSpace: 200 })).toEqual(["old"]);
  expect(chosen(records, { maxUsedSpace: 150 })).toEqual(["old", "middle"]);
  expect(chosen(records, { maxUsedSpace: 100, reservedSpace: 300 })).toEqual([]);
});

test("what images have is no size of the cache's, and its removal gives nothing", () => {
  const records = [usage("image", 9, { shared: true, size: 1000 }), usage("old", 8), usage("new", 1)];
  expect(chosen(records, { maxUsedSpace: 200 })).toEqual([]);
  expect(chosen(records, { maxUsedSpace: 100 })).toEqual(["image", "old"]);
  expect(chosen(records, { maxUsedSpace: 100, all: false })).toEqual(["old"]);
});

test("by itself goes first what is quickly made again and was not used for two days", () => {
  const [temporary] = policiesOf({ defaults: NOTHING }, "/");
  const cache = { type: "exec.cachemount", mutable: true, size: 1e15 } as const;
  const records = [usage("cache", 49, cache), usage("fresh", 47, cache), usage("layer", 500, { size: 1e15 })];
  expect(chosen(records, { ...temporary })).toEqual(["cache"]);
});

test("what is no regular expression fits nothing", () => {
  const records = [usage("a", 1), usage("b", 2)];
  expect(chosen(records, { filters: ["id~=["] })).toEqual([]);
  expect(chosen(records, { filters: ["description~=^a"] })).toEqual(["a"]);
});

test.each<[string, CacheBounds, [number, number, number][]]>([
  ["one size", { defaults: { ...NOTHING, reservedSpace: 100e9 } }, Array(3).fill([100e9, 0, 0])],
  ["none at all", { defaults: NOTHING, policies: [] }, []],
  ["a policy", { defaults: NOTHING, policies: [{ ...everything, maxUsedSpace: 7 }] }, [[0, 7, 0]]],
])("by itself goes what is said: %s", (_, bounds, expected) => {
  const policies = policiesOf(bounds, "/").filter(({ keepFor }) => keepFor !== 48 * HOUR);
  expect(
    policies.map(({ reservedSpace, maxUsedSpace, minFreeSpace }) => [
      reservedSpace,
      maxUsedSpace,
      minFreeSpace,
    ]),
  ).toEqual(expected);
});
