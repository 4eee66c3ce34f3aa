// A folder of the client's in OCI's image layout as a named context (`--build-context name=oci-layout://FOLDER`).

import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatPlatform, hostPlatform } from "../../src/oci/platform.ts";
import type { Index, Manifest } from "../../src/oci/types.ts";
import { Client } from "../../src/sdk/index.ts";
import { startDaemon } from "../fixtures/daemon.ts";
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

/** A layout of an image with /made and a label, under the tag 7. Each has other content. */
async function layout(platforms?: string[]): Promise<string> {
  const folder = newFolder();
  await client.build({
    context: { kind: "empty" },
    dockerfile: {
      kind: "text",
      text: `FROM ${base}\nARG TARGETPLATFORM\nLABEL is=layout\nRUN echo ${crypto.randomUUID()} >/unique\nCOPY <<E /made\nof $TARGETPLATFORM\nE`,
    },
    outputs: [{ type: "oci", attributes: { tar: "false", name: "some/thing:7" }, folder }],
    ...(platforms && { platforms }),
  });
  return folder;
}

async function build(dockerfile: string, context: string, platforms?: string[]) {
  const folder = newFolder();
  await client.build({
    context: { kind: "empty" },
    dockerfile: { kind: "text", text: dockerfile },
    contexts: { given: context },
    outputs: [{ type: "local", attributes: {}, folder }],
    ...(platforms && { platforms }),
  });
  return { read: (path: string) => readFileSync(join(folder, path), "utf8") };
}

const HOST = formatPlatform(hostPlatform());

test("is a base, with what its config says", async () => {
  const folder = await layout();
  const { read } = await build("FROM given\nRUN cat /made >/again", `oci-layout://${folder}:7`);
  expect(read("again")).toBe(`of ${HOST}\n`);
});

test("is a source of copies, by its digest too", async () => {
  const folder = await layout();
  const { manifests } = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Index;
  const { read } = await build(
    "FROM scratch\nCOPY --from=given /made /copied",
    `oci-layout://${folder}@${manifests[0]?.digest}`,
  );
  expect(read("copied")).toBe(`of ${HOST}\n`);
});

test("gives each platform its own image of an index", async () => {
  const folder = await layout([HOST, "linux/s390x"]);
  const { read } = await build("FROM given\nENV A=b", `oci-layout://${folder}`, ["linux/s390x", HOST]);
  expect(read("linux_s390x/made")).toBe("of linux/s390x\n");
  expect(read(`${HOST.replaceAll("/", "_")}/made`)).toBe(`of ${HOST}\n`);
});

const refused = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "",
    (thrown: Error) => thrown.message,
  );

test("is refused where its blobs aren't what their digests say, or aren't there", async () => {
  const folder = await layout();
  const blob = (digest = "") => join(folder, "blobs", digest.replace(":", "/"));
  const json = <T>(path: string) => JSON.parse(readFileSync(path, "utf8")) as T;
  const root = json<Index>(join(folder, "index.json")).manifests[0]?.digest;
  const image = json<Index & Manifest>(blob(root));
  const manifest = image.layers ? image : json<Manifest>(blob(image.manifests[0]?.digest));
  const damaged = newFolder();
  cpSync(folder, damaged, { recursive: true });
  // Another daemon: this one has the layer since it made it.
  await using other = await startDaemon();
  const elsewhere = new Client({ host: other.host });
  const from = (context: string) =>
    elsewhere.build({
      context: { kind: "empty" },
      dockerfile: { kind: "text", text: "FROM given\nCOPY --from=given /made /again" },
      contexts: { given: context },
    });
  writeFileSync(join(damaged, "blobs", manifest.layers.at(-1)!.digest.replace(":", "/")), "something else");
  expect(await refused(from(`oci-layout://${damaged}`))).toMatch(/digest|bytes/);
  const nothing = `sha256:${"0".repeat(64)}`;
  expect(await refused(from(`oci-layout://${folder}@${nothing}`))).toContain(nothing);
  expect(await refused(from(`oci-layout://${newFolder()}`))).toContain("could not be resolved");
  await from(`oci-layout://${folder}:7`);
});
