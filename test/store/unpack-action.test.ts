// The file action "copy" of archives that ADD unpacks, against the kernel, as Docker 28.5's builder does it.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { applyFileActions, type CopyAction, type FileAction } from "../../src/store/index.ts";
import { archiveOf } from "./archives.ts";
import { COPY, fill, list } from "./file-trees.ts";
import { disposeAll, temporaryRoot } from "./temporary-root.ts";

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
