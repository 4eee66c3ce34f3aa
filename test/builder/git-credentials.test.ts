// A repository whose address has a password in it: no progress, error, and layer has it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildSpec } from "../../src/sdk/build/types.ts";
import { Client } from "../../src/sdk/index.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { type Site, startSite } from "./site.ts";

const PASSWORD = "a-password-of-somebody";
let daemon: Daemon;
let site: Site;
beforeAll(async () => {
  site = startSite();
  daemon = await startDaemon();
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  site?.[Symbol.dispose]();
});

/** All that is told of a build, its failure too. */
async function told(spec: Partial<BuildSpec> & { repository: string }): Promise<string> {
  const { repository, ...others } = spec;
  const events: unknown[] = [];
  const failure = await new Client({ host: daemon.host })
    .build({
      context: { kind: "remote", address: `http://somebody:${PASSWORD}@${site.address}/${repository}` },
      onEvent: (event) => events.push(event),
      ...others,
    })
    .then(
      () => "",
      (thrown: Error) => thrown.message,
    );
  const shown = (_: string, value: unknown) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString();
    return typeof value === "bigint" ? String(value) : value;
  };
  return JSON.stringify([events, failure], shown);
}

test("what is built of it, with git's own files", async () => {
  const folder = join(daemon.folder, "out");
  const said = await told({
    repository: "repository.git#main",
    dockerfile: { kind: "text", text: "FROM scratch\nCOPY .git /git\n" },
    args: { BUILDKIT_CONTEXT_KEEP_GIT_DIR: "1" },
    outputs: [{ type: "local", attributes: {}, folder }],
  });
  expect(said).toContain(`load git source http://xxxxx:xxxxx@${site.address}/repository.git`);
  expect(said).not.toContain(PASSWORD);
  expect(readFileSync(join(folder, "git/config"), "utf8")).toContain(`http://xxxxx:xxxxx@${site.address}`);
  const found = Bun.spawnSync(["grep", "-rl", PASSWORD, folder]);
  expect(found.stdout.toString()).toBe("");
});

test.each(["nothing.git", "repository.git#nothing"])(
  "what is said of %s, which isn't there",
  async (repository) => {
    const said = await told({ repository });
    expect(said).toMatch(/not found|does not contain ref/);
    expect(said).not.toContain(PASSWORD);
  },
);
