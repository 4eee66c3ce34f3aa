// A client's folder comes to a folder of the daemon's, over a real connection and by the confined worker.
import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  encodeSyncRequest,
  FILE_SYNC_PATH,
  type FileStat,
  fileSyncHandler,
  MODE,
  openTree,
  PacketDecoder,
  PacketEncoder,
  walkTree,
} from "../../src/buildkit/file-sync/index.ts";
import { callFramed, openGrpc, serveGrpc } from "../../src/buildkit/grpc/index.ts";
import { getXattr, listXattrs, removeXattr, setXattr } from "../../src/linux/xattr.ts";
import { readContextIndex, receiveContext } from "../../src/store/context-sync.ts";

interface Places extends Disposable {
  source: string;
  folder: string;
  state: string;
}

function places(): Places {
  const root = mkdtempSync(join(tmpdir(), "berth-context-"));
  const [source, folder, state] = ["source", "folder", "state"].map((name) => {
    mkdirSync(join(root, name));
    return join(root, name);
  }) as [string, string, string];
  return { source, folder, state, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

const readXattrs = (path: string | Buffer) => {
  const bytes = Buffer.concat([Buffer.from(path as string), Buffer.alloc(1)]);
  const names = listXattrs(bytes);
  return names.length > 0 ? new Map(names.map((name) => [name, getXattr(bytes, name)!])) : undefined;
};

async function socketPair(at: string): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer();
  const path = join(at, "..", `${crypto.randomUUID()}.sock`);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.once("connection", resolve));
  const one = net.connect(path);
  const other = await accepted;
  server.close();
  return [one, other];
}

interface Meter {
  /** Told of each piece that came from the client so far. */
  onInput?: (bytes: number) => void;
  signal?: AbortSignal;
}

async function sync({ source, folder, state }: Places, meter: Meter = {}) {
  const [client, daemon] = await socketPair(source);
  const tree = openTree(source, { readXattrs });
  void serveGrpc(client, () => {}, { [FILE_SYNC_PATH]: fileSyncHandler(() => ({ tree })) });
  const connection = openGrpc(daemon);
  try {
    const call = callFramed(connection, FILE_SYNC_PATH, encodeSyncRequest({ name: "context" }));
    let bytes = 0;
    async function* input() {
      for await (const chunk of call.chunks) {
        bytes += chunk.length;
        meter.onInput?.(bytes);
        yield chunk;
      }
    }
    const output = (chunk: Uint8Array) => call.write(chunk);
    const received = await receiveContext({ folder, state, input: input(), output, signal: meter.signal });
    call.end();
    await call.status;
    return received;
  } finally {
    connection.close();
  }
}

/** All that is in a folder, as the sender sees it: times of folders are in it too. */
function treeOf(path: string): FileStat[] {
  return [...walkTree(openTree(path, { readXattrs }), {})].filter((stat) => stat !== undefined);
}

function expectSame({ source, folder, state }: Places): void {
  const tree = treeOf(source);
  expect(treeOf(folder)).toEqual(tree);
  const known = readContextIndex(state).entries.map(({ digest: _, ...stat }) => stat);
  expect(known).toEqual(tree as typeof known);
  const special = ["--exclude=fifo", "--exclude=null"];
  execFileSync("diff", ["--recursive", "--no-dereference", "--brief", ...special, source, folder]);
}

function makeTree(root: string): void {
  mkdirSync(join(root, "a/b/c"), { recursive: true });
  writeFileSync(join(root, "a/b/c/deep"), "deep");
  writeFileSync(join(root, "a-b"), "after a");
  writeFileSync(join(root, "a/empty"), "");
  writeFileSync(join(root, "big"), Buffer.alloc(5_000_000, "0123456789abcdef"));
  writeFileSync(join(root, "first"), "linked");
  linkSync(join(root, "first"), join(root, "z"));
  linkSync(join(root, "first"), join(root, "a/z"));
  symlinkSync("/etc/passwd", join(root, "absolute"));
  symlinkSync("../..", join(root, "a/up"));
  writeFileSync(Buffer.from(`${root}/odd \xff\xfe\n`, "latin1"), "odd");
  for (let i = 0; i < 300; i++) writeFileSync(join(root, `a/b/${i}`), `file ${i}`);
  setXattr(Buffer.from(`${root}/a-b\0`), "user.note", Buffer.from("seen\0\xff", "latin1"));
  execFileSync("chown", ["12:34", join(root, "a-b")]);
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  setXattr(Buffer.from(`${root}/big\0`), "security.capability", capability);
  setXattr(Buffer.from(`${root}/a/b\0`), "user.folder", Buffer.from("x"));
  chmodSync(join(root, "a/empty"), 0o6711);
  execFileSync("chown", ["5:6", join(root, "a")]);
  chmodSync(join(root, "a"), 0o2555);
  execFileSync("mknod", ["-m", "640", join(root, "null"), "c", "1", "3"]);
  execFileSync("mkfifo", ["-m", "602", join(root, "a/fifo")]);
  execFileSync("touch", ["-h", "-d", "@-1.5", join(root, "absolute")]);
  utimesSync(join(root, "a"), 1000, 1000.5);
}

