// A container's files over the API: what a path is, archives in and out, export; through volumes and binds, and in
// each state of its life.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync, zstdCompressSync } from "node:zlib";
import { fromText, type TarEntry } from "../../src/archive/index.ts";
import { type Client, connect as connectClient, isFolder, isLink, SdkError } from "../../src/sdk/index.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, makeFolder, startDaemon } from "../fixtures/daemon.ts";
import { archiveOf } from "../store/archives.ts";
import { entriesOf } from "./archives.ts";

let daemon: Daemon;
let client: Client;
let host: string;

beforeAll(async () => {
  daemon = await startDaemon({ bridge: "none" });
  await importBusybox(daemon);
  client = connectClient({ host: daemon.host });
  host = makeFolder();
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  rmSync(host, { recursive: true, force: true });
});

interface Wishes {
  command?: string;
  hostConfig?: Record<string, unknown>;
  user?: string;
  volumes?: string[];
}

/** Created; `command` is a script. */
async function create({ command = "sleep 1000", hostConfig = {}, user, volumes = [] }: Wishes = {}) {
  const { Id } = await client.containers.create({
    Image: BUSYBOX,
    Cmd: ["sh", "-c", command],
    ...(user && { User: user }),
    Volumes: Object.fromEntries(volumes.map((path) => [path, {}])),
    HostConfig: { NetworkMode: "none", ...hostConfig },
  });
  return Id as string;
}

/** Running, after its script said "ready". */
async function run(wishes: Wishes & { command: string }): Promise<string> {
  const id = await create({ ...wishes, command: `${wishes.command}; echo ready; sleep 1000` });
  await client.containers.start(id);
  for await (const chunk of await client.containers.logs(id, { follow: true }))
    if (Buffer.from(chunk).includes("ready")) break;
  return id;
}

const textOf = async (id: string, path: string): Promise<string | undefined> => {
  const { archive } = await client.containers.files.read(id, path);
  return [...(await entriesOf(archive)).values()][0]?.content.toString();
};

const problem = async (work: Promise<unknown>): Promise<{ status: number; message: string }> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SdkError)) throw new Error(`not refused: ${error}`);
  return { status: error.status, message: error.message };
};

describe("what a path is", () => {
  let id: string;
  beforeAll(async () => {
    id = await run({
      command:
        "ln -s /etc/passwd /link; ln -s nowhere /broken; ln -s /tmp /folder; mkfifo /fifo; chmod 1777 /tmp; chmod 4755 /etc/group",
    });
  });

  test.each([
    // path, name, Go's mode, target
    ["/etc/passwd", "passwd", 0o644, ""],
    ["etc/passwd", "passwd", 0o644, ""],
    ["../../etc/./passwd", "passwd", 0o644, ""],
    ["/etc/group", "group", 2 ** 23 + 0o755, ""],
    ["/link", "link", 2 ** 27 + 0o777, "/etc/passwd"],
    ["/broken", "broken", 2 ** 27 + 0o777, "/nowhere"],
    ["/folder", "folder", 2 ** 27 + 0o777, "/tmp"],
    ["/folder/", "folder", 2 ** 31 + 2 ** 20 + 0o777, ""],
    ["/folder/.", ".", 2 ** 31 + 2 ** 20 + 0o777, ""],
    ["/fifo", "fifo", 2 ** 25 + 0o644, ""],
    ["/", "/", 2 ** 31 + 0o755, ""],
    [".", ".", 2 ** 31 + 0o755, ""],
  ])("%s", async (path, name, mode, linkTarget) => {
    const stat = await client.containers.files.stat(id, path);
    expect(stat).toMatchObject({ name, mode, linkTarget });
    expect(isFolder(stat)).toBe(mode >= 2 ** 31);
    expect(isLink(stat)).toBe(linkTarget !== "");
    expect(stat.mtime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/);
  });

  test.each([
    ["/etc/nothing", 404, "Could not find the file /etc/nothing in container ID"],
    ["/etc/passwd/", 500, "lstat /etc/passwd/: not a directory"],
    ["/etc/passwd/x", 500, "lstat /etc/passwd/x: not a directory"],
    ["", 400, "bad parameter: pathcannot be empty"],
  ])("refused: %s", async (path, status, message) => {
    const text = message.replace("ID", id);
    expect(await problem(client.containers.files.read(id, path))).toEqual({ status, message: text });
    expect((await problem(client.containers.files.stat(id, path))).status).toBe(status);
  });

  test("no such container", async () => {
    const expected = { status: 404, message: "No such container: nosuch" };
    expect(await problem(client.containers.files.read("nosuch", "/"))).toEqual(expected);
    expect(await problem(client.containers.files.export("nosuch"))).toEqual(expected);
    expect(await problem(client.containers.files.write("nosuch", "/", archiveOf()))).toEqual(expected);
  });

  test("the kernel's own files of a running container are not reached", async () => {
    expect((await problem(client.containers.files.read(id, "/proc/self/environ"))).status).toBe(404);
    expect((await problem(client.containers.files.read(id, "/dev/zero"))).status).toBe(404);
  });
});

