// Health checks of real containers: what they say in inspect, list and events; when they are run, ended, forgotten.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { HealthConfig } from "../../src/api/types/index.ts";
import * as engine from "../../src/engine/index.ts";
import { request, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { execOutput, startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
beforeAll(async () => {
  scratch = await scratchEngine();
});
afterAll(() => scratch[Symbol.asyncDispose]());

const MS = 1e6;
const QUICK = { Interval: 50 * MS, Timeout: 20_000 * MS };
const PATIENCE = 20_000;

const checked = (Test: string[], more: HealthConfig = {}, cmd = ["sleep", "1000"]) =>
  startedContainer(scratch.engine, cmd, {
    config: { Healthcheck: { ...QUICK, Test, ...more } },
    hostConfig: { NetworkMode: "none" },
  });

const healthOf = async (id: string) =>
  (await engine.inspectContainer(scratch.engine, id, { size: false })).State?.Health ?? undefined;

type Shown = NonNullable<Awaited<ReturnType<typeof healthOf>>>;

async function until(id: string, what: (health: Shown) => boolean): Promise<Shown> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const health = await healthOf(id);
    if (health && what(health)) return health;
    if (Date.now() > end) throw new Error(`it came to ${JSON.stringify(health)}`);
    await Bun.sleep(10);
  }
}

async function listed(id: string, filters: Record<string, string[]> = {}) {
  const [found] = await engine.listContainers(scratch.engine, {
    all: true,
    size: false,
    filters: { id: [id], ...filters },
  });
  return found?.Status;
}

async function eventsOf(id: string, since: number): Promise<string[]> {
  const seen: string[] = [];
  const options = { since, until: Date.now() / 1000 + 0.01, filters: { container: [id] } };
  for await (const event of scratch.engine.events.stream(options, new AbortController().signal))
    seen.push(event.Action ?? "");
  return seen;
}

const remove = (id: string) => engine.removeContainer(scratch.engine, id, { force: true, volumes: true });

