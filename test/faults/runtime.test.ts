// OCI runtimes that hang or fail at each step: the daemon answers all the while, the person learns why, and what is
// removed leaves nothing.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { makeFolder, waitFor } from "../fixtures/daemon.ts";
import { faultyRuntimes, setFaults } from "../fixtures/faulty-runtime.ts";
import { expectSame, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

const folder = makeFolder();
const runtimes = faultyRuntimes(folder, {
  "hang-run": { run: "hang" },
  "late-run": { run: "late" },
  "hang-exec": { exec: "hang" },
  "hang-pause": { pause: "hang" },
  "hang-resume": { resume: "hang" },
  "hang-delete": { delete: "hang" },
  "hang-all": { run: "hang", delete: "hang" },
  "fail-run": { run: "fail" },
  "mute-run": { run: "mute" },
  "killed-run": { run: "killed" },
  "lie-run": { run: "lie" },
  "regret-run": { run: "regret" },
  "fail-delete": { delete: "fail" },
  "lie-delete": { delete: "lie" },
  "fail-exec": { exec: "fail" },
  "lie-exec": { exec: "lie" },
  "regret-exec": { exec: "regret" },
  "fail-pause": { pause: "fail" },
  "fail-resume": { resume: "fail" },
  "no-program": {},
});
let daemon: WatchedDaemon;

beforeAll(async () => {
  daemon = await startWatchedDaemon({ folder, config: { runtimes } });
  await importBusybox(daemon);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  Bun.spawnSync(["rm", "-rf", folder]);
});

async function create(Runtime: string, Cmd = ["sleep", "60"], more: Record<string, unknown> = {}) {
  const body = { Image: BUSYBOX, Cmd, HostConfig: { Runtime, ...more } };
  const { Id } = (await daemon.request("POST", "/containers/create", { body })).json<{ Id: string }>();
  return Id;
}
const post = (path: string, body?: unknown) => daemon.request("POST", path, body ? { body } : {});
const start = (id: string) => post(`/containers/${id}/start`);
const removeByForce = (id: string) => daemon.request("DELETE", `/containers/${id}?force=1`);
const inspect = async (id: string) =>
  (await daemon.request("GET", `/containers/${id}/json`)).json<{
    State: { Status: string; Running: boolean; ExitCode: number; Error: string; Pid: number };
  }>().State;

async function running(runtime: string): Promise<string> {
  const id = await create(runtime);
  expect(await start(id)).toMatchObject({ status: 204 });
  return id;
}

/** The call of the runtime is under way. */
const called = (runtime: string, step: string) =>
  waitFor(
    () =>
      readdirSync("/proc").some((pid) => {
        try {
          const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
          return words.includes(join(folder, runtime, "runtime")) && words.includes(step);
        } catch {
          return false;
        }
      }),
    `${runtime} to be called with ${step}`,
  );

/** The daemon does all else meanwhile, and tells of this container too. */
async function expectAnswers(id: string): Promise<void> {
  expect(await daemon.request("GET", "/version")).toMatchObject({ status: 200 });
  expect((await daemon.request("GET", "/containers/json?all=1")).text).toContain(id);
  expect(await inspect(id)).toBeDefined();
}

async function expectRemoved(id: string): Promise<void> {
  const { status, text } = await removeByForce(id);
  expect({ status, text }).toEqual({ status: 204, text: "" });
}

const hanging: Record<string, () => Promise<void>> = {
  async "a start, before anything was done"() {
    const id = await create("hang-run");
    const starting = start(id);
    await called("hang-run", "run");
    await expectAnswers(id);
    await expectRemoved(id);
    const { status, text } = await starting;
    expect({ status, text }).toEqual({
      status: 409,
      text: expect.stringContaining("container is marked for removal and cannot be started"),
    });
  },
  async "a start, when the container is up"() {
    const id = await create("late-run");
    const starting = start(id);
    await called("late-run", "run");
    await expectAnswers(id);
    await expectRemoved(id);
    expect(await starting).toMatchObject({ status: 409 });
  },
  async "an exec, whose container is removed"() {
    const id = await running("hang-exec");
    const exec = (await post(`/containers/${id}/exec`, { Cmd: ["true"] })).json<{ Id: string }>().Id;
    const executing = post(`/exec/${exec}/start`, { Detach: true });
    await called("hang-exec", "exec");
    await expectAnswers(id);
    await expectRemoved(id);
    expect(await executing).toMatchObject({ status: 500 });
  },
  async "an exec, whose container is stopped"() {
    const id = await running("hang-exec");
    const exec = (await post(`/containers/${id}/exec`, { Cmd: ["true"] })).json<{ Id: string }>().Id;
    const executing = post(`/exec/${exec}/start`, { Detach: true });
    await called("hang-exec", "exec");
    expect(await post(`/containers/${id}/stop?t=0`)).toMatchObject({ status: 204 });
    expect(await executing).toMatchObject({ status: 500 });
    await expectRemoved(id);
  },
  async "a pause"() {
    const id = await running("hang-pause");
    const pausing = post(`/containers/${id}/pause`);
    await called("hang-pause", "pause");
    await expectAnswers(id);
    await expectRemoved(id);
    expect(await pausing).toMatchObject({ status: 500 });
  },
  async "the end of a pause, by a removal"() {
    const id = await running("hang-resume");
    expect(await post(`/containers/${id}/pause`)).toMatchObject({ status: 204 });
    await expectRemoved(id);
  },
  async "a deletion"() {
    const id = await create("hang-delete", ["true"]);
    expect(await start(id)).toMatchObject({ status: 204 });
    await waitFor(async () => (await inspect(id)).Status === "exited", "its end");
    await called("hang-delete", "delete");
    await expectAnswers(id);
    await expectRemoved(id);
  },
  async "a start and the deletion after it"() {
    const id = await create("hang-all", ["true"], { AutoRemove: true });
    const starting = start(id);
    await called("hang-all", "run");
    await expectRemoved(id);
    expect(await starting).toMatchObject({ status: 409 });
  },
};

/** All at once: most of their time is waiting. */
async function all(scenarios: Record<string, () => Promise<void>>): Promise<void> {
  await Promise.all(
    Object.entries(scenarios).map(([what, work]) =>
      work().catch((error: unknown) => {
        throw new Error(`${what}: ${error}`, { cause: error });
      }),
    ),
  );
}

test("hanging in each step", async () => {
  const before = await settled(daemon);
  await all(hanging);
  // A deletion is given up after ten seconds.
  await expectSame(daemon, before, { limit: 30_000 });
}, 90_000);

async function startFails(runtime: string, said: RegExp): Promise<void> {
  const id = await create(runtime);
  const { status, text } = await start(id);
  expect({ status, text }).toEqual({ status: 500, text: expect.stringMatching(said) });
  expect(await inspect(id)).toMatchObject({
    Status: "created",
    Running: false,
    ExitCode: 128,
    Error: expect.stringMatching(said),
  });
  // Another try finds nothing in its way.
  setFaults(runtimes[runtime] as { path: string }, {});
  expect(await start(id)).toMatchObject({ status: 204 });
  await expectRemoved(id);
}

async function deletionFails(runtime: string): Promise<void> {
  const id = await create(runtime, ["true"]);
  for (let round = 0; round < 2; round++) {
    expect(await start(id)).toMatchObject({ status: 204 });
    await waitFor(async () => (await inspect(id)).Status === "exited", "its end");
  }
  await expectRemoved(id);
}

async function execFails(runtime: string, said: RegExp): Promise<void> {
  const id = await running(runtime);
  for (const Detach of [true, false]) {
    // One that was started after all must not keep its container from ending.
    const request = { Cmd: ["sleep", "60"], AttachStdout: true };
    const exec = (await post(`/containers/${id}/exec`, request)).json<{ Id: string }>().Id;
    expect((await post(`/exec/${exec}/start`, { Detach })).text).toMatch(said);
    expect((await daemon.request("GET", `/exec/${exec}/json`)).json()).toMatchObject({
      Running: false,
      ExitCode: 128,
    });
  }
  expect(await inspect(id)).toMatchObject({ Status: "running" });
  expect(await post(`/containers/${id}/stop?t=0`)).toMatchObject({ status: 204 });
  await expectRemoved(id);
}

const failing: Record<string, () => Promise<void>> = {
  "a start, with a reason": () => startFails("fail-run", /a fault was asked for/),
  "a start, without one": () => startFails("mute-run", /mute-run ended with status 1 and said nothing/),
  "a start, killed": () => startFails("killed-run", /killed-run ended with status 137 and said nothing/),
  "a start that never was": () => startFails("lie-run", /lie-run ended well, but started no process/),
  "a start that was": () => startFails("regret-run", /regret-run ended with status 1 and said nothing/),
  "a deletion": () => deletionFails("fail-delete"),
  "a deletion that never was": () => deletionFails("lie-delete"),
  "an exec, with a reason": () => execFails("fail-exec", /a fault was asked for/),
  "an exec that never was": () => execFails("lie-exec", /lie-exec ended well, but started no process/),
  "an exec that was": () => execFails("regret-exec", /regret-exec ended with status 1 and said nothing/),
  async "a pause"() {
    const id = await running("fail-pause");
    const { status, text } = await post(`/containers/${id}/pause`);
    expect({ status, text }).toEqual({ status: 500, text: expect.stringContaining("a fault was asked for") });
    expect(await inspect(id)).toMatchObject({ Status: "running" });
    await expectRemoved(id);
  },
  async "the end of a pause"() {
    const id = await running("fail-resume");
    expect(await post(`/containers/${id}/pause`)).toMatchObject({ status: 204 });
    const { status, text } = await post(`/containers/${id}/unpause`);
    expect({ status, text }).toEqual({ status: 500, text: expect.stringContaining("a fault was asked for") });
    expect(await inspect(id)).toMatchObject({ Status: "paused" });
    await expectRemoved(id);
  },
  async "a runtime that is no program any more"() {
    const id = await create("no-program");
    await Bun.write((runtimes["no-program"] as { path: string }).path, "\x7fELF no program");
    const { status, text } = await start(id);
    expect({ status, text }).toEqual({ status: 500, text: expect.stringMatching(/exec format error/i) });
    await expectRemoved(id);
  },
};

test("failing in each step", async () => {
  const before = await settled(daemon);
  await all(failing);
  await expectSame(daemon, before);
});
