// `buildx imagetools` against real registries: command lines held to what Docker's buildx answers, and what passes between
// repositories and registries.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { makeImage } from "../fixtures/image.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import recorded from "./imagetools.recorded.json";
import {
  type Answer,
  CASES,
  comparable,
  fill,
  MANY_DIGEST,
  PUSHES,
  SINGLE_LAYER,
  SINGLE_MANIFEST,
  withRegistry,
} from "./imagetools-cases.ts";

const USER = { name: "somebody", password: "a secret: with colons" };

let daemon: Daemon;
let registry: TestRegistry;
let guarded: TestRegistry;
let client: Client;
let folder: string;

beforeAll(async () => {
  [daemon, registry, guarded] = await Promise.all([
    startDaemon(),
    startRegistry(),
    startRegistry({ user: USER }),
  ]);
  folder = join(daemon.folder, "client");
  mkdirSync(folder);
  client = clientOf("berth", berthBinary(folder), daemon.host, folder);
  await fill(registry);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await Promise.all([registry?.[Symbol.asyncDispose](), guarded?.[Symbol.asyncDispose]()]);
});

const imagetools = (...words: string[]) => client.run("buildx", "imagetools", ...words);

describe("as Docker's buildx answers", () => {
  const answers: Record<string, Answer> = recorded;
  const ask = async (words: string[]) =>
    comparable(await imagetools(...withRegistry(words, registry.host)), registry.host);

  test.each(CASES.map((words) => [words.join(" "), words] as const))("%s", async (name, words) => {
    expect(await ask(words)).toEqual(answers[name] as Answer);
  });

  test("pushes, and what is there afterwards", async () => {
    for (const { words, result } of PUSHES) {
      const said = await ask(["create", "--progress=plain", ...words]);
      expect(said).toEqual(answers[`create ${words.join(" ")}`] as Answer);
      const there = await ask(["inspect", "--raw", result]);
      expect(there).toEqual(answers[`inspect ${result} after ${words.join(" ")}`] as Answer);
    }
  });
});

test("a source is read from a file", async () => {
  const path = join(folder, "source.json");
  writeFileSync(path, JSON.stringify({ ...SINGLE_MANIFEST, annotations: { from: "file" } }));
  const name = `${registry.host}/one:1`;
  const { stdout, stderr } = await imagetools("create", "--dry-run", "-f", path, "-t", name);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({
    manifests: [{ digest: SINGLE_MANIFEST.digest, annotations: { from: "file" } }],
  });
});

test("what a build of two platforms pushed", async () => {
  const context = join(folder, "context");
  mkdirSync(context);
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\nARG TARGETARCH\nCOPY Dockerfile /$TARGETARCH\n");
  const name = `${registry.host}/built:1`;
  await client.ok("build", "--platform=linux/amd64,linux/arm64", "--push", "-t", name, context);
  const format = "{{range $platform, $_ := .Image}}{{$platform}} {{end}}";
  expect((await imagetools("inspect", "--format", format, name)).stdout).toBe("linux/amd64 linux/arm64 ");
  const only = `${registry.host}/built:arm`;
  await client.ok("buildx", "imagetools", "create", "-t", only, "--platform=arm64", name);
  expect((await imagetools("inspect", "--format", "{{.Image.Architecture}}", only)).stdout).toBe("arm64");
  await client.ok("pull", "--platform=linux/arm64", only);
});

describe("a registry that wants to know who asks", () => {
  const target = () => `${guarded.host}/team/app:1`;
  const push = () => imagetools("create", "-t", target(), "--progress=plain", `${registry.host}/many:1`);
  const refused =
    "access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials\n";

  test("says so to strangers, as buildx does", async () => {
    const read = await imagetools("inspect", target());
    expect(read).toEqual({ code: 1, stdout: "", stderr: `ERROR: pull ${refused}` });
    expect((await push()).stderr).toEndWith(`ERROR: push ${refused}`);
  });

  test("gets what another has, and no log has the password", async () => {
    await client.feed(USER.password, "login", "-u", USER.name, "--password-stdin", guarded.host);
    expect((await push()).code).toBe(0);
    const format = "{{json .Provenance}}{{range $platform, $_ := .Image}}{{$platform}} {{end}}";
    const here = await imagetools("inspect", "--format", format, target());
    const there = await imagetools("inspect", "--format", format, `${registry.host}/many:1`);
    expect(here).toEqual(there);
    expect(here.stdout).toContain("linux/arm/v7");
    expect((await imagetools("inspect", target())).stdout).toContain(MANY_DIGEST);
    // And back, from the one with a password to the one without.
    await client.ok("buildx", "imagetools", "create", "-t", `${registry.host}/back:1`, target());
    expect((await imagetools("inspect", `${registry.host}/back:1`)).stdout).toContain(MANY_DIGEST);
    for (const secret of [USER.password, btoa(`${USER.name}:${USER.password}`)])
      expect(daemon.logs()).not.toContain(secret);
  });

  test("says what it thinks of wrong ones", async () => {
    const other = join(folder, "other");
    mkdirSync(other);
    const auth = btoa(`${USER.name}:wrong`);
    writeFileSync(join(other, "config.json"), JSON.stringify({ auths: { [guarded.host]: { auth } } }));
    const stranger = clientOf("berth", berthBinary(folder), daemon.host, other);
    const { stderr } = await stranger.run("buildx", "imagetools", "inspect", target());
    const url = `http://${guarded.host}/v2/team/app/manifests/1`;
    expect(stderr).toBe(`ERROR: unexpected status from HEAD request to ${url}: 401 Unauthorized\n`);
  });
});

