import { expect, test } from "bun:test";
import fc from "fast-check";
import { type CopySelector, comparePaths, createCopyDigester, type FileEntry, MODE } from "./index.ts";

const entry = (path: string, more: Partial<FileEntry> = {}): FileEntry => ({
  path,
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1,
  modTime: 5n,
  linkname: "",
  devmajor: 0,
  devminor: 0,
  digest: `content of ${path}`,
  ...more,
});
const folder = (path: string): FileEntry => entry(path, { mode: (MODE.directory | 0o755) >>> 0, digest: "" });
const link = (path: string, linkname: string): FileEntry =>
  entry(path, { mode: MODE.symlink | 0o777, linkname, digest: "" });

const LIST = [
  folder("a"),
  entry("a/x.go"),
  entry("a/y.md"),
  folder("b"),
  folder("b/c"),
  entry("b/c/d.go"),
  entry("b/c/e.md"),
  link("l", "b/c"),
  entry("m.go"),
  link("n.go", "/a/x.go"),
  entry("z", { linkname: "m.go", digest: "content of m.go" }),
];

/** The entries whose change changes the digest, by their paths. */
function counted(selector: CopySelector): string[] {
  const digest = (list: FileEntry[]) => createCopyDigester(list).digest(selector).digest;
  const before = digest(LIST);
  return LIST.filter((each, at) => digest(LIST.with(at, { ...each, uid: 7 })) !== before).map(
    ({ path }) => path,
  );
}

test.each<[CopySelector, string[]]>([
  [{ path: "/" }, LIST.map(({ path }) => path)],
  [{ path: "." }, LIST.map(({ path }) => path)],
  [{ path: "a" }, ["a", "a/x.go", "a/y.md"]],
  [{ path: "/a/" }, ["a/x.go", "a/y.md"]],
  [{ path: "b/../a/x.go" }, ["a/x.go"]],
  [{ path: "l" }, ["l"]],
  [{ path: "l", followLinks: true }, ["b/c", "b/c/d.go", "b/c/e.md"]],
  [{ path: "l/e.md" }, ["b/c/e.md"]],
  [{ path: "*.go", wildcard: true }, ["m.go", "n.go"]],
  [{ path: "*.go", wildcard: true, followLinks: true }, ["a/x.go", "m.go"]],
  [{ path: "[ab]", wildcard: true }, ["a", "a/x.go", "a/y.md", "b", "b/c", "b/c/d.go", "b/c/e.md"]],
  [{ path: "l/*.go", wildcard: true }, ["b/c/d.go"]],
  [{ path: "*/*/d*", wildcard: true }, ["b/c/d.go"]],
  [{ path: "none*", wildcard: true }, []],
  [{ path: "m.go", wildcard: true }, ["m.go"]],
  [{ path: "/", includePatterns: ["**/*.md"] }, ["a", "a/y.md", "b", "b/c", "b/c/e.md"]],
  [{ path: "b", includePatterns: ["c/d.go"] }, ["b", "b/c", "b/c/d.go"]],
  [{ path: "b/", includePatterns: ["c/d.go"] }, ["b/c", "b/c/d.go"]],
  [{ path: "b", excludePatterns: ["**/*.md"] }, ["b", "b/c", "b/c/d.go"]],
  [{ path: "/", excludePatterns: ["*", "!b/c/d.go"] }, ["b", "b/c", "b/c/d.go"]],
  [{ path: "[ab]", wildcard: true, excludePatterns: ["*.go", "c"] }, ["a", "a/y.md", "b"]],
  [{ path: "gone", includePatterns: ["x"] }, []],
])("what counts for %j", (selector, paths) => {
  expect(counted(selector)).toEqual(paths);
});

test("names count from what was selected on", () => {
  const moved = [folder("q"), entry("q/x.go", LIST[1]), entry("q/y.md", LIST[2])].map((each, at) => ({
    ...each,
    path: ["q", "q/x.go", "q/y.md"][at]!,
  }));
  const digest = (list: FileEntry[], path: string) => createCopyDigester(list).digest({ path });
  expect(digest(moved, "q")).toEqual(digest(LIST, "a"));
  expect(digest(LIST, "m.go")).toEqual(digest(LIST, "z")); // A further name is the same file
  expect(digest(LIST, "a").digest).not.toBe(digest(LIST, "b").digest);
});

test("a path that isn't there, a bad pattern and links in circles", () => {
  const { digest } = createCopyDigester([...LIST, link("zz", "zz")]);
  expect(() => digest({ path: "a/none" })).toThrow(/^"\/a\/none": not found$/);
  expect(() => digest({ path: "m.go/x" })).toThrow(/^"\/m.go\/x": not found$/);
  expect(() => digest({ path: "[a", wildcard: true })).toThrow(/^syntax error in pattern$/);
  expect(() => digest({ path: "a", includePatterns: ["!"] })).toThrow('illegal exclusion pattern: "!"');
  expect(() => digest({ path: "zz/x" })).toThrow("too many links");
});

const facts = fc.record({
  mode: fc.constantFrom(0o644, 0o755),
  uid: fc.nat(2),
  digest: fc.constantFrom("one", "other"),
  xattrs: fc.option(
    fc.constantFrom("", "value").map((value) => new Map([["user.x", Buffer.from(value)]])),
    { nil: undefined },
  ),
});

test("two lists have one digest when all but times is equal", () => {
  const list = fc
    .dictionary(fc.constantFrom("a", "a b", "b", "c\0d".replace("\0", "-")), facts, { maxKeys: 3 })
    .map((files) =>
      Object.entries(files)
        .map(([path, more]) => entry(path, more))
        .sort((one, other) => comparePaths(one.path, other.path)),
    );
  const shown = (files: FileEntry[]) =>
    files.map(({ path, mode, uid, digest, xattrs }) => [path, mode, uid, digest, xattrs && [...xattrs]]);
  fc.assert(
    fc.property(list, list, fc.bigInt(), (one, other, modTime) => {
      const digest = (files: FileEntry[]) => createCopyDigester(files).digest({ path: "/" }).digest;
      expect(digest(one.map((each) => ({ ...each, modTime })))).toBe(digest(one));
      expect(digest(one) === digest(other)).toBe(Bun.deepEquals(shown(one), shown(other)));
    }),
    { numRuns: 500 },
  );
});