test("a tree comes whole, and again only what has changed", async () => {
  using here = places();
  makeTree(here.source);
  const first = await sync(here);
  expectSame(here);
  expect(first).toMatchObject({ files: 315, changed: 315, removed: 0 });
  const index = statSync(join(here.state, "index"));

  expect(await sync(here)).toEqual({ ...first, bytes: 0, changed: 0 });
  expect(statSync(join(here.state, "index")).ino).toBe(index.ino); // Nothing was written

  const root = here.source;
  const old = statSync(join(here.folder, "a/b/7")).ino;
  linkSync(join(here.folder, "a/b/7"), join(here.folder, "../layer"));
  writeFileSync(join(root, "a/b/7"), "changed");
  rmSync(join(root, "a/b/c"), { recursive: true });
  writeFileSync(join(root, "a/b/c"), "a file now");
  unlinkSync(join(root, "absolute"));
  mkdirSync(join(root, "absolute"));
  writeFileSync(join(root, "absolute/inside"), "in");
  unlinkSync(join(root, "a/b/8"));
  const second = await sync(here);
  expectSame(here);
  expect(second).toMatchObject({ bytes: 7 + 10 + 2, changed: 4, removed: 3 });
  expect(second.digest).not.toBe(first.digest);
  // The old file is another name's, as it was.
  expect(readFileSync(join(here.folder, "../layer"), "utf8")).toBe("file 7");
  expect(statSync(join(here.folder, "../layer")).ino).toBe(old);

  // A file with three names, and attributes alone.
  chmodSync(join(root, "first"), 0o600);
  setXattr(Buffer.from(`${root}/a/b/9\0`), "user.late", Buffer.from("1"));
  const inner = openSync(join(root, "a/b"), "r");
  removeXattr(inner, "user.folder");
  closeSync(inner);
  expect(await sync(here)).toMatchObject({ bytes: 6 + 6, changed: 5, removed: 0 });
  expectSame(here);
}, 30_000);

test("an unchanged tree is told from its list alone: nobody looks at what was received", async () => {
  using here = places();
  makeTree(here.source);
  const first = await sync(here);
  renameSync(here.folder, `${here.folder}.away`);
  expect(await sync(here)).toEqual({ ...first, bytes: 0, changed: 0, removed: 0 });
  renameSync(`${here.folder}.away`, here.folder);
  writeFileSync(join(here.source, "z-new"), "new");
  expect(await sync(here)).toMatchObject({ changed: 1, removed: 0, bytes: 3 });
  expectSame(here);
});

test("the digest tells contents, not times", async () => {
  using one = places();
  using other = places();
  for (const { source } of [one, other]) {
    writeFileSync(join(source, "x"), "same");
    mkdirSync(join(source, "d"));
  }
  utimesSync(join(other.source, "x"), 5, 5);
  const [first, second] = [await sync(one), await sync(other)];
  expect(first.digest).toBe(second.digest);
  chmodSync(join(other.source, "d"), 0o700);
  expect((await sync(other)).digest).not.toBe(first.digest);
});

test("after a kill in the middle the next transfer goes on", async () => {
  using here = places();
  for (let i = 0; i < 40; i++) {
    mkdirSync(join(here.source, `d${i}`));
    writeFileSync(join(here.source, `d${i}/f`), Buffer.alloc(500_000, i));
    linkSync(join(here.source, `d${i}/f`), join(here.source, `d${i}/link`));
  }
  let bytesBefore = 0;
  for (const stop of [2_000_000, 4_000_000, 9_000_000]) {
    const leaving = new AbortController();
    const broken = sync(here, {
      signal: leaving.signal,
      onInput: (bytes) => bytes > stop && leaving.abort(),
    });
    await broken.then(
      () => expect.unreachable(),
      (thrown: unknown) => expect(String(thrown)).toContain("abort"),
    );
    expect(existsSync(join(here.state, "journal"))).toBe(true);
    writeFileSync(join(here.source, "d0/f"), `changes with ${stop}`);
    bytesBefore += stop;
  }
  const last = await sync(here);
  expectSame(here);
  expect(existsSync(join(here.state, "journal"))).toBe(false);
  expect(bytesBefore).toBeGreaterThan(0);
  expect(last.files).toBe(120);
  expect(await sync(here)).toMatchObject({ bytes: 0, changed: 0, removed: 0 });
}, 30_000);

