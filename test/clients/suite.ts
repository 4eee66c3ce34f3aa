// What a person does with containers, images and volumes, word for word the same with Docker's client and ours,
// against our daemon and Docker's. The daemon has the image `image` (busybox).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./client.ts";
import { copyCases } from "./copy-suite.ts";
import { lifeCases } from "./life-suite.ts";
import { networkCases } from "./network-suite.ts";

/** busybox's shell asks the terminal for its cursor's place behind the prompt, and clears the rest of the line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's escape sequence
const PROMPT = /# (?:\x1b\[\d*[a-zA-Z])*$/;

/** What a container does to its files, for diff and commit. */
const CHANGES = "mkdir -p /new; echo x > /new/file; rm /bin/wget; echo me:x:7:7::/: >> /etc/passwd";

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

  check("stats --no-stream: of one that runs, one that doesn't, and none", async () => {
    const c = name();
    const stopped = name();
    const id = await client().ok("run", "-d", "--name", c, "-m", "64m", image(), "sleep", "1000");
    await client().ok("create", "--name", stopped, image());
    // Side by side, since each takes the second that it measures.
    const once = (...args: string[]) => client().run("stats", "--no-stream", ...args);
    const [table, template, json, all, missing] = await Promise.all([
      once(c, stopped),
      once("--no-trunc", "--format", "{{.Container}} {{.Name}} {{.ID}} {{.PIDs}}", c),
      once("--format", "json", c),
      once("-a", "--format", "{{.Name}}"),
      once(c, "nosuch"),
    ]);
    const [titles = "", first = "", second = ""] = table.stdout.split("\n");
    expect(titles.split(/ {2,}/)).toEqual([
      "CONTAINER ID",
      "NAME",
      "CPU %",
      "MEM USAGE / LIMIT",
      "MEM %",
      "NET I/O",
      "BLOCK I/O",
      "PIDS",
    ]);
    expect(first).toMatch(
      new RegExp(
        `^${id.slice(0, 12)} +${c} +\\d+\\.\\d\\d% +[\\d.]+[KM]iB / 64MiB +\\d+\\.\\d\\d% +[\\d.]+k?B / [\\d.]+k?B +[\\d.]+k?B / 0B +1$`,
      ),
    );
    expect(second).toMatch(new RegExp(` ${stopped} +0\\.00% +0B / 0B +0\\.00% +0B / 0B +0B / 0B +0$`));
    expect(template.stdout).toBe(`${c} ${c} ${id} 1\n`);
    expect(JSON.parse(json.stdout)).toMatchObject({ Name: c, PIDs: "1" });
    expect(all.stdout.split("\n")).toEqual(expect.arrayContaining([c, stopped]));
    expect(missing).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "Error response from daemon: No such container: nosuch\n",
    });
  });

  check("stats: a table written over itself, of containers that come and go", async () => {
    const [first, second] = [name(), name()];
    const sleeper = (c: string) => client().ok("run", "-d", "--name", c, image(), "sleep", "1000");
    await sleeper(first);
    await using live = client().terminal("stats", "--format", "{{.Name}} {{.PIDs}}");
    await live.until(new RegExp(String.raw`\x1b\[H[\s\S]*${first} 1[\s\S]*\x1b\[K[\s\S]*\x1b\[J`));
    await sleeper(second);
    await live.until(new RegExp(`${second} 1`));
    await client().ok("rm", "-f", first);
    const without = String.raw`(?:(?!${first}|\x1b\[H)[\s\S])*`;
    await live.until(new RegExp(String.raw`\x1b\[H${without}${second}${without}\x1b\[J`));
    live.type("\x03");
    expect(await live.exited).not.toBe(0);
  });

  check("update: limits at once, a policy, and what is refused", async () => {
    const c = name();
    await client().ok(
      "run",
      "-d",
      "--name",
      c,
      "-m",
      "64m",
      "--memory-swap",
      "128m",
      image(),
      "sleep",
      "1000",
    );
    expect(
      await client().ok(
        "update",
        "--memory",
        "100m",
        "--memory-swap",
        "200m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "30",
        "--restart",
        "unless-stopped",
        c,
      ),
    ).toBe(c);
    const { HostConfig } = JSON.parse(await client().ok("inspect", "-f", "{{json .}}", c));
    expect(HostConfig).toMatchObject({
      Memory: 100 << 20,
      MemorySwap: 200 << 20,
      NanoCpus: 500_000_000,
      PidsLimit: 30,
      RestartPolicy: { Name: "unless-stopped", MaximumRetryCount: 0 },
    });
    expect(await client().ok("stats", "--no-stream", "--format", "{{.MemUsage}}", c)).toContain(" / 100MiB");
    for (const [flags, words] of [
      [[], "you must provide one or more flags when using this command"],
      [["--memory", "1m"], "Minimum memory limit allowed is 6MB"],
      [
        ["--memory", "300m"],
        "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
      ],
      [
        ["--cpu-quota", "50000"],
        "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
      ],
      [["--restart", "bogus"], "invalid restart policy: unknown policy 'bogus'"],
    ] as const) {
      const refused = await client().run("update", ...flags, c);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(words);
    }
    expect(await client().run("update", "--pids-limit", "20", "nosuch", c)).toMatchObject({
      code: 1,
      stdout: `${c}\n`,
      stderr: "Error response from daemon: No such container: nosuch\n",
    });
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

  check("logs -f follows until the end", async () => {
    const c = name();
    await client().ok(
      "run",
      "-d",
      "--name",
      c,
      image(),
      "sh",
      "-c",
      "for i in 1 2 3; do echo line $i; sleep 0.2; done",
    );
    await using follow = client().start("logs", "-f", c);
    await follow.until(/line 1\nline 2\nline 3\n/);
    expect(await follow.exited).toBe(0);
    expect(await client().ok("logs", "--tail", "1", c)).toBe("line 3");
    expect(await client().ok("logs", "-t", "--tail", "1", c)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line 3$/);
  });

  for (const driver of ["json-file", "local"])
    check(`logs of the driver ${driver}: streams, the end, limits of time, long lines`, async () => {
      const c = name();
      const script = "echo one; echo two >&2; sleep 0.3; echo; printf three";
      await client().ok("run", "-d", "--name", c, "--log-driver", driver, image(), "sh", "-c", script);
      await client().ok("wait", c);
      expect(await client().run("logs", c)).toEqual({ code: 0, stdout: "one\n\nthree", stderr: "two\n" });
      expect((await client().run("logs", "-n", "2", c)).stdout).toBe("\nthree");
      expect((await client().run("logs", "--tail", "0", c)).stdout).toBe("");
      const stamped = await client().run("logs", "-t", c);
      const times = [...stamped.stdout.matchAll(/^(\S{30}) /gm)].map(([, time]) => time ?? "");
      expect(stamped.stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one\n/);
      // The second of them, and what came before it.
      expect((await client().run("logs", "--since", times[1] ?? "", c)).stdout).toBe("\nthree");
      expect((await client().run("logs", "--until", times[0] ?? "", c)).stdout).toBe("one\n");
      expect((await client().run("logs", "--since", "1h", "--until", "-1h", c)).stdout).toBe("one\n\nthree");
      expect((await client().run("logs", "--since", "2030-01-01", c)).stdout).toBe("");
      expect((await client().run("logs", "--until", "2020-01-01T00:00:00Z", c)).stdout).toBe("");
      for (const wrong of ["--since", "--until"])
        expect((await client().run("logs", wrong, "yesterday", c)).stderr).toContain(
          `invalid value for "${wrong.slice(2)}": failed to parse value as time or duration: "yesterday"`,
        );
      const long = name();
      const write = "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end";
      await client().ok("run", "--name", long, "--log-driver", driver, image(), "sh", "-c", write);
      expect((await client().run("logs", long)).stdout).toBe(`${"x".repeat(100_000)}\nend\n`);
    });

  check(
    "logs -f ends with the container, also when it is restarted, removed, or the time is over",
    async () => {
      const script = "i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1; done";
      const start = async () => {
        const c = name();
        await client().ok("run", "-d", "--name", c, "--log-driver", "local", image(), "sh", "-c", script);
        return c;
      };
      const stopped = await start();
      await using first = client().start("logs", "-f", stopped);
      await first.until(/line 2\n/);
      await client().ok("restart", "-t", "0", stopped);
      expect(await first.exited).toBe(0);
      await using second = client().start("logs", "-f", "--tail", "0", stopped);
      await second.until(/line \d+\n/);
      await client().ok("rm", "-f", stopped);
      expect(await second.exited).toBe(0);
      const timed = await start();
      await using third = client().start("logs", "-f", "--until", "-1s", timed);
      expect(await third.exited).toBe(0);
      await client().ok("rm", "-f", timed);
    },
  );

  check("log options and drivers that can't be are refused, and what can't be read", async () => {
    const refused = async (text: string, ...args: string[]) => {
      const c = name();
      const result = await client().run("run", "--name", c, ...args, image(), "true");
      expect(result.stderr).toContain(text);
      expect(result.code).toBe(125);
    };
    await refused(
      'error looking up logging plugin nosuch: plugin "nosuch" not found',
      "--log-driver",
      "nosuch",
    );
    await refused(
      "unknown log opt 'foo' for log driver local",
      "--log-driver",
      "local",
      "--log-opt",
      "foo=1",
    );
    await refused(
      "unknown log opt 'foo' for json-file log driver",
      "--log-driver=json-file",
      "--log-opt",
      "foo=1",
    );
    await refused(
      "logger: logging mode not supported: slow",
      "--log-driver=json-file",
      "--log-opt",
      "mode=slow",
    );
    const failed = "failed to create task for container: failed to initialize logging driver: ";
    await refused(`${failed}invalid size: 'x'`, "--log-driver=json-file", "--log-opt", "max-size=x");
    await refused(
      `${failed}invalid value for max-size: x: invalid size: 'x'`,
      "--log-driver=local",
      "--log-opt",
      "max-size=x",
    );
    await refused(
      `${failed}template: log-tag:1:2: executing "log-tag" at <.Nosuch>: can't evaluate field Nosuch in type *logger.Info`,
      "--log-driver=json-file",
      "--log-opt",
      "tag={{.Nosuch}}",
    );
    await refused(
      `${failed}dial tcp 127.0.0.1:1: connect: connection refused`,
      "--log-driver=syslog",
      "--log-opt",
      "syslog-address=tcp://127.0.0.1:1",
    );
    const c = name();
    await client().ok("run", "--name", c, "--log-driver", "none", image(), "true");
    expect((await client().run("logs", c)).stderr).toContain(
      "configured logging driver does not support reading",
    );
  });

  check("log tags and attributes with --details", async () => {
    const c = name();
    const options = [
      "--log-opt",
      "tag={{.Name}}/{{upper .ImageName}}",
      "--log-opt",
      "labels=a,b",
      "--log-opt",
      "env=V",
    ];
    await client().ok(
      ...["run", "--name", c, "--log-driver", "json-file", ...options, "--label", "a=1 2", "-e", "V=x"],
      ...[image(), "echo", "hi"],
    );
    const tag = encodeURIComponent(`${c}/${image().toUpperCase()}`);
    expect(await client().ok("logs", "--details", c)).toBe(`V=x,a=1+2,tag=${tag} hi`);
  });

  check("a terminal: job control, its size, Ctrl-C, Ctrl-D", async () => {
    await using session = client().terminal("run", "-it", "--rm", "--name", name(), image(), "sh");
    await session.until(PROMPT);
    session.type("stty size; tty; echo $TERM\n");
    const first = await session.until(/xterm\r\n/);
    expect(first).toContain("24 80");
    expect(first).toContain("/dev/pts/0");
    session.resize(100, 40);
    session.type("sleep 0.3; stty size\n");
    await session.until(/40 100/);
    session.type("sleep 3600\n");
    await session.until(/sleep 3600\r\n/);
    await Bun.sleep(200);
    session.type("\x03");
    await session.until(PROMPT);
    session.type("exit 5\n");
    expect(await session.exited).toBe(5);
  });

  check("detach with the keys, attach again, and the terminal goes on", async () => {
    const c = name();
    await using first = client().terminal("run", "-it", "--name", c, image(), "sh");
    await first.until(PROMPT);
    first.type("mark=kept\n");
    await first.until(PROMPT);
    first.type("\x10\x11");
    expect(await first.exited).toBe(0);
    expect(await client().ok("inspect", "-f", "{{.State.Running}}", c)).toBe("true");
    await using second = client().terminal("attach", c);
    second.type("\n");
    await second.until(PROMPT);
    second.type("echo $mark\n");
    await second.until(/kept\r\n/);
    second.type("exit\n");
    expect(await second.exited).toBe(0);
  });

  check("two clients on one terminal see the same, and one that leaves leaves the other alone", async () => {
    const c = name();
    await client().ok("run", "-dit", "--name", c, image(), "sh");
    await using first = client().terminal("attach", c);
    first.type("\n");
    await first.until(PROMPT);
    await using second = client().terminal("attach", c);
    second.type("\n");
    await second.until(PROMPT);
    first.type("echo $((40+2))\n");
    await first.until(/42\r\n/);
    await second.until(/42\r\n/);
    first.type("\x10\x11");
    await first.exited;
    second.type("echo $((50+5))\n");
    await second.until(/55\r\n/);
    await using watcher = client().start("attach", "--no-stdin", c);
    // A client that only watches has to be there before there is something to see.
    let seen = false;
    const look = watcher.until(/66\r?\n/).then(() => {
      seen = true;
    });
    for (let i = 0; i < 50 && !seen; i++) {
      second.type("echo $((60+6))\n");
      await Promise.race([look, Bun.sleep(100)]);
    }
    await look;
    second.type("exit\n");
    expect(await second.exited).toBe(0);
    expect(await watcher.exited).toBe(0);
  });

  check("exec -it and start -a -i", async () => {
    const c = name();
    await client().ok("run", "-dit", "--name", c, image(), "sh");
    await using shell = client().terminal("exec", "-it", c, "sh");
    await shell.until(PROMPT);
    shell.type("tty; exit 9\n");
    await shell.until(/\/dev\/pts\/1/);
    expect(await shell.exited).toBe(9);
    await client().ok("stop", "-t", "0", c);
    await using again = client().terminal("start", "-a", "-i", c);
    again.type("\n");
    await again.until(PROMPT);
    again.type("exit 4\n");
    expect(await again.exited).toBe(4);
  });

  check("images, history, tag, rmi", async () => {
    const other = `${prefix}-image:v1`;
    await client().ok("tag", image(), other);
    expect(await client().ok("images", "--format", "{{.Repository}}:{{.Tag}}", other)).toBe(other);
    const id = await client().ok("inspect", "-f", "{{.Id}}", other);
    expect(await client().ok("images", "-q", "--no-trunc", other)).toBe(id);
    expect((await client().ok("history", "-q", other)).split("\n").length).toBeGreaterThan(0);
    expect(await client().ok("rmi", other)).toContain(`Untagged: ${other}`);
    expect((await client().run("rmi", other)).stderr).toContain("No such image");
  });

  check("save, load, import", async () => {
    const tag = `${prefix}-saved:v1`;
    const archive = join(scratch, "saved.tar");
    await client().ok("tag", image(), tag);
    await client().ok("save", "-o", archive, tag);
    await client().ok("rmi", tag);
    expect(await client().ok("load", "-i", archive)).toContain(`Loaded image: ${tag}`);
    await client().ok("rmi", tag);
    const root = join(scratch, "root");
    await Bun.$`mkdir -p ${root}/bin && cp /bin/busybox ${root}/bin/sh && tar -C ${root} -cf ${root}.tar .`.quiet();
    const imported = `${prefix}-imported:v1`;
    expect(
      await client().ok("import", "-c", 'CMD ["/bin/sh", "-c", "echo imported"]', `${root}.tar`, imported),
    ).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await client().ok("run", "--rm", "--name", name(), imported)).toBe("imported");
    await client().ok("rmi", imported);
  });

  check("diff: what was added, changed and deleted", async () => {
    const c = name();
    await client().ok("create", "--name", c, "-v", "/deep/volume", image(), "sh", "-c", CHANGES);
    expect(await client().ok("diff", c)).toBe("");
    await client().ok("start", "-a", c);
    const expected = [
      "A /deep",
      "A /deep/volume",
      "A /new",
      "A /new/file",
      "C /bin",
      "C /etc",
      "C /etc/passwd",
      "D /bin/wget",
    ];
    expect((await client().ok("diff", c)).split("\n").sort()).toEqual(expected);
    expect(await client().run("diff", `${c}-not`)).toEqual({
      code: 1,
      stdout: "",
      stderr: `Error response from daemon: No such container: ${c}-not\n`,
    });
  });

  check("commit: the changes and a config of its own", async () => {
    const c = name();
    const tag = `${prefix}-committed`;
    await client().ok("run", "--name", c, "-e", "A=1", "-w", "/new", image(), "sh", "-c", CHANGES);
    const changes = [
      "CMD cat file",
      "ENV B=2",
      "LABEL k=v",
      "EXPOSE 80/udp",
      "STOPSIGNAL SIGINT",
      "WORKDIR sub/..",
    ];
    const id = await client().ok(
      "commit",
      "-a",
      "me <me@host>",
      "-m",
      "a message",
      ...changes.flatMap((change) => ["-c", change]),
      c,
      tag,
    );
    const format =
      "{{.Id}} {{.Author}} {{.Comment}} {{json .Config.Cmd}} {{json .Config.Env}} {{json .Config.Labels}} " +
      "{{json .Config.ExposedPorts}} {{.Config.StopSignal}} {{.Config.WorkingDir}} {{len .RootFS.Layers}} {{.Parent}}";
    const [env, layers, parent] = (
      await client().ok(
        "image",
        "inspect",
        "-f",
        "{{json .Config.Env}} {{len .RootFS.Layers}} {{.Id}}",
        image(),
      )
    ).split(" ") as [string, string, string];
    const variables = JSON.stringify(["A=1", ...((JSON.parse(env) as string[] | null) ?? []), "B=2"]);
    expect(await client().ok("image", "inspect", "-f", format, tag)).toBe(
      `${id} me <me@host> a message ["/bin/sh","-c","cat file"] ${variables} {"k":"v"} {"80/udp":{}} SIGINT /new ` +
        `${Number(layers) + 1} ${parent}`,
    );
    expect(
      await client().ok("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", tag),
    ).toStartWith(`sh -c ${CHANGES}|a message`);
    const seen = await client().run("run", "--rm", "--name", name(), tag);
    expect(seen).toEqual({ code: 0, stdout: "x\n", stderr: "" });
    const again = [
      "run",
      "--rm",
      "--name",
      name(),
      tag,
      "sh",
      "-c",
      "ls /bin/wget; tail -1 /etc/passwd",
    ] as const;
    expect(await client().run(...again)).toMatchObject({ stdout: "me:x:7:7::/:\n" });
    await client().ok("rmi", tag);
  });

  check("commit of a running container: it goes on, and bad input is refused", async () => {
    const c = name();
    await client().ok("run", "-d", "--name", c, image(), "sleep", "3600");
    const id = await client().ok("commit", "--pause=false", c);
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await client().ok("commit", c, `${prefix}-running:v1`)).toMatch(/^sha256:/);
    expect(await client().ok("inspect", "-f", "{{.State.Status}}", c)).toBe("running");
    for (const [args, text] of [
      [[c, "UPPER"], "invalid reference format: repository name (library/UPPER) must be lowercase"],
      [["-c", "FROM x", c], "FROM is not a valid change command"],
      [["-c", "ENV", c], "ENV requires at least one argument"],
      [[`${c}-not`], `No such container: ${c}-not`],
    ] as const) {
      const { code, stderr } = await client().run("commit", ...args);
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(text) });
    }
    await client().ok("rm", "-f", c);
    await client().ok("rmi", `${prefix}-running:v1`, id);
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

  lifeCases({ client, image, name, check });
  networkCases({ client, image, name, check });
  copyCases({ client, image, name, check, scratch: () => scratch });

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
