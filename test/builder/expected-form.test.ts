import { expect, test } from "bun:test";
import { archiveOf } from "./archive.ts";
import { differingFields, withDifferences } from "./compare.ts";
import { normalised, printedForm } from "./expected-form.ts";
import { archiveTree, changes, listOf, treeOf } from "./tree.ts";

const lower = archiveOf([
  { path: "d", type: "folder" },
  { path: "d/gone", text: "x" },
  { path: "d/kept", text: "a\tb\n" },
  { path: "d/linked", type: "hard-link", target: "d/kept" },
  { path: "e/f", text: "f", uid: 1, gid: 2, mode: "4755" },
  { path: "l", type: "symlink", target: "d" },
]);

test("a tree's list has a line a file", () => {
  expect(listOf(treeOf([lower]))).toEqual([
    "/d folder 0755 0:0",
    "/d/gone file 0644 0:0 'x'",
    "/d/kept file 0644 0:0 'a⇥b↵'",
    "/d/linked same as /d/kept",
    "/e folder 0755 0:0",
    "/e/f file 4755 1:2 'f'",
    "/l symlink 0:0 -> d",
  ]);
});

const UPPER = [
  { path: "d/.wh.gone", text: "" },
  { path: "d/new", text: "\0".repeat(2), time: 1_600_000_000 },
  { path: "e/.wh..wh..opq", text: "" },
  { path: "e/g", text: "g" },
  { path: "l", type: "folder" as const },
];

test("whiteouts hide what lower layers have, packed or not", () => {
  for (const layer of [
    archiveOf(UPPER),
    Bun.gzipSync(new Uint8Array(archiveOf(UPPER))),
    Bun.zstdCompressSync(archiveOf(UPPER)),
  ])
    expect(changes(listOf(treeOf([lower])), listOf(treeOf([lower, layer])))).toEqual([
      "/d/gone removed",
      "/d/new file 0644 0:0 2 bytes sha256:96a296d224f285c6",
      "/e/f removed",
      "/e/g file 0644 0:0 'g'",
      "/l folder 0755 0:0",
    ]);
});

test("a file over a folder takes away what is in it; of what is gone the top alone is listed", () => {
  const file = archiveOf([{ path: "d", text: "file" }]);
  const base = listOf(treeOf([lower]));
  expect(listOf(treeOf([lower, file])).filter((line) => line.startsWith("/d"))).toEqual([
    "/d file 0644 0:0 'file'",
  ]);
  expect(changes(base, listOf(treeOf([lower, archiveOf([{ path: ".wh.d", text: "" }])])))).toEqual([
    "/d removed",
  ]);
});

test("in an archive that is no layer a whiteout is a file", () => {
  expect(listOf(archiveTree(archiveOf([{ path: ".wh.x", text: "" }])))).toEqual(["/.wh.x file 0644 0:0 ''"]);
});

test("warnings, the error and its excerpt out of what a client prints", () => {
  const short = Buffer.from("StageNameCasing: text (line 1)").toString("base64");
  const text = [
    `{"warnings":[{"vertex":"x","level":1,"short":"${short}"}]}`,
    "Dockerfile:2",
    "--------------------",
    "   1 |     FROM a AS B",
    "   2 | >>> RUN false",
    "   3 |     ",
    "--------------------",
    "ERROR: failed to build: it did not complete",
    "",
  ].join("\n");
  expect(printedForm(text)).toEqual({
    warnings: ["StageNameCasing: text (line 1)"],
    error: "failed to build: it did not complete",
    at: "Dockerfile:2",
    excerpt: ["   1 |     FROM a AS B", "   2 | >>> RUN false", "   3 |"],
  });
});

test("addresses, folders and ids are replaced", () => {
  const where = { site: "127.0.0.1:999", folder: "/var/tmp/x" };
  const error = `http://127.0.0.1:999/a /var/tmp/x/b /d/buildkit12/etc sha256:${"a".repeat(64)} ref ${"b".repeat(25)}::${"c".repeat(25)}`;
  expect(normalised({ error }, where)).toEqual({
    error: "http://SITE_ADDRESS/a FOLDER/b /etc sha256:… ref REF",
  });
});

test("differences are named by field, and declared ones are taken over", () => {
  const image = { platform: "linux/amd64", config: {}, layers: 1, history: ["a"], files: [] };
  const recorded = { image, warnings: ["w"] };
  const seen = { image: { ...image, history: ["b"] } };
  expect(differingFields(recorded, seen)).toEqual(["image.history", "warnings"]);
  const differences = [
    { field: "image.history", ours: ["b"], reason: "" },
    { field: "warnings", reason: "" },
  ];
  expect(withDifferences(recorded, differences)).toEqual(seen);
});
