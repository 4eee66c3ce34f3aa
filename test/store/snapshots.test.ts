// The contract of snapshots, run on both backends through real mounts.
import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { listMounts, mount } from "../../src/linux/mount.ts";
import { type ChainId, chainIds, type Digest } from "../../src/oci/digest.ts";
import {
  mountSnapshot,
  openStore,
  type SnapshotId,
  type Store,
  unmountSnapshot,
  unpackLayer,
} from "../../src/store/index.ts";
import { archiveOf, describeTree, type Ingredient } from "./archives.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

/** Unpacks layers side by side, joins them from the bottom up. */
async function stack(store: Store, ...layers: Ingredient[][]): Promise<{ top: ChainId; ids: SnapshotId[] }> {
  const lease = store.leases.open("test");
  const unpacked = await Promise.all(
    layers.map((entries) =>
      unpackLayer(store, {
        lease,
        source: {
          chunks: (async function* () {
            yield archiveOf(...entries);
          })(),
        },
      }),
    ),
  );
  const chain = chainIds(unpacked.map(({ diffId }) => diffId));
  const ids: SnapshotId[] = [];
  for (const [at, { id, size, inodes, implied }] of unpacked.entries())
    ids.push(
      await store.snapshots.commitLayer(id, chain[at]!, { parent: chain[at - 1], size, inodes, implied }),
    );
  return { top: chain.at(-1)!, ids };
}

/** Mounts a new active snapshot (or the one given) for the length of `work`. */
async function mounted<R>(
  store: Store,
  what: ChainId | SnapshotId,
  work: (root: string) => R,
  readOnly = false,
) {
  const id = what.includes(":")
    ? await store.snapshots.createActive(what as ChainId, store.leases.open("test"))
    : (what as SnapshotId);
  const target = join(store.root, "scratch", `mount-${id}`);
  mountSnapshot(store, id, target, { readOnly });
  try {
    return { id, result: work(target) };
  } finally {
    unmountSnapshot(target);
  }
}

const names = (root: string, path = ".") => readdirSync(join(root, path)).sort();

