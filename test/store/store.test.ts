// Opening, documents, schema, the lock, and what a killed process leaves.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FAILPOINTS } from "../../src/base/failpoint.ts";
import { mount, mountsBelow } from "../../src/linux/mount.ts";
import { type ChainId, digestOf } from "../../src/oci/digest.ts";
import { MIGRATIONS, openDatabase } from "../../src/store/database.ts";
import { openStore, type SnapshotId } from "../../src/store/index.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

interface Named {
  id: string;
  name?: string;
  state?: { status: string };
  containerId?: string;
}

const source = (path: string) => JSON.stringify(join(import.meta.dir, "../../src/store", path));

describe("documents", () => {
  test("are put, found by id and column, replaced, deleted, and kept in order", async () => {
    const root = temporaryRoot();
    {
      await using store = await openStore({ root });
      const containers = store.documents<Named>("containers");
      containers.put({ id: "1", name: "web", state: { status: "created" } });
      containers.put({ id: "2", name: "db", state: { status: "running" } });
      containers.put({ id: "1", name: "web", state: { status: "running" } });
      expect(containers.where("status", "running").map(({ id }) => id)).toEqual(["1", "2"]);
      expect(containers.where("name", "db")).toEqual([{ id: "2", name: "db", state: { status: "running" } }]);
      expect(containers.delete("2")).toBe(true);
      expect(containers.delete("2")).toBe(false);
      expect(containers.get("2")).toBeUndefined();
    }
    await using store = await openStore({ root });
    expect(store.documents<Named>("containers").all()).toEqual([
      { id: "1", name: "web", state: { status: "running" } },
    ]);
  });

  test("a taken name is a conflict, and nothing changes", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const containers = store.documents<Named>("containers");
    containers.put({ id: "1", name: "web" });
    containers.put({ id: "2", name: "db" });
    expect(() => containers.put({ id: "3", name: "web" })).toThrow(
      expect.objectContaining({ kind: "conflict" }),
    );
    expect(() => containers.put({ id: "2", name: "web" })).toThrow(/name "web" is taken/);
    expect(containers.all()).toEqual([
      { id: "1", name: "web" },
      { id: "2", name: "db" },
    ]);
    // No name is no clash
    containers.put({ id: "4" });
    containers.put({ id: "5" });
  });

  test("a transaction is all or nothing, also one in another", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const execs = store.documents<Named>("execs");
    expect(() =>
      store.transaction(() => {
        execs.put({ id: "1", containerId: "c" });
        store.transaction(() => execs.put({ id: "2", containerId: "c" }));
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(execs.where("containerId", "c")).toEqual([]);
    expect(store.transaction(() => 42)).toBe(42);
  });

  test("an unknown table or column is a mistake that shows at once", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    expect(() => store.documents("nonsense")).toThrow(/no table/);
    expect(() => store.documents("containers").where("id; DROP", 1)).toThrow(/no column/);
  });
});

