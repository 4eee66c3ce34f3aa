// Digests of paths of a tree: what they count, what they don't, and what isn't there.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { deviceNumber, makeNode } from "../../src/linux/files.ts";
import { setXattr } from "../../src/linux/xattr.ts";
import { digestPaths, type PathSelector } from "../../src/store/index.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

afterEach(disposeAll);

let root: string;
const at = (name: string) => join(root, name);
beforeEach(() => {
  root = temporaryRoot();
  for (const name of ["d/sub", "d/empty", "other"]) mkdirSync(at(name), { recursive: true });
  for (const name of ["d/a.txt", "d/b.md", "d/sub/c.txt", "other/a.txt"])
    writeFileSync(at(name), name.slice(-5));
  symlinkSync("/d", at("link"));
  symlinkSync("../../../../d/sub", at("d/up"));
  makeNode(at("d/dev"), 0o020644, deviceNumber(1, 3));
});

const digest = async (selector: PathSelector) => (await digestPaths({ root, selectors: [selector] }))[0]!;

describe("a digest", () => {
  const changes: [name: string, change: () => void, differs: boolean][] = [
    ["content", () => writeFileSync(at("d/a.txt"), "A.txt"), true],
    ["a mode", () => chmodSync(at("d/sub/c.txt"), 0o600), true],
    ["an owner", () => chownSync(at("d/sub"), 1, 0), true],
    ["a group", () => chownSync(at("d/sub"), 0, 1), true],
    ["a name", () => renameSync(at("d/b.md"), at("d/c.md")), true],
    ["a file more", () => writeFileSync(at("d/sub/x"), ""), true],
    ["an empty folder less", () => rmSync(at("d/empty"), { recursive: true }), true],
    [
      "a link's target",
      () => {
        unlinkSync(at("d/up"));
        symlinkSync("../../../../d/su", at("d/up"));
      },
      true,
    ],
    [
      "a device's number",
      () => {
        unlinkSync(at("d/dev"));
        makeNode(at("d/dev"), 0o020644, deviceNumber(1, 5));
      },
      true,
    ],
    ["an attribute", () => setXattr(at("d/a.txt"), "user.x", Buffer.from("1")), true],
    ["an attribute of the host", () => setXattr(at("d/a.txt"), "trusted.x", Buffer.from("1")), false],
    ["times", () => utimesSync(at("d/a.txt"), 1, 1), false],
    ["what is beside it", () => writeFileSync(at("other/a.txt"), "new"), false],
    ["a hard link outside", () => linkSync(at("d/a.txt"), at("other/hard")), false],
  ];
  for (const [name, change, differs] of changes)
    test(`${differs ? "counts" : "doesn't count"} ${name}`, async () => {
      const before = await digest({ path: "/d" });
      expect(await digest({ path: "/d" })).toBe(before);
      change();
      expect((await digest({ path: "/d" })) !== before).toBe(differs);
    });

  test("is the same by whatever way the path is reached", async () => {
    const [direct, ...others] = await digestPaths({
      root,
      selectors: [
        { path: "/d" },
        { path: "d/" },
        { path: "/link/." },
        { path: "/other/../d" },
        { path: "/link", followLinks: true },
        { path: "/link" },
        { path: "/d/up", followLinks: true },
        { path: "/d/sub" },
      ],
    });
    expect(others.map((each) => each === direct)).toEqual([true, false, true, true, false, false, false]);
    expect(others[5]).toBe(others[6]!);
  });

  test("of wildcards and patterns counts what they take", async () => {
    const selectors: PathSelector[] = [
      { path: "/d/*.txt", wildcard: true },
      { path: "/d", includePatterns: ["**/*.txt"] },
      { path: "/d", excludePatterns: ["sub"] },
      { path: "/d", excludePatterns: ["sub", "!sub/c.txt"] },
      { path: "/none*", wildcard: true },
    ];
    const before = await digestPaths({ root, selectors });
    expect(new Set(before).size).toBe(5);
    const changed = async () => {
      const now = await digestPaths({ root, selectors });
      return now.map((each, index) => each !== before[index]);
    };
    writeFileSync(at("d/b.md"), "new");
    expect(await changed()).toEqual([false, false, true, true, false]);
    writeFileSync(at("d/b.md"), "/b.md");
    expect(await changed()).toEqual([false, false, false, false, false]);
    writeFileSync(at("d/sub/c.txt"), "new");
    expect(await changed()).toEqual([false, true, false, true, false]);
    writeFileSync(at("d/a.txt"), "new");
    expect(await changed()).toEqual([true, true, true, true, false]);
  });
});

describe("what isn't there", () => {
  const cases: [PathSelector, string][] = [
    [{ path: "/x" }, '"/x": not found'],
    [{ path: "x/" }, '"/x": not found'],
    [{ path: "/d/a.txt/x" }, '"/d/a.txt/x": not found'],
    [{ path: "/d", requiredPaths: ["/d/nope"] }, '"/d/nope": not found'],
    [{ path: "/none/*", wildcard: true }, "lstat /none: no such file or directory"],
    [{ path: "/d", excludePatterns: ["["] }, "invalid excludepatterns: [[]: syntax error in pattern"],
  ];
  for (const [selector, message] of cases)
    test(message, async () => {
      await expect(digest(selector)).rejects.toThrow(message);
    });

  test("required paths that are there are fine", async () => {
    await digest({ path: "/", includePatterns: ["d/sub/c.txt"], requiredPaths: ["/d/sub", "d/sub/c.txt"] });
  });
});
