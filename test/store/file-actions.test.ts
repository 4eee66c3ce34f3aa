// File actions against the kernel. What the lists expect of copies is what Docker 28.5's builder made of the same COPY and ADD.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { deviceNumber, makeNode } from "../../src/linux/files.ts";
import { listMounts } from "../../src/linux/mount.ts";
import { getXattr, setXattr } from "../../src/linux/xattr.ts";
import {
  applyFileActions,
  type CopyAction,
  type FileAction,
  mountSnapshot,
  openStore,
  unmountSnapshot,
} from "../../src/store/index.ts";
import { archiveOf } from "./archives.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

const OLD = new Date("2001-02-03T04:05:06Z");
const CAPABILITY = Buffer.from("0100000200040000000000000000000000000000", "hex");
const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

let source: string;
let target: string;
beforeEach(() => {
  source = temporaryRoot();
  target = temporaryRoot();
  chmodSync(target, 0o755);
});

/** Makes files of a tree: a name with a slash at its end is a folder, `-> x` as content a link. */
function fill(root: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(join(path, ".."), { recursive: true });
    if (name.endsWith("/")) mkdirSync(path, { recursive: true });
    else if (content.startsWith("-> ")) symlinkSync(content.slice(3), path);
    else writeFileSync(path, content);
  }
}

/** Each path with its mode, owner, number of links (of files), and `old` where its time is the source's. */
function list(root: string): string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const at = path ? `${path}/${name}` : name;
      const facts = lstatSync(join(root, at));
      const words = [at, (facts.mode & 0o7777).toString(8), `${facts.uid}:${facts.gid}`];
      if (facts.isSymbolicLink()) words.splice(1, 1, `-> ${readlinkSync(join(root, at))}`);
      if (facts.isFile()) words.push(`${facts.nlink} ${readFileSync(join(root, at), "utf8")}`);
      if (facts.mtimeMs === OLD.getTime()) words.push("old");
      lines.push(words.join(" "));
      if (facts.isDirectory()) visit(at);
    }
  };
  visit("");
  return lines;
}

/** The tree that Docker was given. */
function fillSource(): void {
  fill(source, { "dir/a": "a", "dir/sub/b": "b", "dir/link": "-> a", f: "f" });
  linkSync(join(source, "dir/a"), join(source, "dir/hard"));
  chmodSync(join(source, "dir/a"), 0o640);
  for (const name of ["dir/link", "dir/sub/b", "dir/a", "dir/sub", "dir", "f"])
    lutimesSync(join(source, name), OLD, OLD);
}

/** COPY as the Dockerfile frontend has it. */
const COPY = {
  type: "copy",
  from: 0,
  followSymlink: true,
  directoryContents: true,
  createDestination: true,
  allowWildcard: true,
  allowEmptyWildcard: true,
} as const;

const apply = (...actions: FileAction[]) => applyFileActions({ target, sources: [source], actions });
const copy = (from: string, to: string, more: Partial<CopyAction> = {}) =>
  apply({ ...COPY, source: from, destination: to, ...more });

