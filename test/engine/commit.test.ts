// Commit through the engine's use cases: what the image is, and what comes in between.
import { afterEach, beforeEach, expect, test } from "bun:test";
import * as engine from "../../src/engine/index.ts";
import { listMounts } from "../../src/linux/mount.ts";
import type { ImageConfig, Manifest } from "../../src/oci/types.ts";
import { startRegistry } from "../fixtures/registry.ts";
import { IMAGE, request, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { run, startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
beforeEach(async () => {
  scratch = await scratchEngine();
});
afterEach(() => scratch[Symbol.asyncDispose]());

const noNetwork = { hostConfig: { NetworkMode: "none" } };
const plain = { changes: [], author: "", comment: "", pause: true };
/** Some seconds of compressing, to come in between. */
const MUCH = "dd if=/dev/urandom of=/big bs=1M count=60 2>/dev/null; touch /done; sleep 1000";

async function busyContainer(): Promise<string> {
  const { id } = await startedContainer(scratch.engine, ["sh", "-c", MUCH], noNetwork);
  const seen = async () => (await changesOf(id)).includes("/done");
  while (!(await seen())) await Bun.sleep(50);
  return id;
}

async function changesOf(id: string): Promise<string[]> {
  const list = await engine.containerChanges(scratch.engine, id, AbortSignal.timeout(20_000));
  return list.map(({ path }) => path.toString());
}

const statusOf = (id: string) => scratch.engine.containers.find(id).state;
const paused = async (id: string) => {
  while (statusOf(id).status !== "paused") await Bun.sleep(5);
};

test("a committed image runs, and after a push and a pull it is the same", async () => {
  const { id } = await run(scratch.engine, ["sh", "-c", "echo hi > /greeting; rm /bin/wget"], noNetwork);
  await using registry = await startRegistry();
  const name = `${registry.host}/committed:1`;
  const image = await engine.commitContainer(scratch.engine, id, { ...plain, reference: name });
  const { images } = scratch.engine;
  const options = { progress: () => {}, signal: AbortSignal.timeout(30_000) };
  await images.push(name, options);
  await engine.removeImage(scratch.engine, name, { force: true, prune: true });
  expect((await images.pull(name, options)).target.digest).toBe(image);
  const cmd = ["sh", "-c", "cat /greeting; test -e /bin/wget"];
  const { output, exit } = await run(scratch.engine, cmd, {
    config: { Image: name, Cmd: cmd },
    ...noNetwork,
  });
  expect([output.stdout, exit.StatusCode]).toEqual(["hi\n", 1]);
}, 60_000);

test("without changes there is no layer, but a line of history", async () => {
  const { Id } = await engine.createContainer(scratch.engine, request(["true"], noNetwork));
  const image = await engine.commitContainer(scratch.engine, Id, { ...plain, comment: "as it is" });
  const { content } = scratch.engine.store;
  const { layers, config } = await content.readJson<Manifest>(image);
  const { rootfs, history = [] } = await content.readJson<ImageConfig>(config.digest);
  const before = await scratch.engine.images.resolve(IMAGE);
  expect([layers, rootfs]).toEqual([before.manifest.layers, before.config.rootfs]);
  expect(history.at(-1)).toMatchObject({ created_by: "true", comment: "as it is", empty_layer: true });
  await scratch.engine.background.idle();
  expect(listMounts().filter(({ target }) => target.includes(Id))).toEqual([]);
});

test("one that can't be paused is committed as it runs", async () => {
  const { id } = await startedContainer(scratch.engine, ["sleep", "1000"], noNetwork);
  const shim = scratch.engine.containers.shims.get(scratch.engine.containers.find(id).id);
  Object.assign(shim ?? {}, { pause: () => Promise.reject(new Error("frozen over")) });
  await engine.commitContainer(scratch.engine, id, plain);
  expect(statusOf(id)).toMatchObject({ status: "running" });
  expect(statusOf(id)).not.toHaveProperty("heldForCommit");
});

test("one that its user has paused stays paused", async () => {
  const { id } = await startedContainer(scratch.engine, ["sleep", "1000"], noNetwork);
  await engine.pauseContainer(scratch.engine, id);
  await engine.commitContainer(scratch.engine, id, plain);
  expect(statusOf(id).status).toBe("paused");
});

test("a removal ends the commit, which leaves nothing", async () => {
  const id = await busyContainer();
  const before = scratch.engine.store.content.list().length;
  const committed = engine.commitContainer(scratch.engine, id, { ...plain, reference: "never:1" });
  committed.catch(() => {});
  await paused(id);
  await engine.removeContainer(scratch.engine, id, { force: true, volumes: true });
  await expect(committed).rejects.toThrow();
  await committed.catch(() => {});
  await scratch.engine.background.idle();
  await scratch.engine.store.collectGarbage();
  expect(scratch.engine.store.images.all().map((image) => image.name)).not.toContain(
    "docker.io/library/never:1",
  );
  expect(scratch.engine.store.content.list().length).toBe(before);
  expect(
    listMounts().filter(({ target }) => target.includes("/changes-") && target.includes(scratch.root)),
  ).toEqual([]);
}, 60_000);

test("a daemon that ends breaks the commit off, and the container goes on", async () => {
  const id = await busyContainer();
  const committed = engine.commitContainer(scratch.engine, id, plain);
  committed.catch(() => {});
  await paused(id);
  await scratch.restart();
  expect(statusOf(id)).toMatchObject({ status: "running" });
  expect(statusOf(id)).not.toHaveProperty("heldForCommit");
  await committed.catch(() => {});
}, 60_000);
