// A layer on another base, on both backends: what it has and hides is the same there.
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  cloneLayer,
  mountSnapshot,
  openStore,
  type SnapshotId,
  type Store,
  unmountSnapshot,
} from "../../src/store/index.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

for (const backend of ["overlay", "copy"] as const)
  describe(`a cloned layer on ${backend}`, () => {
    const open = () => openStore({ root: temporaryRoot(), snapshotBackend: backend });

    function mounted<R>(store: Store, id: SnapshotId, work: (root: string) => R): R {
      const place = join(store.root, "scratch/mount");
      mountSnapshot(store, id, place);
      try {
        return work(place);
      } finally {
        unmountSnapshot(place);
      }
    }
    async function step(store: Store, on: SnapshotId | undefined, work: (root: string) => void) {
      const id = await store.snapshots.createActive(on && { on }, store.leases.open("test"));
      mounted(store, id, work);
      await store.snapshots.freeze(id, await store.snapshots.usage(id));
      return id;
    }

    test("adds, replaces and hides", async () => {
      await using store = await open();
      const base = await step(store, undefined, (root) => {
        for (const name of ["opaque", "joined"]) mkdirSync(join(root, name));
        for (const name of ["gone", "changed", "kept", "opaque/old", "joined/below"])
          writeFileSync(join(root, name), "base");
      });
      const layer = await step(store, base, (root) => {
        writeFileSync(join(root, "changed"), "layer");
        rmSync(join(root, "gone"));
        rmSync(join(root, "opaque"), { recursive: true });
        mkdirSync(join(root, "opaque"));
        writeFileSync(join(root, "opaque/new"), "layer");
        writeFileSync(join(root, "joined/above"), "layer");
        chmodSync(join(root, "joined"), 0o711);
      });
      const other = await step(store, undefined, (root) => {
        for (const name of ["opaque", "joined"]) mkdirSync(join(root, name));
        for (const name of ["gone", "changed", "alone", "opaque/old", "joined/other"])
          writeFileSync(join(root, name), "other");
      });
      const clone = await cloneLayer(store, {
        lease: store.leases.open("test"),
        layer,
        parent: { on: other },
      });
      expect(store.snapshots.has(clone)).toBe(true);
      expect(store.snapshots.parentOf(clone)).toBe(other);
      mounted(store, clone, (root) => {
        expect(readdirSync(root).sort()).toEqual(["alone", "changed", "joined", "opaque"]);
        expect(readdirSync(join(root, "joined")).sort()).toEqual(["above", "other"]);
        expect(lstatSync(join(root, "joined")).mode).toBe(0o040711);
        expect(readFileSync(join(root, "changed"), "utf8")).toBe("layer");
        if (backend === "overlay") expect(readdirSync(join(root, "opaque"))).toEqual(["new"]);
      });
      await store.snapshots.remove(layer);
      mounted(store, clone, (root) => expect(readFileSync(join(root, "changed"), "utf8")).toBe("layer"));
    });

    test("stands alone, or on a snapshot that is not there: an error, and nothing left", async () => {
      await using store = await open();
      const lease = store.leases.open("test");
      const layer = await step(store, undefined, (root) => writeFileSync(join(root, "a"), "a"));
      const alone = await cloneLayer(store, { lease, layer, parent: undefined });
      mounted(store, alone, (root) => expect(readdirSync(root)).toEqual(["a"]));
      const parent = { on: "zz" as SnapshotId };
      await expect(cloneLayer(store, { lease, layer, parent })).rejects.toMatchObject({ kind: "not-found" });
      await expect(
        cloneLayer(store, { lease, layer: "zz" as SnapshotId, parent: undefined }),
      ).rejects.toMatchObject({ kind: "not-found" });
      expect(readdirSync(join(store.root, "snapshots")).sort()).toEqual([layer, alone, "empty"].sort());
    });
  });
