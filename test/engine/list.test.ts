// Lists are kept from one request to the next: every kind of change shows in the next one.
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as engine from "../../src/engine/index.ts";
import { IMAGE, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
beforeAll(async () => {
  scratch = await scratchEngine();
});
afterAll(() => scratch[Symbol.asyncDispose]());

test("a list after each change", async () => {
  const { id } = await startedContainer(scratch.engine, ["sleep", "60"], {
    hostConfig: { Binds: ["kept:/kept"] },
  });
  const listed = async () => {
    const all = await engine.listContainers(scratch.engine, { all: true, size: false, filters: {} });
    const [one] = all.filter(({ Id }) => Id === id);
    const [endpoint] = Object.values(one?.NetworkSettings?.Networks ?? {});
    return { ...one, address: endpoint?.IPAddress ?? "", Mounts: one?.Mounts?.map(({ Name }) => Name) };
  };
  const before = await listed();
  expect(before).toMatchObject({ Image: IMAGE, State: "running", Mounts: ["kept"] });
  expect(before.address).not.toBe("");
  expect(await listed()).toEqual(before);

  await engine.renameContainer(scratch.engine, id, "another");
  expect((await listed()).Names).toEqual(["/another"]);

  await engine.tagImage(scratch.engine, IMAGE, "other:1");
  await engine.removeImage(scratch.engine, IMAGE, { force: true, prune: false });
  expect((await listed()).Image).toBe(before.ImageID);
  await engine.tagImage(scratch.engine, "other:1", IMAGE);
  expect((await listed()).Image).toBe(IMAGE);

  await engine.pauseContainer(scratch.engine, id);
  expect(await listed()).toMatchObject({ State: "paused", Status: expect.stringContaining("(Paused)") });
  await engine.unpauseContainer(scratch.engine, id);

  await engine.stopContainer(scratch.engine, id, { timeout: 0 });
  expect(await listed()).toMatchObject({ State: "exited", address: "" });
  await engine.startContainer(scratch.engine, id);
  expect((await listed()).address).not.toBe("");

  expect((await listed()).Status).toMatch(/^Up (Less than a second|\d+ seconds?)$/);
  await engine.removeContainer(scratch.engine, id, { force: true, volumes: false });
  expect((await listed()).Id).toBeUndefined();
});
