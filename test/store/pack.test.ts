// Packing: what comes out is a tar that others read, and what goes in again is the same tree.
import { afterEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type ChainId, digestOf } from "../../src/oci/digest.ts";
import {
  exportFromView,
  extractIntoView,
  openStore,
  type Store,
  type TreeView,
  unpackLayer,
} from "../../src/store/index.ts";
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

const viewOf = (root: string): TreeView => ({ root, readOnly: false, mounts: [] });

async function pack(directory: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exportFromView(viewOf(directory)).chunks) chunks.push(chunk);
  return Buffer.concat(chunks);
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
  test("gives what GNU tar and both of our workers make the same tree of", async () => {
    const root = temporaryRoot();
    for (const name of ["tree", "gnu", "extracted"]) mkdirSync(join(root, name));
    everything(join(root, "tree"));
    const archive = await pack(join(root, "tree"));

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
    const { id, diffId } = await addLayer(store, archive, "sha256:x" as ChainId);
    expect(diffId).toBe(digestOf(archive));
    expect(inSeconds(describeTree(store.snapshots.directory(id)))).toEqual(original);

    const whole = (async function* () {
      yield archive as Uint8Array;
    })();
    const options = { noOverwriteDirNonDir: true, owner: "archive" } as const;
    await extractIntoView(viewOf(join(root, "extracted")), "/", whole, options);
    expect(inSeconds(describeTree(join(root, "extracted")))).toEqual(original);
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
      archives.push(await pack(tree));
      socket.close();
    }
    expect(archives[0]!.equals(archives[1]!)).toBe(true);
  });

  test("goes at the reader's pace, and a reader that goes away ends the worker", async () => {
    const root = temporaryRoot();
    writeFileSync(join(root, "big"), Buffer.alloc(64 << 20));
    const { chunks, ended } = exportFromView(viewOf(root));
    for (let chunk = 0; chunk < 3; chunk++) expect((await chunks.next()).done).toBe(false);
    await Bun.sleep(100);
    await chunks.return(undefined);
    await ended;
    expect((await chunks.next()).done).toBe(true);
  });

  test("of what isn't there is an error, not an empty archive", async () => {
    await expect(pack("/nowhere/at/all")).rejects.toThrow(/open_tree \/nowhere\/at\/all: no such file/);
  });

  test("of a file that grows and shrinks meanwhile stays a whole archive", async () => {
    const root = temporaryRoot();
    const file = join(root, "log");
    writeFileSync(file, Buffer.alloc(8 << 20, "x"));
    writeFileSync(join(root, "zz"), "after");
    const { chunks: reading } = exportFromView(viewOf(root));
    const chunks = [(await reading.next()).value as Uint8Array];
    appendFileSync(file, "more");
    Bun.spawnSync(["truncate", "-s", "1M", file]);
    for await (const chunk of reading) chunks.push(chunk);
    const listed = Bun.spawnSync(["tar", "-tvf", "-"], { stdin: Buffer.concat(chunks) });
    expect(listed.exitCode).toBe(0);
    expect(listed.stdout.toString()).toMatch(/8388608 .* log\n.* 5 .* zz\n/);
  });
});
