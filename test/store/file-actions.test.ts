// File actions against the kernel, but for copies: files, folders and links made and removed, in snapshots, in bounded memory.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, linkSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deviceNumber, makeNode } from "../../src/linux/files.ts";
import { listMounts } from "../../src/linux/mount.ts";
import {
  applyFileActions,
  type CopyAction,
  type FileAction,
  mountSnapshot,
  openStore,
  unmountSnapshot,
} from "../../src/store/index.ts";
import { COPY, fill, fillSource, list, OLD } from "./file-trees.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;

let source: string;
let target: string;
beforeEach(() => {
  source = temporaryRoot();
  target = temporaryRoot();
  chmodSync(target, 0o755);
});
afterEach(disposeAll);

const apply = (...actions: FileAction[]) => applyFileActions({ target, sources: [source], actions });
const copy = (from: string, to: string, more: Partial<CopyAction> = {}) =>
  apply({ ...COPY, source: from, destination: to, ...more });

describe("the other actions", () => {
  test("mkdir, mkfile, symlink", async () => {
    fill(target, { "there/": "", "to/in/": "", lnk: "-> /to" });
    chmodSync(join(target, "there"), 0o700);
    const owner = { user: { byId: 5 }, group: { byId: 6 } };
    const timestamp = `${OLD.getTime()}000000`;
    await apply(
      { type: "mkdir", path: "/there", mode: 0o755 },
      { type: "mkdir", path: "one", mode: 0o750, owner, timestamp },
      { type: "mkdir", path: "/lnk/a/b", mode: 0o711, makeParents: true, owner },
      { type: "mkdir", path: "/", mode: 0o711, makeParents: true },
      { type: "mkfile", path: "/lnk/in/f", mode: 0o640, data: Buffer.from("text"), owner, timestamp },
      { type: "mkfile", path: "/lnk/in/f", mode: 0o600, data: Buffer.from("new") },
      { type: "symlink", target: "../x", path: "/lnk/in/s", owner },
    );
    expect(list(target)).toEqual([
      "lnk -> /to 0:0",
      "one 750 5:6 old",
      "there 700 0:0",
      "to 755 0:0",
      "to/a 711 5:6",
      "to/a/b 711 5:6",
      "to/in 755 0:0",
      "to/in/f 640 5:6 1 new",
      "to/in/s -> ../x 5:6",
    ]);
  });

  test("rm, by name and by wildcards; a link goes, not what it leads to", async () => {
    fill(target, { "d/a/x": "", "d/ab": "", "d/b": "", lnk: "-> /d", "e/deep/er/x": "", dangling: "-> /no" });
    await apply(
      { type: "rm", path: "/d/a*", allowWildcard: true },
      { type: "rm", path: "/lnk/b" },
      { type: "rm", path: "/lnk" },
      { type: "rm", path: "/dangling" },
      { type: "rm", path: "/e" },
      { type: "rm", path: "/none", allowNotFound: true },
      { type: "rm", path: "/none/below", allowNotFound: true },
      { type: "rm", path: "/none*", allowWildcard: true },
    );
    expect(list(target)).toEqual(["d 755 0:0"]);
  });

  const refusals: [FileAction, string][] = [
    [{ type: "mkdir", path: "/a/b", mode: 0o755 }, "mkdir /a/b: no such file or directory"],
    [{ type: "mkdir", path: "/file/b", mode: 0o755, makeParents: true }, "mkdir /file: not a directory"],
    [
      { type: "mkfile", path: "/a/b", mode: 0o644, data: Buffer.alloc(0) },
      "open /a/b: no such file or directory",
    ],
    [{ type: "mkfile", path: "/d", mode: 0o644, data: Buffer.alloc(0) }, "open /d: is a directory"],
    [{ type: "symlink", target: "x", path: "/file" }, "symlink x /file: file exists"],
    [{ type: "rm", path: "/none" }, "stat /none: no such file or directory"],
    [{ type: "rm", path: "/" }, "rmPath: invalid empty path"],
  ];
  for (const [action, message] of refusals)
    test(message, async () => {
      fill(target, { file: "", "d/": "" });
      await expect(apply(action)).rejects.toThrow(message);
    });

  test("a pipe in the target doesn't hold it up, a device is not written to", async () => {
    makeNode(join(target, "fifo"), S_IFIFO | 0o644);
    makeNode(join(target, "null"), S_IFCHR | 0o666, deviceNumber(1, 3));
    const data = Buffer.from("x");
    await expect(apply({ type: "mkfile", path: "/fifo", mode: 0o644, data })).rejects.toThrow("open /fifo");
    await expect(apply({ type: "mkfile", path: "/null", mode: 0o644, data })).rejects.toThrow("open /null");
  });
});

