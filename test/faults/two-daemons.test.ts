// A second daemon on roots that another one holds is refused, and takes nothing from the first.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { startDaemon } from "../fixtures/daemon.ts";
import { expectSame, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

let daemon: WatchedDaemon;

beforeAll(async () => {
  daemon = await startWatchedDaemon();
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

test.each([
  ["--data-root", "data", /the data root \S+ is in use by another daemon \(process \d+\)/],
  ["--exec-root", "run", /the execution root \S+ is in use by another daemon \(process \d+\)/],
])("%s", async (flag, folder, text) => {
  const body = { Image: BUSYBOX, Cmd: ["sleep", "60"] };
  const { Id } = (await daemon.request("POST", "/containers/create", { body })).json<{ Id: string }>();
  await daemon.request("POST", `/containers/${Id}/start`);
  const before = await settled(daemon);
  const second = startDaemon({
    args: [flag, join(daemon.folder, folder), "--pidfile", join(daemon.folder, "pid2")],
  });
  await expect(
    second.then(async (started) => {
      await started.stop();
      throw new Error("it was started");
    }),
  ).rejects.toThrow(text);
  await expectSame(daemon, before);
  expect((await daemon.request("GET", `/containers/${Id}/json`)).text).toContain('"Status":"running"');
  await daemon.request("DELETE", `/containers/${Id}?force=1`);
});
