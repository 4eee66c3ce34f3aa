// save, load and import, among ourselves and with skopeo.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProgressMessage } from "../../src/images/index.ts";
import { inspectImage } from "../../src/images/index.ts";
import { TAR_END, type TarEntry, tarArchive } from "../../src/images/tar-writer.ts";
import { type LayerFiles, layerTar, makeImage, makeIndex, pack } from "../fixtures/image.ts";
import { contentsOf, type ImagesRoom, openImagesRoom } from "../fixtures/images-room.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
}

async function save({ images }: ImagesRoom, ...names: string[]): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(images.save(names, {})));
}

async function load(
  { images }: ImagesRoom,
  archive: Uint8Array,
  platform?: { os: string; architecture: string },
): Promise<string[]> {
  const said: ProgressMessage[] = [];
  await images.load(chunks(archive), {
    progress: (message) => void said.push(message),
    quiet: true,
    platform,
  });
  return said.map(({ stream }) => stream?.trimEnd() ?? "");
}

/** Names in an archive with their content, small files only. */
function entriesOf(archive: Uint8Array): string[] {
  const { stdout } = Bun.spawnSync(["tar", "tf", "-"], { stdin: Buffer.from(archive) });
  return stdout.toString().trim().split("\n");
}

const made = (text: string, packing?: LayerFiles["packing"]) =>
  makeImage({
    layers: [
      { files: { "etc/": "", "etc/lower": text }, packing },
      { files: { upper: text }, packing },
    ],
  });

/** A room with one image of a registry that is gone already. */
async function roomWith(
  name: string,
  image = made("x"),
  tag = "1",
): Promise<{ room: ImagesRoom; reference: string }> {
  await using registry = await startLyingRegistry(image, tag);
  const room = await openImagesRoom();
  await room.pull(`${registry.host}/${name}:${tag}`);
  await room.images.tag(`${registry.host}/${name}:${tag}`, `${name}:${tag}`);
  return { room, reference: `${name}:${tag}` };
}

describe("save and load", () => {
  test("an image comes back with its digest, names and layers", async () => {
    const image = made("round trip");
    const { room, reference } = await roomWith("trip", image);
    await using _ = room;
    const archive = await save(room, reference);
    expect(entriesOf(archive)).toEqual([
      "blobs/",
      "blobs/sha256/",
      ...[...image.blobs.keys()].map((digest) => `blobs/sha256/${digest.slice(7)}`).sort(),
      "index.json",
      "manifest.json",
      "oci-layout",
    ]);
    await using other = await openImagesRoom();
    expect(await load(other, archive)).toEqual([`Loaded image: ${reference}`]);
    expect((await other.images.resolve(reference)).id).toBe(image.root.digest);
    expect(contentsOf(other.context).layers).toBe(2);
    // The same again changes nothing.
    expect(await load(other, archive)).toEqual([`Loaded image: ${reference}`]);
    expect(contentsOf(other.context).layers).toBe(2);
    expect(Buffer.from(await save(other, reference)).equals(Buffer.from(archive))).toBe(true);
  });

  test("several tags, a repository, an id", async () => {
    const { room, reference } = await roomWith("many");
    await using _ = room;
    await room.images.tag(reference, "many:2");
    const names = async (...asked: string[]) => {
      const archive = await save(room, ...asked);
      await using other = await openImagesRoom();
      return await load(other, archive);
    };
    expect(await names("many")).toEqual(["Loaded image: many:1", "Loaded image: many:2"]);
    expect(await names("many:2")).toEqual(["Loaded image: many:2"]);
    const { id } = await room.images.resolve(reference);
    expect(await names(id.slice(7, 19))).toEqual([`Loaded image ID: ${id}`]);
    await expect(save(room, "nothing")).rejects.toThrow("No such image: nothing:latest");
    await expect(save(room, "many:1", "nothing:3")).rejects.toThrow("No such image: nothing:3");
  });

  test("an index of which one platform is here", async () => {
    const platform = (architecture: string) => ({ os: "linux", architecture });
    const images = ["amd64", "arm64"].map((architecture) => ({
      image: makeImage({ platform: platform(architecture), layers: [{ files: { architecture } }] }),
      platform: platform(architecture),
    }));
    const index = makeIndex(images);
    const { room, reference } = await roomWith("index", index);
    await using _ = room;
    await using other = await openImagesRoom();
    const archive = await save(room, reference);
    expect(await load(other, archive)).toEqual([`Loaded image: ${reference}`]);
    const resolved = await other.images.resolve(reference);
    expect([resolved.id, resolved.platform]).toEqual([index.root.digest, platform("amd64")]);
    await expect(load(other, archive, platform("arm64"))).rejects.toThrow(
      `image ${reference} was loaded, but doesn't provide the requested platform (linux/arm64)`,
    );
  });

  test("skopeo reads what we save, and we what it writes, in both of its formats", async () => {
    using folder = temporaryFolder();
    const image = made("skopeo");
    const { room, reference } = await roomWith("skopeo", image);
    await using _ = room;
    const path = join(folder.path, "saved.tar");
    await Bun.write(path, await save(room, reference));
    const copy = (from: string, to: string) => {
      const { exitCode, stderr } = Bun.spawnSync(["skopeo", "copy", "--insecure-policy", "-q", from, to], {
        stderr: "pipe",
      });
      if (exitCode !== 0) throw new Error(`skopeo: ${stderr}`);
    };
    for (const [source, target] of [
      [`docker-archive:${path}:${reference}`, "docker-archive"],
      [`oci-archive:${path}:1`, "oci-archive"],
    ] as const) {
      const written = join(folder.path, `${target}.tar`);
      copy(source, `${target}:${written}:localhost/again:1`);
      await using other = await openImagesRoom();
      expect(await load(other, readFileSync(written))).toEqual(["Loaded image: localhost/again:1"]);
      const { config } = await other.images.resolve("localhost/again:1");
      expect(config.rootfs.diff_ids).toEqual(image.diffIds);
      expect(contentsOf(other.context).layers).toBe(2);
    }
  });
});

