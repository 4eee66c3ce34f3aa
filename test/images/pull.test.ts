// Pulls from a real registry: formats, platforms, sharing, what is said on the way.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspectImage, listImages } from "../../src/images/index.ts";
import { type LayerFiles, makeImage, makeIndex, noise, type Packing } from "../fixtures/image.ts";
import { contentsOf, type ImagesRoom, openImagesRoom } from "../fixtures/images-room.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

const inUse = () => [];
const layers = (packing: Packing): LayerFiles[] => [
  { files: { "etc/": "", "etc/name": "lower" }, packing },
  { files: { "etc/": "", "etc/name": "upper", big: noise(3 << 20) }, packing },
];

/** The file of the topmost layer, from its own folder. */
function fileInTop({ context: { store } }: ImagesRoom, path: string): string {
  const top = store.snapshots.list().find(({ parent }) => parent !== undefined);
  return readFileSync(join(store.snapshots.directory(top!.id), path), "utf8");
}

describe("formats", () => {
  for (const [name, image] of [
    ["OCI, gzip", makeImage({ layers: layers("gzip") })],
    ["OCI, zstd", makeImage({ layers: layers("zstd") })],
    ["OCI, plain tar", makeImage({ layers: layers("none") })],
    ["Docker schema 2", makeImage({ layers: layers("gzip"), docker: true })],
  ] as const)
    test(name, async () => {
      await using room = await openImagesRoom();
      const repository = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
      await registry.push(image, repository, "1");
      const reference = `${registry.host}/${repository}:1`;
      const said = await room.pull(reference);
      const resolved = await room.images.resolve(reference);
      expect(resolved.id).toBe(image.root.digest);
      expect(resolved.config.config?.Cmd).toEqual(["/bin/true"]);
      expect(fileInTop(room, "etc/name")).toBe("upper");
      expect(contentsOf(room.context)).toMatchObject({ layers: 2, names: [reference] });
      expect(contentsOf(room.context).blobs).toHaveLength(4);
      expect(said[0]).toEqual({ status: `Pulling from ${repository}`, id: "1" });
      expect(said.at(-2)).toEqual({ status: `Digest: ${image.root.digest}` });
      expect(said.at(-1)).toEqual({ status: `Status: Downloaded newer image for ${reference}` });
      const ids = image.layers.map(({ digest }) => digest.slice(7, 19));
      for (const id of ids) {
        const states = said.filter((message) => message.id === id).map(({ status }) => status);
        expect(states[0]).toBe("Pulling fs layer");
        expect(states).toContain("Download complete");
        expect(states.at(-1)).toBe("Pull complete");
      }
      expect(room.events).toEqual([
        { action: "pull", id: reference, attributes: { name: `${registry.host}/${repository}` } },
      ]);
      expect(await room.pull(reference)).toEqual([
        { status: `Pulling from ${repository}`, id: "1" },
        { status: `Digest: ${image.root.digest}` },
        { status: `Status: Image is up to date for ${reference}` },
      ]);
    });

  test("an image without layers", async () => {
    await using room = await openImagesRoom();
    await registry.push(makeImage({ layers: [] }), "empty", "1");
    await room.pull(`${registry.host}/empty:1`);
    expect((await room.images.resolve(`${registry.host}/empty:1`)).chain).toBeUndefined();
  });
});

