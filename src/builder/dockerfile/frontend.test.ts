import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { isKind } from "../../base/errors.ts";
import { describeGraph, EMPTY_CONFIG, memoryRequest } from "./convert/memory-bridge.ts";
import { dockerfileFrontend, LocatedError } from "./frontend.ts";

const IMAGES = { base: EMPTY_CONFIG };
const BUILD = "FROM base\nCOPY a /\n";

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (thrown) {
    return thrown;
  }
  throw new Error("it didn't fail");
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

test("what is asked for before the build", async () => {
  const request = memoryRequest(BUILD, {}, { images: IMAGES });
  await dockerfileFrontend(request);
  expect(request.bridge.asked.toSorted()).toEqual([
    "[internal] load .dockerignore",
    "[internal] load build definition from Dockerfile",
    "[internal] load metadata for docker.io/library/base:latest",
    "[internal] look at copied scripts",
  ]);
});

test("an ignore file of the Dockerfile's own wins", async () => {
  const request = memoryRequest(
    "",
    { filename: "x/My" },
    {
      files: {
        "local://dockerfile x/My": "# check=experimental=all\nFROM scratch\nCOPY a b\n",
        "local://dockerfile x/My.dockerignore": "# no\n/a\n",
        "local://context .dockerignore": "b\n",
      },
    },
  );
  const { definitions } = await dockerfileFrontend(request);
  expect(describeGraph(definitions.get(""))[0]).toContain('local.excludepatterns=["a"]');
  expect(request.bridge.warnings.map(({ short }) => short)).toEqual([
    expect.stringMatching(/^CopyIgnoredFile: .* \(line 3\)$/),
  ]);
});

test("a Dockerfile in small letters is found", async () => {
  const files = { "local://dockerfile sub/dockerfile": "FROM scratch\n" };
  const request = memoryRequest("", { filename: "sub/Dockerfile" }, { files });
  const { definitions } = await dockerfileFrontend(request);
  expect(definitions.get("")).toBeUndefined();
});

const DOWNLOAD = "http://buildkit-session/x";
const TAR = gzipSync("x");
const CONTEXTS: [string, Record<string, string>, Record<string, string | Uint8Array>, string[]][] = [
  [
    "a repository",
    { context: "https://h/r.git#main:sub" },
    { "git://h/r.git#main:sub Dockerfile": BUILD },
    ["0 [1/2] FROM", "1 [internal] load git source https://h/r.git#main:sub", "2 [2/2] COPY a /"],
  ],
  [
    "an archive",
    { context: DOWNLOAD },
    { [`${DOWNLOAD} context`]: TAR, [`${DOWNLOAD} Dockerfile`]: BUILD },
    ["0 [1/2] FROM", "1 [internal] load remote build context", "2  |", "3 [2/2] COPY a /"],
  ],
  [
    "a Dockerfile alone",
    { context: DOWNLOAD },
    { [`${DOWNLOAD} context`]: BUILD },
    ["0 [1/2] FROM", "1 [internal] load remote build context", "2 [2/2] COPY a /"],
  ],
  [
    "an archive, the Dockerfile from the client",
    { context: DOWNLOAD, dockerfilekey: "mine" },
    { [`${DOWNLOAD} context`]: TAR, "local://mine Dockerfile": BUILD },
    ["0 [1/2] FROM", "1 [internal] load remote build context", "2  |", "3 [2/2] COPY a /"],
  ],
];
test.each(CONTEXTS)("the context is %s", async (_, options, files, names) => {
  const { definitions } = await dockerfileFrontend(memoryRequest("", options, { files, images: IMAGES }));
  const lines = describeGraph(definitions.get(""));
  expect(lines.map((line, index) => line.slice(0, names[index]?.length))).toEqual(names);
});

