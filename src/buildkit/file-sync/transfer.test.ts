import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callFramed, GrpcError, openGrpc, serveGrpc } from "../grpc/index.ts";
import {
  createMemorySink,
  encodeSyncRequest,
  FILE_SYNC_PATH,
  type FileEntry,
  type FileStat,
  fileSyncHandler,
  MODE,
  openTree,
  type Received,
  Receiver,
  receiveStream,
  resetOwner,
  type SyncRequest,
} from "./index.ts";

interface Folder extends Disposable {
  path: string;
}

function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "berth-file-sync-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Two ends of a connection. */
async function socketPair(): Promise<[net.Socket, net.Socket]> {
  using folder = temporaryFolder();
  const server = net.createServer();
  const path = join(folder.path, "s");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.once("connection", resolve));
  const one = net.connect(path);
  const other = await accepted;
  server.close();
  return [one, other];
}

/** A client that serves the folder as "context", and the daemon's connection to it. */
async function session(folder: string, map: ((stat: FileStat) => void) | undefined = undefined) {
  const [client, daemon] = await socketPair();
  const handler = fileSyncHandler((name) =>
    name === "context" ? { tree: openTree(folder, { readXattrs: () => undefined }), map } : undefined,
  );
  void serveGrpc(client, () => {}, { [FILE_SYNC_PATH]: handler });
  const connection = openGrpc(daemon);
  return { connection, [Symbol.dispose]: () => connection.close() };
}

interface Transferred extends Received {
  sink: ReturnType<typeof createMemorySink>;
}

async function transfer(
  folder: string,
  request: Partial<SyncRequest> = {},
  known: FileEntry[] = [],
  map?: (stat: FileStat) => void,
): Promise<Transferred> {
  using open = await session(folder, map);
  const call = callFramed(
    open.connection,
    FILE_SYNC_PATH,
    encodeSyncRequest({ name: "context", ...request }),
  );
  const sink = createMemorySink(64 << 20);
  const received = await receiveStream(call, new Receiver(known, sink));
  call.end();
  await call.status;
  return { ...received, sink };
}

const paths = ({ entries }: Received) => entries.map(({ path }) => path);

function makeTree(root: string): void {
  mkdirSync(join(root, "a/b"), { recursive: true });
  writeFileSync(join(root, "a/b/deep"), "deep");
  writeFileSync(join(root, "a-b"), "sorts after what is in a");
  writeFileSync(join(root, "a/empty"), "");
  writeFileSync(join(root, "big"), Buffer.alloc(5_000_000, "0123456789abcdef"));
  writeFileSync(join(root, "z"), "linked");
  linkSync(join(root, "z"), join(root, "first"));
  symlinkSync("a/b", join(root, "link"));
  symlinkSync("nowhere", join(root, "broken"));
  writeFileSync(Buffer.from(`${root}/odd \xff\xfe\n`, "latin1"), "odd");
  writeFileSync(join(root, "größe"), "text");
  chmodSync(join(root, "a/empty"), 0o4711);
  chmodSync(join(root, "a"), 0o3770);
  execFileSync("mkfifo", [join(root, "fifo")]);
  execFileSync("mknod", [join(root, "null"), "c", "1", "3"]);
  chownSync(join(root, "big"), 12, 34);
  execFileSync("touch", ["-h", "-d", "@-1.5", join(root, "broken")]);
}

test("a tree comes whole: order, kinds, bits, links, odd names, contents", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path);
  const received = await transfer(folder.path);
  expect(paths(received)).toEqual([
    "a",
    "a/b",
    "a/b/deep",
    "a/empty",
    "a-b",
    "big",
    "broken",
    "fifo",
    "first",
    "gr\xc3\xb6\xc3\x9fe",
    "link",
    "null",
    "odd \xff\xfe\n",
    "z",
  ]);
  const at = (path: string) => received.entries.find((entry) => entry.path === path)!;
  expect(at("a").mode).toBe((MODE.directory | MODE.setgid | MODE.sticky | 0o770) >>> 0);
  expect(at("a/empty").mode).toBe(MODE.setuid | 0o711);
  expect(at("fifo").mode & ~0o777).toBe(MODE.fifo);
  expect(at("null")).toMatchObject({ devmajor: 1, devminor: 3 });
  expect(at("null").mode & ~0o777).toBe(MODE.device | MODE.character);
  expect(at("link")).toMatchObject({ linkname: "a/b", size: 3 });
  expect(at("broken")).toMatchObject({ linkname: "nowhere", modTime: -1_500_000_000n });
  expect(at("big")).toMatchObject({ uid: 12, gid: 34, size: 5_000_000 });
  expect(at("z")).toMatchObject({ linkname: "first", size: 6, digest: at("first").digest });
  expect(at("a/empty").digest).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const content = (path: string) => received.sink.files.get(path)!.content;
  expect(content("big").equals(Buffer.alloc(5_000_000, "0123456789abcdef"))).toBe(true);
  expect(content("odd \xff\xfe\n").toString()).toBe("odd");
  expect(content("z").toString()).toBe("linked");
  expect(received).toMatchObject({ changed: 14, removed: 0, bytes: 5_000_000 + 4 + 24 + 6 + 3 + 4 });
});

