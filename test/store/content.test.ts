// Blobs: verified, found again, resumed by a later process, and never half there.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { openStore } from "../../src/store/index.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

const bytes = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 7) % 251);

describe("content", () => {
  test("a blob is a file under its digest, with a row, and nothing is left in ingest", async () => {
    const root = temporaryRoot();
    await using store = await openStore({ root });
    const lease = store.leases.open("test");
    const content = bytes(3_000_000);
    await using writer = await store.content.writer("layer", lease);
    for (let at = 0; at < content.length; at += 70_001) await writer.write(content.subarray(at, at + 70_001));
    const info = await writer.commit({ digest: digestOf(content), size: content.length }, { source: "x" });
    expect(info).toMatchObject({ digest: digestOf(content), size: content.length, labels: { source: "x" } });
    expect(await store.content.read(info.digest)).toEqual(Buffer.from(content));
    expect(readdirSync(join(root, "ingest"))).toEqual([]);
    expect(statSync(root).mode & 0o777).toBe(0o700);
    expect(store.content.list()).toHaveLength(1);
  });

  test("what differs from its digest or size is refused and thrown away", async () => {
    const root = temporaryRoot();
    await using store = await openStore({ root });
    const lease = store.leases.open("test");
    for (const expected of [{ digest: digestOf("other") }, { size: 4 }]) {
      await using writer = await store.content.writer("layer", lease);
      await writer.write(Buffer.from("hello"));
      await expect(writer.commit(expected)).rejects.toMatchObject({ kind: "invalid" });
      expect(readdirSync(join(root, "ingest"))).toEqual([]);
    }
    expect(store.content.list()).toEqual([]);
  });

  test("a process writes a blob itself, and what it says of its size is checked", async () => {
    const root = temporaryRoot();
    await using store = await openStore({ root });
    const lease = store.leases.open("test");
    const content = bytes(200_000);
    const digest = digestOf(content);
    {
      await using writer = await store.content.writer("layer", lease);
      await writer.fill(async (fd) => ({ digest, size: writeSync(fd, content) }));
      expect(await writer.commit({ digest })).toMatchObject({ digest, size: content.length });
      expect(await store.content.read(digest)).toEqual(Buffer.from(content));
    }
    await using other = await store.content.writer("other", lease);
    await expect(
      other.fill(async (fd) => ({ digest, size: writeSync(fd, content) + 1 })),
    ).rejects.toMatchObject({ kind: "invalid" });
    await other.truncate();
    await other.write(content);
    await expect(other.fill(async () => ({ digest, size: 0 }))).rejects.toMatchObject({ kind: "conflict" });
  });

  test("a second writer of a reference is refused while the first is open", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("test");
    {
      await using _first = await store.content.writer("layer", lease);
      await expect(store.content.writer("layer", lease)).rejects.toMatchObject({ kind: "conflict" });
    }
    await using again = await store.content.writer("layer", lease);
    expect(again.offset).toBe(0);
  });

  test("sha512 digests are verified too", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("test");
    const digest = `sha512:${new Bun.CryptoHasher("sha512").update("hello").digest("hex")}` as Digest;
    await using writer = await store.content.writer("layer", lease);
    await writer.write(Buffer.from("hello"));
    expect((await writer.commit({ digest })).digest).toBe(digest);
    expect((await store.content.read(digest)).toString()).toBe("hello");
  });

  test("a writer's chunk may be used again by whoever gave it", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("test");
    const chunk = Buffer.from("aaaa");
    await using writer = await store.content.writer("layer", lease);
    await writer.write(chunk);
    chunk.fill("b");
    await writer.write(chunk);
    const { digest } = await writer.commit({});
    expect((await store.content.read(digest)).toString()).toBe("aaaabbbb");
  });

  test("another process goes on where a killed one stopped, with the hash of all", async () => {
    const root = temporaryRoot();
    const content = bytes(5 << 20);
    const child = Bun.spawn(
      [
        process.execPath,
        "-e",
        `const { openStore } = await import(${JSON.stringify(join(import.meta.dir, "../../src/store/index.ts"))});
         const store = await openStore({ root: ${JSON.stringify(root)} });
         const writer = await store.content.writer("layer", store.leases.open("first"));
         const content = Uint8Array.from({ length: 5 << 20 }, (_, at) => (at * 7) % 251);
         for (let at = 0; at < 3_300_000; at += 100_000) await writer.write(content.subarray(at, at + 100_000));
         process.kill(process.pid, "SIGKILL");`,
      ],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");

    await using store = await openStore({ root });
    await store.reconcile();
    const lease = store.leases.open("second");
    await using writer = await store.content.writer("layer", lease);
    expect(writer.offset).toBeGreaterThan(2 << 20);
    expect(writer.offset).toBeLessThanOrEqual(3_300_000);
    await writer.write(content.subarray(writer.offset));
    const info = await writer.commit({ digest: digestOf(content), size: content.length });
    expect(existsSync(store.content.path(info.digest))).toBe(true);
  });

  test("truncate starts over", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("test");
    await using writer = await store.content.writer("layer", lease);
    await writer.write(bytes(2 << 20));
    await writer.truncate();
    expect(writer.offset).toBe(0);
    await writer.write(Buffer.from("new"));
    expect((await writer.commit({ digest: digestOf("new") })).size).toBe(3);
  });

  test("small content is put at once, and again without harm", async () => {
    await using store = await openStore({ root: temporaryRoot() });
    const lease = store.leases.open("test");
    const first = await store.content.put(Buffer.from("{}"), lease, { a: "1" });
    const second = await store.content.put(Buffer.from("{}"), lease, { b: "2" });
    expect(second).toEqual({ ...first, labels: { a: "1", b: "2" } });
    expect(await store.content.readJson<object>(first.digest)).toEqual({});
    const text = await store.content.put(Buffer.from("no JSON"), lease);
    await expect(store.content.readJson(text.digest)).rejects.toMatchObject({ kind: "invalid" });
    expect(() => store.content.path(digestOf("nothing"))).toThrow("not found");
  });
});