const OPTIONS: [Record<string, string>, string][] = [
  [
    { platform: "linux/a/b/c" },
    'failed to parse target platform linux/a/b/c: "linux/a/b/c": cannot parse platform specifier: invalid argument',
  ],
  [{ "image-resolve-mode": "x" }, "invalid image-resolve-mode: x"],
  [{ "add-hosts": "x" }, "failed to parse additional hosts: invalid key-value pair x"],
  [{ "add-hosts": "x=y" }, "failed to parse additional hosts: failed to parse IP y"],
  [
    { ulimit: "nofile=2:1" },
    "failed to parse ulimit: ulimit soft limit must be less than or equal to hard limit: 2 > 1",
  ],
  [{ ulimit: "x=1" }, "failed to parse ulimit: invalid ulimit type: x"],
  [{ "force-network-mode": "x" }, "invalid netmode x"],
  [{ "multi-platform": "x" }, "invalid boolean value for multi-platform: x"],
  [
    { "multi-platform": "0", platform: "linux/arm64,linux/amd64" },
    "conflicting config: returning multiple target platforms is not allowed",
  ],
  [{ requestid: "frontend.x" }, "unsupported request frontend.x"],
  [{ "frontend.caps": "moby.buildkit.frontend.inputs,x+forward" }, "unsupported frontend capability x"],
  [{ filename: "X" }, "failed to read dockerfile: open X: no such file or directory"],
  [
    { "build-arg:BUILDKIT_SYNTAX": "a/b" },
    "the frontend a/b can't be run: docker/dockerfile is built in, other images of frontends are not supported",
  ],
  [{ "context:base": "x" }, "invalid context specifier x for base"],
  [{ "context:base": "target:x" }, "unsupported context source target for base"],
  [{ "context:base": "input:x" }, "invalid input x for base"],
  [
    { "build-arg:SOURCE_DATE_EPOCH": "x" },
    'invalid source-date-epoch: strconv.ParseInt: parsing "x": invalid syntax: strconv.ParseInt: parsing "x": invalid syntax',
  ],
];
test.each(OPTIONS)("%j is refused", async (options, message) => {
  const thrown = await failure(dockerfileFrontend(memoryRequest(BUILD, options, { images: IMAGES })));
  expect(thrown).toMatchObject({ message });
});

/** Messages and lines as Docker 28.5 tells them; those of images as the bridge says them. */
const FAULTS: [string, string, number[][]][] = [
  ["FROM nosuch\n", "nosuch: docker.io/library/nosuch:latest: not found", [[1]]],
  [
    "FROM scratch\n\nCOPY --from=nosuch \\\n a b\n",
    "nosuch: docker.io/library/nosuch:latest: not found",
    [[3, 4]],
  ],
  ["FROM alpin\n", "alpin: docker.io/library/alpin:latest: not found (did you mean alpine?)", [[1]]],
  [
    "FROM base\nCOPY $" + "{a:x} b\n",
    'failed to process "$' + '{a:x}": unsupported modifier (:x) in substitution',
    [[2]],
  ],
  ["FROM base AS a\nONBUILD FRO x\nFROM a\n", "unknown instruction: FRO (did you mean FROM?)", [[3]]],
  [
    "FROM base AS a\nONBUILD COPY --from=z / /q\nFROM a AS b\nFROM scratch AS z\nCOPY --from=b / /\n",
    'cannot copy from stage "z", it needs to be defined before current stage "b"',
    [[3]],
  ],
  [
    "# syntax=a/b\nFROM base\n",
    "the frontend a/b can't be run: docker/dockerfile is built in, other images of frontends are not supported",
    [[1]],
  ],
];
test.each(FAULTS)("%j fails at its lines", async (dockerfile, message, lines) => {
  const thrown = await failure(dockerfileFrontend(memoryRequest(dockerfile, {}, { images: IMAGES })));
  if (!(thrown instanceof LocatedError)) throw thrown;
  expect(thrown.message).toBe(message);
  expect(thrown.places.map((ranges) => ranges.map(({ start }) => start.line))).toEqual(lines);
  expect(text(thrown.source.data)).toBe(dockerfile);
});

test("a base that isn't there is not found", async () => {
  expect(isKind(await failure(dockerfileFrontend(memoryRequest("FROM a\n"))), "not-found")).toBe(true);
});

test("docker/dockerfile is built in", async () => {
  const request = memoryRequest("# syntax=docker.io/docker/dockerfile:1.7-labs\nFROM scratch\n");
  expect((await dockerfileFrontend(request)).definitions.size).toBe(1);
});

test("warnings are told once, whatever comes of the build", async () => {
  const options = { platform: "linux/amd64,linux/arm64" };
  const request = memoryRequest("FROM base as x\nMAINTAINER me\nCOPY --from=no a b\n", options, {
    images: IMAGES,
  });
  await failure(dockerfileFrontend(request));
  expect(request.bridge.warnings.map(({ short, ranges, level }) => [short, ranges, level])).toEqual([
    ["FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)", [{ start: 1, end: 1 }], 1],
    [
      "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)",
      [{ start: 2, end: 2 }],
      1,
    ],
  ]);
  expect(request.bridge.warnings[0]?.vertex).toMatch(/^sha256:/);
});

test("warnings that are errors", async () => {
  const request = memoryRequest("# check=error=true\nFROM base as x\n", {}, { images: IMAGES });
  expect(await failure(dockerfileFrontend(request))).toMatchObject({
    message: "lint violation found for rules: FromAsCasing",
  });
});