describe("copy, as Docker does it", () => {
  const DIR = (mode = "640", folder = "755", owner = "0:0", links = "2") => [
    `o/a ${mode} ${owner} ${links} a old`,
    `o/hard ${mode} ${owner} ${links} a old`,
    `o/link -> a ${owner} old`,
    `o/sub ${folder} ${owner} old`,
    `o/sub/b 644 ${owner} 1 b old`,
  ];
  const cases: [name: string, from: string, to: string, more: Partial<CopyAction>, expected: string[]][] = [
    ["a file to a new name", "/f", "/o/f", {}, ["o 755 0:0", "o/f 644 0:0 1 f old"]],
    ["a file into a folder", "/f", "/o/", {}, ["o 755 0:0", "o/f 644 0:0 1 f old"]],
    ["a folder's content", "/dir", "/o/", {}, ["o 755 0:0 old", ...DIR()]],
    ["a folder's content to a name without a slash", "/dir", "/o", {}, ["o 755 0:0 old", ...DIR()]],
    [
      "a folder into new folders",
      "/dir/sub",
      "/o/new/deep/",
      {},
      ["o 755 0:0", "o/new 755 0:0", "o/new/deep 755 0:0 old", "o/new/deep/b 644 0:0 1 b old"],
    ],
    [
      "with a mode, which new folders get too",
      "/f",
      "/o/new/f",
      { mode: 0o640 },
      ["o 640 0:0", "o/new 640 0:0", "o/new/f 640 0:0 1 f old"],
    ],
    ["with a symbolic mode", "/dir", "/o/", { modeText: "u=rwX,go=rX" }, ["o 755 0:0 old", ...DIR("644")]],
    [
      "with an owner",
      "/dir",
      "/o",
      { owner: { user: { byId: 7 }, group: { byId: 8 } } },
      ["o 755 7:8 old", ...DIR("640", "755", "7:8")],
    ],
    ["a link that is followed", "/dir/link", "/o/", {}, ["o 755 0:0", "o/link 640 0:0 1 a old"]],
    [
      "a link that is not followed",
      "/dir/link",
      "/o/",
      { followSymlink: false },
      ["o 755 0:0", "o/link -> a 0:0 old"],
    ],
    [
      "by wildcards: each match by itself, so no hard links among them",
      "/dir/*",
      "/o/",
      {},
      [
        "o 755 0:0 old",
        "o/a 640 0:0 1 a old",
        "o/b 644 0:0 1 b old",
        "o/hard 640 0:0 1 a old",
        "o/link 640 0:0 1 a old",
      ],
    ],
    ["by wildcards that match nothing", "/none*", "/o/", {}, []],
    ["by a pattern that is malformed", "/no[such", "/o/", {}, []],
    [
      "the folder itself",
      "/dir/sub",
      "/o/",
      { directoryContents: false },
      ["o 755 0:0", "o/sub 755 0:0 old", "o/sub/b 644 0:0 1 b old"],
    ],
    [
      "without what is excluded",
      "/dir",
      "/o/",
      { excludePatterns: ["sub", "hard"] },
      ["o 755 0:0 old", "o/a 640 0:0 1 a old", "o/link -> a 0:0 old"],
    ],
    [
      "with an exception to what is excluded",
      "/",
      "/o/",
      { excludePatterns: ["dir", "!dir/sub/b", "f"] },
      ["o 755 0:0", "o/dir 755 0:0 old", "o/dir/sub 755 0:0 old", "o/dir/sub/b 644 0:0 1 b old"],
    ],
    [
      "only what is included, in its folders",
      "/",
      "/o/",
      { includePatterns: ["dir/*/b"] },
      ["o 755 0:0", "o/dir 755 0:0 old", "o/dir/sub 755 0:0 old", "o/dir/sub/b 644 0:0 1 b old"],
    ],
  ];
  for (const [name, from, to, more, expected] of cases)
    test(name, async () => {
      fillSource();
      await copy(from, to, more);
      expect(list(target)).toEqual(expected);
    });

  test("onto what is there: folders are joined, files and links replaced, of the topmost folder the times are taken", async () => {
    fillSource();
    fill(target, { "has/dir/kept": "k", "has/dir/sub/b": "other", "has/dir/a": "-> kept" });
    for (const name of ["has/dir", "has/dir/sub"]) chmodSync(join(target, name), 0o700);
    await copy("/dir", "/has/dir/");
    expect(list(join(target, "has"))).toEqual([
      "dir 700 0:0 old",
      "dir/a 640 0:0 2 a old",
      "dir/hard 640 0:0 2 a old",
      "dir/kept 644 0:0 1 k",
      "dir/link -> a 0:0 old",
      "dir/sub 755 0:0 old",
      "dir/sub/b 644 0:0 1 b old",
    ]);
  });

  test("through the target's links, which stay inside", async () => {
    fillSource();
    fill(target, { "has/": "", lnk: "-> /has", dangling: "-> /nowhere", up: "-> ../../../../../../has" });
    await copy("/f", "/lnk/");
    await copy("/f", "/dangling");
    await copy("/f", "/up/g");
    expect(list(target)).toEqual([
      "dangling -> /nowhere 0:0",
      "has 755 0:0",
      "has/f 644 0:0 1 f old",
      "has/g 644 0:0 1 f old",
      "lnk -> /has 0:0",
      "nowhere 644 0:0 1 f old",
      "up -> ../../../../../../has 0:0",
    ]);
  });

  const refusals: [from: string, to: string, message: string, more?: Partial<CopyAction>][] = [
    ["/dir", "/file", "cannot copy to non-directory: /file"],
    ["/dir", "/lf", "cannot copy to non-directory: /file"],
    ["/f", "/file/", "mkdir /file: not a directory"],
    ["/f", "/file/x", "mkdir /file: not a directory"],
    ["/f", "/isdir", "cannot replace to directory /isdir/f with file"],
    ["/missing", "/x", "lstat /missing: no such file or directory"],
    ["/f/x", "/y", "lstat /f/x: not a directory"],
    ["/none*", "/y", "/none* not found", { allowEmptyWildcard: false }],
    ["/dir", "/y", "invalid excludepatterns: [[]: syntax error in pattern", { excludePatterns: ["["] }],
    ["/f", "/y", "invalid syntax", { modeText: "z+x" }],
    ["/f", "/a/b", "failed to stat /a/b: lstat /a: no such file or directory", { createDestination: false }],
    ["/f", "/y", "lstat /f: no such file or directory", { from: undefined }],
  ];
  for (const [from, to, message, more] of refusals)
    test(`${from} to ${to}: ${message}`, async () => {
      fillSource();
      fill(target, { file: "x", lf: "-> /file", "isdir/f/": "" });
      await expect(copy(from, to, more)).rejects.toThrow(message);
    });
});

