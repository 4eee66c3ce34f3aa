// Volume drivers by Docker's plugin protocol, with a small plugin of ours on the other side of a real socket.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mountsBelow, unmount } from "../../src/linux/mount.ts";
import { detectEnvironment } from "../../src/runtime/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";
import { openVolumes } from "../../src/volumes/index.ts";
import type { MountRequest, Volumes } from "../../src/volumes/types.ts";
import { makeAuthority, makeCertificate } from "../fixtures/certificates.ts";
import { startVolumePlugin, type VolumePlugin } from "../fixtures/volume-plugin.ts";

/** Milliseconds: a plugin that hangs is given up soon. */
const patience = { long: 400, short: 300, probe: 200, connect: 0 };

let folder: string;
let store: Store;
let volumes: Volumes;
let plugin: VolumePlugin;
let events: string[];
const nothing: MountRequest = { binds: [], mounts: [], tmpfs: {}, imageVolumes: [], inherited: [] };
const ids = { uid: 0, gid: 0 };
const at = (name: string) => join(folder, name);

async function open(): Promise<void> {
  store = await openStore({ root: at("data"), snapshotBackend: "copy" });
  const environment = detectEnvironment({ dataRoot: at("data"), execRoot: at("exec"), bridge: "berthtest0" });
  volumes = await openVolumes({
    store,
    environment,
    pluginFolders: [at("plugins")],
    patience,
    onVolumeEvent: (event, { id, driver }) => events.push(`${event} ${id} ${driver}`),
  });
}
const recordContainer = (id: string) =>
  store.documents<{ id: string; name: string }>("containers").put({ id, name: id });
const start = async (id: string, binds: string[]) => {
  recordContainer(id);
  const mounts = await volumes.acquire(id, volumes.plan({ ...nothing, binds }));
  return { mounts, realised: await volumes.realise(id, mounts, ids) };
};

beforeEach(async () => {
  folder = mkdtempSync("/var/tmp/berth-test-");
  events = [];
  plugin = startVolumePlugin(at("plugins/vp.sock"), at("held"));
  await open();
});
afterEach(async () => {
  await plugin[Symbol.asyncDispose]();
  await store.close();
  for (const { target } of mountsBelow(folder)) unmount(target);
  rmSync(folder, { recursive: true, force: true });
});

describe("a plugin's volumes", () => {
  test("are made, shown and removed by it", async () => {
    const made = await volumes.create({ name: "vol", driver: "vp", options: { a: "b" }, labels: { l: "m" } });
    expect(made).toMatchObject({
      Driver: "vp",
      Name: "vol",
      Mountpoint: "",
      Options: { a: "b" },
      Labels: { l: "m" },
    });
    expect(plugin.calls).toEqual([
      { method: "Plugin.Activate", body: {} },
      { method: "VolumeDriver.Capabilities", body: {} },
      { method: "VolumeDriver.Create", body: { Name: "vol", Opts: { a: "b" } } },
    ]);
    expect(await volumes.inspect("vol")).toEqual({
      ...made,
      CreatedAt: "2020-01-02T03:04:05Z",
      Status: { hello: "world" } as never,
    });
    expect(await volumes.list()).toEqual({ volumes: [made], warnings: [] });
    expect((await volumes.list({ driver: ["local"] })).volumes).toEqual([]);
    expect(volumes.drivers()).toEqual(["local", "vp"]);
    expect(await volumes.usage("vol")).toBeUndefined();
    expect((await volumes.prune({ all: ["true"] })).VolumesDeleted).toEqual([]);
    await volumes.remove("vol", { force: false });
    expect((await volumes.list()).volumes).toEqual([]);
    expect(events).toEqual(["create vol vp", "destroy vol vp"]);
  });

  test("may have names that no folder has, and be seen by other hosts", async () => {
    await plugin[Symbol.asyncDispose]();
    plugin = startVolumePlugin(at("plugins/vp.sock"), at("held"), { scope: "GLOBAL" });
    const { Scope, Name } = await volumes.create({ name: "server/share x", driver: "vp" });
    expect([Scope, Name]).toEqual(["global", "server/share x"]);
    await volumes.remove("server/share x", { force: false });
  });

  test("that it refuses are none, in its own words", async () => {
    await expect(volumes.create({ name: "vol", driver: "vp", options: { fail: "no room" } })).rejects.toThrow(
      "create vol: no room",
    );
    plugin.answers.set("VolumeDriver.Create", { status: 500, body: '{"Err":"inside"}' });
    await expect(volumes.create({ name: "vol", driver: "vp" })).rejects.toThrow(
      "create vol: VolumeDriver.Create: inside",
    );
    expect((await volumes.list()).volumes).toEqual([]);
    expect(events).toEqual([]);
  });

  test("that were made without us are found by asking", async () => {
    await volumes.create({ name: "vol", driver: "vp" });
    store.documents("volumes").delete("vol");
    expect((await volumes.list()).volumes.map(({ Name, Driver }) => [Name, Driver])).toEqual([["vol", "vp"]]);
    expect((await volumes.inspect("vol")).CreatedAt).toBe("2020-01-02T03:04:05Z");
    expect((await volumes.create({ name: "vol" })).Driver).toBe("vp");
    await expect(volumes.inspect("other")).rejects.toThrow("get other: no such volume");
    await volumes.remove("vol", { force: false });
  });

  test("have names of their own among all drivers", async () => {
    await volumes.create({ name: "vol", driver: "vp" });
    await volumes.create({ name: "mine" });
    await expect(volumes.create({ name: "vol", driver: "local" })).rejects.toThrow(
      "create vol: driver 'vp' already has volume 'vol': volume name must be unique",
    );
    await expect(volumes.create({ name: "mine", driver: "vp" })).rejects.toThrow(
      "create mine: driver 'local' already has volume 'mine': volume name must be unique",
    );
  });

  test("that are gone from it are gone, but not from under a container", async () => {
    await volumes.create({ name: "vol", driver: "vp" });
    await volumes.acquire("c1", volumes.plan({ ...nothing, binds: ["vol:/d"] }));
    plugin.answers.set("VolumeDriver.Get", { body: '{"Err":"no such volume"}' });
    await expect(volumes.create({ name: "vol" })).rejects.toThrow(
      "found references to volume 'vol' in driver 'vp'",
    );
    await volumes.release("c1", { removeAnonymous: false });
    await expect(volumes.inspect("vol")).rejects.toThrow("get vol: no such volume");
    expect(volumes.find("vol")).toBeUndefined();
  });
});

