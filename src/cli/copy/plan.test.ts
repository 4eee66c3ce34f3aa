// Where copies go, and what their entries are called there: the rules that the ends of paths make.
import { expect, test } from "bun:test";
import { type CopyEnd, followedName, linkTarget, localPath, splitArgument, splitPath } from "./paths.ts";
import { ownName, planCopy, renamed } from "./plan.ts";

const end = (path: string, kind: "file" | "folder" | "nothing", rebaseName?: string): CopyEnd => ({
  path,
  exists: kind !== "nothing",
  isFolder: kind === "folder",
  ...(rebaseName && { rebaseName }),
});

test.each([
  // source, its kind, destination, its kind, folder, first name of the archive there
  ["/src/a", "file", "/dst", "folder", "/dst", "a"],
  ["/src/a", "file", "/dst/b", "file", "/dst", "b"],
  ["/src/a", "file", "/dst/b", "nothing", "/dst", "b"],
  ["/src/d", "folder", "/dst", "folder", "/dst", "d"],
  ["/src/d", "folder", "/dst/new", "nothing", "/dst", "new"],
  ["/src/d/", "folder", "/dst/new/", "nothing", "/dst", "new"],
  ["/src/d/.", "folder", "/dst", "folder", "/dst", "."],
  ["/src/d/.", "folder", "/dst/new", "nothing", "/dst", "new"],
  ["/", "folder", "/dst/new", "nothing", "/dst", "new/"],
  ["/", "folder", "/dst", "folder", "/dst", "/"],
  ["/src/a", "file", "b", "nothing", ".", "b"],
] as const)("%s (%s) to %s (%s)", (from, kind, to, there, folder, name) => {
  const source = end(from, kind);
  const plan = planCopy(source, end(to, there));
  const own = ownName(source);
  expect([plan.folder, plan.rename ? renamed(own, plan.rename) : own]).toEqual([folder, name]);
});

test.each([
  ["/src/d", "folder", "/dst/b", "file", "cannot copy directory"],
  ["/src/a", "file", "/dst/new/", "nothing", "no such directory"],
  ["/src/a", "file", "/dst/new/.", "nothing", "no such directory"],
] as const)("%s (%s) to %s (%s) is refused", (from, kind, to, there, text) => {
  expect(() => planCopy(end(from, kind), end(to, there))).toThrow(text);
});

test("a link that was followed keeps the name that was asked for", () => {
  const source = end("/src/target", "folder", "link");
  expect(ownName(source)).toBe("link");
  expect(planCopy(source, end("/dst/new", "nothing")).rename).toEqual({ from: "link", to: "new" });
});

test("entries of a folder are renamed at their front, those of the root get one", () => {
  expect(renamed("d/d/x", { from: "d", to: "new" })).toBe("new/d/x");
  expect(renamed("./x", { from: ".", to: "new" })).toBe("new/x");
  expect(renamed("/etc/x", { from: "/", to: "new" })).toBe("new/etc/x");
});

test.each([
  ["c:/x", "c", "/x"],
  ["c:", "c", ""],
  ["c:a:b", "c", "a:b"],
  ["/x:y", "", "/x:y"],
  ["./c:x", "", "./c:x"],
  ["plain", "", "plain"],
])("argument %s", (argument, container, path) => {
  expect(splitArgument(argument)).toEqual({ container, path });
});

test.each([
  ["/a/b", "/a", "b"],
  ["/a/b/", "/a", "b"],
  ["/a/b/.", "/a/b", "."],
  ["/", "/", "/"],
  ["b", ".", "b"],
  [".", ".", "."],
])("folder and entry of %s", (path, folder, base) => {
  expect(splitPath(path)).toEqual({ folder, base });
});

test("ends of paths are kept", () => {
  expect(localPath("/a/../b/")).toBe("/b/");
  expect(localPath("/b/.")).toBe("/b/.");
  expect(localPath(".")).toBe(`${process.cwd()}/.`);
  expect(linkTarget("/a/link", "../x")).toBe("/x");
  expect(linkTarget("/a/link", "/x")).toBe("/x");
  expect(followedName("/a/link/", "/b/target")).toEqual({ path: "/b/target/", rebaseName: "link" });
  expect(followedName("/a/link", "/b/link")).toEqual({ path: "/b/link" });
});
