import { expect, test } from "bun:test";
import type { CacheBounds } from "../../builder/types.ts";
import { builderSettings } from "./builder-settings.ts";

const NOTHING = { reservedSpace: 0, maxUsedSpace: 0, minFreeSpace: 0 };
const GB = 1024 ** 3;
const HOUR = 3600_000;
const rule = { all: false, filters: [], keepFor: 0, ...NOTHING };

test.each<[unknown, CacheBounds]>([
  [{}, { defaults: NOTHING }],
  [{ enabled: true, policy: null }, { defaults: NOTHING }],
  [
    { enabled: false, defaultKeepStorage: "10GB" },
    { defaults: NOTHING, policies: [] },
  ],
  [{ defaultKeepStorage: "10GB" }, { defaults: { ...NOTHING, reservedSpace: 10 * GB } }],
  [
    {
      DefaultKeepStorage: "1GB",
      defaultReservedSpace: "2gb",
      defaultMaxUsedSpace: "3GB",
      defaultMinFreeSpace: "512MB",
    },
    { defaults: { reservedSpace: 2 * GB, maxUsedSpace: 3 * GB, minFreeSpace: GB / 2 } },
  ],
  [{ policy: [] }, { defaults: NOTHING, policies: [] }],
  [
    {
      policy: [
        { keepStorage: "10GB", filter: ["unused-for=2200h"] },
        {
          reservedSpace: "1GB",
          keepStorage: "9GB",
          maxUsedSpace: "2GB",
          filter: ["type==source.local", "inuse"],
        },
        { filter: { until: { "1h30m": true } } },
        { filter: ["id=abc"], all: true, minFreeSpace: "1GB" },
      ],
    },
    {
      defaults: NOTHING,
      policies: [
        { ...rule, reservedSpace: 10 * GB, keepFor: 2200 * HOUR },
        { ...rule, reservedSpace: GB, maxUsedSpace: 2 * GB, filters: ["type==source.local,inuse"] },
        { ...rule, keepFor: 1.5 * HOUR },
        { ...rule, all: true, minFreeSpace: GB, filters: ["id~=abc"] },
      ],
    },
  ],
])("gc %j", (gc, expected) => {
  expect(builderSettings({ gc }).cacheBounds).toEqual(expected);
});

test("a moment is how long ago it is", () => {
  const gc = { policy: [{ filter: [`until=${new Date(Date.now() - 5 * HOUR).toISOString()}`] }] };
  const [policy] = builderSettings({ GC: gc }).cacheBounds.policies ?? [];
  expect(Math.round((policy?.keepFor ?? 0) / HOUR)).toBe(5);
});

test.each<[unknown, string]>([
  [[], "json: builder.gc must be an object"],
  [{ enabled: "yes" }, "json: builder.gc.enabled must be true or false"],
  [{ defaultKeepStorage: "much" }, "failed to parse builder.gc.defaultKeepStorage: invalid size: 'much'"],
  [{ defaultKeepStorage: 10 }, "json: builder.gc.defaultKeepStorage must be a text"],
  [{ defaultKeepStorag: "1GB" }, 'builder.gc has no setting "defaultKeepStorag"'],
  [{ policy: {} }, "json: builder.gc.policy must be a list of rules"],
  [{ policy: ["all"] }, "json: builder.gc.policy[0] must be an object"],
  [
    { policy: [{}, { maxUsedSpace: "-1" }] },
    "failed to parse builder.gc.policy[1].maxUsedSpace: invalid size: '-1'",
  ],
  [{ policy: [{ filter: "all" }] }, "json: builder.gc.policy[0].filter must be a list of filters"],
  [{ policy: [{ filter: ["label=a"] }] }, "builder.gc.policy[0].filter: invalid filter 'label'"],
  [{ policy: [{ filter: ["type=a", "type=b"] }] }, 'filters expect only one value: "type"'],
  [{ policy: [{ filter: ["until=1h", "unused-for=1h"] }] }, 'conflicting filters: "until" and "unused-for"'],
  [{ policy: [{ filter: ["until=soon"] }] }, "the filter expects a duration (e.g., '24h') or a timestamp"],
  [{ enabled: false, policy: [{ keepStorage: "x" }] }, "failed to parse builder.gc.policy[0].keepStorage"],
])("gc %j is refused", (gc, words) => {
  expect(() => builderSettings({ gc })).toThrow(words);
});