describe("mounts", () => {
  test("are one for each container that runs, by an id that its unmount has too", async () => {
    await volumes.create({ name: "pv", driver: "vp" });
    const one = await start("c2", ["pv:/a", "pv:/b"]);
    expect(one.realised.map(({ hostPath }) => hostPath)).toEqual([at("held/pv"), at("held/pv")]);
    expect(one.mounts[0]).toMatchObject({ driver: "vp", mode: "" });
    await start("c3", ["pv:/a:ro"]);
    expect(plugin.mounts.get("pv")?.size).toBe(2);
    expect(volumes.mountpoint("pv")).toBe(at("held/pv"));
    await volumes.letGo("c2");
    expect(plugin.mounts.get("pv")?.size).toBe(1);
    await expect(volumes.remove("pv", { force: false })).rejects.toThrow(
      "remove pv: volume is in use - [c2, c3]",
    );
    await volumes.release("c2", { removeAnonymous: false });
    await volumes.release("c3", { removeAnonymous: false });
    expect(plugin.mounts.get("pv")?.size).toBe(0);
    await volumes.remove("pv", { force: false });
  });

  test("live as long as their container, not as the daemon", async () => {
    await volumes.create({ name: "pv", driver: "vp" });
    const { mounts } = await start("c1", ["pv:/a"]);
    const mounted = [...(plugin.mounts.get("pv") ?? [])];
    await store.close();
    await open();
    expect(volumes.isHeldBy("c1")).toBe(true);
    const [again] = await volumes.realise("c1", mounts, ids); // a copy of its files
    expect(again?.hostPath).toBe(at("held/pv"));
    expect([...(plugin.mounts.get("pv") ?? [])]).toEqual(mounted);
    await volumes.letGo("c1");
    expect(plugin.mounts.get("pv")?.size).toBe(0);
    expect(volumes.isHeldBy("c1")).toBe(false);
  });

  test("of a use that was no container's end with the next daemon", async () => {
    await volumes.create({ name: "pv", driver: "vp" });
    await volumes.hold("pv", "an export");
    expect(volumes.usersOf("pv")[0]).toStartWith("an export (");
    expect(plugin.mounts.get("pv")?.size).toBe(1);
    await store.close();
    await open();
    // The row goes after the plugin has let go.
    while (volumes.usersOf("pv").length > 0) await Bun.sleep(5);
    expect(plugin.mounts.get("pv")?.size ?? 0).toBe(0);
  });

  test.each([
    ["relative/path", 'says that its volume is at "relative/path", which is not absolute'],
    ["/", "which is the host's root"],
    ["/nowhere/at/all", "says that its volume is at /nowhere/at/all, where nothing is"],
    ["/proc/version", "which is not a folder"],
  ])("at %s are refused, and undone", async (path, message) => {
    await volumes.create({ name: "pv", driver: "vp", options: { path } });
    await expect(start("c1", ["pv:/a"])).rejects.toThrow(message);
    while (plugin.mounts.get("pv")?.size) await Bun.sleep(5);
    expect(volumes.isHeldBy("c1")).toBe(false);
  });

  test("in the daemon's own folders are refused", async () => {
    const path = at("data/volumes");
    await volumes.create({ name: "pv", driver: "vp", options: { path } });
    await expect(start("c1", ["pv:/a"])).rejects.toThrow("is or has the daemon's own folder");
  });
  test.each([
    ["the daemon's own folders", () => at("data"), "is or has the daemon's own folder"],
    ["the host's root", () => "/proc/self/root", "is the host's root"],
  ])("at a link to %s are refused", async (_, target, problem) => {
    const path = at("link");
    symlinkSync(target(), path);
    await volumes.create({ name: "pv", driver: "vp", options: { path } });
    await expect(start("c1", ["pv:/a"])).rejects.toThrow(problem);
  });

  test("get the image's content, a half copy of an earlier try cleared away", async () => {
    const rootfs = at("rootfs");
    mkdirSync(join(rootfs, "srv"), { recursive: true });
    writeFileSync(join(rootfs, "srv/file"), "content");
    await volumes.create({ name: "pv", driver: "vp" });
    const mounts = await volumes.acquire("c1", volumes.plan({ ...nothing, binds: ["pv:/srv"] }));
    const rows = store.documents<{ id: string; filling?: string }>("volumes");
    rows.put({ ...(rows.get("pv") as { id: string }), filling: "" });
    writeFileSync(at("held/pv/half"), "");
    await volumes.copyUp("c1", mounts, rootfs);
    expect(readdirSync(at("held/pv"))).toEqual(["file"]);
    expect(rows.get("pv")?.filling).toBeUndefined();
    expect(plugin.mounts.get("pv")?.size).toBe(0);
  });
});

