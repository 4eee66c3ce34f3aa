// `berth build` from a folder to a running image, on a daemon of the test's own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { selfCommand } from "../../src/base/self.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
let folder: string;
beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
});

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** The client is what isn't called by another role. */
function command(args: string[]): string[] {
  const words: string[] = [...selfCommand("daemon")];
  return [...words.slice(0, -1), ...args];
}

async function berth(args: string[], options: { cwd?: string; input?: Uint8Array } = {}): Promise<Ended> {
  const child = Bun.spawn(command(args), {
    cwd: options.cwd ?? folder,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      DOCKER_HOST: daemon.host,
      BUILDKIT_PROGRESS: "plain",
    },
    stdin: options.input ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, out, err };
}

/** A context of these files; a text that begins with "->" is a symbolic link. */
function context(files: Record<string, string>): string {
  folder = mkdtempSync(join(tmpdir(), "berth-context-"));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (content.startsWith("->")) symlinkSync(content.slice(2), path);
    else writeFileSync(path, content);
  }
  return folder;
}

async function build(files: Record<string, string>, ...flags: string[]): Promise<Ended> {
  const place = context(files);
  try {
    return await berth(["build", "-t", "made:1", ...flags, "."], { cwd: place });
  } finally {
    rmSync(place, { recursive: true });
    folder = tmpdir();
  }
}

const run = (...command: string[]) => berth(["run", "--rm", "made:1", ...command], { cwd: tmpdir() });

describe("a Dockerfile", () => {
  test("with stages, a context and arguments becomes an image that runs", async () => {
    const { code, err } = await build(
      {
        Dockerfile: `ARG BASE=${BUSYBOX}
FROM $BASE AS made
ARG WORD=nothing
RUN echo "$WORD" > /word
FROM $BASE
WORKDIR /app
COPY --from=made /word .
COPY src/ .
CMD ["cat", "word", "text"]
`,
        "src/text": "text\n",
        "src/left-out": "",
        ".dockerignore": "src/left-*\n",
      },
      "--build-arg",
      "WORD=argument",
    );
    expect(err).toContain("[made 2/2] RUN");
    expect(code).toBe(0);
    expect((await run()).out).toBe("argument\ntext\n");
    expect((await run("ls", "/app")).out).toBe("text\nword\n");
  });

  test("is built from the cache the second time, until a file changes", async () => {
    const files = (text: string) => ({ Dockerfile: `FROM ${BUSYBOX}\nCOPY text /\nRUN cat /text\n`, text });
    await build(files("one\n"));
    const again = await build(files("one\n"));
    expect(again.err.match(/CACHED/g)?.length).toBe(3);
    const changed = await build(files("two\n"));
    expect(changed.err).toMatch(/#\d+ [\d.]+ two/);
  });

  test("that fails in a step shows its lines and its output", async () => {
    const { code, err } = await build({ Dockerfile: `FROM ${BUSYBOX}\nRUN echo why && exit 3\nRUN true\n` });
    expect(code).toBe(1);
    expect(err).toMatch(/ {3}2 \| >>> RUN echo why && exit 3/);
    expect(err).toMatch(/\d why\n/);
    expect(err.trimEnd().split("\n").at(-1)).toBe(
      'ERROR: failed to build: failed to solve: process "/bin/sh -c echo why && exit 3" did not complete successfully: exit code: 3',
    );
  });

  test.each([
    ["", "the Dockerfile cannot be empty"],
    [`FRMO ${BUSYBOX}\n`, "dockerfile parse error on line 1: unknown instruction: FRMO (did you mean FROM?)"],
    [`FROM ${BUSYBOX}\nCOPY missing /\n`, '"/missing": not found'],
    [`FROM ${BUSYBOX}\nCOPY ../outside /\n`, '"/outside": not found'],
    [`FROM ${BUSYBOX}\nCOPY out /\n`, '"/out": not found'],
    [`FROM ${BUSYBOX}\nCOPY --from=nobody / /\n`, "nobody"],
    [`FROM ${BUSYBOX} # remark\n`, "a remark needs a line of its own"],
    ["FROM no.such.host.invalid/image:1\n", "no.such.host.invalid/image:1"],
    [`FROM a AS b\nFROM b AS a\n`, "failed to resolve source metadata for docker.io/library/a:latest"],
  ])("with a mistake says which: %j", async (dockerfile, words) => {
    const { code, err } = await build({ Dockerfile: dockerfile, out: "->/etc/nobody-has-this" });
    expect(code).toBe(1);
    expect(err).toContain(words);
  });
});

test("a Dockerfile from standard input needs no context", async () => {
  folder = tmpdir();
  const input = Buffer.from(`FROM ${BUSYBOX}\nRUN echo from input > /x\n`);
  const { code } = await berth(["build", "-q", "-t", "made:1", "-"], { input });
  expect(code).toBe(0);
  expect((await run("cat", "/x")).out).toBe("from input\n");
});

test("secrets are there in their step, and nowhere else", async () => {
  const dockerfile = `FROM ${BUSYBOX}
RUN --mount=type=secret,id=word,target=/w wc -c < /w > /length
RUN --mount=type=secret,id=word,env=WORD echo "\${#WORD}" >> /length
RUN test ! -e /w
`;
  const { code, err } = await build(
    { Dockerfile: dockerfile, "secret.txt": "quiet" },
    "--secret",
    "id=word,src=secret.txt",
  );
  expect(err).not.toContain("quiet");
  expect(code).toBe(0);
  expect((await run("cat", "/length")).out).toBe("5\n5\n");
  const missing = await build({
    Dockerfile: "FROM scratch\nRUN --mount=type=secret,id=none,required=true true\n",
  });
  expect(missing.err).toContain("secret none: not found");
});
