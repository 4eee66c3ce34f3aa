// One build for several platforms: an index of images, a folder or a part of an archive for each; steps of other machines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatPlatform, hostPlatform } from "../../src/oci/platform.ts";
import type { ImageConfig, Index, Manifest } from "../../src/oci/types.ts";
import { foreignPlatforms } from "../../src/runtime/index.ts";
import type { BuildOutput, BuildSpec } from "../../src/sdk/build/types.ts";
import { archiveOf } from "./archive.ts";
import { arm64Program, unknownProgram } from "./foreign-program.ts";
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

const HOST = formatPlatform(hostPlatform());
const OTHER = "linux/s390x";
const folderOf = (platform: string) => platform.replaceAll("/", "_");

async function build(dockerfile: string, output: BuildOutput, more: Partial<BuildSpec> = {}) {
  const names = new Set<string>();
  let said = "";
  const { response } = await client.build({
    context: { kind: "empty" },
    dockerfile: { kind: "text", text: dockerfile },
    platforms: [HOST, OTHER],
    outputs: [output],
    onEvent({ vertexes, logs }) {
      for (const { name } of vertexes) names.add(name);
      for (const { data } of logs) said += Buffer.from(data).toString();
    },
    ...more,
  });
  return { response, names: [...names], said };
}

const failed = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "",
    (thrown: Error) => thrown.message,
  );

async function archived(type: string, dockerfile: string, more: Partial<BuildSpec> = {}) {
  const path = join(newFolder(), "archive");
  const chunks: Uint8Array[] = [];
  const file = () => ({
    write: (chunk: Uint8Array) => chunks.push(Buffer.from(chunk)),
    close: () => writeFileSync(path, Buffer.concat(chunks)),
  });
  const built = await build(dockerfile, { type, attributes: {}, file }, more);
  return { ...built, path };
}

/** A file of an archive. */
const member = (archive: string, name: string): string =>
  Bun.spawnSync(["tar", "-xOf", archive, name]).stdout.toString();

/** What the arguments of platforms are, of a stage on the builder's own and of the result's. */
const facts = () => `FROM --platform=$BUILDPLATFORM ${base} AS tool
ARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM BUILDARCH
RUN echo "$TARGETPLATFORM $TARGETOS $TARGETARCH $TARGETVARIANT $BUILDPLATFORM $BUILDARCH" >/facts
FROM scratch
ARG TARGETARCH
LABEL for=$TARGETARCH
COPY --from=tool /facts /facts-$TARGETARCH
`;
const architecture = hostPlatform().architecture;

