// The client's side of a terminal: as it was on every way out, raw while a container has it, its own errors.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
let berth: string;
let client: Client;
/** A shell in the terminal, in which the client is one command of several. */
let shell: Client;

beforeAll(async () => {
  daemon = await startDaemon();
  const config = join(daemon.folder, "client");
  mkdirSync(config);
  berth = berthBinary(config);
  client = clientOf("berth", berth, daemon.host, config);
  shell = clientOf("shell", "/bin/sh", daemon.host, config);
  await client.ok("pull", "busybox");
});
afterAll(async () => {
  const ids = (await client.ok("ps", "-aq")).split("\n").filter(Boolean);
  if (ids.length > 0) await client.run("rm", "-f", "-v", ...ids);
  await daemon[Symbol.asyncDispose]();
});

/** Runs a script in a terminal and gives what was seen; the script prints `state=` and the terminal's settings last. */
async function settingsAfter(script: string): Promise<string> {
  await using session = shell.terminal("-c", `${script}; echo "rc=$?"; echo state=$(stty -a)`);
  return await session.until(/state=.*cread.*\r\n/s);
}

function expectCooked(seen: string): void {
  const state = seen.slice(seen.indexOf("state="));
  for (const setting of ["icanon", "echo", "isig", "opost", "icrnl"]) {
    expect(state).toMatch(new RegExp(` ${setting}\\b`));
    expect(state).not.toContain(`-${setting} `);
  }
}

for (const [way, command, code] of [
  ["the container ends", "run --rm -it busybox sh -c 'exit 3'", 3],
  ["its command isn't there", "run --rm -it busybox nosuch", 127],
  ["the image isn't there", "run --pull never -it nosuch", 125],
  ["a flag is wrong", "run -it --nosuch busybox", 125],
] as const) {
  test(`the terminal is as it was when ${way}`, async () => {
    const seen = await settingsAfter(`${berth} ${command}`);
    expect(seen).toContain(`rc=${code}`);
    expectCooked(seen);
  });
}

test("the terminal is as it was when a signal ends the client", async () => {
  await client.ok("run", "-d", "--name", "signalled", "busybox", "sleep", "3600");
  // Long enough for the client to have made the terminal raw.
  const seen = await settingsAfter(
    `${berth} exec -it signalled sleep 3600 </dev/tty & client=$!; sleep 1.5; kill -TERM $client; wait $client`,
  );
  expect(seen).toContain("rc=143");
  expectCooked(seen);
  await client.ok("rm", "-f", "signalled");
});

test("the terminal is raw while the container has it: no echo of ours, a line feed is one", async () => {
  await using session = client.terminal(
    "run",
    "--rm",
    "-it",
    "busybox",
    "sh",
    "-c",
    "stty raw; printf 'a\\nb|'; sleep 0.2",
  );
  const seen = await session.until(/b\|/);
  expect(seen).toContain("a\nb|");
  expect(seen).not.toContain("a\r\nb|");
  expect(await session.exited).toBe(0);
});

