import { expect, test } from "bun:test";
import { file, image, local, marshal, mkfile, scratch } from "../../../buildkit/llb/index.ts";
import type { ImageConfig } from "../../../oci/types.ts";
import { dockerfileFrontend } from "../frontend.ts";
import { describeGraph, EMPTY_CONFIG, type MemoryFiles, memoryRequest } from "./memory-bridge.ts";

const FROM = "FROM base\n";
const IMAGES = { base: EMPTY_CONFIG };

async function graphOf(
  dockerfile: string,
  options: Record<string, string> = {},
  given: Parameters<typeof memoryRequest>[2] = {},
): Promise<string[]> {
  const request = memoryRequest(dockerfile, options, { images: IMAGES, ...given });
  const { definitions } = await dockerfileFrontend(request);
  expect(definitions.size).toBe(1);
  // How copies are made is the same for all of them, see the first test.
  return describeGraph([...definitions.values()][0]).map((line) =>
    line
      .replace(/ followSymlink=true dirCopyContents=true/g, "")
      .replace(/ createDestPath=true/g, "")
      .replace(/ allowWildcard=true allowEmptyWildcard=true/g, ""),
  );
}

/** The one step that an instruction becomes, its name left out. */
async function stepOf(instructions: string, options: Record<string, string> = {}): Promise<string> {
  const lines = await graphOf(FROM + instructions, options);
  return lines.at(-1)!.replace(/^.* \| /, "");
}

test("an image, a command and a copy", async () => {
  const request = memoryRequest(
    "FROM base\nENV A=b\nUSER me\nWORKDIR /w\nCOPY --chown=me:2 --chmod=u+x x y/ ./\nRUN make\n",
    {},
    { images: IMAGES, files: { "local://context .dockerignore": "out\n!out/kept\n" } },
  );
  const { definitions } = await dockerfileFrontend(request);
  expect(describeGraph(definitions.get(""))).toEqual([
    "0 [1/4] FROM docker.io/library/base:latest@… | docker-image://docker.io/library/base:latest@… linux/amd64",
    '1 [2/4] WORKDIR /w | mkdir(0) path=/w mode=493 makeParents=true owner={"user":{"user":{"case":"byName","value":{"name":"me","input":0}}}} <- 0',
    '2 [internal] load build context | local://context local.excludepatterns=["out","!out/kept"] local.followpaths=["x","y"] local.session=session local.sharedkeyhint=context',
    expect.stringMatching(
      /^3 \[3\/4\] COPY --chown=me:2 --chmod=u\+x x y\/ \.\/ \| copy\(0,1\) src=\/x dest=\/w\/ followSymlink=true dirCopyContents=true createDestPath=true allowWildcard=true allowEmptyWildcard=true modeStr=u\+x owner=.*"name":"me","input":0.*"byId","value":2.*; copy\(2,1\) src=\/y dest=\/w\/ .* <- 1 2$/,
    ),
    '4 [4/4] RUN make | exec ["/bin/sh","-c","make"] env=["PATH=/bin","A=b"] cwd=/w user=me {dest=/ in=0 out=0} <- 3',
  ]);
});