describe("a plugin that", () => {
  test("hangs is given up, and holds up nobody else", async () => {
    await volumes.create({ name: "pv", driver: "vp" });
    for (const call of ["Mount", "Get", "List", "Unmount"])
      plugin.answers.set(`VolumeDriver.${call}`, "hang");
    const began = performance.now();
    const stuck = start("c1", ["pv:/a"]);
    stuck.catch(() => {});
    const inspecting = volumes.inspect("pv");
    inspecting.catch(() => {});
    await volumes.create({ name: "other", driver: "local" });
    await start("c2", ["other:/a"]);
    expect(performance.now() - began).toBeLessThan(patience.short);
    await expect(inspecting).rejects.toThrow(
      `get pv: error while checking if volume "pv" exists in driver "vp": VolumeDriver.Get: the plugin "vp" at ${at("plugins/vp.sock")} did not answer within 0.3 s`,
    );
    await expect(stuck).rejects.toThrow("volume name must be unique");
    const { volumes: listed, warnings } = await volumes.list();
    expect(listed.map(({ Name }) => Name).sort()).toEqual(["other", "pv"]);
    expect(warnings).toEqual([expect.stringContaining("list vp: VolumeDriver.List: ")]);
    plugin.answers.clear();
    expect((await volumes.inspect("pv")).Name).toBe("pv");
  });

  test("hangs in a mount leaves the container unmounted, and the mount undone when it comes back", async () => {
    await volumes.create({ name: "pv", driver: "vp" });
    plugin.answers.set("VolumeDriver.Mount", "hang");
    await expect(start("c1", ["pv:/a"])).rejects.toThrow(
      "error while mounting volume '': VolumeDriver.Mount: the plugin \"vp\"",
    );
    expect(volumes.isHeldBy("c1")).toBe(false);
    while (!plugin.methods().includes("Unmount")) await Bun.sleep(5);
    const ofMount = plugin.calls.find(({ method }) => method.endsWith(".Mount"))?.body.ID;
    expect(plugin.calls.find(({ method }) => method.endsWith(".Unmount"))?.body.ID).toBe(ofMount);
  });

  test("hangs in a mount, and nobody waits any longer: neither its container nor one behind it", async () => {
    await volumes.create({ name: "pv", driver: "vp" });
    plugin.answers.set("VolumeDriver.Mount", "hang");
    const create = async (id: string) => {
      recordContainer(id);
      return await volumes.acquire(id, volumes.plan({ ...nothing, binds: ["pv:/a"] }));
    };
    const [ofFirst, ofSecond] = [await create("c1"), await create("c2")];
    const outcome = (id: string, mounts: typeof ofFirst) =>
      volumes.realise(id, mounts, ids).then(String, (error: Error) => error.message);
    const first = outcome("c1", ofFirst);
    while (!plugin.methods().includes("Mount")) await Bun.sleep(1);
    const second = outcome("c2", ofSecond);
    await Bun.sleep(1);
    volumes.giveUp("c2");
    expect(await second).toContain("the wait for its driver was given up");
    volumes.giveUp("c1");
    expect(await first).toContain("the wait for its driver was given up");
    expect([volumes.isHeldBy("c1"), volumes.isHeldBy("c2")]).toEqual([false, false]);
    // Once its own patience is over, what it may have mounted is unmounted; nothing was asked for the second.
    while (!plugin.methods().includes("Unmount")) await Bun.sleep(5);
    expect(plugin.methods().filter((method) => method === "Mount")).toHaveLength(1);
  });

  test.each([
    ["text", "no JSON object"],
    ["[]", "no JSON object"],
    ['{"Mountpoint":5}', "a Mountpoint that is no text"],
    ["{}", "no Mountpoint"],
  ])("answers a mount with %s is not believed", async (body, message) => {
    await volumes.create({ name: "pv", driver: "vp" });
    plugin.answers.set("VolumeDriver.Mount", { body });
    await expect(start("c1", ["pv:/a"])).rejects.toThrow(`the plugin "vp" answered with ${message}`);
  });

  test("does not say what it is, or is something else, is no volume driver", async () => {
    plugin.answers.set("Plugin.Activate", { body: '{"Implements":"VolumeDriver"}' });
    await expect(volumes.create({ name: "pv", driver: "vp" })).rejects.toThrow(
      "no list of what it implements",
    );
    plugin.answers.set("Plugin.Activate", { body: '{"Implements":["NetworkDriver"]}' });
    await expect(volumes.create({ name: "pv", driver: "vp" })).rejects.toThrow(
      'Plugin does not implement the requested driver: plugin="vp", requested implementation="VolumeDriver"',
    );
    plugin.answers.clear();
    await volumes.create({ name: "pv", driver: "vp" });
  });

  test("has no capabilities has local volumes", async () => {
    plugin.answers.set("VolumeDriver.Capabilities", { status: 404, body: "404 page not found" });
    expect((await volumes.create({ name: "pv", driver: "vp" })).Scope).toBe("local");
  });

  test("fails to unmount loses the mount all the same", async () => {
    await volumes.create({ name: "pv", driver: "vp" });
    await start("c1", ["pv:/a"]);
    plugin.answers.set("VolumeDriver.Unmount", { body: '{"Err":"busy"}' });
    await volumes.release("c1", { removeAnonymous: false });
    expect(volumes.usersOf("pv")).toEqual([]);
  });

  test("is gone can be worked around by force", async () => {
    await volumes.create({ name: "pv", driver: "vp" });
    await plugin[Symbol.asyncDispose]();
    await store.close();
    await open();
    expect(existsSync(at("plugins/vp.sock"))).toBe(false);
    const { volumes: listed, warnings } = await volumes.list();
    expect(listed.map(({ Name }) => Name)).toEqual(["pv"]);
    expect(warnings).toEqual(['list vp: plugin "vp" not found']);
    await expect(volumes.remove("pv", { force: false })).rejects.toThrow(
      'remove pv: error looking up volume plugin vp: plugin "vp" not found',
    );
    await volumes.remove("pv", { force: true });
    expect(volumes.find("pv")).toBeUndefined();
  });
});

