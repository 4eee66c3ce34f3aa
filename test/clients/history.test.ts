// The history of builds by the clients that people have: ours on our daemon, Docker's own on ours, ours on Docker's.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { busyboxArchive, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, makeFolder, startDaemon } from "../fixtures/daemon.ts";
import { berthBinary } from "./berth-binary.ts";
import { type Client, clientOf, dockerBinary } from "./client.ts";

/** Milliseconds: a few builds, on a machine of two cores that others use too. */
setDefaultTimeout(90_000);
const PATIENCE = 60_000;

interface Given {
  /** `env`: besides what it has anyway. */
  open(env?: Record<string, string>): Client;
  /** A busybox image. */
  image: string;
  /**
   * Whether a build may be forgotten whose record was read: Docker 28's daemon ends at the next list of builds that has a limit
   * (BuildKit 0.25), and its own client sends one.
   */
  forgets: boolean;
}

function historySuite(given: () => Given): void {
  let folder: string;
  let client: Client;
  beforeAll(() => {
    folder = makeFolder();
    client = given().open();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const history = (...words: string[]) => client.run("buildx", "history", ...words);

  /** Builds in a folder of that name; answers the build's own. */
  async function build(name: string, dockerfile: string, options: string[] = [], by = client) {
    const path = join(folder, name);
    const metadata = join(folder, `${name}.json`);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "Dockerfile"), `FROM ${given().image}\n${dockerfile}`);
    const words = ["buildx", "build", "--progress", "plain", "--metadata-file", metadata, ...options, path];
    const result = await by.run(...words);
    const found = existsSync(metadata) ? JSON.parse(readFileSync(metadata, "utf8")) : {};
    const ref = String(found["buildx.build.ref"] ?? "").replace(/^.*\//, "");
    return { ...result, ref, metadata: found };
  }

  const listed = async (...options: string[]) =>
    (await history("ls", "--format", "json", ...options)).stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { ref: string; name: string; status: string });

  test("lists builds, and tells of one", async () => {
    const script = `ARG WHO\nRUN echo "hello $WHO"\n`;
    const { ref, stderr } = await build("told", script, ["--build-arg", "WHO=you", "--label", "l=x"]);
    expect(stderr).toContain("hello you");
    const [found] = (await listed()).filter((one) => one.ref.endsWith(`/${ref}`));
    expect(found).toMatchObject({ name: "told", status: "Completed" });
    const table = (await history("ls")).stdout.split("\n");
    expect(table[0]).toMatch(/^BUILD ID +NAME +STATUS +CREATED AT +DURATION/);
    expect(table.find((line) => line.startsWith(ref))).toMatch(/ told +Completed +.+ ago +\d+\.\ds/);

    const { stdout } = await history("inspect", ref);
    expect(stdout).toMatch(/^Name:\t+told\nContext:\t+.*told\nDockerfile:\t+Dockerfile\n/);
    expect(stdout).toMatch(/\nBuild Steps:\t+(\d+)\/\1 \(\d+% cached\)\n/);
    expect(stdout).toContain("\nBUILD ARG\tVALUE\nWHO\t\tyou\n");
    expect(stdout).toContain("\nLABEL\tVALUE\nl\tx\n");
    expect(stdout).toMatch(/\nMaterials:\nURI\t+DIGEST\npkg:docker\/[^\t]+\t+sha256:[0-9a-f]{64}\n/);
    expect(stdout).toMatch(/\nsha256:[0-9a-f]{64}\t+https:\/\/slsa.dev\/provenance\/v0.2\n/);
    const json = JSON.parse((await history("inspect", "--format", "json", ref)).stdout);
    expect(json).toMatchObject({ Name: "told", Ref: ref, Status: "completed", Config: {} });

    const logs = await history("logs", ref);
    expect(logs.stdout + logs.stderr).toMatch(/\n#\d+ \d+\.\d+ hello you\n/);
    const provenance = await history("inspect", "attachment", "--type", "provenance", ref);
    expect(JSON.parse(provenance.stdout).buildConfig.llbDefinition.length).toBeGreaterThan(1);
  });

  test("tells of a failure, with its lines and its output", async () => {
    const failed = await build("failing", "RUN echo last words; exit 9\n");
    expect(failed.code).toBe(1);
    const [record] = (await listed("--filter", "status=error")).filter(({ name }) => name === "failing");
    expect(record).toMatchObject({ name: "failing", status: "Error" });
    const { stdout } = await history("inspect", record!.ref.replace(/^.*\//, ""));
    expect(stdout).toMatch(/\nError:\t+Unknown process .* did not complete successfully: exit code: 9\n/);
    expect(stdout).toContain("   2 | >>> RUN echo last words; exit 9\n");
    expect(stdout).toContain("Logs:\n> => [2/2] RUN echo last words; exit 9:\n> last words\n");
  });

  test("follows a build that runs", async () => {
    const script = `RUN for i in 1 2 3 4 5 6 7 8; do echo tick $i ${crypto.randomUUID()}; sleep 1; done\n`;
    const path = join(folder, "slow");
    mkdirSync(path);
    writeFileSync(join(path, "Dockerfile"), `FROM ${given().image}\n${script}`);
    await using building = client.start("buildx", "build", "--progress", "plain", path);
    await building.until(/ tick 1 /);
    const [running] = (await listed()).filter(({ name }) => name === "slow");
    expect(running).toMatchObject({ name: "slow", status: "Running" });
    const ref = running!.ref.replace(/^.*\//, "");
    expect((await history("inspect", ref)).stdout).toMatch(/\nDuration:\t+\d+\.\ds \(running\)\n/);
    await using following = client.start("buildx", "history", "logs", ref);
    await following.until(/ tick 1 [\s\S]* tick 8 /);
    expect(await following.exited).toBe(0);
    expect(await building.exited).toBe(0);
  });

  test.each([
    ["min", ["buildConfig", "metadata"], []],
    ["max", [], ["buildConfig", "metadata"]],
  ])("gives a metadata file its provenance: %s", async (mode, without, has) => {
    const by = given().open({ BUILDX_METADATA_PROVENANCE: mode });
    const { metadata } = await build("described", "RUN true\n", [], by);
    const provenance = metadata["buildx.build.provenance"] as Record<string, unknown>;
    expect(provenance.buildType).toBe("https://mobyproject.org/buildkit@v1");
    for (const key of without) expect(provenance).not.toHaveProperty(key);
    for (const key of has) expect(provenance).toHaveProperty(key);
  });

  test("gives a metadata file none where that isn't wanted, and warnings where they are", async () => {
    const by = given().open({ BUILDX_METADATA_PROVENANCE: "disabled", BUILDX_METADATA_WARNINGS: "1" });
    const { metadata, ref } = await build("described", "CMD echo x\n", [], by);
    expect(ref).toMatch(/^[a-z0-9]{25}$/);
    expect(metadata).not.toHaveProperty("buildx.build.provenance");
    const [warning] = metadata["buildx.build.warnings"] as { short: string }[];
    expect(Buffer.from(warning!.short, "base64").toString()).toContain("JSONArgsRecommended");
  });

  test("exports a build as an archive", async () => {
    const { ref } = await build("exported", "RUN echo exported\n");
    const path = join(folder, "exported.dockerbuild");
    expect(await history("export", "-o", path, ref)).toMatchObject({ code: 0 });
    const archive = gunzipSync(readFileSync(path)).toString("latin1");
    expect(archive).toContain("application/vnd.buildkit.historyrecord.v0");
    expect(archive).toContain(`"Ref": "${ref}"`);
    expect(archive).toContain("application/vnd.buildkit.status.v0");
    expect(archive).toContain('"vnd.export-build.descriptor.mediatype"');
  });

  test("forgets builds", async () => {
    if (!given().forgets) return;
    const { ref } = await build("forgotten", "RUN true\n");
    expect(await history("rm", ref)).toMatchObject({ code: 0 });
    expect((await listed()).filter((one) => one.ref.endsWith(ref))).toEqual([]);
    expect((await history("logs", ref)).stderr).toContain(`no record found for ref "${ref}"`);
    expect((await history("rm", ref)).stderr).toContain(`lease "ref_${ref}": not found`);
    expect(await history("rm", "--all")).toMatchObject({ code: 0 });
    expect(await listed()).toEqual([]);
  });
}

/** `prepare` gives the client's program, and writes its settings into the folder. */
function onOurDaemon(name: string, prepare: (folder: string) => string): void {
  let daemon: Daemon;
  let image: string;
  beforeAll(async () => {
    daemon = await startDaemon();
    image = await importBusybox(daemon);
  });
  const open = (env = {}) => {
    const config = join(daemon.folder, "client");
    mkdirSync(config, { recursive: true });
    return clientOf(name, prepare(config), daemon.host, config, { patience: PATIENCE, env });
  };
  historySuite(() => ({ open, image, forgets: true }));
  afterAll(() => daemon?.[Symbol.asyncDispose]());
}

describe("our client on our daemon", () => onOurDaemon("berth", berthBinary));

/** Docker's client finds buildx beside itself, where it was unpacked elsewhere than it was packed for. */
const docker = dockerBinary();
const plugins = docker && join(dirname(docker), "../libexec/docker/cli-plugins");
const buildx = plugins && existsSync(join(plugins, "docker-buildx"));
if (!buildx) console.log("skipped: there is no Docker client with buildx on this machine (BERTH_DOCKER_CLI)");

describe.skipIf(!buildx)("Docker's client on our daemon", () =>
  onOurDaemon("docker", (folder) => {
    writeFileSync(join(folder, "config.json"), JSON.stringify({ cliPluginsExtraDirs: [plugins] }));
    return docker ?? "";
  }),
);

const peer = process.env.BERTH_PEER;
if (!peer) console.log("skipped: BERTH_PEER names no Docker daemon's socket");

describe.skipIf(!peer)("our client on Docker's daemon", () => {
  let folder: string;
  const image = `berth-history-${crypto.randomUUID().slice(0, 8)}`;
  const open = (env = {}) =>
    clientOf("berth", berthBinary(folder), `unix://${peer}`, folder, { patience: PATIENCE, env });
  beforeAll(async () => {
    folder = makeFolder();
    writeFileSync(join(folder, "busybox.tar"), busyboxArchive());
    await open().ok("import", "-c", "ENV PATH=/bin", join(folder, "busybox.tar"), image);
  });
  historySuite(() => ({ open, image, forgets: false }));
  afterAll(async () => {
    await open().run("rmi", "-f", image);
    rmSync(folder, { recursive: true, force: true });
  });
});
