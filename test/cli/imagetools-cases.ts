// Command lines of `buildx imagetools` over a registry of fixed content: what Docker's buildx answers is recorded
// (record-imagetools.ts), and ours is held to it (imagetools.test.ts).
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { type Descriptor, MEDIA } from "../../src/oci/types.ts";
import { type MadeImage, makeImage, makeIndex } from "../fixtures/image.ts";
import type { TestRegistry } from "../fixtures/registry.ts";

/** Stands for the registry's address in command lines and answers. */
export const REGISTRY = "REGISTRY";

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

const image = (architecture: string, variant?: string) =>
  makeImage({
    // Not compressed: the bytes, and so the digests, are the same with each version of the compressor.
    layers: [{ files: { [`a-${architecture}`]: "hello\n" }, packing: "none" }],
    platform: { os: "linux", architecture, ...(variant && { variant }) },
    config: {
      Env: ["PATH=/bin", "A=<b>"],
      Cmd: ["x", "&"],
      Labels: { l: "m", "a.b": "c" },
      ExposedPorts: { "80/tcp": {} },
      Healthcheck: { Test: ["CMD", "true"] },
      Shell: ["/bin/sh", "-c"],
    },
    created: "2026-01-02T03:04:05.67Z",
  });

const statement = (predicateType: string, predicate: unknown) => ({
  _type: "https://in-toto.io/Statement/v0.1",
  predicateType,
  subject: [],
  predicate,
});

/** What BuildKit adds to an image: a manifest whose layers are statements about it. */
function attestationOf(statements: { predicateType: string }[]): MadeImage {
  const blobs = new Map<Digest, Uint8Array>();
  const add = (mediaType: string, value: unknown, annotations?: Record<string, string>): Descriptor => {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length, ...(annotations && { annotations }) };
  };
  const layers = statements.map((one) =>
    add("application/vnd.in-toto+json", one, { "in-toto.io/predicate-type": one.predicateType }),
  );
  const config = add(MEDIA.ociConfig, {
    architecture: "unknown",
    os: "unknown",
    config: {},
    rootfs: { type: "layers", diff_ids: [] },
  });
  const root = add(MEDIA.ociManifest, { schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers });
  return { root, blobs, layers, diffIds: [], config };
}

const AMD64 = image("amd64");
const ARM64 = image("arm64");
const ARM = image("arm", "v7");
const DOCKER = makeImage({ layers: [{ files: { d: "d\n" }, packing: "none" }], docker: true });
const attested = (subject: MadeImage, made: MadeImage) => ({
  image: made,
  platform: { os: "unknown", architecture: "unknown" },
  annotations: {
    "vnd.docker.reference.digest": subject.root.digest,
    "vnd.docker.reference.type": "attestation-manifest",
  },
});
const PROVENANCE = statement("https://slsa.dev/provenance/v0.2", { builder: { id: "" }, buildType: "b" });
const SBOM = statement("https://spdx.dev/Document", { spdxVersion: "SPDX-2.3", name: "<sbom>" });
const SECOND_SBOM = statement("https://spdx.dev/Document", { name: "second" });
const MANY = makeIndex([
  { image: AMD64, platform: { os: "linux", architecture: "amd64" }, annotations: { d: "e" } },
  { image: ARM64, platform: { os: "linux", architecture: "arm64" } },
  {
    image: ARM,
    platform: { os: "linux", architecture: "arm", variant: "v7" },
    annotations: { "f.g": "<h>" },
  },
  attested(AMD64, attestationOf([PROVENANCE, SBOM, SECOND_SBOM])),
  attested(ARM64, attestationOf([PROVENANCE])),
]);
const SINGLE = makeIndex([
  { image: AMD64, platform: { os: "linux", architecture: "amd64" } },
  attested(AMD64, attestationOf([SBOM])),
]);

export const MANY_DIGEST = MANY.root.digest;
export const SINGLE_MANIFEST = AMD64.root;
export const SINGLE_LAYER = AMD64.layers[0]?.digest ?? "";

/** What each run, Docker's and ours, finds there. */
export async function fill(registry: TestRegistry): Promise<void> {
  await registry.push(MANY, "many", "1");
  await registry.push(SINGLE, "single", "latest");
  await registry.push(AMD64, "one", "1");
  await registry.push(ARM64, "other", "1");
  await registry.push(DOCKER, "docker", "1");
}

const one = `${REGISTRY}/one:1`;
const other = `${REGISTRY}/other:1`;
const many = `${REGISTRY}/many:1`;
const single = `${REGISTRY}/single`;
const docker = `${REGISTRY}/docker:1`;
const missing = `sha256:${"0".repeat(64)}`;
const json = (more: object) => JSON.stringify({ ...AMD64.root, ...more });

const FORMATS = [
  "{{json .}}",
  "{{json .Image}}",
  "{{json .Manifest}}",
  "{{json .Provenance}}",
  "{{json .SBOM}}",
  "{{.Manifest.Digest}}",
  "{{ .Manifest }}",
  "{{.Name}}",
  "{{.Bogus}}",
  "{{",
];

