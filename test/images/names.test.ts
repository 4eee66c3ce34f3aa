// Names: tag, remove, prune and list, with Docker's answers and words.
import { describe, expect, test } from "bun:test";
import {
  type ImageFilters,
  type ImageUser,
  imageHistory,
  inspectImage,
  listImages,
  pruneImages,
} from "../../src/images/index.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { type MadeImage, makeImage } from "../fixtures/image.ts";
import { contentsOf, type ImagesRoom, openImagesRoom } from "../fixtures/images-room.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";

const nobody = (): ImageUser[] => [];
const LONG = `${"c0ffee".repeat(10)}beef`;

/** A room with images under plain names (`app:1`), from registries that are gone already. */
async function roomWith(images: Record<string, MadeImage>): Promise<ImagesRoom> {
  const room = await openImagesRoom();
  for (const [name, image] of Object.entries(images)) {
    await using registry = await startLyingRegistry(image, "1");
    await room.pull(`${registry.host}/x:1`);
    await room.images.tag(`${registry.host}/x:1`, name);
    await room.images.remove(`${registry.host}/x:1`, { force: false, prune: true, inUse: nobody });
  }
  room.events.length = 0;
  return room;
}

const made = (text: string, config = {}, created?: string) =>
  makeImage({ layers: [{ files: { text } }], config, created });