test("the terminal is as it was when the daemon is killed, and the container goes on", async () => {
  await using session = shell.terminal(
    "-c",
    `${berth} run -it --name orphan busybox sh; echo "rc=$?"; echo state=$(stty -a)`,
  );
  await session.until(/# /);
  await daemon.kill9();
  const seen = await session.until(/state=.*cread.*\r\n/s);
  expect(seen).toContain("error waiting for container: unexpected EOF");
  expect(seen).toContain("rc=125");
  expectCooked(seen);
  await daemon.restart();
  await using again = client.terminal("attach", "orphan");
  again.type("echo still$((1+1))here\r");
  await again.until(/still2here/);
  again.type("exit 6\r");
  expect(await again.exited).toBe(6);
  await client.ok("rm", "orphan");
});

for (const [what, args, seen] of [
  ["logs -f", ["logs", "-f", "lonely"], /ready/],
  ["attach", ["attach", "lonely"], undefined],
  ["events", ["events", "--since", "1", "--filter", "container=lonely"], /start/],
  ["wait", ["wait", "lonely"], undefined],
] as [string, string[], RegExp | undefined][])
  test(`${what} ends with an error when the daemon is killed`, async () => {
    await client.ok("run", "-d", "--name", "lonely", "busybox", "sh", "-c", "echo ready; sleep 1000");
    await using session = client.start(...args);
    if (seen) await session.until(seen);
    else await Bun.sleep(700); // it says nothing until something happens
    await daemon.kill9();
    try {
      await session.until(/unexpected EOF|Cannot connect to the Docker daemon/);
      expect(await session.exited).toBe(1);
    } finally {
      await daemon.restart();
    }
    await client.ok("rm", "-f", "lonely");
  });

test("two clients on one terminal: each sees all, and both may type", async () => {
  await client.ok("run", "-dit", "--name", "shared", "busybox", "sh");
  await using one = client.terminal("attach", "shared");
  await using other = client.terminal("attach", "shared");
  // Each is there when it sees what it typed itself.
  one.type("echo from-$((0+1))\r");
  await one.until(/from-1/);
  other.type("echo from-$((0+2))\r");
  await Promise.all([one.until(/from-2/), other.until(/from-2/)]);
  other.type("\x10\x11");
  await other.until(/read escape sequence/);
  one.type("exit 5\r");
  expect(await one.exited).toBe(5);
  await client.ok("rm", "shared");
});

test("Ctrl-Z is the container's in its terminal; without one the stop is passed on", async () => {
  await using raw = client.terminal(
    "run",
    "--rm",
    "-it",
    "busybox",
    "sh",
    "-c",
    "stty -isig; echo ready; head -c1 | od -c",
  );
  await raw.until(/ready/);
  raw.type("\x1a\r");
  await raw.until(/032/);
  expect(await raw.exited).toBe(0);
  await using plain = client.start(
    ...[
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "trap 'echo stopped; exit 3' TSTP; echo ready; while :; do sleep 0.1; done",
    ],
  );
  await plain.until(/ready/);
  plain.kill("SIGTSTP");
  await plain.until(/stopped/);
  expect(await plain.exited).toBe(3);
});

for (const [what, script, code] of [
  ["a kill", "kill -9 $$", 137],
  ["an interrupt", "exec sh -c 'trap - INT; exit 130'", 130],
] as const)
  test(`exit code ${code} is that of ${what} in the container`, async () => {
    const seen = await settingsAfter(
      `${berth} run --rm --init -it busybox sh -c ${JSON.stringify(script).replaceAll("$", "\\$")}`,
    );
    expect(seen).toContain(`rc=${code}`);
    expectCooked(seen);
  });

test("what can't be attached to is said", async () => {
  await client.ok("create", "--name", "still", "busybox", "true");
  const refused = async (text: string, ...args: string[]) =>
    expect(await client.run(...args)).toEqual({ code: 1, stdout: "", stderr: `${text}\n` });
  await refused("You cannot attach to a stopped container, start it first", "attach", "still");
  await refused("you cannot start and attach multiple containers at once", "start", "-ai", "still", "other");
  await client.ok("run", "-d", "--name", "held", "busybox", "sleep", "100");
  await client.ok("pause", "held");
  await refused("You cannot attach to a paused container, unpause it first", "attach", "held");
  await client.ok("unpause", "held");
  await refused("the input device is not a TTY", "exec", "-it", "held", "true");
  expect((await client.run("exec", "-t", "held", "echo", "fine")).stdout).toBe("fine\r\n");
  expect((await client.feed("x", "exec", "-i", "held", "cat")).stdout).toBe("x");
  await client.ok("rm", "-f", "still", "held");
});

test("a terminal is asked for where there is none", async () => {
  const result = await client.run("run", "--rm", "-it", "busybox", "true");
  expect(result).toEqual({ code: 1, stdout: "", stderr: "the input device is not a TTY\n" });
  expect((await client.run("run", "--rm", "-t", "busybox", "echo", "fine")).stdout).toBe("fine\r\n");
});

test("a container's terminal has our size from its first moment", async () => {
  await using session = client.terminal("run", "--rm", "-it", "busybox", "stty", "size");
  expect(await session.until(/\d+ \d+\r?\n/)).toContain("24 80");
});

test("signals are passed on, and the exit code is the container's", async () => {
  await using running = client.start(
    ...[
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "trap 'echo caught; exit 9' USR1; echo ready; while :; do sleep 0.1; done",
    ],
  );
  await running.until(/ready/);
  running.kill("SIGUSR1");
  await running.until(/caught/);
  expect(await running.exited).toBe(9);
});

test("with --sig-proxy=false a signal ends the client alone", async () => {
  await using running = client.start(
    ...["run", "--name", "stays", "--sig-proxy=false", "busybox", "sh", "-c", "echo ready; sleep 3600"],
  );
  await running.until(/ready/);
  running.kill("SIGTERM");
  expect(await running.exited).toBe(143);
  expect(await client.ok("inspect", "-f", "{{.State.Running}}", "stays")).toBe("true");
  await client.ok("rm", "-f", "stays");
});

test("other detach keys, on the command line and in exec", async () => {
  await using first = client.terminal(
    "run",
    "-it",
    "--name",
    "keys",
    "--detach-keys",
    "ctrl-a,x",
    "busybox",
    "sh",
  );
  await first.until(/# /);
  first.type("\x01x");
  expect(await first.exited).toBe(0);
  await using second = client.terminal("exec", "-it", "--detach-keys", "ctrl-@", "keys", "sh");
  await second.until(/# /);
  second.type("\0");
  expect(await second.until(/read escape sequence/)).toContain("read escape sequence");
  expect(await second.exited).toBe(1);
  await client.ok("rm", "-f", "keys");
});

test("save refuses a terminal, load wants an archive", async () => {
  await using save = client.terminal("save", "busybox");
  await save.until(/cowardly refusing to save to a terminal. Use the -o flag or redirect/);
  expect(await save.exited).toBe(1);
  await using load = client.terminal("load");
  await load.until(/requested load from stdin, but stdin is empty/);
  expect(await load.exited).toBe(1);
});

test("a prune asks first", async () => {
  await client.ok("create", "--name", "prunable", "busybox");
  const refused = await client.feed("n\n", "container", "prune");
  expect(refused).toMatchObject({ code: 0, stderr: "" });
  expect(refused.stdout).toEndWith("Are you sure you want to continue? [y/N] ");
  expect(await client.ok("ps", "-aq", "--filter", "name=prunable")).not.toBe("");
  const agreed = await client.feed("y\n", "container", "prune", "--filter", "label!=keep");
  expect(agreed.stdout).toMatch(/Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: \d/);
});
