// What a person does with containers, images and volumes, word for word the same with Docker's client and ours,
// against our daemon and Docker's. The daemon has the image `image` (busybox).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./client.ts";
import { copyCases } from "./copy-suite.ts";
import { imageCases } from "./image-suite.ts";
import { lifeCases } from "./life-suite.ts";
import { logCases } from "./log-suite.ts";
import { networkCases } from "./network-suite.ts";
import { resourceCases } from "./resource-suite.ts";
import { terminalCases } from "./terminal-suite.ts";
import type { Tools } from "./tools.ts";

interface Given {
  client: Client;
  image: string;
  /** The daemon sees this process's files: not so for a peer in a root of its own. */
  seesOurFiles: boolean;
}

export function clientSuite(title: string, given: () => Given): void {
  const prefix = `s${crypto.randomUUID().slice(0, 8)}`;
  let scratch: string;
  const client = () => given().client;
  const image = () => given().image;
  let count = 0;
  const name = () => {
    count += 1;
    return `${prefix}-${count}`;
  };
  const check = (what: string, work: () => Promise<void>) => test(`${title}: ${what}`, work);
  const tools: Tools = { client, image, name, prefix, check, scratch: () => scratch };

  beforeAll(() => {
    scratch = mkdtempSync("/var/tmp/berth-test-client-");
  });
  afterAll(async () => {
    const ids = (await client().ok("ps", "-aq", "--filter", `name=${prefix}`)).split("\n").filter(Boolean);
    if (ids.length > 0) await client().run("rm", "-f", "-v", ...ids);
    rmSync(scratch, { recursive: true, force: true });
  });

  check("run prints the program's output and takes its exit status", async () => {
    const result = await client().run(
      "run",
      "--rm",
      "--name",
      name(),
      image(),
      "sh",
      "-c",
      "echo out; echo err >&2; exit 42",
    );
    expect(result).toEqual({ code: 42, stdout: "out\n", stderr: "err\n" });
  });

  for (const [what, args, code, text] of [
    ["a command that isn't there", ["nosuch"], 127, /executable file not found in \$PATH/],
    ["a file that can't be run", ["/etc/passwd"], 126, /permission denied/],
    ["a folder", ["/etc"], 126, /(is a directory|permission denied)/],
  ] as const)
    check(`exit status for ${what}`, async () => {
      const result = await client().run("run", "--rm", "--name", name(), image(), ...args);
      expect(result.code).toBe(code);
      expect(result.stderr).toMatch(text);
    });

  check("exit status 125 for what the daemon refuses", async () => {
    const result = await client().run("run", "--rm", "--memory", "1m", image(), "true");
    expect(result.code).toBe(125);
    expect(result.stderr).toContain("Minimum memory limit allowed is 6MB");
  });

  check("standard input goes in and its end is seen", async () => {
    const big = "x".repeat(1_000_000);
    const result = await client().feed(big, "run", "-i", "--rm", "--name", name(), image(), "wc", "-c");
    expect(result.stdout.trim()).toBe("1000000");
    // An end that comes before the container has started.
    const none = await client().feed("", "run", "-i", "--rm", "--name", name(), image(), "cat");
    expect(none).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  check("create, start -a, wait, logs, rm", async () => {
    const c = name();
    expect(await client().ok("create", "--name", c, image(), "sh", "-c", "echo hello; exit 3")).toMatch(
      /^[0-9a-f]{64}$/,
    );
    expect(await client().ok("ps", "-a", "--filter", `name=${c}`, "--format", "{{.Status}}")).toBe("Created");
    const started = await client().run("start", "-a", c);
    expect(started).toMatchObject({ code: 3, stdout: "hello\n" });
    expect(await client().ok("wait", c)).toBe("3");
    expect(await client().ok("logs", c)).toBe("hello");
    expect(await client().ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", c)).toBe("exited 3");
    expect(await client().ok("rm", c)).toBe(c);
    expect((await client().run("inspect", c)).code).toBe(1);
  });

  check("a detached container: ps, exec, stop with its time-out, start again, kill", async () => {
    const c = name();
    const id = await client().ok("run", "-d", "--name", c, image(), "sleep", "3600");
    expect(
      await client().ok("ps", "--filter", `name=${c}`, "--format", "{{.ID}} {{.Names}} {{.Image}}"),
    ).toBe(`${id.slice(0, 12)} ${c} ${image()}`);
    expect(await client().ok("exec", c, "hostname")).toBe(id.slice(0, 12));
    expect((await client().run("exec", c, "sh", "-c", "exit 7")).code).toBe(7);
    expect((await client().run("exec", c, "nosuch")).code).toBe(127);
    expect(await client().run("exec", "-w", "relative", c, "true")).toMatchObject({
      code: 128,
      stdout: expect.stringContaining("OCI runtime exec failed: exec failed: Cwd must be an absolute path"),
    });
    expect((await client().feed("in\n", "exec", "-i", c, "cat")).stdout).toBe("in\n");
    await client().ok("stop", "-t", "0", c);
    expect(await client().ok("inspect", "-f", "{{.State.ExitCode}}", c)).toBe("137");
    await client().ok("start", c);
    await client().ok("kill", "-s", "KILL", c);
    expect(await client().ok("wait", c)).toBe("137");
    expect((await client().run("kill", c)).stderr).toContain("is not running");
  });

  check("top: the container's processes, with ps's own options", async () => {
    const c = name();
    await client().ok("run", "-d", "--name", c, image(), "sh", "-c", "sleep 1000 & exec sleep 2000");
    // A container is running when its first process is about to become the program.
    let listed = "";
    while (listed.split("\n").length !== 3 || / (sh|\S*crun|\S*runc) /.test(listed))
      listed = await client().ok("top", c);
    const [titles = "", ...lines] = listed.split("\n");
    expect(titles.split(/\s+/)).toEqual(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
    expect(lines.map((line) => line.split(/\s+/).slice(7).join(" ")).sort()).toEqual([
      "sleep 1000",
      "sleep 2000",
    ]);
    expect((await client().ok("top", c, "-o", "pid,args")).split("\n")).toHaveLength(3);
    const none = await client().run("top", c, "-o", "args");
    expect(none).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Couldn't find PID field in ps output"),
    });
    expect((await client().run("top", c, "-o", "args=PID")).stderr).toContain(
      'specifying "args=PID" is not allowed',
    );
    await client().ok("kill", c);
    await client().ok("wait", c);
    expect((await client().run("top", c)).stderr).toMatch(/container [0-9a-f]{64} is not running/);
  });

  check("a name in use is refused", async () => {
    const c = name();
    const id = await client().ok("create", "--name", c, image());
    const again = await client().run("create", "--name", c, image());
    expect(again.code).toBe(1);
    expect(again.stderr).toContain(
      `Conflict. The container name "/${c}" is already in use by container "${id}"`,
    );
  });

  check("a running container is removed by force alone", async () => {
    const c = name();
    await client().ok("run", "-d", "--name", c, "-v", "/anonymous", image(), "sleep", "3600");
    const refused = await client().run("rm", c);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      "container is running: stop the container before removing or force remove",
    );
    const volume = await client().ok("inspect", "-f", "{{(index .Mounts 0).Name}}", c);
    await client().ok("rm", "-f", "-v", c);
    expect((await client().run("volume", "inspect", volume)).code).toBe(1);
  });

  check("events: what was done, in its order, with its attributes", async () => {
    const c = name();
    const v = `${c}-volume`;
    const tag = `${c}-image:v1`;
    const since = String((Date.now() - 1) / 1000);
    await client().ok("run", "-d", "--name", c, "--label", "k=v", "-v", `${v}:/v`, image(), "sleep", "3600");
    await client()
      .ok("exec", c, "sh", "-c", "exit 4")
      .catch(() => {});
    await client().ok("pause", c);
    await client().ok("unpause", c);
    await client().ok("rename", c, `${c}-new`);
    await client().ok("rename", `${c}-new`, c);
    await client().ok("commit", "-m", "text", c, tag);
    await client().ok("rmi", tag);
    await client().ok("kill", c);
    await client().ok("wait", c);
    await client().ok("rm", c);
    await client().ok("volume", "rm", v);
    const events = async (format: string, ...filters: string[]) => {
      const until = String((Date.now() + 1) / 1000);
      const given = filters.flatMap((filter) => ["--filter", filter]);
      return await client().ok("events", "--since", since, "--until", until, "--format", format, ...given);
    };
    // All that is called so or so ahead: the volume and the image too, as Docker compares.
    const life =
      "create create mount start exec_create exec_start exec_die pause unpause rename rename pause tag commit unpause " +
      "untag kill unmount die destroy destroy";
    const actions = (await events("{{.Action}}", `container=${c}`)).split("\n");
    expect(actions.map((action) => action.replace(/:.*/, "")).join(" ")).toBe(life);
    const one = async (event: string, attributes: string[]) =>
      await events(
        attributes.map((attribute) => `{{index .Actor.Attributes "${attribute}"}}`).join(" "),
        "type=container",
        `event=${event}`,
        "label=k=v",
      );
    expect(await one("exec_die", ["exitCode", "name", "k"])).toBe(`4 ${c} v`);
    expect(await one("die", ["exitCode", "image", "k"])).toBe(`137 ${image()} v`);
    expect(await one("kill", ["signal"])).toBe("9");
    expect(await one("rename", ["oldName", "name"])).toBe(`/${c} ${c}-new\n/${c}-new ${c}`);
    expect(await one("commit", ["comment", "imageRef"])).toBe(`text ${tag}`);
    expect((await events("{{.Action}}", `volume=${v}`)).split("\n")).toEqual([
      "create",
      "mount",
      "unmount",
      "destroy",
    ]);
    // A commit's image has the container's labels; what is untagged says its name alone.
    const ofImages = await events("{{.Action}} {{json .Actor.Attributes}}", "type=image", `image=${tag}`);
    expect(ofImages).toContain(`tag {"k":"v","name":"${tag}"}`);
    expect(ofImages).toContain(`untag {"name":"${tag}"}`);
  });

  check("prune takes what its filters name; a no leaves everything", async () => {
    const c = name();
    await client().ok("create", "--name", c, "--label", `only=${c}`, image());
    const filters = ["--filter", `label=only=${c}`];
    expect(await client().feed("n\n", "container", "prune", ...filters)).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await client().ok("container", "prune", "-f", ...filters, "--filter", "until=1h")).toBe(
      "Total reclaimed space: 0B",
    );
    expect((await client().run("container", "prune", "-f", "--filter", "until=x")).code).toBe(1);
    expect(await client().ok("system", "prune", "-f", ...filters)).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: \S+$/,
    );
  });

  check("named volumes: create, ls, inspect, use, rm", async () => {
    const v = `${prefix}-volume`;
    expect(await client().ok("volume", "create", "--label", "k=v", v)).toBe(v);
    expect(await client().ok("volume", "ls", "-q", "--filter", `name=${v}`)).toBe(v);
    expect(await client().ok("volume", "inspect", "-f", '{{.Driver}} {{index .Labels "k"}}', v)).toBe(
      "local v",
    );
    await client().ok(
      "run",
      "--rm",
      "--name",
      name(),
      "-v",
      `${v}:/d`,
      image(),
      "sh",
      "-c",
      "echo kept > /d/f",
    );
    expect(
      await client().ok(
        "run",
        "--rm",
        "--name",
        name(),
        "--mount",
        `type=volume,src=${v},dst=/d,readonly`,
        image(),
        "cat",
        "/d/f",
      ),
    ).toBe("kept");
    const c = name();
    await client().ok("create", "--name", c, "-v", `${v}:/d`, image());
    expect((await client().run("volume", "rm", v)).stderr).toContain("volume is in use");
    await client().ok("rm", c);
    expect(await client().ok("volume", "rm", v)).toBe(v);
  });

  check("a folder of the host, read-only, and tmpfs", async () => {
    writeFileSync(join(scratch, "file"), "from the host\n");
    if (!given().seesOurFiles) return;
    const mounted = await client().run(
      "run",
      "--rm",
      "--name",
      name(),
      "-v",
      `${scratch}:/host:ro`,
      "--tmpfs",
      "/t:size=1m",
      image(),
      "sh",
      "-c",
      "cat /host/file; touch /host/no; df -k /t | tail -1",
    );
    expect(mounted.stdout).toMatch(/^from the host\ntmpfs +1024 /);
    expect(mounted.stderr).toContain("Read-only file system");
    expect(
      (await client().run("run", "--rm", "--mount", "type=bind,src=/no/such/folder,dst=/x", image(), "true"))
        .stderr,
    ).toContain("bind source path does not exist: /no/such/folder");
  });

  check("a published port, and the same again is refused", async () => {
    const c = name();
    await client().ok("run", "-d", "--name", c, "-p", "127.0.0.1::80", image(), "httpd", "-f", "-h", "/etc");
    const port = (await client().ok("port", c, "80")).split(":")[1] ?? "";
    let page = "";
    for (let i = 0; i < 50 && !page; i += 1)
      page = await fetch(`http://127.0.0.1:${port}/passwd`)
        .then((r) => r.text())
        .catch(() => Bun.sleep(100).then(() => ""));
    expect(page).toContain("root:");
    const again = await client().run(
      "run",
      "-d",
      "--name",
      name(),
      "-p",
      `127.0.0.1:${port}:80`,
      image(),
      "true",
    );
    expect(again.code).toBe(125);
    expect(again.stderr).toMatch(/port is already allocated|address already in use/);
  });

  check("version, info, system df", async () => {
    expect(await client().ok("version", "--format", "{{.Server.APIVersion}}")).toMatch(/^1\.\d+$/);
    expect(await client().ok("info", "--format", "{{.OSType}}")).toBe("linux");
    expect(await client().ok("system", "df", "--format", "{{.Type}}")).toBe(
      "Images\nContainers\nLocal Volumes\nBuild Cache",
    );
  });

  logCases(tools);
  terminalCases(tools);
  imageCases(tools);
  lifeCases(tools);
  resourceCases(tools);
  networkCases(tools);
  copyCases(tools);

  check(
    "contexts: create, ls, inspect, update, use, export, import, rm, and a daemon that is reached through one",
    async () => {
      const c = name();
      const host = await client().ok("context", "inspect", "default", "-f", "{{.Endpoints.docker.Host}}");
      const made = await client().run(
        "context",
        "create",
        c,
        "--description",
        "a <b>",
        "--docker",
        `host=${host}`,
      );
      expect(made).toEqual({ code: 0, stdout: `${c}\n`, stderr: `Successfully created context "${c}"\n` });
      expect((await client().run("context", "create", c)).stderr).toBe(`context "${c}" already exists\n`);
      const row = "{{.Name}}|{{.Description}}|{{.DockerEndpoint}}|{{.Current}}|{{.Error}}";
      expect((await client().ok("context", "ls", "--format", row)).split("\n")).toContain(
        `${c}|a <b>|${host}|false|`,
      );
      const [shown] = JSON.parse(await client().ok("context", "inspect", c));
      expect(shown).toMatchObject({
        Name: c,
        Metadata: { Description: "a <b>" },
        Endpoints: { docker: { Host: host, SkipTLSVerify: false } },
        TLSMaterial: {},
      });
      expect(await client().ok("--context", c, "ps", "--filter", `name=${c}`, "-q")).toBe("");
      expect(await client().ok("--context", c, "version", "-f", "{{.Client.Context}}")).toBe(c);
      const used = await client().run("context", "use", c);
      expect(used.stdout).toBe(`${c}\n`);
      expect(used.stderr).toBe(
        `Current context is now "${c}"\nWarning: DOCKER_HOST environment variable overrides the active context. To use "${c}", either set the global --context flag, or unset DOCKER_HOST environment variable.\n`,
      );
      expect(await client().ok("context", "show")).toBe("default"); // DOCKER_HOST wins
      await client().ok("context", "update", c, "--description", "new");
      expect(await client().ok("context", "inspect", "-f", "{{.Metadata.Metadata.Description}}", c)).toBe(
        "new",
      );
      const file = join(scratch, `${c}.dockercontext`);
      expect((await client().run("context", "export", c, file)).stderr).toBe(`Written file "${file}"\n`);
      await client().ok("context", "import", `${c}-2`, file);
      expect(await client().ok("context", "inspect", "-f", "{{.Endpoints.docker.Host}}", `${c}-2`)).toBe(
        host,
      );
      await client().ok("context", "use", "default");
      expect(await client().ok("context", "rm", c, `${c}-2`)).toBe(`${c}\n${c}-2`);
      const gone = await client().run("--context", c, "ps");
      expect(gone.code).toBe(1);
      expect(gone.stderr).toMatch(
        new RegExp(
          `^Failed to initialize: unable to resolve docker endpoint: context "${c}": context not found: open .*/meta.json: no such file or directory\n$`,
        ),
      );
      expect(await client().run("--context", c, "-H", host, "ps")).toEqual({
        code: 1,
        stdout: "",
        stderr: "conflicting options: cannot specify both --host and --context\n",
      });
    },
  );

  check("system dial-stdio joins standard streams to the daemon", async () => {
    const request = "GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const { code, stdout } = await client().feed(request, "system", "dial-stdio");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*OK/);
  });

  check("bad input is refused in the client's own words", async () => {
    for (const [args, text] of [
      [["run", "-p", "99999:80", image()], /invalid .*port/i],
      [["run", "-v", "a:b:c:d", image()], /invalid/],
      [
        ["run", "--memory", "lots", image()],
        /invalid argument "lots" for "-m, --memory" flag: invalid size: 'lots'/,
      ],
      [["run", "-e", "=x", image()], /invalid environment variable: =x/],
      [["run", "--nosuch", image()], /unknown flag: --nosuch/],
    ] as const) {
      const result = await client().run(...args);
      expect(result.code).toBe(125);
      expect(result.stderr).toMatch(text);
    }
  });
}
