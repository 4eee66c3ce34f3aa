// Clients that read slowly, or not at all: they get all of the output in the end, and hold up nobody.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { requestBytes, UPGRADE } from "../api/raw.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { expectSame, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

let daemon: WatchedDaemon;

beforeAll(async () => {
  daemon = await startWatchedDaemon();
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

async function create(tty: boolean, ...Cmd: string[]): Promise<string> {
  const body = { Image: BUSYBOX, Cmd, Tty: tty, HostConfig: { AutoRemove: true } };
  return (await daemon.request("POST", "/containers/create", { body })).json<{ Id: string }>().Id;
}

/** Attached, and reading nothing. */
async function attachStalled(id: string): Promise<Socket> {
  const socket = connect({ path: daemon.socket });
  socket.write(requestBytes("POST", `/containers/${id}/attach?stream=1&stdout=1`, { headers: UPGRADE }));
  await new Promise((resolve) => socket.once("readable", resolve));
  return socket;
}

const isGone = async (id: string) => (await daemon.request("GET", `/containers/${id}/json`)).status === 404;

const LINES = 1_000_000;

test.each([true, false])(
  "who begins to read when the container is gone has all of its output (terminal: %p)",
  async (tty) => {
    const before = await settled(daemon);
    const id = await create(tty, "seq", "1", String(LINES));
    const socket = await attachStalled(id);
    await daemon.request("POST", `/containers/${id}/start`);
    await waitFor(() => isGone(id), "the container to be gone");
    let text = "";
    for await (const chunk of socket) text += (chunk as Buffer).toString("latin1");
    expect(text.trimEnd().endsWith(String(LINES))).toBe(true);
    expect(text.match(/\n/g)?.length).toBeGreaterThanOrEqual(LINES);
    await expectSame(daemon, before);
  },
);

test("a client that never reads and goes away leaves nothing", async () => {
  const before = await settled(daemon);
  const id = await create(false, "seq", "1", String(LINES));
  const socket = await attachStalled(id);
  await daemon.request("POST", `/containers/${id}/start`);
  await waitFor(() => isGone(id), "the container to be gone");
  // What it has not taken is kept for it, by the shim alone.
  const now = await settled(daemon);
  expect([now.mounts, now.rows, now.cgroups]).toEqual([before.mounts, before.rows, before.cgroups]);
  expect(now.processes).toHaveLength(before.processes.length + 1);
  socket.destroy();
  await expectSame(daemon, before);
});
