// Garbage: what no image, root or lease reaches, over the edges of manifests, referrers, unpacked layers and parents.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ChainId, type Digest, digestOf } from "../../src/oci/digest.ts";
import { type LeaseId, openStore, type SnapshotId, type Store } from "../../src/store/index.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

const descriptor = (digest: Digest) => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest,
  size: 1,
});

async function put(store: Store, lease: LeaseId, content: unknown): Promise<Digest> {
  const bytes = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
  return (await store.content.put(bytes, lease)).digest;
}

/** An index of one manifest with a config, a layer, a signature that refers to it, and the layer unpacked. */
async function image(store: Store, lease: LeaseId, seed: string) {
  const config = await put(store, lease, `config ${seed}`);
  const layer = await put(store, lease, `layer ${seed}`);
  const manifest = await put(store, lease, {
    schemaVersion: 2,
    config: { digest: config },
    layers: [{ digest: layer }],
  });
  const index = await put(store, lease, { schemaVersion: 2, manifests: [{ digest: manifest }] });
  const blank = await put(store, lease, "{}");
  const signature = await put(store, lease, {
    schemaVersion: 2,
    config: { digest: blank },
    layers: [],
    subject: { digest: manifest },
    annotations: { seed },
  });
  const chain = digestOf(`chain ${seed}`) as string as ChainId;
  const base = await commit(store, lease, digestOf(`base ${seed}`) as string as ChainId, undefined);
  const top = await commit(store, lease, chain, digestOf(`base ${seed}`) as string as ChainId);
  store.content.setLabels(manifest, { unpacked: chain });
  return { index, blobs: [config, layer, manifest, index, signature, blank], snapshots: [base, top], chain };
}

async function commit(
  store: Store,
  lease: LeaseId,
  chain: ChainId,
  parent: ChainId | undefined,
): Promise<SnapshotId> {
  const { id, directory } = await store.snapshots.beginLayer(lease);
  writeFileSync(join(directory, "file"), chain);
  return await store.snapshots.commitLayer(id, chain, { parent, size: 8192, inodes: 2, implied: [] });
}

const digests = (store: Store) =>
  store.content
    .list()
    .map(({ digest }) => digest)
    .sort();
const snapshots = (store: Store) =>
  store.snapshots
    .list()
    .map(({ id }) => id)
    .sort();

