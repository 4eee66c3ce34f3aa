import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Digest } from "../../oci/digest.ts";
import { encodeIndex, inOrder, plainStamp } from "./documents.ts";

const DIGEST = `sha256:${"a".repeat(64)}` as Digest;

test("an index has Go's order, no more than Go knows, and nothing empty", () => {
  const descriptor = {
    platform: { variant: "v7", os: "linux", architecture: "arm", "os.features": [] },
    size: 1,
    unknown: "lost",
    annotations: { b: "<", a: "&" },
    digest: DIGEST,
    mediaType: "a/b",
    urls: [],
  };
  const bytes = encodeIndex({
    annotations: {},
    manifests: [descriptor],
    mediaType: "c/d",
    schemaVersion: 2,
  });
  expect(new TextDecoder().decode(bytes)).toBe(`{
  "schemaVersion": 2,
  "mediaType": "c/d",
  "manifests": [
    {
      "mediaType": "a/b",
      "digest": "${DIGEST}",
      "size": 1,
      "annotations": {
        "a": "\\u0026",
        "b": "\\u003c"
      },
      "platform": {
        "architecture": "arm",
        "os": "linux",
        "variant": "v7"
      }
    }
  ]
}`);
});

test("maps in the order of their keys' bytes, all the way down", () => {
  const keys = (value: unknown): boolean => {
    if (typeof value !== "object" || value === null) return true;
    const names = Array.isArray(value) ? [] : Object.keys(value);
    // JavaScript puts names that are numbers first, whatever was asked for.
    const plain = names.filter((name) => !/^(?:0|[1-9]\d*)$/.test(name));
    const sorted = [...plain].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return plain.join("\0") === sorted.join("\0") && Object.values(value).every(keys);
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const ordered = inOrder(value);
      expect(ordered).toEqual(value);
      expect(keys(ordered)).toBe(true);
    }),
  );
});

test.each([
  ["2026-01-02T03:04:05.670Z", "2026-01-02T03:04:05.67Z"],
  ["2026-01-02T03:04:05.000000000Z", "2026-01-02T03:04:05Z"],
  ["2026-01-02T03:04:05.100+02:00", "2026-01-02T03:04:05.1+02:00"],
  ["2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456789Z"],
  ["2026-01-02T03:04:00Z", "2026-01-02T03:04:00Z"],
])("the time %s as %s", (stamp, plain) => {
  expect(plainStamp(stamp)).toBe(plain);
});
