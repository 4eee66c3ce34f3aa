// Volumes on a real disk: made, filled, used, removed, and what a killed daemon leaves.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { mountsBelow, unmount } from "../../src/linux/mount.ts";
import { detectEnvironment } from "../../src/runtime/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";
import { openVolumes } from "../../src/volumes/index.ts";
import type { MountRequest, VolumeRecord, Volumes } from "../../src/volumes/types.ts";

let folder: string;
let store: Store;
let volumes: Volumes;
const root = () => join(folder, "data");
const nothing: MountRequest = { binds: [], mounts: [], tmpfs: {}, imageVolumes: [], inherited: [] };

async function open(): Promise<void> {
  store = await openStore({ root: root(), snapshotBackend: "copy" });
  volumes = await openVolumes({
    store,
    environment: detectEnvironment({
      dataRoot: root(),
      execRoot: join(folder, "exec"),
      bridge: "berthtest0",
    }),
  });
}
/** As a container's record, which tells that its uses are not left over. */
const recordContainer = (id: string) =>
  store.documents<{ id: string; name: string }>("containers").put({ id, name: id });

const listed = async (filters: Record<string, string[]> = {}) =>
  (await volumes.list(filters)).volumes.map(({ Name }) => Name);

beforeEach(async () => {
  folder = mkdtempSync("/var/tmp/berth-test-");
  await open();
});
afterEach(async () => {
  await store.close();
  for (const { target } of mountsBelow(folder)) unmount(target);
  rmSync(folder, { recursive: true, force: true });
});

