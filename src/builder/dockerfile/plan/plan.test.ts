// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the shell's ${…}, not JavaScript's.
import { expect, test } from "bun:test";
import {
  contextNames,
  dependenciesOf,
  destinationPath,
  instructionName,
  linterFor,
  metadataName,
  mountTarget,
  parseGitSource,
  parseTrigger,
  planDockerfile,
  platformArgs,
  proxiesOf,
  reachableStages,
  stageLabel,
  stateOfImage,
  stepName,
  takeStep,
  workdirPath,
} from "./index.ts";
import type { PlanInputs } from "./types.ts";

const AMD64 = { os: "linux", architecture: "amd64" };
const ARM64 = { os: "linux", architecture: "arm64" };

function plan(text: string, inputs: Partial<PlanInputs> = {}) {
  const all = { buildArgs: new Map(), buildPlatform: AMD64, targetPlatform: AMD64, target: "", ...inputs };
  return planDockerfile(text, all, linterFor(text));
}

const GRAPH = [
  "ARG tag=1",
  "FROM debian:$tag AS base",
  "FROM base AS One",
  "FROM busybox AS two",
  "COPY --from=ONE a b",
  "COPY --from=0 a b",
  "COPY --from=nginx a b",
  "FROM scratch",
  "RUN --mount=type=cache,target=/c --mount=from=two,target=/t x",
  "FROM alpine AS apart",
].join("\n");

test("stages are linked to their bases and sources", () => {
  const { stages } = plan(GRAPH);
  expect(stages.map(({ base }) => base)).toEqual([
    { kind: "image", name: "debian:1" },
    { kind: "stage", index: 0 },
    { kind: "image", name: "busybox" },
    { kind: "scratch" },
    { kind: "image", name: "alpine" },
  ]);
  expect(stages.map(({ label }) => label)).toEqual(["base", "one", "two", "stage-3", "apart"]);
  expect(stages[2]!.steps.map(({ sources }) => sources)).toEqual([
    [{ kind: "stage", index: 1 }],
    [{ kind: "stage", index: 0 }],
    [{ kind: "image", name: "nginx" }],
  ]);
  expect(stages[3]!.steps[0]!.sources).toEqual([{ kind: "scratch" }, { kind: "stage", index: 2 }]);
  expect(stages.map(dependenciesOf)).toEqual([[], [0], [1, 0], [2], []]);
});

const TARGETS: [string, number, number[]][] = [
  ["", 4, [4]],
  ["TWO", 2, [0, 1, 2]],
  ["one", 1, [0, 1]],
];
test.each(TARGETS)("target %j is stage %d and needs %j", (target, index, needed) => {
  const made = plan(GRAPH, { target });
  expect(made.target.index).toBe(index);
  expect([...reachableStages(made.stages, made.target)].sort()).toEqual(needed);
});

test("twenty thousand stages in a row, and a ring of them", () => {
  const row = Array.from(
    { length: 20_000 },
    (_, i) => `FROM scratch AS s${i}\nCOPY --from=s${i + 1} a b\n`,
  ).join("");
  expect(plan(`${row}FROM scratch AS s20000\n`).stages).toHaveLength(20_001);
  expect(() => plan(`${row}FROM scratch AS s20000\nCOPY --from=s0 a b\n`)).toThrow(
    "circular dependency detected on stage: s0",
  );
}, 60_000);

test("a context of the client takes a stage's place", () => {
  const { stages } = plan("FROM a AS x\nFROM x\n", { hasContext: (name) => name === "x" });
  expect(stages.map(({ base }) => base)).toEqual([
    { kind: "context", name: "x" },
    { kind: "stage", index: 0 },
  ]);
});

