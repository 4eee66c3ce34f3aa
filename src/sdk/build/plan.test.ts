import { expect, test } from "bun:test";
import type { BuildInputs } from "./inputs.ts";
import { planBuild } from "./plan.ts";
import type { BuildSpec } from "./types.ts";

const inputs: BuildInputs = {
  attributes: { filename: "Dockerfile" },
  folders: {},
  archives: {},
  layouts: {},
  sharedKey: "",
  async [Symbol.asyncDispose]() {},
};
const withStore = { imageStore: true, hostGateway: "172.17.0.1" };
const withoutStore = { imageStore: false, hostGateway: undefined };
const plan = (spec: Partial<BuildSpec>, abilities: typeof withStore | typeof withoutStore = withStore) =>
  planBuild({ context: { kind: "empty" }, ...spec }, inputs, abilities);

test("a build that asks for nothing makes an image, with minimal provenance", () => {
  expect(plan({})).toEqual({
    frontend: "dockerfile.v0",
    attributes: {
      filename: "Dockerfile",
      "image-resolve-mode": "local",
      "attest:provenance": "mode=min,inline-only=true",
    },
    outputs: [{ type: "moby", attributes: {} }],
    cacheFrom: [],
    cacheTo: [],
    entitlements: [],
    pushAfter: [],
  });
});

test.each([
  ["args and labels", { args: { A: "1" }, labels: { l: "x" } }, { "build-arg:A": "1", "label:l": "x" }],
  ["pull", { pull: true }, { "image-resolve-mode": "pull" }],
  ["no cache", { noCache: true }, { "no-cache": "" }],
  ["no cache for stages", { noCache: ["a", "b"] }, { "no-cache": "a,b" }],
  ["platforms", { platforms: ["linux/amd64", "linux/arm64"] }, { platform: "linux/amd64,linux/arm64" }],
  ["no network", { network: "none" }, { "force-network-mode": "none" }],
  [
    "hosts",
    { extraHosts: ["a:1.2.3.4", "b=host-gateway", "c=[::1]"] },
    { "add-hosts": "a=1.2.3.4,b=172.17.0.1,c=::1" },
  ],
  ["limits", { shmSize: 1024, ulimits: ["nofile=1:2"] }, { "shm-size": "1024", ulimit: "nofile=1:2" }],
  ["attestations", { attestations: { sbom: "type=sbom" } }, { "attest:sbom": "type=sbom" }],
  ["another frontend", { args: { BUILDKIT_SYNTAX: "a/b:1 x" } }, { source: "a/b:1", cmdline: "a/b:1 x" }],
])("%s", (_, spec, attributes) => {
  expect(plan(spec as Partial<BuildSpec>).attributes).toMatchObject(attributes);
});

test("provenance that is refused isn't asked for", () => {
  expect(plan({ attestations: { provenance: false } }).attributes["attest:provenance"]).toBeUndefined();
});

test("tags go to what has names", () => {
  const outputs = plan({
    tags: ["a", "b:1"],
    outputs: [
      { type: "image", attributes: { push: "true" } },
      { type: "oci", attributes: {}, folder: "x" },
      { type: "local", attributes: {}, folder: "y" },
    ],
  }).outputs;
  expect(outputs.map(({ type, attributes }) => [type, attributes.name])).toEqual([
    ["moby", "a,b:1"],
    ["oci", "a,b:1"],
    ["local", undefined],
  ]);
});

test("a daemon without an image store pushes by its image API", () => {
  const spec = { tags: ["a", "b"], outputs: [{ type: "image", attributes: { push: "true" } }] };
  expect(plan(spec, withoutStore).pushAfter).toEqual(["a", "b"]);
  expect(plan(spec).pushAfter).toEqual([]);
});

test.each([
  [
    "a push without a name",
    { outputs: [{ type: "image", attributes: { push: "true" } }] },
    withStore,
    "tag is needed when pushing to registry",
  ],
  ["a host without an address", { extraHosts: ["a:b"] }, withStore, "invalid host a:b"],
  ["a network of its own", { network: "mine" }, withStore, 'network mode "mine" not supported by buildkit'],
  [
    "several platforms",
    { platforms: ["a", "b"] },
    withoutStore,
    "Multi-platform build is not supported for the docker driver.",
  ],
  [
    "a cache export",
    { cacheTo: [{ type: "local", attributes: {} }] },
    withoutStore,
    "Cache export is not supported for the docker driver.",
  ],
  [
    "an attestation",
    { attestations: { sbom: "" } },
    withoutStore,
    "Attestation is not supported for the docker driver.",
  ],
])("%s is refused", (_, spec, abilities, message) => {
  expect(() => plan(spec as Partial<BuildSpec>, abilities)).toThrow(message);
});
