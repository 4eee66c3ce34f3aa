// The data root's disk is full while containers run: what needs room is refused, what makes room works.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { makeFolder, waitFor } from "../fixtures/daemon.ts";
import { layerTar, makeImage, noise } from "../fixtures/image.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { expectSame, type Inventory, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

const folder = makeFolder();
const disk = join(folder, "data");
let daemon: WatchedDaemon;
let before: Inventory;

function command(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words, { stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

beforeAll(async () => {
  mkdirSync(disk);
  command("truncate", "--size=48M", join(folder, "disk.img"));
  command("mkfs.ext4", "-q", "-m", "0", join(folder, "disk.img"));
  command("mount", "-o", "loop", join(folder, "disk.img"), disk);
  daemon = await startWatchedDaemon({ folder });
  await importBusybox(daemon);
  before = await settled(daemon);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  command("umount", "--lazy", disk);
  command("rm", "-rf", folder);
});

async function run(name: string, command: string, hostConfig: Record<string, unknown> = {}): Promise<void> {
  const body = { Image: BUSYBOX, Cmd: ["sh", "-c", command], HostConfig: hostConfig };
  expect(await daemon.request("POST", `/containers/create?name=${name}`, { body })).toMatchObject({
    status: 201,
  });
  expect(await daemon.request("POST", `/containers/${name}/start`)).toMatchObject({ status: 204 });
}

/** A log drops what does not fit whole, so some blocks stay. */
const isFull = () => statfsSync(disk).bavail * statfsSync(disk).bsize < 256 << 10;
const status = async (name: string) =>
  (await daemon.request("GET", `/containers/${name}/json`)).json<{
    State?: { Status: string; ExitCode: number };
  }>().State;

test("a pull that doesn't fit says so, and leaves nothing", async () => {
  const image = makeImage({ layers: [{ files: { big: noise(60 << 20, 7) } }] });
  await using registry = await startLyingRegistry(image, "1");
  const { text } = await daemon.request("POST", `/images/create?fromImage=${registry.host}/big&tag=1`);
  expect(text).toMatch(/"errorDetail".*no space left on device/i);
  await expectSame(daemon, before);
});

test("containers that filled it are stopped and removed; what ended meanwhile is recorded; then there is room again", async () => {
  await run("ends", "sleep 4; exit 7");
  await run("removed", "sleep 4", { AutoRemove: true });
  await run("kept", "sleep 3600");
  await run(
    "logger",
    "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done",
  );
  await waitFor(isFull, "the disk to be full");

  const refused = await daemon.request("POST", "/images/create?fromSrc=-&repo=no&tag=room", {
    body: layerTar({ noise: noise(2 << 20, 8) }),
  });
  expect(`${refused.status} ${refused.text}`).toMatch(
    /^(500|200 .*errorDetail).*(no space left on device|disk is full)/is,
  );

  await waitFor(async () => (await status("ends"))?.Status === "exited", "the end to be recorded");
  expect(await status("ends")).toMatchObject({ ExitCode: 7 });
  await waitFor(async () => (await status("removed")) === undefined, "the removal");
  expect(isFull()).toBe(true);
  expect(await daemon.request("POST", "/containers/kept/stop?t=0")).toMatchObject({ status: 204 });
  // A daemon that starts on a full disk takes all of it up.
  await daemon.restart();
  expect(await status("logger")).toMatchObject({ Status: "running" });
  for (const name of ["ends", "kept", "logger"])
    expect(await daemon.request("DELETE", `/containers/${name}?force=1`)).toMatchObject({ status: 204 });
  await expectSame(daemon, before);
  await run("again", "true");
  await daemon.request("DELETE", "/containers/again?force=1");
}, 60_000);