describe("the schema", () => {
  test("migrates step by step, each with its version, and not again", () => {
    const path = join(temporaryRoot(), "old.db");
    openDatabase(path, MIGRATIONS.slice(0, 1)).close();
    const steps = [...MIGRATIONS, (db: Database) => db.exec("CREATE TABLE later (a TEXT) STRICT")];
    for (let round = 0; round < 2; round++) {
      const db = openDatabase(path, steps);
      expect(db.query("PRAGMA user_version").get()).toEqual({ user_version: steps.length });
      db.exec("INSERT INTO later VALUES ('x')");
      expect(db.query("SELECT * FROM later").all()).toHaveLength(round + 1);
      db.close();
    }
  });

  test("a migration that fails leaves the version and the tables as they were", () => {
    const path = join(temporaryRoot(), "old.db");
    const broken = (db: Database) => {
      db.exec("CREATE TABLE half (a TEXT) STRICT");
      throw new Error("disk on fire");
    };
    expect(() => openDatabase(path, [...MIGRATIONS, broken])).toThrow("disk on fire");
    const db = openDatabase(path);
    expect(db.query("PRAGMA user_version").get()).toEqual({ user_version: MIGRATIONS.length });
    expect(db.query("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([]);
    db.close();
  });

  test("a database of a later release is refused", async () => {
    const root = temporaryRoot();
    const db = new Database(join(root, "berth.db"), { create: true });
    db.exec("PRAGMA user_version = 9999");
    db.close();
    await expect(openStore({ root })).rejects.toThrow(/later release \(schema 9999/);
    // The lock went with it
    rmSync(join(root, "berth.db"));
    await (await openStore({ root })).close();
  });

  test("a column that a newer release adds is there for documents of before", () => {
    const path = join(temporaryRoot(), "old.db");
    const old = openDatabase(path);
    old.exec("DROP INDEX documents_execs_containerId; ALTER TABLE documents_execs DROP COLUMN containerId");
    old
      .query("INSERT INTO documents_execs (id, document) VALUES ('1', ?)")
      .run('{"id":"1","containerId":"c"}');
    old.close();
    const db = openDatabase(path);
    expect(db.query("SELECT id FROM documents_execs WHERE containerId = 'c'").all()).toEqual([{ id: "1" }]);
    db.close();
  });
});

describe("the data root", () => {
  test("is one process's at a time, and free again when that one is killed", async () => {
    const root = temporaryRoot();
    const holder = Bun.spawn(
      [
        process.execPath,
        "-e",
        `const { openStore } = await import(${source("index.ts")});
         await openStore({ root: ${JSON.stringify(root)} }); console.log("open"); setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const { value } = await holder.stdout.getReader().read();
    expect(Buffer.from(value!).toString()).toBe("open\n");
    await expect(openStore({ root })).rejects.toMatchObject({
      kind: "conflict",
      message: expect.stringContaining(`in use by another daemon (process ${holder.pid})`),
    });
    holder.kill("SIGKILL");
    await holder.exited;
    await (await openStore({ root })).close();
  });

  test("is root's alone, also when it was there before with other modes", async () => {
    const root = join(temporaryRoot(), "data");
    mkdirSync(root, { mode: 0o755 });
    await (await openStore({ root })).close();
    expect(statSync(root).mode & 0o777).toBe(0o700);
  });
});

describe("after a crash", () => {
  test("what no row knows goes: blobs, ingests, snapshots, scratch mounts; what was half removed is finished", async () => {
    const root = temporaryRoot();
    const kept = await (async () => {
      await using store = await openStore({ root });
      const lease = store.leases.open("pull");
      const blob = await store.content.put(Buffer.from("kept"), lease);
      const { id } = await store.snapshots.beginLayer(lease);
      const chain = digestOf("chain") as string as ChainId;
      await store.snapshots.commitLayer(id, chain, { size: 0, inodes: 0, implied: [] });
      const removing = await store.snapshots.createActive(chain, lease);
      store.db
        .query("UPDATE snapshots SET state = 'removing', parent = NULL WHERE number = ?")
        .run(Number.parseInt(removing, 36));
      await store.snapshots.beginLayer(lease); // preparing
      return { digest: blob.digest, layer: id };
    })();
    writeFileSync(join(root, "content/sha256", "ab".repeat(32)), "renamed, but no row yet");
    writeFileSync(join(root, "ingest", "unknown"), "");
    mkdirSync(join(root, "snapshots/zz/fs"), { recursive: true });
    mkdirSync(join(root, "scratch/view-1"));
    mount("tmpfs", join(root, "scratch/view-1"), "tmpfs");

    await using store = await openStore({ root });
    await store.reconcile();
    expect(readdirSync(join(root, "content/sha256"))).toEqual([kept.digest.slice(7)]);
    expect(readdirSync(join(root, "ingest"))).toEqual([]);
    expect(readdirSync(join(root, "snapshots")).sort()).toEqual([kept.layer, "empty"]);
    expect(readdirSync(join(root, "scratch"))).toEqual([]);
    expect(mountsBelow(root)).toEqual([]);
    expect(store.db.query("SELECT count(*) AS n FROM snapshots").get()).toEqual({ n: 1 });
  });

  test("a row whose blob is gone goes", async () => {
    const root = temporaryRoot();
    await using store = await openStore({ root });
    const { digest } = await store.content.put(Buffer.from("x"), store.leases.open("x"));
    rmSync(store.content.path(digest));
    await store.reconcile();
    expect(store.content.info(digest)).toBeUndefined();
  });

  test("a number of a snapshot never comes back", async () => {
    const root = temporaryRoot();
    const seen: string[] = [];
    for (let round = 0; round < 3; round++) {
      await using store = await openStore({ root });
      const { id } = await store.snapshots.beginLayer(store.leases.open("x"));
      await store.snapshots.remove(id);
      seen.push(id);
    }
    expect(new Set(seen).size).toBe(3);
  });

  test("layers that an earlier boot left unsynced go with what is on them; synced ones stay", async () => {
    const root = temporaryRoot();
    const chains = ["a", "b", "c"].map((name) => digestOf(name) as string as ChainId);
    {
      await using store = await openStore({ root });
      const lease = store.leases.open("pull");
      for (const [at, chain] of chains.entries()) {
        const { id } = await store.snapshots.beginLayer(lease);
        await store.snapshots.commitLayer(id, chain, {
          parent: chains[at - 1],
          size: 0,
          inodes: 0,
          implied: [],
        });
      }
    }
    const db = new Database(join(root, "berth.db"));
    expect(db.query("SELECT count(*) AS n FROM snapshots WHERE unsynced_boot IS NULL").get()).toEqual({
      n: 3,
    });
    db.query("UPDATE snapshots SET unsynced_boot = 'an earlier boot' WHERE chain = ?").run(chains[1]!);
    db.close();
    await using store = await openStore({ root });
    await store.reconcile();
    expect(chains.map((chain) => store.snapshots.layer(chain) !== undefined)).toEqual([true, false, false]);
  });

  test("steps of a build on an unsynced layer go with it; what a container stands on stays", async () => {
    const root = temporaryRoot();
    const made = await (async () => {
      await using store = await openStore({ root });
      const lease = store.leases.open("build");
      const step = async (on?: SnapshotId) => {
        const id = await store.snapshots.createActive(on && { on }, lease);
        await store.snapshots.freeze(id, { size: 0, inodes: 1 });
        return id;
      };
      // A parent may have the higher number: layers are unpacked side by side.
      const { id: upper } = await store.snapshots.beginLayer(lease);
      const base = await step();
      await store.snapshots.commitLayer(upper, undefined, {
        parent: { on: base },
        size: 0,
        inodes: 1,
        implied: [],
      });
      const other = await step(base);
      const running = await store.snapshots.createActive({ on: other }, lease);
      const container = await store.snapshots.createActive({ on: upper }, lease);
      store.roots.set({ kind: "container", id: "c" }, { snapshots: [container] });
      return { base, upper, other, running, container };
    })();
    const db = new Database(join(root, "berth.db"));
    db.query("UPDATE snapshots SET unsynced_boot = 'an earlier boot' WHERE state = 'layer'").run();
    db.close();
    await using store = await openStore({ root });
    await store.reconcile();
    const { base, upper, container } = made;
    expect(new Set(store.snapshots.list().map(({ id }) => id))).toEqual(new Set([base, upper, container]));
    expect(store.snapshots.has(made.other)).toBe(false);
    expect(existsSync(join(root, "snapshots", made.running))).toBe(false);
  });

  /** A program that uses the store and never ends by itself. */
  const busy = (root: string, rounds: string) => [
    process.execPath,
    "-e",
    `const { openStore, unpackLayer } = await import(${source("index.ts")});
     const { archiveOf } = await import(${JSON.stringify(join(import.meta.dir, "archives.ts"))});
     const store = await openStore({ root: ${JSON.stringify(root)} });
     await store.reconcile();
     console.log("go");
     for (let round = 0; round < ${rounds}; round++) {
       const lease = store.leases.open("loop");
       const content = archiveOf(...Array.from({ length: 50 }, (_, at) => ({ name: "d/" + at, content: String(round + Math.random()) })));
       const blob = await store.content.put(content, lease);
       const { id, diffId, ...layer } = await unpackLayer(store, { lease, source: { path: store.content.path(blob.digest) } });
       await store.snapshots.commitLayer(id, diffId, layer);
       await store.snapshots.createActive(diffId, lease);
       const step = await store.snapshots.createActive({ on: id }, lease);
       await store.snapshots.freeze(step, { size: 0, inodes: 1 });
       store.leases.close(lease);
       if (round % 3 === 2) await store.collectGarbage();
     }`,
  ];

  async function expectWhole(root: string): Promise<void> {
    await using store = await openStore({ root });
    await store.reconcile();
    for (const { digest } of store.content.list())
      expect(digestOf(await store.content.read(digest))).toBe(digest);
    const snapshots = store.snapshots.list();
    for (const { id, chain } of snapshots)
      if (chain) expect(readdirSync(join(store.snapshots.directory(id), "d"))).toHaveLength(50);
    const rows = store.db.query("SELECT number FROM snapshots").all();
    expect(rows).toHaveLength(snapshots.length);
    expect(readdirSync(join(root, "snapshots")).sort()).toEqual(
      [...snapshots.map(({ id }) => id), "empty"].sort(),
    );
    expect(readdirSync(join(root, "scratch"))).toEqual([]);
    const files = existsSync(join(root, "content/sha256")) ? readdirSync(join(root, "content/sha256")) : [];
    expect(files).toHaveLength(store.content.list().length);
  }

  test("killed at any moment of writing blobs and layers, the next start has whole ones only", async () => {
    const root = temporaryRoot();
    for (const milliseconds of [40, 90, 150, 230]) {
      const child = Bun.spawn(busy(root, "Infinity"), { stdio: ["ignore", "pipe", "inherit"] });
      await child.stdout.getReader().read();
      await Bun.sleep(milliseconds);
      child.kill("SIGKILL");
      await child.exited;
      await expectWhole(root);
    }
  }, 30_000);

  for (const point of FAILPOINTS.filter((name) => name.startsWith("store.")))
    test(`killed at ${point}`, async () => {
      const root = temporaryRoot();
      const env = { ...process.env, BERTH_FAILPOINT: point };
      const child = Bun.spawn(busy(root, "4"), { stdio: ["ignore", "ignore", "inherit"], env });
      await child.exited;
      expect(child.signalCode).toBe("SIGKILL"); // else the point was never passed
      await expectWhole(root);
    }, 30_000);

  test("a worker dies with its daemon, so that it writes no more into what the next one takes away", async () => {
    const root = temporaryRoot();
    await using child = Bun.spawn(
      [
        process.execPath,
        "-e",
        `const { openStore, unpackLayer } = await import(${source("index.ts")});
         const store = await openStore({ root: ${JSON.stringify(root)} });
         async function* endless() { console.log("go"); await new Promise(() => setInterval(() => {}, 1000)); }
         await unpackLayer(store, { lease: store.leases.open("x"), source: { chunks: endless() } });`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await child.stdout.getReader().read();
    const children = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
    for (let tries = 0; children() === "" && tries < 100; tries++) await Bun.sleep(10);
    const worker = Number(children());
    expect(worker).toBeGreaterThan(0);
    // setpriv has set the signal before it becomes the worker
    const isWorker = () =>
      !/setpriv|unshare/.test(readFileSync(`/proc/${worker}/cmdline`, "utf8").split("\0")[0] ?? "");
    for (let tries = 0; !isWorker() && tries < 1_000; tries++) await Bun.sleep(10);
    expect(isWorker()).toBe(true);
    child.kill("SIGKILL");
    await child.exited;
    // A host's first process may be slow to reap it, or never do.
    const lives = () =>
      existsSync(`/proc/${worker}/exe`) && readFileSync(`/proc/${worker}/stat`, "utf8").split(" ")[2] !== "Z";
    for (let tries = 0; lives() && tries < 100; tries++) await Bun.sleep(10);
    expect(lives()).toBe(false);
  });
});