describe("remove", () => {
  const image = made("one");
  const id = image.root.digest;
  const short = id.slice(7, 19);
  const container = (running: boolean) => (): ImageUser[] => [{ containerId: LONG, running }];
  const remove = (
    room: ImagesRoom,
    text: string,
    options: { force?: boolean; inUse?: (id: Digest) => ImageUser[] } = {},
  ) => room.images.remove(text, { force: false, prune: true, inUse: nobody, ...options });

  test("the last name takes the image with it", async () => {
    await using room = await roomWith({ "app:1": image });
    expect(await remove(room, "app:1")).toEqual([{ Untagged: "app:1" }, { Deleted: id }]);
    expect(room.events.map(({ action, id: what }) => [action, what])).toEqual([
      ["untag", id],
      ["delete", id],
    ]);
    expect(contentsOf(room.context)).toEqual({ blobs: [], layers: 0, names: [] });
    await expect(remove(room, "app:1")).rejects.toThrow("No such image: app:1");
  });

  test("one of several names is taken off", async () => {
    await using room = await roomWith({ "app:1": image });
    await room.images.tag("app:1", "app:2");
    await room.images.tag("app:1", "other/app");
    expect(await remove(room, "app:2")).toEqual([{ Untagged: "app:2" }]);
    expect(await remove(room, "other/app")).toEqual([{ Untagged: "other/app:latest" }]);
    expect(contentsOf(room.context).names).toEqual(["docker.io/library/app:1"]);
  });

  test("by id: tags of one repository go together, of several only with force", async () => {
    await using room = await roomWith({ "app:1": image });
    await room.images.tag("app:1", "other:1");
    await expect(remove(room, short)).rejects.toMatchObject({
      kind: "conflict",
      message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    });
    expect(await remove(room, short, { force: true })).toEqual([
      { Untagged: "app:1" },
      { Untagged: "other:1" },
      { Deleted: id },
    ]);
  });

  test("a name that a stopped container was made by", async () => {
    await using room = await roomWith({ "app:1": image });
    const inUse = container(false);
    await expect(remove(room, "app:1", { inUse })).rejects.toMatchObject({
      kind: "conflict",
      message: `conflict: unable to delete app:1 (must be forced) - container ${LONG.slice(0, 12)} is using its referenced image ${short}`,
    });
    await expect(remove(room, short, { inUse })).rejects.toThrow(
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${LONG.slice(0, 12)}`,
    );
    // The name goes, the image stays for the container.
    expect(await remove(room, "app:1", { inUse, force: true })).toEqual([{ Untagged: "app:1" }]);
    expect(contentsOf(room.context).names).toEqual([`<none>@${id}`]);
    expect(await remove(room, short, { inUse, force: true })).toEqual([{ Deleted: id }]);
  });

  test("a running container holds its image against force", async () => {
    await using room = await roomWith({ "app:1": image });
    const inUse = container(true);
    for (const force of [false, true])
      await expect(remove(room, short, { inUse, force })).rejects.toThrow(
        `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${LONG.slice(0, 12)}`,
      );
    expect(contentsOf(room.context).names).toHaveLength(1);
  });

  test("a layer that another image has stays", async () => {
    const shared = { files: { shared: "s" } };
    const [a, b] = ["a", "b"].map((text) => makeImage({ layers: [shared, { files: { text } }] }));
    await using room = await roomWith({ "a:1": a!, "b:1": b! });
    expect(contentsOf(room.context).layers).toBe(3);
    await remove(room, "a:1");
    expect(contentsOf(room.context).layers).toBe(2);
    expect((await room.images.resolve("b:1")).chain).toBeDefined();
  });

  test.each([
    ["nothing", "No such image: nothing:latest"],
    ["nothing:2", "No such image: nothing:2"],
    ["0123456789ab", "No such image: 0123456789ab:latest"],
    [`sha256:${"0".repeat(64)}`, `No such image: sha256:${"0".repeat(64)}`],
    ["UPPER", "invalid reference format: repository name (library/UPPER) must be lowercase"],
    [" ", "image name cannot be blank"],
  ])("%s: %s", async (text, message) => {
    await using room = await openImagesRoom();
    await expect(remove(room, text)).rejects.toThrow(message);
  });
});

describe("tag", () => {
  test("points a name elsewhere, and keeps what loses its last one", async () => {
    const [a, b] = [made("a"), made("b")];
    await using room = await roomWith({ "app:1": a, "app:2": b });
    await room.images.tag("app:2", "app:1");
    expect(contentsOf(room.context).names.sort()).toEqual(
      ["docker.io/library/app:1", "docker.io/library/app:2", `<none>@${a.root.digest}`].sort(),
    );
    await room.images.tag(a.root.digest.slice(7, 20), "back");
    expect(contentsOf(room.context).names.some((name) => name.startsWith("<none>"))).toBe(false);
  });
  test.each([
    ["app:1", "sha256", "refusing to create an ambiguous tag using digest algorithm as name"],
    ["app:1", `x@sha256:${"0".repeat(64)}`, "refusing to create a tag with a digest reference"],
    ["app:1", "Bad", "must be lowercase"],
    ["none", "x", "No such image: none:latest"],
  ])("%s as %s is refused: %s", async (source, target, message) => {
    await using room = await roomWith({ "app:1": made("a") });
    await expect(room.images.tag(source, target)).rejects.toThrow(message);
  });
});

describe("list", () => {
  const images = {
    "old:1": made("old", { Labels: { team: "red", size: "s" } }, "2020-01-01T00:00:00Z"),
    "user/middle:1": made("middle", { Labels: { team: "blue" } }, "2022-01-01T00:00:00Z"),
    "new:latest": made("new", {}, "2024-01-01T00:00:00Z"),
  };
  test.each<[ImageFilters, string[]]>([
    [{}, ["new:latest", "user/middle:1", "old:1"]],
    [{ reference: ["old"] }, ["old:1"]],
    [{ reference: ["*:1"] }, ["old:1"]],
    [{ reference: ["*/*"] }, ["user/middle:1"]],
    [{ reference: ["old", "n?w"] }, ["new:latest", "old:1"]],
    [{ reference: ["[m-o]*"] }, ["new:latest", "old:1"]],
    [{ reference: ["["] }, []],
    [{ label: ["team"] }, ["user/middle:1", "old:1"]],
    [{ label: ["team=red"] }, ["old:1"]],
    [{ label: ["team", "size=s"] }, ["old:1"]],
    [{ "label!": ["team"] }, ["new:latest"]],
    [{ "label!": ["team=red"] }, ["user/middle:1"]],
    [{ label: ["team!=red"] }, ["user/middle:1"]],
    [{ before: ["user/middle:1"] }, ["old:1"]],
    [{ since: ["user/middle:1"] }, ["new:latest"]],
    [{ dangling: ["true"] }, []],
    [{ dangling: ["false"] }, ["new:latest", "user/middle:1", "old:1"]],
    [{ until: ["1h"] }, []],
    [{ until: ["-1h"] }, ["new:latest", "user/middle:1", "old:1"]],
  ])("%j", async (filters, expected) => {
    await using room = await roomWith(images);
    const rows = await listImages(room.context, { filters, inUse: nobody });
    expect(rows.flatMap(({ RepoTags }) => RepoTags)).toEqual(expected);
  });
  test.each<[ImageFilters, string]>([
    [{ bogus: ["1"] }, "invalid filter 'bogus'"],
    [{ dangling: ["maybe"] }, "invalid filter 'dangling=[maybe]'"],
    [{ since: ["nothing"] }, "No such image: nothing:latest"],
    [{ until: ["tomorrow"] }, "failed to parse value as time or duration"],
  ])("%j is refused", async (filters, message) => {
    await using room = await openImagesRoom();
    await expect(listImages(room.context, { filters, inUse: nobody })).rejects.toThrow(message);
  });
  test("a row, with its shared layers and containers", async () => {
    const shared = { files: { shared: "s" } };
    const [a, b] = ["a", "b"].map((text) =>
      makeImage({ layers: [shared, { files: { text } }], config: { Labels: { a: "b" } } }),
    );
    await using room = await roomWith({ "a:1": a!, "b:1": b! });
    const rows = await listImages(room.context, {
      sharedSize: true,
      inUse: (id) => (id === a!.root.digest ? [{ containerId: LONG, running: false }] : []),
    });
    const row = rows.find(({ Id }) => Id === a!.root.digest)!;
    const packed = [a!.root, a!.config, ...a!.layers].reduce((sum, { size }) => sum + size, 0);
    expect(row).toEqual({
      Id: a!.root.digest,
      ParentId: "",
      RepoTags: ["a:1"],
      RepoDigests: [`a@${a!.root.digest}`],
      Created: 1714979289,
      Size: expect.any(Number),
      SharedSize: expect.any(Number),
      Labels: { a: "b" },
      Containers: 1,
      Descriptor: a!.root,
    });
    const { store } = room.context;
    const sizes = store.snapshots.list().map(({ size }) => size ?? 0);
    expect(row.Size).toBe(packed + sizes[0]! + sizes[1]!);
    expect(row.SharedSize).toBe(sizes[0]!);
  });
});

describe("inspect and history", () => {
  test("what is empty is null or left out as in Docker", async () => {
    const image = makeImage({ config: { Cmd: ["a"], ExposedPorts: {}, StopSignal: "", User: "me" } });
    await using room = await roomWith({ "app:1": image });
    const seen = await inspectImage(room.context, "app:1", {});
    expect(seen).toEqual({
      Id: image.root.digest,
      RepoTags: ["app:1"],
      RepoDigests: [`app@${image.root.digest}`],
      Parent: "",
      Comment: "",
      Created: "2024-05-06T07:08:09.123456789Z",
      DockerVersion: "",
      Author: "",
      Architecture: "amd64",
      Os: "linux",
      Size: [image.root, image.config, ...image.layers].reduce((sum, { size }) => sum + size, 0),
      GraphDriver: { Name: "overlayfs", Data: null as never },
      RootFS: { Type: "layers", Layers: image.diffIds },
      Metadata: { LastTagTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as never },
      Descriptor: image.root,
      Config: {
        Cmd: ["a"],
        Entrypoint: null,
        Env: null,
        Labels: null,
        OnBuild: null,
        User: "me",
        Volumes: null,
        WorkingDir: "",
      } as never,
    });
  });
  test("history begins with the newest step, which has the id and the names", async () => {
    const image = makeImage({ layers: [{ files: { a: "1" } }, { files: { b: "2" } }] });
    await using room = await roomWith({ "app:1": image });
    const rows = await imageHistory(room.context, "app:1", {});
    expect(rows.map(({ Id, CreatedBy, Tags, Created }) => [Id, CreatedBy, Tags, Created])).toEqual([
      [image.root.digest, "step 1", ["app:1"], 1714979289],
      ["<missing>", "step 0", null, 1714979289],
    ]);
    expect(rows.every(({ Size }) => Size > 0)).toBe(true);
  });
});

describe("prune", () => {
  const [kept, gone] = [made("kept", { Labels: { keep: "1" } }), made("gone")];
  test("untagged images only, unless all is asked for", async () => {
    await using room = await roomWith({ "app:1": gone, "kept:1": kept });
    await room.images.tag("kept:1", "app:1");
    const report = await pruneImages(room.context, { filters: {}, inUse: nobody });
    expect(report.ImagesDeleted).toEqual([{ Untagged: gone.root.digest }, { Deleted: gone.root.digest }]);
    expect(report.SpaceReclaimed).toBeGreaterThan(0);
    expect(contentsOf(room.context).names).toHaveLength(2);
    const all = await pruneImages(room.context, { filters: { dangling: ["false"] }, inUse: nobody });
    expect(all.ImagesDeleted).toEqual([
      { Untagged: "app:1" },
      { Deleted: kept.root.digest },
      { Untagged: "kept:1" },
    ]);
    expect(contentsOf(room.context)).toEqual({ blobs: [], layers: 0, names: [] });
  });
  test("what a container uses, and what the filters leave out, stays", async () => {
    await using room = await roomWith({ "used:1": gone, "kept:1": kept });
    await room.images.tag("used:1", "alias:1");
    const inUse = (id: Digest): ImageUser[] =>
      id === gone.root.digest ? [{ containerId: LONG, running: false, reference: "used:1" }] : [];
    const report = await pruneImages(room.context, {
      filters: { dangling: ["false"], "label!": ["keep"] },
      inUse,
    });
    expect(report.ImagesDeleted).toEqual([{ Untagged: "alias:1" }]);
    expect(contentsOf(room.context).names).toEqual(["docker.io/library/kept:1", "docker.io/library/used:1"]);
  });
});
