// The program as a whole: its name, its errors and exit codes, which daemon it speaks to.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type Daemon, makeFolder, startDaemon } from "../fixtures/daemon.ts";
import { freePort } from "../fixtures/registry.ts";

let daemon: Daemon;
let berth: string;
let client: Client;
let config: string;
const port = freePort();

beforeAll(async () => {
  const folder = makeFolder();
  const pem = (name: string) => join(folder, name);
  await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ${pem("ca-key.pem")} -out ${pem("ca.pem")}`.quiet();
  for (const [name, extensions] of [
    ["server", "subjectAltName=IP:127.0.0.1"],
    ["client", "extendedKeyUsage=clientAuth"],
  ] as const) {
    writeFileSync(pem(`${name}.ext`), extensions);
    await Bun.$`openssl req -newkey rsa:2048 -nodes -subj /CN=${name} -keyout ${pem(`${name}-key.pem`)} -out ${pem(`${name}.csr`)}`.quiet();
    await Bun.$`openssl x509 -req -days 2 -in ${pem(`${name}.csr`)} -CA ${pem("ca.pem")} -CAkey ${pem("ca-key.pem")} -CAcreateserial -extfile ${pem(`${name}.ext`)} -out ${pem(`${name}.pem`)}`.quiet();
  }
  daemon = await startDaemon({
    folder,
    hosts: [`tcp://127.0.0.1:${port}`],
    args: [
      "--tlsverify",
      "--tlscacert",
      pem("ca.pem"),
      "--tlscert",
      pem("server.pem"),
      "--tlskey",
      pem("server-key.pem"),
    ],
  });
  config = join(folder, "client");
  mkdirSync(config);
  berth = berthBinary(config);
  client = clientOf("berth", berth, daemon.host, config);
});
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  await Bun.$`rm -rf ${daemon.folder}`.quiet();
});

for (const [args, code, stderr] of [
  [["nosuch"], 1, "berth: unknown command: berth nosuch\n\nRun 'berth --help' for more information\n"],
  [
    ["--nosuch"],
    125,
    "unknown flag: --nosuch\n\nUsage:  berth [OPTIONS] COMMAND [ARG...]\n\nRun 'berth --help' for more information\n",
  ],
  [
    ["container", "nosuch"],
    1,
    "berth: unknown command: berth container nosuch\n\nUsage:  berth container\n\nRun 'berth container --help' for more information\n",
  ],
  [
    ["run"],
    1,
    "berth: 'berth run' requires at least 1 argument\n\nUsage:  berth run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nSee 'berth run --help' for more information\n",
  ],
  [
    ["port"],
    1,
    "berth: 'berth port' requires at least 1 and at most 2 arguments\n\nUsage:  berth port CONTAINER [PRIVATE_PORT[/PROTO]]\n\nRun 'berth port --help' for more information\n",
  ],
  [
    ["ps", "x"],
    1,
    "berth: 'berth ps' accepts no arguments\n\nUsage:  berth ps [OPTIONS]\n\nRun 'berth ps --help' for more information\n",
  ],
  [
    ["tag", "x"],
    1,
    "berth: 'berth tag' requires 2 arguments\n\nUsage:  berth tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]\n\nRun 'berth tag --help' for more information\n",
  ],
  [
    ["run", "--nosuch"],
    125,
    "unknown flag: --nosuch\n\nUsage:  berth run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'berth run --help' for more information\n",
  ],
  [
    ["run", "--restart", "a:b", "x"],
    125,
    "berth: invalid restart policy format: maximum retry count must be an integer\n\nRun 'berth run --help' for more information\n",
  ],
  [["run", "-d", "-a", "stdout", "x"], 1, "conflicting options: cannot specify both --attach and --detach\n"],
  [
    ["inspect", "--type", "x", "y"],
    1,
    'unknown type: "x": must be one of "config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"\n',
  ],
  [["help", "nosuch"], 1, "unknown help topic: nosuch\n"],
  [["version", "--format", "{{.ID"], 64, "template parsing error: template: version:1: unclosed action\n"],
  [
    ["ps", "--format", "{{.Nosuch}}"],
    1,
    'failed to execute template: template: :1:2: executing "" at <.Nosuch>: can\'t evaluate field Nosuch in type *formatter.ContainerContext\n',
  ],
  [["logs", "--since", "x", "y"], 1, "Error response from daemon: No such container: y\n"],
  [["events", "--since", "x"], 1, 'failed to parse value as time or duration: "x"\n'],
  [
    ["rm", "nosuch", "nosuch2"],
    1,
    "Error response from daemon: No such container: nosuch\nError response from daemon: No such container: nosuch2\n",
  ],
  [
    ["start", "nosuch"],
    1,
    "Error response from daemon: No such container: nosuch\nError: failed to start containers: nosuch\n",
  ],
  [["inspect", "nosuch"], 1, "Error: No such object: nosuch\n"],
  [
    ["-H", "unix:///nosuch.sock", "ps"],
    1,
    "Cannot connect to the Docker daemon at unix:///nosuch.sock. Is the docker daemon running?\n",
  ],
  [
    ["-H", "foo://x", "ps"],
    1,
    "Failed to initialize: unable to resolve docker endpoint: invalid bind address format: foo://x\n",
  ],
  [
    ["-H", "a", "-H", "b", "ps"],
    125,
    'invalid argument "b" for "-H, --host" flag: specify only one -H\n\nUsage:  berth [OPTIONS] COMMAND [ARG...]\n\nRun \'berth --help\' for more information\n',
  ],
] as [string[], number, string][]) {
  test(`berth ${args.join(" ")}`, async () => {
    expect(await client.run(...args)).toMatchObject({ code, stderr });
  });
}