describe("in and out", () => {
  const modified = { seconds: 1_234_567_890, nanoseconds: 0 };
  /** security.capability of cap_net_raw+ep (linux/capability.h, vfs_cap_data of revision 2). */
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");

  test("all that an archive says of a file is kept", async () => {
    const id = await create();
    const sent = archiveOf(
      { name: "t/", mode: 0o1751, uid: 1, gid: 2, modified },
      { name: "t/file", mode: 0o4755, uid: 12345, gid: 3_000_000_000, content: "text", modified },
      {
        name: "t/capable",
        mode: 0o700,
        uid: 5,
        modified,
        content: "c",
        xattrs: new Map([
          ["security.capability", capability],
          ["user.note", Buffer.from("n")],
        ]),
      },
      { name: "t/hard", type: "link", linkName: "t/file" },
      { name: "t/soft", type: "symlink", linkName: "../../out/of/here", mode: 0o777, uid: 7, modified },
      { name: "t/pipe", type: "fifo", mode: 0o620, gid: 9, modified },
      { name: "t/device", type: "character", major: 1, minor: 3, mode: 0o666, modified },
      { name: "t/implied/folder/x", content: "" },
      {
        name: "t/holes",
        content: Buffer.concat([Buffer.alloc(300_000), Buffer.from("x"), Buffer.alloc(70_000)]),
      },
    );
    await client.containers.files.write(id, "/tmp", sent);
    const found = await entriesOf((await client.containers.files.read(id, "/tmp/t")).archive);
    expect([...found.keys()]).toEqual([
      "t/",
      "t/capable",
      "t/device",
      "t/file",
      "t/hard",
      "t/holes",
      "t/implied/",
      "t/implied/folder/",
      "t/implied/folder/x",
      "t/pipe",
      "t/soft",
    ]);
    const facts = (name: string) => {
      const { type, mode, uid, gid, size, linkName, major, minor, modified } = found.get(name) as TarEntry;
      return { type, mode, uid, gid, size, linkName, major, minor, seconds: modified.seconds };
    };
    const common = { size: 0, linkName: "", major: 0, minor: 0, uid: 0, gid: 0, seconds: modified.seconds };
    expect(facts("t/")).toEqual({ ...common, type: "directory", mode: 0o1751, uid: 1, gid: 2 });
    const big = { uid: 12345, gid: 3_000_000_000 };
    expect(facts("t/file")).toEqual({ ...common, ...big, type: "file", mode: 0o4755, size: 4 });
    expect(facts("t/hard")).toEqual({ ...common, ...big, type: "link", mode: 0o4755, linkName: "t/file" });
    expect(facts("t/soft")).toEqual({
      ...common,
      type: "symlink",
      mode: 0o777,
      uid: 7,
      linkName: "../../out/of/here",
    });
    expect(facts("t/pipe")).toEqual({ ...common, type: "fifo", mode: 0o620, gid: 9 });
    expect(facts("t/device")).toEqual({ ...common, type: "character", mode: 0o666, major: 1, minor: 3 });
    expect(facts("t/implied/")).toMatchObject({ mode: 0o755, uid: 0, gid: 0 });
    expect(found.get("t/capable")?.xattrs?.get("security.capability")).toEqual(new Uint8Array(capability));
    expect(found.get("t/capable")?.xattrs?.get("user.note")).toEqual(new Uint8Array(Buffer.from("n")));
    const holes = found.get("t/holes")?.content;
    expect([holes?.length, holes?.[300_000], holes?.filter((byte) => byte !== 0).length]).toEqual([
      370_001, 120, 1,
    ]);
  });

  test("names that are no UTF-8 stay as they are", async () => {
    const id = await create();
    const name = `${fromText("ü")}\xff\xfe`;
    const archive = archiveOf({ name: "plain", content: "x" });
    archive.write(name, 0, "latin1");
    archive[name.length] = 0;
    archive.fill(0x20, 148, 156);
    const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    await client.containers.files.write(id, "/tmp", archive);
    const chunks = [];
    for await (const chunk of (await client.containers.files.read(id, "/tmp")).archive) chunks.push(chunk);
    expect(Buffer.concat(chunks).includes(Buffer.from(`tmp/${name}`, "latin1"))).toBe(true);
  });

  test.each([
    ["/tmp", ["tmp/", "tmp/a"]],
    ["/tmp/", ["tmp/", "tmp/a"]],
    ["/tmp/.", ["./", "./a"]],
    ["/to-tmp", ["to-tmp"]],
    ["/to-tmp/", ["to-tmp/", "to-tmp/a"]],
    ["/tmp/a", ["a"]],
  ])("names in the archive of %s", async (path, names) => {
    const id = await create();
    await client.containers.files.write(
      id,
      "/",
      archiveOf({ name: "to-tmp", type: "symlink", linkName: "/tmp" }),
    );
    await client.containers.files.write(id, "/tmp", archiveOf({ name: "a" }));
    expect([...(await entriesOf((await client.containers.files.read(id, path)).archive)).keys()]).toEqual(
      names,
    );
  });

  test("of the root folder", async () => {
    const names = [
      ...(await entriesOf((await client.containers.files.read(await create(), "/")).archive)).keys(),
    ];
    expect(names).toContain("/");
    expect(names).toContain("/etc/passwd");
  });

  const program = (name: string) => (tar: Buffer) => Bun.spawnSync([name], { stdin: tar }).stdout;
  // As with Docker's xz: the programs are the host's.
  for (const [name, compress] of [
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
    ["bzip2", program("bzip2")],
    ["xz", program("xz")],
  ] as const)
    test.skipIf(/bzip2|xz/.test(name) && !Bun.which(name))(
      `takes archives compressed with ${name}`,
      async () => {
        const id = await create();
        await client.containers.files.write(id, "/tmp", compress(archiveOf({ name: "a", content: name })));
        expect(await textOf(id, "/tmp/a")).toBe(name);
      },
    );

  test.each([
    ["gzip", "gzip", (body: Buffer) => gunzipSync(body)],
    ["br, deflate;q=0.5", "deflate", (body: Buffer) => inflateRawSync(body)],
    ["gzip;q=0", null, (body: Buffer) => body],
  ])("answers compressed for Accept-Encoding: %s", async (asked, encoding, plain) => {
    const id = await create();
    const answer = await fetch(`http://localhost/containers/${id}/archive?path=/etc`, {
      unix: daemon.socket,
      decompress: false,
      headers: { "Accept-Encoding": asked },
    } as BunFetchRequestInit);
    expect(answer.headers.get("content-encoding")).toBe(encoding);
    const body = plain(Buffer.from(await answer.arrayBuffer()));
    const names = [...(await entriesOf(new Blob([new Uint8Array(body)]).stream())).keys()];
    expect(names).toContain("etc/passwd");
    expect(deflateRawSync(body).length).toBeLessThan(body.length);
  });

  test("files become the container's user's where that is asked for", async () => {
    const id = await create({ user: "nobody:0" });
    const archive = archiveOf({ name: "d/", uid: 3 }, { name: "d/a", uid: 4, gid: 4 });
    await client.containers.files.write(id, "/tmp", archive, { copyUIDGID: true });
    const found = await entriesOf((await client.containers.files.read(id, "/tmp/d")).archive);
    for (const { uid, gid } of found.values()) expect([uid, gid]).toEqual([65534, 0]);
  });
});

