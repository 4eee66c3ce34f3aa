// POST /build as clients without BuildKit's protocol use it: the requests of docker-py, dockerode and `DOCKER_BUILDKIT=0 docker build`.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type TarEntry, tarArchive } from "../../src/images/tar-writer.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type ApiAnswer, type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
});

interface Line {
  stream?: string;
  id?: string;
  aux?: { ID: string };
  error?: string;
  errorDetail?: { code?: number; message: string };
}

interface Built {
  status: number;
  lines: Line[];
  /** All of `stream`, ids replaced. */
  text: string;
  message: string;
}

const tar = (files: Record<string, string>): Uint8Array =>
  tarArchive(
    Object.entries(files).map(([path, text]) => ({
      entry: { path, type: "file", mode: 0o644 } satisfies TarEntry,
      content: new TextEncoder().encode(text),
    })),
  );

async function build(
  files: Record<string, string> | Uint8Array,
  query: Record<string, string> | [string, string][] = {},
): Promise<Built> {
  const body = files instanceof Uint8Array ? files : tar(files);
  const parameters = new URLSearchParams(query);
  return read(
    await daemon.request("POST", `/v1.51/build?${parameters}`, {
      body,
      headers: { "Content-Type": "application/x-tar" },
    }),
  );
}

function read(answer: ApiAnswer): Built {
  const texts = answer.text.split("\r\n").filter((text) => text !== "");
  const lines = answer.status === 200 ? texts.map((text) => JSON.parse(text) as Line) : [];
  return {
    status: answer.status,
    lines,
    text: lines.map(({ stream = "" }) => stream.replace(/\b[0-9a-f]{12}\b/g, "ID")).join(""),
    message: answer.status === 200 ? "" : answer.json<{ message: string }>().message,
  };
}

const imageOf = ({ lines }: Built): string => lines.find(({ aux }) => aux)?.aux?.ID ?? "";

async function fileIn(image: string, path: string): Promise<string> {
  const created = await daemon.request("POST", "/containers/create", { body: { Image: image } });
  const { Id } = created.json<{ Id: string }>();
  try {
    const archive = await daemon.request("GET", `/containers/${Id}/archive?path=${path}`);
    return archive.text.slice(512).replace(/\0+$/, "");
  } finally {
    await daemon.request("DELETE", `/containers/${Id}?force=1`);
  }
}

describe("steps", () => {
  const files = {
    Dockerfile: `FROM ${BUSYBOX}\nRUN echo steps; echo e >&2\nENV A=b\nCOPY f /f\nCMD ["a"]\n`,
    f: "of the context\n",
  };

  test("are told in Docker's words, and again from the cache", async () => {
    const first = await build(files, [
      ["t", "steps-a:1"],
      ["t", "steps-b"],
    ]);
    expect(first.text.replace("steps\n", "").replace("\u001b[91me\n\u001b[0m", "")).toBe(
      [
        `Step 1/5 : FROM ${BUSYBOX}\n ---> ID\n`,
        "Step 2/5 : RUN echo steps; echo e >&2\n ---> Running in ID\n",
        " ---> Removed intermediate container ID\n ---> ID\n",
        'Step 3/5 : ENV A=b\n ---> ID\nStep 4/5 : COPY f /f\n ---> ID\nStep 5/5 : CMD ["a"]\n ---> ID\n',
        "Successfully built ID\nSuccessfully tagged steps-a:1\nSuccessfully tagged steps-b:latest\n",
      ].join(""),
    );
    expect(first.text).toContain("steps\n");
    expect(first.text).toContain("\u001b[91me\n\u001b[0m");
    expect(first.lines.map(({ stream }) => stream)).toContain(
      `Successfully built ${imageOf(first).slice(7, 19)}\n`,
    );
    const second = await build(files);
    expect(second.text.split(" ---> Using cache\n").length - 1).toBe(4);
    expect(second.text).not.toContain("Running in");
    expect(imageOf(second)).toBe(imageOf(first));
    const inspected = await daemon.request("GET", "/images/steps-b/json");
    expect(inspected.json<{ Id: string; Config: { Env: string[] } }>()).toMatchObject({
      Id: imageOf(first),
      Config: { Env: expect.arrayContaining(["A=b"]) },
    });
    expect(await fileIn("steps-a:1", "/f")).toBe("of the context\n");
  });

  test("are only told by the image's id when asked to be quiet", async () => {
    const { lines } = await build(files, { q: "1" });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.stream).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });

  test("count what the target needs, labels and arguments", async () => {
    const Dockerfile = [
      `ARG BASE=${BUSYBOX}`,
      `FROM ${BUSYBOX} AS unused`,
      "RUN false",
      "FROM $BASE AS one",
      "ARG X=1",
      "RUN echo $X > /x",
      `FROM ${BUSYBOX}`,
      "COPY --from=one /x /y",
    ].join("\n");
    const built = await build(
      { Dockerfile },
      { buildargs: JSON.stringify({ X: "of client", Y: null }), labels: '{"l":"m"}', t: "args" },
    );
    expect(built.text).toContain("Step 7/7 : LABEL l=m\n");
    expect(built.text).not.toContain("RUN false");
    expect(built.text).toContain("[Warning] One or more build-args [Y] were not consumed\n");
    expect(await fileIn("args", "/y")).toBe("of client\n");
    const target = await build({ Dockerfile }, { target: "one" });
    expect(target.text).toContain("Step 4/4 : RUN echo $X > /x\n");
  });

  test("run with the limits and hosts that are asked for", async () => {
    const Dockerfile = `FROM ${BUSYBOX}\nRUN cat /etc/hosts; df -k /dev/shm | tail -n 1; ulimit -n\n`;
    const built = await build(
      { Dockerfile },
      {
        extrahosts: "made-up:192.0.2.7",
        shmsize: String(8 << 20),
        ulimits: '[{"Name":"nofile","Soft":321,"Hard":321}]',
        nocache: "1",
      },
    );
    expect(built.text).toMatch(/192\.0\.2\.7\s+made-up/);
    expect(built.text).toMatch(/\s8192\s/);
    expect(built.text).toContain("\n321\n");
  });
});