test("formats of system df: raw, and errors that name the kind", async () => {
  const raw = (await client.run("system", "df", "--format", "raw")).stdout;
  expect(raw).toStartWith(
    "type: Images\ntotal: 0\nactive: 0\nsize: 0B\nreclaimable: 0B\n\ntype: Containers\n",
  );
  const wrong = async (...args: string[]) =>
    (await client.run("system", "df", ...args, "--format", "{{.X}}")).stderr;
  const where = 'template: :1:2: executing "" at <.X>: can\'t evaluate field X in type *formatter.';
  expect(await wrong()).toBe(`template parsing error: ${where}diskUsageImagesContext\n`);
  expect(await wrong("-v")).toBe(`${where}diskUsageContext\n`);
});

test("an archive may be a device or a pipe", async () => {
  expect((await client.run("load", "-i", "/dev/null")).stderr).toBe("unrecognized image format\n");
});

test("ps -q says that it shows no format", async () => {
  expect(await client.run("ps", "-q", "--format", "raw")).toMatchObject({
    stdout: "",
    stderr: "WARNING: Ignoring custom format, because both --format and --quiet are set.\n",
  });
});

test("inspect prints what there is also where something isn't", async () => {
  expect((await client.run("inspect", "nosuch")).stdout).toBe("[]\n");
  const network = await client.run("inspect", "bridge", "nosuch");
  expect(network.code).toBe(1);
  expect(JSON.parse(network.stdout)).toHaveLength(1);
});

test("client and daemon are one program of one version", async () => {
  const { stdout } = await client.run("--version");
  expect(stdout).toMatch(/^Berth version \S+, build \S+\n$/);
  expect((await client.run("daemon", "--version")).stdout).toBe(stdout);
});

test("help goes to standard output, the want of a command to standard error", async () => {
  const help = await client.run("--help");
  expect(help).toMatchObject({ code: 0, stderr: "" });
  for (const part of [
    "Usage:  berth [OPTIONS] COMMAND",
    "Common Commands:",
    "Management Commands:",
    "Global Options:",
  ]) {
    expect(help.stdout).toContain(part);
  }
  expect((await client.run()).stderr).toBe(help.stdout);
  expect((await client.run("container")).stderr).toBe((await client.run("container", "--help")).stdout);
  expect((await client.run("help", "container", "ls")).stdout).toBe(
    (await client.run("container", "ls", "--help")).stdout,
  );
});

