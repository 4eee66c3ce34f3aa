// A disk that is full: the pull says so, and leaves the disk as it was.
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../fixtures/daemon.ts";
import { makeImage, noise } from "../fixtures/image.ts";
import { contentsOf, openImagesRoom } from "../fixtures/images-room.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}

test.each([
  ["while unpacking", makeImage({ layers: [{ files: { zeros: new Uint8Array(64 << 20) } }] })],
  ["while downloading", makeImage({ layers: [{ files: { noise: noise(40 << 20, 5) } }] })],
])("%s", async (_, image) => {
  using folder = temporaryFolder();
  const mount = join(folder.path, "disk");
  mkdirSync(mount);
  run("truncate", "--size=32M", join(folder.path, "disk.img"));
  run("mkfs.ext4", "-q", "-m", "0", join(folder.path, "disk.img"));
  run("mount", "-o", "loop", join(folder.path, "disk.img"), mount);
  await using registry = await startLyingRegistry(image, "1");
  await using room = await openImagesRoom({}, join(mount, "data"));
  await expect(room.pull(`${registry.host}/big:1`)).rejects.toThrow(/no space left on device/i);
  // Parts that were given up let go of what they hold a moment later, and take their folders away after that.
  await waitFor(async () => {
    await room.context.store.collectGarbage();
    return Bun.deepEquals(contentsOf(room.context), { blobs: [], layers: 0, names: [] });
  }, "everything to be collected");
  expect(readdirSync(join(mount, "data", "content", "sha256"))).toEqual([]);
  const snapshots = () => readdirSync(join(mount, "data", "snapshots")).filter((entry) => entry !== "empty");
  await waitFor(() => snapshots().length === 0, "the folders of layers to go");
  // And there is room again for what fits.
  const small = makeImage({ layers: [{ files: { small: "fits" } }] });
  await using other = await startLyingRegistry(small, "1");
  await room.pull(`${other.host}/small:1`);
  expect(contentsOf(room.context).layers).toBe(1);
});
