import { expect, test } from "bun:test";
import { looksLikeArchive } from "./archive-head.ts";

const tar = (await Bun.$`tar -cf - -C ${import.meta.dir} archive-head.ts`.quiet()).stdout;

test.each([
  ["tar", tar.subarray(0, 1024), true],
  ["one block of tar", tar.subarray(0, 512), true],
  ["gzip", Bun.gzipSync(new Uint8Array(tar)), true],
  ["a Dockerfile", Buffer.from(`FROM scratch\n${"#".repeat(2000)}\n`), false],
  ["nothing", new Uint8Array(), false],
  ["an empty archive", new Uint8Array(1024), true],
  ["tar with a broken checksum", Buffer.concat([Buffer.from("x"), tar.subarray(1, 1024)]), false],
])("%s", (_, head, expected) => {
  expect(looksLikeArchive(head)).toBe(expected);
});