test("what was whole before a transfer broke is not sent again", async () => {
  using here = places();
  const content = Buffer.alloc(40_000);
  for (let i = 0; i < 500; i++) writeFileSync(join(here.source, `f${i}`), content);
  await sync(here);
  const changed = Buffer.alloc(40_001);
  for (let i = 0; i < 400; i++) writeFileSync(join(here.source, `f${i}`), changed);
  const leaving = new AbortController();
  const broken = sync(here, {
    signal: leaving.signal,
    onInput: (bytes) => bytes > 12_000_000 && leaving.abort(),
  });
  await broken.catch(() => {});
  const { bytes } = await sync(here);
  expectSame(here);
  // 100 files are as they were; of the 400 others (16 MB), what the worker had taken had come.
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(14_000_000);
});

test("an index of another boot is not believed", async () => {
  using here = places();
  writeFileSync(join(here.source, "x"), "content");
  await sync(here);
  const index = join(here.state, "index");
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  writeFileSync(index, readFileSync(index).toString("latin1").replace(boot, crypto.randomUUID()), "latin1");
  writeFileSync(join(here.folder, "stray"), "from nowhere");
  expect(await sync(here)).toMatchObject({ bytes: 7, changed: 1 });
  expectSame(here);
});

/** A sender that says what it likes. */
async function hostile({ folder, state }: Places, say: (encoder: PacketEncoder) => void) {
  const encoder = new PacketEncoder();
  say(encoder);
  let heard = "";
  const decoder = new PacketDecoder();
  const result = receiveContext({
    folder,
    state,
    input: (async function* () {
      yield encoder.take();
    })(),
    output: async (chunk) =>
      decoder.push(chunk, (packet) => {
        if (packet.type === "error") heard = packet.message;
      }),
  });
  const thrown = await result.then(
    () => "",
    (error: unknown) => (error as Error).message,
  );
  return { thrown, heard };
}

const file = (path: string, more: Partial<FileStat> = {}): FileStat => ({
  path,
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1,
  modTime: 0n,
  linkname: "",
  devmajor: 0,
  devminor: 0,
  ...more,
});

test.each<[string, FileStat[], string]>([
  ["absolute", [file("/x")], "absolute path /x: invalid argument"],
  ["above", [file("../x")], "escape check ../x: invalid argument"],
  ["above, later", [file("a/../../x")], "unclean path a/../../x: invalid argument"],
  [
    "through a link",
    [file("l", { mode: MODE.symlink | 0o777, linkname: "/" }), file("l/x")],
    'changes out of order: "l/x" "l"',
  ],
  ["below a file", [file("a"), file("a/x")], 'changes out of order: "a/x" "a"'],
  ["twice", [file("a"), file("a")], 'changes out of order: "a" "a"'],
  [
    "a link to nothing sent",
    [file("a", { linkname: "../../etc/passwd" })],
    'invalid link a to unknown path: "../../etc/passwd"',
  ],
  ["NUL", [file("a\0b")], 'refused "a\\u0000b": its name has a NUL in it'],
])("a hostile name is refused: %s", async (_, stats, words) => {
  using here = places();
  const { thrown, heard } = await hostile(here, (encoder) => {
    for (const stat of stats) encoder.stat(stat);
    encoder.stat(undefined);
  });
  expect(thrown).toBe(words);
  expect(heard).toBe(words);
  expect(readdirSync(join(here.folder, "..")).sort()).toEqual(["folder", "source", "state"]);
});

test("data that nobody asked for, an early end and an error are the transfer's error", async () => {
  using here = places();
  expect((await hostile(here, (encoder) => encoder.data(7, Buffer.from("x")))).thrown).toBe(
    "invalid file request 7",
  );
  expect((await hostile(here, (encoder) => encoder.stat(file("a")))).thrown).toBe(
    "the client left before its files were transferred",
  );
  expect((await hostile(here, (encoder) => encoder.error("no luck"))).thrown).toBe(
    "error from sender: no luck",
  );
  expect((await hostile(here, (encoder) => encoder.finish())).thrown).toBe(
    "the sender ended the transfer before all files were received",
  );
});
