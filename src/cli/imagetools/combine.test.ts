import { describe, expect, test } from "bun:test";
import { type Digest, digestOf } from "../../oci/digest.ts";
import { type Descriptor, type Index, MEDIA, type Platform } from "../../oci/types.ts";
import { type Combined, combine, onlyPlatforms, type Source } from "./combine.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const indexOf = ({ bytes }: Combined) => JSON.parse(new TextDecoder().decode(bytes)) as Index;
const digestsOf = (combined: Combined) => indexOf(combined).manifests.map(({ digest }) => digest);
const platform = (architecture: string, variant?: string): Platform => ({
  os: "linux",
  architecture,
  ...(variant && { variant }),
});

const configs = new Map<string, Uint8Array>();
const registry = { blob: async (_: unknown, digest: Digest) => configs.get(digest) ?? new Uint8Array() };
const options = { annotations: [], preferIndex: true, registry };

function source(path: string, mediaType: string, document: object, more: Partial<Descriptor> = {}): Source {
  const bytes = encode(document);
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length, ...more };
  return { reference: { domain: "host", path, tag: "1" }, descriptor, bytes };
}

function image(
  path: string,
  own: Partial<Platform>,
  said?: Partial<Platform>,
  mediaType: string = MEDIA.ociManifest,
) {
  const config = encode({ ...own, path });
  configs.set(digestOf(config), config);
  const manifest = { config: { digest: digestOf(config) }, layers: [] };
  return source(path, mediaType, manifest, said ? { platform: said as Platform } : {});
}

const named = (one: Source, more: Partial<Descriptor>): Descriptor => ({ ...one.descriptor, ...more });
const amd64 = image("amd64", platform("amd64"));
const arm = image("arm", platform("arm", "v7"));
const attestation = image("attestation", { os: "unknown", architecture: "unknown" });
const index = source("index", MEDIA.ociIndex, {
  schemaVersion: 2,
  manifests: [
    named(amd64, { platform: platform("amd64"), annotations: { a: "1" } }),
    named(arm, { platform: platform("arm", "v7") }),
    named(attestation, {
      platform: { os: "unknown", architecture: "unknown" },
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": arm.descriptor.digest,
      },
    }),
  ],
});

describe("the platform of a manifest", () => {
  test.each<[string, Partial<Platform>, Partial<Platform> | undefined, Platform]>([
    [
      "is its config's",
      { os: "linux", architecture: "aarch64", variant: "v8" },
      undefined,
      platform("arm64"),
    ],
    ["is what was said", platform("amd64"), platform("riscv64"), platform("riscv64")],
    [
      "is completed by its config",
      platform("arm", "v6"),
      { os: "plan9" } as Platform,
      { ...platform("arm", "v6"), os: "plan9" },
    ],
    ["has the variant that was said", platform("arm", "v6"), { architecture: "arm" }, platform("arm")],
    ["is Linux where nobody says", { architecture: "amd64" }, undefined, platform("amd64")],
  ])("%s", async (path, own, said, expected) => {
    const combined = await combine([image(path, own, said)], options);
    expect(indexOf(combined).manifests[0]?.platform).toEqual(expected);
  });
});

describe("several sources", () => {
  test("name each manifest once, and what later ones say of it counts", async () => {
    const again = { ...amd64, descriptor: named(amd64, { annotations: { b: "2" } }) };
    const combined = await combine([index, again], options);
    expect(digestsOf(combined)).toEqual([amd64, arm, attestation].map(({ descriptor }) => descriptor.digest));
    expect(indexOf(combined).manifests[0]?.annotations).toEqual({ a: "1", b: "2" });
    // It is copied from whoever named it last.
    expect(combined.parts.map((part) => part.source.reference.path)).toEqual(["amd64", "index", "index"]);
  });

  test("of Docker's kind alone make a list, which takes no annotations", async () => {
    const one = image("d", platform("amd64"), undefined, MEDIA.dockerManifest);
    const annotations = [{ type: "index", key: "a", value: "b" } as const];
    const list = indexOf(await combine([one], { ...options, annotations }));
    expect([list.mediaType, list.annotations]).toEqual([MEDIA.dockerList, undefined]);
    const mixed = indexOf(await combine([one, arm], { ...options, annotations }));
    expect([mixed.mediaType, mixed.annotations]).toEqual([MEDIA.ociIndex, { a: "b" }]);
  });

  test("may not be of schema 1", () => {
    const old = source("old", "application/vnd.docker.distribution.manifest.v1+prettyjws", {});
    expect(combine([old, arm], options)).rejects.toThrow(
      "schema1 manifests are not allowed in manifest lists",
    );
  });
});

describe("one source", () => {
  test("that is an index stays as it is", async () => {
    expect((await combine([index], options)).bytes).toBe(index.bytes);
  });
  test("that is a manifest becomes an index, unless that is not wanted", async () => {
    expect(digestsOf(await combine([amd64], options))).toEqual([amd64.descriptor.digest]);
    expect((await combine([amd64], { ...options, preferIndex: false })).bytes).toBe(amd64.bytes);
  });
});

describe("some platforms", () => {
  test("with their attestations", async () => {
    const combined = onlyPlatforms(await combine([index], options), [platform("arm")]);
    expect(digestsOf(combined)).toEqual([arm.descriptor.digest, attestation.descriptor.digest]);
    expect(combined.parts.map(({ descriptor }) => descriptor.digest)).toEqual(digestsOf(combined));
    expect(combined.descriptor.digest).toBe(digestOf(combined.bytes));
    // The source's own document named no type, and doesn't get one.
    expect([indexOf(combined).mediaType, combined.descriptor.mediaType]).toEqual([undefined, MEDIA.ociIndex]);
  });

  test.each<[string, Source, boolean, Platform, string]>([
    [
      "none of an index",
      index,
      true,
      platform("s390x"),
      "none of the manifests match the provided platforms",
    ],
    [
      "not that of a manifest",
      amd64,
      false,
      platform("s390x"),
      "input platform linux/amd64 does not match any of the provided platforms",
    ],
  ])("%s", async (_, one, preferIndex, wanted, message) => {
    const combined = await combine([one], { ...options, preferIndex });
    expect(() => onlyPlatforms(combined, [wanted])).toThrow(message);
  });
});
