// Shims that are killed, stopped, or in the way at the wrong moment: whoever removes the container gets it removed.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { expectSame, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

let daemon: WatchedDaemon;

beforeAll(async () => {
  daemon = await startWatchedDaemon();
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

async function create(...Cmd: string[]): Promise<string> {
  const answer = await daemon.request("POST", "/containers/create", { body: { Image: BUSYBOX, Cmd } });
  return answer.json<{ Id: string }>().Id;
}
const start = (id: string) => daemon.request("POST", `/containers/${id}/start`);
const removeByForce = (id: string) => daemon.request("DELETE", `/containers/${id}?force=1`);

function shimOf(id: string): number {
  try {
    return Number(readFileSync(join(daemon.execRoot, "containers", id, "shim.pid"), "utf8"));
  } catch {
    return 0;
  }
}

test("removed by force right after its shim was killed", async () => {
  const before = await settled(daemon);
  for (let round = 0; round < 8; round++) {
    const id = await create("sleep", "60");
    await start(id);
    process.kill(shimOf(id), "SIGKILL");
    const { status, text } = await removeByForce(id);
    expect({ round, status, text }).toEqual({ round, status: 204, text: "" });
  }
  await expectSame(daemon, before);
});

test("its shim is killed while it starts", async () => {
  const before = await settled(daemon);
  for (let round = 0; round < 8; round++) {
    const id = await create("sleep", "60");
    const starting = start(id);
    await waitFor(() => shimOf(id) > 0, "the shim's pid");
    process.kill(shimOf(id), "SIGKILL");
    const [removed] = await Promise.all([removeByForce(id), starting]);
    expect({ round, status: removed.status, text: removed.text }).toEqual({ round, status: 204, text: "" });
  }
  await expectSame(daemon, before);
});

test("removed by force while its shim is stopped", async () => {
  const before = await settled(daemon);
  const id = await create("sleep", "60");
  await start(id);
  process.kill(shimOf(id), "SIGSTOP");
  const { status, text } = await removeByForce(id);
  expect({ status, text }).toEqual({ status: 204, text: "" });
  await expectSame(daemon, before);
}, 40_000);

test("killed with execs and under output: all of it ends, and is told", async () => {
  const before = await settled(daemon);
  const id = await create("sh", "-c", "while :; do echo line; done");
  await start(id);
  const exec = (
    await daemon.request("POST", `/containers/${id}/exec`, { body: { Cmd: ["sleep", "60"] } })
  ).json<{ Id: string }>().Id;
  await daemon.request("POST", `/exec/${exec}/start`, { body: { Detach: true } });
  const over = new AbortController();
  const reading = Promise.all(
    ["logs?follow=1&stdout=1", "attach?stream=1&stdout=1"].map(async (what) => {
      const method = what.startsWith("attach") ? "POST" : "GET";
      const { body } = await fetch(`http://d/containers/${id}/${what}`, {
        unix: daemon.socket,
        method,
        signal: over.signal,
      });
      for await (const chunk of body ?? []) void chunk;
    }),
  );
  await Bun.sleep(200);
  process.kill(shimOf(id), "SIGKILL");
  // Who reads sees an end.
  const limit = setTimeout(() => over.abort(new Error("a reader saw no end")), 10_000);
  await reading;
  clearTimeout(limit);
  const state = (await daemon.request("GET", `/containers/${id}/json`)).json<{ State: object }>().State;
  expect(state).toMatchObject({
    Status: "exited",
    ExitCode: 137,
    Error: `the shim of container ${id} died, so the container was killed`,
  });
  expect((await daemon.request("GET", `/exec/${exec}/json`)).json()).toMatchObject({
    Running: false,
    ExitCode: 137,
  });
  expect((await start(id)).status).toBe(204);
  expect((await removeByForce(id)).status).toBe(204);
  await expectSame(daemon, before);
}, 40_000);

test("killed during a stop", async () => {
  const before = await settled(daemon);
  for (let round = 0; round < 4; round++) {
    const id = await create("sh", "-c", "trap : TERM; while :; do sleep 1; done");
    await start(id);
    const stopping = daemon.request("POST", `/containers/${id}/stop?t=30`);
    await Bun.sleep(round * 20);
    process.kill(shimOf(id), "SIGKILL");
    expect((await stopping).status).toBe(204);
    expect((await daemon.request("DELETE", `/containers/${id}`)).status).toBe(204);
  }
  await expectSame(daemon, before);
}, 40_000);

test("two clients remove one container", async () => {
  const before = await settled(daemon);
  for (let round = 0; round < 5; round++) {
    const id = await create("sleep", "60");
    await start(id);
    const answers = await Promise.all([removeByForce(id), removeByForce(id)]);
    // The second one comes while the first is at it, or after.
    const [done, refused] = answers.sort((a, b) => a.status - b.status);
    expect(done?.status).toBe(204);
    expect(`${refused?.status} ${refused?.text}`).toMatch(
      /^409 .*is already in progress|^404 .*No such container/,
    );
  }
  await expectSame(daemon, before);
});