test.skipIf(!process.env.BERTH_BINARY)("called as docker it speaks of docker", async () => {
  const link = join(daemon.folder, "docker");
  symlinkSync(berth, link);
  const docker = clientOf("docker", link, daemon.host, config);
  expect((await docker.run("run")).stderr).toStartWith("docker: 'docker run' requires at least 1 argument");
  expect((await docker.run("--version")).stdout).toMatch(/^Docker version \S+, build \S+\n$/);
});

/** A client without DOCKER_HOST, with more environment. */
async function runWith(env: Record<string, string>, ...args: string[]) {
  const child = Bun.spawn([berth, ...args], {
    env: { PATH: process.env.PATH ?? "", HOME: config, DOCKER_CONFIG: config, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

const FORMAT = ["version", "--format", "{{.Server.APIVersion}} {{.Client.Context}}"];

test("the daemon by -H, DOCKER_HOST, and a context of ~/.docker", async () => {
  expect((await runWith({}, "-H", daemon.host, ...FORMAT)).stdout).toBe("1.51 default\n");
  expect((await runWith({ DOCKER_HOST: daemon.host }, ...FORMAT)).stdout).toBe("1.51 default\n");
  const id = new Bun.CryptoHasher("sha256").update("mine").digest("hex");
  mkdirSync(join(config, "contexts/meta", id), { recursive: true });
  writeFileSync(
    join(config, "contexts/meta", id, "meta.json"),
    JSON.stringify({ Name: "mine", Endpoints: { docker: { Host: daemon.host, SkipTLSVerify: false } } }),
  );
  expect((await runWith({}, "-c", "mine", ...FORMAT)).stdout).toBe("1.51 mine\n");
  expect((await runWith({ DOCKER_CONTEXT: "mine" }, ...FORMAT)).stdout).toBe("1.51 mine\n");
  writeFileSync(join(config, "config.json"), JSON.stringify({ currentContext: "mine" }));
  expect((await runWith({}, ...FORMAT)).stdout).toBe("1.51 mine\n");
  writeFileSync(join(config, "config.json"), "{}");
  const unknown = await runWith({}, "-c", "nosuch", "ps");
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('context "nosuch": context not found');
});

test("who names the daemon: -c, then DOCKER_HOST, DOCKER_CONTEXT, the current context", async () => {
  const row = ["context", "show"];
  await client.ok("context", "create", "first", "--docker", `host=${daemon.host}`);
  await client.ok("context", "create", "second", "--docker", `host=${daemon.host}`);
  writeFileSync(join(config, "config.json"), JSON.stringify({ currentContext: "first" }));
  expect((await runWith({}, ...row)).stdout).toBe("first\n");
  expect((await runWith({ DOCKER_CONTEXT: "second" }, ...row)).stdout).toBe("second\n");
  expect((await runWith({ DOCKER_CONTEXT: "second", DOCKER_HOST: daemon.host }, ...row)).stdout).toBe(
    "default\n",
  );
  expect(
    (await runWith({ DOCKER_CONTEXT: "second", DOCKER_HOST: daemon.host }, "-c", "first", ...row)).stdout,
  ).toBe("first\n");
  expect((await runWith({ DOCKER_CONTEXT: "second" }, "-H", daemon.host, ...row)).stdout).toBe("default\n");
  expect((await runWith({ DOCKER_CONTEXT: "default" }, ...row)).stdout).toBe("default\n");
  const both = await runWith({}, "-c", "first", "-H", daemon.host, "ps");
  expect(both).toMatchObject({
    code: 1,
    stderr: "conflicting options: cannot specify both --host and --context\n",
  });
  writeFileSync(join(config, "config.json"), "{}");
});

test("TLS material in a context", async () => {
  const at = (name: string) => join(daemon.folder, name);
  const files = `ca=${at("ca.pem")},cert=${at("client.pem")},key=${at("client-key.pem")}`;
  await client.ok("context", "create", "safe", "--docker", `host=tcp://127.0.0.1:${port},${files}`);
  expect((await runWith({}, "-c", "safe", ...FORMAT)).stdout).toBe("1.51 safe\n");
  await client.ok("context", "export", "safe", at("safe.tar"));
  await client.ok("context", "import", "again", at("safe.tar"));
  expect((await runWith({}, "-c", "again", "run", "--rm", "--pull", "never", "nosuch")).stderr).toContain(
    "No such image",
  );
  await client.ok(
    "context",
    "update",
    "again",
    "--docker",
    `host=tcp://127.0.0.1:${port},skip-tls-verify=true`,
  );
  expect((await runWith({}, "-c", "again", "ps")).code).toBe(1); // a daemon that wants to know who we are
});

// What Docker's 28.5 client says; it asks the daemon for nothing then.
for (const [args, code, stderr] of [
  [
    ["create", "BUSYBOX"],
    1,
    "invalid reference format: repository name (library/BUSYBOX) must be lowercase\n",
  ],
  [["create", "busybox:TAG:x"], 1, "invalid reference format\n"],
  [["create", "busybox@sha256:123"], 1, "invalid reference format\n"],
  [["create", ""], 1, "invalid reference format\n"],
  [
    ["create", "--platform", "bogus", "busybox"],
    1,
    'error parsing specified platform: "bogus": unknown operating system or architecture: invalid argument\n',
  ],
  [
    ["create", "--cidfile", "/nowhere/cid", "busybox"],
    1,
    "failed to create the container ID file: open /nowhere/cid: no such file or directory\n",
  ],
  [
    ["create", "--cidfile", "/etc/passwd", "busybox"],
    1,
    "container ID file found, make sure the other container isn't running or delete /etc/passwd\n",
  ],
  [
    ["create", "--cpu-count", "2", "busybox"],
    1,
    '"--cpu-count" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux\n',
  ],
  [
    ["create", "--pull", "bogus", "busybox"],
    125,
    'berth: invalid pull option: \'bogus\': must be one of "always", "missing" or "never"\n\nRun \'berth create --help\' for more information\n',
  ],
] as [string[], number, string][])
  test(`berth ${args.join(" ")}`, async () => {
    expect(await client.run(...args)).toMatchObject({ code, stdout: "", stderr });
  });

test("an older API version, asked for by the environment", async () => {
  const result = await runWith(
    { DOCKER_HOST: daemon.host, DOCKER_API_VERSION: "1.41" },
    "version",
    "--format",
    "{{.Client.APIVersion}}",
  );
  expect(result.stdout).toBe("1.41\n");
  const flag = await runWith(
    { DOCKER_HOST: daemon.host, DOCKER_API_VERSION: "1.41" },
    "create",
    "--annotation",
    "a=b",
    "x",
  );
  expect(flag).toMatchObject({
    code: 1,
    stderr: '"--annotation" requires API version 1.43, but the Docker daemon API version is 1.41\n',
  });
});

test("TLS with certificates on both sides", async () => {
  const folder = daemon.folder;
  const host = `tcp://127.0.0.1:${port}`;
  const files = [
    "--tlscacert",
    join(folder, "ca.pem"),
    "--tlscert",
    join(folder, "client.pem"),
    "--tlskey",
    join(folder, "client-key.pem"),
  ];
  expect((await runWith({}, "-H", host, "--tlsverify", ...files, ...FORMAT)).stdout).toBe("1.51 default\n");
  const stranger = await runWith({}, "-H", host, "--tlsverify", "--tlscacert", join(folder, "ca.pem"), "ps");
  expect(stranger.code).toBe(1);
  const certificates = join(folder, "certificates");
  mkdirSync(certificates);
  for (const [from, to] of [
    ["ca", "ca"],
    ["client", "cert"],
    ["client-key", "key"],
  ]) {
    symlinkSync(join(folder, `${from}.pem`), join(certificates, `${to}.pem`));
  }
  const env = { DOCKER_HOST: host, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certificates };
  expect((await runWith(env, ...FORMAT)).stdout).toBe("1.51 default\n");
  // Hijacked connections have a TLS of their own.
  await runWith(env, "pull", "-q", "busybox");
  expect((await runWith(env, "run", "--rm", "busybox", "echo", "over TLS")).stdout).toBe("over TLS\n");
});

test("a reader that goes away ends the program quietly", async () => {
  const shell = Bun.spawn(["sh", "-c", `${berth} run --help | head -c 5; true`], {
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await new Response(shell.stdout).text()).toBe("Usage");
  expect(await new Response(shell.stderr).text()).toBe("");
});
