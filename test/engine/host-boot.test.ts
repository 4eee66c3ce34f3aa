// The host was booted: nothing runs, the exec root is empty, and the rows still say what ran. What a starting daemon makes of each.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ContainerConfig, HostConfig, RestartPolicy } from "../../src/api/types/index.ts";
import * as engine from "../../src/engine/index.ts";
import { mountsBelow, unmount } from "../../src/linux/mount.ts";
import { killCgroup, removeCgroup } from "../../src/runtime/cgroups.ts";
import { type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
beforeAll(async () => {
  scratch = await scratchEngine();
});
afterAll(() => scratch[Symbol.asyncDispose]());

const PATIENCE = 20_000;
const remove = (...ids: string[]) =>
  Promise.all(ids.map((id) => engine.removeContainer(scratch.engine, id, { force: true, volumes: true })));

/** As after a boot: no shim, no process, no control group, no mount, no folder below the exec root. */
async function boot(): Promise<void> {
  const { containers, config } = scratch.engine;
  const pids = [...containers.shims.values()].map(({ pid }) => pid);
  for (const { state } of containers.all()) if ("pid" in state) pids.push(state.pid);
  await engine.stopEngine(scratch.engine);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  const groups = containers.all().map(({ id }) => `/berth/${id}`);
  const until = Date.now() + PATIENCE;
  // A paused one's processes die when they are let go.
  while (groups.some((group) => killCgroup(group) > 0 || !removeCgroup(group)) && Date.now() < until)
    await Bun.sleep(10);
  for (const { target } of mountsBelow(config.execRoot).reverse()) unmount(target);
  Bun.spawnSync(["rm", "-rf", config.execRoot]);
  scratch.engine = await engine.startEngine(scratch.config);
  await scratch.engine.background.idle();
}

const inspect = (id: string) => engine.inspectContainer(scratch.engine, id, { size: false });

const running = async (hostConfig: HostConfig = {}, config: ContainerConfig = {}) => {
  const { id } = await startedContainer(scratch.engine, ["sleep", "1000"], { hostConfig, config });
  return id;
};

test("what ran is exited with 255, and can be started", async () => {
  const [plain, paused] = [await running(), await running()];
  await engine.pauseContainer(scratch.engine, paused);
  const before = (await inspect(plain)).State?.StartedAt;
  const then = Date.now();
  await boot();
  for (const id of [plain, paused]) {
    const { State } = await inspect(id);
    expect(State).toMatchObject({ Status: "exited", ExitCode: 255, Paused: false, Pid: 0, Error: "" });
    expect(Date.parse(State?.FinishedAt ?? "")).toBeGreaterThanOrEqual(then);
  }
  expect((await inspect(plain)).State?.StartedAt).toBe(before as string);
  expect(await engine.startContainer(scratch.engine, plain)).toBe("started");
  await remove(plain, paused);
});

test("policies start what ran, and that counts for no restart", async () => {
  const policies: RestartPolicy[] = [
    { Name: "always" },
    { Name: "unless-stopped" },
    { Name: "on-failure", MaximumRetryCount: 1 },
    { Name: "no" },
  ];
  const ids = await Promise.all(policies.map((RestartPolicy) => running({ RestartPolicy })));
  const stopped = await Promise.all(policies.map((RestartPolicy) => running({ RestartPolicy })));
  for (const id of stopped) await engine.stopContainer(scratch.engine, id, { timeout: 0 });
  for (let round = 0; round < 2; round++) {
    await boot();
    const found = await Promise.all(ids.map(inspect));
    expect(found.map(({ State }) => State?.Running)).toEqual([true, true, true, false]);
    expect(found.map(({ RestartCount }) => RestartCount)).toEqual([0, 0, 0, 0]);
  }
  // One that a person stopped is up with always, and with on-failure since its status is a failure, as in Docker.
  const found = await Promise.all(stopped.map(inspect));
  expect(found.map(({ State }) => State?.Running)).toEqual([true, false, true, false]);
  await remove(...ids, ...stopped);
});

test("--rm removes what ran with its anonymous volumes; what waited to be restarted is restarted", async () => {
  const removed = await running({ AutoRemove: true }, { Volumes: { "/anonymous": {} } });
  expect((await scratch.engine.volumes.list()).volumes).toHaveLength(1);
  const { id: waits } = await startedContainer(scratch.engine, ["sh", "-c", "exit 4"], {
    hostConfig: { RestartPolicy: { Name: "always" } },
  });
  const end = Date.now() + PATIENCE;
  while ((await inspect(waits)).State?.Status !== "restarting" && Date.now() < end) await Bun.sleep(5);
  const before = (await inspect(waits)).RestartCount ?? 0;
  await boot();
  expect(scratch.engine.containers.get(removed)).toBeUndefined();
  expect((await scratch.engine.volumes.list()).volumes).toEqual([]);
  while (((await inspect(waits)).RestartCount ?? 0) <= before && Date.now() < end) await Bun.sleep(5);
  expect((await inspect(waits)).RestartCount).toBeGreaterThan(before);
  await remove(waits);
});
