// A process in the container's root that exchanges folders for links to the host's files as fast as it can, while cp
// goes in and out: nothing outside is read, written or mounted upon.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, connect, SdkError } from "../../src/sdk/index.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, makeFolder, startDaemon } from "../fixtures/daemon.ts";
import { archiveOf, describeTree } from "../store/archives.ts";
import { entriesOf } from "./archives.ts";

let daemon: Daemon;
let client: Client;
let outside: string;
let id: string;

const SECRET = "of the host";
/** Milliseconds. */
const LONG = 3000;

beforeAll(async () => {
  daemon = await startDaemon({ bridge: "none" });
  await importBusybox(daemon);
  client = connect({ host: daemon.host });
  outside = join(makeFolder(), "outside");
  mkdirSync(join(outside, "v"), { recursive: true });
  for (const name of ["secret", "v/secret"]) writeFileSync(join(outside, name), SECRET);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  rmSync(join(outside, ".."), { recursive: true, force: true });
});

/** Folders of the container, each exchanged for a link: by its absolute name, by many "..", for the volume's folder. */
const PAIRS = [
  ["/swap/d", "/swap/d-link"],
  ["/swap/e", "/swap/e-link"],
  ["/m", "/m-link"],
];

/** Exchanges the pairs in the container's root until it is killed; a process of its own, chrooted like the container's. */
const swapper = (root: string) => `
  import { enterRoot } from ${JSON.stringify(new URL("../../src/linux/files.ts", import.meta.url).pathname)};
  import { AT_FDCWD, cString, ptr, SYS, syscall } from ${JSON.stringify(new URL("../../src/linux/ffi.ts", import.meta.url).pathname)};
  const RENAME_EXCHANGE = 2;
  const pairs = ${JSON.stringify(PAIRS)}.map((pair) => pair.map(cString));
  const addresses = pairs.map((pair) => pair.map((name) => ptr(name)));
  enterRoot(${JSON.stringify(root)});
  const swap = () => addresses.map(([a, b]) => syscall(SYS.renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
  if (swap().some((result) => result !== 0)) throw new Error("nothing is exchanged");
  console.log("swapping");
  for (;;) for (let i = 0; i < 1000; i++) swap();
`;

test(
  "links that come and go lead nowhere",
  async () => {
    const up = "../".repeat(30) + outside.slice(1);
    const script = `mkdir -p /swap/d /swap/e /m/v; echo inside > /swap/d/secret; echo inside > /swap/e/secret
      ln -s ${outside} /swap/d-link; ln -s ${up} /swap/e-link; ln -s ${outside} /m-link
      echo ready; while :; do mv /swap/f /swap/g; ln -s ${outside} /swap/f; rm /swap/f; mkdir -p /swap/f; rm -rf /swap/g; done 2>/dev/null`;
    const created = await client.containers.create({
      Image: BUSYBOX,
      Cmd: ["sh", "-c", script],
      HostConfig: { NetworkMode: "none", Binds: [`race-${crypto.randomUUID().slice(0, 8)}:/m/v`] },
    });
    id = created.Id as string;
    await client.containers.start(id);
    for await (const chunk of await client.containers.logs(id, { follow: true }))
      if (Buffer.from(chunk).includes("ready")) break;
    const before = describeTree(outside, { rootItself: true });

    const swapping = Bun.spawn([process.execPath, "-e", swapper(join(daemon.execRoot, "rootfs", id))], {
      stdout: "pipe",
      stderr: "inherit",
    });
    try {
      await swapping.stdout.getReader().read();
      const until = performance.now() + LONG;
      const counts = { in: 0, out: 0, refused: 0 };
      const keepOn = async (kind: "in" | "out", work: () => Promise<void>) => {
        while (performance.now() < until)
          await work().then(
            () => {
              counts[kind]++;
            },
            (error: unknown) => {
              // Refused is fine; anything else than the daemon's refusal is not.
              if (!(error instanceof SdkError)) throw error;
              counts.refused++;
            },
          );
      };
      const read = (path: string) => async () => {
        const { stat, archive } = await client.containers.files.read(id, path);
        expect(stat.linkTarget).not.toContain(SECRET);
        for (const { content } of (await entriesOf(archive)).values())
          expect(content.toString()).not.toContain(SECRET);
      };
      const archive = archiveOf(
        { name: "d/written", content: "x" },
        { name: "e/written", content: "x" },
        { name: "f/w" },
      );
      const plain = archiveOf({ name: "secret", content: "x" }, { name: "v/secret", content: "x" });
      await Promise.all([
        keepOn("out", read("/swap/d/secret")),
        keepOn("out", read("/swap")),
        keepOn("out", read("/m/v/")),
        keepOn("in", () => client.containers.files.write(id, "/swap", archive)),
        keepOn("in", () => client.containers.files.write(id, "/swap/d", plain)),
        keepOn("in", () => client.containers.files.write(id, "/swap/e/", plain)),
        keepOn("in", () => client.containers.files.write(id, "/m", plain)),
      ]);
      expect(counts.in).toBeGreaterThan(0);
      expect(counts.out).toBeGreaterThan(0);
    } finally {
      swapping.kill("SIGKILL");
      await swapping.exited;
    }
    expect(describeTree(outside, { rootItself: true })).toEqual(before);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(outside);
  },
  LONG + 60_000,
);