describe("garbage", () => {
  test("an image keeps its index, manifests, config, layers, referrers, unpacked layers and their parents", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("pull");
    const kept = await image(store, lease, "kept");
    const lost = await image(store, lease, "lost");
    store.images.put({ name: "kept:latest", target: descriptor(kept.index), labels: {} });
    store.leases.close(lease);

    const report = await store.collectGarbage();
    expect(digests(store)).toEqual([...kept.blobs].sort());
    expect(snapshots(store)).toEqual([...kept.snapshots].sort());
    const { blobs } = report;
    expect(blobs.sort()).toEqual(lost.blobs.filter((digest) => !kept.blobs.includes(digest)).sort());
    expect(report.snapshots.sort()).toEqual([...lost.snapshots].sort());
    expect(report.freed).toBeGreaterThan(2 * 8192);
    for (const digest of lost.blobs.slice(0, 5))
      expect(existsSync(join(store.root, "content", digest.replace(":", "/")))).toBe(false);
    for (const id of lost.snapshots) expect(existsSync(join(store.root, "snapshots", id))).toBe(false);
    expect(await store.collectGarbage()).toEqual({ blobs: [], snapshots: [], freed: 0 });

    store.images.delete("kept:latest");
    await store.collectGarbage();
    expect([digests(store), snapshots(store)]).toEqual([[], []]);
    expect(readdirSync(join(store.root, "scratch"))).toEqual([]);
    expect(store.db.query("SELECT * FROM blob_edges").all()).toEqual([]);
  });

  test("a lease keeps what it names until it is closed or expires", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("short", 60);
    await image(store, lease, "a");
    await store.collectGarbage();
    expect(digests(store)).toHaveLength(6);
    expect(snapshots(store)).toHaveLength(2);
    store.leases.touch(lease, -1);
    await store.collectGarbage();
    expect([digests(store), snapshots(store)]).toEqual([[], []]);
    expect(() => store.leases.touch(lease)).toThrow("expired");
    expect(() => store.leases.hold(lease, { digest: digestOf("x") })).toThrow("expired");
  });

  test("a container keeps its snapshot, the layers below and the blobs it names", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("create");
    const { blobs, snapshots: layers, index, chain } = await image(store, lease, "a");
    const active = await store.snapshots.createActive(chain, lease);
    const owner = { kind: "container", id: "c1" } as const;
    store.roots.set(owner, { digests: [index], snapshots: [active] });
    store.leases.close(lease);
    await store.collectGarbage();
    expect(digests(store)).toEqual([...blobs].sort());
    expect(snapshots(store)).toEqual([...layers, active].sort());

    store.roots.set(owner, { snapshots: [active] });
    await store.collectGarbage();
    expect(digests(store)).toEqual([]);
    expect(snapshots(store)).toEqual([...layers, active].sort());

    store.roots.clear(owner);
    await store.collectGarbage();
    expect(snapshots(store)).toEqual([]);
  });

  test("a record of the build cache keeps the archives of the layers that it stands on; what is nobody's goes", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("build");
    const { blobs, snapshots: layers, chain } = await image(store, lease, "a");
    const step = await store.snapshots.createActive(chain, lease);
    await store.snapshots.freeze(step, { size: 1, inodes: 1 });
    const loose = await store.snapshots.createActive(chain, lease);
    await store.snapshots.freeze(loose, { size: 1, inodes: 1 });
    const layerBlobs = store.documents<{ id: string; descriptor: object; others?: object[] }>("layerBlobs");
    const archive = async (id: string, text: string) => {
      const described = descriptor(await put(store, lease, text));
      layerBlobs.put({
        id,
        descriptor: described,
        others: [descriptor(await put(store, lease, `zstd ${text}`))],
      });
    };
    for (const [at, id] of [...layers, step, loose].entries()) await archive(id, `archive ${at}`);
    const records = store.documents<{ id: string; key: string }>("buildRecords");
    const aliases = store.documents<{ id: string; key: string }>("buildKeys");
    records.put({ id: "r1", key: "k1" });
    aliases.put({ id: "a1", key: "k1" });
    aliases.put({ id: "a2", key: "k2" });
    store.roots.set({ kind: "build", id: "r1" }, { snapshots: [step] });
    store.leases.close(lease);

    await store.collectGarbage();
    const archives = [0, 1, 2].flatMap((at) => [`archive ${at}`, `zstd archive ${at}`]);
    expect(digests(store)).toEqual(archives.map((text) => digestOf(text)).sort());
    expect(snapshots(store)).toEqual([...layers, step].sort());
    expect(layerBlobs.all().map(({ id }) => id)).toEqual([...layers, step]);
    expect(aliases.all().map(({ id }) => id)).toEqual(["a1"]);
    expect(digests(store)).not.toContain(blobs[0]);

    store.roots.clear({ kind: "build", id: "r1" });
    records.delete("r1");
    await store.collectGarbage();
    expect([digests(store), snapshots(store), layerBlobs.all(), aliases.all()]).toEqual([[], [], [], []]);
  });

  test("a remembered build keeps its blobs", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("build record");
    const log = await put(store, lease, "a log");
    store.roots.set({ kind: "history", id: "b1" }, { digests: [log] });
    store.leases.close(lease);
    await store.collectGarbage();
    expect(digests(store)).toEqual([log]);
    store.roots.clear({ kind: "history", id: "b1" });
    await store.collectGarbage();
    expect(digests(store)).toEqual([]);
  });

  test("a download under way stays, one that nobody went on with for a day goes", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("pull");
    const ingest = join(store.root, "ingest");
    const old = new Date(Date.now() - 25 * 3600 * 1000);
    await using open = await store.content.writer("open", lease);
    await open.write(Buffer.alloc(2 << 20));
    for (const reference of ["left", "old"]) {
      const writer = await store.content.writer(reference, lease);
      await writer.write(Buffer.alloc(2 << 20));
      await writer[Symbol.asyncDispose]();
      if (reference === "left") continue;
      for (const name of readdirSync(ingest))
        if (store.db.query("SELECT 1 FROM ingests WHERE name = ? AND reference = 'old'").get(name))
          utimesSync(join(ingest, name), old, old);
    }
    expect((await store.collectGarbage()).freed).toBe(2 << 20);
    expect(readdirSync(ingest)).toHaveLength(2);
  });

  test("blobs that come in while it runs are whole or not there", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const contents = Array.from({ length: 30 }, (_, at) => Buffer.alloc(50_000, at));
    const pulls = contents.map(async (bytes, at) => {
      const lease = store.leases.open(`pull ${at}`);
      await using writer = await store.content.writer(`w${at}`, lease);
      await writer.write(bytes);
      const { digest } = await writer.commit({});
      expect(existsSync(store.content.path(digest))).toBe(true);
      if (at % 2) store.leases.close(lease);
      return digest;
    });
    const collecting = Promise.all(Array.from({ length: 10 }, () => store.collectGarbage()));
    const found = await Promise.all(pulls);
    await collecting;
    await store.collectGarbage();
    for (const [at, digest] of found.entries()) {
      const here = store.content.info(digest) !== undefined;
      expect(here).toBe(at % 2 === 0);
      expect(existsSync(join(store.root, "content", digest.replace(":", "/")))).toBe(here);
    }
  });
});
