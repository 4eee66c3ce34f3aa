// Completion: what `__complete` answers, and real shells that ask it: with our scripts and with those of Docker's client.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf, dockerBinary } from "../clients/client.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
let client: Client;
let env: Record<string, string>;
const at = (name: string) => join(daemon.folder, name);

beforeAll(async () => {
  daemon = await startDaemon();
  for (const name of ["client", "bin", "home", "files"]) mkdirSync(at(name));
  symlinkSync(berthBinary(daemon.folder), at("bin/berth"));
  symlinkSync(at("bin/berth"), at("bin/docker"));
  writeFileSync(at("files/some-archive.tar"), "");
  env = { PATH: `${at("bin")}:${process.env.PATH}`, HOME: at("home"), PWD: at("files") };
  client = clientOf("berth", at("bin/berth"), daemon.host, at("client"));
  await client.ok("pull", "busybox");
  for (const name of ["weasel", "walrus"])
    await client.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
  await client.ok("create", "--name", "wombat", "busybox");
  await client.ok("volume", "create", "vault");
  await client.ok("context", "create", "far-away", "--docker", "host=tcp://h:1");
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const SHELL = { noSpace: ":2", noFiles: ":4", files: ":0", error: ":1" };

for (const [line, lines] of [
  [
    ["rm", ""],
    ["weasel", "walrus", "wombat", SHELL.noFiles],
  ],
  [
    ["rm", "weasel", ""],
    ["walrus", "wombat", SHELL.noFiles],
  ],
  [
    ["container", "stop", "w"],
    ["weasel", "walrus", SHELL.noFiles],
  ],
  [
    ["start", ""],
    ["wombat", SHELL.noFiles],
  ],
  [
    ["exec", ""],
    ["weasel", "walrus", SHELL.noFiles],
  ],
  [["exec", "-it", "weasel", "l"], [SHELL.files]],
  [
    ["run", "b"],
    ["busybox:latest", SHELL.noFiles],
  ],
  [
    ["run", "--rm", "--network", ""],
    ["bridge", "host", "none", SHELL.noFiles],
  ],
  [
    ["run", "--network=h"],
    ["bridge", "host", "none", SHELL.noFiles],
  ],
  [
    ["run", "--pull", ""],
    ["always", "missing", "never", SHELL.noFiles],
  ],
  [
    ["run", "-it", "--ipc", "container:"],
    ["container:weasel", "container:walrus", "container:wombat", SHELL.noFiles],
  ],
  [
    ["run", "--pl"],
    ["--platform\tSet platform if server is multi-platform capable", SHELL.noFiles],
  ],
  [["run", "busybox", "--pl"], [SHELL.files]],
  [
    ["rmi", ""],
    ["busybox:latest", SHELL.noFiles],
  ],
  [
    ["volume", "rm", ""],
    ["vault", SHELL.noFiles],
  ],
  [
    ["volume", "export", ""],
    ["vault", SHELL.noFiles],
  ],
  [["volume", "export", "vault", "--output", ""], [SHELL.files]],
  [
    ["volume", "cp", "va"],
    ["vault:", SHELL.noSpace],
  ],
  [["volume", "cp", "vault:/x", "./"], [SHELL.files]],
  [["volume", "import", "vault", ""], [SHELL.files]],
  [
    ["network", "inspect", ""],
    ["bridge", "host", "none", SHELL.noFiles],
  ],
  [
    ["context", "use", ""],
    ["default\tcurrent", "far-away", SHELL.noFiles],
  ],
  [
    ["--context", ""],
    ["default", "far-away", SHELL.noFiles],
  ],
  [["--context", "far-away", "rm", ""], [SHELL.error]],
  [["--log-level", "x", "nosuch", ""], [SHELL.files]],
  [["ps", "--filter", "status=p"], undefined],
  [["ps", "-a", "-"], undefined],
  [["ps", ""], [SHELL.noFiles]],
  [
    ["context", "u"],
    ["update\tUpdate a context", "use\tSet the current docker context", SHELL.noFiles],
  ],
  [["load", "--input", ""], [SHELL.files]],
  [
    ["events", "--filter", "container=w"],
    ["container=weasel", "container=walrus", "container=wombat", SHELL.noFiles],
  ],
  [["run", "--nosuch", ""], [SHELL.files]],
] as [string[], string[] | undefined][])
  test(`__complete ${line.map((word) => word || "''").join(" ")}`, async () => {
    const { code, stdout } = await client.run("__complete", ...line);
    expect(code).toBe(0);
    const answered = stdout.trimEnd().split("\n");
    if (lines) expect(answered.sort()).toEqual([...lines].sort());
    else expect(answered.length).toBeGreaterThan(3);
  });

test("nobody starts a daemon by pressing Tab, and one that isn't there is no failure", async () => {
  const lost = clientOf("berth", at("bin/berth"), `unix://${at("nowhere.sock")}`, at("client"));
  expect(await lost.run("__complete", "rm", "")).toEqual({
    code: 0,
    stdout: ":1\n",
    stderr: "Completion ended with directive: ShellCompDirectiveError\n",
  });
});

interface Shell {
  path: string;
  args: string[];
  /** Reads a script that a command prints. */
  source: (command: string) => string;
}
const SHELLS: Record<string, Shell> = {
  bash: {
    path: "/bin/bash",
    args: ["--norc", "--noprofile", "-i"],
    source: (command) => `source <(${command})`,
  },
  zsh: {
    path: "/usr/bin/zsh",
    args: ["-f", "-i"],
    source: (command) =>
      `unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; source <(${command})`,
  },
  fish: { path: "/usr/bin/fish", args: ["--private", "-i"], source: (command) => `${command} | source` },
};

/** Types lines, each to be completed by Tab, and runs what they have become: `echo` shows it. */
async function typing(
  shell: Shell,
  setUp: string[],
  lines: [typed: string, becomes: RegExp][],
): Promise<void> {
  const person = clientOf("shell", shell.path, daemon.host, at("client"), { env });
  await using session = person.terminal(...shell.args);
  for (const [i, line] of [`cd ${at("files")}`, ...setUp].entries()) {
    session.type(
      `${line}; echo set$((${i}+1000))\r`
        .replace("$((", shell === SHELLS.fish ? "(math " : "$((")
        .replace("))", shell === SHELLS.fish ? ")" : "))"),
    );
    await session.until(new RegExp(`set${i + 1000}`));
  }
  for (const [typed, becomes] of lines) {
    session.type(`${typed}\t`);
    await session.until(becomes);
    session.type("\x15"); // the line is taken back
    await Bun.sleep(50);
  }
}

for (const [name, shell] of Object.entries(SHELLS)) {
  const there = existsSync(shell.path);
  if (!there) console.log(`skipped: there is no ${name} on this machine`);
  test.skipIf(!there)(`${name} completes names, flags, values and files`, async () => {
    await typing(
      shell,
      [shell.source(`berth completion ${name}`)],
      [
        ["berth start wom", /wombat/],
        ["berth contex", /context/],
        ["berth run --detach-k", /--detach-keys/],
        ["berth run --pull=alw", /--pull=always/],
        ["berth exec -it wea", /weasel/],
        ["berth context use far", /far-away/],
        ["berth rmi busybox:la", /busybox:latest/],
        ["berth load -i some-ar", /some-archive\.tar/],
      ],
    );
  });
}

const docker = dockerBinary();
const bashCompletion = "/usr/share/bash-completion/bash_completion";
for (const [name, shell] of Object.entries(SHELLS)) {
  const there = docker && existsSync(shell.path) && (name !== "bash" || existsSync(bashCompletion));
  if (!there) console.log(`skipped: Docker's own script for ${name}: no client, shell or bash-completion`);
  test.skipIf(!there)(
    `the script of Docker's client for ${name} works with docker as a link to berth`,
    async () => {
      await typing(
        shell,
        [...(name === "bash" ? [`. ${bashCompletion}`] : []), shell.source(`${docker} completion ${name}`)],
        [
          ["docker start wom", /wombat/],
          ["docker run --detach-k", /--detach-keys/],
          ["docker context use far", /far-away/],
        ],
      );
    },
  );
}