describe("an archive that goes wrong", () => {
  let id: string;
  beforeAll(async () => {
    id = await create();
    await client.containers.files.write(
      id,
      "/tmp",
      archiveOf(
        { name: "folder/" },
        { name: "folder/x" },
        { name: "file", content: "old" },
        { name: "away", type: "symlink", linkName: "/etc" },
        { name: "up", type: "symlink", linkName: "../etc" },
        { name: "dangling", type: "symlink", linkName: "made" },
      ),
    );
  });
  const write = (archive: Uint8Array, path = "/tmp", noOverwriteDirNonDir = true) =>
    client.containers.files.write(id, path, archive, { noOverwriteDirNonDir });

  test.each([
    ["a name above", { name: "../../x" }, 500, 'invalid entry name "../../x"'],
    ["a name above by a detour", { name: "a/../../x" }, 500, 'invalid entry name "a/../../x"'],
    [
      "a hard link above",
      { name: "h", type: "link", linkName: "../etc/passwd" },
      500,
      'invalid hardlink target "../etc/passwd"',
    ],
    [
      "a hard link to nothing",
      { name: "h", type: "link", linkName: "/etc/passwd" },
      404,
      "Could not find the file /tmp in container ID",
    ],
    ["through a link above", { name: "up/x" }, 500, "statat up: path escapes from parent"],
    [
      "a file over a folder",
      { name: "folder", content: "x" },
      500,
      'cannot overwrite directory "folder" with non-directory "/tmp"',
    ],
    [
      "a folder over a file",
      { name: "file/" },
      500,
      'cannot overwrite non-directory "file" with directory "/tmp"',
    ],
    [
      "a folder over a link",
      { name: "away/" },
      500,
      'cannot overwrite non-directory "away" with directory "/tmp"',
    ],
    ["below a file", { name: "file/x" }, 500, "openat file: not a directory"],
  ] as const)("%s", async (_, entry, status, message) => {
    const archive = archiveOf({ name: "before" }, { ...entry });
    expect(await problem(write(archive))).toEqual({ status, message: message.replace("ID", id) });
    expect(await textOf(id, "/tmp/file")).toBe("old");
  });

  test("a link of the folder leads to a place in the folder", async () => {
    await write(archiveOf({ name: "away/x", content: "in" }, { name: "dangling/y", content: "made" }));
    expect(await textOf(id, "/tmp/etc/x")).toBe("in");
    expect(await textOf(id, "/tmp/made/y")).toBe("made");
    expect((await problem(client.containers.files.read(id, "/etc/x"))).status).toBe(404);
  });

  test("without the option a file takes a folder's place, and the other way round", async () => {
    await write(
      archiveOf({ name: "folder", content: "file" }, { name: "file/" }, { name: "file/x" }),
      "/tmp",
      false,
    );
    expect(await textOf(id, "/tmp/folder")).toBe("file");
    expect(isFolder(await client.containers.files.stat(id, "/tmp/file"))).toBe(true);
  });

  test("cut off, what came before is there", async () => {
    const archive = archiveOf({ name: "whole", content: "w" }, { name: "half", content: "h".repeat(5000) });
    expect(await problem(write(archive.subarray(0, 3000)))).toEqual({
      status: 500,
      message: "unexpected EOF",
    });
    expect(await textOf(id, "/tmp/whole")).toBe("w");
  });

  test("no archive", async () => {
    const noise = Buffer.alloc(1024, "noise");
    expect(await problem(write(noise))).toEqual({ status: 500, message: "archive/tar: invalid tar header" });
    await write(Buffer.alloc(0)); // As Docker: nothing to do
  });

  test.each([
    ["/nothing", 404, "Could not find the file /nothing in container ID"],
    ["/etc/passwd", 400, "extraction point is not a directory"],
    ["", 400, "bad parameter: pathcannot be empty"],
  ])("into %s", async (path, status, message) => {
    expect(await problem(write(archiveOf({ name: "a" }), path))).toEqual({
      status,
      message: message.replace("ID", id),
    });
  });
});