describe("platforms", () => {
  const on = (architecture: string, variant?: string) => ({
    os: "linux",
    architecture,
    ...(variant && { variant }),
  });
  const made = (architecture: string, variant?: string) => {
    const platform = on(architecture, variant);
    return {
      image: makeImage({ platform, layers: [{ files: { arch: `${architecture}${variant ?? ""}` } }] }),
      platform,
    };
  };

  test("an index gives the host's manifest, or the one that was asked for", async () => {
    const several = [made("arm", "v6"), made("386"), made("amd64"), made("arm64", "v8")];
    const index = makeIndex(several);
    await registry.push(index, "several", "1");
    const name = `${registry.host}/several:1`;
    await using room = await openImagesRoom();
    await room.pull(name);
    const own = await room.images.resolve(name);
    expect(own.id).toBe(index.root.digest);
    expect(own.platform).toEqual(on("amd64"));
    expect(contentsOf(room.context).blobs).toHaveLength(4);
    expect(room.images.resolve(name, on("arm64"))).rejects.toThrow(
      `image with reference ${name} was found but does not provide the specified platform (linux/arm64)`,
    );
    await room.pull(name, { platform: on("arm64") });
    expect((await room.images.resolve(name, on("arm64"))).platform).toEqual(on("arm64", "v8"));
    expect((await room.images.resolve(name)).platform).toEqual(on("amd64"));
    const inspected = await inspectImage(room.context, name, { manifests: true });
    expect(inspected.Manifests?.map((one) => [one.Descriptor.platform?.architecture, one.Available])).toEqual(
      [
        ["arm", false],
        ["386", false],
        ["amd64", true],
        ["arm64", true],
      ],
    );
    const [row] = await listImages(room.context, { inUse });
    expect(row?.Id).toBe(index.root.digest);
  });

  test("amd64 takes 386 when there is nothing better", async () => {
    await registry.push(makeIndex([made("arm64"), made("386")]), "fallback", "1");
    await using room = await openImagesRoom();
    await room.pull(`${registry.host}/fallback:1`);
    expect((await room.images.resolve(`${registry.host}/fallback:1`)).platform).toEqual(on("386"));
  });

  test("an index without ours is refused in Docker's words", async () => {
    const index = makeIndex([made("arm64"), made("s390x")]);
    await registry.push(index, "foreign", "1");
    await using room = await openImagesRoom();
    const failure = room.pull(`${registry.host}/foreign:1`);
    await expect(failure).rejects.toMatchObject({ kind: "not-found" });
    await expect(failure).rejects.toThrow(
      "no matching manifest for linux/amd64 in the manifest list entries",
    );
    expect(contentsOf(room.context).names).toEqual([]);
  });
});

test("a digest names an image, and only that repository's", async () => {
  const image = makeImage({ layers: [{ files: { by: "digest" } }] });
  await registry.push(image, "digested", "1");
  await using room = await openImagesRoom();
  const name = `${registry.host}/digested@${image.root.digest}`;
  const said = await room.pull(name);
  expect(said[0]).toEqual({ status: "Pulling from digested", id: name });
  expect((await room.images.resolve(name)).id).toBe(image.root.digest);
  expect(room.images.resolve(`${registry.host}/other@${image.root.digest}`)).rejects.toThrow("No such image");
  const hex = image.root.digest.slice(7);
  expect((await room.images.resolve(hex.slice(0, 12))).id).toBe(image.root.digest);
});

test("all tags of a repository", async () => {
  await registry.push(makeImage({ layers: [{ files: { tag: "a" } }] }), "tags", "a");
  await registry.push(makeImage({ layers: [{ files: { tag: "b" } }] }), "tags", "b");
  await using room = await openImagesRoom();
  await room.pull(`${registry.host}/tags`, { allTags: true });
  expect(contentsOf(room.context).names).toEqual([`${registry.host}/tags:a`, `${registry.host}/tags:b`]);
});

test("a tag that moved leaves the old image untagged", async () => {
  const [before, after] = ["old", "new"].map((text) => makeImage({ layers: [{ files: { text } }] }));
  await using room = await openImagesRoom();
  const name = `${registry.host}/moving:1`;
  await registry.push(before!, "moving", "1");
  await room.pull(name);
  await registry.push(after!, "moving", "1");
  await room.pull(name);
  expect(contentsOf(room.context).names.sort()).toEqual([name, `<none>@${before!.root.digest}`]);
});