describe("a bad archive leaves nothing", () => {
  const good = made("good");
  const blobsOf = (image: typeof good) =>
    [...image.blobs].map(([digest, content]) => ({
      entry: { path: `blobs/sha256/${digest.slice(7)}`, type: "file", mode: 0o644 } satisfies TarEntry,
      content,
    }));
  const file = (path: string, content: unknown) => ({
    entry: { path, type: "file", mode: 0o644 } satisfies TarEntry,
    content: new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content)),
  });
  const layout = file("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  const index = file("index.json", { schemaVersion: 2, manifests: [good.root] });
  const whole = tarArchive([...blobsOf(good), layout, index]);
  const link = (path: string, target: string) => ({
    entry: { path, type: "symbolic-link", mode: 0o777, target } satisfies TarEntry,
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["nothing at all", new Uint8Array(), /unrecognized image format/],
    ["an archive of something else", tarArchive([file("a", "b")]), /unrecognized image format/],
    ["random bytes", crypto.getRandomValues(new Uint8Array(4000)), /tar|header/],
    ["half an archive", whole.subarray(0, 1500), /truncated|unexpected EOF/],
    ["an index that is no JSON", tarArchive([layout, file("index.json", "{")]), /index.json is not JSON/],
    ["a manifest that is missing", tarArchive([layout, index]), /the archive lacks blobs/],
    [
      "a blob with another digest",
      tarArchive([
        ...blobsOf(good).map((entry) =>
          entry.entry.path.endsWith(good.layers[0]!.digest.slice(7))
            ? { ...entry, content: entry.content.map((b) => b ^ 1) }
            : entry,
        ),
        layout,
        index,
      ]),
      /unexpected digest of content/,
    ],
    [
      "a link that leads out",
      tarArchive([layout, link("index.json", "/etc/hostname")]),
      /unrecognized image format|leads out of the archive/,
    ],
    [
      "a docker-archive whose config lacks layers",
      tarArchive([
        file("manifest.json", [{ Config: "c.json", RepoTags: ["a:1"], Layers: ["l.tar"] }]),
        file("c.json", { rootfs: { type: "layers", diff_ids: [] } }),
        file("l.tar", "x"),
      ]),
      /layers length mismatch/,
    ],
    [
      "a docker-archive with a bad name",
      tarArchive([
        file("manifest.json", [{ Config: "c.json", RepoTags: ["Bad Name"], Layers: [] }]),
        file("c.json", { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } }),
      ]),
      /invalid reference format/,
    ],
    ["a manifest.json that is no list", tarArchive([file("manifest.json", {})]), /not a list/],
  ])("%s", async (_, archive, message) => {
    await using room = await openImagesRoom();
    await expect(load(room, archive)).rejects.toThrow(message);
    await room.context.store.collectGarbage();
    expect(contentsOf(room.context)).toEqual({ blobs: [], layers: 0, names: [] });
  });
});

