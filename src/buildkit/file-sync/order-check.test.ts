import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeFileList, encodeFileList, type FileEntry, MODE } from "./index.ts";
import { comparePaths, OrderCheck } from "./order-check.ts";

const entry = (path: string, more: Partial<FileEntry> = {}): FileEntry => ({
  path,
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modTime: 0n,
  linkname: "",
  devmajor: 0,
  devminor: 0,
  digest: "",
  ...more,
});
const folder = (path: string) => entry(path, { mode: (MODE.directory | 0o755) >>> 0 });

function check(...entries: FileEntry[]): string {
  const order = new OrderCheck();
  try {
    for (const each of entries) order.check(each);
    return "";
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

test.each<[string, FileEntry[], string]>([
  ["a tree", [folder("a"), folder("a/b"), entry("a/b/c"), entry("a-b"), entry("b")], ""],
  ["a link", [entry("a"), entry("b", { linkname: "a" })], ""],
  ["empty", [entry("")], "unclean path : invalid argument"],
  ["the root", [entry(".")], "unclean path .: invalid argument"],
  ["above", [entry("..")], "escape check ..: invalid argument"],
  ["a name above", [folder("a"), entry("a/..")], "unclean path a/..: invalid argument"],
  ["a dot on the way", [folder("a"), entry("a/./b")], "unclean path a/./b: invalid argument"],
  ["a slash at the end", [entry("a/")], "unclean path a/: invalid argument"],
  ["two slashes", [folder("a"), entry("a//b")], "unclean path a//b: invalid argument"],
  ["absolute", [entry("/a")], "absolute path /a: invalid argument"],
  ["absolute, in a folder", [folder("a"), entry("/a/b")], "absolute path /a/b: invalid argument"],
  ["no folder before", [entry("a/b")], 'changes out of order: "a/b" ""'],
  ["brothers turned round", [entry("b"), entry("a")], 'changes out of order: "a" "b"'],
  ["back into a folder", [folder("a"), entry("b"), entry("a/x")], 'changes out of order: "a/x" "b"'],
  ["a longer folder's name", [folder("a"), entry("ab/x")], 'changes out of order: "ab/x" "a"'],
  [
    "a link to a later file",
    [entry("a", { linkname: "b" }), entry("b")],
    'invalid link a to unknown path: "b"',
  ],
  ["a link to a folder", [folder("a"), entry("b", { linkname: "a" })], 'invalid link b to unknown path: "a"'],
  [
    "a link of a link",
    [entry("a"), entry("b", { linkname: "a" }), entry("c", { linkname: "b" })],
    'invalid link c to unknown path: "b"',
  ],
  [
    "a link to nowhere",
    [entry("a", { mode: MODE.symlink })],
    'refused "a": a symbolic link without a target',
  ],
  [
    "a socket",
    [entry("a", { mode: MODE.socket })],
    'refused "a": it is no kind of file that can be sent (mode 100000000)',
  ],
  [
    "two kinds",
    [entry("a", { mode: (MODE.directory | MODE.symlink) >>> 0, linkname: "b" })],
    'refused "a": it is no kind of file that can be sent (mode 21000000000)',
  ],
  [
    "an attribute without a name",
    [entry("a", { xattrs: new Map([["", new Uint8Array()]]) })],
    `refused "a": an attribute's name is empty or has a NUL in it`,
  ],
  ["a long name", [entry("a".repeat(4096))], `refused "${"a".repeat(100)}"…: file name too long`],
])("%s", (_, entries, words) => {
  expect(check(...entries)).toBe(words);
});

const name = fc.oneof(
  fc.constantFrom("a", "b", "a-b", "a.b", "ab", "..", ".", "", "\xff"),
  fc.string({ maxLength: 3 }),
);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));

/** What the kernel would make of a list, said as simply as can be. */
function isTree(entries: readonly FileEntry[]): boolean {
  const kinds = new Map<string, boolean>([["", true]]);
  let last = "";
  return entries.every(({ path, mode }, at) => {
    const names = path.split("/");
    const above = names.slice(0, -1).join("/");
    if (names.some((each) => each === "" || each === "." || each === ".." || each.includes("\0")))
      return false;
    if (kinds.has(path) || kinds.get(above) !== true) return false;
    if (at > 0 && comparePaths(last, path) >= 0) return false;
    last = path;
    kinds.set(path, (mode & MODE.directory) !== 0);
    return true;
  });
}

test("exactly the lists that are trees in order pass", () => {
  const fine = fc.array(fc.constantFrom("a", "b", "a-b"), { minLength: 1, maxLength: 2 });
  const either = fc.oneof(
    path,
    fine.map((names) => names.join("/")),
  );
  const list = fc.array(fc.tuple(either, fc.boolean()), { maxLength: 6 }).chain((pairs) => {
    const entries = pairs.map(([each, directory]) => (directory ? folder(each) : entry(each)));
    const sorted = [...entries].sort((one, other) => comparePaths(one.path, other.path));
    return fc.constantFrom(entries, sorted);
  });
  let passed = 0;
  fc.assert(
    fc.property(list, (entries) => {
      const tree = isTree(entries);
      if (tree && entries.length > 1) passed++;
      expect(check(...entries) === "").toBe(tree);
    }),
    { numRuns: 5000 },
  );
  expect(passed).toBeGreaterThan(50);
});

test("the order of paths is that of their names, folder by folder", () => {
  fc.assert(
    fc.property(path, path, (one, other) => {
      const [a, b] = [one.split("/"), other.split("/")];
      const at = a.findIndex((each, i) => each !== b[i]);
      const expected = at < 0 ? a.length - b.length : b[at] === undefined ? 1 : a[at]! < b[at]! ? -1 : 1;
      expect(Math.sign(comparePaths(one, other))).toBe(Math.sign(expected));
    }),
    { numRuns: 2000 },
  );
});

const bytes = fc.uint8Array({ maxLength: 20 });
const text = bytes.map((each) => Buffer.from(each).toString("latin1"));
const anyEntry = fc.record({
  path: text,
  mode: fc.nat(0xffffffff),
  uid: fc.nat(0xffffffff),
  gid: fc.nat(0xffffffff),
  size: fc.maxSafeNat(),
  modTime: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  linkname: text,
  devmajor: fc.nat(0xffffffff),
  devminor: fc.nat(0xffffffff),
  xattrs: fc.option(
    fc
      .dictionary(fc.constantFrom("user.a", "user.b", "x"), bytes, { minKeys: 1 })
      .map((each) => new Map(Object.entries(each))),
    { nil: undefined },
  ),
  digest: text,
});

test("a list on disk is read as it was written, and a torn block is left out", () => {
  fc.assert(
    fc.property(
      fc.array(anyEntry, { maxLength: 4 }),
      fc.array(anyEntry, { minLength: 1, maxLength: 4 }),
      fc.nat(),
      (one, other, cut) => {
        const [first, second] = [encodeFileList(one), encodeFileList(other)];
        expect(decodeFileList(Buffer.concat([Buffer.from("xyz"), first, second]), 3)).toEqual([
          ...one,
          ...other,
        ]);
        const torn = second.subarray(0, cut % second.length);
        expect(decodeFileList(Buffer.concat([first, torn]))).toEqual(one);
      },
    ),
  );
});
