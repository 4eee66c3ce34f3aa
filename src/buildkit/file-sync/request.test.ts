import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeSendRequest,
  decodeSyncRequest,
  encodeSendRequest,
  encodeSyncRequest,
  type SyncRequest,
} from "./index.ts";

const pairs = (headers: Record<string, string[]>) =>
  Object.entries(headers).flatMap(([name, values]) => values.map((value) => [name, value] as const));

test("values are plain where they are ASCII, else all of their key escaped as Go escapes queries", () => {
  expect(
    encodeSyncRequest({
      name: "context",
      includePatterns: ["a b+c%", "*.go"],
      followPaths: ["größe (1)", "x y"],
    }),
  ).toEqual({
    "include-patterns": ["a b+c%", "*.go"],
    followpaths: ["gr%C3%B6%C3%9Fe+%281%29", "x+y"],
    "followpaths-encoded": ["1"],
    "dir-name": ["context"],
  });
  expect(
    decodeSyncRequest([
      ["exclude-patterns", "%zz"],
      ["exclude-patterns-encoded", "true"],
    ]),
  ).toEqual({
    name: "",
    includePatterns: undefined,
    excludePatterns: [""],
    followPaths: undefined,
  });
});

test("what is asked comes as it was said", () => {
  const list = fc.option(
    fc.array(
      fc.string({ unit: "grapheme", minLength: 1 }).map((each) => each.toWellFormed()),
      { minLength: 1 },
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(list, list, list, (includePatterns, excludePatterns, followPaths) => {
      const request: SyncRequest = { name: "größe", includePatterns, excludePatterns, followPaths };
      const headers = encodeSyncRequest(request);
      for (const [, value] of pairs(headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeSyncRequest(pairs(headers))).toEqual(request);
    }),
  );
});

test("a transfer to a client's output says which, and what of", () => {
  const request = { exporter: 2, metadata: { "containerimage.digest": "sha256:x" }, multiPlatform: true };
  expect(decodeSendRequest(pairs(encodeSendRequest(request)))).toEqual(request);
  expect(decodeSendRequest([["buildkit-attachable-exporter-id", "x"]])).toEqual({
    exporter: 0,
    metadata: {},
    multiPlatform: false,
  });
});