describe("volumes, binds and tmpfs", () => {
  test("are reached in a container that was created, runs, is paused, has ended", async () => {
    mkdirSync(join(host, "bind"), { recursive: true });
    writeFileSync(join(host, "bind/of-host"), "from the host");
    const volume = `v${crypto.randomUUID().slice(0, 8)}`;
    const id = await create({
      hostConfig: {
        Binds: [`${volume}:/new/volume`, `${host}/bind:/bind`, `${host}/made:/made`],
        Tmpfs: { "/memory": "" },
      },
      command: "echo hidden > /memory/x; echo ready; sleep 1000",
    });
    const put = (path: string, name: string) =>
      client.containers.files.write(id, path, archiveOf({ name, content: name }));
    await put("/new/volume", "created");
    await put("/made", "made");
    expect(readFileSync(join(host, "made/made"), "utf8")).toBe("made");
    expect(await textOf(id, "/bind/of-host")).toBe("from the host");

    await client.containers.start(id);
    for await (const chunk of await client.containers.logs(id, { follow: true }))
      if (Buffer.from(chunk).includes("ready")) break;
    await put("/new/volume", "running");
    await put("/bind", "to-host");
    expect(statSync(join(host, "bind/to-host")).size).toBe(7);
    // As Docker: a tmpfs is the container's own.
    expect((await problem(client.containers.files.read(id, "/memory/x"))).status).toBe(404);
    await put("/memory", "below");

    await client.containers.pause(id);
    await put("/new/volume", "paused");
    await client.containers.unpause(id);
    await client.containers.kill(id);
    await client.containers.wait(id).result;
    await put("/new/volume", "ended");
    for (const name of ["created", "running", "paused", "ended"])
      expect(await textOf(id, `/new/volume/${name}`)).toBe(name);

    // All of it is the volume's: another container has it.
    const other = await create({ hostConfig: { Binds: [`${volume}:/v:ro`] } });
    expect(await textOf(other, "/v/created")).toBe("created");
    expect(await problem(client.containers.files.write(other, "/v", archiveOf({ name: "a" })))).toEqual({
      status: 400,
      message: "mounted volume is marked read-only",
    });
    await client.containers.remove(id);
    await client.containers.remove(other);
    await client.volumes.remove(volume);
  });

  test("a read-only root refuses, its volumes don't", async () => {
    const id = await create({ hostConfig: { ReadonlyRootfs: true }, volumes: ["/data"] });
    const archive = archiveOf({ name: "a", content: "a" });
    expect(await problem(client.containers.files.write(id, "/tmp", archive))).toEqual({
      status: 400,
      message: "container rootfs is marked read-only",
    });
    await client.containers.files.write(id, "/data", archive);
    expect(await textOf(id, "/data/a")).toBe("a");
    expect(await problem(client.containers.files.write(id, "/data/../etc", archive))).toMatchObject({
      status: 400,
    });
  });

  test("an image's content is in its volume before the first start", async () => {
    const id = await create({ volumes: ["/etc"] });
    expect(await textOf(id, "/etc/passwd")).toContain("nobody");
  });

  test("what the network room wrote is seen, and can't be replaced", async () => {
    const id = await run({ command: "true" });
    expect(await textOf(id, "/etc/hosts")).toContain("localhost");
    expect(await problem(client.containers.files.write(id, "/etc", archiveOf({ name: "hosts" })))).toEqual({
      status: 500,
      message: "RemoveAll hosts: device or resource busy",
    });
  });
});

