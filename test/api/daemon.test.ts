// The daemon's life: start, locks, signals, reload, end; each test with daemons of its own.
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { selfCommand } from "../../src/base/self.ts";
import { requestOn, startDaemon, waitFor } from "../fixtures/daemon.ts";
import { removeBridge } from "../fixtures/host-network.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

/** Runs the daemon with flags that make it end at once. */
async function daemonCommand(args: string[], env: Record<string, string> = {}) {
  const child = Bun.spawn(selfCommand("daemon", ...args), {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...env },
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(limit);
  return { stdout, stderr, code };
}

describe("start and end", () => {
  test("the socket is its group's, the roots are root's, the pid file says who; SIGTERM takes both files away", async () => {
    await using daemon = await startDaemon();
    const pidFile = join(daemon.execRoot, "berth.pid");
    expect(statSync(daemon.socket).mode & 0o777).toBe(0o660);
    expect(statSync(daemon.dataRoot).mode & 0o077).toBe(0);
    expect(Number(readFileSync(pidFile, "utf8"))).toBe(daemon.pid);
    expect(await daemon.stop()).toBe(0);
    expect(existsSync(daemon.socket)).toBe(false);
    expect(existsSync(pidFile)).toBe(false);
  });

  test("SIGINT ends it too, and what it logs is structured", async () => {
    await using daemon = await startDaemon({ args: ["--log-format", "json"] });
    daemon.signal("SIGINT");
    expect(await daemon.exited()).toBe(0);
    const lines = daemon
      .logs()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string; level: string; time: string });
    expect(lines.map((line) => line.msg)).toContain("Daemon shutdown complete");
    expect(lines.every((line) => !Number.isNaN(Date.parse(line.time)))).toBe(true);
  });

  test("clients that listen for events don't hold it up", async () => {
    await using daemon = await startDaemon();
    const response = await fetch("http://d/events", { unix: daemon.socket });
    const began = performance.now();
    expect(await daemon.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(4_000);
    await response.text().catch(() => ""); // cut or ended: both are an end
  });

  test("after a kill -9 the next one starts on what is left", async () => {
    await using daemon = await startDaemon();
    const { ID } = (await daemon.request("GET", "/info")).json<{ ID: string }>();
    await daemon.kill9();
    expect(existsSync(daemon.socket)).toBe(true);
    await daemon.restart();
    expect((await daemon.request("GET", "/info")).json<{ ID: string }>().ID).toBe(ID);
  });

  test("two daemons run side by side, each with its own", async () => {
    await using first = await startDaemon();
    await using second = await startDaemon();
    const made = await first.request("POST", "/volumes/create", { body: { Name: "only-here" } });
    expect(made.status).toBe(201);
    expect((await first.request("GET", "/volumes/only-here")).status).toBe(200);
    expect((await second.request("GET", "/volumes/only-here")).status).toBe(404);
    const id = async (daemon: typeof first) =>
      (await daemon.request("GET", "/info")).json<{ ID: string }>().ID;
    expect(await id(first)).not.toBe(await id(second));
  });

  test("it listens on every -H", async () => {
    using scratch = temporaryFolder();
    const folder = scratch.path;
    const other = join(folder, "deep/er/other.sock");
    await using daemon = await startDaemon({ folder, hosts: [`unix://${other}`] });
    expect((await requestOn(other, "GET", "/_ping")).text).toBe("OK");
    await daemon.stop();
    expect(existsSync(other)).toBe(false);
  });
});

describe("info tells", () => {
  const lineOf = (program: string) => new TextDecoder().decode(Bun.spawnSync([program, "--version"]).stdout);
  test("each runtime that may be asked for, runc's own version, and the init that is used", async () => {
    await using daemon = await startDaemon({
      args: ["--init-path", "/opt/own-init", "--add-runtime", "own=/opt/own"],
    });
    const info = (await daemon.request("GET", "/info")).json<{
      Runtimes: Record<string, { path: string }>;
      RuncCommit: { ID: string };
      InitBinary: string;
    }>();
    const installed = ["crun", "runc"].filter((name) => Bun.which(name));
    expect(Object.keys(info.Runtimes)).toEqual([...installed, "own"].sort());
    expect(info.Runtimes.own?.path).toBe("/opt/own");
    expect(info.InitBinary).toBe("/opt/own-init");
    if (installed.includes("runc")) expect(lineOf("runc")).toContain(info.RuncCommit.ID);
    else expect(info.RuncCommit.ID).toBe("");
  });
});