test("arguments: what is given wins over defaults, also over the platform's", () => {
  const buildArgs = new Map([
    ["TARGETARCH", "z80"],
    ["v", "2"],
  ]);
  const { globals } = plan("ARG v=1\nARG w=$v-$TARGETOS\nARG u\nFROM scratch\n", { buildArgs });
  expect(globals.values.get("w")).toBe("2-linux");
  expect(globals.values.get("TARGETARCH")).toBe("z80");
  expect(globals.values.has("u")).toBe(false);
  expect([...globals.definitions.keys()]).toEqual(["v", "w", "u"]);
  expect(platformArgs(AMD64, { ...ARM64, variant: "v8" }, "", new Map())).toEqual(
    new Map([
      ["BUILDPLATFORM", "linux/amd64"],
      ["BUILDOS", "linux"],
      ["BUILDOSVERSION", ""],
      ["BUILDARCH", "amd64"],
      ["BUILDVARIANT", ""],
      ["TARGETPLATFORM", "linux/arm64/v8"],
      ["TARGETOS", "linux"],
      ["TARGETOSVERSION", ""],
      ["TARGETARCH", "arm64"],
      ["TARGETVARIANT", "v8"],
      ["TARGETSTAGE", "default"],
    ]),
  );
  expect(
    proxiesOf(
      new Map([
        ["HTTP_PROXY", "a"],
        ["no_proxy", "b"],
        ["x", "c"],
      ]),
    ),
  ).toEqual({ http_proxy: "a", no_proxy: "b" });
  expect(proxiesOf(buildArgs)).toBeUndefined();
});

const start = stateOfImage({
  ...AMD64,
  config: { Env: ["BASE=1"] },
  rootfs: { type: "layers", diff_ids: [] },
});

/** Takes all instructions of a one-stage file. */
function take(lines: string, buildArgs = new Map<string, string>()) {
  const { stages, globals, escape: token } = plan(`FROM scratch\n${lines}\n`, { buildArgs });
  const context = { escape: token, globals, buildArgs };
  let result: ReturnType<typeof takeStep> | undefined;
  for (const { instruction } of stages[0]!.steps)
    result = takeStep(result?.state ?? start, instruction, context);
  return result!;
}
const lastText = (lines: string, buildArgs?: Map<string, string>) =>
  take(lines, buildArgs).state.image.history?.at(-1)?.created_by;

test("RUN's command, mounts and history", () => {
  const { command, mounts, state } = take(
    'ARG a\nARG b=2\nENV b=3\nSHELL ["bash","-c"]\nRUN --mount=type=cache,target=$BASE/$b x $y',
  );
  expect(command).toEqual({ args: ["bash", "-c", "x $y"] });
  expect(mounts).toMatchObject([{ target: "1/3" }]);
  expect(state.image.history?.at(-1)).toEqual({
    created_by: "RUN |2 a= b=3 bash -c x $y # buildkit",
    comment: "buildkit.dockerfile.v0",
  });
  expect(lastText('RUN ["a", "b c"]')).toBe("RUN a b c # buildkit");
  expect(lastText("ARG a=1\nARG a=2\nRUN x")).toBe("RUN |1 a=2 /bin/sh -c x # buildkit");
});

test("RUN's here-documents: a script, the shell's input, and the shell's own", () => {
  expect(take("RUN <<E\na\nb\nE").command).toEqual({ args: ["/bin/sh", "-c", "a\nb\n"] });
  expect(take("RUN <<-E\n\ta\nE").command).toEqual({ args: ["/bin/sh", "-c", "a\n"] });
  expect(take("RUN <<E\n#!/x\nE").command).toEqual({
    args: ["/bin/sh", "-c", "/dev/pipes/E"],
    script: { folder: "/dev/pipes/", name: "E", content: "#!/x\n" },
  });
  expect(take("RUN cat <<A - <<B\n1\nA\n2\nB").command?.args.at(-1)).toBe("cat <<A - <<B\n1\nA\n2\nB");
});

test("triggers are parsed at the FROM that brings them", () => {
  const lines = { start: 4, end: 4 };
  expect(parseTrigger("COPY <<E /a\nx\nE", lines)).toMatchObject({ kind: "copy", lines });
  expect(() => parseTrigger("RUN a\nRUN b", lines)).toThrow("onbuild trigger should be a single expression");
});

const NAMES: [string, string][] = [
  ['run  a $BASE "$BASE" $none', 'RUN  a 1 "1" $none'],
  ['copy "a b" $BASE $none/', "COPY a b 1 /"],
  ["RUN <<E\n a\nb\nE", "RUN <<E (a...)"],
  ["RUN <<E cat\na\nE", "RUN <<E cat"],
  ["RUN it's", "RUN it's"],
];
test.each(NAMES)("%j is called %j", (line, name) => {
  const { stages } = plan(`FROM scratch\n${line}\n`);
  expect(instructionName(stages[0]!.steps[0]!.instruction, start.variables, "\\")).toBe(name);
});