const RUN = 'exec ["/bin/sh","-c","x"] env=["PATH=/bin"] cwd=/';
const ROOT = "{dest=/ in=0 out=0}";
const RUNS: [string, string, Record<string, string>?][] = [
  ['RUN ["x", "y"]', `exec ["x","y"] env=["PATH=/bin"] cwd=/ ${ROOT} <- 0`],
  ["RUN --network=none x", `${RUN} network=2 ${ROOT} <- 0`],
  ["RUN --security=insecure x", `${RUN} security=1 ${ROOT} <- 0`],
  ["RUN x", `${RUN} network=1 ${ROOT} <- 0`, { "force-network-mode": "host" }],
  ["RUN x", `${RUN} ${ROOT} <- 0 no-cache`, { "no-cache": "" }],
  ["RUN x", `${RUN} ${ROOT} <- 0`, { "no-cache": "other,stages" }],
  ["RUN x", `${RUN} hostname=h ${ROOT} <- 0`, { hostname: "h" }],
  ["RUN x", `${RUN} cgroupParent=/c ${ROOT} <- 0`, { "cgroup-parent": "/c" }],
  [
    "RUN x",
    `${RUN} extraHosts=[{"host":"a","ip":"1.2.3.4"},{"host":"b","ip":"::1"}] ${ROOT} <- 0`,
    { "add-hosts": "A=1.2.3.4,b=::1" },
  ],
  ["RUN x", `${RUN} ulimit=[{"name":"nofile","soft":1,"hard":2}] ${ROOT} <- 0`, { ulimit: "nofile=1:2" }],
  [
    "RUN x",
    `${RUN} ${ROOT} {dest=/dev/shm mountType=4 tmpfsOpt={"size":7} in=-1 out=-1} <- 0`,
    { "shm-size": "7" },
  ],
  [
    "RUN x",
    `${RUN} proxyEnv={"httpProxy":"p","httpsProxy":"","ftpProxy":"","noProxy":"","allProxy":""} ${ROOT} <- 0`,
    { "build-arg:HTTP_PROXY": "p" },
  ],
  [
    "RUN --mount=type=cache,target=/c/,sharing=locked x",
    `${RUN} ${ROOT} {dest=/c/ mountType=3 cacheOpt={"id":"ns//c","sharing":2} in=-1 out=-1} <- 0`,
    { "build-arg:BUILDKIT_CACHE_MOUNT_NS": "ns" },
  ],
  [
    "RUN --mount=type=cache,target=/c,id=i,ro x",
    `${RUN} ${ROOT} {dest=/c readonly=true mountType=3 cacheOpt={"id":"/i","sharing":0} in=-1 out=-1} <- 0`,
  ],
  [
    "RUN --mount=type=cache,target=/c,uid=5 x",
    `${RUN} ${ROOT} {input=1 selector=/cache dest=/c mountType=3 cacheOpt={"id":"//c","sharing":0} in=1 out=-1} <- 0 1`,
  ],
  [
    "RUN --mount=type=bind,source=a/b,target=c,rw x",
    `${RUN} ${ROOT} {input=1 selector=/a/b dest=/c in=1 out=-1} <- 0 1`,
  ],
  [
    "RUN --mount=type=secret,id=s,required,mode=0440,uid=3 x",
    `${RUN} ${ROOT} {dest=/run/secrets/s mountType=1 secretOpt={"id":"s","uid":3,"gid":0,"mode":288,"optional":false} in=-1 out=0} <- 0`,
  ],
  [
    "RUN --mount=type=secret,source=a/s,env=S x",
    `${RUN} secretenv=[{"id":"a/s","name":"S","optional":true}] ${ROOT} <- 0`,
  ],
  [
    "RUN --mount=type=ssh x",
    `${RUN.replace('"PATH=/bin"', '"PATH=/bin","SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0"')} ${ROOT} {dest=/run/buildkit/ssh_agent.0 mountType=2 sshOpt={"id":"","uid":0,"gid":0,"mode":384,"optional":true} in=-1 out=0} <- 0`,
  ],
  [
    "RUN <<E\n#!/bin/x\ny\nE",
    `exec ["/bin/sh","-c","/dev/pipes/E"] env=["PATH=/bin"] cwd=/ ${ROOT} {input=1 selector=/ dest=/dev/pipes/ readonly=true in=1 out=-1} <- 0 1`,
  ],
];
test.each(RUNS)("%s", async (instruction, step, options) => {
  expect(await stepOf(instruction, options)).toBe(step);
});

const COPIES: [string, string][] = [
  ["COPY a b", "copy(0,1) src=/a dest=/b <- 0 1"],
  ["COPY a b c/", "copy(0,1) src=/a dest=/c/; copy(2,1) src=/b dest=/c/ <- 0 1"],
  ["COPY . .", "copy(0,1) src=/ dest=/ <- 0 1"],
  ["COPY --chmod=0644 a /", "copy(0,1) src=/a dest=/ mode=420 <- 0 1"],
  ["COPY --exclude=*.o --exclude=x a /", 'copy(0,1) src=/a dest=/ excludePatterns=["*.o","x"] <- 0 1'],
  [
    "COPY --parents a/./b/c /d/",
    'copy(0,1) src=/a dest=/d/ includePatterns=["b/c"] requiredPaths=["/a/b/c"] <- 0 1',
  ],
  ["COPY --parents a/*/c /d/", 'copy(0,1) src=/ dest=/d/ includePatterns=["a/*/c"] <- 0 1'],
  ["ADD a.tar /", "copy(0,1) src=/a.tar dest=/ attemptUnpackDockerCompatibility=true <- 0 1"],
  ["ADD --unpack=false a.tar /", "copy(0,1) src=/a.tar dest=/ <- 0 1"],
  ["ADD https://h/p/f.tar?q /d", "copy(0,1) src=/f.tar dest=/d <- 0 1"],
  [
    "ADD --unpack https://h/ /d",
    "copy(0,1) src=/__unnamed__ dest=/d attemptUnpackDockerCompatibility=true <- 0 1",
  ],
  ["ADD https://h/r.git#v1:sub /d", "copy(0,1) src=/ dest=/d <- 0 1"],
  ["COPY --link a /", "merge <- 0 2"],
];
test.each(COPIES)("%s", async (instruction, step) => {
  expect(await stepOf(instruction)).toBe(step);
});

