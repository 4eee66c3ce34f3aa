import { describe, expect, test } from "bun:test";
import { digestOf } from "../../../oci/digest.ts";
import { type CacheEntry, idOf, importsInOptions, readCacheExports, readCacheImport } from "./options.ts";

const entry = (type: string, attributes: Record<string, string> = {}): CacheEntry => ({ type, attributes });
const registry = (more: Record<string, string> = {}) =>
  entry("registry", { ref: "localhost:5000/c", ...more });

describe("exports", () => {
  test("have BuildKit's defaults", () => {
    expect(readCacheExports([registry(), entry("inline"), entry("inline")])).toEqual({
      inline: true,
      others: [
        {
          place: {
            type: "registry",
            reference: { domain: "localhost:5000", path: "c", tag: "latest" },
            insecure: false,
          },
          mode: "min",
          ignoreError: false,
          oci: true,
          imageManifest: true,
          compression: { type: "gzip", force: false },
        },
      ],
    });
  });

  test.each<[Record<string, string>, object]>([
    [{ mode: "max" }, { mode: "max" }],
    [{ mode: "most" }, { mode: "min" }],
    [{ "ignore-error": "true" }, { ignoreError: true }],
    [{ "ignore-error": "perhaps" }, { ignoreError: false }],
    [{ "oci-mediatypes": "false" }, { oci: false, imageManifest: false }],
    [
      { "oci-mediatypes": "false", "image-manifest": "true" },
      { oci: false, imageManifest: true },
    ],
    [{ "image-manifest": "0" }, { oci: true, imageManifest: false }],
    [
      { compression: "zstd", "force-compression": "1", "compression-level": "3" },
      { compression: { type: "zstd", force: true, level: 3 } },
    ],
    [{ "registry.insecure": "true" }, { place: expect.objectContaining({ insecure: true }) }],
  ])("%j", (attributes, expected) => {
    expect(readCacheExports([registry(attributes)]).others[0]).toMatchObject(expected);
  });

  test.each<[CacheEntry[], string]>([
    [[entry("registry")], "failed to configure registry cache exporter: missing ref"],
    [
      [registry({ "oci-mediatypes": "foo" })],
      'failed to configure registry cache exporter: failed to parse oci-mediatypes: strconv.ParseBool: parsing "foo": invalid syntax',
    ],
    [
      [registry({ compression: "foo" })],
      "failed to configure registry cache exporter: unsupported compression type foo",
    ],
    [[entry("local")], "failed to configure local cache exporter: local cache exporter requires dest"],
    [[entry("bogus")], 'unknown cache exporter: "bogus"'],
    [
      [entry("gha")],
      'unknown cache exporter: "gha": Berth\'s caches are of the types inline, registry and local',
    ],
    [[entry("s3")], 'unknown cache exporter: "s3": Berth\'s'],
    [[entry("azblob")], 'unknown cache exporter: "azblob": Berth\'s'],
    [[registry(), registry({ mode: "max" })], "duplicate cache exports [registry]"],
    [[entry("local", { dest: "a" }), entry("local", { dest: "a" })], "duplicate cache exports [local]"],
  ])("refuses %j", (entries, message) => {
    expect(() => readCacheExports(entries)).toThrow(message);
  });

  test("to two folders are two", () => {
    expect(
      readCacheExports([entry("local", { dest: "a" }), entry("local", { dest: "b" })]).others,
    ).toHaveLength(2);
  });
});

describe("imports", () => {
  const digest = digestOf("x");
  test.each<[CacheEntry, object]>([
    [registry(), { type: "registry", reference: { domain: "localhost:5000", path: "c", tag: "latest" } }],
    [entry("local", { src: "a", digest }), { type: "local", folder: "a", digest }],
  ])("%j", (given, expected) => {
    expect(readCacheImport(given)).toMatchObject(expected);
  });

  test.each<[CacheEntry, string]>([
    [entry("registry"), "failed to configure registry cache importer: missing ref"],
    [
      entry("local", { src: "a" }),
      "failed to configure local cache importer: local cache importer requires explicit digest",
    ],
    [
      entry("local", { digest }),
      "failed to configure local cache importer: local cache importer requires src",
    ],
    [entry("local", { src: "a", digest: "x" }), 'invalid digest "x"'],
    [entry("s3"), "unknown cache importer: s3: Berth's caches are of the types inline, registry and local"],
    [entry("bogus"), "unknown cache importer: bogus"],
  ])("refuses %j", (given, message) => {
    expect(() => readCacheImport(given)).toThrow(message);
  });

  test("are named by their reference, else by their type and attributes", () => {
    expect(idOf(registry({ mode: "x" }))).toBe("localhost:5000/c");
    const [one, same, other] = [{ src: "a", tag: "b" }, { tag: "b", src: "a" }, { src: "b" }].map(
      (attributes) => idOf(entry("local", { ...attributes } as Record<string, string>)),
    );
    expect(one).toMatch(/^local:\d+$/);
    expect([same, other === one]).toEqual([one, false]);
  });

  test("come in options of both forms", () => {
    const given = [
      { Type: "registry", Attrs: { ref: "a" } },
      { type: "local", attrs: { src: "b" } },
    ];
    const options = new Map([
      ["cache-imports", JSON.stringify(given)],
      ["cache-from", "c,d"],
    ]);
    expect(importsInOptions(options)).toEqual([
      entry("registry", { ref: "a" }),
      entry("local", { src: "b" }),
      entry("registry", { ref: "c" }),
      entry("registry", { ref: "d" }),
    ]);
    expect(importsInOptions(new Map([["cache-from", ""]]))).toEqual([]);
    expect(() => importsInOptions(new Map([["cache-imports", "{"]]))).toThrow(
      "failed to unmarshal cache-imports",
    );
  });
});