describe("a step's control group", () => {
  /** Files of either version of cgroups, as the step sees its own. */
  const FILES = {
    memory: ["memory/memory.limit_in_bytes", "memory.max"],
    swap: ["memory/memory.memsw.limit_in_bytes", "memory.swap.max"],
    processors: ["cpuset/cpuset.cpus", "cpuset.cpus"],
    nodes: ["cpuset/cpuset.mems", "cpuset.mems"],
    shares: ["cpu/cpu.shares", "cpu.weight"],
    quota: ["cpu/cpu.cfs_quota_us", "cpu.max"],
    period: ["cpu/cpu.cfs_period_us", "cpu.max"],
  };
  const script = Object.entries(FILES)
    .map(([name, paths]) => `for f in ${paths.join(" ")}; do [ -e $f ] && echo ${name} $(cat $f); done`)
    .join("; ");

  /** A parent that a build named stays after it, as with Docker: in each of version 1's hierarchies. */
  const removeParent = (name: string) => {
    for (const folder of ["", ...readdirSync("/sys/fs/cgroup")])
      if (existsSync(join("/sys/fs/cgroup", folder, name))) rmdirSync(join("/sys/fs/cgroup", folder, name));
  };

  test("has the limits that are asked for, below the parent that is asked for", async () => {
    const parent = `/berth-build-${process.pid}`;
    using _ = { [Symbol.dispose]: () => removeParent(parent) };
    const { text } = await build(
      {
        Dockerfile: `FROM ${BUSYBOX}\nRUN cd /sys/fs/cgroup; ${script}; cat /proc/self/cgroup\n`,
      },
      {
        memory: String(64 << 20),
        memswap: String(128 << 20),
        cpushares: "512",
        cpuperiod: "50000",
        cpuquota: "25000",
        cpusetcpus: "0",
        cpusetmems: "0",
        cgroupparent: parent,
        nocache: "1",
      },
    );
    const is = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1];
    const v2 = text.includes("quota 25000 50000");
    expect(is("memory")).toBe(String(64 << 20));
    // Version 2 counts swap alone.
    expect(is("swap")).toBe(String((v2 ? 64 : 128) << 20));
    expect([is("processors"), is("nodes")]).toEqual(["0", "0"]);
    expect([is("quota"), is("period")]).toEqual(v2 ? ["25000 50000", "25000 50000"] : ["25000", "50000"]);
    expect(is("shares")).toBe(v2 ? expect.stringMatching(/^\d+$/) : "512");
    // With namespaces of their own steps see no more of the path than "/".
    expect(text).toMatch(new RegExp(`:(${parent}/[0-9a-f]{64}|/)$`, "m"));
  });
});

