import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { digestOf } from "../../oci/digest.ts";
import { type Definition, type Op, OpSchema } from "../messages/ops_pb.ts";
import {
  copy,
  deferred,
  diff,
  digestOfTree,
  excerpt,
  file,
  fromDefinition,
  git,
  http,
  image,
  local,
  marshal,
  merge,
  mkdir,
  mkfile,
  ociLayout,
  remove,
  run,
  type SourceFile,
  scratch,
  symlink,
  type Tree,
} from "./index.ts";

const PLATFORM = { os: "linux", architecture: "amd64" };
const graph = (tree: Tree): Definition => marshal(tree, { platform: PLATFORM });
const opsOf = ({ def }: Definition): Op[] => def.map((bytes) => fromBinary(OpSchema, bytes));

function soleSource(tree: Tree): string {
  const [op] = opsOf(graph(tree));
  if (op?.op.case !== "source") throw new Error("no source");
  const { identifier, attrs } = op.op.value;
  return [identifier, ...Object.entries(attrs).map((pair) => pair.join("="))].join(" ");
}

const AUTH = "git.authheadersecret=GIT_AUTH_HEADER git.authtokensecret=GIT_AUTH_TOKEN";
const SOURCES: [string, Tree][] = [
  ["docker-image://docker.io/library/busybox:latest", image("busybox")],
  [`docker-image://h:5/x@sha256:${"0".repeat(64)}`, image(`h:5/x@sha256:${"0".repeat(64)}`)],
  ["docker-image://docker.io/library/a:1 image.resolvemode=pull", image("a:1", { resolve: "pull" })],
  [
    'local://c local.excludepatterns=["\\u003ca\\u003e"] local.followpaths=["a","b"] local.session=s',
    local("c", { session: "s", unique: "u", followPaths: ["a", "b"], exclude: ["<a>"], include: [] }),
  ],
  ["local://c local.differ=none local.unique=u", local("c", { unique: "u", differ: "none" })],
  [`git://h/x.git ${AUTH} git.fullurl=https://h/x.git`, git("https://h/x.git?a#b")],
  [`git://h/x.git ${AUTH} git.fullurl=https://h/x.git`, git("h/x.git")],
  [
    `git://h:2/x#v:a/b ${AUTH} git.fullurl=ssh://u@h:2/x git.mountsshsock=default`,
    git("ssh://u@h:2/x", { ref: "v", folder: "/a/b/" }),
  ],
  [
    `git://h/x/y#:f ${AUTH} git.fullurl=git@h:x/y git.mountsshsock=k`,
    git("git@h:x/y", { folder: "f", ssh: "k" }),
  ],
  ["https://h/f http.filename=n http.perm=0600", http("https://h/f", { filename: "n", mode: 0o600 })],
  ["oci-layout://x@d oci.session=s oci.store=t", ociLayout("x@d", { session: "s", store: "t" })],
];
test.each(SOURCES)("%s", (expected, tree) => {
  expect(soleSource(tree)).toBe(expected);
});

/** The Op of a local source as BuildKit 0.25 encodes it. Its fields are in another order: that is the encoder's choice. */
test("a source is what BuildKit makes of it", () => {
  const recorded =
    "WgAaxQEKEmxvY2FsOi8vZG9ja2VyZmlsZRIUCgxsb2NhbC5kaWZmZXISBG5vbmUSSgoRbG9jYWwuZm9sbG93cGF0aHMSNVsiRG9ja2VyZmls" +
    "ZSIsIkRvY2tlcmZpbGUuZG9ja2VyaWdub3JlIiwiZG9ja2VyZmlsZSJdEioKDWxvY2FsLnNlc3Npb24SGW1zZmV0NmwzOXozejN6cXdrcDA3" +
    "MDNtd3ISIQoTbG9jYWwuc2hhcmVka2V5aGludBIKZG9ja2VyZmlsZQ==";
  const tree = local("dockerfile", {
    session: "msfet6l39z3z3zqwkp0703mwr",
    followPaths: ["Dockerfile", "Dockerfile.dockerignore", "dockerfile"],
    sharedKey: "dockerfile",
    differ: "none",
  });
  expect(opsOf(graph(tree))[0]).toEqual(fromBinary(OpSchema, Buffer.from(recorded, "base64")));
});

test("steps come after those that they take from, each once, named by its bytes", () => {
  const base = image("a");
  const one = run(base, { args: ["1"] }).root;
  const two = run(base, { args: ["2"] }).root;
  const same = run(image("a"), { args: ["1"] }).root;
  const definition = graph(merge([one, two, same]));
  const ops = opsOf(definition);
  const digests = definition.def.map(digestOf);
  expect(ops.map(({ op }) => op.case)).toEqual(["source", "exec", "exec", "merge", undefined]);
  expect(ops.map(({ inputs }) => inputs.map(({ digest }) => digests.indexOf(digest as never)))).toEqual([
    [],
    [0],
    [0],
    [1, 2, 1],
    [3],
  ]);
  expect(graph(merge([one, two, same]))).toEqual(definition);
  expect(digestOfTree(one, { platform: PLATFORM })).toBe(digests[1]!);
});