describe("export", () => {
  test("comes back by import, file by file", async () => {
    const id = await create({ volumes: ["/volume"] });
    await client.containers.files.write(
      id,
      "/tmp",
      archiveOf(
        { name: "a", mode: 0o4711, uid: 7, gid: 8, content: "a" },
        { name: "b", type: "link", linkName: "a" },
        { name: "l", type: "symlink", linkName: "a" },
      ),
    );
    await client.containers.files.write(id, "/volume", archiveOf({ name: "of the volume" }));
    const first = await entriesOf(await client.containers.files.export(id));
    expect([...first.keys()].filter((name) => name.startsWith("tmp") || name.startsWith("volume"))).toEqual([
      "tmp/",
      "tmp/a",
      "tmp/b",
      "tmp/l",
      "volume/",
    ]);
    const tag = `exported-${crypto.randomUUID().slice(0, 8)}`;
    const chunks: Uint8Array[] = [];
    for await (const chunk of await client.containers.files.export(id)) chunks.push(chunk);
    for await (const message of await client.images.import({
      source: "-",
      body: new Blob(chunks as Uint8Array<ArrayBuffer>[]).stream(),
      repo: tag,
    }))
      expect(message.error).toBeUndefined();
    const { Id } = await client.containers.create({
      Image: tag,
      Cmd: ["true"],
      HostConfig: { NetworkMode: "none" },
    });
    expect(await entriesOf(await client.containers.files.export(Id as string))).toEqual(first);
  });
});

test("events", async () => {
  const since = String(Date.now() / 1000 - 1);
  const id = await create();
  await client.containers.files.stat(id, "/etc");
  await entriesOf((await client.containers.files.read(id, "/etc/passwd")).archive);
  await client.containers.files.write(id, "/tmp", archiveOf({ name: "a" }));
  await problem(client.containers.files.write(id, "/tmp", archiveOf({ name: "../a" })));
  await entriesOf(await client.containers.files.export(id));
  const filters = JSON.stringify({ container: [id], type: ["container"] });
  const until = String(Date.now() / 1000 + 0.01);
  const answer = await daemon.request(
    "GET",
    `/events?since=${since}&until=${until}&filters=${encodeURIComponent(filters)}`,
  );
  const actions = answer.text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { Action: string }).Action);
  expect(actions).toEqual(["create", "archive-path", "extract-to-dir", "export"]);
});