test("starting, unhealthy, healthy: in inspect, list, filters and events", async () => {
  const since = Date.now() / 1000;
  const { id } = await checked(["CMD-SHELL", "echo seen; cat /state"], { Retries: 2 });
  expect(await healthOf(id)).toEqual({ Status: "starting", FailingStreak: 0, Log: [] });
  expect(await listed(id)).toBe("Up Less than a second (health: starting)");
  const bad = await until(id, ({ Status }) => Status === "unhealthy");
  expect(bad.FailingStreak).toBeGreaterThanOrEqual(2);
  expect(bad.Log?.[0]).toMatchObject({
    ExitCode: 1,
    Output: "seen\ncat: can't open '/state': No such file or directory\n",
  });
  expect(await listed(id, { health: ["unhealthy"] })).toContain("(unhealthy)");
  expect(await listed(id, { health: ["healthy", "starting", "none"] })).toBeUndefined();
  await execOutput(scratch.engine, id, ["touch", "/state"]);
  const good = await until(id, ({ Status, Log }) => Status === "healthy" && Log?.length === 5);
  expect(good.FailingStreak).toBe(0);
  expect(Date.parse(good.Log?.[4]?.End ?? "")).toBeGreaterThanOrEqual(Date.parse(good.Log?.[4]?.Start ?? ""));
  expect(await listed(id)).toContain("(healthy)");
  await engine.stopContainer(scratch.engine, id, { timeout: 0 });
  // As in Docker: nobody vouches for one that is stopped.
  expect(await healthOf(id)).toMatchObject({ Status: "unhealthy", FailingStreak: 0 });
  expect(await listed(id)).toMatch(/^Exited \(137\) [^(]*$/);
  const actions = await eventsOf(id, since);
  expect(actions.filter((action) => action.startsWith("health_status"))).toEqual([
    "health_status: unhealthy",
    "health_status: healthy",
  ]);
  const first = actions.findIndex((action) => action.startsWith("exec_create"));
  expect(actions.slice(first, first + 3)).toEqual([
    "exec_create: /bin/sh -c echo seen; cat /state",
    "exec_start: /bin/sh -c echo seen; cat /state",
    "exec_die",
  ]);
  const log = (await healthOf(id))?.Log;
  await engine.startContainer(scratch.engine, id);
  expect(await healthOf(id)).toEqual({ Status: "starting", FailingStreak: 0, ...(log && { Log: log }) });
  await remove(id);
  expect(scratch.engine.store.documents("health").all()).toEqual([]);
});

test("none is run without a check, with NONE, or before the first start", async () => {
  const switchedOff = await checked(["NONE"]);
  const without = await startedContainer(scratch.engine, ["sleep", "1000"], {
    hostConfig: { NetworkMode: "none" },
  });
  const { Id: created } = await engine.createContainer(
    scratch.engine,
    request(["true"], { config: { Healthcheck: { Test: ["CMD", "true"] } } }),
  );
  for (const id of [switchedOff.id, without.id, created]) {
    expect(await healthOf(id)).toBeUndefined();
    expect(await listed(id, { health: ["none"] })).not.toContain("(");
    await remove(id);
  }
});

test("a check that takes too long is killed, and what it said is kept", async () => {
  const { id } = await checked(["CMD", "sh", "-c", "echo slow; exec sleep 1000"], {
    Timeout: 300 * MS,
    Retries: 1,
  });
  const { Log } = await until(id, ({ Status }) => Status === "unhealthy");
  expect(Log?.[0]).toMatchObject({ ExitCode: -1, Output: "Health check exceeded timeout (300ms): slow\n" });
  const { stdout } = await execOutput(scratch.engine, id, ["ps", "-o", "args"]);
  expect(stdout.split("\n").filter((line) => line === "sleep 1000").length).toBeLessThanOrEqual(2);
  await remove(id);
});

test("output is cut at 4096 bytes; what is no UTF-8 is replaced; a command that isn't there is told of", async () => {
  const loud = await checked(["CMD-SHELL", "head -c 4095 /dev/zero | tr '\\0' x; printf '\\377more'"]);
  const mute = await checked(["CMD", "/nosuch"]);
  const empty = await checked(["CMD"]);
  const said = (await until(loud.id, ({ Log }) => (Log?.length ?? 0) > 0)).Log?.[0];
  expect(said).toMatchObject({ ExitCode: 0, Output: `${"x".repeat(4095)}\ufffd...` });
  const refused = (await until(mute.id, ({ Log }) => (Log?.length ?? 0) > 0)).Log?.[0];
  expect(refused?.ExitCode).toBe(-1);
  expect(refused?.Output).toStartWith(
    "OCI runtime exec failed: exec failed: unable to start container process:",
  );
  const nothing = (await until(empty.id, ({ Log }) => (Log?.length ?? 0) > 0)).Log?.[0];
  expect(nothing).toMatchObject({ ExitCode: -1, Output: "No exec command specified" });
  for (const { id } of [loud, mute, empty]) await remove(id);
});

test("it runs as the container does: user, environment, folder", async () => {
  const { id } = await startedContainer(scratch.engine, ["sleep", "1000"], {
    config: {
      User: "nobody",
      Env: ["WHO=me"],
      WorkingDir: "/tmp",
      Healthcheck: { ...QUICK, Test: ["CMD-SHELL", 'echo "$(id -un) $WHO $PWD"'] },
    },
    hostConfig: { NetworkMode: "none" },
  });
  expect((await until(id, ({ Log }) => (Log?.length ?? 0) > 0)).Log?.[0]?.Output).toBe("nobody me /tmp\n");
  await remove(id);
});

test("the start period forgives, with checks at its own interval", async () => {
  const { id } = await checked(["CMD-SHELL", "test -e /state"], {
    Interval: 1000_000 * MS,
    StartPeriod: 1000_000 * MS,
    StartInterval: 50 * MS,
    Retries: 1,
  });
  expect(await until(id, ({ Log }) => Log?.length === 5)).toMatchObject({
    Status: "starting",
    FailingStreak: 0,
  });
  await execOutput(scratch.engine, id, ["touch", "/state"]);
  const { Log } = await until(id, ({ Status }) => Status === "healthy");
  await Bun.sleep(300);
  expect((await healthOf(id))?.Log).toEqual(Log as NonNullable<typeof Log>);
  await remove(id);
});

test("paused: none is run, it counts as unhealthy, and goes on afterwards", async () => {
  const { id } = await checked(["CMD", "true"]);
  await until(id, ({ Status }) => Status === "healthy");
  await engine.pauseContainer(scratch.engine, id);
  const paused = await healthOf(id);
  expect(paused?.Status).toBe("unhealthy");
  expect(await listed(id)).toMatch(/^Up .* \(Paused\)$/);
  await Bun.sleep(200);
  expect(await healthOf(id)).toEqual(paused as Shown);
  await engine.unpauseContainer(scratch.engine, id);
  await until(id, ({ Status }) => Status === "healthy");
  await remove(id);
});

test("a stop doesn't wait for a check that is under way", async () => {
  const { id } = await checked(["CMD", "sleep", "1000"], {}, [
    "sh",
    "-c",
    "trap 'exit 0' TERM; while :; do sleep 0.05; done",
  ]);
  await until(id, () => scratch.engine.containers.execs.of(id as never).length > 0);
  expect(await engine.stopContainer(scratch.engine, id, { timeout: 20 })).toBe("stopped");
  expect(await healthOf(id)).toEqual({ Status: "unhealthy", FailingStreak: 0, Log: [] });
  await remove(id);
});

test("a check leaves nothing: no exec to inspect, no row, no file beside the bundle", async () => {
  const { id } = await checked(["CMD", "true"], { Interval: 10 * MS });
  const rooms = scratch.engine;
  let count = 0;
  let last = "";
  await until(id, ({ Log }) => {
    const End = Log?.at(-1)?.End ?? "";
    if (End !== last) count++;
    last = End;
    return count > 20;
  });
  expect(rooms.store.documents("execs").all()).toEqual([]);
  expect(rooms.containers.execs.of(id as never).length).toBeLessThanOrEqual(1);
  await remove(id);
  expect(rooms.containers.execs.of(id as never)).toEqual([]);
});

test("twelve containers with checks that are always due: each has its turn, and others are served", async () => {
  const made = await Promise.all(
    Array.from({ length: 12 }, () => checked(["CMD", "true"], { Interval: 1 * MS })),
  );
  for (const { id } of made) await until(id, ({ Status }) => Status === "healthy");
  const { exitCode } = await execOutput(scratch.engine, made[0]?.id ?? "", ["true"]);
  expect(exitCode).toBe(0);
  await Promise.all(made.map(({ id }) => remove(id)));
});

test("the next daemon has the status, the streak and the log, and goes on", async () => {
  const { id } = await checked(["CMD-SHELL", "test -e /state"], { Retries: 2 });
  await until(id, ({ Status }) => Status === "unhealthy");
  const slow = await checked(["CMD", "true"], { Interval: 1000_000 * MS });
  const before = await healthOf(id);
  await scratch.restart();
  const after = await healthOf(id);
  expect(after).toMatchObject({ Status: "unhealthy" });
  expect(after?.FailingStreak).toBeGreaterThanOrEqual(before?.FailingStreak as number);
  await execOutput(scratch.engine, id, ["touch", "/state"]);
  await until(id, ({ Status }) => Status === "healthy");
  expect(await healthOf(slow.id)).toEqual({ Status: "starting", FailingStreak: 0, Log: [] });
  await remove(id);
  await remove(slow.id);
});