test("scratch is an empty graph", () => {
  expect(graph(scratch()).def).toEqual([]);
  expect(merge([scratch(), scratch()])).toBe(scratch());
  const tree = image("a");
  expect(merge([scratch(), tree])).toBe(tree);
  expect(diff(scratch(), tree)).toBe(tree);
});

test("platforms are those of commands and images", () => {
  const arm = { os: "linux", architecture: "arm64", variant: "v8" };
  const built = run(image("a", { platform: arm }), { args: ["x"] }).root;
  const ops = opsOf(graph(file(built, mkdir("/x"))));
  expect(ops.map(({ platform }) => platform && [platform.architecture, platform.variant])).toEqual([
    ["arm64", "v8"],
    ["amd64", ""],
    undefined,
    undefined,
  ]);
});

test("what a command writes are the root and its writable mounts, in the order of their targets", () => {
  const { root, mounts } = run(image("a"), {
    args: ["x"],
    env: { A: "b" },
    mounts: [
      { target: "/z" },
      { target: "/b", from: image("b"), source: "/s" },
      { target: "/c", from: image("b"), readOnly: true },
      { target: "/d", from: image("b"), discard: true },
      { type: "tmpfs", target: "/a", size: 5 },
      { type: "cache", target: "/e", id: "i", sharing: "private" },
      { type: "ssh" },
      { type: "secret", id: "s", target: "/q", optional: true },
    ],
    secretEnv: [{ id: "t", name: "T" }],
  });
  expect(root.output).toBe(0);
  expect([...mounts].map(([target, { output }]) => [target, output])).toEqual([
    ["/b", 1],
    ["/z", 2],
  ]);
  const { op } = opsOf(graph(root)).at(-2)!;
  if (op.case !== "exec") throw new Error("no command");
  expect(op.value.mounts.map(({ dest, input, output }) => [dest, Number(input), Number(output)])).toEqual([
    ["/", 0, 0],
    ["/a", -1, -1],
    ["/b", 1, 1],
    ["/c", 1, -1],
    ["/d", 1, -1],
    ["/e", -1, -1],
    ["/z", -1, 2],
    ["/q", -1, 0],
    ["/run/buildkit/ssh_agent.0", -1, 0],
  ]);
  expect(op.value.meta?.env).toEqual(["A=b", "SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0"]);
  expect(op.value.secretenv).toMatchObject([{ id: "t", name: "T", optional: false }]);
});

test("a command with a read-only root leaves it as it is", () => {
  const base = image("a");
  const { root, mounts } = run(base, { args: ["x"], readOnlyRoot: true, mounts: [{ target: "/out" }] });
  expect(root).toBe(base);
  expect(mounts.get("/out")?.output).toBe(0);
  expect(() => run(base, { args: [] })).toThrow("arguments are required");
});

test("file changes work on each other's results", () => {
  const tree = file(image("a"), [
    mkdir("x//y/", { parents: true, owner: { uid: 1, gid: 2 } }),
    copy(image("b"), "s/", "/d/.", { mode: "a+r" }),
    copy(image("a"), "s", "/d/", { owner: "me", time: 2 }),
    mkfile("/f", "text", { mode: 0o4600 }),
    symlink("f", "/g"),
    remove("/h", { wildcard: true }),
  ]);
  const op = opsOf(graph(tree)).at(-2)!;
  if (op.op.case !== "file") throw new Error("no file operation");
  expect(op.inputs).toHaveLength(2);
  const shown = op.op.value.actions.map(({ input, secondaryInput, output, action }) => [
    action.case,
    Number(input),
    Number(secondaryInput),
    Number(output),
  ]);
  expect(shown).toEqual([
    ["mkdir", 0, -1, -1],
    ["copy", 2, 1, -1],
    ["copy", 3, 0, -1],
    ["mkfile", 4, -1, -1],
    ["symlink", 5, -1, -1],
    ["rm", 6, -1, 0],
  ]);
  expect(op.op.value.actions.map(({ action }) => action.value)).toMatchObject([
    {
      path: "/x/y",
      mode: 0o755,
      makeParents: true,
      timestamp: -1n,
      owner: { user: { user: { case: "byId", value: 1 } } },
    },
    { src: "/s", dest: "/d/.", mode: 0, modeStr: "a+r" },
    {
      src: "/s",
      dest: "/d/",
      mode: -1,
      timestamp: 2_000_000n,
      owner: { user: { user: { value: { name: "me", input: 0n } } } },
    },
    { path: "/f", mode: 0o600 },
    { oldpath: "f", newpath: "/g" },
    { path: "/h", allowWildcard: true },
  ]);
});