for (const backend of ["overlay", "copy"] as const)
  describe(`snapshots on ${backend}`, () => {
    const open = async () => await openStore({ root: temporaryRoot(), snapshotBackend: backend });

    test("an upper layer adds, replaces, hides files and folders, and begins folders anew", async () => {
      await using store = await open();
      const { top } = await stack(
        store,
        [
          { name: "keep", content: "1" },
          { name: "change", content: "1" },
          { name: "gone" },
          { name: "folder-gone/" },
          { name: "folder-gone/x" },
          { name: "opaque/" },
          { name: "opaque/old" },
          { name: "opaque/sub/" },
          { name: "opaque/sub/old" },
          { name: "joined/" },
          { name: "joined/below" },
          { name: "was-file", content: "f" },
          { name: "was-folder/" },
          { name: "was-folder/x" },
          { name: "remade/" },
          { name: "remade/old" },
          { name: "link", type: "symlink", linkName: "joined" },
        ],
        [
          { name: "change", content: "22" },
          { name: ".wh.gone" },
          { name: ".wh.folder-gone" },
          { name: "opaque/" },
          { name: "opaque/.wh..wh..opq" },
          { name: "opaque/new" },
          { name: "joined/" },
          { name: "joined/above" },
          { name: "was-file/" },
          { name: "was-file/y" },
          { name: "was-folder", content: "now" },
          { name: ".wh.remade" },
          { name: "remade/" },
          { name: "remade/new" },
          { name: ".wh.never-there" },
        ],
      );
      await mounted(store, top, (root) => {
        expect(names(root)).toEqual([
          "change",
          "joined",
          "keep",
          "link",
          "opaque",
          "remade",
          "was-file",
          "was-folder",
        ]);
        expect(readFileSync(join(root, "change"), "utf8")).toBe("22");
        expect(readFileSync(join(root, "keep"), "utf8")).toBe("1");
        expect(names(root, "opaque")).toEqual(["new"]);
        expect(names(root, "joined")).toEqual(["above", "below"]);
        expect(names(root, "was-file")).toEqual(["y"]);
        expect(readFileSync(join(root, "was-folder"), "utf8")).toBe("now");
        expect(names(root, "remade")).toEqual(["new"]);
        expect(readlinkSync(join(root, "link"))).toBe("joined");
      });
    });

    test("what is written stays in the active snapshot and out of its layers", async () => {
      await using store = await open();
      const { top, ids } = await stack(store, [
        { name: "a", content: "layer" },
        { name: "d/" },
        { name: "d/x" },
      ]);
      const before = describeTree(store.snapshots.directory(ids[0]!));
      const { id } = await mounted(store, top, (root) => {
        writeFileSync(join(root, "a"), "container");
        chmodSync(join(root, "a"), 0o600);
        writeFileSync(join(root, "new"), "n");
        rmSync(join(root, "d"), { recursive: true });
      });
      expect(describeTree(store.snapshots.directory(ids[0]!))).toEqual(before);
      await mounted(store, id, (root) => {
        expect(names(root)).toEqual(["a", "new"]);
        expect(readFileSync(join(root, "a"), "utf8")).toBe("container");
      });
      await mounted(store, top, (root) => expect(names(root)).toEqual(["a", "d"]));
      expect((await store.snapshots.usage(id)).size).toBeGreaterThan(0);
    });

    test("a read-only mount takes no writes; of a layer there is no other", async () => {
      await using store = await open();
      const { top, ids } = await stack(store, [{ name: "a" }]);
      const active = await store.snapshots.createActive(top, store.leases.open("test"));
      for (const [id, readOnly] of [
        [active, true],
        [ids[0]!, false],
      ] as const)
        await mounted(
          store,
          id,
          (root) => {
            expect(names(root)).toEqual(["a"]);
            expect(() => writeFileSync(join(root, "b"), "")).toThrow(/EROFS/);
          },
          readOnly,
        );
    });

    test("a snapshot on nothing is empty and can be written", async () => {
      await using store = await open();
      const id = await store.snapshots.createActive(undefined, store.leases.open("test"));
      await mounted(store, id, (root) => {
        expect(names(root)).toEqual([]);
        writeFileSync(join(root, "a"), "");
      });
      await mounted(store, id, (root) => expect(names(root)).toEqual(["a"]));
      await mounted(store, id, (root) => expect(names(root)).toEqual(["a"]), true);
    });

    test("the root's mode and owner come from the topmost layer that names it", async () => {
      await using store = await open();
      const { top } = await stack(
        store,
        [{ name: "./", mode: 0o1701, uid: 3, gid: 4, type: "directory" }],
        [{ name: "a" }],
      );
      await mounted(store, top, (root) =>
        expect(lstatSync(root)).toMatchObject({ mode: 0o041701, uid: 3, gid: 4 }),
      );
    });

    test("folders that an archive only implies are as the parent has them", async () => {
      await using store = await open();
      const xattrs = new Map([["user.note", Buffer.from("kept")]]);
      const modified = { seconds: 1_234_567_890, nanoseconds: 987_654_321 };
      const { top } = await stack(
        store,
        [
          { name: "var/", mode: 0o2750, uid: 10, gid: 20, xattrs, modified },
          { name: "var/lib/", mode: 0o700 },
        ],
        [{ name: "var/lib/app/file" }],
      );
      await mounted(store, top, (root) => {
        expect(describeTree(root)).toMatchObject({
          var: { mode: "42750", owner: "10:20", modified: 1_234_567_890_987_654_321n },
          "var/lib": { mode: "40700" },
          "var/lib/app": { mode: "40755" },
        });
        expect(describeTree(root).var).toMatchObject({
          xattrs: [["user.note", Buffer.from("kept").toString("hex")]],
        });
      });
    });

    test("a path through the parent's link goes where the link leads, as if unpacked on the parent", async () => {
      await using store = await open();
      const { top } = await stack(
        store,
        [
          { name: "usr/lib/", mode: 0o711, uid: 5 },
          { name: "usr/lib/old" },
          { name: "lib", type: "symlink", linkName: "usr/lib" },
          { name: "usr/lib/deep/" },
          { name: "var/run", type: "symlink", linkName: "/run" },
          { name: "run/" },
          { name: "out", type: "symlink", linkName: "../../../../run" },
        ],
        [
          { name: "lib/new", content: "n" },
          { name: "lib/deep/er/x" },
          { name: "lib/.wh.old" },
          { name: "var/run/pid", content: "1" },
          { name: "out/side" },
        ],
      );
      await mounted(store, top, (root) => {
        expect(readlinkSync(join(root, "lib"))).toBe("usr/lib");
        expect(names(root, "usr/lib")).toEqual(["deep", "new"]);
        expect(lstatSync(join(root, "usr/lib"))).toMatchObject({ mode: 0o040711, uid: 5 });
        expect(names(root, "usr/lib/deep/er")).toEqual(["x"]);
        expect(readlinkSync(join(root, "var/run"))).toBe("/run");
        expect(names(root, "run")).toEqual(["pid", "side"]);
      });
      expect(existsSync("/run/pid")).toBe(false);
    });

    test("an entry of its own puts a folder in place of the parent's link", async () => {
      await using store = await open();
      const { top } = await stack(
        store,
        [{ name: "usr/lib/x" }, { name: "lib", type: "symlink", linkName: "usr/lib" }],
        [{ name: "lib/" }, { name: "lib/own" }],
      );
      await mounted(store, top, (root) => {
        expect(lstatSync(join(root, "lib")).isDirectory()).toBe(true);
        expect(names(root, "lib")).toEqual(["own"]);
        expect(names(root, "usr/lib")).toEqual(["x"]);
      });
    });

    test("whoever finishes a chain second gets the first's layer, and theirs goes", async () => {
      await using store = await open();
      const first = await stack(store, [{ name: "a" }]);
      const lease = store.leases.open("second");
      const again = await unpackLayer(store, {
        lease,
        source: {
          chunks: (async function* () {
            yield archiveOf({ name: "a" });
          })(),
        },
      });
      const id = await store.snapshots.commitLayer(again.id, first.top, again);
      expect(id).toBe(first.ids[0]!);
      expect(existsSync(join(store.root, "snapshots", again.id))).toBe(false);
      expect(store.db.query("SELECT item FROM lease_items WHERE lease = ?").all(lease)).toEqual([
        { item: id },
      ]);
    });

    test("what others stand on can't be removed", async () => {
      await using store = await open();
      const { top, ids } = await stack(store, [{ name: "a" }], [{ name: "b" }]);
      const active = await store.snapshots.createActive(top, store.leases.open("test"));
      await expect(store.snapshots.remove(ids[0]!)).rejects.toMatchObject({ kind: "conflict" });
      await expect(store.snapshots.remove(ids[1]!)).rejects.toMatchObject({ kind: "conflict" });
      expect(store.snapshots.parentOf(active)).toBe(ids[1]!);
      for (const id of [active, ids[1]!, ids[0]!]) await store.snapshots.remove(id);
      expect(names(store.root, "snapshots")).toEqual(["empty"]);
      expect(() => store.snapshots.mountOf(active)).toThrow("not found");
      await expect(
        store.snapshots.createActive("sha256:none" as ChainId, store.leases.open("x")),
      ).rejects.toMatchObject({
        kind: "not-found",
      });
    });

    test("a frozen snapshot is a layer that takes no writes and that others are made on", async () => {
      await using store = await open();
      const { snapshots } = store;
      const lease = store.leases.open("build");
      const { top, ids } = await stack(store, [
        { name: "a", content: "below" },
        { name: "d/" },
        { name: "d/x" },
        { name: "gone" },
      ]);
      const step = await snapshots.createActive({ on: ids[0]! }, lease);
      await mounted(store, step, (root) => {
        writeFileSync(join(root, "a"), "step");
        rmSync(join(root, "gone"));
        rmSync(join(root, "d"), { recursive: true });
        mkdirSync(join(root, "d"));
      });
      expect(snapshots.has(step)).toBe(false);
      await expect(snapshots.createActive({ on: step }, lease)).rejects.toMatchObject({ kind: "not-found" });
      await snapshots.freeze(step, { size: 8192, inodes: 2 });
      expect(snapshots.has(step)).toBe(true);
      expect(await snapshots.usage(step)).toEqual({ size: 8192, inodes: 2 });
      expect(names(store.root, `snapshots/${step}`)).toEqual(["fs"]);
      await mounted(store, step, (root) => {
        expect(names(root)).toEqual(["a", "d"]);
        expect(() => writeFileSync(join(root, "b"), "")).toThrow(/EROFS/);
      });
      await expect(snapshots.freeze(step, { size: 0, inodes: 0 })).rejects.toMatchObject({
        kind: "conflict",
      });

      const next = await snapshots.createActive({ on: step }, lease);
      expect(snapshots.parentOf(next)).toBe(step);
      await mounted(store, next, (root) => {
        expect(names(root)).toEqual(["a", "d"]);
        expect(names(root, "d")).toEqual([]);
        expect(readFileSync(join(root, "a"), "utf8")).toBe("step");
        writeFileSync(join(root, "a"), "next");
      });
      await mounted(store, step, (root) => expect(readFileSync(join(root, "a"), "utf8")).toBe("step"));
      await mounted(store, top, (root) => expect(readFileSync(join(root, "a"), "utf8")).toBe("below"));
    });

    test("a frozen snapshot gets its chain id later, unless another layer has it", async () => {
      await using store = await open();
      const { snapshots } = store;
      const lease = store.leases.open("build");
      const chain = `sha256:${"c".repeat(64)}` as ChainId;
      const steps: SnapshotId[] = [];
      for (let at = 0; at < 2; at++) {
        const id = await snapshots.createActive(undefined, lease);
        await snapshots.freeze(id, { size: 0, inodes: 1 });
        steps.push(id);
      }
      const [first, second] = steps as [SnapshotId, SnapshotId];
      expect(snapshots.layer(chain)).toBeUndefined();
      expect(snapshots.nameLayer(first, chain)).toBe(first);
      expect(snapshots.nameLayer(first, chain)).toBe(first);
      expect(snapshots.nameLayer(second, chain)).toBe(first);
      expect(snapshots.has(second)).toBe(true);
      expect(snapshots.list().map(({ id, chain }) => [id, chain])).toEqual([
        [first, chain],
        [second, undefined],
      ]);
      expect(() => snapshots.nameLayer(first, `sha256:${"d".repeat(64)}` as ChainId)).toThrow("already");
      const active = await snapshots.createActive(chain, lease);
      expect(snapshots.parentOf(active)).toBe(first);
      expect(() => snapshots.nameLayer(active, `sha256:${"e".repeat(64)}` as ChainId)).toThrow("not a layer");
    });

    test("a layer is joined to a snapshot that has no chain id", async () => {
      await using store = await open();
      const { snapshots } = store;
      const lease = store.leases.open("build");
      const step = await snapshots.createActive(undefined, lease);
      await mounted(store, step, (root) => {
        mkdirSync(join(root, "d"));
        chmodSync(join(root, "d"), 0o701);
        writeFileSync(join(root, "d/a"), "");
      });
      await snapshots.freeze(step, { size: 0, inodes: 1 });
      const source = {
        chunks: (async function* () {
          yield archiveOf({ name: "d/b" });
        })(),
      };
      const { id, size, inodes, implied } = await unpackLayer(store, { lease, source });
      expect(
        await snapshots.commitLayer(id, undefined, { parent: { on: step }, size, inodes, implied }),
      ).toBe(id);
      expect(snapshots.parentOf(id)).toBe(step);
      await mounted(store, id, (root) => {
        expect(names(root, "d")).toEqual(["a", "b"]);
        expect(lstatSync(join(root, "d")).mode).toBe(0o040701);
      });
      await expect(snapshots.remove(step)).rejects.toMatchObject({ kind: "conflict" });
    });

    test("usage counts blocks and inodes", async () => {
      await using store = await open();
      const { ids, top } = await stack(store, [
        { name: "a", content: Buffer.alloc(10_000) },
        { name: "d/" },
        { name: "d/b", type: "link", linkName: "a" },
      ]);
      expect(await store.snapshots.usage(ids[0]!)).toEqual({ size: 12_288 + 2 * 4096, inodes: 3 });
      const active = await store.snapshots.createActive(top, store.leases.open("test"));
      await mounted(store, active, (root) => writeFileSync(join(root, "new"), Buffer.alloc(100_000, 1)));
      expect((await store.snapshots.usage(active)).size).toBeGreaterThanOrEqual(100_000);
    });

    // fsconfig's `lowerdir+`, which more layers than a page of options need, is in kernels from 6.5 on.
    const [major = 0, minor = 0] = release().split(".").map(Number);
    const counts = backend === "overlay" && (major > 6 || (major === 6 && minor >= 5)) ? [127, 300] : [127];
    test.each(counts)("%i layers, in a root with a long name", async (count) => {
      const root = join(temporaryRoot(), "a-root-with-quite-a-long-name".repeat(3));
      await using store = await openStore({ root, snapshotBackend: backend });
      const layers = Array.from({ length: count }, (_, at): Ingredient[] => [
        { name: `f${at}` },
        { name: "top", content: `${at}` },
      ]);
      const lease = store.leases.open("test");
      let parent: ChainId | undefined;
      for (const [at, entries] of layers.entries()) {
        // Written by hand: so many workers would be a test of patience
        const { id, directory } = await store.snapshots.beginLayer(lease);
        for (const { name, content = "" } of entries) writeFileSync(join(directory, name), content);
        const diff = `sha256:${String(at).padStart(64, "0")}` as Digest;
        const chain = chainIds(parent ? [parent as string as Digest, diff] : [diff]).at(-1)!;
        await store.snapshots.commitLayer(id, chain, { parent, size: 0, inodes: 2, implied: [] });
        parent = chain;
      }
      const { result } = await mounted(store, parent!, (target) => {
        expect(names(target)).toHaveLength(count + 1);
        expect(readFileSync(join(target, "top"), "utf8")).toBe(String(count - 1));
        writeFileSync(join(target, "written"), "");
        return listMounts().filter((each) => each.target === target);
      });
      expect(result).toHaveLength(1);
    });
  });

test("a root whose name has overlay's separators in it", async () => {
  const root = join(temporaryRoot(), "a:b,c\\d");
  await using store = await openStore({ root, snapshotBackend: "overlay" });
  const { top } = await stack(store, [{ name: "a" }], [{ name: "b" }]);
  await mounted(store, top, (target) => expect(names(target)).toEqual(["a", "b"]));
});

test("a root on an overlay gets the copy backend, and it works there", async () => {
  const place = temporaryRoot();
  for (const name of ["lower", "upper", "work", "merged"]) mkdirSync(join(place, name));
  const option = (name: string) => `${name}dir=${join(place, name)}`;
  mount("overlay", join(place, "merged"), "overlay", 0, ["lower", "upper", "work"].map(option).join(","));
  await using store = await openStore({ root: join(place, "merged", "data") });
  expect(store.snapshots.backend).toBe("copy");
  const { top } = await stack(
    store,
    [{ name: "a" }, { name: "d/" }, { name: "d/x" }],
    [{ name: ".wh.a" }, { name: "d/.wh..wh..opq" }, { name: "d/y" }],
  );
  await mounted(store, top, (root) => {
    expect(names(root)).toEqual(["d"]);
    expect(names(root, "d")).toEqual(["y"]);
  });
});
