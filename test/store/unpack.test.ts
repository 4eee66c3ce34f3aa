// Unpacking: as faithful as GNU tar, nowhere but in its folder, and nothing left when it fails.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { digestOf } from "../../src/oci/digest.ts";
import { openStore, type Store, unpackLayer } from "../../src/store/index.ts";
import { WORKER_ENVIRONMENT, workerCommand, workerEnd } from "../../src/store/worker/confine.ts";
import { archiveOf, describeTree, encodeIngredient, type Ingredient } from "./archives.ts";
import { everything } from "./everything.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

async function* inPieces(bytes: Uint8Array, size = 10_007) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(store: Store, archive: Uint8Array) {
  return await unpackLayer(store, {
    lease: store.leases.open("test"),
    source: { chunks: inPieces(archive) },
  });
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

/** What `look` finds within five seconds, which is a hundred times what a worker needs to start. */
async function eventually<T>(look: () => T | undefined): Promise<T> {
  for (let tries = 0; tries < 500; tries++) {
    const found = look();
    if (found !== undefined) return found;
    await Bun.sleep(10);
  }
  throw new Error("it did not come");
}

/** Unpacks into a store of its own and gives the folder. */
async function unpacked(archive: Uint8Array, backend: "overlay" | "copy" = "overlay") {
  const store = await openStore({ root: temporaryRoot(), snapshotBackend: backend });
  try {
    const layer = await unpack(store, archive);
    return { ...layer, directory: store.snapshots.directory(layer.id), root: store.root };
  } finally {
    await store.close();
  }
}

function gnuTar(...args: string[]): void {
  const tar = Bun.spawnSync(["tar", ...args], { stderr: "pipe" });
  if (tar.exitCode !== 0) throw new Error(`tar ${args.join(" ")}: ${tar.stderr}`);
}

describe("a faithful unpacking", () => {
  for (const backend of ["overlay", "copy"] as const)
    test(`is what was packed: pax, with the ${backend} backend`, async () => {
      const root = temporaryRoot();
      mkdirSync(join(root, "tree"));
      everything(join(root, "tree"));
      const tar = join(root, "a.tar");
      gnuTar("-C", join(root, "tree"), "--xattrs", "--xattrs-include=*", "--format=pax", "-cf", tar, ".");
      const archive = readFileSync(tar);
      const { directory, diffId, implied, inodes } = await unpacked(archive, backend);
      expect(describeTree(directory, { rootItself: true })).toEqual(
        describeTree(join(root, "tree"), { rootItself: true }),
      );
      expect(diffId).toBe(digestOf(archive));
      expect(implied).toEqual([]);
      const distinct = Bun.spawnSync(["sh", "-c", `find "${directory}" -printf '%i\\n' | sort -u | wc -l`]);
      expect(inodes).toBe(Number(distinct.stdout.toString()));
    });

  test("is as GNU tar's own in GNU's format (long names by L and K, whole seconds)", async () => {
    const root = temporaryRoot();
    for (const name of ["tree", "reference"]) mkdirSync(join(root, name));
    everything(join(root, "tree"));
    const tar = join(root, "a.tar");
    gnuTar("-C", join(root, "tree"), "--format=gnu", "-cf", tar, ".");
    gnuTar(
      "-C",
      join(root, "reference"),
      "--same-owner",
      "--same-permissions",
      "--numeric-owner",
      "-xf",
      tar,
    );
    const { directory } = await unpacked(readFileSync(tar));
    expect(describeTree(directory, { rootItself: true })).toEqual(
      describeTree(join(root, "reference"), { rootItself: true }),
    );
  });

  test("takes gzip (also of several members) and zstd, and tells the digest of what was inside", async () => {
    const archive = archiveOf(
      { name: "a", content: Buffer.alloc(3_000_000, "abc") },
      { name: "b", content: "b" },
    );
    const half = 1_000_000;
    const members = Buffer.concat([gzipSync(archive.subarray(0, half)), gzipSync(archive.subarray(half))]);
    const frames = Buffer.concat([
      zstdCompressSync(archive.subarray(0, half)),
      zstdCompressSync(archive.subarray(half)),
    ]);
    for (const packed of [gzipSync(archive), members, zstdCompressSync(archive), frames]) {
      const { directory, diffId } = await unpacked(packed);
      expect(diffId).toBe(digestOf(archive));
      expect(readdirSync(directory).sort()).toEqual(["a", "b"]);
    }
  });

  test("holds sizes beyond octal and owners beyond 2097151", async () => {
    const { directory } = await unpacked(
      archiveOf({ name: "f", uid: 3_000_000, gid: 4_000_000_000, content: "x" }),
    );
    expect(lstatSync(join(directory, "f"))).toMatchObject({ uid: 3_000_000, gid: 4_000_000_000, size: 1 });
  });

  test("keeps names that are not UTF-8 as their bytes", async () => {
    const block = encodeIngredient({ name: "caf?", content: "x" });
    block[3] = 0xe9; // é in Latin-1
    block.write("        ", 148);
    const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const { directory } = await unpacked(Buffer.concat([block, Buffer.alloc(1024)]));
    expect(readdirSync(directory, { encoding: "buffer" })).toEqual([Buffer.from([0x63, 0x61, 0x66, 0xe9])]);
  });

  test("names what it had to make and the archive had not named", async () => {
    const { implied, directory } = await unpacked(
      archiveOf({ name: "a/" }, { name: "a/b/c/d" }, { name: "a/b/" }),
    );
    expect(implied).toEqual(["", "a/b/c"]);
    expect(lstatSync(join(directory, "a/b/c")).mode & 0o7777).toBe(0o755);
  });

  test("lets a later entry replace an earlier one of another kind", async () => {
    const { directory } = await unpacked(
      archiveOf(
        { name: "file", content: "old" },
        { name: "file", content: "new!" },
        { name: "folder/inner/x" },
        { name: "folder", content: "now a file" },
        { name: "link", type: "symlink", linkName: "file" },
        { name: "link", content: "now a file" },
        { name: "will-be-folder" },
        { name: "will-be-folder/" },
        { name: "will-be-folder/x" },
        { name: "l", type: "symlink", linkName: "will-be-folder" },
        { name: "l/" },
        { name: "l/own" },
      ),
    );
    expect(readFileSync(join(directory, "file"), "utf8")).toBe("new!");
    expect(readFileSync(join(directory, "folder"), "utf8")).toBe("now a file");
    expect(readFileSync(join(directory, "link"), "utf8")).toBe("now a file");
    expect(readdirSync(join(directory, "will-be-folder"))).toEqual(["x"]);
    expect(readdirSync(join(directory, "l"))).toEqual(["own"]);
  });

  test("follows links that stay inside, as the folder they stand for", async () => {
    const { directory } = await unpacked(
      archiveOf(
        { name: "usr/lib/" },
        { name: "lib", type: "symlink", linkName: "usr/lib" },
        { name: "usr/share/lib", type: "symlink", linkName: "../../lib" },
        { name: "lib/a", content: "a" },
        { name: "usr/share/lib/b", content: "b" },
        { name: "c", type: "link", linkName: "lib/a" },
      ),
    );
    expect(readdirSync(join(directory, "usr/lib")).sort()).toEqual(["a", "b"]);
    expect(readlinkSync(join(directory, "lib"))).toBe("usr/lib");
    expect(readFileSync(join(directory, "c"), "utf8")).toBe("a");
  });

  test("ends where the archive ends, whatever padding follows", async () => {
    const { diffId, directory } = await unpacked(
      Buffer.concat([archiveOf({ name: "a" }), Buffer.alloc(9000, 1)]),
    );
    expect(readdirSync(directory)).toEqual(["a"]);
    expect(diffId).toBe(digestOf(Buffer.concat([archiveOf({ name: "a" }), Buffer.alloc(9000, 1)])));
  });

  test("leaves out overlay's own attributes", async () => {
    const evil = new Map([
      ["trusted.overlay.redirect", Buffer.from("/etc")],
      ["user.overlay.opaque", Buffer.from("y")],
      ["user.fine", Buffer.from("1")],
    ]);
    const { directory } = await unpacked(archiveOf({ name: "d/", xattrs: evil }));
    expect(describeTree(directory)).toMatchObject({ d: { xattrs: [["user.fine", "31"]] } });
  });
});

describe("what is refused, by the entry's name", () => {
  const link = (name: string, linkName: string): Ingredient => ({ name, type: "symlink", linkName });
  const cases: { title: string; entries: Ingredient[]; message: RegExp }[] = [
    { title: "a name with ..", entries: [{ name: "../evil" }], message: /unpack \.\.\/evil: .*outside/ },
    { title: "a name with .. in the middle", entries: [{ name: "a/../../evil" }], message: /outside/ },
    {
      title: "a write through an absolute link",
      entries: [link("out", "/tmp"), { name: "out/evil" }],
      message: /unpack out\/evil: .*through the link out to \/tmp/,
    },
    {
      title: "a write through a link upwards",
      entries: [{ name: "a/" }, link("a/out", "../../tmp"), { name: "a/out/evil" }],
      message: /unpack a\/out\/evil: .*outside/,
    },
    {
      title: "a write through a link to a link",
      entries: [link("one", "/"), link("two", "one/tmp"), { name: "two/evil" }],
      message: /unpack two\/evil: /,
    },
    {
      title: "a write through a hard link to a link",
      entries: [link("one", "/tmp"), { name: "two", type: "link", linkName: "one" }, { name: "two/evil" }],
      message: /unpack two\/evil: /,
    },
    {
      title: "links in a circle",
      entries: [link("a", "b"), link("b", "a"), { name: "a/x" }],
      message: /too many levels/,
    },
    {
      title: "a hard link to outside",
      entries: [{ name: "evil", type: "link", linkName: "../../etc/passwd" }],
      message: /unpack evil: .*outside/,
    },
    {
      title: "a hard link to what is not there",
      entries: [{ name: "evil", type: "link", linkName: "/etc/passwd" }],
      message: /unpack evil: its target \/etc\/passwd is not in the archive/,
    },
    {
      title: "a hard link through a link",
      entries: [link("out", "/etc"), { name: "evil", type: "link", linkName: "out/passwd" }],
      message: /unpack evil: /,
    },
    {
      title: "a hard link to a folder",
      entries: [{ name: "d/" }, { name: "e", type: "link", linkName: "d" }],
      message: /unpack e: /,
    },
    { title: "a folder in the place of the root", entries: [link(".", "/etc")], message: /root/ },
    { title: "a whiteout of ..", entries: [{ name: "a/.wh..." }], message: /unpack a\/\.wh\.\.\./ },
    { title: "a whiteout of .", entries: [{ name: "a/.wh.." }], message: /hides no name/ },
    { title: "a file as a folder", entries: [{ name: "a" }, { name: "a/b" }], message: /a is not a folder/ },
  ];
  for (const { title, entries, message } of cases)
    test(title, async () => {
      const root = temporaryRoot();
      await using store = await openStore({ root });
      const failure = await unpack(store, archiveOf({ name: "before" }, ...entries)).catch(
        (thrown) => thrown,
      );
      expect(failure).toMatchObject({ kind: "invalid" });
      expect(failure.message).toMatch(message);
      expect(existsSync("/tmp/evil")).toBe(false);
      expect(readdirSync(join(root, "snapshots"))).toEqual(["empty"]);
      expect(store.db.query("SELECT * FROM snapshots").all()).toEqual([]);
    });
});

test("sparse files have their holes back", async () => {
  const root = temporaryRoot();
  await Bun.write(join(root, "hole"), "data");
  Bun.spawnSync(["truncate", "-s", "10M", join(root, "hole")]);
  for (const format of ["gnu", "pax"]) {
    gnuTar("-C", root, "--sparse", `--format=${format}`, "-cf", join(root, "a.tar"), "hole");
    const { directory } = await unpacked(readFileSync(join(root, "a.tar")));
    expect(readFileSync(join(directory, "hole")).equals(readFileSync(join(root, "hole")))).toBe(true);
  }
});

describe("damage", () => {
  const whole = archiveOf(
    { name: "a", content: Buffer.alloc(5000, "a") },
    { name: "b/" },
    { name: "b/c", content: "c" },
  );

  test("an archive that ends in the middle is an error, at every byte that is in the middle", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    for (const length of [1, 511, 513, 512 + 4999, 512 + 5000, 512 + 5120 + 1, whole.length - 1024 - 1]) {
      const failure = await unpack(store, whole.subarray(0, length)).catch((thrown) => thrown);
      expect(failure).toMatchObject({ kind: "invalid", message: expect.stringMatching(/truncated/) });
    }
    expect(store.db.query("SELECT * FROM snapshots").all()).toEqual([]);
  });

  test("so is compressed data that ends early or is damaged", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 2_654_435_761) >>> 24));
    const big = archiveOf({ name: "a", content: noise });
    for (const packed of [gzipSync(big), zstdCompressSync(big)]) {
      const cut = await unpack(store, packed.subarray(0, packed.length >> 1)).catch((thrown) => thrown);
      expect(cut).toMatchObject({ kind: "invalid", message: expect.stringMatching(/truncated/) });
      const damaged = Buffer.from(packed);
      damaged.fill(0xff, packed.length >> 1, (packed.length >> 1) + 200);
      expect(await unpack(store, damaged).catch((thrown) => thrown)).toMatchObject({ kind: "invalid" });
      const followed = Buffer.concat([packed, Buffer.from("and something else")]);
      expect(await unpack(store, followed).catch((thrown) => thrown)).toMatchObject({ kind: "invalid" });
    }
  });

  test("random bytes never unpack to anything, nor do flipped bits crash the worker", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 512, maxLength: 4096 }), async (bytes) => {
        expect(await unpack(store, bytes).catch((thrown) => thrown)).toMatchObject({ kind: "invalid" });
      }),
      { numRuns: 15 },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length * 8 - 1), async (bit) => {
        const flipped = Buffer.from(whole);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const result = await unpack(store, flipped).catch((thrown) => thrown);
        if (result instanceof Error) expect(result).toMatchObject({ kind: "invalid" });
        else await store.snapshots.remove(result.id);
      }),
      { numRuns: 25 },
    );
    expect(store.db.query("SELECT * FROM snapshots").all()).toEqual([]);
  }, 60_000);

  test("a source that fails is the error, and nothing is left", async () => {
    const root = temporaryRoot();
    await using store = await openStore({ root });
    async function* failing() {
      yield whole.subarray(0, 1000);
      throw new Error("the network went away");
    }
    const lease = store.leases.open("test");
    await expect(unpackLayer(store, { lease, source: { chunks: failing() } })).rejects.toThrow(
      "the network went away",
    );
    expect(readdirSync(join(root, "snapshots"))).toEqual(["empty"]);
  });

  test("an abort ends the worker, and nothing is left", async () => {
    const root = temporaryRoot();
    await using store = await openStore({ root });
    const abort = new AbortController();
    async function* endless() {
      yield whole.subarray(0, 1000);
      setTimeout(() => abort.abort(new Error("enough")), 100);
      await new Promise((resolve) => abort.signal.addEventListener("abort", resolve));
    }
    const lease = store.leases.open("test");
    const unpacking = unpackLayer(store, { lease, source: { chunks: endless() }, signal: abort.signal });
    await expect(unpacking).rejects.toThrow("enough");
    expect(readdirSync(join(root, "snapshots"))).toEqual(["empty"]);
  });
});

