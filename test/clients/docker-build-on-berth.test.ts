// Builds by Docker's own client, with buildx and Compose where it has them, on our daemon.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { type Client, clientOf, dockerBinary } from "./client.ts";

const docker = dockerBinary();
/** Beside the client, where packages put them; Docker's own places come first. */
const plugins = docker && join(dirname(docker), "../libexec/docker/cli-plugins");
const has = (plugin: string) => plugins !== undefined && existsSync(join(plugins, plugin));
const isWhole = has("docker-buildx") && has("docker-compose");
if (!isWhole)
  console.log("skipped: no Docker client with buildx and Compose is on this machine (BERTH_DOCKER_CLI)");

/** Milliseconds: a build of several steps, on a machine of two cores that others use too. */
setDefaultTimeout(60_000);

describe.skipIf(!isWhole)("Docker's builds on Berth", () => {
  let daemon: Daemon;
  let client: Client;
  let classic: Client;
  let folder: string;
  let agent: Bun.Subprocess | undefined;

  function context(dockerfile: string, files: Record<string, string> = {}): string {
    const path = mkdtempSync(join(folder, "context-"));
    for (const [name, text] of Object.entries({ Dockerfile: dockerfile, ...files })) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), text);
    }
    return path;
  }

  beforeAll(async () => {
    daemon = await startDaemon();
    folder = daemon.folder;
    const config = join(folder, "client");
    mkdirSync(config);
    if (plugins) symlinkSync(plugins, join(config, "cli-plugins"));
    const patience = 60_000;
    client = clientOf("docker", docker ?? "", daemon.host, config, { patience });
    classic = clientOf("docker", docker ?? "", daemon.host, config, {
      patience,
      env: { DOCKER_BUILDKIT: "0" },
    });
    await client.ok("pull", "busybox");
  });
  afterAll(async () => {
    agent?.kill();
    await daemon?.[Symbol.asyncDispose]();
  });

  test("secrets of files and variables, cache mounts, hosts", async () => {
    const path = context(
      "FROM busybox\nRUN --mount=type=secret,id=f --mount=type=secret,id=e,env=E cat /run/secrets/f > /s && echo $E >> /s\n" +
        "RUN --mount=type=cache,target=/c echo x >> /c/n && wc -l < /c/n > /n\nRUN grep gateway.test /etc/hosts > /h\n",
      { key: "from a file\n" },
    );
    const out = join(folder, "secrets");
    const args = ["build", "-q", "--secret", `id=f,src=${path}/key`, "--secret", "id=e,env=PATH"];
    await client.ok(...args, "--add-host", "gateway.test:host-gateway", "-o", out, path);
    expect(readFileSync(join(out, "s"), "utf8")).toBe(`from a file\n${process.env.PATH}\n`);
    expect(readFileSync(join(out, "n"), "utf8")).toBe("1\n");
    expect(readFileSync(join(out, "h"), "utf8")).toMatch(/^\d+\.\d+\.\d+\.\d+\tgateway\.test\n$/);
  });

  test.skipIf(!Bun.which("ssh-agent"))("an agent's socket", async () => {
    const socket = join(folder, "agent.sock");
    agent = Bun.spawn(["ssh-agent", "-D", "-a", socket], { stdout: "ignore" });
    while (!existsSync(socket)) await Bun.sleep(20);
    const path = context("FROM busybox\nRUN --mount=type=ssh,required=true test -S $SSH_AUTH_SOCK\n");
    await client.ok("build", "-q", "--ssh", `default=${socket}`, path);
    const without = await client.run("build", "-q", "--no-cache", path);
    expect(without.stderr).toContain("unset ssh forward key default");
  });

  test("archives on standard input, a Dockerfile alone, one beside a folder, and one at an address", async () => {
    const path = context("FROM scratch\n", {
      "other/D": "FROM busybox\nCOPY in /in\nRUN grep arrived /in\n",
      in: "arrived",
    });
    const archive = (await Bun.$`tar -C ${path} -cf - .`.quiet()).stdout;
    expect((await client.feed(archive, "build", "-q", "-f", "other/D", "-")).stderr).toBe("");
    const packed = (await Bun.$`tar -C ${path} -czf - .`.quiet()).stdout;
    expect((await client.feed(packed, "build", "-q", "-f", "other/D", "-")).stderr).toBe("");
    expect((await client.feed("FROM busybox\nRUN true\n", "build", "-q", "-")).stderr).toBe("");
    expect((await client.feed("FROM busybox\nCOPY in /\n", "build", "-q", "-f", "-", path)).stderr).toBe("");
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("FROM busybox\nCOPY in /\n"),
    });
    expect((await client.run("build", "-q", "-f", `http://127.0.0.1:${server.port}/D`, path)).stderr).toBe(
      "",
    );
  });

  test("archives at an address, and repositories that a plain web server has", async () => {
    const path = context("FROM busybox\nCOPY in /in\n", {
      in: "x",
      "sub/Dockerfile": "FROM scratch\nCOPY . /\n",
    });
    await Bun.$`git init -q -b main && git add -A && git -c user.name=a -c user.email=a@b commit -qm x && git update-server-info`
      .cwd(path)
      .quiet();
    const packed = (await Bun.$`tar -C ${path} -czf - .`.quiet()).stdout;
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/c.tgz") return new Response(packed);
        const file = Bun.file(join(path, pathname.replace(/^\/r\.git/, ".git")));
        return file.size > 0 ? new Response(file) : new Response("", { status: 404 });
      },
    });
    const site = `http://127.0.0.1:${server.port}`;
    expect((await client.run("build", "-q", `${site}/c.tgz`)).stderr).toBe("");
    expect((await client.run("build", "-q", `${site}/r.git#main:sub`)).stderr).toBe("");
  });

  test("results as archives of images, and what is written about them", async () => {
    const path = context("FROM busybox\nRUN echo a > /a\n");
    const out = join(folder, "out");
    mkdirSync(out);
    const files = ["--iidfile", `${out}/id`, "--metadata-file", `${out}/metadata`];
    await client.ok("build", "-q", "-t", "archived", "-o", `type=oci,dest=${out}/oci.tar`, ...files, path);
    await client.ok("build", "-q", "-t", "archived", "-o", `type=docker,dest=${out}/docker.tar`, path);
    expect(await Bun.$`tar tf ${out}/oci.tar`.text()).toContain("oci-layout\n");
    expect(await Bun.$`tar tf ${out}/docker.tar`.text()).toContain("manifest.json\n");
    expect(readFileSync(`${out}/id`, "utf8")).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(Object.keys(JSON.parse(readFileSync(`${out}/metadata`, "utf8")))).toContain(
      "containerimage.digest",
    );
  });

  test.each([
    [["-f", "nope"], "failed to read dockerfile: open nope: no such file or directory"],
    [["--target", "nope"], 'target stage "nope" could not be found'],
  ])("build %j fails in BuildKit's words, without a code before them", async (args, words) => {
    const { code, stderr } = await client.run("build", "-q", ...args, context("FROM busybox\n"));
    expect([code, stderr.trimEnd().split("\n").at(-1)]).toEqual([
      1,
      `ERROR: failed to build: failed to solve: ${words}`,
    ]);
  });

  test("Ctrl-C ends the build, and leaves no process", async () => {
    const mark = "86399.5";
    await using build = client.start(
      "build",
      "--progress=plain",
      context(`FROM busybox\nRUN echo here; sleep ${mark}\n`),
    );
    await build.until(/ here\n/);
    build.kill("SIGINT");
    await build.until(/ERROR: .*[Cc]ancel/);
    expect(await build.exited).toBe(130);
    for (let i = 0; i < 100 && processes(mark) > 0; i++) await Bun.sleep(50);
    expect(processes(mark)).toBe(0);
  });

  test("the terminal's display", async () => {
    await using build = client.terminal(
      "build",
      "--no-cache",
      context("FROM busybox\nRUN echo shown; sleep 1\n"),
    );
    await build.until(/\[\+\] Building \d+\.\ds \(\d+\/\d+\) FINISHED/);
    expect(await build.exited).toBe(0);
  });

  test("bake with linked targets", async () => {
    const path = context("FROM scratch\n", {
      "bake.json": JSON.stringify({
        group: { default: { targets: ["a", "b"] } },
        target: {
          base: { "dockerfile-inline": "FROM busybox\nENV E=base\nRUN echo base > /base\n" },
          a: {
            "dockerfile-inline": "FROM linked\nRUN echo $E >> /base\n",
            contexts: { linked: "target:base" },
            tags: ["linked-a"],
          },
          b: {
            "dockerfile-inline": "FROM linked\nCOPY --from=linked /base /again\n",
            contexts: { linked: "target:base" },
            tags: ["linked-b"],
          },
        },
      }),
    });
    const { code, stderr } = await client.run(
      "buildx",
      "bake",
      "--allow=fs.read=*",
      "-f",
      join(path, "bake.json"),
    );
    expect([code, stderr.includes("[a] exporting to image")]).toEqual([0, true]);
    expect(await client.ok("run", "--rm", "linked-a", "cat", "/base")).toBe("base\nbase");
    expect(await client.ok("run", "--rm", "linked-b", "cat", "/again")).toBe("base");
  });

  test("Compose builds services, and starts them", async () => {
    const path = context('FROM busybox\nARG A\nRUN echo $A > /a\nCMD ["cat", "/a"]\n', {
      "compose.yaml":
        "services:\n  one:\n    build: {context: ., args: {A: built}}\n    network_mode: bridge\n",
    });
    if (!(await client.run("compose", "version")).stdout.startsWith("Docker Compose")) return;
    await client.ok(
      "compose",
      "-f",
      join(path, "compose.yaml"),
      "-p",
      "built",
      "build",
      "--progress",
      "plain",
    );
    const { stdout } = await client.run(
      "compose",
      "-f",
      join(path, "compose.yaml"),
      "-p",
      "built",
      "up",
      "--build",
    );
    expect(stdout).toContain("built");
    await client.ok("compose", "-f", join(path, "compose.yaml"), "-p", "built", "down", "-t", "1");
  });

  test("the cache's list and its removal take filters", async () => {
    const mounts = await client.ok("buildx", "du", "--filter", "type=exec.cachemount", "--format", "json");
    expect(mounts.split("\n").map((line) => JSON.parse(line).Type)).toEqual(["exec.cachemount"]);
    expect(await client.ok("buildx", "inspect")).toContain("GC Policy rule#0:");
    await client.ok("buildx", "prune", "-f", "--filter", "type=exec.cachemount");
    const left = await client.ok("buildx", "du", "--filter", "type=exec.cachemount", "--format", "json");
    expect(left).toBe("");
    await client.ok("builder", "prune", "-af");
  });

  test("a client without BuildKit", async () => {
    const path = context("FROM busybox\nCOPY in /in\n", { in: "x" });
    expect(await classic.ok("build", "-q", path)).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});

/** How many run with this word in their command line. */
function processes(mark: string): number {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(mark);
      } catch {
        return false; // It has ended meanwhile
      }
    }).length;
}
