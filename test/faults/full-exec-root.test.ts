// The execution root (a small tmpfs on many hosts) is full: what needs room is refused with the reason, what runs can be
// stopped, ended and removed, and its end is told though it can't be written down.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { makeFolder, waitFor } from "../fixtures/daemon.ts";
import { expectSame, type Inventory, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

const folder = makeFolder();
const root = join(folder, "run");
const filler = join(root, "filler");
let daemon: WatchedDaemon;
let before: Inventory;

beforeAll(async () => {
  mkdirSync(root);
  Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", root]);
  daemon = await startWatchedDaemon({ folder });
  await importBusybox(daemon);
  before = await settled(daemon);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  Bun.spawnSync(["umount", "--lazy", root]);
  rmSync(folder, { recursive: true, force: true });
});

const post = (path: string, body?: unknown) => daemon.request("POST", path, body ? { body } : {});
const removeByForce = (id: string) => daemon.request("DELETE", `/containers/${id}?force=1`);
const inspect = async (id: string) =>
  (await daemon.request("GET", `/containers/${id}/json`)).json<{
    State: { Status: string; ExitCode: number };
  }>().State;

async function create(...Cmd: string[]): Promise<string> {
  return (await post("/containers/create", { Image: BUSYBOX, Cmd })).json<{ Id: string }>().Id;
}
async function run(...Cmd: string[]): Promise<string> {
  const id = await create(...Cmd);
  expect(await post(`/containers/${id}/start`)).toMatchObject({ status: 204 });
  return id;
}

function fill(): void {
  const file = openSync(filler, "w");
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
  } finally {
    closeSync(file);
  }
}

test("full, and with room again", async () => {
  const [ends, stopped, removed, killed, kept] = await Promise.all([
    run("sh", "-c", "sleep 3; exit 7"),
    run("sleep", "60"),
    run("sleep", "60"),
    run("sleep", "60"),
    run("sleep", "60"),
  ]);
  const late = await create("true");
  fill();

  const refused = await post(`/containers/${late}/start`);
  expect({ status: refused.status, text: refused.text }).toEqual({
    status: 500,
    text: expect.stringMatching(/no space left on device/i),
  });
  const created = await post(`/containers/${kept}/exec`, { Cmd: ["true"], AttachStdout: true });
  const exec = await post(`/exec/${created.json<{ Id: string }>().Id}/start`, { Detach: false });
  expect(exec.text).toMatch(/no space left on device/i);

  expect(await post(`/containers/${stopped}/stop?t=0`)).toMatchObject({ status: 204 });
  expect(await inspect(stopped)).toMatchObject({ Status: "exited", ExitCode: 137 });
  expect(await post(`/containers/${killed}/kill`)).toMatchObject({ status: 204 });
  expect(await removeByForce(removed)).toMatchObject({ status: 204 });
  await waitFor(async () => (await inspect(ends)).Status === "exited", "its end");
  expect(await inspect(ends)).toMatchObject({ ExitCode: 7 });

  rmSync(filler);
  for (const id of [late, ends, stopped])
    expect(await post(`/containers/${id}/start`)).toMatchObject({ status: 204 });
  expect((await post(`/containers/${kept}/exec`, { Cmd: ["true"] })).status).toBe(201);
  for (const id of [late, ends, stopped, killed, kept]) {
    const { status, text } = await removeByForce(id);
    expect({ status, text }).toEqual({ status: 204, text: "" });
  }
  await expectSame(daemon, before);
});

test("a daemon starts on it, and takes up what runs", async () => {
  const [up, gone] = await Promise.all([run("sleep", "60"), run("sleep", "60")]);
  fill();
  await daemon.kill9();
  await daemon.restart();
  expect(await inspect(up)).toMatchObject({ Status: "running" });
  for (const id of [up, gone]) expect(await removeByForce(id)).toMatchObject({ status: 204 });
  rmSync(filler);
  await expectSame(daemon, before);
});
