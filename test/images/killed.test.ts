// A pull that is killed between any two of its durable steps: the next one finishes it, and nothing is left over.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { FAILPOINTS } from "../../src/base/failpoint.ts";
import { makeImage, noise } from "../fixtures/image.ts";
import { contentsOf, openImagesRoom } from "../fixtures/images-room.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

const image = makeImage({
  layers: [
    { files: { "etc/": "", "etc/one": "1" } },
    { files: { big: noise(3 << 20, 11) } },
    { files: { "etc/": "", "etc/two": "2" } },
  ],
});
let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
  await registry.push(image, "killed", "1");
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

const child = new URL("pull-child.ts", import.meta.url).pathname;
/** Milliseconds: a pull takes half a second here, on a busy machine a few. */
const CHILD_WITHIN = 30_000;

async function pullInChild(root: string, reference: string, failpoint?: string): Promise<number | null> {
  const process_ = Bun.spawn([process.execPath, child, root, reference], {
    env: { ...process.env, ...(failpoint && { BERTH_FAILPOINT: failpoint }) },
    stdout: "ignore",
    stderr: "inherit",
    timeout: CHILD_WITHIN,
  });
  await process_.exited;
  return process_.signalCode === "SIGKILL" ? null : process_.exitCode;
}

const points = FAILPOINTS.filter((name) => name.startsWith("pull."));

test.each(points)("killed at %s", async (failpoint) => {
  using folder = temporaryFolder();
  const root = join(folder.path, "data");
  const name = `${registry.host}/killed:1`;
  expect(await pullInChild(root, name, failpoint)).toBeNull();
  {
    await using room = await openImagesRoom({}, root);
    const { names } = contentsOf(room.context);
    expect(names).toEqual(failpoint === "pull.image-recorded" ? [name] : []);
    await room.pull(name);
    const resolved = await room.images.resolve(name);
    expect(resolved.id).toBe(image.root.digest);
    expect(contentsOf(room.context).layers).toBe(3);
    await room.images.remove(name, { force: false, prune: true, inUse: () => [] });
    // The killed process's leases live on; they are of the past here.
    room.context.store.db.run("UPDATE leases SET expires_at = 0");
    await room.context.store.collectGarbage();
    expect(contentsOf(room.context)).toEqual({ blobs: [], layers: 0, names: [] });
    expect(readdirSync(join(root, "content", "sha256"))).toEqual([]);
    expect(readdirSync(join(root, "snapshots")).filter((entry) => entry !== "empty")).toEqual([]);
  }
});

test("the next pull goes on at the byte where the killed one was", async () => {
  using folder = temporaryFolder();
  const root = join(folder.path, "data");
  const big = image.layers[1]!;
  const half = big.size / 2;
  const never = new Promise<boolean>(() => {});
  await using slow = await startLyingRegistry(image, "1", ({ method, url }, response) => {
    if (method !== "GET" || !url?.endsWith(big.digest)) return false;
    response.writeHead(200, { "content-length": big.size });
    response.write(image.blobs.get(big.digest)!.subarray(0, half));
    return never;
  });
  const process_ = Bun.spawn([process.execPath, child, root, `${slow.host}/x:1`], {
    stdout: "ignore",
    stderr: "ignore",
  });
  const ingest = join(root, "ingest");
  const written = () => {
    try {
      return readdirSync(ingest).some((name) => Bun.file(join(ingest, name)).size >= 1 << 20);
    } catch {
      return false;
    }
  };
  for (const until = Date.now() + CHILD_WITHIN; !written() && Date.now() < until; ) await Bun.sleep(10);
  process_.kill("SIGKILL");
  await process_.exited;
  await using honest = await startLyingRegistry(image, "1");
  expect(await pullInChild(root, `${honest.host}/x:1`)).toBe(0);
  const asked = honest.exchanges.filter(({ path }) => path.endsWith(big.digest));
  expect(asked.map(({ status }) => status)).toEqual([206]);
  expect(Number(asked[0]?.range?.slice("bytes=".length, -1))).toBeGreaterThanOrEqual(1 << 20);
});