describe("refused starts", () => {
  test("a data root that another daemon holds", async () => {
    await using daemon = await startDaemon();
    const bridge = "btnever";
    const { code, stderr } = await daemonCommand([
      ...["--data-root", daemon.dataRoot, "--exec-root", join(daemon.folder, "other")],
      ...["--bridge", bridge, "-H", `unix://${daemon.folder}/other.sock`],
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("failed to start daemon");
    expect(stderr).toContain(daemon.dataRoot);
    expect(existsSync(join(daemon.folder, "other.sock"))).toBe(false);
    expect((await daemon.request("GET", "/_ping")).status).toBe(200);
  });

  test.skipIf(existsSync("/run/systemd/private"))(
    "cgroups by systemd where systemd does not run the host",
    async () => {
      using scratch = temporaryFolder();
      const { code, stderr } = await daemonCommand([
        ...["--data-root", join(scratch.path, "data"), "--exec-root", join(scratch.path, "run")],
        ...["--bridge", "none", "-H", `unix://${scratch.path}/berth.sock`],
        ...["--exec-opt", "native.cgroupdriver=systemd"],
      ]);
      expect(code).toBe(1);
      expect(stderr).toContain("native.cgroupdriver=systemd can't be served: systemd does not run this host");
    },
  );

  test("a pid file of a process that lives; one of a dead process is written over", async () => {
    await using daemon = await startDaemon();
    const pidFile = join(daemon.execRoot, "berth.pid");
    const { code, stderr } = await daemonCommand([
      ...["--data-root", join(daemon.folder, "d2"), "--exec-root", join(daemon.folder, "e2")],
      ...["--pidfile", pidFile, "-H", `unix://${daemon.folder}/2.sock`],
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(`delete ${pidFile}: process with PID ${daemon.pid} is still running`);
    await daemon.kill9();
    await daemon.restart();
    expect(Number(readFileSync(pidFile, "utf8"))).toBe(daemon.pid);
  });

  test("a socket that somebody else serves stays his; a file that is no socket stays too", async () => {
    using scratch = temporaryFolder();
    const folder = scratch.path;
    const socket = join(folder, "s.sock");
    const server = createServer().listen(socket);
    await waitFor(() => existsSync(socket), "the socket");
    const flags = ["--data-root", join(folder, "d"), "--exec-root", join(folder, "e"), "--bridge", "none"];
    const taken = await daemonCommand([...flags, "-H", `unix://${socket}`]);
    expect(taken.stderr).toContain("another process serves it");
    expect(taken.code).toBe(1);
    server.close();
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    const blocked = await daemonCommand([...flags, "-H", `unix://${file}`]);
    expect(blocked.stderr).toContain("a file that is no socket is there");
    expect(readFileSync(file, "utf8")).toBe("precious");
    expect(existsSync(join(folder, "e/berth.pid"))).toBe(false);
  });

  test.each([
    [["--foo"], 125, "unknown flag: --foo\nSee 'berth daemon --help'."],
    [["-Z"], 125, "unknown shorthand flag: 'Z' in -Z"],
    [["--bip"], 125, "flag needs an argument: --bip"],
    [
      ["--mtu", "x"],
      125,
      'invalid argument "x" for "--mtu" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
    [["extra"], 125, '"berth daemon" accepts no argument(s).'],
    [["--log-level", "loud"], 1, "invalid logging level: loud"],
    [["-H", "ftp://x"], 1, "invalid bind address (ftp://x): unsupported proto 'ftp'"],
    [
      ["--config-file", "/nonexistent/berth.json"],
      1,
      "unable to configure the Docker daemon with file /nonexistent/berth.json: open /nonexistent/berth.json: no such file or directory",
    ],
    [
      ["--userns-remap", "default"],
      1,
      'the option "--userns-remap" can\'t be served: user namespace remapping is not implemented',
    ],
  ])("%p", async (flags, status, words) => {
    const { code, stderr } = await daemonCommand(flags);
    expect(stderr).toContain(words);
    expect(code).toBe(status);
  });

  test("TCP for everybody needs certificates or to be asked for by name", async () => {
    using scratch = temporaryFolder();
    const folder = scratch.path;
    const flags = ["--data-root", join(folder, "d"), "--exec-root", join(folder, "e"), "--bridge", "none"];
    const { code, stderr } = await daemonCommand([...flags, "-H", "tcp://0.0.0.0:39871"]);
    expect(code).toBe(1);
    expect(stderr).toContain("refusing to serve tcp://0.0.0.0:39871 without client certificates");
    expect(stderr).toContain("--allow-insecure-tcp");
  });

  test("an engine that can't start: the words, the status, no socket and no pid file left", async () => {
    using scratch = temporaryFolder();
    const folder = scratch.path;
    const bridge = `bt${Math.random().toString(36).slice(2, 10)}`;
    const { code, stderr } = await daemonCommand([
      ...["--data-root", join(folder, "d"), "--exec-root", join(folder, "e")],
      ...["--bridge", bridge, "--bip", "not-an-address"],
    ]);
    removeBridge(bridge);
    expect(code).toBe(1);
    expect(stderr).toContain("failed to start daemon:");
    expect(stderr).toContain("not-an-address");
    expect(existsSync(join(folder, "e/berth.sock"))).toBe(false);
    expect(existsSync(join(folder, "e/berth.pid"))).toBe(false);
  });
});

describe("asked about itself", () => {
  test("--help, --version and --validate", async () => {
    const help = await daemonCommand(["--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toStartWith(
      "\nUsage:\tberth daemon [OPTIONS]\n\nA self-sufficient runtime for containers.\n\nOptions:\n",
    );
    const version = await daemonCommand(["-v"]);
    expect(version.stdout).toMatch(/^Berth version \d+\.\d+\.\d+\S*, build \S+\n$/);
    expect(await daemonCommand(["--validate"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "configuration OK\n",
    });
  });

  test("--validate of a file: unknown keys, conflicts with flags, values of another type, text that isn't JSON", async () => {
    using scratch = temporaryFolder();
    const folder = scratch.path;
    const file = join(folder, "daemon.json");
    const validate = async (text: string, ...flags: string[]) => {
      writeFileSync(file, text);
      return (await daemonCommand(["--validate", "--config-file", file, ...flags])).stderr;
    };
    const failed = `unable to configure the Docker daemon with file ${file}: `;
    expect(await validate('{"debug":true}')).toBe("configuration OK\n");
    expect(await validate('{"foo":1,"debug":true}')).toBe(
      `${failed}the following directives don't match any configuration option: foo\n`,
    );
    expect(await validate('{"debug":true}', "-D")).toBe(
      `${failed}the following directives are specified both as a flag and in the configuration file: debug: (from flag: true, from file: true)\n`,
    );
    expect(await validate('{"debug":"yes"}')).toContain(
      "json: cannot unmarshal string into Go struct field Config.debug of type bool",
    );
    expect(await validate("{")).toStartWith(failed);
  });
});

describe("SIGHUP", () => {
  test("takes over what can change, tells who listens, and leaves the rest", async () => {
    await using daemon = await startDaemon({ config: { labels: ["a=1"], mtu: 1400 } });
    const info = async () =>
      (await daemon.request("GET", "/info")).json<{
        Labels: string[];
        Debug: boolean;
        RegistryConfig: { InsecureRegistryCIDRs: string[]; IndexConfigs: Record<string, unknown> };
      }>();
    expect((await info()).Labels).toEqual(["a=1"]);
    const since = Date.now() / 1000 - 1;
    writeFileSync(
      daemon.configFile,
      JSON.stringify({ labels: ["b=2"], debug: true, mtu: 1300, "max-concurrent-downloads": 7 }),
    );
    daemon.signal("SIGHUP");
    await daemon.waitForLog(/Reloaded configuration/);
    const after = await info();
    expect(after.Labels).toEqual(["b=2"]);
    expect(after.Debug).toBe(true);
    const events = await daemon.request(
      "GET",
      `/events?since=${since}&until=${Date.now() / 1000}&filters={"type":["daemon"]}`,
    );
    const event = events.json<{ Action: string; Actor: { Attributes: Record<string, string> } }>();
    expect(event.Action).toBe("reload");
    expect(event.Actor.Attributes).toMatchObject({
      labels: '["b=2"]',
      debug: "true",
      "max-concurrent-downloads": "7",
    });
  });

  test("a broken file changes nothing", async () => {
    await using daemon = await startDaemon({ config: { labels: ["a=1"] } });
    for (const text of ["{", '{"unknown":1}', '{"labels":["x=1","x=2"]}']) {
      const before = daemon.logs().length;
      writeFileSync(daemon.configFile, text);
      daemon.signal("SIGHUP");
      await waitFor(
        () => /Error reloading configuration/.test(daemon.logs().slice(before)),
        "the refusal",
        daemon.logs,
      );
    }
    const { Labels } = (await daemon.request("GET", "/info")).json<{ Labels: string[] }>();
    expect(Labels).toEqual(["a=1"]);
  });
});

test("DOCKER_MIN_API_VERSION raises the oldest version", async () => {
  await using daemon = await startDaemon({ env: { DOCKER_MIN_API_VERSION: "1.44" } });
  const old = await daemon.request("GET", "/v1.43/version");
  expect(old.status).toBe(400);
  expect(old.json<{ message: string }>().message).toContain("Minimum supported API version is 1.44");
  expect((await daemon.request("GET", "/v1.44/version")).status).toBe(200);
});

test("without the group of its socket it is root's; a group that was asked for has to be there", async () => {
  using scratch = temporaryFolder();
  const folder = scratch.path;
  chmodSync(folder, 0o755);
  const { code, stderr } = await daemonCommand([
    ...["--data-root", join(folder, "d"), "--exec-root", join(folder, "e"), "--bridge", "none"],
    ...["--group", "no-such-group-here"],
  ]);
  expect(code).toBe(1);
  expect(stderr).toContain("group no-such-group-here not found");
});
