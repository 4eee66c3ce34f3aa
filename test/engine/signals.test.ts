// Stopping and signals: which signal is sent, how long is waited, what ends a container that won't, and which events tell of it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { ContainerConfig, HostConfig } from "../../src/api/types/index.ts";
import * as engine from "../../src/engine/index.ts";
import type { StopOptions } from "../../src/engine/types.ts";
import { request, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { nextExit } from "./verbs.ts";

let scratch: ScratchEngine;
beforeAll(async () => {
  scratch = await scratchEngine();
});
afterAll(() => scratch[Symbol.asyncDispose]());

const PATIENCE = 20_000;
const LISTENS = "trap 'exit 7' TERM; trap 'exit 8' USR1; echo ready; while :; do sleep 0.05; done";
const DEAF = "trap '' TERM; echo ready; while :; do sleep 0.05; done";

interface Parts {
  config?: ContainerConfig;
  hostConfig?: HostConfig;
}

/** Started, and its traps are set. */
async function ready(script: string, { config, hostConfig }: Parts = {}): Promise<string> {
  const { Id } = await engine.createContainer(
    scratch.engine,
    request(["sh", "-c", script], { config, hostConfig: { NetworkMode: "none", ...hostConfig } }),
  );
  await engine.startContainer(scratch.engine, Id);
  const end = Date.now() + PATIENCE;
  while (!readFileSync(scratch.engine.containers.find(Id).logPath, "utf8").includes("ready")) {
    if (Date.now() > end) throw new Error("it never said that it was ready");
    await Bun.sleep(10);
  }
  return Id;
}

const stateOf = async (id: string) =>
  (await engine.inspectContainer(scratch.engine, id, { size: false })).State;
const remove = (id: string) => engine.removeContainer(scratch.engine, id, { force: true, volumes: true });

/** All actions, with their signal or exit status. */
async function events(id: string): Promise<string[]> {
  const seen: string[] = [];
  const filters = { container: [id], type: ["container"] };
  const options = { since: 0, until: Date.now() / 1000 + 0.01, filters };
  for await (const { Action = "", Actor } of scratch.engine.events.stream(
    options,
    new AbortController().signal,
  )) {
    const { signal, exitCode } = Actor?.Attributes ?? {};
    seen.push([Action, signal ?? exitCode].filter(Boolean).join(" "));
  }
  return seen;
}

test.each<[string, string, Parts, StopOptions, number]>([
  ["its default signal", LISTENS, {}, {}, 7],
  ["the container's own signal", LISTENS, { config: { StopSignal: "SIGUSR1" } }, {}, 8],
  ["the image's default is overruled by the request", LISTENS, {}, { signal: "USR1" }, 8],
  ["a program that won't: after the request's time", DEAF, {}, { timeout: 1 }, 137],
  ["a program that won't: after the container's time", DEAF, { config: { StopTimeout: 1 } }, {}, 137],
  ["no time at all", DEAF, {}, { timeout: 0 }, 137],
  ["one under an init, which hands the signal on", LISTENS, { hostConfig: { Init: true } }, {}, 7],
])("stop: %s", async (_, script, parts, options, code) => {
  const id = await ready(script, parts);
  const before = (await events(id)).length;
  expect(await engine.stopContainer(scratch.engine, id, options)).toBe("stopped");
  expect(await stateOf(id)).toMatchObject({ Status: "exited", ExitCode: code });
  const first = parts.config?.StopSignal || options.signal ? "kill 10" : "kill 15";
  const forced = code === 137 ? ["kill 9"] : [];
  expect((await events(id)).slice(before)).toEqual([first, ...forced, `die ${code}`, "stop"]);
  expect(await engine.stopContainer(scratch.engine, id, options)).toBe("unchanged");
  await remove(id);
});

test("an init reaps, and passes signals to a program that has no handler as process 1", async () => {
  const id = await ready("echo ready; exec sleep 1000", { hostConfig: { Init: true } });
  await engine.stopContainer(scratch.engine, id, {});
  expect(await stateOf(id)).toMatchObject({ ExitCode: 143 });
  await remove(id);
});

test("kill: by name, number, any case; real-time signals; what is none is refused before anything is done", async () => {
  for (const signal of ["USR1", "SIGUSR1", "usr1", "10"]) {
    const id = await ready(LISTENS);
    const ended = nextExit(scratch.engine, id);
    await engine.killContainer(scratch.engine, id, signal);
    expect((await ended).StatusCode).toBe(8);
    await remove(id);
  }
  const id = await ready(LISTENS);
  for (const signal of ["bogus", "0", "SIGRTMIN+40"])
    await expect(engine.killContainer(scratch.engine, id, signal)).rejects.toThrow(
      `invalid signal: ${signal}`,
    );
  await expect(engine.stopContainer(scratch.engine, id, { signal: "bogus" })).rejects.toThrow(
    `cannot stop container: ${id}: invalid signal: bogus`,
  );
  await expect(engine.restartContainer(scratch.engine, id, { signal: "bogus" })).rejects.toThrow(
    `Cannot restart container ${id}: invalid signal: bogus`,
  );
  expect(await stateOf(id)).toMatchObject({ Status: "running" });
  expect(scratch.engine.containers.find(id).stoppedByUser).toBe(false);
  await engine.killContainer(scratch.engine, id, "RTMIN+1"); // the shell has no handler, and is process 1
  expect(await stateOf(id)).toMatchObject({ Status: "running" });
  await remove(id);
});

test.each<[string, (id: string) => Promise<unknown>, string[], number]>([
  ["stop", (id) => engine.stopContainer(scratch.engine, id, {}), ["kill 15", "die 7", "stop"], 7],
  ["kill", (id) => engine.killContainer(scratch.engine, id, "KILL"), ["kill 9", "die 137"], 137],
])("%s wakes one that is paused, so that it ends", async (_, act, told, code) => {
  const id = await ready(LISTENS);
  await engine.pauseContainer(scratch.engine, id);
  const before = (await events(id)).length;
  await act(id);
  expect(await stateOf(id)).toMatchObject({ Status: "exited", ExitCode: code });
  // It may have ended before it could be seen to run again, in which case nobody tells that it did.
  const seen = (await events(id)).slice(before).filter((action, at) => at !== 1 || action !== "unpause");
  expect(seen).toEqual(told);
  await remove(id);
});

test("one that is paused at the moment of its killing ends all the same", async () => {
  // A pause takes some 25 ms: each round meets it at another moment.
  for (let round = 0; round < 25; round++) {
    const id = await ready(LISTENS);
    const pausing = engine.pauseContainer(scratch.engine, id).catch(() => {});
    await Bun.sleep(round);
    await engine.killContainer(scratch.engine, id, "SIGKILL");
    await pausing;
    expect(await stateOf(id)).toMatchObject({ Status: "exited", ExitCode: 137, Paused: false });
    await remove(id);
  }
}, 60_000);

test("a signal that is not the container's stop signal leaves one paused", async () => {
  const id = await ready(LISTENS, { config: { StopSignal: "TERM" } });
  await engine.pauseContainer(scratch.engine, id);
  await engine.killContainer(scratch.engine, id, "USR1");
  expect(await stateOf(id)).toMatchObject({ Status: "paused" });
  const ended = nextExit(scratch.engine, id);
  await engine.unpauseContainer(scratch.engine, id);
  expect((await ended).StatusCode).toBe(8); // it waited
  await remove(id);
});

test("restart: one that runs, is paused, has ended, was never started; --rm keeps it", async () => {
  const id = await ready(LISTENS, { hostConfig: { AutoRemove: true } });
  let before = (await events(id)).length;
  await engine.restartContainer(scratch.engine, id, {});
  expect((await events(id)).slice(before)).toEqual(["kill 15", "die 7", "stop", "start", "restart"]);
  await engine.pauseContainer(scratch.engine, id);
  await engine.restartContainer(scratch.engine, id, { timeout: 0 });
  expect(await stateOf(id)).toMatchObject({ Status: "running", Paused: false });
  await engine.stopContainer(scratch.engine, id, { timeout: 0 });
  await scratch.engine.background.idle();
  expect(scratch.engine.containers.get(id)).toBeUndefined(); // that was its last end

  const { Id } = await engine.createContainer(
    scratch.engine,
    request(["sh", "-c", "exit 3"], { hostConfig: { NetworkMode: "none" } }),
  );
  for (let round = 0; round < 2; round++) {
    before = (await events(Id)).length;
    const ended = nextExit(scratch.engine, Id);
    await engine.restartContainer(scratch.engine, Id, {});
    expect((await ended).StatusCode).toBe(3);
    expect((await events(Id)).slice(before).filter((action) => action !== "die 3")).toEqual([
      "start",
      "restart",
    ]);
  }
  await remove(Id);
});

test("several stop one, each with a patience of its own: the shortest counts, and all are told", async () => {
  const id = await ready(DEAF);
  const began = Date.now();
  const stops = [60, 1, 60].map((timeout) => engine.stopContainer(scratch.engine, id, { timeout }));
  expect(await Promise.all(stops)).toEqual(["stopped", "stopped", "stopped"]);
  expect(Date.now() - began).toBeGreaterThanOrEqual(1000);
  await remove(id);
});

test("a stop without an end waits for another's kill", async () => {
  const id = await ready(DEAF);
  const stop = engine.stopContainer(scratch.engine, id, { timeout: -1 });
  expect(await Promise.race([stop, Bun.sleep(300)])).toBeUndefined();
  await engine.killContainer(scratch.engine, id, "");
  expect(await stop).toBe("stopped");
  await remove(id);
});