describe("copy", () => {
  test("a source's links don't lead out of it", async () => {
    fill(source, {
      abs: "-> /etc/passwd",
      up: "-> ../../../../../../etc/passwd",
      "d/etc": "-> /etc",
      "etc/passwd": "ours",
    });
    for (const name of ["abs", "up", "d/etc/passwd"]) {
      await copy(`/${name}`, "/out");
      expect(readFileSync(join(target, "out"), "utf8")).toBe("ours");
    }
    await copy("/d/etc/pass*", "/globbed/");
    expect(readFileSync(join(target, "globbed/passwd"), "utf8")).toBe("ours");
  });

  test("replaces whatever is in the way where that is asked for", async () => {
    fillSource();
    fill(target, { "o/a/in/the/way": "x", "o/sub": "-> /elsewhere", elsewhere: "e" });
    await copy("/dir", "/o/", { replaceDestination: true });
    expect(list(join(target, "o"))).toEqual([
      "a 640 0:0 2 a old",
      "hard 640 0:0 2 a old",
      "link -> a 0:0 old",
      "sub 755 0:0 old",
      "sub/b 644 0:0 1 b old",
    ]);
    expect(readFileSync(join(target, "elsewhere"), "utf8")).toBe("e");
  });

  test("owners, special bits, attributes, devices, pipes; a socket becomes an empty file", async () => {
    fill(source, { "d/suid": "s", "d/xattr": "x" });
    chownSync(join(source, "d/suid"), 5, 6);
    chmodSync(join(source, "d/suid"), 0o6755);
    fill(source, { "d/sticky/": "" });
    chmodSync(join(source, "d/sticky"), 0o1777);
    setXattr(join(source, "d/xattr"), "user.note", Buffer.from("kept"));
    setXattr(join(source, "d/xattr"), "security.capability", CAPABILITY);
    makeNode(join(source, "d/fifo"), S_IFIFO | 0o644);
    makeNode(join(source, "d/char"), S_IFCHR | 0o666, deviceNumber(1, 3));
    makeNode(join(source, "d/block"), S_IFBLK | 0o660, deviceNumber(7, 300));
    const server = createServer().listen(join(source, "d/socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    await copy("/d", "/o");
    server.close();
    const facts = (name: string) => lstatSync(join(target, "o", name));
    expect(facts("suid")).toMatchObject({ uid: 5, gid: 6, mode: 0o106755 });
    expect(facts("sticky").mode).toBe(0o041777);
    expect(getXattr(join(target, "o/xattr"), "security.capability")).toEqual(new Uint8Array(CAPABILITY));
    expect(Buffer.from(getXattr(join(target, "o/xattr"), "user.note")!).toString()).toBe("kept");
    expect(facts("fifo").isFIFO()).toBe(true);
    expect([facts("char").isCharacterDevice(), facts("char").rdev]).toEqual([true, deviceNumber(1, 3)]);
    expect([facts("block").isBlockDevice(), facts("block").rdev]).toEqual([true, deviceNumber(7, 300)]);
    expect([facts("socket").isFile(), facts("socket").size]).toEqual([true, 0]);
  });

  test("owners by name of the trees they are looked up in; one that isn't there is root", async () => {
    fill(source, { f: "f", "etc/passwd": "root:x:0:0::/:\nbob:x:12:34::/:\n", "etc/group": "crew:x:56:\n" });
    fill(target, { "etc/passwd": "-> /real", real: "bob:x:99:98::/:\n" });
    const byName = (byName: string, tree: 0 | "target") => ({ byName, in: tree });
    const owners: [CopyAction["owner"], string][] = [
      [{ user: byName("bob", 0) }, "12:34"],
      [{ user: byName("bob", 0), group: byName("crew", 0) }, "12:56"],
      [{ user: byName("bob", "target"), group: { byId: 3 } }, "99:3"],
      [{ user: byName("nosuch", 0) }, "0:0"],
      [{ user: { byId: 9 } }, "9:9"],
      [{ group: byName("crew", 0) }, "0:56"],
    ];
    for (const [owner, expected] of owners) {
      await copy("/f", "/f", { owner });
      const { uid, gid } = statSync(join(target, "f"));
      expect(`${uid}:${gid}`).toBe(expected);
    }
  });

  test("a time for all of it, also for folders on the way", async () => {
    fillSource();
    await copy("/dir", "/new/o/", { timestamp: "1500000000123456789" });
    for (const name of ["new", "new/o", "new/o/a", "new/o/link", "new/o/sub", "new/o/sub/b"])
      expect([name, lstatSync(join(target, name), { bigint: true }).mtimeNs]).toEqual([
        name,
        1500000000123456789n,
      ]);
  });

  test("names that are no UTF-8, deep trees, big and sparse files", async () => {
    const odd = Buffer.from([0x64, 0x2f, 0xff, 0xfe]);
    mkdirSync(join(source, "d"));
    writeFileSync(Buffer.concat([Buffer.from(`${source}/`), odd]), "odd");
    const deep = Array.from({ length: 300 }, () => "n").join("/");
    mkdirSync(join(source, "d", deep), { recursive: true });
    const big = Buffer.alloc(3_000_001, 7);
    writeFileSync(join(source, "d/big"), big);
    await copy("/d", "/o");
    expect(readFileSync(Buffer.concat([Buffer.from(`${target}/o/`), odd.subarray(2)]), "utf8")).toBe("odd");
    expect(existsSync(join(target, "o", deep))).toBe(true);
    expect(readFileSync(join(target, "o/big")).equals(big)).toBe(true);
  });

  test("from the target itself", async () => {
    fill(target, { "d/x": "1" });
    await copy("/d", "/e", { from: "target" });
    expect(readFileSync(join(target, "e/x"), "utf8")).toBe("1");
  });

  test("an aborted one ends", async () => {
    for (let at = 0; at < 2000; at++) fill(source, { [`d/${at}`]: "x" });
    const controller = new AbortController();
    const work = applyFileActions({
      target,
      sources: [source],
      actions: Array.from({ length: 500 }, (_, at) => ({ ...COPY, source: "/d", destination: `/o${at}` })),
      signal: controller.signal,
    });
    for (let tries = 0; !existsSync(join(target, "o1")) && tries < 500; tries++) await Bun.sleep(10);
    controller.abort(new Error("enough"));
    await expect(work).rejects.toThrow("enough");
    expect(existsSync(join(target, "o499"))).toBe(false);
  });
});

describe("archives that ADD unpacks", () => {
  const archive = archiveOf(
    { name: "d/", mode: 0o750, uid: 3, gid: 4 },
    { name: "d/x", content: "x", uid: 3, gid: 4 },
    { name: "link", type: "symlink", linkName: "d/x" },
  );
  const program = (name: string) => Bun.spawnSync([name, "-c"], { stdin: archive }).stdout;
  const forms: [string, () => Uint8Array][] = [
    ["plain", () => archive],
    ["gzip", () => gzipSync(archive)],
    ["zstd", () => zstdCompressSync(archive)],
    ["bzip2", () => program("bzip2")],
    ["xz", () => program("xz")],
  ];
  for (const [name, make] of forms)
    test(name, async () => {
      writeFileSync(join(source, "t"), make());
      fill(target, { "o/d/kept": "k" });
      await apply(
        { type: "mkdir", path: "/first", mode: 0o700 },
        { ...COPY, source: "/t", destination: "/o/", unpack: true },
        { type: "mkfile", path: "/last", mode: 0o600, data: Buffer.from("l") },
      );
      expect(list(target)).toEqual([
        "first 700 0:0",
        "last 600 0:0 1 l",
        "o 755 0:0",
        "o/d 750 3:4",
        "o/d/kept 644 0:0 1 k",
        "o/d/x 644 3:4 1 x",
        "o/link -> d/x 0:0",
      ]);
    });

  test("with another owner, several by wildcards, between files that are none", async () => {
    writeFileSync(join(source, "1.tar.xz"), program("xz"));
    writeFileSync(
      join(source, "2.xz"),
      Bun.spawnSync(["xz", "-c"], { stdin: Buffer.from("no archive") }).stdout,
    );
    writeFileSync(join(source, "3.txt"), "text");
    writeFileSync(join(source, "4.tar.bz2"), program("bzip2"));
    await copy("/*.*", "/o/", { unpack: true, owner: { user: { byId: 7 } } });
    expect(list(join(target, "o")).map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual([
      "2.xz 644 7:7",
      "3.txt 644 7:7",
      "d 750 7:7",
      "d/x 644 7:7",
      "link -> d/x",
    ]);
  });

  test("what only begins like one is copied, what breaks off is refused", async () => {
    const broken: [string, Uint8Array][] = [
      ["empty", Buffer.alloc(0)],
      ["zeros", Buffer.alloc(2048)],
      ["short", archive.subarray(0, 300)],
      ["gzip of text", gzipSync("text")],
      ["cut gzip", gzipSync(archive).subarray(0, 12)],
      ["xz magic", Buffer.from("\xfd7zXZ\0rest", "latin1")],
    ];
    for (const [name, bytes] of broken) {
      writeFileSync(join(source, "t"), bytes);
      await copy("/t", "/o", { unpack: true });
      expect([name, readFileSync(join(target, "o")).equals(bytes)]).toEqual([name, true]);
    }
    writeFileSync(join(source, "t"), archive.subarray(0, 1100));
    await expect(copy("/t", "/broken/", { unpack: true })).rejects.toThrow(/unexpected end|truncated|ends/);
  });

  test("hostile ones don't write outside", async () => {
    const outside = temporaryRoot();
    const tries = [
      archiveOf({ name: "../../evil", content: "e" }),
      archiveOf({ name: "l", type: "symlink", linkName: outside }, { name: "l/evil", content: "e" }),
      archiveOf({ name: "l", type: "symlink", linkName: "../../../.." }, { name: "l/evil", content: "e" }),
      archiveOf({ name: "h", type: "link", linkName: "../../../../etc/passwd" }),
    ];
    for (const bytes of tries) {
      writeFileSync(join(source, "t"), bytes);
      await copy("/t", "/o/in/", { unpack: true }).catch(() => {});
    }
    expect(readdirSync(outside)).toEqual([]);
    expect(existsSync(join(target, "../evil"))).toBe(false);
    expect(existsSync(join(target, "o/in/h"))).toBe(false);
  });
});

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
      fillSource();
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
