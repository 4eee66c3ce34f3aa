// What a container changed: listed as Docker's `diff` lists it, and packed as a layer that on the same image gives the files that
// the container saw. Both ways to stack layers.
import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { listMounts, unmount } from "../../src/linux/mount.ts";
import { getXattr, setXattr } from "../../src/linux/xattr.ts";
import { type ChainId, digestOf } from "../../src/oci/digest.ts";
import {
  listChanges,
  makeMountPlaces,
  makeUsualFiles,
  mountSnapshot,
  openStore,
  packChanges,
  type SnapshotId,
  type Store,
  unpackLayer,
} from "../../src/store/index.ts";
import { archiveOf, describeTree, type Ingredient } from "./archives.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

const BASE = "sha256:base" as ChainId;
const CAPABILITY = Buffer.from("0100000200040000000000000000000000000000", "hex");

async function addLayer(
  store: Store,
  archive: Uint8Array,
  chain: ChainId,
  parent?: ChainId,
): Promise<number> {
  const chunks = (async function* () {
    yield archive;
  })();
  const { id, ...layer } = await unpackLayer(store, { lease: store.leases.open("test"), source: { chunks } });
  await store.snapshots.commitLayer(id, chain, { ...layer, parent });
  return layer.size;
}

/** A container of an image with these files, mounted. */
async function container(backend: "overlay" | "copy", ...files: Ingredient[]) {
  const store = await openStore({ root: temporaryRoot(), snapshotBackend: backend });
  await addLayer(store, archiveOf(...files), BASE);
  const snapshot = await store.snapshots.createActive(BASE, store.leases.open("test"));
  const root = join(store.root, "scratch", "container");
  mountSnapshot(store, snapshot, root);
  makeUsualFiles(root, { uid: 0, gid: 0 });
  return {
    store,
    snapshot,
    root,
    at: (name: string) => join(root, name),
    async [Symbol.asyncDispose]() {
      while (unmount(root));
      await store.close();
    },
  };
}

type Container = Awaited<ReturnType<typeof container>>;

const LETTERS = { added: "A", changed: "C", deleted: "D" };

async function diff({ store, snapshot, root }: Container): Promise<string[]> {
  const changes = await listChanges(store, { snapshot, rootfs: root });
  return changes.map(({ kind, path }) => `${LETTERS[kind]} ${path.toString("latin1")}`);
}

async function pack({ store, snapshot, root }: Container) {
  const { output, result } = packChanges(store, { snapshot, rootfs: root });
  const archive = gunzipSync(await new Response(output).bytes());
  return { archive, ...(await result) };
}

function namesIn(archive: Uint8Array): string[] {
  const { stdout } = Bun.spawnSync(["tar", "-tf", "-", "--quoting-style=literal"], { stdin: archive });
  return stdout.toString("latin1").split("\n").filter(Boolean);
}

const USUAL = /^(dev|proc|sys|etc)(\/|$)|^\.dockerenv$/;

/** Without what every root has, with times as layers have them, and without those of folders, which are no change. */
function comparable(root: string): Record<string, object> {
  const own = Object.entries(describeTree(root)).filter(([path]) => !USUAL.test(path));
  const entries = own.map(([path, facts]) => {
    const { modified, mode, ...rest } = facts as { modified: bigint; mode: string };
    const time = mode.startsWith("4") ? undefined : modified / 1_000_000_000n;
    return [path, { ...rest, mode, time }] as const;
  });
  return Object.fromEntries(entries);
}

function mountedTree(store: Store, chain: ChainId): Record<string, object> {
  const target = mkdtempSync(join(store.root, "scratch", "view-"));
  mountSnapshot(store, store.snapshots.layer(chain) as SnapshotId, target);
  try {
    return comparable(target);
  } finally {
    unmount(target);
  }
}

