// Finished layers as archives: exact, the same each time, in each compression; on both backends.
import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { setXattr } from "../../src/linux/xattr.ts";
import { chainIds, digestOf } from "../../src/oci/digest.ts";
import {
  type LayerCompression,
  mountSnapshot,
  openStore,
  packLayer,
  recompressLayer,
  type SnapshotId,
  type Store,
  unmountSnapshot,
  unpackLayer,
} from "../../src/store/index.ts";
import { describeTree } from "./archives.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

/** A finished layer with what `work` does to the tree that it is made on. */
async function layerOn(store: Store, on: SnapshotId | undefined, work: (root: string) => void) {
  const lease = store.leases.open("test");
  const id = await store.snapshots.createActive(on && { on }, lease);
  at(store, id, work);
  await store.snapshots.freeze(id, await store.snapshots.usage(id));
  return id;
}

function at<R>(store: Store, id: SnapshotId, work: (root: string) => R): R {
  const target = join(store.root, "scratch", `at-${id}`);
  mountSnapshot(store, id, target);
  try {
    return work(target);
  } finally {
    unmountSnapshot(target);
  }
}

/** What `write` puts into a file. */
async function written<T>(store: Store, write: (output: number) => Promise<T>) {
  const path = join(store.root, "scratch", crypto.randomUUID());
  const output = openSync(path, "w");
  try {
    const facts = await write(output);
    return { bytes: readFileSync(path), ...facts };
  } finally {
    closeSync(output);
  }
}

async function packed(store: Store, layer: SnapshotId, compression: LayerCompression, latest?: number) {
  const result = await written(store, (output) =>
    packLayer(store, { layer, compression, output, ...(latest !== undefined && { latest }) }),
  );
  expect([digestOf(result.bytes), result.bytes.length]).toEqual([result.digest, result.size]);
  return result;
}

function first(root: string): void {
  // What a container's root is given is this layer's own.
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/hosts"), "");
  mkdirSync(join(root, "gone/deep"), { recursive: true });
  writeFileSync(join(root, "gone/deep/file"), "x");
  writeFileSync(join(root, "kept"), "kept");
  writeFileSync(join(root, "linked"), "one file");
  mkdirSync(join(root, "swept"));
  writeFileSync(join(root, "swept/old"), "old");
}

function second(root: string): void {
  rmSync(join(root, "gone"), { recursive: true });
  rmSync(join(root, "swept"), { recursive: true });
  mkdirSync(join(root, "swept"), { mode: 0o1777 });
  writeFileSync(join(root, "swept/new"), "new");
  linkSync(join(root, "linked"), join(root, "second name"));
  symlinkSync("../nowhere", join(root, "broken"));
  writeFileSync(join(root, "big"), Buffer.alloc(3_000_000, "abcdefg"));
  chownSync(join(root, "big"), 12, 34);
  chmodSync(join(root, "kept"), 0o4755);
  setXattr(join(root, "big"), "user.note", Buffer.from("n"));
  utimesSync(join(root, "big"), 1_000_000_000, 1_000_000_000);
  lutimesSync(join(root, "broken"), 2_000_000_000, 2_000_000_000);
}

const plain = (bytes: Buffer, type: LayerCompression["type"]) =>
  type === "gzip" ? gunzipSync(bytes) : type === "zstd" ? zstdDecompressSync(bytes) : bytes;

/** Without times' fractions, which a layer's archive hasn't got. */
const tree = (store: Store, id: SnapshotId) =>
  at(store, id, (root) =>
    Object.fromEntries(
      Object.entries(describeTree(root)).map(([path, facts]) => [
        path,
        { ...facts, modified: (facts as { modified: bigint }).modified / 1_000_000_000n },
      ]),
    ),
  );

for (const backend of ["overlay", "copy"] as const)
  describe(`packing layers on ${backend}`, () => {
    const open = async () => await openStore({ root: temporaryRoot(), snapshotBackend: backend });

    test("what is unpacked of a stack's archives is the stack", async () => {
      await using store = await open();
      const one = await layerOn(store, undefined, first);
      const two = await layerOn(store, one, second);
      const lease = store.leases.open("test");
      const archives = [
        await packed(store, one, { type: "gzip" }),
        await packed(store, two, { type: "zstd" }),
      ];
      const chain = chainIds(archives.map(({ diffId }) => diffId));
      let top: SnapshotId | undefined;
      for (const [index, { bytes, diffId }] of archives.entries()) {
        const chunks = (async function* () {
          yield bytes;
        })();
        const unpacked = await unpackLayer(store, { lease, source: { chunks } });
        expect(unpacked.diffId).toBe(diffId);
        top = await store.snapshots.commitLayer(unpacked.id, chain[index]!, {
          ...unpacked,
          parent: chain[index - 1],
        });
      }
      expect(tree(store, top!)).toEqual(tree(store, two));
    });

    test("the same each time, and in each compression", async () => {
      await using store = await open();
      const one = await layerOn(store, undefined, first);
      const two = await layerOn(store, one, second);
      const digests = new Set<string>();
      for (const type of ["gzip", "zstd", "uncompressed"] as const) {
        const [a, b] = [await packed(store, two, { type }), await packed(store, two, { type })];
        expect(a.bytes.equals(b.bytes)).toBe(true);
        expect(digestOf(plain(a.bytes, type))).toBe(a.diffId);
        digests.add(a.diffId);
      }
      expect(digests.size).toBe(1);
    });

    test("a layer that changed nothing is an empty archive", async () => {
      await using store = await open();
      const one = await layerOn(store, undefined, first);
      const two = await layerOn(store, one, () => {});
      const { bytes, entries, diffId } = await packed(store, two, { type: "gzip" });
      expect(gunzipSync(bytes)).toEqual(Buffer.alloc(1024));
      expect(entries).toBe(0);
      expect(diffId as string).toBe(
        "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
      );
    });

    test("times after the latest become it, others stay", async () => {
      await using store = await open();
      const layer = await layerOn(store, undefined, oldAndNew);
      const { bytes } = await packed(store, layer, { type: "uncompressed" }, 1_500_000_000);
      const list = Bun.spawnSync(["tar", "--list", "--verbose", "--utc", "--full-time"], { stdin: bytes })
        .stdout.toString()
        .split("\n");
      expect(list.find((line) => line.endsWith("old"))).toContain("2001-09-09 01:46:40");
      expect(list.find((line) => line.endsWith("new"))).toContain("2017-07-14 02:40:00");
    });

    test("an archive comes in another compression, and is the same inside", async () => {
      await using store = await open();
      const layer = await layerOn(store, undefined, first);
      const { bytes, diffId } = await packed(store, layer, { type: "gzip" });
      const path = join(store.root, "scratch", "archive");
      for (const type of ["zstd", "uncompressed", "gzip"] as const) {
        writeFileSync(path, bytes);
        const other = await written(store, (output) =>
          recompressLayer({ path, compression: { type }, output }),
        );
        expect(other.diffId).toBe(diffId);
        expect(digestOf(plain(other.bytes, type))).toBe(diffId);
      }
    });
  });

function oldAndNew(root: string): void {
  writeFileSync(join(root, "old"), "");
  utimesSync(join(root, "old"), 1_000_000_000, 1_000_000_000);
  writeFileSync(join(root, "new"), "");
  utimesSync(join(root, "new"), 2_000_000_000, 2_000_000_000);
}