describe("named volumes", () => {
  test("are made once, however often they are asked for", async () => {
    const made = await volumes.create({ name: "data", labels: { a: "b" } });
    const again = await volumes.create({ name: "data", labels: { other: "x" } });
    expect(again).toEqual(made);
    expect(volumes.mountpoint("data")).toBe(join(root(), "volumes/data/_data"));
    expect(statSync(volumes.mountpoint("data")).mode & 0o777).toBe(0o755);
    expect(made).toEqual({
      CreatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      Driver: "local",
      Labels: { a: "b" },
      Mountpoint: volumes.mountpoint("data"),
      Name: "data",
      Options: null as never,
      Scope: "local",
    });
  });

  test("made at the same time by many are one", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => volumes.create({ name: "once" })));
    expect(new Set(all.map(({ CreatedAt }) => CreatedAt)).size).toBe(1);
    expect(await listed()).toHaveLength(1);
  });

  test("with bad names, drivers or options are refused, and nothing is left", async () => {
    for (const [request, message] of [
      [
        { name: "x" },
        "create x: volume name is too short, names should be at least two alphanumeric characters",
      ],
      [
        { name: "../up" },
        'create ../up: "../up" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
      ],
      [{ name: "x", driver: "foo" }, 'create x: error looking up volume plugin foo: plugin "foo" not found'],
      [
        { name: "fine", driver: "foo" },
        'create fine: error looking up volume plugin foo: plugin "foo" not found',
      ],
      [{ name: "fine", options: { bla: "1" } }, 'create fine: invalid option: "bla"'],
    ] as const)
      await expect(volumes.create(request)).rejects.toThrow(message);
    expect(await listed()).toEqual([]);
    expect(readdirSync(join(root(), "volumes"))).toEqual([]);
  });

  test("with options of the local driver are mounted while a container runs with them", async () => {
    await volumes.create({
      name: "fast",
      options: { type: "tmpfs", device: "tmpfs", o: "size=64k,mode=700" },
    });
    const mountpoint = volumes.mountpoint("fast");
    const mounted = () => mountsBelow(mountpoint).map(({ type }) => type);
    const start = async (id: string) => {
      recordContainer(id);
      const mounts = await volumes.acquire(id, volumes.plan({ ...nothing, binds: ["fast:/d"] }));
      await volumes.realise(id, mounts, { uid: 0, gid: 0 });
    };
    expect(mounted()).toEqual([]);
    await start("c1");
    await start("c2");
    expect(mounted()).toEqual(["tmpfs"]);
    expect(statSync(mountpoint).mode & 0o777).toBe(0o700);
    writeFileSync(join(mountpoint, "both"), "");
    await volumes.letGo("c1");
    await store.close();
    await open();
    expect(readdirSync(mountpoint)).toEqual(["both"]);
    await volumes.letGo("c2");
    expect(mounted()).toEqual([]);
    await start("c1");
    expect(readdirSync(mountpoint)).toEqual([]);
    await volumes.release("c1", { removeAnonymous: false });
    expect(mounted()).toEqual([]);
  });

  test("that are a bind go without the files that they show", async () => {
    const shown = join(folder, "shown");
    mkdirSync(shown);
    writeFileSync(join(shown, "precious"), "");
    const options = { type: "none", device: shown, o: "bind,ro" };
    const mounts = volumes.plan({
      ...nothing,
      mounts: [{ Type: "volume", Target: "/d", VolumeOptions: { DriverConfig: { Options: options } } }],
    });
    const [mount] = await volumes.acquire("c1", mounts);
    await volumes.realise("c1", [mount!], { uid: 0, gid: 0 });
    const mountpoint = volumes.mountpoint(mount!.source);
    expect(readdirSync(mountpoint)).toEqual(["precious"]);
    expect(() => writeFileSync(join(mountpoint, "more"), "")).toThrow("EROFS");
    await volumes.release("c1", { removeAnonymous: true });
    expect(await listed()).toEqual([]);
    expect(readdirSync(shown)).toEqual(["precious"]);
  });

  test("that can't be mounted say why, as Docker does, and nothing stays mounted", async () => {
    await volumes.create({ name: "bad", options: { type: "none", device: "/nowhere/at/all", o: "bind" } });
    const mounts = await volumes.acquire("c1", volumes.plan({ ...nothing, binds: ["bad:/d"] }));
    const path = volumes.mountpoint("bad");
    await expect(volumes.realise("c1", mounts, { uid: 0, gid: 0 })).rejects.toThrow(
      `error while mounting volume '${path}': failed to mount local volume: mount /nowhere/at/all:${path}, flags: 0x1000: no such file or directory`,
    );
    expect(mountsBelow(path)).toEqual([]);
  });

  test("of other hosts have their names looked up, and tell no passwords", async () => {
    const start = async (name: string, options: Record<string, string>) => {
      await volumes.create({ name, options });
      const mounts = await volumes.acquire("c1", volumes.plan({ ...nothing, binds: [`${name}:/d`] }));
      await volumes.realise("c1", mounts, { uid: 0, gid: 0 });
    };
    await expect(start("far", { type: "nfs", device: ":/x", o: "addr=nohost.invalid,rw" })).rejects.toThrow(
      /error while mounting volume '.*': error resolving passed in network volume address: lookup nohost\.invalid: /,
    );
    const o = "username=u,password=secret";
    const refused = await start("share", { type: "cifs", device: "//127.0.0.1/nothing", o }).catch(String);
    expect(refused).toContain("failed to mount local volume: mount //127.0.0.1/nothing:");
    expect(refused).toContain("data: username=u,password=********: ");
    expect(mountsBelow(folder)).toEqual([]);
  });

  test("are removed when nobody uses them", async () => {
    await volumes.create({ name: "data" });
    await volumes.acquire("c1", volumes.plan({ ...nothing, binds: ["data:/d"] }));
    await expect(volumes.remove("data", { force: true })).rejects.toThrow(
      "remove data: volume is in use - [c1]",
    );
    await volumes.release("c1", { removeAnonymous: true });
    await volumes.remove("data", { force: false });
    expect(existsSync(join(root(), "volumes/data"))).toBe(false);
    await expect(volumes.remove("data", { force: false })).rejects.toThrow("get data: no such volume");
    await volumes.remove("data", { force: true });
    await expect(volumes.inspect("data")).rejects.toThrow("get data: no such volume");
  });

  test("are listed by filters and pruned", async () => {
    await volumes.create({ name: "apple", labels: { kind: "fruit", red: "" } });
    await volumes.create({ name: "pear", labels: { kind: "fruit" } });
    await volumes.create({ name: "brick" });
    const anonymous = await volumes.create({});
    await volumes.acquire("c1", volumes.plan({ ...nothing, binds: ["pear:/d"] }));
    const names = async (filters: Record<string, string[]>) => await listed(filters);
    expect(await names({ label: ["kind=fruit"] })).toEqual(["apple", "pear"]);
    expect(await names({ label: ["kind=fruit", "red"] })).toEqual(["apple"]);
    expect(await names({ name: ["^.r"] })).toEqual(["brick"]);
    expect(await names({ dangling: ["false"] })).toEqual(["pear"]);
    expect(await names({ dangling: ["true"], name: ["p", "b"] })).toContain("apple");
    expect(await names({ driver: ["other"] })).toEqual([]);
    await expect(names({ bla: ["1"] })).rejects.toThrow("invalid filter 'bla'");
    await expect(names({ dangling: ["x"] })).rejects.toThrow("invalid filter 'dangling=[x]'");

    writeFileSync(join(volumes.mountpoint(anonymous.Name), "file"), "12345");
    expect(await volumes.prune()).toEqual({ VolumesDeleted: [anonymous.Name], SpaceReclaimed: 5 });
    expect((await volumes.prune({ all: ["true"], "label!": ["red"] })).VolumesDeleted).toEqual(["brick"]);
    expect(await names({})).toEqual(["apple", "pear"]);
  });
});

