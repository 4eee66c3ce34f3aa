import { expect, test } from "bun:test";
import fc from "fast-check";
import { BerthError } from "../../../base/errors.ts";
import { type Digest, digestOf } from "../../../oci/digest.ts";
import { encodeJson } from "../../../oci/json.ts";
import { MEDIA } from "../../../oci/types.ts";
import type { LayerBlob } from "../../types.ts";
import { parseConfig, type RemoteLayer, readRecords } from "./config.ts";
import { marshalCache, type PortableRecord } from "./marshal.ts";
import { indexRecords } from "./record-index.ts";

const TIME = "2026-01-02T03:04:05.678Z";

const blob = (name: string): LayerBlob => ({
  descriptor: { mediaType: MEDIA.ociLayerGzip, digest: digestOf(`packed ${name}`), size: name.length },
  diffId: digestOf(name),
});
const key = (name: string): Digest => digestOf(`key ${name}`);

const layerOf = (layers: readonly LayerBlob[]) => {
  const known = new Map(
    layers.map(({ descriptor, diffId }) => [descriptor.digest as string, { descriptor, diffId }]),
  );
  return (digest: string): RemoteLayer | undefined => known.get(digest);
};

/** Written and read again. */
function travelled(records: readonly PortableRecord[]) {
  const { config, layers } = marshalCache(records);
  return indexRecords(readRecords(parseConfig(encodeJson(config)), layerOf(layers)));
}

test("a record is found by its key and by what leads to it", () => {
  const index = travelled([
    { key: key("run"), aliases: [], result: { layers: [blob("base"), blob("run")], createdAt: TIME } },
    { key: key("copy"), aliases: [key("copy at once")] },
  ]);
  expect(index.result(key("run"))).toEqual({ layers: [blob("base"), blob("run")], createdAt: TIME });
  expect(index.keyOf(key("copy at once"))).toBe(key("copy"));
  expect(index.aliasesOf(key("copy"))).toEqual([key("copy at once")]);
  expect(index.result(key("copy"))).toBeUndefined();
  expect(index.keyOf(key("run"))).toBeUndefined();
});

test("a blob that stands on two layers is there twice", () => {
  const { config, layers } = marshalCache([
    { key: key("a"), aliases: [], result: { layers: [blob("x"), blob("z")], createdAt: TIME } },
    { key: key("b"), aliases: [], result: { layers: [blob("y"), blob("z")], createdAt: TIME } },
  ]);
  expect(layers.map(({ diffId }) => diffId).filter((id) => id === digestOf("z"))).toHaveLength(2);
  expect(config.layers?.filter(({ parent }) => parent === -1)).toHaveLength(2);
});

const names = fc.constantFrom("a", "b", "c", "d", "e", "f");
const cache = fc.uniqueArray(
  fc.record({
    key: names.map((name) => key(name) as string),
    aliases: fc.uniqueArray(
      fc.constantFrom(..."uvwxyz").map((name) => key(name) as string),
      { maxLength: 2 },
    ),
    layers: fc.array(names, { maxLength: 5 }),
  }),
  { selector: (record) => record.key, maxLength: 6 },
);

test("whatever is written is read again, in any order written the same", () => {
  fc.assert(
    fc.property(cache, (made) => {
      const records = made.map(
        ({ layers, ...record }): PortableRecord => ({
          ...record,
          ...(layers.length > 0 && { result: { layers: layers.map(blob), createdAt: TIME } }),
        }),
      );
      const index = travelled(records);
      for (const { key, result } of records)
        expect(index.result(key)?.layers.map(({ diffId }) => diffId)).toEqual(
          result?.layers.map(({ diffId }) => diffId),
        );
      for (const { aliases } of records)
        for (const alias of aliases) expect(index.keyOf(alias)).toBeDefined();
      expect(marshalCache(records.toReversed()).config).toEqual(marshalCache(records).config);
    }),
  );
});

/** As BuildKit writes it: a parent of 0 is left out. */
const FOREIGN = {
  layers: [
    { blob: digestOf("packed base") },
    { blob: digestOf("packed base"), parent: -1 },
    { blob: digestOf("packed run"), parent: 1 },
    { blob: digestOf("packed gone"), parent: -1 },
  ],
  records: [
    { digest: key("root") },
    {
      digest: key("run"),
      layers: [
        { layer: 1, createdAt: "2025-01-01T00:00:00Z" },
        { layer: 2, createdAt: "2026-01-01T00:00:00Z" },
      ],
      inputs: [[{ selector: "x", link: 0 }], [{ link: 0 }]],
    },
    { digest: key("link"), chains: [{ layers: [2, 1], createdAt: "2026-01-01T00:00:00Z" }] },
    { digest: key("gone"), layers: [{ layer: 3, createdAt: "2026-01-01T00:00:00Z" }] },
  ],
};

test("BuildKit's records are read: the newest of several results, chains, and none where a layer isn't told of", () => {
  const records = readRecords(FOREIGN, layerOf([blob("base"), blob("run")]));
  const found = Object.fromEntries(
    records.map(({ digest, result }) => [digest, result?.layers.map(({ diffId }) => diffId)]),
  );
  expect(found).toEqual({
    [key("root")]: undefined as never,
    [key("run")]: [digestOf("base"), digestOf("run")],
    [key("link")]: [digestOf("run"), digestOf("base")],
    [key("gone")]: undefined as never,
  });
});

test.each<[string, unknown, string]>([
  ["a list", [], "an object is missing"],
  ["records that are none", { records: 5 }, "a list is missing"],
  ["a record without digest", { records: [{}] }, "a record of the cache has no digest"],
  ["no blob's digest", { layers: [{ blob: "x" }] }, 'invalid digest "x"'],
  [
    "a layer that isn't there",
    { records: [{ digest: "a", layers: [{ layer: 7, createdAt: TIME }] }] },
    "invalid layer index 7",
  ],
  [
    "layers in a ring",
    {
      layers: [{ blob: digestOf("packed base"), parent: 0 }],
      records: [{ digest: "a", layers: [{ layer: 0, createdAt: TIME }] }],
    },
    "invalid looping layer",
  ],
  [
    "a record that isn't there",
    { records: [{ digest: "a", inputs: [[{ link: 3 }]] }] },
    "invalid record ID: 3",
  ],
])("refuses %s", (_, config, message) => {
  expect(() => readRecords(config, layerOf([blob("base")]))).toThrow(message);
});

test("no document brings it down", () => {
  const part = fc.letrec((tie) => ({
    node: fc.oneof(
      fc.integer({ min: -2, max: 3 }),
      fc.constantFrom(digestOf("packed base"), "x", TIME, null),
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom("layers", "records", "blob", "parent", "digest", "inputs", "link", "layer", "chains"),
        tie("node"),
        { maxKeys: 4 },
      ),
    ),
  })).node;
  fc.assert(
    fc.property(fc.record({ layers: part, records: part }), (config) => {
      try {
        indexRecords(readRecords(config, layerOf([blob("base")])));
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(BerthError);
      }
    }),
  );
});
