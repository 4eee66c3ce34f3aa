// Volumes as archives, their files by path, clones, and who uses them, over the API of a real daemon: what comes back is what was
// there, nothing leads out of the volume, and nothing half-made stays.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { attempt, deviceNumber } from "../../src/linux/files.ts";
import { getXattr, setXattr } from "../../src/linux/xattr.ts";
import { connect, type SdkError } from "../../src/sdk/index.ts";
import { END_OF_ARCHIVE, encodeEntry, type TarEntry } from "../../src/store/index.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { startVolumePlugin, type VolumePlugin } from "../fixtures/volume-plugin.ts";

let daemon: Daemon;
let client: ReturnType<typeof connect>;
const folderOf = (name: string) => join(daemon.dataRoot, "volumes", name, "_data");
const names = async () => ((await client.volumes.list()).Volumes ?? []).map(({ Name }) => Name).sort();
const path = (text: string) => Buffer.from(`${text}\0`);

beforeAll(async () => {
  daemon = await startDaemon({ bridge: "none" });
  client = connect({ host: daemon.host });
  await client.volumes.create({ Name: "full", Labels: { kind: "fruit" } });
  const root = folderOf("full");
  mkdirSync(join(root, "sub"));
  writeFileSync(join(root, "file"), "content");
  writeFileSync(join(root, ".wh.file"), "no whiteout");
  linkSync(join(root, "file"), join(root, "sub/same"));
  symlinkSync("/etc", join(root, "link"));
  attempt.mknod(path(join(root, "null")), 0o020666, deviceNumber(1, 3));
  setXattr(path(join(root, "file")), "user.colour", Buffer.from("red"));
  chownSync(join(root, "file"), 1000, 50);
  chmodSync(join(root, "file"), 0o4711);
  utimesSync(join(root, "file"), 1000, 1_000_000);
  chownSync(root, 33, 44);
  chmodSync(root, 0o1770);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

/** All that an archive is to keep. */
function factsOf(root: string) {
  const facts = (name: string) => {
    const { uid, gid, mode, nlink, rdev, size } = lstatSync(join(root, name));
    return { uid, gid, mode, nlink, rdev, size: mode & 0o040000 ? 0 : size };
  };
  return {
    names: readdirSync(root, { recursive: true }).map(String).sort(),
    root: facts("."),
    file: facts("file"),
    device: facts("null"),
    time: lstatSync(join(root, "file")).mtimeMs,
    link: readlinkSync(join(root, "link")),
    same: lstatSync(join(root, "file")).ino === lstatSync(join(root, "sub/same")).ino,
    attribute: Buffer.from(getXattr(path(join(root, "file")), "user.colour") ?? []).toString(),
    content: readFileSync(join(root, "sub/same"), "utf8"),
  };
}

async function archiveOf(name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await client.volumes.files.export(name)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("a whole volume", () => {
  test("comes back from its archive as it was", async () => {
    const archive = await archiveOf("full");
    const made = await client.volumes.files.import("again", archive, { labels: { a: "b" } });
    expect(made).toMatchObject({ Name: "again", Driver: "local", Labels: { a: "b" }, Options: null });
    expect(factsOf(folderOf("again"))).toEqual(factsOf(folderOf("full")));
    expect(factsOf(folderOf("again"))).toMatchObject({
      same: true,
      attribute: "red",
      link: "/etc",
      time: 1e9,
    });
    expect(readdirSync(join(daemon.dataRoot, "volumes/again"))).toEqual(["_data"]);
    await client.volumes.remove("again");
  });

  test("is cloned with its labels", async () => {
    const made = await client.volumes.files.clone("full", "twin", { labels: { size: "big" } });
    expect(made.Labels).toEqual({ kind: "fruit", size: "big" });
    expect(factsOf(folderOf("twin"))).toEqual(factsOf(folderOf("full")));
    await client.volumes.remove("twin");
    await expect(client.volumes.files.clone("full", "full")).rejects.toThrow("can't be a clone of itself");
    await expect(client.volumes.files.clone("nothing", "twin")).rejects.toThrow(
      "get nothing: no such volume",
    );
  });

  test("of a mount is what is mounted", async () => {
    const options = { type: "none", device: folderOf("full"), o: "bind" };
    await client.volumes.create({ Name: "shown", DriverOpts: options });
    await client.volumes.files.import("copy", await archiveOf("shown"));
    expect(factsOf(folderOf("copy"))).toEqual(factsOf(folderOf("full")));
    expect(readdirSync(folderOf("shown"))).toEqual([]);
    await expect(client.volumes.files.import("shown", await archiveOf("full"))).rejects.toThrow("is a mount");
    for (const name of ["shown", "copy"]) await client.volumes.remove(name);
  });

  test("fills one that is there only when that is empty and unused", async () => {
    const archive = await archiveOf("full");
    await expect(client.volumes.files.import("full", archive)).rejects.toThrow("has files already");
    await client.volumes.create({ Name: "empty" });
    await expect(client.volumes.files.import("empty", archive, { labels: { a: "b" } })).rejects.toThrow(
      "labels",
    );
    await client.volumes.files.import("empty", archive);
    expect(factsOf(folderOf("empty"))).toEqual(factsOf(folderOf("full")));
    await client.volumes.remove("empty");
    await expect(client.volumes.files.import("a name", archive)).rejects.toThrow("invalid characters");
  });
});

const entry = (more: Partial<TarEntry>): Buffer =>
  encodeEntry({
    name: "x",
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    modified: { seconds: 0, nanoseconds: 0 },
    linkName: "",
    major: 0,
    minor: 0,
    ...more,
  });

describe("an archive that", () => {
  const outside = () => join(daemon.folder, "outside");
  test.each<[string, () => Buffer[]]>([
    ["leads upwards", () => [entry({ name: "../../../outside" })]],
    [
      "goes through a link of its own",
      () => [
        entry({ name: "l", type: "symlink", linkName: "../../../.." }),
        entry({ name: "l/../../../outside" }),
      ],
    ],
    ["links to what is outside", () => [entry({ name: "h", type: "link", linkName: "../../../berth.sock" })]],
    ["is cut off", () => [entry({ name: "file", size: 10_000 }), Buffer.alloc(700)]],
    ["is none", () => [Buffer.alloc(4000, "garbage ")]],
    ["is nothing", () => []],
  ])("%s makes no volume", async (_, parts) => {
    const before = await names();
    const archive = Buffer.concat([...parts()]);
    await expect(client.volumes.files.import("bad", archive)).rejects.toThrow();
    expect(await names()).toEqual(before);
    expect(existsSync(join(daemon.dataRoot, "volumes/bad"))).toBe(false);
    expect(existsSync(outside())).toBe(false);
  });

  test("has a link to the host writes inside of the volume", async () => {
    const archive = Buffer.concat([
      entry({ name: "l", type: "symlink", linkName: daemon.folder }),
      entry({ name: "l/outside" }),
      END_OF_ARCHIVE,
    ]);
    await client.volumes.files.import("inside", archive).catch((error: SdkError) => error);
    expect(existsSync(outside())).toBe(false);
    await client.volumes.remove("inside", { force: true });
  });
});

describe("an import that ends early leaves nothing:", () => {
  const beginImport = () => {
    const sending = request({
      socketPath: daemon.socket,
      method: "PUT",
      path: "/v1.51/berth/volumes/archives/partial",
    });
    sending.on("error", () => {});
    sending.write(entry({ name: "big", size: 50_000_000 }));
    sending.write(Buffer.alloc(1_000_000));
    return sending;
  };
  const filling = () => join(daemon.dataRoot, "volumes/partial/_data.filling/big");
  const begun = async () => {
    while (!existsSync(filling())) await Bun.sleep(5);
  };

  test("its client left", async () => {
    const sending = beginImport();
    await begun();
    expect(await names()).not.toContain("partial");
    sending.destroy();
    while (existsSync(join(daemon.dataRoot, "volumes/partial"))) await Bun.sleep(5);
    await client.volumes.create({ Name: "partial" });
    await client.volumes.remove("partial");
  });

  test("the daemon was killed in it", async () => {
    const sending = beginImport();
    await begun();
    await daemon.kill9();
    sending.destroy();
    await daemon.restart();
    expect(await names()).toEqual(["full"]);
    expect(readdirSync(join(daemon.dataRoot, "volumes"))).toEqual(["full"]);
  });

  test.each(["volume.filled", "volume.renamed"])("the daemon was killed at %s", async (failpoint) => {
    const archive = await archiveOf("full");
    await daemon.restart({ BERTH_FAILPOINT: failpoint });
    await expect(client.volumes.files.import("partial", archive)).rejects.toThrow();
    await daemon.exited();
    await daemon.restart();
    expect(await names()).toEqual(["full"]);
    expect(readdirSync(join(daemon.dataRoot, "volumes"))).toEqual(["full"]);
  });
});

describe("files by path", () => {
  test("go in and out as a container's, and not beyond the volume", async () => {
    const { files } = client.volumes;
    expect(await files.stat("full", "/file")).toMatchObject({ name: "file", size: 7 });
    expect((await files.stat("full", "/link")).linkTarget).toBe("/etc");
    await expect(files.stat("full", "/link/hostname")).rejects.toMatchObject({ status: 404 });
    await expect(files.read("full", "/missing")).rejects.toThrow(
      "Could not find the file /missing in volume full",
    );
    await expect(files.read("nothing", "/x")).rejects.toThrow("get nothing: no such volume");
    const { stat, archive } = await files.read("full", "/sub");
    const chunks: Uint8Array[] = [];
    for await (const chunk of archive) chunks.push(chunk);
    expect(stat.name).toBe("sub");
    await client.volumes.create({ Name: "other" });
    await files.write("other", "/", Buffer.concat(chunks));
    expect(readFileSync(join(folderOf("other"), "sub/same"), "utf8")).toBe("content");
    expect(lstatSync(join(folderOf("other"), "sub/same")).uid).toBe(1000);
    await expect(files.write("other", "/missing", Buffer.concat(chunks))).rejects.toMatchObject({
      status: 404,
    });
    await client.volumes.remove("other");
  });
});

describe("who uses a volume", () => {
  test("is told by name, its size when asked", async () => {
    for await (const _ of await client.images.pull({ fromImage: "busybox", tag: "latest" }));
    const { Id } = await client.containers.create(
      { Image: "busybox", HostConfig: { Binds: ["full:/d:nocopy"] } },
      { name: "user" },
    );
    const { Volumes } = await client.volumes.files.list({ name: ["full"] }, { size: true });
    expect(Volumes).toMatchObject([{ Name: "full", UsedBy: ["user"], UsageData: { RefCount: 1 } }]);
    expect(Volumes[0]?.UsageData.Size).toBeGreaterThan(10);
    expect((await client.volumes.files.list()).Volumes[0]?.UsageData.Size).toBe(-1);
    await client.containers.remove(Id);
  });
});

describe("a disk that fills up while the image's content is copied", () => {
  test("is said at the creation, and the volume is empty", async () => {
    const options = { type: "tmpfs", device: "tmpfs", o: "size=64k" };
    await client.volumes.create({ Name: "small", DriverOpts: options });
    const config = { Image: "busybox", HostConfig: { Binds: ["small:/bin"] } };
    await expect(client.containers.create(config)).rejects.toThrow(
      /failed to populate volume: cp: .*No space left on device/,
    );
    expect(await client.containers.list({ all: true })).toEqual([]);
    expect(readdirSync(folderOf("small"))).toEqual([]);
    await client.volumes.remove("small");
    const { Id } = await client.containers.create({
      Image: "busybox",
      HostConfig: { Binds: ["small:/bin"] },
    });
    expect(readdirSync(folderOf("small"))).toContain("busybox");
    await client.containers.remove(Id, { volumes: true });
    await client.volumes.remove("small");
  });
});

describe("a plugin's volume", () => {
  let plugin: VolumePlugin;
  let plugged: Daemon;
  let other: ReturnType<typeof connect>;
  const mounted = () => plugin.mounts.get("pv")?.size ?? 0;
  beforeAll(async () => {
    const plugins = join(daemon.folder, "plugins");
    plugin = startVolumePlugin(join(plugins, "vp.sock"), join(daemon.folder, "held"));
    plugged = await startDaemon({ bridge: "none", config: { "plugin-dirs": [plugins] } });
    other = connect({ host: plugged.host });
    for await (const _ of await other.images.pull({ fromImage: "busybox", tag: "latest" }));
  });
  afterAll(async () => {
    plugin.answers.clear();
    await plugged?.[Symbol.asyncDispose]();
    await plugin?.[Symbol.asyncDispose]();
  });

  test("is mounted while its container runs, over a killed daemon, and filled from the image", async () => {
    const { Id } = await other.containers.create({
      Image: "busybox",
      Cmd: ["sh", "-c", "echo new > /bin/new; exec sleep 1000"],
      HostConfig: {
        NetworkMode: "none",
        Mounts: [
          { Type: "volume", Source: "pv", Target: "/bin", VolumeOptions: { DriverConfig: { Name: "vp" } } },
        ],
      },
    });
    expect(mounted()).toBe(0);
    expect(readdirSync(join(daemon.folder, "held/pv"))).toContain("busybox");
    await other.containers.start(Id);
    expect(mounted()).toBe(1);
    expect((await other.containers.inspect(Id)).Mounts).toMatchObject([
      { Name: "pv", Driver: "vp", Source: join(daemon.folder, "held/pv") },
    ]);
    await plugged.kill9();
    await plugged.restart();
    expect(mounted()).toBe(1);
    await other.containers.stop(Id, { timeout: 0 });
    while (mounted() > 0) await Bun.sleep(5);
    expect(existsSync(join(daemon.folder, "held/pv/new"))).toBe(true);
    await other.containers.remove(Id);
    await other.volumes.remove("pv");
    expect(plugin.methods().at(-1)).toBe("Remove");
  });

  test("whose plugin hangs holds up nothing else", async () => {
    await other.volumes.create({ Name: "pv", Driver: "vp" });
    for (const method of ["Get", "Mount", "List"]) plugin.answers.set(`VolumeDriver.${method}`, "hang");
    const asked = () => plugin.methods().filter((method) => method === "Get").length;
    const before = asked();
    const leave = new AbortController();
    fetch("http://d/v1.51/volumes/pv", { unix: plugged.socket, signal: leave.signal }).catch(() => {});
    while (asked() === before) await Bun.sleep(5);
    expect((await other.system.info()).Plugins?.Volume).toEqual(["local", "vp"]);
    await other.volumes.create({ Name: "mine", Driver: "local" });
    await other.volumes.remove("mine");
    leave.abort();
  });
});