test("what is said about a step is beside it, not in its name", () => {
  const plain = run(image("a"), { args: ["x"] }).root;
  const named = run(image("a"), {
    args: ["x"],
    name: "building",
    description: { k: "v" },
    ignoreCache: true,
    progressGroup: { id: "g", name: "group" },
  }).root;
  const [first, second] = [graph(plain), graph(named)];
  expect(second.def).toEqual(first.def);
  expect(second.metadata[digestOf(second.def[1]!)]).toMatchObject({
    ignoreCache: true,
    description: { k: "v", "llb.customname": "building" },
    progressGroup: { id: "g", name: "group", weak: false },
  });
  // Two of the same bytes are one: either's word counts.
  const both = graph(merge([named, plain]));
  expect(both.metadata[digestOf(both.def[1]!)]).toMatchObject({ ignoreCache: true, description: { k: "v" } });
});

const FILE: SourceFile = { filename: "F", data: new Uint8Array([97]), language: "TypeScript" };
const range = { start: { line: 3, character: 0 }, end: { line: 4, character: 1 } };

test("steps know where they are written", () => {
  const locations = [{ file: FILE, ranges: [range] }];
  const other = [{ file: { ...FILE }, ranges: [] }];
  const tree = run(image("a", { locations: other }), { args: ["x"], locations }).root;
  const { source, def } = graph(tree);
  expect(source?.infos).toMatchObject([{ filename: "F", language: "TypeScript" }]);
  expect(source?.locations[digestOf(def[1]!)]?.locations).toMatchObject([
    { sourceIndex: 0, ranges: [range] },
  ]);
});

test("somebody else's graph keeps its bytes", () => {
  const locations = [{ file: FILE, ranges: [range] }];
  const { mounts } = run(image("a"), { args: ["x"], name: "n", mounts: [{ target: "/o" }], locations });
  const first = graph(mounts.get("/o")!);
  const taken = fromDefinition(first);
  expect(taken.output).toBe(1);
  expect(graph(taken)).toEqual(first);
  expect(graph(file(taken, mkdir("/x"))).def.slice(0, 2)).toEqual(first.def.slice(0, 2));
  expect(fromDefinition(graph(scratch()))).toBe(scratch());
  expect(() => fromDefinition({ ...first, def: first.def.slice(1) })).toThrow("invalid missing input digest");
  expect(() => fromDefinition({ ...first, def: [new Uint8Array([255])] })).toThrow(
    "failed to parse llb proto op",
  );
});

test("a deferred source is made when the graph is", () => {
  const paths: string[] = [];
  const context = deferred(() => local("c", { followPaths: paths }));
  const tree = file(scratch(), copy(context, "/a", "/"));
  paths.push("a");
  expect(soleSource(tree)).toBe('local://c local.followpaths=["a"]');
  paths.push("too late");
  expect(soleSource(tree)).toBe('local://c local.followpaths=["a"]');
});

test("a chain of many steps", () => {
  let tree = image("a");
  for (let index = 0; index < 20_000; index++) tree = file(tree, mkdir(`/${index}`));
  expect(graph(tree).def).toHaveLength(20_002);
});

const TEXT = "1\n2\n3\n4\n5\n6\n7\n8\n9";
const at = (start: number, end = start) => ({ start: { line: start }, end: { line: end } });
/** The first and the last line shown, and those marked, as BuildKit's clients show them. */
const EXCERPTS: [number, ReturnType<typeof at>[], string][] = [
  [5, [at(5)], "3-7 5"],
  [1, [at(1)], "1-3 1"],
  [9, [at(9)], "7-9 9"],
  [4, [at(4, 5)], "3-6 4 5"],
  [2, [at(2), at(5)], "1-6 2 5"],
  [8, [at(8, 20)], "7-9 8 9"],
];
test.each(EXCERPTS)("an excerpt at %d", (first, ranges, expected) => {
  const lines = excerpt("F", TEXT, ranges).split("\n");
  expect(lines[0]).toBe(`F:${first}`);
  const shown = lines.slice(2, -2);
  const numbers = shown.map((line) => Number(line.slice(0, 4)));
  const marked = shown.filter((line) => line.includes(">>>")).map((line) => line.at(-1));
  expect(`${numbers[0]}-${numbers.at(-1)} ${marked.join(" ")}`).toBe(expected);
});

test("no excerpt of lines that aren't there", () => {
  expect(excerpt("F", TEXT, [at(10)])).toBe("");
  expect(excerpt("F", TEXT, [at(0)])).toBe("");
  expect(excerpt("F", TEXT, [])).toBe("");
});
