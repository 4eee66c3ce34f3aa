// What a person gets wrong, beyond what cases/ has: files that can't be read or sent as they are, Dockerfiles out of all
// proportion, archives that lie. A clear word or the right image, and nothing left behind.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toText } from "../../src/archive/index.ts";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf, type Result } from "../clients/client.ts";
import {
  expectSame,
  type Inventory,
  settled,
  startWatchedDaemon,
  type WatchedDaemon,
} from "../faults/inventory.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { archiveOf, packedArchive } from "./archive.ts";
import { archiveTree, listOf } from "./tree.ts";

let daemon: WatchedDaemon;
let client: Client;
let before: Inventory;
beforeAll(async () => {
  daemon = await startWatchedDaemon();
  await importBusybox(daemon);
  const config = join(daemon.folder, "client");
  client = clientOf("berth", berthBinary(daemon.folder), daemon.host, config, { patience: 120_000 });
  before = await settled(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

/** A context of these files; without a FROM of its own the Dockerfile begins on busybox. */
function context(dockerfile: string, files: Record<string, string | Uint8Array> = {}): string {
  const path = mkdtempSync(join(daemon.folder, "context-"));
  const whole = /^FROM/m.test(dockerfile) ? dockerfile : `FROM ${BUSYBOX}\n${dockerfile}`;
  for (const [name, content] of Object.entries({ Dockerfile: whole, ...files })) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

const build = (path: string, ...options: string[]) =>
  client.run("build", "--progress=plain", ...options, path);

/** A build that has to succeed; answers the image's files, one line each. */
async function filesOf(path: string, ...options: string[]): Promise<string[]> {
  const out = join(daemon.folder, `${crypto.randomUUID()}.tar`);
  const { code, stderr } = await build(path, "-o", `type=tar,dest=${out}`, ...options);
  expect(code === 0 ? "" : stderr).toBe("");
  const files = listOf(archiveTree(readFileSync(out)));
  rmSync(out);
  return files;
}

const lastLine = ({ stderr }: Result) => stderr.trimEnd().split("\n").at(-1);
const failure = (text: string) => `ERROR: failed to build: failed to solve: ${text}`;

describe("files", () => {
  test("of every kind, with odd names, come as they are", async () => {
    const path = context("FROM scratch\nCOPY odd /odd\n", { "odd/plain": "x" });
    const script = `
      printf latin > "$(printf 'caf\\351')"; printf line > "$(printf 'new\\nline')"; printf b > 'back\\slash'
      mkfifo fifo; mknod device c 1 3; ln -s loop-b loop-a; ln -s loop-a loop-b; ln -s . self
      printf s > setuid; chmod 6755 setuid; ln plain twin; truncate -s 5M sparse`;
    await Bun.$`cd ${join(path, "odd")} && sh -c ${script}`.quiet();
    const files = await filesOf(path);
    const latin = toText("caf\xe9");
    expect(files.map((line) => line.replace(/ 5242880 bytes.*/, " 5 MiB"))).toEqual(
      [
        "/odd folder 0755 0:0",
        "/odd/back\\slash file 0644 0:0 'b'",
        `/odd/${latin} file 0644 0:0 'latin'`,
        "/odd/device character 0644 0:0 1:3",
        "/odd/fifo fifo 0644 0:0",
        "/odd/loop-a symlink 0:0 -> loop-b",
        "/odd/loop-b symlink 0:0 -> loop-a",
        "/odd/new\nline file 0644 0:0 'line'",
        "/odd/plain file 0644 0:0 'x'",
        "/odd/self symlink 0:0 -> .",
        "/odd/setuid file 6755 0:0 's'",
        "/odd/sparse file 0644 0:0 5 MiB",
        "/odd/twin same as /odd/plain",
      ].sort((a, b) => (a.split(" ")[0]! < b.split(" ")[0]! ? -1 : 1)),
    );
  });

  test("that the client may not read are named; what no step asks for doesn't matter", async () => {
    const path = context("COPY . /all\n", { closed: "secret", open: "open" });
    chmodSync(join(path, "closed"), 0);
    expect(await withoutRights(path)).toBe(failure(`open ${path}/closed: permission denied`));
    writeFileSync(join(path, "Dockerfile"), `FROM ${BUSYBOX}\nCOPY open /\n`);
    expect(await withoutRights(path)).not.toContain("ERROR");
    writeFileSync(join(path, "Dockerfile"), `FROM ${BUSYBOX}\nCOPY . /all\n`);
    writeFileSync(join(path, ".dockerignore"), "closed\n");
    expect(await withoutRights(path)).not.toContain("ERROR");
  });

  test("in a folder that the client may not read are named by it", async () => {
    const path = context("COPY . /all\n", { "closed/file": "x" });
    chmodSync(join(path, "closed"), 0);
    expect(await withoutRights(path)).toBe(failure(`open ${path}/closed: permission denied`));
    chmodSync(path, 0);
    expect(await withoutRights(path)).toMatch(/permission denied$/);
    chmodSync(path, 0o700);
  });

  test("that change while they are sent are sent, or missed with a word", async () => {
    const path = context("FROM scratch\nCOPY big /\n", { big: Buffer.alloc(64 << 20, 1) });
    const over = new AbortController();
    const writer = (async () => {
      for (let at = 0; !over.signal.aborted; at++) {
        writeFileSync(join(path, "big"), Buffer.alloc(at % 3 === 0 ? 1 << 20 : 64 << 20, at));
        await Bun.sleep(15);
      }
    })();
    for (let round = 0; round < 3; round++) {
      const { code, stderr } = await build(path, "--no-cache", "-o", `type=local,dest=${path}-out`);
      if (code !== 0) expect(stderr).toContain("ERROR: failed to build");
    }
    over.abort();
    await writer;
    rmSync(`${path}-out`, { recursive: true, force: true });
    writeFileSync(join(path, "big"), "at rest\n");
    expect(await filesOf(path)).toEqual(["/big file 0644 0:0 'at rest↵'"]);
  });
});

/** Root without the right to pass over permissions; answers the last line. */
async function withoutRights(path: string): Promise<string> {
  const words = ["--bounding-set=-dac_override,-dac_read_search", berthBinary(daemon.folder), "build"];
  const child = Bun.spawn(["setpriv", ...words, "--no-cache", "--progress=plain", path], {
    env: { ...process.env, DOCKER_HOST: daemon.host, DOCKER_CONFIG: join(daemon.folder, "client") },
    stderr: "pipe",
    stdout: "ignore",
  });
  return (await child.stderr.text()).trimEnd().split("\n").at(-1) ?? "";
}

describe("a Dockerfile", () => {
  test("of ten megabytes builds", async () => {
    const remark = `# ${"of no use to anybody ".repeat(4)}\n`;
    const text = `FROM scratch\n${remark.repeat((10 << 20) / remark.length)}COPY Dockerfile /\nCMD ["end"]\n`;
    const [line] = await filesOf(context(text));
    expect(line).toContain(`${text.length} bytes`);
  });

  test("of 5,000 instructions builds, and the last one counts", async () => {
    const lines = Array.from({ length: 5000 }, (_, at) => `ENV V${at % 50}=${at}`);
    const path = context(`${lines.join("\n")}\nRUN echo "$V0 $V49"\n`);
    const { code, stderr } = await build(path);
    expect(stderr).toMatch(/^#\d+ [\d.]+ 4950 4999$/m);
    expect(code).toBe(0);
  });

  test("of 1,000 stages builds the target alone", async () => {
    const stages = Array.from({ length: 1000 }, (_, at) => `FROM ${at ? `s${at - 1}` : "scratch"} AS s${at}`);
    const text = stages.map((line, at) => `${line}\nLABEL l${at % 40}=${at}\n`).join("");
    const path = context(`${text}COPY Dockerfile /d\nFROM scratch\nCOPY --from=s999 /d /e\n`);
    expect(await filesOf(path)).toHaveLength(1);
    const target = await build(path, "--target=s1000");
    expect(lastLine(target)).toContain('target stage "s1000" could not be found');
  });

  test("whose stages copy from each other a forty deep builds", async () => {
    const stages = Array.from(
      { length: 40 },
      (_, at) => `FROM scratch AS s${at}\nCOPY ${at ? `--from=s${at - 1} /f${at - 1}` : "first"} /f${at}\n`,
    );
    expect(await filesOf(context(stages.join(""), { first: "passed on" }))).toEqual([
      "/f39 file 0644 0:0 'passed on'",
    ]);
  });

  test("with a NUL in it is refused where that is", async () => {
    const { code, stderr } = await build(context("FROM scratch\nLABEL a=\0b\nFRMO\n"));
    expect(code).toBe(1);
    expect(stderr).toContain("dockerfile parse error on line 3: unknown instruction: FRMO");
  });
});

describe("an archive to unpack", () => {
  const T = { text: "x" };
  test.each([
    ["leads out by its name", [{ path: "../../evil", ...T }], 'invalid entry name "../../evil"'],
    [
      "links to a file outside",
      [{ path: "h", type: "hard-link", target: "../../../etc/passwd" }],
      'invalid hardlink target "../../../etc/passwd"',
    ],
    [
      "links to a file that isn't in it",
      [{ path: "h", type: "hard-link", target: "/etc/passwd" }],
      "no such file",
    ],
    [
      "has a file as a folder",
      [
        { path: "a", ...T },
        { path: "a/b", ...T },
      ],
      "not a directory",
    ],
  ] as const)("that %s is refused", async (_name, entries, words) => {
    const path = context("ADD a.tar /x/\n", { "a.tar": archiveOf([...entries]) });
    const result = await build(path);
    expect(result.code).toBe(1);
    expect(lastLine(result)).toContain(words);
  });

  test("that writes through its own link stays below the image's root", async () => {
    const entries = [
      { path: "l", type: "symlink", target: "/etc" } as const,
      { path: "l/passwd", text: "below" },
      { path: "/absolute", text: "a" },
    ];
    const path = context("FROM scratch\nADD a.tar.gz /x/\n", { "a.tar.gz": packedArchive(entries, "gzip") });
    const files = await filesOf(path);
    expect(files.filter((line) => line.includes("file"))).toEqual([
      "/x/absolute file 0644 0:0 'a'",
      "/x/etc/passwd file 0644 0:0 'below'",
    ]);
    expect(readFileSync("/etc/passwd", "utf8")).not.toBe("below");
  });
});

test("a step ends with its main process, and what it left in the background is killed", async () => {
  const began = performance.now();
  const { code, stderr } = await build(context("RUN (sleep 6543 &); setsid sleep 6544 & echo main ends\n"));
  expect(code).toBe(0);
  expect(stderr).toContain(" main ends\n");
  expect(performance.now() - began).toBeLessThan(60_000);
  const running = await Bun.$`ps -eo args`.text();
  expect(running).not.toMatch(/sleep 654[34]/);
});

test("nothing of all that is left", async () => {
  await client.ok("builder", "prune", "-af");
  for (const name of (await client.ok("image", "ls", "-q")).split("\n")) await client.run("rmi", "-f", name);
  await importBusybox(daemon);
  await expectSame(daemon, before, { parts: ["mounts", "devices", "rules", "processes", "cgroups"] });
  expect(readdirSync(join(daemon.dataRoot, "scratch"))).toEqual([]);
});
