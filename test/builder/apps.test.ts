// Dockerfiles that people really write, on Debian and with packages from its archive and from npm: their images run and answer.
// Where BERTH_PEER names a Docker's socket, what its BuildKit makes of the same ones is compared file by file.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { DEBIAN_LIMIT } from "../fixtures/debian.ts";
import { freePort } from "../fixtures/registry.ts";
import { type App, type AppBuilder, apps, argumentsOf, makeBases, makeNodeBases } from "./apps.ts";
import { archiveTree, listOf } from "./tree.ts";

/** Milliseconds for one app: packages are fetched and unpacked; several at once on two cores. */
const LIMIT = 600_000;

let daemon: Daemon;
let client: Client;
let builder: AppBuilder;
/** By name: how each build ended. They begin together. */
let builds: Map<string, Promise<{ code: number; stderr: string }>>;

beforeAll(async () => {
  daemon = await startDaemon();
  const folder = mkdtempSync(join(daemon.folder, "apps-"));
  client = clientOf("berth", berthBinary(daemon.folder), daemon.host, join(daemon.folder, "client"), {
    patience: LIMIT,
  });
  builder = { client, folder, prefix: "" };
  await makeBases(builder);
  const nodeBases = makeNodeBases(builder);
  const build = (app: App) => client.run("build", "-t", app.name, ...argumentsOf(app, builder));
  builds = new Map(
    apps.map((app) => [app.name, app.name === "node" ? nodeBases.then(() => build(app)) : build(app)]),
  );
}, DEBIAN_LIMIT + LIMIT);
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
});

describe.each(apps)("the $name app", (app) => {
  test(
    "is built, runs, and answers on a published port",
    async () => {
      const { code, stderr } = (await builds.get(app.name))!;
      expect(code === 0 ? "" : stderr).toBe("");
      const port = freePort();
      const id = await client.ok("run", "-d", "-p", `${port}:${app.port}`, app.name);
      const answer = await answerOf(port).catch(async (error: unknown) => {
        throw new Error(`${error}; its log: ${JSON.stringify(await client.run("logs", id))}`);
      });
      expect(await answer.text()).toBe(app.answers);
      if (app.header) expect(answer.headers.get(app.header[0])).toMatch(app.header[1]);
      await client.ok("rm", "-f", id);
    },
    LIMIT,
  );

  test("has the config that its Dockerfile says", async () => {
    const config: unknown = JSON.parse(
      await client.ok("image", "inspect", "-f", "{{json .Config}}", app.name),
    );
    expect(config).toMatchObject(app.config);
  });
});

/** A server needs a moment to listen. */
async function answerOf(port: number): Promise<Response> {
  for (const until = Date.now() + 20_000; ; await Bun.sleep(100)) {
    try {
      return await fetch(`http://127.0.0.1:${port}/`);
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

test("the node image has neither npm, its cache, what only the build needed, nor the secret", async () => {
  const look = "ls node_modules/.bin /root/.npm /root/.npmrc; which npm esbuild; ls -d node_modules/express";
  const { stdout } = await client.run("run", "--rm", "--user=root", "node", "sh", "-c", look);
  expect(stdout.trim().split("\n").at(-1)).toBe("node_modules/express");
  expect(stdout).not.toMatch(/npm\b|esbuild/);
});

test("the Go image is the files that it names", async () => {
  const packed = await filesOf(builder, appOf("go"));
  const paths = listOf(archiveTree(packed)).map((line) => line.split(" ").slice(0, 4).join(" "));
  expect(paths).toEqual(
    ["/etc folder 0755 0:0", "/etc/passwd file 0644 0:0", "/etc/ssl folder 0755 0:0"].concat(
      "/etc/ssl/certs folder 0755 0:0",
      "/etc/ssl/certs/ca-certificates.crt file 0644 0:0",
      "/server file 0755 0:0",
    ),
  );
});

test("of the C graph only what stands on a changed library is built again", async () => {
  const source = join(builder.folder, "c/greet/greet.c");
  writeFileSync(source, readFileSync(source, "utf8").replace("Hello", "Good day"));
  const { code, stderr } = await client.run("build", "-t", "c", ...argumentsOf(appOf("c"), builder));
  expect(code).toBe(0);
  const steps = [...stderr.matchAll(/^#(\d+) \[(\w+) +\d+\/\d+\] (\w+)/gm)];
  const again = steps.filter(([, number]) => !stderr.includes(`\n#${number} CACHED`));
  expect([...new Set(again.map(([, , stage]) => stage))].sort()).toEqual([
    "final",
    "greet",
    "server",
    "tested",
  ]);
  expect(steps.some(([, , stage]) => stage === "count")).toBe(true);
  expect(await client.ok("run", "--rm", "c", "--once")).toBe("Good day from C, 1 times");
});

const peer = process.env.BERTH_PEER;
if (!peer)
  console.log("skipped: BERTH_PEER names no Docker daemon's socket to compare the apps' images with");

describe.skipIf(!peer)("beside Docker's BuildKit", () => {
  const prefix = `berth-apps-${crypto.randomUUID().slice(0, 8)}/`;
  let other: AppBuilder;
  beforeAll(async () => {
    await Promise.all(builds.values());
    const options = { patience: LIMIT };
    const folder = join(daemon.folder, "docker");
    const docker = clientOf("berth on docker", berthBinary(daemon.folder), `unix://${peer}`, folder, options);
    other = { client: docker, folder: join(folder, "apps"), prefix };
    await makeBases(other);
    await makeNodeBases(other);
  }, DEBIAN_LIMIT + LIMIT);
  afterAll(async () => {
    const names = ["debian:bookworm-slim", "node:18", "node:18-slim", ...apps.map(({ name }) => name)];
    await other?.client.run("rmi", "-f", ...names.map((name) => prefix + name));
  });

  test.each(apps)(
    "the $name app has the same files and the same config",
    async (app) => {
      const [ours, theirs] = [await filesOf(builder, app), await filesOf(other, app)];
      expect(stable(ours)).toEqual(stable(theirs));
      const name = prefix + app.name;
      await other.client.ok("build", "-t", name, ...argumentsOf(app, other));
      const config = async ({ client }: AppBuilder, image: string) =>
        JSON.parse(await client.ok("image", "inspect", "-f", "{{json .Config}}", image)) as unknown;
      expect(await config(builder, app.name)).toEqual(await config(other, name));
    },
    2 * LIMIT,
  );
});

/** What comes out the same twice: without logs, caches, apt's lists, and the days on which accounts were made. */
function stable(archive: Buffer): string[] {
  const changing = /^\/(?:var\/(?:log|cache|lib\/apt)\/.|etc\/shadow|tmp\/node-compile-cache)/;
  return listOf(archiveTree(archive)).filter((line) => !changing.test(line));
}

const appOf = (name: string): App => apps.find((each) => each.name === name)!;

/** The image's files as an archive. */
async function filesOf({ client, folder, prefix }: AppBuilder, app: App): Promise<Buffer> {
  const path = join(folder, `${app.name}.tar`);
  await client.ok("build", "-o", `type=tar,dest=${path}`, ...argumentsOf(app, { client, folder, prefix }));
  const archive = readFileSync(path);
  rmSync(path);
  return archive;
}