/** Nothing of these changes the registry. */
export const CASES: string[][] = [
  ...[one, many, single, docker, `${REGISTRY}/many@${MANY_DIGEST}`].map((name) => ["inspect", name]),
  ...[`${REGISTRY}/many:nope`, `${REGISTRY}/nope`, `${REGISTRY}/UP`].map((name) => ["inspect", name]),
  ...[one, many].map((name) => ["inspect", "--raw", name]),
  ["inspect", "--raw", "--format", "x", one],
  ...FORMATS.flatMap((format) => [one, many, single].map((name) => ["inspect", "--format", format, name])),
  ...[
    "{{.Image.Architecture}} {{.Image.Config.Env}} {{.Image.RootFS}} {{.Image.Created}}",
    "{{json .Image.Config}} {{(index .Image.History 0).CreatedBy}}",
    "{{.Image}}",
    "{{.Image.Foo}}",
    "{{json .SBOM.SPDX.name}} {{len .SBOM.AdditionalSPDXs}}",
  ].map((format) => ["inspect", "--format", format, single]),
  ...[
    "{{range .Manifest.Manifests}}{{.Platform.OS}}/{{.Platform.Architecture}} {{.Digest}} {{end}}",
    '{{(index .Image "linux/arm/v7").Variant}} {{json (index .Provenance "linux/amd64").SLSA.builder}}',
    "{{range $platform, $image := .Image}}{{$platform}} {{$image.Config.Cmd}} {{end}}",
    '{{json (index .SBOM "linux/amd64")}}',
  ].map((format) => ["inspect", "--format", format, many]),

  ["create"],
  ["create", one],
  ...[
    [one],
    [docker],
    [many],
    [one, "--prefer-index=false"],
    [one, other],
    [one, docker],
    [one, one],
    [other, many],
    [many, "--platform", "linux/arm64"],
    [many, "-p", "arm,linux/amd64"],
    [many, "-p", "linux/arm64/v8"],
    [many, "-p", "linux/s390x"],
    [one, "-p", "linux/s390x"],
    [one, "--prefer-index=false", "-p", "linux/s390x"],
    [many, "-p", "a/b/c/d"],
    ...["x=y", "manifest:x=y", "index-descriptor:x=y", "foo:x=y", "foo", "index[x:y=z", "index:b=<1>"].map(
      (annotation) => [many, "--annotation", annotation],
    ),
    [many, one, "--annotation", "index:x=y", "--annotation", "manifest-descriptor[linux/arm64]:q=r"],
    [many, "--annotation", "manifest-descriptor,index:x=y"],
    [docker, "--annotation", "index:x=y"],
    ["sha256:abc"],
    ["sha256:"],
    ["UP"],
    [missing],
    ["{x"],
    [`${REGISTRY}/one:nope`],
    [one, "-t", `${REGISTRY}/UP`],
    [missing, many, "-t", `${REGISTRY}/one:2`],
    [AMD64.root.digest, "-t", `${REGISTRY}/one:2`],
    [missing, "-t", `${REGISTRY}/one:2`],
    [`{"digest":"${AMD64.root.digest}"}`, "-t", `${REGISTRY}/one:2`],
    [`{"digest":"${AMD64.root.digest}","size":5}`, "-t", `${REGISTRY}/one:2`],
    [
      json({ platform: { os: "linux", architecture: "riscv64" }, annotations: { z: "1" } }),
      "-t",
      `${REGISTRY}/one:2`,
    ],
    ["--append", other, "-t", many],
    ["--append", other, "-t", `${REGISTRY}/nope:1`],
    ["--append"],
    ["-f", "/nope", "-t", one],
  ].map((words) => ["create", "--dry-run", ...words]),
];

/** These push: what they say, and what is afterwards where they pushed to. */
export const PUSHES: { words: string[]; result: string }[] = [
  { words: ["-t", `${REGISTRY}/new/one:2`, one], result: `${REGISTRY}/new/one:2` },
  { words: ["-t", `${REGISTRY}/new/plain`, "--prefer-index=false", one], result: `${REGISTRY}/new/plain` },
  { words: ["-t", `${REGISTRY}/new/many:2`, many], result: `${REGISTRY}/new/many:2` },
  { words: ["-t", `${REGISTRY}/joined`, one, other, docker], result: `${REGISTRY}/joined` },
  { words: ["-t", `${REGISTRY}/joined`, "--append", single], result: `${REGISTRY}/joined` },
  {
    words: ["-t", `${REGISTRY}/one:moved`, one, "--annotation", "index:a=b"],
    result: `${REGISTRY}/one:moved`,
  },
];

export const withRegistry = (words: string[], host: string): string[] =>
  words.map((word) => word.replaceAll(REGISTRY, host));

/** An answer without what is another each time: the address, times, the order of what goes side by side. */
export function comparable(answer: Answer, host: string): Answer {
  const plain = (text: string) => text.replaceAll(host, REGISTRY);
  const lines = plain(answer.stderr)
    .split("\n")
    .map((line) => line.replace(/^#(\d+) \d+\.\d+ /, "#$1 0.0 ").replace(/ DONE \d+\.\d+s$/, " DONE"));
  const copies = lines.filter((line) => line.includes(" copying ")).sort();
  return {
    code: answer.code,
    // buildx prints annotations in whatever order its map has them.
    stdout: plain(answer.stdout).replace(/(?:^ {4}vnd\.docker\..*\n)+/gm, (block) =>
      block
        .split(/(?<=\n)/)
        .sort()
        .join(""),
    ),
    stderr: lines.map((line) => (line.includes(" copying ") ? (copies.shift() ?? "") : line)).join("\n"),
  };
}