describe("a plugin behind TLS", () => {
  let remote: VolumePlugin;
  beforeEach(() => {
    for (const name of ["ours", "theirs"]) makeAuthority(folder, name);
    makeCertificate(folder, "server", "ours", "serverAuth");
    makeCertificate(folder, "client", "ours", "clientAuth");
    const [key, cert, ca] = ["server-key", "server", "ours"].map((name) => Bun.file(at(`${name}.pem`)));
    remote = startVolumePlugin(
      { tls: { key, cert, ca, requestCert: true, rejectUnauthorized: true } },
      at("far"),
    );
  });
  afterEach(() => remote[Symbol.asyncDispose]());

  const specify = (settings: object) =>
    writeFileSync(
      at("plugins/far.json"),
      JSON.stringify({ Name: "far", Addr: `https://127.0.0.1:${remote.port}`, TLSConfig: settings }),
    );
  const client = () => ({ CertFile: at("client.pem"), KeyFile: at("client-key.pem") });

  test("is known by its authority, and knows us by our certificate", async () => {
    specify({ CAFile: at("ours.pem"), ...client() });
    await volumes.create({ name: "vol", driver: "far" });
    expect(remote.methods()).toEqual(["Plugin.Activate", "Capabilities", "Create"]);
  });

  test.each([
    ["of another authority", () => ({ CAFile: at("theirs.pem"), ...client() })],
    ["that wants a certificate of ours", () => ({ CAFile: at("ours.pem") })],
  ])("%s is not talked to", async (_, settings) => {
    specify(settings());
    await expect(volumes.create({ name: "vol", driver: "far" })).rejects.toThrow(/far/);
    expect(remote.calls).toEqual([]);
  });
});