const SUM = `sha256:${"0".repeat(64)}`;
const SOURCES: [string, string][] = [
  [`ADD --checksum=${SUM} https://h/f /`, `https://h/f http.checksum=${SUM} http.filename=f`],
  [
    "ADD --keep-git-dir=true https://u@h:8/r.git#v1:sub /",
    "git://h:8/r.git#v1:sub git.authheadersecret=GIT_AUTH_HEADER git.authtokensecret=GIT_AUTH_TOKEN git.fullurl=https://u@h:8/r.git git.keepgitdir=true",
  ],
  [
    "ADD git@h:r.git /",
    "git://h/r.git git.authheadersecret=GIT_AUTH_HEADER git.authtokensecret=GIT_AUTH_TOKEN git.fullurl=git@h:r.git git.mountsshsock=default",
  ],
];
test.each(SOURCES)("%s is fetched", async (instruction, source) => {
  expect((await graphOf(FROM + instruction)).at(-2)).toEndWith(` | ${source}`);
});

test("only what is used of the context is asked for, by all stages together", async () => {
  const text =
    "FROM base AS a\nCOPY x /\nFROM base AS unused\nCOPY u /\nFROM a\nCOPY src/*.c /\nRUN --mount=target=/m,source=y z\n";
  const [context] = (await graphOf(text)).filter((line) => line.includes("local://context"));
  expect(context).toContain('local.followpaths=["src/*.c","x","y"]');
  const whole = (await graphOf(`${FROM}COPY x /\nCOPY . /\n`)).find((line) =>
    line.includes("local://context"),
  );
  expect(whole).not.toContain("followpaths");
});

test("a linked copy is made apart, and both are shown as one", async () => {
  const lines = await graphOf(`${FROM}COPY --link a /b\n`);
  expect(lines.slice(2)).toEqual([
    "2 [2/2] COPY --link a /b | copy(-1,0) src=/a dest=/b <- 1",
    "3 [2/2] LINK COPY --link a /b | merge <- 0 2",
  ]);
});

const CONTEXTS: [string, Record<string, string>, string][] = [
  [
    "base",
    { "context:base": "docker-image://busybox" },
    "[context base] busybox | docker-image://docker.io/library/busybox:latest@… linux/amd64",
  ],
  ["base", { "context:base": "docker-image://scratch" }, ""],
  [
    "base",
    { "context:base::linux/amd64": "https://h/r.git#v", "context:base": "docker-image://no" },
    "[internal] load git source https://h/r.git#v | git://h/r.git#v git.authheadersecret=GIT_AUTH_HEADER git.authtokensecret=GIT_AUTH_TOKEN git.fullurl=https://h/r.git",
  ],
  [
    "base",
    { "context:base": "https://h/f" },
    "[context base] https://h/f | https://h/f http.filename=context",
  ],
  [
    "base",
    { "context:base": "local:dir", "sharedkey:localdir:base": "k" },
    '[context base] load from client | local://dir local.excludepatterns=["no"] local.session=session local.sharedkeyhint=context:base-k',
  ],
  [
    "stage",
    { "context:stage": "local:dir", "local-sessionid:dir": "other" },
    '[context stage] load from client | local://dir local.excludepatterns=["no"] local.session=other local.sharedkeyhint=context:stage-',
  ],
  [
    "base",
    { "context:base": `oci-layout://store:tag@${SUM}` },
    "[context base] OCI load from client | oci-layout://docker.io/library/base@… linux/amd64 oci.session=session oci.store=store",
  ],
  ["base", { "context:base": "input:other" }, " | docker-image://docker.io/library/other:latest linux/amd64"],
];
test.each(CONTEXTS)("FROM %s with %j", async (base, options, step) => {
  const dockerfile = base === "stage" ? "FROM no AS stage\nRUN x\n" : `FROM ${base}\n`;
  const images: MemoryFiles["images"] = { busybox: EMPTY_CONFIG, [`base@${SUM}`]: EMPTY_CONFIG };
  const inputs = new Map([
    ["other", marshal(image("other"), { platform: { os: "linux", architecture: "amd64" } })],
  ]);
  const files = { "local://dir .dockerignore": "no\n" };
  const lines = await graphOf(dockerfile, options, { images, inputs, files });
  expect(lines.map((line) => line.slice(2))).toEqual(step === "" ? [] : [step]);
});

