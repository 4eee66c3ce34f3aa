// A daemon on another host, which is this one: through a real sshd, with our client, Docker's and the library.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf, dockerBinary } from "../clients/client.ts";
import { type Daemon, startDaemon, waitFor } from "../fixtures/daemon.ts";
import { hasSshd, type Sshd, startSshd } from "../fixtures/sshd.ts";

const docker = dockerBinary();
if (!hasSshd) console.log("skipped: there is no sshd on this machine");

describe.skipIf(!hasSshd)("through ssh", () => {
  let daemon: Daemon;
  let berth: string;
  let client: Client;
  let near: Client;
  /** Hosts where `docker` is installed, where only `berth` is, and where neither is. */
  let dockerHost: Sshd;
  let berthHost: Sshd;
  let emptyHost: Sshd;
  const through = (sshd: Sshd, path = "", binary = berth) =>
    clientOf("client", binary, sshd.host + path, join(daemon.folder, "client"), { env: { PATH: sshd.path } });

  beforeAll(async () => {
    daemon = await startDaemon();
    mkdirSync(join(daemon.folder, "client"));
    berth = berthBinary(join(daemon.folder, "client"));
    near = clientOf("near", berth, daemon.host, join(daemon.folder, "client"));
    // On a host its own daemon is the default one: here that is the test's.
    const there = join(daemon.folder, "there");
    writeFileSync(there, `#!/bin/sh\nDOCKER_HOST=${daemon.host} exec '${berth}' "$@"\n`);
    chmodSync(there, 0o755);
    dockerHost = await startSshd({ docker: there });
    berthHost = await startSshd({ berth });
    emptyHost = await startSshd({});
    client = through(dockerHost);
    await near.ok("pull", "busybox");
  });
  afterAll(async () => {
    for (const host of [dockerHost, berthHost, emptyHost]) await host?.[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  test("run: output, exit status, a megabyte in and its end", async () => {
    const run = await client.run("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7");
    expect(run).toEqual({ code: 7, stdout: "out\n", stderr: "err\n" });
    const fed = await client.feed("x".repeat(1_000_000), "run", "-i", "--rm", "busybox", "wc", "-c");
    expect(fed).toEqual({ code: 0, stdout: "1000000\n", stderr: "" });
  });

  test("a host that has berth alone, and a socket that is named", async () => {
    expect(await through(berthHost, daemon.socket).ok("version", "-f", "{{.Server.Version}}")).toBe(
      await near.ok("version", "-f", "{{.Server.Version}}"),
    );
  });

  test("logs -f, exec -it with the window's size, attach, detach", async () => {
    await client.ok("run", "-dit", "--name", "far", "busybox", "sh");
    await using logs = client.start("logs", "-f", "far");
    await using exec = client.terminal("exec", "-it", "far", "sh");
    await exec.until(/# /);
    exec.resize(100, 30);
    // The new size goes its own way: another connection than the keys'.
    for (let seen = ""; !seen.includes("30 100"); ) {
      exec.type("stty size\r");
      seen = await exec.until(/\d+ \d+\r\n/);
    }
    exec.type("exit 4\r");
    expect(await exec.exited).toBe(4);
    await using attach = client.terminal("attach", "far");
    attach.type("echo one$((1+1))\r");
    await attach.until(/one2/);
    await logs.until(/one2/);
    attach.type("\x10\x11");
    await attach.until(/read escape sequence/);
    await near.ok("rm", "-f", "far");
    expect(await logs.exited).toBe(0);
  });

  test("Ctrl-C is for the container, not for the way to it", async () => {
    await using session = client.terminal(
      ...[
        "run",
        "--rm",
        "busybox",
        "sh",
        "-c",
        "trap 'echo caught; exit 5' INT; echo ready; sleep 30 & wait",
      ],
    );
    await session.until(/ready/);
    session.type("\x03");
    await session.until(/caught/);
    expect(await session.exited).toBe(5);
  });

  test("a connection that is lost is said to be, and the terminal is given back", async () => {
    await near.ok("run", "-d", "--name", "cut", "busybox", "sleep", "1000");
    const shell = clientOf("shell", "/bin/sh", dockerHost.host, join(daemon.folder, "client"), {
      env: { PATH: dockerHost.path },
    });
    await using session = shell.terminal(
      "-c",
      `${berth} exec -it cut sh; echo "rc=$?"; echo state=$(stty -a)`,
    );
    await session.until(/# /);
    dockerHost.cut();
    const seen = await session.until(/state=.*cread/s);
    expect(seen).toMatch(/rc=[1-9]/);
    expect(seen).toMatch(/error during connect: .*(?:closed by remote host|broken pipe|reset)/is);
    expect(seen).toMatch(/ icanon\b/);
    await near.ok("rm", "-f", "cut");
  });

  test("errors say what ssh said", async () => {
    const nobody = clientOf("client", berth, "ssh://root@127.0.0.1:1", join(daemon.folder, "client"));
    const refused = await nobody.run("ps");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^error during connect: .*command \[ssh -l root -p 1 .*\] has exited with exit status 255, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr=ssh: connect to host 127.0.0.1 port 1: Connection refused\n$/,
    );
    const empty = await through(emptyHost).run("ps");
    expect(empty.stderr).toMatch(/exit status 127.*stderr=.*berth/s);
    const away = await through(berthHost, "/nowhere.sock").run("ps");
    expect(away.stderr).toContain(
      "failed to open the raw stream connection: Cannot connect to the Docker daemon",
    );
    const missing = clientOf("client", berth, dockerHost.host, join(daemon.folder, "client"), {
      env: { PATH: "/nowhere" },
    });
    expect((await missing.run("ps")).stderr).toContain('exec: "ssh": executable file not found in $PATH');
  });

  test("a context leads there too", async () => {
    const config = join(daemon.folder, "contexts");
    const own = clientOf("client", berth, "", config, { env: { PATH: dockerHost.path } });
    await own.ok("context", "create", "far", "--docker", `host=${dockerHost.host}`);
    expect(await own.ok("-c", "far", "version", "-f", "{{.Client.Context}} {{.Server.Os}}")).toBe(
      "far linux",
    );
  });

  test("the library goes there, and a program that is done ends", async () => {
    const program = join(daemon.folder, "program.ts");
    const sdk = new URL("../../src/sdk/index.ts", import.meta.url).pathname;
    writeFileSync(
      program,
      `import { connect } from ${JSON.stringify(sdk)};
       const docker = connect({ host: ${JSON.stringify(dockerHost.host)} });
       console.log((await docker.images.list()).length, (await docker.system.version()).Os);`,
    );
    const child = Bun.spawn([process.execPath, program], {
      env: { ...process.env, PATH: dockerHost.path },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await new Response(child.stdout).text()).toBe("1 linux\n");
    expect(await child.exited).toBe(0);
  });

  test("one command is one connection where it can be, and nothing of it stays", async () => {
    const sessions = () => dockerHost.log().match(/Accepted publickey/g)?.length ?? 0;
    const before = sessions();
    await client.ok("ps");
    expect(sessions() - before).toBe(1);
    expect(
      readdirSync(process.env.XDG_RUNTIME_DIR || tmpdir()).filter((name) => name.startsWith("berth-ssh-")),
    ).toEqual([]);
    await waitFor(
      async () => (await Bun.$`pgrep -f ${`ssh.*-p ${dockerHost.port}`}`.quiet().nothrow()).exitCode !== 0,
      "ssh to end",
    );
  });

  if (!docker) console.log("skipped: there is no Docker client on this machine");
  test.skipIf(!docker)("Docker's client comes to us the same way", async () => {
    const theirs = through(dockerHost, "", docker);
    expect((await theirs.run("run", "--rm", "busybox", "echo", "hello")).stdout).toBe("hello\n");
    expect(await theirs.ok("version", "-f", "{{.Server.Platform.Name}}")).toContain("Berth");
  });
});