test("the next transfer moves only what has changed", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path);
  const first = await transfer(folder.path);
  expect(await transfer(folder.path, {}, first.entries)).toMatchObject({ changed: 0, removed: 0, bytes: 0 });
  writeFileSync(join(folder.path, "a/b/deep"), "deeper");
  rmSync(join(folder.path, "link"));
  mkdirSync(join(folder.path, "link"));
  writeFileSync(join(folder.path, "link/file"), "123");
  unlinkSync(join(folder.path, "fifo"));
  chmodSync(join(folder.path, "first"), 0o600);
  const second = await transfer(folder.path, {}, first.entries);
  // The file, the folder that was a link with its file, and the mode of a file with two names.
  expect(second).toMatchObject({ changed: 5, removed: 2, bytes: 6 + 3 + 6 });
  expect(second.entries).toEqual((await transfer(folder.path)).entries);
});

test("owners are reset where the client has them so", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path);
  const { entries } = await transfer(folder.path, {}, [], resetOwner);
  expect(entries.every(({ uid, gid }) => uid === 0 && gid === 0)).toBe(true);
});

test.each<[string, Partial<SyncRequest>, string[]]>([
  ["nothing asked", {}, ["a", "a/x", "a/y", "b", "b/c", "b/c/d", "f", "l", "m"]],
  ["an included file brings its folders", { includePatterns: ["b/c/d"] }, ["b", "b/c", "b/c/d"]],
  ["wildcards", { includePatterns: ["*/x", "f"] }, ["a", "a/x", "f"]],
  ["excluded", { excludePatterns: ["a", "b/c"] }, ["b", "f", "l", "m"]],
  ["excepted again", { excludePatterns: ["a", "b", "!a/y"] }, ["a", "a/y", "f", "l", "m"]],
  ["all but", { excludePatterns: ["*", "!b/**/d"] }, ["b", "b/c", "b/c/d"]],
  ["links followed", { followPaths: ["l"] }, ["a", "a/x", "l"]],
  ["links in folders followed", { followPaths: ["m/d"] }, ["b", "b/c", "b/c/d", "m"]],
  ["a followed wildcard", { followPaths: ["[l]*"] }, ["a", "a/x", "l"]],
  ["followed root", { followPaths: ["."] }, ["a", "a/x", "a/y", "b", "b/c", "b/c/d", "f", "l", "m"]],
  ["both", { includePatterns: ["f"], followPaths: ["../l"] }, ["a", "a/x", "f", "l"]],
  ["a name that is no ASCII", { includePatterns: ["größe", "f"] }, ["f"]],
])("patterns: %s", async (_, request, wanted) => {
  using folder = temporaryFolder();
  const root = folder.path;
  mkdirSync(join(root, "a"));
  mkdirSync(join(root, "b/c"), { recursive: true });
  for (const name of ["a/x", "a/y", "b/c/d", "f"]) writeFileSync(join(root, name), name);
  symlinkSync("/a/x", join(root, "l"));
  symlinkSync("b/c", join(root, "m"));
  expect(paths(await transfer(root, request))).toEqual(wanted);
});

test("a link to a file that isn't sent becomes the file", async () => {
  using folder = temporaryFolder();
  for (const name of ["1", "2", "3"]) {
    if (name === "1") writeFileSync(join(folder.path, name), "same");
    else linkSync(join(folder.path, "1"), join(folder.path, name));
  }
  const { entries } = await transfer(folder.path, { excludePatterns: ["1"] });
  expect(entries.map(({ path, linkname }) => [path, linkname])).toEqual([
    ["2", ""],
    ["3", "2"],
  ]);
});

const spoken = ({ code, rawMessage }: GrpcError) => `${code}: ${rawMessage}`;

test("what the client refuses is the call's error", async () => {
  using folder = temporaryFolder();
  using open = await session(folder.path);
  const fails = async (request: SyncRequest) => {
    const call = callFramed(open.connection, FILE_SYNC_PATH, encodeSyncRequest(request));
    const received = receiveStream(call, new Receiver([], createMemorySink(1000)));
    const [status, result] = await Promise.allSettled([call.status, received]);
    expect(result.status).toBe("rejected");
    return status.status === "rejected" ? spoken(GrpcError.from(status.reason)) : "";
  };
  expect(await fails({ name: "other" })).toBe('5: no access allowed to dir "other"');
  expect(await fails({ name: "context", includePatterns: ["ok", "[x"] })).toBe(
    "2: invalid includepatterns: [ok [x]: syntax error in pattern",
  );
  expect(await fails({ name: "context", excludePatterns: ["!"] })).toBe(
    '2: invalid excludepatterns: [!]: illegal exclusion pattern: "!"',
  );
});

test("a transfer that is larger than it may be ends on both sides", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "big"), Buffer.alloc(3_000_000));
  using open = await session(folder.path);
  const call = callFramed(open.connection, FILE_SYNC_PATH, encodeSyncRequest({ name: "context" }));
  const words = "more than 1000000 bytes were sent where less is expected";
  expect(receiveStream(call, new Receiver([], createMemorySink(1_000_000)))).rejects.toThrow(words);
  await expect(call.status).rejects.toThrow(`error from receiver: ${words}`);
});