async function ask(request: string, dockerfile: string, options: Record<string, string> = {}) {
  const all = { requestid: `frontend.${request}`, ...options };
  const { metadata, definitions } = await dockerfileFrontend(
    memoryRequest(dockerfile, all, { images: IMAGES }),
  );
  expect(definitions.size).toBe(0);
  const json: unknown = JSON.parse(text(metadata.get("result.json")));
  return { json, text: text(metadata.get("result.txt")), status: text(metadata.get("result.statuscode")) };
}

const at = (line: number) => ({ ranges: [{ start: { line }, end: { line } }] });

test("targets", async () => {
  const dockerfile = "# a is <it>\nFROM base AS a\nFROM --platform=linux/amd64 a\n";
  expect(await ask("targets", dockerfile)).toEqual({
    json: {
      targets: [
        { name: "a", description: "is <it>", base: "base", location: at(2) },
        { default: true, base: "a", platform: "linux/amd64", location: at(3) },
      ],
      sources: [btoa(dockerfile)],
    },
    text: "TARGET    DESCRIPTION\na         is <it>\n(default) \n",
    status: "",
  });
});

/** Recorded from Docker 28.5. */
test("an outline", async () => {
  const dockerfile = [
    "# U the tag",
    "ARG U=latest",
    "ARG V=$" + "U",
    "# W unused",
    "ARG W",
    "FROM base:$" + "V AS one",
    "ARG X",
    "# Y is <why>",
    "ARG Y=why$" + "X",
    "ARG TARGETARCH",
    "ARG U",
    "RUN --mount=type=secret,id=tok,required=true --mount=type=ssh --mount=type=secret,target=/t/abc from x",
    "FROM one AS app",
    "ARG Z=z",
    "RUN --mount=type=secret,id=tok,env=TOK --mount=type=ssh,id=k,required=true x",
    "",
  ].join("\n");
  const { json, text: shown } = await ask("outline", dockerfile, { "build-arg:X": "5" });
  expect(json).toEqual({
    name: "app",
    args: [
      { name: "U", description: "the tag", value: "latest", location: at(2) },
      { name: "V", value: "latest", location: at(3) },
      { name: "X", value: "5", location: at(7) },
      { name: "Y", description: "is <why>", value: "why5", location: at(9) },
      { name: "Z", value: "z", location: at(14) },
    ],
    secrets: [
      { name: "abc", location: at(12) },
      { name: "tok", location: at(15) },
    ],
    ssh: [
      { name: "default", location: at(12) },
      { name: "k", required: true, location: at(15) },
    ],
    sources: [btoa(dockerfile)],
  });
  expect(shown).toBe(
    [
      "TARGET: app",
      "",
      "BUILD ARG   VALUE    DESCRIPTION",
      "U           latest   the tag",
      "V           latest   ",
      "X           5        ",
      "Y           why5     is <why>",
      "Z           z        ",
      "",
      "SECRET   REQUIRED",
      "abc      ",
      "tok      ",
      "",
      "SSH       REQUIRED",
      "default   ",
      "k         true",
      "",
      "",
    ].join("\n"),
  );
});

test("checks of all stages, and the error that a build would end with", async () => {
  const { json, text: shown, status } = await ask("lint", "FROM base\ncmd ls\nRUN x\nRUN y\nFROM nosuch\n");
  expect(json).toMatchObject({
    warnings: [{ ruleName: "ConsistentInstructionCasing", detail: expect.any(String), location: at(2) }],
    sources: [
      {
        filename: "Dockerfile",
        language: "Dockerfile",
        definition: { def: [expect.any(String), expect.any(String)] },
      },
    ],
    buildError: { message: "nosuch: docker.io/library/nosuch:latest: not found", location: at(5) },
  });
  expect(status).toBe("1");
  expect(shown).toBe(
    [
      "",
      "WARNING: ConsistentInstructionCasing - https://docs.docker.com/go/dockerfile/rule/consistent-instruction-casing/",
      "Command 'cmd' should match the case of the command majority (uppercase)",
      "Dockerfile:2",
      "--------------------",
      "   1 |     FROM base",
      "   2 | >>> cmd ls",
      "   3 |     RUN x",
      "   4 |     RUN y",
      "--------------------",
      "",
    ].join("\n"),
  );
});

test("a file without fault", async () => {
  const { json, status } = await ask("lint", "FROM base\n");
  expect(json).toMatchObject({ warnings: null });
  expect(status).toBe("0");
});

test("requests that there are", async () => {
  const { text: shown } = await ask("subrequests.describe", "FROM base\n");
  expect(shown).toBe(
    [
      "NAME                 VERSION DESCRIPTION",
      "outline              1.0.0   List all parameters current build target supports",
      "targets              1.0.0   List all targets current build supports",
      "subrequests.describe 1.0.0   List available subrequest types",
      "",
    ].join("\n"),
  );
});
