import { describe, expect, test } from "bun:test";
import { digestOf } from "../../oci/digest.ts";
import type { HistoryEntry, ImageConfig } from "../../oci/types.ts";
import type { LayerBlob } from "../types.ts";
import { type FitOptions, fitConfig } from "./image-config.ts";

const platform = { os: "linux", architecture: "amd64" };
const day = (number: number) => `2024-01-0${number}T00:00:00Z`;

/** Layers that were made on these days. */
const layers = (...days: number[]): LayerBlob[] =>
  days.map((number) => ({
    descriptor: { mediaType: "x", digest: digestOf(`blob ${number}`), size: 1 },
    diffId: digestOf(`layer ${number}`),
    createdAt: day(number),
  }));

function fit(history: HistoryEntry[], blobs: LayerBlob[], options: Partial<FitOptions> = {}): ImageConfig {
  const config = { ...platform, config: {}, rootfs: { type: "layers", diff_ids: [] }, history };
  const bytes = fitConfig(Buffer.from(JSON.stringify(config)), blobs, { platform, ...options });
  return JSON.parse(Buffer.from(bytes).toString()) as ImageConfig;
}

const shown = ({ history = [] }: ImageConfig) =>
  history.map(
    ({ created_by, created, empty_layer }) =>
      `${created_by} ${created?.[9] ?? "-"}${empty_layer ? " empty" : ""}`,
  );
const step = (created_by: string, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  created_by,
  ...more,
});
const empty = { empty_layer: true };

describe("history", () => {
  test.each<[string, HistoryEntry[], number[], string[]]>([
    ["each step has its layer's time", [step("a"), step("b")], [1, 2], ["a 1", "b 2"]],
    [
      "what changed no file has the time of the first new layer, then of the one before",
      [step("base", { created: day(1) }), step("env", empty), step("run"), step("cmd", empty)],
      [1, 3],
      ["base 1", "env 3 empty", "run 3", "cmd 3 empty"],
    ],
    ["layers that nobody told of get entries", [step("a")], [1, 2], ["a 1", "created by buildkit 2"]],
    ["entries without a layer are empty", [step("a"), step("b")], [1], ["a 1", "b 1 empty"]],
    ["only remarks have no time of their own", [step("env", empty)], [], ["env - empty"]],
  ])("%s", (_, history, days, expected) => {
    expect(shown(fit(history, layers(...days)))).toEqual(expected);
  });

  test("nothing is younger than SOURCE_DATE_EPOCH, but what the base image says of itself", () => {
    const base = {
      ...platform,
      rootfs: { type: "layers" as const, diff_ids: [] },
      history: [step("base", { created: day(5) })],
    };
    const epoch = Date.parse(day(3)) / 1000;
    const config = fit(
      [step("base", { created: day(5) }), step("old", { created: day(2) }), step("new")],
      layers(1, 2, 4),
      {
        epoch,
        base,
      },
    );
    expect(shown(config)).toEqual(["base 5", "old 2", "new 3"]);
    expect(config.created).toBe(day(3));
  });
});

test("the bytes are as Go writes them, and what isn't known goes through", () => {
  const config = { os: "linux", architecture: "amd64", extra: { b: "<&>", a: 1 }, created: day(1) };
  const bytes = fitConfig(Buffer.from(JSON.stringify(config)), [], { platform });
  expect(Buffer.from(bytes).toString()).toBe(
    '{"architecture":"amd64","created":"2024-01-01T00:00:00Z","extra":{"b":"\\u003c\\u0026\\u003e","a":1},"history":[],"os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
  );
});

test.each([
  ["not JSON", "{", "invalid image config for export"],
  ["null", "null", "invalid null image config for export"],
  ["no system", '{"architecture":"amd64"}', "missing os"],
  ["no architecture", '{"os":"linux"}', "missing architecture"],
])("%s is refused", (_, text, message) => {
  expect(() => fitConfig(Buffer.from(text), [], { platform })).toThrow(message);
});

test("without a config there is a plain one", () => {
  const config = JSON.parse(
    Buffer.from(fitConfig(undefined, layers(1), { platform })).toString(),
  ) as ImageConfig;
  expect(config).toMatchObject({ ...platform, config: { WorkingDir: "/" }, created: day(1) });
});