describe("in a snapshot", () => {
  for (const backend of ["overlay", "copy"] as const)
    test(`${backend}: layers below stay, and no mount is left`, async () => {
      fillSource(source);
      await using store = await openStore({ root: temporaryRoot(), snapshotBackend: backend });
      const lease = store.leases.open("test");
      const place = join(store.root, "scratch/step");
      const step = async (
        on: Parameters<typeof store.snapshots.createActive>[0],
        ...actions: FileAction[]
      ) => {
        const id = await store.snapshots.createActive(on, lease);
        mountSnapshot(store, id, place);
        try {
          await applyFileActions({ target: place, sources: [source], actions });
        } finally {
          unmountSnapshot(place);
        }
        await store.snapshots.freeze(id, { size: 0, inodes: 0 });
        return id;
      };
      const first = await step(undefined, { ...COPY, source: "/dir", destination: "/o" });
      const second = await step(
        { on: first },
        { type: "rm", path: "/o/sub" },
        { ...COPY, source: "/f", destination: "/o/a" },
      );
      mountSnapshot(store, second, place);
      expect(list(join(place, "o"))).toEqual(
        ["a 644 0:0 1 f old", "hard 640 0:0 1 a old", "link -> a 0:0 old"].map((line) =>
          backend === "overlay" && line.startsWith("hard") ? "hard 640 0:0 2 a old" : line,
        ),
      );
      unmountSnapshot(place);
      mountSnapshot(store, first, place);
      expect(readFileSync(join(place, "o/a"), "utf8")).toBe("a");
      unmountSnapshot(place);
      expect(listMounts().filter((mount) => mount.target.startsWith(store.root))).toEqual([]);
    });

  test("links and folders that change places while they are copied lead nowhere else", async () => {
    const secret = temporaryRoot();
    writeFileSync(join(secret, "x"), "secret");
    fill(source, { "d/x": "open" });
    for (let at = 0; at < 300; at++) fill(source, { [`d/n${at}/x`]: "open" });
    // Through the host's path: the worker's own view of it can't be written.
    const swapper = Bun.spawn([
      "sh",
      "-c",
      `cd "$1/d" && while :; do for n in n1 n100 n200 n299; do mv $n $n.away; ln -s "$2" $n; rm $n; mv $n.away $n; done; done`,
      "sh",
      source,
      secret,
    ]);
    try {
      for (let round = 0; round < 5; round++)
        await copy("/d", `/o${round}`).catch((thrown) =>
          expect(String(thrown)).toMatch(/no such file|not a directory|symbolic links/),
        );
    } finally {
      swapper.kill("SIGKILL");
      await swapper.exited;
    }
    const read = Bun.spawnSync(["grep", "-rl", "secret", target]);
    expect(read.stdout.toString()).toBe("");
  }, 30_000);
});

test("100,000 files in bounded memory", async () => {
  for (let at = 0; at < 100; at++) {
    fill(source, { [`d/${at}/0`]: "x" });
    for (let name = 1; name < 1000; name++)
      linkSync(join(source, "d", `${at}/0`), join(source, "d", `${at}/${name}`));
  }
  const children = () => readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  let peak = 0;
  const watch = setInterval(() => {
    for (const child of children())
      try {
        const status = readFileSync(`/proc/${child}/status`, "utf8");
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
      } catch {} // ended
  }, 5);
  await copy("/d", "/o");
  clearInterval(watch);
  expect(statSync(join(target, "o/99/999")).nlink).toBe(1000);
  expect(peak).toBeGreaterThan(10_000); // in kB; it was seen
  expect(peak).toBeLessThan(200_000);
}, 60_000);