describe.each(["overlay", "copy"] as const)("changes of a container (%s)", (backend) => {
  const image: Ingredient[] = [
    { name: "keep", content: "k" },
    { name: "gone" },
    { name: "d/" },
    { name: "d/x" },
    { name: "opaque/" },
    { name: "opaque/old" },
    { name: "opaque/both", content: "1" },
    { name: "now-file/" },
    { name: "now-file/inner" },
    { name: "now-folder", content: "f" },
    { name: "mode/" },
    { name: "mode/inside" },
    { name: "hard", content: "h" },
    { name: "still/" },
    { name: "still/there" },
    { name: "caps", content: "c" },
    { name: "link", type: "symlink", linkName: "keep" },
  ];

  test("are shown and packed, and the layer gives what the container saw", async () => {
    await using it = await container(backend, ...image);
    const { at, store, root } = it;
    rmSync(at("gone"));
    rmSync(at("d"), { recursive: true });
    rmSync(at("opaque"), { recursive: true });
    mkdirSync(at("opaque"));
    writeFileSync(at("opaque/both"), "22");
    rmSync(at("now-file"), { recursive: true });
    writeFileSync(at("now-file"), "n");
    rmSync(at("now-folder"));
    mkdirSync(at("now-folder"));
    writeFileSync(at("now-folder/new"), "n");
    chmodSync(at("mode"), 0o711);
    linkSync(at("hard"), at("hard2"));
    renameSync(at("keep"), at("kept"));
    setXattr(at("caps"), "security.capability", CAPABILITY);
    // Made and taken away again: the folder is as it was.
    writeFileSync(at("still/tmp"), "");
    unlinkSync(at("still/tmp"));
    unlinkSync(at("link"));
    symlinkSync("kept", at("link"));
    Bun.spawnSync(["mkfifo", at("fifo")]);
    Bun.spawnSync(["mknod", at("null"), "c", "1", "3"]);

    const expected = [
      "C /caps",
      "D /d",
      "A /fifo",
      "D /gone",
      "A /hard2",
      "D /keep",
      "A /kept",
      "C /link",
      "C /mode",
      "C /now-file",
      "C /now-folder",
      "A /now-folder/new",
      "A /null",
      "C /opaque",
      "C /opaque/both",
      "D /opaque/old",
    ];
    expect(await diff(it)).toEqual(expected);
    const seen = comparable(root);
    const { archive, entries, diffId, unpackedSize } = await pack(it);
    expect(diffId).toBe(digestOf(archive));
    const names = namesIn(archive);
    expect(entries).toBe(names.length);
    for (const name of [".wh.d", ".wh.gone", ".wh.keep", "opaque/.wh.old", "hard", "hard2", "caps"])
      expect(names).toContain(name);
    expect(names.filter((name) => /^(still|mode\/|keep$|gone$)/.test(name))).toEqual(["mode/"]);

    const top = "sha256:top" as ChainId;
    expect(await addLayer(store, archive, top, BASE)).toBe(unpackedSize);
    expect(mountedTree(store, top)).toEqual(seen);
    const left = listMounts().filter(({ target }) => target.startsWith(`${store.root}/scratch`));
    expect(left.map(({ target }) => target)).toEqual([root]);
    expect(readdirSync(join(store.root, "scratch")).filter((name) => name.startsWith("changes-"))).toEqual(
      [],
    );
  });

  test("a touched file whose time was set back is in the layer, though nothing of it shows", async () => {
    await using it = await container(backend, { name: "f", content: "one" });
    writeFileSync(it.at("f"), "two");
    utimesSync(it.at("f"), 1_577_836_800, 1_577_836_800);
    expect(await diff(it)).toEqual([]);
    // A copy has nothing but size and time to tell by.
    const { entries } = await pack(it);
    expect(entries).toBe(backend === "overlay" ? 1 : 0);
  });

  test("names are bytes", async () => {
    await using it = await container(backend, { name: "f" });
    mkdirSync(Buffer.from(`${it.root}/b\xe4d\n`, "latin1"));
    writeFileSync(Buffer.from(`${it.root}/b\xe4d\n/\xff`, "latin1"), "");
    expect(await diff(it)).toEqual(["A /b\xe4d\n", "A /b\xe4d\n/\xff"]);
    const { archive } = await pack(it);
    await addLayer(it.store, archive, "sha256:top" as ChainId, BASE);
    const folder = it.store.snapshots.directory(
      it.store.snapshots.layer("sha256:top" as ChainId) as SnapshotId,
    );
    expect(existsSync(Buffer.from(`${folder}/b\xe4d\n/\xff`, "latin1"))).toBe(true);
  });

  test("none at all is an empty layer", async () => {
    await using it = await container(backend, { name: "f" });
    expect(await diff(it)).toEqual([]);
    expect((await pack(it)).entries).toBe(0);
  });

  test("what every root has is none; what becomes of it is", async () => {
    await using it = await container(backend, { name: "etc/" }, { name: "etc/passwd" });
    const places = [
      { destination: "/mnt/deep/er", isFile: false },
      { destination: "/mnt/deep/er/below", isFile: false },
      { destination: "/file", isFile: true },
      { destination: "/dev/shm/x", isFile: false },
    ];
    makeUsualFiles(it.root, { uid: 0, gid: 0 });
    makeMountPlaces(it.root, places, { uid: 0, gid: 0 });
    expect(existsSync(it.at(".dockerenv"))).toBe(true);
    const mounted = ["A /file", "A /mnt", "A /mnt/deep", "A /mnt/deep/er"];
    expect(await diff(it)).toEqual(mounted);
    expect(namesIn((await pack(it)).archive)).toEqual(["file", "mnt/", "mnt/deep/", "mnt/deep/er/"]);
    rmSync(it.at(".dockerenv"));
    writeFileSync(it.at("etc/hosts"), "own");
    writeFileSync(it.at("etc/new"), "");
    expect(await diff(it)).toEqual(["D /.dockerenv", "C /etc", "A /etc/hosts", "A /etc/new", ...mounted]);
    expect(namesIn((await pack(it)).archive)).not.toContain(".wh..dockerenv");
  });

  test("a folder's attribute is in the layer; a name that would read as a mark is not", async () => {
    await using it = await container(backend, { name: "d/" });
    setXattr(it.at("d"), "user.note", Buffer.from("x"));
    writeFileSync(it.at(".wh.d"), "");
    const { archive } = await pack(it);
    expect(namesIn(archive)).toEqual(["d/"]);
    await addLayer(it.store, archive, "sha256:top" as ChainId, BASE);
    const folder = it.store.snapshots.directory(
      it.store.snapshots.layer("sha256:top" as ChainId) as SnapshotId,
    );
    expect(getXattr(join(folder, "d"), "user.note")).toEqual(Buffer.from("x"));
  });
});

