// Packing: what comes out is a tar that others read, and what goes in again is the same tree.
import { afterEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type ChainId, digestOf } from "../../src/oci/digest.ts";
import { openStore, packTree, type Store, unpackLayer } from "../../src/store/index.ts";
import { describeTree } from "./archives.ts";
import { everything } from "./everything.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

const inSeconds = (tree: Record<string, object>) =>
  Object.fromEntries(
    Object.entries(tree).map(([path, facts]) => [
      path,
      {
        ...facts,
        modified: BigInt(Math.floor(Number((facts as { modified: bigint }).modified / 1_000_000n) / 1000)),
      },
    ]),
  );

async function read(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(stream).bytes());
}

async function addLayer(store: Store, archive: Uint8Array, chain: ChainId) {
  const lease = store.leases.open("test");
  const chunks = (async function* () {
    yield archive;
  })();
  const { id, diffId, ...layer } = await unpackLayer(store, { lease, source: { chunks } });
  await store.snapshots.commitLayer(id, chain, layer);
  return { id, diffId };
}

describe("packing a tree", () => {
  for (const compression of ["none", "gzip"] as const)
    test(`gives what GNU tar and our worker make the same tree of (${compression})`, async () => {
      const root = temporaryRoot();
      for (const name of ["tree", "gnu"]) mkdirSync(join(root, name));
      everything(join(root, "tree"));
      const packing = packTree({ directory: join(root, "tree"), compression });
      const packed = await read(packing.output);
      const archive = compression === "gzip" ? gunzipSync(packed) : packed;
      const { diffId, size } = await packing.result;
      expect([diffId, size]).toEqual([digestOf(archive), archive.length]);

      const original = inSeconds(describeTree(join(root, "tree")));
      writeFileSync(join(root, "a.tar"), archive);
      const tar = Bun.spawnSync(
        [
          "tar",
          "-C",
          join(root, "gnu"),
          "--xattrs",
          "--xattrs-include=*",
          "--numeric-owner",
          "--warning=no-timestamp",
          "-xpf",
          join(root, "a.tar"),
        ],
        { stderr: "pipe" },
      );
      expect(tar.stderr.toString()).toBe("");
      expect(inSeconds(describeTree(join(root, "gnu")))).toEqual(original);

      await using store = await openStore({ root: join(root, "store") });
      const { id, diffId: again } = await addLayer(store, packed, "sha256:x" as ChainId);
      expect(again).toBe(diffId);
      expect(inSeconds(describeTree(store.snapshots.directory(id)))).toEqual(original);
    });

  test("is the same bytes each time, whatever the folder's order; sockets stay out", async () => {
    const root = temporaryRoot();
    const archives: Buffer[] = [];
    for (const order of [
      ["a", "b", "ab"],
      ["ab", "b", "a"],
    ]) {
      const tree = join(root, order.join("-"));
      mkdirSync(tree);
      for (const name of order) writeFileSync(join(tree, name), name);
      const socket = createServer().listen(join(tree, "socket"));
      await new Promise((resolve) => socket.once("listening", resolve));
      Bun.spawnSync(["touch", "-d", "@1600000000", ...order.map((name) => join(tree, name))]);
      const { output } = packTree({ directory: tree });
      archives.push(await read(output));
      socket.close();
    }
    expect(archives[0]!.equals(archives[1]!)).toBe(true);
  });

  test("goes at the reader's pace, and a reader that goes away ends the worker", async () => {
    const root = temporaryRoot();
    writeFileSync(join(root, "big"), Buffer.alloc(64 << 20));
    const { output, result } = packTree({ directory: root });
    const reader = output.getReader();
    for (let chunk = 0; chunk < 3; chunk++) expect((await reader.read()).done).toBe(false);
    await Bun.sleep(100);
    await reader.cancel();
    await expect(result).rejects.toThrow(/killed by SIGKILL/);
  });

  test("of what isn't there is an error, not an empty archive", async () => {
    const { output } = packTree({ directory: "/nowhere/at/all" });
    await expect(read(output)).rejects.toThrow(/chroot \/nowhere\/at\/all: no such file/);
  });

  test("of a file that grows and shrinks meanwhile stays a whole archive", async () => {
    const root = temporaryRoot();
    const file = join(root, "log");
    writeFileSync(file, Buffer.alloc(8 << 20, "x"));
    writeFileSync(join(root, "zz"), "after");
    const { output } = packTree({ directory: root });
    const reader = output.getReader();
    const chunks = [(await reader.read()).value!];
    appendFileSync(file, "more");
    Bun.spawnSync(["truncate", "-s", "1M", file]);
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
    const listed = Bun.spawnSync(["tar", "-tvf", "-"], { stdin: Buffer.concat(chunks) });
    expect(listed.exitCode).toBe(0);
    expect(listed.stdout.toString()).toMatch(/8388608 .* log\n.* 5 .* zz\n/);
  });
});