test("what isn't there", async () => {
  await using room = await openImagesRoom();
  const name = `${registry.host}/nothing:1`;
  const failure = room.pull(name);
  await expect(failure).rejects.toMatchObject({ kind: "not-found" });
  await expect(failure).rejects.toThrow(`failed to resolve reference "${name}": ${name}: not found`);
  const nowhere = room.pull("127.0.0.1:1/x:1");
  await expect(nowhere).rejects.toThrow(
    'failed to resolve reference "127.0.0.1:1/x:1": failed to do request: Head "https://127.0.0.1:1/v2/x/manifests/1": dial tcp 127.0.0.1:1: connect: connection refused',
  );
  expect(contentsOf(room.context)).toEqual({ blobs: [], layers: 0, names: [] });
});

describe("several at once", () => {
  const big = makeImage({
    layers: [
      { files: { a: noise(4 << 20, 1) } },
      { files: { b: noise(4 << 20, 2) } },
      { files: { c: noise(2 << 20, 3) } },
    ],
  });

  test("two pulls of one image bring each blob once and unpack it once", async () => {
    await using lying = await startLyingRegistry(big, "1");
    await using room = await openImagesRoom();
    const name = `${lying.host}/shared:1`;
    const all = await Promise.all([room.pull(name), room.pull(name), room.pull(name)]);
    for (const said of all) expect(said.filter(({ status }) => status === "Pull complete")).toHaveLength(3);
    const asked = lying.exchanges.filter(({ method, path }) => method === "GET" && path.includes("/blobs/"));
    expect(asked.map(({ path }) => path).sort()).toEqual(
      [...big.layers, big.config].map(({ digest }) => `/v2/shared/blobs/${digest}`).sort(),
    );
    expect(contentsOf(room.context).layers).toBe(3);
  });

  test("the second goes on when the first is given up", async () => {
    const gate = Promise.withResolvers<void>();
    await using lying = await startLyingRegistry(big, "1", async ({ url }) => {
      if (url?.includes(big.layers[1]!.digest)) await gate.promise;
      return false;
    });
    await using room = await openImagesRoom();
    const name = `${lying.host}/shared:1`;
    const giveUp = new AbortController();
    const first = room.pull(name, { signal: giveUp.signal });
    while (!lying.exchanges.some(({ path }) => path.includes(big.layers[1]!.digest))) await Bun.sleep(5);
    // The request under way is the first one's; the second joins it.
    const said: string[] = [];
    const second = room.pull(name, { progress: ({ status = "" }) => void said.push(status) });
    while (!said.includes("Pulling fs layer")) await Bun.sleep(5);
    await Bun.sleep(20);
    giveUp.abort(new Error("given up"));
    await expect(first).rejects.toThrow("given up");
    gate.resolve();
    await second;
    expect((await room.images.resolve(name)).id).toBe(big.root.digest);
    expect(lying.exchanges.filter(({ path }) => path.includes(big.layers[1]!.digest))).toHaveLength(1);
  });

  test("one that is given up leaves no name and no unpacked layer", async () => {
    const never = new Promise<boolean>(() => {});
    await using lying = await startLyingRegistry(big, "1", ({ url }) =>
      url?.includes(big.layers[2]!.digest) ? never : false,
    );
    await using room = await openImagesRoom();
    const giveUp = new AbortController();
    const pull = room.pull(`${lying.host}/shared:1`, { signal: giveUp.signal });
    while (!lying.exchanges.some(({ path }) => path.includes(big.layers[2]!.digest))) await Bun.sleep(5);
    giveUp.abort(new Error("given up"));
    await expect(pull).rejects.toThrow("given up");
    await eventuallyEmpty(room);
  });
});

/** What was under way when a pull was given up ends by itself a moment later; then nothing holds what it brought. */
async function eventuallyEmpty({ context }: ImagesRoom): Promise<void> {
  for (const until = Date.now() + 5_000; Date.now() < until; await Bun.sleep(10)) {
    await context.store.collectGarbage();
    if (contentsOf(context).blobs.length === 0) break;
  }
  expect(contentsOf(context)).toEqual({ blobs: [], layers: 0, names: [] });
}
