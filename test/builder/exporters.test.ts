// What becomes of a build's result: images, archives, folders, and what is attested of them; on a daemon of the test's own. Archives
// are read by skopeo, and where BERTH_PEER names a Docker daemon's socket, by that.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { digestOf } from "../../src/oci/digest.ts";
import type { Descriptor, ImageConfig, Index, Manifest } from "../../src/oci/types.ts";
import type { BuildOutput, BuildResult, BuildSpec } from "../../src/sdk/build/types.ts";
import { type ImageScene, startImageScene } from "./image-scene.ts";

let daemon: ImageScene["daemon"];
let client: ImageScene["client"];
let base: string;
let newFolder: ImageScene["newFolder"];
beforeAll(async () => {
  ({ daemon, client, base, newFolder } = await startImageScene());
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
});

/** Two steps, of which one changes nothing; a label that JSON of Go's escapes. */
const dockerfile = () => `FROM ${base}
RUN mkdir /own && echo text > /own/file && ln /own/file /own/other && chmod 4750 /own/file
RUN true
LABEL words="<a & b>"
`;

async function build(output: BuildOutput | undefined, more: Partial<BuildSpec> = {}): Promise<BuildResult> {
  return await client.build({
    context: { kind: "empty" },
    dockerfile: { kind: "text", text: dockerfile() },
    attestations: { provenance: false },
    ...(output && { outputs: [output] }),
    ...more,
  });
}

/** The archive of an output in a file. */
async function archive(type: string, attributes: Record<string, string> = {}, more: Partial<BuildSpec> = {}) {
  const path = join(newFolder(), "archive");
  const chunks: Uint8Array[] = [];
  const file = () => ({
    write: (chunk: Uint8Array) => chunks.push(Buffer.from(chunk)),
    close: () => writeFileSync(path, Buffer.concat(chunks)),
  });
  const { response } = await build({ type, attributes, file }, more);
  return { path, response };
}

const run = (...command: string[]) => {
  const { stdout, stderr, exitCode } = Bun.spawnSync(command);
  return { output: stdout.toString(), error: stderr.toString(), exitCode };
};

/** An OCI image layout in a folder. */
function layout(folder: string) {
  const blob = (digest: string) => readFileSync(join(folder, "blobs", digest.replace(":", "/")));
  const json = <T>({ digest }: { digest: string }) => JSON.parse(blob(digest).toString()) as T;
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Index;
  return { blob, json, index, root: index.manifests[0] as Descriptor };
}

async function exported(
  type: string,
  attributes: Record<string, string> = {},
  more: Partial<BuildSpec> = {},
) {
  const { path, response } = await archive(type, attributes, more);
  const folder = newFolder();
  expect(run("tar", "-xf", path, "-C", folder).exitCode).toBe(0);
  return { path, response, ...layout(folder) };
}

/** Of the daemon's own content. */
const stored = <T>(digest: string): T =>
  JSON.parse(readFileSync(join(daemon.dataRoot, "content", digest.replace(":", "/")), "utf8")) as T;

