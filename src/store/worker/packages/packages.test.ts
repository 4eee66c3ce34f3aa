import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readApk, readDpkg, readOsRelease } from "./databases.ts";
import { readGo, readNpm, readPython } from "./languages.ts";

const names = (found: { name: string; version: string }[]) =>
  found.map(({ name, version }) => `${name} ${version}`);

describe("dpkg", () => {
  test.each([
    ["one", "Package: a\nStatus: install ok installed\nVersion: 1:2-3\n", ["a 1:2-3"]],
    ["without a state, as in status.d", "Package: a\nVersion: 1\n", ["a 1"]],
    ["removed ones are none", "Package: a\nStatus: deinstall ok config-files\nVersion: 1\n", []],
    [
      "what goes on in the next line is no field",
      "Package: a\nDescription: x\n Version: 9\nVersion: 1\n",
      ["a 1"],
    ],
    ["two", "Package: a\nVersion: 1\n\nPackage: b\nVersion: 2\n", ["a 1", "b 2"]],
    ["none", "", []],
  ])("%s", (_, text, expected) => expect(names(readDpkg(text, "x"))).toEqual(expected));
});

test("apk", () => {
  const text = "C:Q1=\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\nU:https://musl.libc.org/\nF:lib\nR:ld\n\nP:b\n";
  expect(readApk(text, "x")).toEqual([
    {
      type: "apk",
      name: "musl",
      version: "1.2.4-r2",
      architecture: "x86_64",
      license: "MIT",
      homepage: "https://musl.libc.org/",
      source: "x",
    },
  ]);
});

test("os-release", () => {
  expect(readOsRelease("NAME=x\nID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='A B'\n# ID=no\n")).toEqual({
    id: "debian",
    version: "12",
    name: "A B",
  });
});

describe("languages", () => {
  test("npm", () => {
    expect(readNpm('{"name":"@a/b","version":"1.0.0","license":{"type":"x"}}', "x")).toEqual({
      type: "npm",
      name: "@a/b",
      version: "1.0.0",
      source: "x",
    });
    for (const text of ["", "[]", "null", '{"name":"a"}', '{"name":1,"version":"1"}'])
      expect(readNpm(text, "x")).toBeUndefined();
  });

  test("Python, whose names have one spelling", () => {
    expect(readPython("Name: A_b.C\nVersion: 1\nLicense: UNKNOWN\n\nVersion: 2\n", "x")).toEqual({
      type: "pypi",
      name: "a-b-c",
      version: "1",
      source: "x",
    });
    expect(readPython("Name: a\n\nVersion: 1\n", "x")).toBeUndefined();
  });

  /** What Go's linker writes: the mark, sizes and flags, then two texts, the second one in marks of its own. */
  const program = (version: string, modules: string, flags = 2) => {
    const text = (value: string) => Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)]);
    const head = Buffer.alloc(32);
    head.write("\xff Go buildinf:", "latin1");
    head[14] = 8;
    head[15] = flags;
    return Buffer.concat([
      Buffer.alloc(64),
      head,
      text(version),
      text(`${"<".repeat(16)}${modules}${">".repeat(16)}`),
    ]);
  };
  const varint = (value: number) => {
    const bytes: number[] = [];
    for (let rest = value; ; rest >>>= 7) {
      bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) return Buffer.from(bytes);
    }
  };

  test("Go", () => {
    const modules =
      "path\tx\nmod\tx.org/me\tv0.1.0\th1:\ndep\ta.org/b\tv1.2.3\th1:\ndep\tc.org/d\tv1.0.0\n=>\te.org/d\tv2.0.0\th1:\n";
    expect(names(readGo(program("go1.22.1", modules), "x"))).toEqual([
      "x.org/me v0.1.0",
      "a.org/b v1.2.3",
      "e.org/d v2.0.0",
      "stdlib 1.22.1",
    ]);
    expect(names(readGo(program("go1.22.1", "mod\tx\t(devel)\n"), "x"))).toEqual(["stdlib 1.22.1"]);
    expect(readGo(program("go1.10", "", 0), "x")).toEqual([]);
    const whole = program("go1.22.1", modules);
    for (let length = 0; length < whole.length; length += 7) readGo(whole.subarray(0, length), "x");
  });

  test("nothing that a file may hold stops a scan", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = Buffer.from(bytes).toString();
        for (const read of [readDpkg, readApk]) expect(Array.isArray(read(text, "x"))).toBe(true);
        readNpm(text, "x");
        readPython(text, "x");
        readOsRelease(text);
        const head = Buffer.from("\xff Go buildinf:\x08\x02", "latin1");
        expect(Array.isArray(readGo(Buffer.concat([head, bytes]), "x"))).toBe(true);
      }),
    );
  });
});