test("a folder in place of an image gives what is used of it", async () => {
  const lines = await graphOf("FROM base\nCOPY --from=dir a/b c /\n", { "context:dir": "local:d" });
  expect(lines.find((line) => line.includes("local://d"))).toContain('local.followpaths=["a/b","c"]');
});

async function configOf(
  dockerfile: string,
  options: Record<string, string> = {},
  base: ImageConfig = EMPTY_CONFIG,
) {
  const { metadata } = await dockerfileFrontend(memoryRequest(dockerfile, options, { images: { base } }));
  const decoded = [...metadata].map(([key, value]): [string, unknown] => [
    key,
    JSON.parse(new TextDecoder().decode(value)),
  ]);
  return Object.fromEntries(decoded);
}

test("one platform's configuration", async () => {
  const found = await configOf("FROM base\nENV A=b\n", {
    "label:a": "1",
    "build-arg:SOURCE_DATE_EPOCH": "60",
  });
  expect(found).toEqual({
    "containerimage.config": {
      ...EMPTY_CONFIG,
      config: { ...EMPTY_CONFIG.config, Env: ["PATH=/bin", "A=b"], Labels: { a: "1" } },
      history: [
        {
          created: "1970-01-01T00:01:00Z",
          created_by: "ENV A=b",
          comment: "buildkit.dockerfile.v0",
          empty_layer: true,
        },
      ],
    },
    "containerimage.base.config": EMPTY_CONFIG,
    "source.date.epoch": 60,
    "refs.platforms": {
      Platforms: [{ ID: "linux/amd64", Platform: { os: "linux", architecture: "amd64" } }],
    },
  });
});

test("several platforms' configurations", async () => {
  const found = await configOf("FROM --platform=linux/amd64 base\n", {
    platform: "linux/amd64,linux/arm64/v8",
  });
  expect(Object.keys(found).sort()).toEqual([
    "containerimage.base.config/linux/amd64",
    "containerimage.base.config/linux/arm64",
    "containerimage.config/linux/amd64",
    "containerimage.config/linux/arm64",
    "refs.platforms",
  ]);
  expect(found["containerimage.config/linux/arm64"]).toMatchObject({ os: "linux", architecture: "arm64" });
});

test("an image of another platform will do when nobody asked for one and it runs here", async () => {
  const arm: ImageConfig = { ...EMPTY_CONFIG, architecture: "arm64" };
  const request = memoryRequest("FROM base\nRUN x\n", {}, { images: { base: arm } });
  const platforms = [
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm64" },
  ];
  const { definitions } = await dockerfileFrontend({ ...request, bridge: { ...request.bridge, platforms } });
  expect(describeGraph(definitions.get(""))[0]).toEndWith("linux/arm64");
});

test("the context is a graph of the client's", async () => {
  const tree = file(scratch(), mkfile("/a", "b"));
  const inputs = new Map([
    ["context", marshal(tree)],
    ["dockerfile", marshal(local("dockerfile"))],
  ]);
  const lines = await graphOf("FROM scratch\nCOPY a /\n", { contextsubdir: "sub" }, { inputs });
  expect(lines).toEqual([
    '0  | mkfile(-1) path=/a mode=420 data="b"',
    "1  | copy(-1,0) src=/sub dest=/ dirCopyContents=true <- 0",
    "2 [1/1] COPY a / | copy(-1,0) src=/a dest=/ <- 1",
  ]);
});