test("a registry that sends other content than the digest says", async () => {
  const made = makeImage();
  await using lying = await startLyingRegistry(made, "1", (request, response) => {
    if (!request.url?.includes(`/blobs/${made.config.digest}`)) return false;
    response.writeHead(200).end(JSON.stringify({ architecture: "amd64", os: "linux" }));
    return true;
  });
  const name = `${lying.host}/x:1`;
  const { code, stdout } = await imagetools("inspect", "--format", "{{json .Image}}", name);
  expect([code, stdout]).toEqual([1, ""]);
  const copied = await imagetools("create", "-t", `${registry.host}/lied:1`, name);
  expect(copied.code).toBe(1);
  expect((await imagetools("inspect", `${registry.host}/lied:1`)).stderr).toContain("not found");
});

test("a daemon that is not Berth's is told from a name that isn't there", async () => {
  const socket = join(folder, "other.sock");
  const answers = { "Api-Version": "1.51", Ostype: "linux" };
  using _ = Bun.serve({
    unix: socket,
    fetch: ({ method, url }) =>
      method === "HEAD" || url.endsWith("/_ping")
        ? new Response("OK", { headers: answers })
        : Response.json({ message: "page not found" }, { status: 404 }),
  });
  const elsewhere = clientOf("berth", berthBinary(folder), `unix://${socket}`, folder);
  const { code, stderr } = await elsewhere.run("buildx", "imagetools", "inspect", `${registry.host}/one:1`);
  expect(code).toBe(1);
  expect(stderr).toContain(`the daemon at unix://${socket} has no way to registries`);
});

describe("the API refuses", () => {
  const manifest = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] };
  const type = { "Content-Type": manifest.mediaType };
  const missing = `sha256:${"0".repeat(64)}`;

  test.each<[string, string, string, RequestInit, number, string]>([
    ["an unknown tag", "GET", "manifests/REGISTRY/one:no", {}, 404, "REGISTRY/one:no: not found"],
    ["a blob without a digest", "GET", "blobs/REGISTRY/one:1", {}, 400, "is named by its digest"],
    ["an unknown blob", "GET", `blobs/REGISTRY/one@${missing}`, {}, 404, "not found"],
    ["a name that is none", "GET", "manifests/REGISTRY/UP", {}, 400, "must be lowercase"],
    ["a manifest without a place", "PUT", "manifests/REGISTRY/one", {}, 400, "a tag or a digest"],
    [
      "another kind of document",
      "PUT",
      "manifests/REGISTRY/one:x",
      { headers: { "Content-Type": "text/plain" }, body: "{}" },
      400,
      "unsupported media type text/plain",
    ],
    ["no JSON", "PUT", "manifests/REGISTRY/one:x", { headers: type, body: "{" }, 400, "is not JSON"],
    ["no object", "PUT", "manifests/REGISTRY/one:x", { headers: type, body: "[]" }, 400, "JSON object"],
    [
      "what calls itself something else",
      "PUT",
      "manifests/REGISTRY/one:x",
      { headers: type, body: '{"mediaType":"a/b"}' },
      400,
      "calls itself a/b",
    ],
    [
      "another digest",
      "PUT",
      `manifests/REGISTRY/one@${missing}`,
      { headers: type, body: JSON.stringify(manifest) },
      400,
      "has the digest sha256:",
    ],
    [
      "more than a manifest may have",
      "PUT",
      "manifests/REGISTRY/one:x",
      { headers: type, body: `"${"x".repeat(4 << 20)}"` },
      400,
      "more than 4194304 bytes",
    ],
    ["a copy of nothing", "POST", "copies/REGISTRY/one", {}, 400, "the parameter from is missing"],
    ["a copy of a tag", "POST", "copies/REGISTRY/x?from=REGISTRY/one:1", {}, 400, "is named by its digest"],
    ["a copy of what isn't", "POST", `copies/REGISTRY/x?from=REGISTRY/one@${missing}`, {}, 404, "not found"],
  ])("%s", async (_, method, path, init, status, message) => {
    const target = `/berth/registry/${path.replaceAll("REGISTRY", registry.host)}`;
    const answer = await daemon.request(method, target, init as object);
    expect([answer.status, answer.json<{ message: string }>().message]).toEqual([
      status,
      expect.stringContaining(message.replaceAll("REGISTRY", registry.host)),
    ]);
  });
});

test("what a copy brought along is gone when it has arrived", async () => {
  const blobs = join(daemon.dataRoot, "content/sha256");
  const until = Date.now() + 20_000;
  const here = () => readdirSync(blobs).filter((name) => name === SINGLE_LAYER.slice("sha256:".length));
  while (here().length > 0 && Date.now() < until) await Bun.sleep(100);
  expect(here()).toEqual([]);
});