describe("a context in a request of its own", () => {
  const files = { Dockerfile: `FROM ${BUSYBOX}\nCOPY d /d\nRUN cat /d\n`, d: "of the upload\n" };

  test.each([
    ["the build", 0, 300],
    ["the context", 300, 0],
  ])("meets its build, whichever comes first: %s", async (_, buildAfter, uploadAfter) => {
    const id = crypto.randomUUID();
    const later = async (wait: number, work: () => Promise<Built>) => {
      await Bun.sleep(wait);
      return await work();
    };
    const [built, upload] = await Promise.all([
      later(buildAfter, () =>
        build(new Uint8Array(), { remote: "upload-request", buildid: id, nocache: "1" }),
      ),
      later(uploadAfter, () => build(files, { buildid: `upload-request:${id}` })),
    ]);
    expect(built.text).toContain("of the upload\n");
    expect([upload.status, upload.lines]).toEqual([200, []]);
  });

  test("is waited for a while", async () => {
    const alone = await build(new Uint8Array(), { remote: "upload-request", buildid: "alone" });
    expect([alone.status, alone.message]).toEqual([400, "no context came for build alone within 5 seconds"]);
  });
});

describe("the context", () => {
  test.each([
    ["gzip", (bytes: Uint8Array) => gzipSync(bytes)],
    ["zstd", (bytes: Uint8Array) => Bun.zstdCompressSync(bytes)],
  ])("comes compressed: %s", async (_name, compress) => {
    const built = await build(compress(tar({ Dockerfile: `FROM ${BUSYBOX}\nCOPY d /d\n`, "d/e": "x" })));
    expect(built.text).toContain("Successfully built");
  });

  test("loses its Dockerfile and .dockerignore where that says so, and nothing else", async () => {
    const built = await build(
      {
        "sub/D": `FROM ${BUSYBOX}\nCOPY . /all\nRUN cd /all; find . -type f | sort\n`,
        ".dockerignore": "sub/D\n.dockerignore\nignored\n",
        ignored: "the client leaves it out, or not",
      },
      { dockerfile: "sub/D" },
    );
    expect(built.text).toContain("./ignored\n");
    expect(built.text).not.toContain("./sub/D");
    expect(built.text).not.toContain("./.dockerignore");
  });

  test("is not unpacked again for what is cached, and is there for what isn't", async () => {
    const files = (last: string) => ({
      Dockerfile: `FROM ${BUSYBOX}\nCOPY . /known\nARG LAST\nRUN echo $LAST; ls -A /known\nCOPY ${last} /last\n`,
      ".dockerignore": "ignored\n",
      ignored: "",
      f: "known\n",
      g: "also\n",
    });
    const first = await build(files("f"), { buildargs: '{"LAST":"1"}' });
    const again = await build(files("f"), { buildargs: '{"LAST":"1"}' });
    expect([imageOf(again), again.text.split("Using cache").length - 1]).toEqual([imageOf(first), 4]);
    // The same bytes under another target of the cache: all of the context is asked for.
    const fresh = await build(files("f"), { nocache: "1", buildargs: '{"LAST":"2"}' });
    expect(fresh.text).toContain("2\n.dockerignore\nDockerfile\nf\ng\n");
    expect(await fileIn(imageOf(fresh), "/last")).toBe("known\n");
    expect(await fileIn(imageOf(await build(files("g"))), "/last")).toBe("also\n");
  });

  test("belongs to root", async () => {
    const archive = tarArchive([
      {
        entry: { path: "Dockerfile", type: "file", mode: 0o644 },
        content: new TextEncoder().encode(`FROM ${BUSYBOX}\nCOPY f /f\nRUN stat -c %u:%g:%a /f\n`),
      },
      { entry: { path: "f", type: "file", mode: 0o640, uid: 1234, gid: 5678 }, content: new Uint8Array() },
    ]);
    expect((await build(archive)).text).toContain("\n0:0:640\n");
  });

  test("is a Dockerfile or an archive at a URL", async () => {
    const archive = tar({ Dockerfile: `FROM ${BUSYBOX}\nCOPY f /f\n`, f: "remote" });
    const server = createServer((request, response) => {
      const text = request.url === "/Dockerfile";
      response.setHeader("Content-Type", text ? "text/plain" : "application/x-tar");
      response.end(text ? `FROM ${BUSYBOX}\nRUN echo by URL\n` : archive);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const file = await build(new Uint8Array(), { remote: `http://127.0.0.1:${port}/Dockerfile` });
      expect(file.text).toContain("by URL\n");
      const whole = await build(new Uint8Array(), { remote: `http://127.0.0.1:${port}/c.tar`, t: "by-url" });
      expect(whole.text).toContain("Successfully tagged by-url:latest\n");
      expect(await fileIn("by-url", "/f")).toBe("remote");
    } finally {
      server.close();
    }
  });

  test("leaves nothing behind", () => {
    expect(readdirSync(join(daemon.dataRoot, "scratch"))).toEqual([]);
  });
});

describe("failures", () => {
  const from = `FROM ${BUSYBOX}\n`;
  test.each([
    [
      "a command",
      `${from}RUN echo before; exit 3\n`,
      "The command '/bin/sh -c echo before; exit 3' returned a non-zero code: 3",
      3,
    ],
    [
      "a missing file",
      `${from}COPY x /\n`,
      "COPY failed: file not found in build context or excluded by .dockerignore: stat x: file does not exist",
      undefined,
    ],
    [
      "a missing file of a stage",
      `${from}FROM ${BUSYBOX}\nCOPY --from=0 /zz /\n`,
      "COPY failed: stat zz: file does not exist",
      undefined,
    ],
  ])("after the first step are the last line: %s", async (_name, Dockerfile, message, code) => {
    const { status, lines } = await build({ Dockerfile });
    expect(status).toBe(200);
    expect(lines.at(-1)).toEqual({
      errorDetail: { ...(code !== undefined && { code }), message },
      error: message,
    });
    expect(lines.some(({ aux }) => aux)).toBe(false);
  });

  test("of a quiet build come with all that was said", async () => {
    const { lines, text } = await build({ Dockerfile: `${from}RUN echo before; exit 4\n` }, { q: "1" });
    expect(text).toContain("before\n");
    expect(lines.at(-1)?.errorDetail?.code).toBe(4);
  });

  test("of a base name the registry's answer", async () => {
    const { lines, text } = await build({ Dockerfile: "FROM 127.0.0.1:1/nope\n" });
    expect(text).toBe("Step 1/1 : FROM 127.0.0.1:1/nope\n");
    expect(lines.at(-1)?.error).toStartWith('failed to resolve reference "127.0.0.1:1/nope:latest"');
  });

  test.each([
    [
      { Dockerfile: "FRMO x\n" },
      {},
      400,
      "dockerfile parse error on line 1: unknown instruction: FRMO (did you mean FROM?)",
    ],
    [{ Dockerfile: "" }, {}, 400, "the Dockerfile (Dockerfile) cannot be empty"],
    [{ Dockerfile: "# nothing\n" }, {}, 400, "failed to parse Dockerfile: file with no instructions"],
    [{ D: `${from}LABEL x\n` }, { dockerfile: "D" }, 400, "failed to parse D: LABEL must have two arguments"],
    [{ Dockerfile: from }, { dockerfile: "nope" }, 500, "Cannot locate specified Dockerfile: nope"],
    [
      { Dockerfile: from },
      { dockerfile: "../../../../etc/hostname" },
      500,
      "Cannot locate specified Dockerfile: ../../../../etc/hostname",
    ],
    [{ Dockerfile: from }, { target: "nope" }, 400, 'target stage "nope" could not be found'],
    [{ Dockerfile: from }, { squash: "1" }, 400, "squash is only supported with experimental mode"],
    [{ Dockerfile: from }, { version: "3" }, 400, 'invalid version "3"'],
    [
      { Dockerfile: from },
      { buildargs: "x" },
      400,
      "error reading build args: invalid character 'x' looking for beginning of value",
    ],
    [
      { Dockerfile: from },
      { platform: "a/b/c/d" },
      400,
      '"a/b/c/d": cannot parse platform specifier: invalid argument',
    ],
    [
      { Dockerfile: from },
      { t: "A" },
      400,
      "invalid reference format: repository name (library/A) must be lowercase",
    ],
    [{ Dockerfile: from }, { remote: "nowhere" }, 500, "remoteURL (nowhere) could not be recognized as URL"],
  ] as [Record<string, string>, Record<string, string>, number, string][])(
    "before the first step have a status: %j %j",
    async (files, query, status, message) => {
      expect(await build(files, query)).toMatchObject({ status, message });
    },
  );

  test("are what a cancelled build ends with", async () => {
    const building = build({ Dockerfile: `${from}RUN sleep 60\n` }, { buildid: "cancel-me", nocache: "1" });
    await Bun.sleep(1500);
    expect((await daemon.request("POST", "/build/cancel?id=cancel-me")).status).toBe(200);
    expect((await building).lines.at(-1)?.error).toBe("Build cancelled");
    expect(await daemon.request("POST", "/build/cancel")).toMatchObject({ status: 400 });
    expect((await daemon.request("POST", "/build/cancel?id=cancel-me")).status).toBe(200);
  });
});

test("BuildKit through the same door tells its own messages", async () => {
  const { lines } = await build({ Dockerfile: `FROM ${BUSYBOX}\nRUN echo traced\n` }, { version: "2" });
  const traces = lines.filter(({ id }) => id === "moby.buildkit.trace");
  const bytes = traces.map(({ aux }) => Buffer.from(String(aux), "base64").toString("latin1"));
  expect(bytes.join("")).toContain("RUN echo traced");
  expect(lines.at(-1)).toEqual({
    id: "moby.image.id",
    aux: { ID: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
  });
});