describe("images", () => {
  test("have a config that fits their layers, and say so to the client", async () => {
    const { response } = await build({ type: "image", attributes: { name: "made:1,made:2" } });
    const digest = response["containerimage.digest"] ?? "";
    expect(response["image.name"]).toBe("docker.io/library/made:1,docker.io/library/made:2");
    const descriptor = JSON.parse(atob(response["containerimage.descriptor"] ?? "")) as Descriptor;
    expect(descriptor).toMatchObject({ digest, platform: { os: "linux" } });
    expect(descriptor.mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
    const manifest = stored<Manifest>(digest);
    expect(manifest.config.digest as string).toBe(response["containerimage.config.digest"] ?? "");
    const config = stored<ImageConfig>(manifest.config.digest);
    expect(config.rootfs.diff_ids).toHaveLength(3);
    // A step that ran and changed nothing has a layer all the same.
    expect(config.rootfs.diff_ids[2] as string).toBe(
      "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    );
    expect(config.history?.filter(({ empty_layer }) => !empty_layer)).toHaveLength(3);
    expect(config.history?.every(({ created }) => created)).toBe(true);
    const bytes = readFileSync(
      join(daemon.dataRoot, "content", manifest.config.digest.replace(":", "/")),
      "utf8",
    );
    expect(bytes).toContain('"words":"\\u003ca \\u0026 b\\u003e"');
    const { status, text } = await daemon.request("GET", "/images/made:2/json");
    expect([status, text.includes(digest)]).toEqual([200, true]);
  });

  test("run without being unpacked", async () => {
    const before = readdirSync(join(daemon.dataRoot, "snapshots")).length;
    await build({ type: "moby", attributes: { name: "runs:1" } });
    const created = await daemon.request("POST", "/containers/create", {
      body: { Image: "runs:1", Cmd: ["cat", "/own/other"] },
    });
    expect(created.status).toBe(201);
    const { Id } = created.json<{ Id: string }>();
    expect((await daemon.request("POST", `/containers/${Id}/start`)).status).toBe(204);
    await daemon.request("POST", `/containers/${Id}/wait`);
    expect((await daemon.request("GET", `/containers/${Id}/logs?stdout=1`)).text).toContain("text");
    await daemon.request("DELETE", `/containers/${Id}?force=1`);
    // The container's own layer came and went; the steps' were there.
    expect(readdirSync(join(daemon.dataRoot, "snapshots")).length).toBeLessThanOrEqual(before + 3);
  });

  test.each([
    [{ compression: "estargz" }, /estargz is not implemented/],
    [{ compression: "lzma" }, /unsupported compression type lzma/],
    [{ "compression-level": "10" }, /gzip: invalid compression level: 10/],
    [{ "compression-level": "x" }, /non-integer value x specified for compression-level/],
    [{ "oci-mediatypes": "maybe" }, /non-bool value specified for oci-mediatypes/],
    [{ name: "UPPER" }, /must be lowercase/],
    [{ "annotation-index.a": "b" }, /index annotations not supported for single platform export/],
    [{ "annotation[linux/s390x].a": "b" }, /invalid annotation: no platform linux\/s390x found in source/],
  ])("with %j are refused", async (attributes, message) => {
    const failed = await build({ type: "image", attributes: { name: "no:1", ...attributes } }).then(
      () => "",
      (thrown: Error) => thrown.message,
    );
    expect(failed).toMatch(message);
  });
});

describe("archives", () => {
  test("of type oci are a layout that skopeo reads, with the same digests each time", async () => {
    const one = await exported("oci", { name: "some/name:7", "annotation.a": "b" });
    const { response, root, json, path } = one;
    expect(one.index.manifests).toHaveLength(1);
    expect(root.annotations).toMatchObject({
      "io.containerd.image.name": "docker.io/some/name:7",
      "org.opencontainers.image.ref.name": "7",
    });
    expect(root.digest as string).toBe(response["containerimage.digest"] ?? "");
    const manifest = json<Manifest>(root);
    expect(manifest.annotations).toEqual({ a: "b" });
    for (const layer of [...manifest.layers, manifest.config])
      expect(digestOf(one.blob(layer.digest))).toBe(layer.digest);
    const inspected = run("skopeo", "inspect", `oci-archive:${path}`);
    expect(inspected.error).toBe("");
    expect(JSON.parse(inspected.output)).toMatchObject({ Digest: root.digest, Os: "linux" });
    const again = await archive("oci", { name: "some/name:7", "annotation.a": "b" });
    expect(again.response["containerimage.digest"]).toBe(root.digest);
  });

  test("of type docker have a manifest.json, and Docker loads them", async () => {
    const { path, index } = await exported("docker", { name: "berth-exported:3" });
    expect(index.manifests[0]?.mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
    const inspected = run("skopeo", "inspect", "--config", `docker-archive:${path}`);
    expect(inspected.error).toBe("");
    expect(JSON.parse(inspected.output).config.Labels).toEqual({ words: "<a & b>" });
    const peer = process.env.BERTH_PEER;
    if (!peer) return;
    const answer = await fetch("http://docker/images/load", {
      unix: peer,
      method: "POST",
      body: Bun.file(path),
    });
    expect(await answer.text()).toContain("Loaded image: berth-exported:3");
    await fetch("http://docker/images/berth-exported:3", { unix: peer, method: "DELETE" });
  });

  test("without tar are blobs in a folder", async () => {
    const folder = newFolder();
    const { response } = await build({ type: "oci", attributes: { tar: "false" }, folder });
    const blob = join(folder, "blobs", (response["containerimage.digest"] ?? "").replace(":", "/"));
    const { layers, config } = JSON.parse(readFileSync(blob, "utf8")) as Manifest;
    for (const { digest } of [...layers, config])
      expect(existsSync(join(folder, "blobs", digest.replace(":", "/")))).toBe(true);
  });

  test("have layers in the compression that is asked for; those of the base where it is forced", async () => {
    const types = async (attributes: Record<string, string>) => {
      const { root, json, blob } = await exported("oci", attributes);
      const manifest = json<Manifest>(root);
      const config = json<ImageConfig>(manifest.config);
      for (const [at, { mediaType, digest }] of manifest.layers.entries()) {
        const bytes = blob(digest);
        const plain = mediaType.endsWith("zstd")
          ? zstdDecompressSync(bytes)
          : mediaType.endsWith("gzip")
            ? gunzipSync(bytes)
            : bytes;
        expect(digestOf(plain)).toBe(config.rootfs.diff_ids[at]!);
      }
      return manifest.layers.map(({ mediaType }) => /tar\+?(.*)$/.exec(mediaType)?.[1]);
    };
    expect(await types({ compression: "zstd", "force-compression": "true" })).toEqual([
      "zstd",
      "zstd",
      "zstd",
    ]);
    expect(await types({ compression: "uncompressed", "force-compression": "true" })).toEqual(["", "", ""]);
    expect(await types({ "force-compression": "true" })).toEqual(["gzip", "gzip", "gzip"]);
  });

  test("at SOURCE_DATE_EPOCH have nothing younger, and are the same whenever they are built", async () => {
    const attributes = { "source-date-epoch": "1500000000", "rewrite-timestamp": "true" };
    const one = await exported("oci", attributes);
    const manifest = one.json<Manifest>(one.root);
    const config = one.json<ImageConfig>(manifest.config);
    expect(config.created).toBe("2017-07-14T02:40:00Z");
    const layer = join(newFolder(), "layer");
    writeFileSync(layer, one.blob(manifest.layers[1]!.digest));
    expect(run("tar", "-tvzf", layer, "--full-time", "--utc").output).toMatch(
      /2017-07-14 02:40:00 own\/file/,
    );
    const other = await archive("oci", attributes, { noCache: true });
    expect(other.response["containerimage.digest"]).toBe(one.root.digest);
  });
});

test("a config is written as Docker writes it: the same build has the same digest there", async () => {
  const dockerfile = `FROM scratch
COPY --chmod=644 <<E /dir/a.txt
hello
E
ENV A=b C="d <e>"
LABEL x=1 b=2
EXPOSE 80/tcp 53/udp
VOLUME /v
WORKDIR /w
USER 1:2
STOPSIGNAL SIGINT
HEALTHCHECK --retries=3 --interval=5s CMD true
ENTRYPOINT ["/a"]
CMD ["b"]
SHELL ["/x"]
ONBUILD RUN y
`;
  const { json, blob, root } = await exported(
    "oci",
    { "rewrite-timestamp": "true", compression: "uncompressed" },
    {
      dockerfile: { kind: "text", text: dockerfile },
      args: { SOURCE_DATE_EPOCH: "1600000000" },
      platforms: ["linux/amd64"],
    },
  );
  const { config, layers } = json<Manifest>(root);
  expect(blob(config.digest).toString()).toContain('"config":{"User":"1:2","ExposedPorts":{"53/udp":{}');
  const note = { "buildkit/rewritten-timestamp": "1600000000" };
  expect(layers.map(({ annotations }) => annotations)).toEqual([note, note]);
  // Docker 28.5's.
  expect(config.digest as string).toBe(
    "sha256:58031b31f1443b009d609636904f24f418317d3afdb5ea6fc8e0e403de4d2730",
  );
});

describe("folders and tars", () => {
  test("have the files of the result", async () => {
    const folder = newFolder();
    await build({ type: "local", attributes: {}, folder });
    expect(readFileSync(join(folder, "own/other"), "utf8")).toBe("text\n");
    expect(lstatSync(join(folder, "own/file")).mode & 0o7777).toBe(0o4750);
    expect(lstatSync(join(folder, "own/file")).ino).toBe(lstatSync(join(folder, "own/other")).ino);
    const { path } = await archive("tar");
    const list = run("tar", "-tvf", path).output;
    expect(list).toMatch(/-rwsr-x--- 0\/0 +5 .* own\/file\n/);
    expect(list).toContain("own/other link to own/file");
  });

  test("that can't be written say why", async () => {
    await expect(build({ type: "local", attributes: {}, folder: "/proc/not/there" })).rejects.toThrow(
      /failed to create synctarget dest dir \/proc\/not\/there: .*no such file or directory/,
    );
  });

  test("have a folder for a platform that was asked for by name", async () => {
    const { platform } = await import("../../src/oci/platform.ts").then(({ hostPlatform }) => ({
      platform: `linux/${hostPlatform().architecture}`,
    }));
    const prefix = platform.replace("/", "_");
    const spec = { platforms: [platform], attributes: { "multi-platform": "true" } };
    const folder = newFolder();
    await build({ type: "local", attributes: {}, folder }, spec);
    expect(readdirSync(folder)).toEqual([prefix]);
    expect(readFileSync(join(folder, prefix, "own/file"), "utf8")).toBe("text\n");
    const { path } = await archive("tar", {}, spec);
    expect(run("tar", "-xOf", path, `${prefix}/own/file`).output).toBe("text\n");
  });

  test("have what is attested of them as files, of the files that they hold", async () => {
    const folder = newFolder();
    await build(
      { type: "local", attributes: { "attestation-prefix": "about-" }, folder },
      {
        attestations: { provenance: "mode=min,inline-only=false", sbom: "" },
      },
    );
    const statement = JSON.parse(readFileSync(join(folder, "about-provenance.json"), "utf8")) as {
      subject: { name: string; digest: { sha256: string } }[];
      predicateType: string;
    };
    expect(statement.predicateType).toBe("https://slsa.dev/provenance/v0.2");
    const file = statement.subject.find(({ name }) => name === "own/file");
    expect(`sha256:${file?.digest.sha256}`).toBe(digestOf("text\n"));
    expect(existsSync(join(folder, "about-sbom.spdx.json"))).toBe(true);
  });
});

describe("attestations", () => {
  interface Attested {
    predicateType: string;
    subject: { name: string; digest: Record<string, string> }[];
    predicate: Record<string, unknown>;
  }

  async function attested(attestations: Record<string, string>, more: Partial<BuildSpec> = {}) {
    const { root, json } = await exported("oci", { name: "about/it:1" }, { attestations, ...more });
    const index = json<Index>(root);
    const [image, about] = index.manifests as [Descriptor, Descriptor];
    expect(about.annotations).toEqual({
      "vnd.docker.reference.digest": image.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    });
    expect(about.platform).toEqual({ architecture: "unknown", os: "unknown" });
    const { layers } = json<Manifest>(about);
    return {
      image,
      layers,
      statements: layers.map((layer) => json<Attested>(layer)),
    };
  }

  test("say what a build was made of, in either version of SLSA's words", async () => {
    const { image, layers, statements } = await attested(
      { provenance: "mode=min,builder-id=me" },
      { args: { A: "1" } },
    );
    expect(layers[0]?.annotations).toEqual({
      "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2",
    });
    const [{ subject, predicate }] = statements as [Attested];
    expect(subject).toEqual([
      {
        name: `pkg:docker/about/it@1?platform=${encodeURIComponent(`linux/${image.platform?.architecture}`)}`,
        digest: { sha256: image.digest.slice(7) },
      },
    ]);
    expect(predicate).toMatchObject({
      builder: { id: "me" },
      buildType: "https://mobyproject.org/buildkit@v1",
      materials: [{ uri: expect.stringContaining("pkg:docker/test-busybox@1?platform=linux%2F") }],
      invocation: {
        configSource: { entryPoint: expect.any(String) },
        parameters: { frontend: "dockerfile.v0" },
      },
      // Arguments were left out.
      metadata: {
        completeness: { parameters: false, environment: true, materials: false },
        reproducible: false,
      },
    });
    expect(predicate).not.toHaveProperty("buildConfig");
    const newer = await attested({ provenance: "mode=max,version=v1" }, { args: { A: "1" } });
    expect(newer.statements[0]?.predicate).toMatchObject({
      buildDefinition: {
        externalParameters: { request: { args: { "build-arg:A": "1" } } },
        internalParameters: { buildConfig: { llbDefinition: expect.any(Array) } },
      },
      runDetails: {
        metadata: {
          invocationId: expect.any(String),
          buildkit_completeness: { request: true, resolvedDependencies: false },
        },
      },
    });
  });

  test("are not attached to archives where they are for images alone", async () => {
    const { root } = await exported("oci", {}, { attestations: { provenance: "mode=min,inline-only=true" } });
    expect(root.mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
  });

  test("say what packages are installed", async () => {
    const text = `FROM ${base}
RUN mkdir -p /var/lib/dpkg /usr/lib/node_modules/@scope/thing /usr/lib/python3/dist-packages/Some_Thing-2.0.dist-info \\
 && printf 'Package: libc6\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2.36-9+deb12u4\\n\\nPackage: gone\\nStatus: deinstall ok config-files\\nVersion: 1\\n' > /var/lib/dpkg/status \\
 && printf 'ID=debian\\nVERSION_ID="12"\\n' > /etc/os-release \\
 && printf '{"name":"@scope/thing","version":"1.2.3","license":"MIT"}' > /usr/lib/node_modules/@scope/thing/package.json \\
 && printf 'Metadata-Version: 2.1\\nName: Some_Thing\\nVersion: 2.0\\n\\nName: not this\\n' > /usr/lib/python3/dist-packages/Some_Thing-2.0.dist-info/METADATA
`;
    const { statements, layers } = await attested({ sbom: "" }, { dockerfile: { kind: "text", text } });
    expect(layers[0]?.annotations).toEqual({ "in-toto.io/predicate-type": "https://spdx.dev/Document" });
    const document = statements[0]?.predicate as {
      spdxVersion: string;
      packages: { externalRefs?: { referenceLocator: string }[]; licenseDeclared: string }[];
    };
    expect(document.spdxVersion).toBe("SPDX-2.3");
    const found = document.packages.flatMap(({ externalRefs = [] }) =>
      externalRefs.map(({ referenceLocator }) => referenceLocator),
    );
    expect(found).toEqual([
      "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12",
      "pkg:npm/%40scope/thing@1.2.3",
      "pkg:pypi/some-thing@2.0",
    ]);
  });
});