describe("import", () => {
  const tar = layerTar({ "etc/": "", "etc/name": "imported" });
  const importTar = async (
    { images }: ImagesRoom,
    archive: Uint8Array,
    options: Partial<Parameters<typeof images.import>[1]> = {},
  ) => await images.import(chunks(archive), { changes: [], progress: () => undefined, ...options });

  test.each(["none", "gzip", "zstd"] as const)("%s", async (packing) => {
    await using room = await openImagesRoom();
    const packed = pack(tar, packing);
    const id = await importTar(room, packed, {
      reference: "imported:1",
      message: "by hand",
      changes: ["CMD a"],
    });
    const image = await room.images.resolve("imported:1");
    expect(image.id).toBe(id);
    expect(image.config.config).toEqual({ Cmd: ["/bin/sh", "-c", "a"] });
    expect(image.config.history?.[0]?.comment).toBe("by hand");
    const { store } = room.context;
    const layer = store.snapshots.layer(image.chain!)!;
    expect(readFileSync(join(store.snapshots.directory(layer), "etc/name"), "utf8")).toBe("imported");
    if (packing !== "none") expect(image.manifest.layers[0]?.size).toBe(packed.length);
    expect((await inspectImage(room.context, "imported:1", {})).Comment).toBe("by hand");
    // Pushing needs the blob, and what was unpacked must be what it holds.
    await store.collectGarbage();
    expect(contentsOf(room.context)).toMatchObject({ layers: 1, names: ["docker.io/library/imported:1"] });
    await using other = await openImagesRoom();
    expect(await load(other, await save(room, "imported:1"))).toEqual(["Loaded image: imported:1"]);
  });

  test("without a name, and over a name", async () => {
    await using room = await openImagesRoom();
    const first = await importTar(room, tar);
    expect(contentsOf(room.context).names).toEqual([`<none>@${first}`]);
    const second = await importTar(room, tar, { reference: "name", message: "2" });
    const third = await importTar(room, tar, { reference: "name", message: "3" });
    expect(contentsOf(room.context).names.sort()).toEqual(
      [`<none>@${first}`, `<none>@${second}`, "docker.io/library/name:latest"].sort(),
    );
    expect((await room.images.resolve("name")).id).toBe(third);
  });

  test.each<[string, Uint8Array, object, RegExp]>([
    ["random bytes", crypto.getRandomValues(new Uint8Array(4000)), {}, /tar|header/],
    ["half an archive", tar.subarray(0, tar.length - TAR_END.length - 700), {}, /truncated|unexpected/],
    ["a bad change", tar, { changes: ["RUN ls"] }, /RUN is not a valid change command/],
    ["a bad name", tar, { reference: "Bad" }, /must be lowercase/],
    ["a digest as name", tar, { reference: `a@sha256:${"0".repeat(64)}` }, /digest/],
  ])("%s is refused, and leaves nothing", async (_, archive, options, message) => {
    await using room = await openImagesRoom();
    await expect(importTar(room, archive, options)).rejects.toThrow(message);
    await room.context.store.collectGarbage();
    expect(contentsOf(room.context)).toEqual({ blobs: [], layers: 0, names: [] });
  });
});
