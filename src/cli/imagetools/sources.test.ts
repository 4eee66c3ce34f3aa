import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Digest } from "../../oci/digest.ts";
import type { Descriptor } from "../../oci/types.ts";
import { mergeDescriptor, parseAnnotations, parsePlatforms, parseSource } from "./sources.ts";

const DIGEST = `sha256:${"a".repeat(64)}` as Digest;
const INVALID = (text: string, why: string) =>
  `failed to parse source ${JSON.stringify(text)}, valid sources are digests, references and descriptors: ${why}`;

describe("a source", () => {
  test.each<[string, object]>([
    [DIGEST, { descriptor: { digest: DIGEST } }],
    ["busybox", { reference: { domain: "docker.io", path: "library/busybox" }, descriptor: {} }],
    [
      `host:1/a/b@${DIGEST}`,
      { reference: { domain: "host:1", path: "a/b", digest: DIGEST }, descriptor: {} },
    ],
    [`{"digest":"${DIGEST}","size":3}`, { descriptor: { digest: DIGEST, size: 3 } }],
    [
      `{"digest":"${DIGEST}","platform":{"os":"linux","architecture":"arm"},"more":1}`,
      { descriptor: { digest: DIGEST, platform: { os: "linux", architecture: "arm" } } },
    ],
  ])("%s", (text, source) => {
    expect(parseSource(text)).toEqual(source as ReturnType<typeof parseSource>);
  });

  // The first seven in buildx 0.29's words, the others in those of later ones.
  test.each([
    ["sha256:abc", "invalid checksum digest length"],
    ["sha256:", "invalid checksum digest format"],
    [`sha256:${"g".repeat(64)}`, "invalid checksum digest format"],
    ["sha256x:ab", "unsupported digest algorithm"],
    ["UP", "invalid reference format: repository name (library/UP) must be lowercase"],
    ["{x", "invalid character 'x' looking for beginning of object key string"],
    ["{} {}", "invalid character '{' after top-level value"],
    ["{}", "invalid descriptor: digest is required"],
    ['{"digest":"q"}', "invalid descriptor digest: invalid checksum digest format"],
    [
      '{"schemaVersion":2,"manifests":[]}',
      "expected an OCI content descriptor, got a manifest or index (schemaVersion 2)",
    ],
    [`{"digest":"${DIGEST}","size":"3"}`, "invalid descriptor: size is of the wrong type"],
    [`{"digest":"${DIGEST}","platform":null}`, "invalid descriptor: platform is of the wrong type"],
    [`{"digest":"${DIGEST}","urls":"x"}`, "invalid descriptor: urls is of the wrong type"],
  ])("%s is refused", (text, why) => {
    expect(() => parseSource(text)).toThrow(new Error(INVALID(text, why)));
  });

  test("whatever it is, it is read or refused in these words", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((text) => `{${text}`),
        ),
        (text) => {
          try {
            const { reference, descriptor } = parseSource(text);
            expect(reference === undefined).toBe(descriptor.digest !== undefined);
          } catch (thrown) {
            expect((thrown as Error).message).toStartWith(INVALID(text, ""));
          }
        },
      ),
    );
  });
});

test.each<[string[], object[]]>([
  [
    ["linux/arm64", "amd64,arm"],
    [{ architecture: "arm64" }, { architecture: "amd64" }, { architecture: "arm" }],
  ],
  [[], []],
])("platforms %j", (texts, platforms) => {
  expect(parsePlatforms(texts)).toEqual(platforms.map((one) => ({ os: "linux", ...one })) as never);
});

describe("annotations", () => {
  test.each<[string[], object[]]>([
    [["a=b=c"], [{ type: "", key: "a", value: "b=c" }]],
    [["index:a="], [{ type: "index", key: "a", value: "" }]],
    [
      ["index,manifest-descriptor[linux/arm64]:a.b=c"],
      [
        { type: "index", key: "a.b", value: "c" },
        { type: "manifest-descriptor", platform: "linux/arm64", key: "a.b", value: "c" },
      ],
    ],
    [["index:a=1", "index:a=2", ""], [{ type: "index", key: "a", value: "2" }]],
  ])("%j", (texts, annotations) => {
    expect(parseAnnotations(texts)).toEqual(annotations as never);
  });

  test.each([
    ["a", 'invalid annotation "a", expected key=value'],
    ["foo:a=b", 'unknown annotation type "foo"'],
    [
      "index[:a=b",
      'invalid annotation type "index[", expected type and optional platform in square brackets',
    ],
    [
      "index[a/b/c/d]:a=b",
      'invalid platform "a/b/c/d": "a/b/c/d": cannot parse platform specifier: invalid argument',
    ],
  ])("%s is refused", (text, why) => {
    expect(() => parseAnnotations([text])).toThrow(new Error(`failed to parse annotations: ${why}`));
  });
});

describe("a descriptor as it is found, with what was said of it", () => {
  const found: Descriptor = { mediaType: "a/b", digest: DIGEST, size: 3, annotations: { old: "1" } };
  test.each<[Partial<Descriptor>, Partial<Descriptor>]>([
    [{}, {}],
    [{ size: 3, mediaType: "c/d" }, { mediaType: "c/d" }],
    [{ annotations: {} }, {}],
    [{ annotations: { new: "2" } }, { annotations: { new: "2" } }],
  ])("%j", (said, more) => {
    expect(mergeDescriptor(found, said)).toEqual({ ...found, ...more });
  });

  test("of another size", () => {
    expect(() => mergeDescriptor(found, { size: 4 })).toThrow(`invalid size mismatch for ${DIGEST}, 4 != 3`);
  });
});
