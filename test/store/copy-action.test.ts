// The file action "copy" against the kernel. What the lists expect is what Docker 28.5's builder made of the same COPY and ADD.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { deviceNumber, makeNode } from "../../src/linux/files.ts";
import { getXattr, setXattr } from "../../src/linux/xattr.ts";
import { applyFileActions, type CopyAction, type FileAction } from "../../src/store/index.ts";
import { COPY, fill, fillSource, list } from "./file-trees.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

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
afterEach(disposeAll);

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
      fillSource(source);
      await copy(from, to, more);
      expect(list(target)).toEqual(expected);
    });

  test("onto what is there: folders are joined, files and links replaced, of the topmost folder the times are taken", async () => {
    fillSource(source);
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
    fillSource(source);
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
      fillSource(source);
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
    fillSource(source);
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
    fillSource(source);
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
