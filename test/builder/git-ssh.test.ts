// A context and an ADD from a git repository by ssh: with the client's agent, or with keys in its place; a real sshd.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { source } from "../../src/buildkit/llb/index.ts";
import { blobOf, textOf } from "../../src/sdk/build/session/ssh-wire.ts";
import type { BuildSpec } from "../../src/sdk/build/types.ts";
import { Client } from "../../src/sdk/index.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { hasSshd, type Sshd, startSshd } from "../fixtures/sshd.ts";
import { openBuildClient } from "./build-client.ts";

let daemon: Daemon;
let client: Client;
let host: Sshd;
let repository: string;
beforeAll(async () => {
  if (!hasSshd) return;
  [daemon, host] = await Promise.all([
    startDaemon(),
    startSshd({ "git-upload-pack": "/usr/bin/git-upload-pack" }),
  ]);
  client = new Client({ host: daemon.host });
  const folder = join(daemon.folder, "work");
  mkdirSync(folder);
  const run = (...words: string[]) =>
    expect(
      Bun.spawnSync(["git", "-c", "user.name=n", "-c", "user.email=e", ...words], { cwd: folder }).exitCode,
    ).toBe(0);
  await Bun.write(join(folder, "Dockerfile"), "FROM scratch\nCOPY file /\n");
  await Bun.write(join(folder, "file"), "of the repository\n");
  run("init", "--quiet", ".");
  run("add", ".");
  run("commit", "--quiet", "-m", "one");
  repository = `${host.host}${folder}/.git`;
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
});

/** Somebody else's. */
const OTHER_KEY = `ssh-ed25519 ${Buffer.concat([textOf("ssh-ed25519"), blobOf(Buffer.alloc(32, 1))]).toString("base64")}`;

let outputs = 0;
async function build(spec: Partial<BuildSpec>): Promise<string> {
  const folder = join(daemon.folder, `out-${outputs++}`);
  await client.build({
    context: { kind: "empty" },
    outputs: [{ type: "local", attributes: {}, folder }],
    ...spec,
  });
  return readFileSync(join(folder, "file"), "utf8");
}

const failed = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "",
    (thrown: Error) => thrown.message,
  );

describe.skipIf(!hasSshd)("a repository by ssh", () => {
  test("is a context, with a private key of the client's", async () => {
    const context = { kind: "remote", address: repository } as const;
    expect(await build({ context, ssh: { default: [host.key] } })).toBe("of the repository\n");
  });

  test("is added, with the client's agent", async () => {
    const socket = join(daemon.folder, "agent.sock");
    const agent = Bun.spawn(["ssh-agent", "-D", "-a", socket], { stdout: "ignore", stderr: "ignore" });
    try {
      while (
        !(await Bun.file(socket)
          .exists()
          .catch(() => false)) &&
        !isSocket(socket)
      )
        await Bun.sleep(20);
      const added = Bun.spawnSync(["ssh-add", "-q", host.key], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
      });
      expect(added.exitCode).toBe(0);
      const text = `FROM scratch\nADD ${repository} /\n`;
      const dockerfile = { kind: "text", text } as const;
      expect(await build({ dockerfile, ssh: { default: [socket] }, noCache: true })).toBe(
        "of the repository\n",
      );
    } finally {
      agent.kill();
      await agent.exited;
    }
  });

  test("is not had without an agent", async () => {
    const dockerfile = { kind: "text", text: `FROM scratch\nADD ${repository} /\n` } as const;
    expect(await failed(build({ dockerfile, ssh: {} }))).toMatch(/unset ssh forward key default|no SSH key/);
  });

  test.each([
    ["with another key than the graph says is not asked", false, /Host key verification failed/],
    // It is asked, and lets nobody in without a key.
    ["with the key that the graph says is asked", true, /Permission denied/],
  ])("of a host %s", async (_, own, message) => {
    const known = own ? host.hostKey : OTHER_KEY;
    await using other = await openBuildClient(daemon);
    const tree = source(`git://${repository.replace("ssh://", "")}`, {
      "git.fullurl": repository,
      "git.knownsshhosts": `[127.0.0.1]:${host.port} ${known}\n`,
    });
    expect(await failed(other.solve(tree))).toMatch(message);
  });
});

const isSocket = (path: string): boolean => Bun.spawnSync(["test", "-S", path]).exitCode === 0;