describe("a container's mounts", () => {
  test("make anonymous volumes that go with it, and leave named ones", async () => {
    const planned = volumes.plan({ ...nothing, binds: ["named:/n", "/anonymous"], imageVolumes: ["/image"] });
    const mounts = await volumes.acquire("c1", planned);
    recordContainer("c1");
    const made = mounts.filter(({ anonymous }) => anonymous).map(({ source }) => source);
    expect(made).toHaveLength(2);
    for (const name of made)
      expect(volumes.find(name)?.labels).toEqual({ "com.docker.volume.anonymous": "" });
    expect(volumes.usersOf("named")).toEqual(["c1"]);
    await volumes.release("c1", { removeAnonymous: true });
    expect(await listed()).toEqual(["named"]);
  });

  test("that another container inherited stay until the last one goes", async () => {
    const first = await volumes.acquire("c1", volumes.plan({ ...nothing, imageVolumes: ["/data"] }));
    const second = await volumes.acquire("c2", volumes.plan({ ...nothing, inherited: first }));
    expect(second[0]?.source).toBe(first[0]?.source ?? "");
    await volumes.release("c1", { removeAnonymous: true });
    expect(await listed()).toHaveLength(1);
    await volumes.release("c2", { removeAnonymous: true });
    expect(await listed()).toEqual([]);
  });

  test("that can't be made leave nothing", async () => {
    const planned = volumes.plan({ ...nothing, binds: ["/one"] });
    const broken = { ...planned[0], destination: "/two", creation: { driver: "foo" } } as (typeof planned)[0];
    await expect(volumes.acquire("c1", [...planned, broken])).rejects.toThrow("plugin");
    expect(await listed()).toEqual([]);
    expect(readdirSync(join(root(), "volumes"))).toEqual([]);
  });

  test("make missing sources of -v, and refuse those of --mount that went away", async () => {
    const source = join(folder, "made/here");
    const [bind] = volumes.plan({ ...nothing, binds: [`${source}:/x:ro`] });
    const [realised] = await volumes.realise("c1", [bind as never], { uid: 12, gid: 34 });
    expect(realised?.hostPath).toBe(source);
    const { uid, gid, mode } = statSync(source);
    expect([uid, gid, mode & 0o777]).toEqual([12, 34, 0o755]);
    expect(statSync(join(folder, "made")).uid).toBe(12);
    expect(statSync(folder).uid).toBe(0);

    const [mount] = volumes.plan({ ...nothing, mounts: [{ Type: "bind", Source: source, Target: "/x" }] });
    rmSync(source, { recursive: true });
    await expect(volumes.realise("c1", [mount as never], { uid: 0, gid: 0 })).rejects.toThrow(
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    );
  });

  test("of a subpath stay inside the volume, whatever links there are", async () => {
    await volumes.create({ name: "data" });
    const inside = volumes.mountpoint("data");
    mkdirSync(join(inside, "etc"));
    writeFileSync(join(inside, "etc/which"), "the volume's");
    symlinkSync("etc", join(inside, "link"));
    symlinkSync("/etc", join(inside, "absolute"));
    symlinkSync("../../../..", join(inside, "up"));
    const plan = (subpath: string) =>
      volumes.plan({
        ...nothing,
        mounts: [{ Type: "volume", Source: "data", Target: "/x", VolumeOptions: { Subpath: subpath } }],
      });
    const [realised] = await volumes.realise("c1", plan("link"), { uid: 0, gid: 0 });
    expect(readFileSync(join(realised?.hostPath ?? "", "which"), "utf8")).toBe("the volume's");
    expect(statSync(realised?.hostPath ?? "").ino).toBe(statSync(join(inside, "etc")).ino);
    realised?.close?.();
    expect(readdirSync(join(folder, "exec/subpaths"))).toEqual([]);
    const [file] = await volumes.realise("c1", plan("etc/which"), { uid: 0, gid: 0 });
    expect(file?.isFile).toBe(true);
    expect(readFileSync(file?.hostPath ?? "", "utf8")).toBe("the volume's");
    await store.close();
    await open();
    expect(readdirSync(join(folder, "exec/subpaths"))).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${folder}/exec`);
    await expect(volumes.realise("c1", plan("missing"), { uid: 0, gid: 0 })).rejects.toThrow(
      "no such file or directory",
    );
    for (const subpath of ["absolute", "up"])
      await expect(volumes.realise("c1", plan(subpath), { uid: 0, gid: 0 })).rejects.toThrow(
        `path concatenation escapes the base directory, base: ${inside}, subpath: ${subpath}`,
      );
  });
});

describe("the image's content", () => {
  function makeRoot(): string {
    const rootfs = join(folder, "rootfs");
    const data = join(rootfs, "srv/data");
    mkdirSync(join(data, "sub"), { recursive: true });
    writeFileSync(join(data, "sub/file"), "content");
    chownSync(join(data, "sub/file"), 1000, 50);
    chmodSync(join(data, "sub/file"), 0o4711);
    symlinkSync("/nowhere", join(data, "link"));
    utimesSync(join(data, "sub/file"), 1000, 1_000_000);
    chownSync(data, 33, 44);
    chmodSync(data, 0o1770);
    symlinkSync("/srv", join(rootfs, "way"));
    return rootfs;
  }
  const acquire = (binds: string[]) => volumes.acquire("c1", volumes.plan({ ...nothing, binds }));

  test("is copied into an empty volume with owners, modes, times and links", async () => {
    const rootfs = makeRoot();
    const mounts = await acquire(["data:/way/data"]);
    await volumes.copyUp("c1", mounts, rootfs);
    const target = volumes.mountpoint("data");
    const own = statSync(target);
    expect([own.uid, own.gid, own.mode & 0o7777]).toEqual([33, 44, 0o1770]);
    const file = statSync(join(target, "sub/file"));
    expect([file.uid, file.gid, file.mode & 0o7777, file.mtimeMs]).toEqual([1000, 50, 0o4711, 1e9]);
    expect(readlinkSync(join(target, "link"))).toBe("/nowhere");
    expect(readdirSync(join(root(), "volumes/data"))).toEqual(["_data"]);
    expect(await volumes.usage("data")).toBe("content".length + lstatSync(join(target, "link")).size);
  });

  test("is not copied where something is, nor with nocopy", async () => {
    const rootfs = makeRoot();
    const mounts = await acquire(["full:/srv/data", "bare:/srv/data/sub:nocopy"]);
    writeFileSync(join(volumes.mountpoint("full"), "mine"), "");
    await volumes.copyUp("c1", mounts, rootfs);
    expect(readdirSync(volumes.mountpoint("full"))).toEqual(["mine"]);
    expect(readdirSync(volumes.mountpoint("bare"))).toEqual([]);
  });

  test("of an empty folder is its owner and mode; of none is nothing", async () => {
    const rootfs = join(folder, "rootfs");
    mkdirSync(join(rootfs, "empty"), { recursive: true });
    chownSync(join(rootfs, "empty"), 5, 6);
    chmodSync(join(rootfs, "empty"), 0o700);
    await volumes.copyUp("c1", await acquire(["one:/empty", "two:/missing"]), rootfs);
    const { uid, gid, mode } = statSync(volumes.mountpoint("one"));
    expect([uid, gid, mode & 0o777]).toEqual([5, 6, 0o700]);
    expect(readdirSync(volumes.mountpoint("two"))).toEqual([]);
  });

  test("a link in the image that leads out of its root is followed inside", async () => {
    const rootfs = join(folder, "rootfs");
    mkdirSync(rootfs);
    symlinkSync("../../../../../../etc", join(rootfs, "out"));
    await volumes.copyUp("c1", await acquire(["data:/out"]), rootfs);
    expect(readdirSync(volumes.mountpoint("data"))).toEqual([]);
  });
});

describe("after a kill", () => {
  /** Closes without any of what a killed daemon could not do either, and opens again. */
  async function restart(): Promise<void> {
    await store.close();
    await open();
  }

  test("a volume whose folder was not made yet gets it, half a copy goes", async () => {
    await volumes.create({ name: "data" });
    rmSync(join(root(), "volumes/data"), { recursive: true });
    mkdirSync(join(root(), "volumes/data/_data.filling/half"), { recursive: true });
    await restart();
    expect(readdirSync(join(root(), "volumes/data"))).toEqual(["_data"]);
  });

  test("a removal that was begun is finished", async () => {
    await volumes.create({ name: "data" });
    const record = volumes.find("data") as VolumeRecord;
    store.documents<VolumeRecord>("volumes").put({ ...record, removing: true });
    await restart();
    expect(await listed()).toEqual([]);
    expect(existsSync(join(root(), "volumes/data"))).toBe(false);
  });

  test("what a container that never was has taken is given back", async () => {
    await volumes.acquire("never", volumes.plan({ ...nothing, binds: ["named:/n"], imageVolumes: ["/a"] }));
    await volumes.acquire("there", volumes.plan({ ...nothing, imageVolumes: ["/a"] }));
    recordContainer("there");
    await restart();
    expect(await listed()).toHaveLength(2);
    expect(volumes.usersOf("named")).toEqual([]);
  });
});
