// pull, push, login and logout against a real registry.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";

const USER = { name: "somebody", password: "a secret: with colons" };

let daemon: Daemon;
let open: TestRegistry;
let guarded: TestRegistry;
let client: Client;
let config: string;

beforeAll(async () => {
  [daemon, open, guarded] = await Promise.all([
    startDaemon(),
    startRegistry(),
    startRegistry({ user: USER }),
  ]);
  config = join(daemon.folder, "client");
  mkdirSync(config);
  client = clientOf("berth", berthBinary(config), daemon.host, config);
  await client.ok("pull", "busybox");
});
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  await Promise.all([open[Symbol.asyncDispose](), guarded[Symbol.asyncDispose]()]);
});

test("push and pull, in lines where nobody watches", async () => {
  const name = `${open.host}/some/box`;
  await client.ok("tag", "busybox", `${name}:v1`);
  const pushed = await client.ok("push", `${name}:v1`);
  expect(pushed).toContain(`The push refers to repository [${name}]`);
  expect(pushed).toMatch(/v1: digest: sha256:[0-9a-f]{64} size: \d+/);
  expect(pushed).not.toContain("\x1b");
  const digest = /sha256:[0-9a-f]{64}/.exec(pushed)?.[0];
  await client.ok("rmi", `${name}:v1`);
  const pulled = await client.ok("pull", `${name}:v1`);
  expect(pulled).toContain(`v1: Pulling from some/box`);
  expect(pulled).toContain(`Digest: ${digest}`);
  expect(pulled.split("\n").at(-1)).toBe(`${name}:v1`);
  expect(await client.ok("pull", "-q", `${name}:v1`)).toBe(`${name}:v1`);
  expect(await client.ok("pull", `${name}@${digest}`)).toContain(`${name}@${digest}`);
});

test("a name without a tag is latest, and is said to be", async () => {
  const name = `${open.host}/plain`;
  await client.ok("tag", "busybox", name);
  expect(await client.ok("push", name)).toStartWith("Using default tag: latest\n");
  expect(await client.ok("push", "-q", name)).toBe(`${name}:latest`);
  expect(await client.ok("pull", name)).toStartWith("Using default tag: latest\n");
});

test("all tags of a repository", async () => {
  const name = `${open.host}/many`;
  for (const tag of ["one", "two"]) {
    await client.ok("tag", "busybox", `${name}:${tag}`);
    await client.ok("push", `${name}:${tag}`);
    await client.ok("rmi", `${name}:${tag}`);
  }
  await client.ok("pull", "-a", name);
  expect(await client.ok("images", "--format", "{{.Tag}}", name)).toMatch(/^(one\ntwo|two\none)$/);
  expect((await client.run("pull", "-a", `${name}:one`)).stderr).toBe(
    "tag can't be used with --all-tags/-a\n",
  );
});

test("a line for each layer on a terminal, drawn anew", async () => {
  const name = `${open.host}/drawn:v1`;
  await client.ok("tag", "busybox", name);
  await client.ok("push", name);
  await client.ok("rmi", "-f", name, "busybox", `${open.host}/some/box:v1`, `${open.host}/plain:latest`);
  await client.run("rmi", "-f", ...(await client.ok("images", "-q")).split("\n").filter(Boolean));
  await using session = client.terminal("pull", name);
  const seen = await session.until(/Status: .*\r\n/);
  expect(seen).toContain("\x1b[2K\r");
  expect(seen).toContain("Pull complete");
  expect(await session.exited).toBe(0);
});

test("what isn't there", async () => {
  const missing = await client.run("pull", `${open.host}/nosuch`);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toStartWith("Error response from daemon: ");
  const unreachable = await client.run("run", "--rm", "127.0.0.1:1/x");
  expect(unreachable.code).toBe(125);
  expect(unreachable.stderr).toContain("Unable to find image '127.0.0.1:1/x:latest' locally");
  expect(unreachable.stderr).toContain("Run 'berth run --help' for more information");
  expect((await client.run("pull", "UPPER:x")).stderr).toBe(
    "invalid reference format: repository name (library/UPPER) must be lowercase\n",
  );
});

test("login keeps what the registry takes, in a file for its owner; logout forgets it", async () => {
  const name = `${guarded.host}/box:v1`;
  await client.ok("pull", `${open.host}/drawn:v1`);
  await client.ok("tag", `${open.host}/drawn:v1`, name);
  expect((await client.run("push", name)).code).toBe(1);
  const wrong = await client.feed("nonsense", "login", "-u", USER.name, "--password-stdin", guarded.host);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain("401 Unauthorized");
  const right = await client.feed(
    `${USER.password}\n`,
    "login",
    "-u",
    USER.name,
    "--password-stdin",
    guarded.host,
  );
  expect(right).toMatchObject({ code: 0, stdout: "Login Succeeded\n" });
  const file = join(config, "config.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { auths } = JSON.parse(readFileSync(file, "utf8")) as { auths: Record<string, { auth: string }> };
  expect(atob(auths[guarded.host]?.auth ?? "")).toBe(`${USER.name}:${USER.password}`);
  await client.ok("push", name);
  expect(await client.ok("login", guarded.host)).toContain("Login Succeeded");
  expect(await client.ok("logout", guarded.host)).toBe(`Removing login credentials for ${guarded.host}`);
  expect((await client.run("pull", name)).code).toBe(1);
});

test("a credential helper keeps them instead", async () => {
  const helpers = join(daemon.folder, "helpers");
  const kept = join(daemon.folder, "kept");
  mkdirSync(helpers);
  const helper = join(helpers, "docker-credential-berthtest");
  const script = `#!/bin/sh
case $1 in
store) cat > ${kept};;
get) read -r url; if [ -e ${kept} ]; then cat ${kept}; else echo "credentials not found in native keychain"; exit 1; fi;;
erase) cat > /dev/null; rm -f ${kept};;
esac
`;
  writeFileSync(helper, script);
  chmodSync(helper, 0o755);
  const folder = join(daemon.folder, "with-helper");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ credHelpers: { [guarded.host]: "berthtest" } }),
  );
  const before = process.env.PATH;
  process.env.PATH = `${helpers}:${before}`;
  try {
    const other = clientOf("berth", berthBinary(folder), daemon.host, folder);
    expect((await other.run("pull", `${guarded.host}/box:v1`)).code).toBe(1);
    await other.feed(USER.password, "login", "-u", USER.name, "--password-stdin", guarded.host);
    expect(JSON.parse(readFileSync(kept, "utf8"))).toEqual({
      ServerURL: guarded.host,
      Username: USER.name,
      Secret: USER.password,
    });
    expect(readFileSync(join(folder, "config.json"), "utf8")).not.toContain(
      btoa(`${USER.name}:${USER.password}`),
    );
    await other.ok("pull", `${guarded.host}/box:v1`);
    await other.ok("logout", guarded.host);
    expect((await other.run("pull", `${guarded.host}/box:v1`)).code).toBe(1);
  } finally {
    process.env.PATH = before;
  }
});

test("login asks on a terminal, and doesn't show the password", async () => {
  await using session = client.terminal("login", guarded.host);
  await session.until(/Username: /);
  session.type(`${USER.name}\n`);
  await session.until(/Password: /);
  session.type(`${USER.password}x\x7f\r`);
  expect(await session.until(/Login Succeeded/)).not.toContain("secret");
  expect(await session.exited).toBe(0);
  await client.ok("logout", guarded.host);
});