test("a process that swaps folders for links and writes meanwhile leads nowhere else", async () => {
  await using it = await container("overlay", { name: "d/" }, { name: "d/f", content: "f" });
  const secret = temporaryRoot();
  writeFileSync(join(secret, "f"), "told to nobody");
  writeFileSync(join(secret, "only-there"), "");
  mkdirSync(it.at("real"));
  writeFileSync(it.at("real/f"), "r");
  const script = `
    import { renameSync, symlinkSync, appendFileSync, truncateSync } from "node:fs";
    symlinkSync(${JSON.stringify(secret)}, "swap");
    for (let i = 0; ; i++) {
      renameSync("real", "held"); renameSync("swap", "real"); renameSync("real", "swap"); renameSync("held", "real");
      appendFileSync("grows", "x".repeat(4096));
      if (i % 100 === 0) truncateSync("grows");
    }`;
  const swapper = Bun.spawn([process.execPath, "-e", script], {
    cwd: it.root,
    stdio: ["ignore", "ignore", "ignore"],
  });
  try {
    while (!existsSync(it.at("grows"))) await Bun.sleep(5);
    for (let round = 0; round < 10; round++) {
      const [changes, { archive }] = await Promise.all([diff(it), pack(it)]);
      expect(changes.join()).not.toContain("only-there");
      expect(archive.includes("told to nobody")).toBe(false);
    }
  } finally {
    swapper.kill("SIGKILL");
    await swapper.exited;
  }
}, 30_000);