test("places of steps, and what is the builder's own", () => {
  expect(stepName({ stage: "a", number: 2, total: 12 }, "RUN x")).toBe("[a  2/12] RUN x");
  expect(stepName({ stage: "", number: 1, total: 3, triggered: true }, "ENV x")).toBe("[1/3] ONBUILD ENV x");
  expect(stepName({ stage: "", number: 1, total: 0 }, "x")).toBe("x");
  const cross = { own: AMD64, variables: new Map([["TARGETARCH", "arm64"]]) };
  expect(stepName({ stage: "a", number: 1, total: 1, platform: cross }, "x")).toBe(
    "[linux/amd64->arm64 a 1/1] x",
  );
  expect(metadataName("a:b")).toBe("[internal] load metadata for a:b");
  expect(metadataName("a:b", ARM64)).toBe("[linux/arm64 internal] load metadata for a:b");
});

test.each([
  ["FROM a\nRUN x", ""],
  ["FROM a\nRUN --mount=type=secret,id=x y", "stage-0"],
  ["FROM a\nCOPY --from=b x y", "stage-0"],
  ["FROM a\nFROM b", "stage-0"],
])("the first stage of %j is called %j", (text, label) => {
  const { stages } = plan(text);
  expect(stageLabel(stages, stages[0]!)).toBe(label);
});

test("where named contexts are looked for", () => {
  expect(contextNames("docker.io/library/alpine:latest", ARM64)).toEqual(["alpine::linux/arm64", "alpine"]);
  expect(contextNames("a/b:1", AMD64)).toEqual(["a/b:1::linux/amd64", "a/b:1"]);
  expect(contextNames("Scratch", AMD64)).toEqual([]);
});

test.each([
  ["/a", "b", "/a/b"],
  ["/a", "", "/a"],
  ["", "b/", "/b"],
  ["/a", "../../b", "/b"],
  ["/a", "/b/../c/", "/b/../c/"],
])("WORKDIR after %j: %j is %j", (current, path, expected) => {
  expect(workdirPath(current, path)).toBe(expected);
});

test.each([
  ["/a", "b", "/a/b"],
  ["/a", "b/", "/a/b/"],
  ["/a", ".", "/a/"],
  ["/a", "", "/a/"],
  ["/a", "b/.", "/a/b/."],
  ["/", ".", "/"],
  ["/a", "/b/", "/b/"],
])("COPY in %j to %j goes to %j", (workdir, path, expected) => {
  expect(destinationPath(workdir, path)).toBe(expected);
});

test("a mount's target", () => {
  expect(mountTarget("/a", "b")).toBe("/a/b");
  expect(mountTarget("", "b")).toBe("/b");
  expect(mountTarget("/a", "/c")).toBe("/c");
});

const GIT: [string, object | undefined][] = [
  ["https://h/a.git", { remote: "https://h/a.git", ref: "", folder: "" }],
  ["https://h/a.git#v1:sub/dir", { ref: "v1", folder: "sub/dir" }],
  [
    "https://h/a.git?tag=v1&subdir=b&keep-git-dir&checksum=abc",
    { ref: "refs/tags/v1", folder: "b", keepGitDir: true, checksum: "abc" },
  ],
  ["https://h/a.git?branch=main&submodules=false", { ref: "refs/heads/main", submodules: false }],
  ["git@h:a/b.git#main", { remote: "git@h:a/b.git", ref: "main" }],
  ["git://h/a", { remote: "git://h/a" }],
  ["ssh://git@h/a", { remote: "ssh://git@h/a" }],
  ["https://h/a.tar.gz", undefined],
  ["./a.git", undefined],
  ["a.git", undefined],
  ["github.com/a/b.git", undefined],
  ["ftp://h/a.git", undefined],
];
test.each(GIT)("source %s", (text, expected) => {
  if (expected) expect(parseGitSource(text)).toMatchObject(expected);
  else expect(parseGitSource(text)).toBeUndefined();
});