describe("the worker's cage", () => {
  test("few capabilities, no new privileges, namespaces of its own, the layer's folder as root directory, limits", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const abort = new AbortController();
    const seen = Promise.withResolvers<Record<string, string>>();
    async function* watched() {
      yield archiveOf({ name: "a" }).subarray(0, 512);
      const pid = await eventually(() =>
        childrenOf(process.pid).find((child) => readlinkSync(`/proc/${child}/root`) !== "/"),
      );
      const status = Object.fromEntries(
        readFileSync(`/proc/${pid}/status`, "utf8")
          .split("\n")
          .map((line) => line.split(":\t") as [string, string]),
      );
      const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
      seen.resolve({
        ...status,
        root: readlinkSync(`/proc/${pid}/root`),
        net: readlinkSync(`/proc/${pid}/ns/net`),
        mnt: readlinkSync(`/proc/${pid}/ns/mnt`),
        interfaces: readFileSync(`/proc/${pid}/net/dev`, "utf8"),
        core: /Max core file size +(\S+) +(\S+)/.exec(limits)?.slice(1).join() ?? "",
        file: /Max file size +(\S+)/.exec(limits)?.[1] ?? "",
        time: /Max cpu time +(\S+) +(\S+)/.exec(limits)?.slice(1).join() ?? "",
        oom: readFileSync(`/proc/${pid}/oom_score_adj`, "utf8").trim(),
        environment: readFileSync(`/proc/${pid}/environ`, "utf8"),
      });
      await new Promise((resolve) => abort.signal.addEventListener("abort", resolve));
    }
    const lease = store.leases.open("test");
    const source = { chunks: watched(), size: 1 << 20 };
    const unpacking = unpackLayer(store, { lease, source, signal: abort.signal });
    unpacking.catch(seen.reject);
    const facts = await seen.promise;
    abort.abort(new Error("seen"));
    await expect(unpacking).rejects.toThrow("seen");
    // chown 0, dac_override 1, fowner 3, fsetid 4, sys_chroot 18, mknod 27, setfcap 31 (linux/capability.h)
    const allowed = [0, 1, 3, 4, 18, 27, 31].reduce((set, bit) => set + 2 ** bit, 0);
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) expect(Number.parseInt(facts[set]!, 16)).toBe(allowed);
    for (const set of ["CapInh", "CapAmb"]) expect(Number.parseInt(facts[set]!, 16)).toBe(0);
    expect(facts).toMatchObject({ NoNewPrivs: "1", core: "0,0", time: "76,77", oom: "800" });
    expect(Number(facts.file)).toBe(64 * 2 ** 30 + 1100 * 2 ** 20);
    expect(facts.root).toStartWith(join(store.root, "snapshots"));
    expect(facts.net).not.toBe(readlinkSync("/proc/self/ns/net"));
    expect(facts.mnt).not.toBe(readlinkSync("/proc/self/ns/mnt"));
    expect(facts.interfaces?.match(/^ *\w+:/gm)?.map((name) => name.trim())).toEqual(["lo:"]);
    expect(facts.environment).not.toContain("HOME=");
  });
});