describe("several platforms", () => {
  test("become an index: an image for each, and after them what is attested of it", async () => {
    const { path, response, names } = await archived("oci", facts());
    expect(names).toContain(
      `[${HOST}->s390x tool 2/2] RUN echo "linux/s390x linux s390x  ${HOST} ${architecture}" >/facts`,
    );
    expect(names).toContain(`[${OTHER} stage-1 1/1] COPY --from=tool /facts /facts-s390x`);
    const blob = <T>(digest: string) => JSON.parse(member(path, `blobs/${digest.replace(":", "/")}`)) as T;
    const index = blob<Index>(response["containerimage.digest"] ?? "");
    expect(response["containerimage.config.digest"]).toBeUndefined();
    expect(index.mediaType).toBe("application/vnd.oci.image.index.v1+json");
    const [one, two, ofOne, ofTwo] = index.manifests;
    expect(index.manifests).toHaveLength(4);
    expect([one, two].map((image) => formatPlatform(image!.platform!))).toEqual([HOST, OTHER]);
    expect([ofOne, ofTwo].map((about) => about!.annotations?.["vnd.docker.reference.digest"])).toEqual([
      one!.digest,
      two!.digest,
    ]);
    for (const [image, arch] of [
      [one, architecture],
      [two, "s390x"],
    ] as const) {
      const config = blob<ImageConfig>(blob<Manifest>(image!.digest).config.digest);
      expect([config.architecture, config.config?.Labels]).toEqual([arch, { for: arch }]);
    }
  });

  test("are one image of the daemon's, of which each platform can be a base", async () => {
    await build(facts(), { type: "image", attributes: { name: "several:1" } });
    const { status, text } = await daemon.request("GET", "/images/several:1/json");
    expect([status, text.includes(`"Architecture":"${architecture}"`)]).toEqual([200, true]);
    const list = (await daemon.request("GET", "/images/json?manifests=1")).json<
      { RepoTags: string[]; Manifests: { Kind: string; Available: boolean }[] }[]
    >();
    const kinds = list.find(({ RepoTags }) => RepoTags.includes("several:1"))?.Manifests;
    expect(kinds?.map(({ Kind, Available }) => [Kind, Available])).toEqual([
      ["image", true],
      ["image", true],
      ["attestation", true],
      ["attestation", true],
    ]);
    const folder = newFolder();
    await build("FROM several:1", { type: "local", attributes: {}, folder });
    expect(readdirSync(join(folder, folderOf(OTHER)))).toContain("facts-s390x");
    expect(readFileSync(join(folder, folderOf(HOST), `facts-${architecture}`), "utf8")).toBe(
      `${HOST} linux ${architecture}  ${HOST} ${architecture}\n`,
    );
  });

  test("have a folder each in an archive, root's and without a time", async () => {
    const { path } = await archived("tar", facts());
    const list = Bun.spawnSync(["tar", "-tvf", path, "--utc"]).stdout.toString();
    expect(list).toMatch(/^drwxr-xr-x 0\/0 +0 1970-01-01 00:00 linux_s390x\/$/m);
    expect(member(path, `${folderOf(OTHER)}/facts-s390x`)).toBe(
      `linux/s390x linux s390x  ${HOST} ${architecture}\n`,
    );
  });

  test("share a folder where that is asked for, unless two of them write the same file", async () => {
    const folder = newFolder();
    const output = { type: "local", attributes: { "platform-split": "false" }, folder };
    await build(facts(), output);
    expect(readdirSync(folder).sort()).toEqual([`facts-${architecture}`, "facts-s390x"].sort());
    const same = `FROM scratch\nCOPY --from=${base} /etc/passwd /both\n`;
    expect(await failed(build(same, output))).toMatch(
      /cannot overwrite both from linux\/\w+ with linux\/\w+ when split option is disabled/,
    );
  });

  test("are none for an archive of Docker's", async () => {
    expect(await failed(archived("docker", facts()))).toContain(
      "docker exporter does not support exporting manifest lists",
    );
  });

  test("take an image of one platform for all of them, and warn", async () => {
    let warned = "";
    await build(
      `FROM ${base}`,
      { type: "cacheonly", attributes: {} },
      {
        platforms: [OTHER],
        onEvent({ warnings }) {
          for (const { short } of warnings) warned += short;
        },
      },
    );
    expect(warned).toContain(`was pulled with platform "${HOST}", expected "${OTHER}"`);
  });
});

describe("a step of another machine", () => {
  const program = async (name: string, bytes: Buffer, platform: string) => {
    const body = archiveOf([{ path: "program", bytes, mode: "755" }]);
    const query = new URLSearchParams({ fromSrc: "-", repo: name, tag: "1", platform });
    expect((await daemon.request("POST", `/images/create?${query}`, { body })).status).toBe(200);
  };

  const emulated = foreignPlatforms(hostPlatform()).some(({ architecture }) => architecture === "arm64");
  if (!emulated && architecture !== "arm64")
    console.warn("skipped: this host has no emulator of arm64 (binfmt_misc, the package qemu-user-static)");

  test.skipIf(!emulated && architecture !== "arm64")("runs where the kernel has an emulator", async () => {
    await program("arm-program", arm64Program(), "linux/arm64");
    const folder = newFolder();
    const { said } = await build(
      'FROM arm-program:1\nRUN ["/program"]',
      { type: "local", attributes: {}, folder },
      { platforms: ["linux/arm64"], noCache: true },
    );
    expect(said).toBe("arm64\n");
    expect(existsSync(join(folder, "ran"))).toBe(true);
  });

  test("is refused where there is none, by the name of what would help", async () => {
    await program("no-program", unknownProgram(), "linux/ppc");
    let said = "";
    const message = await failed(
      build(
        'FROM no-program:1\nRUN ["/program"]',
        { type: "cacheonly", attributes: {} },
        {
          platforms: ["linux/ppc"],
          onEvent({ logs }) {
            for (const { data } of logs) said += Buffer.from(data).toString();
          },
        },
      ),
    );
    expect(said).toBe("exec /program: exec format error\n");
    expect(message).toContain(
      'process "/program" did not complete successfully: exit code: 255: exec format error',
    );
    expect(message).toMatch(/no emulator for programs of linux\/ppc: .* qemu-user-static/);
  });

  test("is one of those that the builder tells of", async () => {
    const [worker] = await client.builder.workers();
    expect(worker?.platforms).toEqual(
      [hostPlatform(), ...foreignPlatforms(hostPlatform())].map(formatPlatform),
    );
  });
});
