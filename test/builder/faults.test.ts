// Builds that are broken off: the client is killed at any moment, the daemon in each phase, the disk is full, the cache is
// pruned meanwhile. Nothing is left, and the next build works.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import {
  expectSame,
  type Inventory,
  settled,
  startWatchedDaemon,
  type WatchedDaemon,
} from "../faults/inventory.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { makeFolder, waitFor } from "../fixtures/daemon.ts";
import { noise } from "../fixtures/image.ts";
import { packedArchive } from "./archive.ts";

/** What no build may leave; its cache and context are kept on purpose. */
const PARTS = ["mounts", "devices", "rules", "processes", "cgroups"] as const;

/** More for a long night. */
const ROUNDS = Number(process.env.BERTH_KILL_ROUNDS ?? 6);

interface Place {
  daemon: WatchedDaemon;
  client: Client;
  before: Inventory;
}

async function placeOn(daemon: WatchedDaemon): Promise<Place> {
  await importBusybox(daemon);
  const config = join(daemon.folder, "client");
  const client = clientOf("berth", berthBinary(daemon.folder), daemon.host, config, { patience: 60_000 });
  // Layers are put on disk in the background, which is no build's process.
  return { daemon, client, before: { ...(await settled(daemon)), processes: [] } };
}

function context({ daemon }: Place, dockerfile: string, files: Record<string, Uint8Array> = {}): string {
  const path = mkdtempSync(join(daemon.folder, "context-"));
  writeFileSync(join(path, "Dockerfile"), `FROM ${BUSYBOX}\n${dockerfile}`);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

/** No process, mount, device or folder is left of a build, and one works. */
async function expectUnharmed(place: Place): Promise<void> {
  const { daemon, client, before } = place;
  await expectSame(daemon, before, { parts: PARTS, limit: 20_000 });
  const folders = [
    join(daemon.dataRoot, "scratch"),
    join(daemon.dataRoot, "ingest"),
    join(daemon.execRoot, "containers"),
  ];
  const left = () => folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  await waitFor(
    () => left().length === 0,
    "the folders to be empty",
    () => left().join("\n"),
  );
  const path = context(place, "COPY given /given\nRUN cat /given > /made\n", {
    given: Buffer.from("works\n"),
  });
  await client.ok("build", "-q", "--no-cache", "-t", "unharmed", path);
  expect(await client.ok("run", "--rm", "unharmed", "cat", "/made")).toBe("works");
  await client.ok("rmi", "-f", "unharmed");
}

describe("killed", () => {
  let place: Place;
  beforeAll(async () => {
    place = await placeOn(await startWatchedDaemon());
  });
  afterAll(() => place?.daemon[Symbol.asyncDispose]());

  /** A build with a context to send, steps that print and write, a layer to freeze, and one to pack. */
  const everyPhase = () =>
    context(
      place,
      "COPY big /big\nRUN echo in a step; sleep 0.3; cp /big /copy\nRUN mkdir /many && cd /many && seq 2000 | xargs touch\nRUN sleep 5432 & sleep 0.2\n",
      { big: noise(6 << 20, 31) },
    );
  const start = (path: string) =>
    place.client.start("build", "--no-cache", "--progress=plain", "-t", "killed", path);

  test("the client at any moment", async () => {
    const path = everyPhase();
    for (let round = 0; round < ROUNDS; round++) {
      await using building = start(path);
      await Bun.sleep(Math.random() * 3000);
      building.kill("SIGKILL");
      await building.exited;
      await expectSame(place.daemon, place.before, { parts: PARTS, limit: 20_000 });
    }
    await expectUnharmed(place);
  }, 240_000);

  test.each([
    ["while the context comes", /load build context\n/],
    ["in a step", / in a step\n/],
    ["when a step's layer is frozen", /RUN echo in a step.*\n(?:.*\n)*?#\d+ DONE/],
    ["while many files are frozen", /\[4\/5\] RUN mkdir \/many/],
    ["while layers are packed", /exporting layers/],
    ["when the image is named", /exporting manifest/],
  ])(
    "the daemon %s",
    async (_phase, seen) => {
      const path = everyPhase();
      await using building = start(path);
      await building.until(seen);
      await Bun.sleep(Math.random() * 60);
      await place.daemon.kill9();
      await building.exited;
      await place.daemon.restart();
      await expectUnharmed(place);
    },
    120_000,
  );
});

describe("at the same time", () => {
  let place: Place;
  beforeAll(async () => {
    place = await placeOn(await startWatchedDaemon());
  });
  afterAll(() => place?.daemon[Symbol.asyncDispose]());

  test("builds of one tag all end well, and the tag is one of theirs", async () => {
    const paths = Array.from({ length: 4 }, (_, at) => context(place, `RUN echo ${at} > /which\n`));
    const ids = await Promise.all(paths.map((path) => place.client.ok("build", "-q", "-t", "same", path)));
    expect(new Set(ids).size).toBe(4);
    expect(ids).toContain(await place.client.ok("image", "inspect", "-f", "{{.Id}}", "same"));
    expect(await place.client.ok("run", "--rm", "same", "cat", "/which")).toMatch(/^[0-3]$/);
  }, 120_000);

  test("a build and the removal of the cache, of images and of the build's own tag", async () => {
    const over = new AbortController();
    const pruning = (async () => {
      while (!over.signal.aborted) {
        await place.client.run("builder", "prune", "-af");
        await place.client.run("image", "prune", "-f");
        await place.client.run("rmi", "-f", "pruned-0", "pruned-1");
      }
    })();
    const build = async (at: number) => {
      const given = { given: Buffer.from(`${at}`) };
      const steps = "COPY given /given\nRUN cat /given > /one\nRUN cat /one /given > /two\n";
      for (let round = 0; round < 4; round++)
        await place.client.ok("build", "-q", "-t", `pruned-${at}`, context(place, steps, given));
    };
    await Promise.all([build(0), build(1)]);
    over.abort();
    await pruning;
    await expectUnharmed(place);
  }, 240_000);
});

describe("on a full disk", () => {
  let folder: string;
  let disk: string;
  let place: Place;
  const command = (...words: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(words, { stderr: "pipe" });
    if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  };
  beforeEach(async () => {
    folder = makeFolder();
    disk = join(folder, "data");
    mkdirSync(disk);
    command("truncate", "--size=64M", join(folder, "disk.img"));
    command("mkfs.ext4", "-q", "-m", "0", join(folder, "disk.img"));
    command("mount", "-o", "loop", join(folder, "disk.img"), disk);
    place = await placeOn(await startWatchedDaemon({ folder }));
  });
  afterEach(async () => {
    await place?.daemon[Symbol.asyncDispose]();
    command("umount", "--lazy", disk);
    command("rm", "-rf", folder);
  });
  const free = () => statfsSync(disk).bavail * statfsSync(disk).bsize;

  const bomb = () => {
    const ones = [{ path: "ones", bytes: new Uint8Array(200 << 20).fill(1) }];
    return { "bomb.tar.gz": packedArchive(ones, "gzip") };
  };
  test.each([
    [
      "a step that writes",
      "RUN dd if=/dev/zero of=/zeros bs=1M\n",
      () => ({}),
      /No space left on device[\s\S]*exit code: 1/,
    ],
    [
      "a context that is sent",
      "COPY big /\n",
      () => ({ big: noise(100 << 20, 32) }),
      /no space left on device/i,
    ],
    ["an archive that unpacks", "ADD bomb.tar.gz /\n", bomb, /no space left on device/i],
    [
      "a layer that is packed",
      "RUN dd if=/dev/urandom of=/noise bs=1M count=32\n",
      () => ({}),
      /no space left on device/i,
    ],
  ])(
    "%s says so, and gives the room back",
    async (_name, dockerfile, files, words) => {
      const room = free();
      const path = context(place, dockerfile, files());
      const { code, stderr } = await place.client.run("build", "--progress=plain", "-t", "full", path);
      expect(stderr.trimEnd().split("\n").slice(-20).join("\n")).toMatch(words);
      expect(code).toBe(1);
      await place.client.ok("builder", "prune", "-af");
      await waitFor(
        () => free() > room - (2 << 20),
        "the room to be free again",
        () => `${free()} of ${room}`,
      );
      await expectUnharmed(place);
    },
    120_000,
  );
});