describe("an archive that never ends", () => {
  test("is given up when its processor time is spent", async () => {
    const command = workerCommand("unpack", temporaryRoot(), "overlay", "1");
    const worker = Bun.spawn(command, { cwd: "/", env: WORKER_ENVIRONMENT, stdio: ["pipe", "pipe", "pipe"] });
    const ended = workerEnd("unpack", worker, worker.stdout.text(), AbortSignal.timeout(20_000));
    const zeros = Buffer.alloc(1 << 20);
    const feeding = (async () => {
      while (worker.exitCode === null && worker.signalCode === null) {
        worker.stdin.write(zeros);
        await worker.stdin.flush();
      }
    })().catch(() => undefined);
    await expect(ended).rejects.toThrow("more processor time to unpack than any of its size should");
    await feeding;
  }, 30_000);
});

describe("a full disk", () => {
  test("says so and leaves nothing", async () => {
    const root = temporaryRoot();
    const image = join(root, "disk.img");
    const disk = join(root, "disk");
    mkdirSync(disk);
    const run = (...command: string[]) => {
      const child = Bun.spawnSync(command, { stderr: "pipe" });
      if (child.exitCode !== 0) throw new Error(`${command.join(" ")}: ${child.stderr}`);
    };
    run("truncate", "-s", "24M", image);
    run("mkfs.ext4", "-q", "-F", image);
    run("mount", "-o", "loop", image, disk);
    const store = await openStore({ root: join(disk, "data") });
    try {
      const noise = Buffer.alloc(40 << 20, "0123456789abcdef");
      const failure = await unpack(store, archiveOf({ name: "fits" }, { name: "big", content: noise })).catch(
        (thrown) => thrown,
      );
      expect(failure.message).toMatch(/unpack big: write: no space left on device/);
      expect(readdirSync(join(disk, "data/snapshots"))).toEqual(["empty"]);
      expect(store.db.query("SELECT * FROM snapshots").all()).toEqual([]);
      // There is room again
      await unpack(store, archiveOf({ name: "small", content: Buffer.alloc(1 << 20) }));
    } finally {
      await store.close();
      run("umount", disk);
    }
  });
});
