// Caches that go from one daemon to another: by a registry, by a folder of the client's, in an image's own config. Where BERTH_PEER
// names a Docker daemon's socket, also to and from that.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../src/oci/digest.ts";
import { type Descriptor, type Manifest, MEDIA } from "../../src/oci/types.ts";
import type { BuildSpec, CacheSpec } from "../../src/sdk/build/types.ts";
import { Client } from "../../src/sdk/index.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";

const CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0";

let registry: TestRegistry;
let maker: Daemon;
let base: string;
let names = 0;

beforeAll(async () => {
  registry = await startRegistry();
  maker = await startDaemon();
  base = `${registry.host}/base:1`;
  await importBusybox(maker, "base-here:1");
  await maker.request("POST", `/images/base-here:1/tag?repo=${registry.host}/base&tag=1`);
  await push(maker, base);
});
afterAll(async () => {
  await maker?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});

async function push(daemon: Daemon, name: string): Promise<void> {
  const [, repository, tag] = /^(.*):([^:]+)$/.exec(name) ?? [];
  const { status, text } = await daemon.request("POST", `/images/${repository}/push?tag=${tag}`, {
    headers: { "X-Registry-Auth": btoa("{}") },
  });
  if (status !== 200 || text.includes("errorDetail")) throw new Error(`pushing ${name}: ${text}`);
}

/** A place of this test's own in the registry. */
const newRef = (): string => `${registry.host}/cache${names++}:1`;
const to = (ref: string, more: Record<string, string> = {}): CacheSpec => ({
  type: "registry",
  attributes: { ref, ...more },
});

/** Random, so that equal results come from the cache alone. */
const dockerfile = (last = "true") => `FROM ${base} AS made
RUN cat /proc/sys/kernel/random/uuid > /made
COPY a /a
RUN cat /proc/sys/kernel/random/uuid > /other

FROM ${base}
RUN cat /proc/sys/kernel/random/uuid > /own
COPY --from=made /made /from-stage
RUN cat /proc/sys/kernel/random/uuid > /last && ${last}
`;
const STEPS = ["RUN", "COPY a /a", "RUN", "RUN", "COPY --from=made", "RUN"];

/** Where it only matters that a step runs. */
const small = (): Partial<BuildSpec> => ({
  dockerfile: { kind: "text", text: `FROM ${base}\nRUN cat /proc/sys/kernel/random/uuid > /small\n` },
});

interface Told {
  /** Steps of the Dockerfile, by their names without numbers. */
  cached: string[];
  ran: string[];
  errors: Record<string, string>;
  parts: string[];
  response: Record<string, string>;
  config: string;
}

async function build(daemon: { host: string }, more: Partial<BuildSpec> = {}): Promise<Told> {
  const vertexes = new Map<string, { name: string; cached: boolean; error: string }>();
  const parts = new Set<string>();
  const { path } = folderWith({ a: "text\n" });
  const client = new Client({ host: daemon.host });
  const told = (): Omit<Told, "response" | "config"> => {
    const steps = [...vertexes.values()].flatMap(({ name, ...rest }) => {
      const [, step] = /^\[(?!internal)[^\]]*\] ((?:RUN|COPY).*)$/.exec(name) ?? [];
      return step ? [{ name: step, ...rest }] : [];
    });
    const failed = [...vertexes.values()].filter(({ error }) => error);
    return {
      cached: steps.filter(({ cached }) => cached).map(({ name }) => name),
      ran: steps.filter(({ cached }) => !cached).map(({ name }) => name),
      errors: Object.fromEntries(failed.map(({ name, error }) => [name, error])),
      parts: [...parts],
    };
  };
  const { response } = await client.build({
    context: { kind: "folder", path },
    dockerfile: { kind: "text", text: dockerfile() },
    attestations: { provenance: false },
    ...more,
    onEvent(event) {
      for (const { digest, name, cached, error, completed } of event.vertexes)
        if (completed) vertexes.set(digest, { name, cached, error });
      for (const { id } of event.statuses) parts.add(id);
    },
  });
  return { ...told(), response, config: response["containerimage.config.digest"] ?? "" };
}

function folderWith(files: Record<string, string>): { path: string } {
  const path = join(maker.folder, `context-${names++}`);
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path };
}

async function stored(ref: string): Promise<Manifest & { manifests?: Descriptor[] }> {
  const [, host, repository, tag] = /^([^/]*)\/(.*):(.*)$/.exec(ref) ?? [];
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    headers: { accept: Object.values(MEDIA).join() },
  });
  return (await answer.json()) as Manifest;
}

const blobPath = ({ storage }: TestRegistry, digest: Digest): string => {
  const [algorithm = "", hex = ""] = digest.split(":");
  return join(storage, "docker/registry/v2/blobs", algorithm, hex.slice(0, 2), hex, "data");
};

const blobsOf = (daemon: Daemon): Set<string> =>
  new Set(readdirSync(join(daemon.dataRoot, "content/sha256")));

describe("by a registry", () => {
  test.each<[string, Record<string, string>, number]>([
    ["all steps with mode=max", { mode: "max" }, 7],
    ["an index of Docker's types", { mode: "max", "oci-mediatypes": "false" }, 7],
    ["an index of OCI's types", { mode: "max", "image-manifest": "false" }, 7],
    ["other compression", { mode: "max", compression: "zstd", "force-compression": "true" }, 7],
    ["the result's layers alone with mode=min", {}, 4],
  ])("%s", async (_, attributes, layers) => {
    const ref = newRef();
    const made = await build(maker, { cacheTo: [to(ref, attributes)] });
    const { config, manifests, layers: own = manifests } = await stored(ref);
    expect(own?.filter(({ mediaType }) => mediaType !== CACHE_CONFIG)).toHaveLength(layers);
    expect(manifests?.at(-1)?.mediaType ?? config.mediaType).toBe(CACHE_CONFIG);
    await using other = await startDaemon();
    const again = await build(other, { cacheFrom: [to(ref)] });
    expect([again.ran, again.cached.toSorted()]).toEqual([[], namesLike(again.cached)]);
    expect(again.cached).toHaveLength(STEPS.length);
    if (!attributes.compression) expect(again.config).toBe(made.config);
    expect(again.errors).toEqual({});
    expect(again.parts.filter((part) => part.startsWith("inferred cache manifest type: "))).toHaveLength(1);
  });

  /** The cached ones are the Dockerfile's, in any order. */
  const namesLike = (cached: string[]): string[] =>
    cached.filter((name) => STEPS.some((step) => name.startsWith(step))).toSorted();

  test("what changed is built on what didn't, and only what that needs is brought", async () => {
    const ref = newRef();
    await build(maker, { cacheTo: [to(ref, { mode: "max" })] });
    const { layers } = await stored(ref);
    await using other = await startDaemon();
    const changed = await build(other, {
      dockerfile: { kind: "text", text: dockerfile("echo changed") },
      cacheFrom: [to(ref)],
    });
    expect(changed.ran).toEqual(["RUN cat /proc/sys/kernel/random/uuid > /last && echo changed"]);
    expect(changed.cached).toHaveLength(STEPS.length - 1);
    // The base, and two steps of the last stage; the other stage's three and the old last one stay where they are.
    const here = blobsOf(other);
    expect(layers.filter(({ digest }) => here.has(digest.slice("sha256:".length)))).toHaveLength(3);
  });

  test("an unchanged result is taken though its context changed elsewhere", async () => {
    const ref = newRef();
    const made = await build(maker, { cacheTo: [to(ref)] });
    await using other = await startDaemon();
    const { path } = folderWith({ a: "text\n", unrelated: "more\n" });
    const again = await build(other, { context: { kind: "folder", path }, cacheFrom: [to(ref)] });
    expect([again.ran, again.config]).toEqual([[], made.config]);
    const { path: third } = folderWith({ a: "other text\n" });
    const changed = await build(other, { context: { kind: "folder", path: third }, cacheFrom: [to(ref)] });
    expect(changed.ran).toContain("COPY a /a");
  });

  test("what is imported is kept, and can be passed on", async () => {
    const [ref, next] = [newRef(), newRef()];
    const made = await build(maker, { cacheTo: [to(ref, { mode: "max" })] });
    await using other = await startDaemon();
    await build(other, { cacheFrom: [to(ref)], cacheTo: [to(next, { mode: "max" })] });
    const digests = async (of: string) => (await stored(of)).layers.map(({ digest }) => digest).toSorted();
    expect(await digests(next)).toEqual(await digests(ref));
    const again = await build(other);
    expect([again.ran, again.config]).toEqual([[], made.config]);
    await using third = await startDaemon();
    const passed = await build(third, { cacheFrom: [to(next)] });
    expect([passed.ran, passed.config]).toEqual([[], made.config]);
  });

  test("a build without the cache imports nothing, and writes what others find", async () => {
    const ref = newRef();
    await build(maker, { cacheTo: [to(ref)] });
    const made = await build(maker, {
      noCache: true,
      cacheFrom: [to(ref)],
      cacheTo: [to(ref, { mode: "max" })],
    });
    expect(made.ran).toHaveLength(STEPS.length);
    await using other = await startDaemon();
    const again = await build(other, { cacheFrom: [to(ref)] });
    expect([again.ran, again.config]).toEqual([[], made.config]);
  });

  test("stages whose cache is to be ignored are built though they could be imported", async () => {
    const ref = newRef();
    await build(maker, { cacheTo: [to(ref, { mode: "max" })] });
    await using other = await startDaemon();
    const again = await build(other, { noCache: ["made"], cacheFrom: [to(ref)] });
    expect(again.ran.slice(0, 2)).toEqual(["RUN cat /proc/sys/kernel/random/uuid > /made", "COPY a /a"]);
    expect(again.cached).toContain("RUN cat /proc/sys/kernel/random/uuid > /own");
  });

  test("credentials are asked of the client", async () => {
    await using closed = await startRegistry({ user: { name: "me", password: "secret" } });
    const ref = `${closed.host}/cache:1`;
    const credentials = async () => ({ username: "me", password: "secret" });
    const made = await build(maker, { cacheTo: [to(ref)], credentials });
    await using other = await startDaemon();
    const again = await build(other, { cacheFrom: [to(ref)], credentials });
    expect([again.ran, again.config]).toEqual([[], made.config]);
    const refused = await build(other, { noCache: true, cacheFrom: [to(ref)] });
    expect(refused.errors[`importing cache manifest from ${ref}`]).toStartWith(
      "failed to configure registry cache importer: ",
    );
  });
});

test("by a folder of the client's", async () => {
  const folder = join(maker.folder, "cache-folder");
  const made = await build(maker, {
    cacheTo: [{ type: "local", attributes: { dest: folder, mode: "max", tag: "mine" } }],
  });
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
  expect(index.manifests[0].annotations).toEqual({ "org.opencontainers.image.ref.name": "mine" });
  expect(JSON.parse(made.response["cache.manifest"] ?? "{}").digest).toBe(index.manifests[0].digest);
  await using other = await startDaemon();
  const again = await build(other, {
    cacheFrom: [{ type: "local", attributes: { src: folder, tag: "mine" } }],
  });
  expect([again.ran, again.config]).toEqual([[], made.config]);
});

describe("in an image's config", () => {
  const inline = async (daemon: Daemon, more: Partial<BuildSpec>) => {
    const name = newRef();
    const made = await build(daemon, { tags: [name], ...more });
    await push(daemon, name);
    return { name, ...made };
  };

  test.each<[string, Partial<BuildSpec>]>([
    ["asked for as a cache", { cacheTo: [{ type: "inline", attributes: {} }] }],
    ["asked for by the build argument", { args: { BUILDKIT_INLINE_CACHE: "1" } }],
    [
      "of an index",
      {
        cacheTo: [{ type: "inline", attributes: {} }],
        platforms: [`linux/${process.arch === "x64" ? "amd64" : process.arch}`],
        attestations: {},
      },
    ],
  ])("%s", async (_, more) => {
    const { name } = await inline(maker, more);
    await using other = await startDaemon();
    const again = await build(other, { cacheFrom: [to(name)] });
    expect([again.ran, again.cached.length]).toEqual([[], STEPS.length]);
  });

  test("an image that has none is passed over", async () => {
    await using other = await startDaemon();
    const again = await build(other, { ...small(), cacheFrom: [to(base)] });
    expect([again.errors, again.ran.length]).toEqual([{}, 1]);
  });

  test("clients of POST /build make it, and use it", async () => {
    const post = async (daemon: Daemon, query: Record<string, string>) => {
      const { path } = folderWith({ a: "text\n", Dockerfile: dockerfile() });
      const { text } = await daemon.request("POST", `/build?${new URLSearchParams(query)}`, {
        body: new Uint8Array(Bun.spawnSync(["tar", "-c", "-C", path, "."]).stdout),
        headers: { "Content-Type": "application/x-tar" },
      });
      return text;
    };
    const name = newRef();
    await post(maker, { t: name, buildargs: JSON.stringify({ BUILDKIT_INLINE_CACHE: "1" }) });
    await push(maker, name);
    await using other = await startDaemon();
    const text = await post(other, { cachefrom: JSON.stringify([name]) });
    expect(text.split("Using cache")).toHaveLength(STEPS.length + 1);
    expect(text).not.toContain("Running in");
  });
});

describe("what goes wrong", () => {
  const nowhere = "127.0.0.1:1/cache:1";

  test("a cache that isn't there is told of, and the build goes on", async () => {
    const missing = `${registry.host}/nothing:1`;
    const told = await build(maker, {
      cacheFrom: [to(missing), to(nowhere), { type: "s3", attributes: {} }],
    });
    expect(told.errors[`importing cache manifest from ${missing}`]).toBe(
      `failed to configure registry cache importer: ${missing}: not found`,
    );
    expect(told.errors[`importing cache manifest from ${nowhere}`]).toStartWith(
      "failed to configure registry cache importer: ",
    );
    expect(Object.values(told.errors).some((error) => error.startsWith("unknown cache importer: s3: "))).toBe(
      true,
    );
    expect(told.config).not.toBe("");
  });

  test.each<[string, (config: string) => string]>([
    ["that is no JSON", () => "not json"],
    ["whose records have no digest", (config) => config.replaceAll('"digest"', '"digesT"')],
  ])("a cache with a config %s is told of, and the build goes on", async (_, broken) => {
    const ref = newRef();
    await build(maker, { ...small(), cacheTo: [to(ref)] });
    const manifest = await stored(ref);
    const text = broken(readFileSync(blobPath(registry, manifest.config.digest), "utf8"));
    const bytes = new TextEncoder().encode(text);
    const digest = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}` as Digest;
    const config = { ...manifest.config, digest, size: bytes.length };
    const root = new TextEncoder().encode(JSON.stringify({ ...manifest, config }));
    const id = `sha256:${new Bun.CryptoHasher("sha256").update(root).digest("hex")}` as Digest;
    const [, repository, tag] = /^[^/]*\/(.*):(.*)$/.exec(ref) ?? [];
    await registry.push(
      {
        root: { mediaType: manifest.mediaType ?? "", digest: id, size: root.length },
        blobs: new Map([
          [digest, bytes],
          [id, root],
        ]),
      } as Parameters<TestRegistry["push"]>[0],
      repository ?? "",
      tag,
    );
    await using other = await startDaemon();
    const again = await build(other, { ...small(), cacheFrom: [to(ref)] });
    expect(Object.keys(again.errors)).toEqual([`importing cache manifest from ${ref}`]);
    expect(again.ran).toHaveLength(1);
  });

  test("a layer that isn't what it should be is not taken: its step runs", async () => {
    await using broken = await startRegistry();
    const ref = `${broken.host}/cache:1`;
    await build(maker, { ...small(), cacheTo: [to(ref)] });
    const { layers } = await stored(ref);
    for (const { digest, size } of layers)
      if (size < 1000) writeFileSync(blobPath(broken, digest), Buffer.alloc(size, 7));
    await using other = await startDaemon();
    const again = await build(other, { ...small(), cacheFrom: [to(ref)] });
    expect(again.ran).toEqual(["RUN cat /proc/sys/kernel/random/uuid > /small"]);
    expect(other.logs()).toContain("a build's cache was found and couldn't be brought");
  });

  test("a cache that can't be written fails the build, or not, as asked", async () => {
    await expect(build(maker, { cacheTo: [to(nowhere)] })).rejects.toThrow("error writing layer blob: ");
    const told = await build(maker, { cacheTo: [to(nowhere, { "ignore-error": "true" })] });
    expect(told.errors["exporting cache to registry"]).toStartWith("error writing layer blob: ");
    expect(told.config).not.toBe("");
  });

  test.each<[CacheSpec[], string]>([
    [[{ type: "gha", attributes: {} }], 'unknown cache exporter: "gha"'],
    [[to("x", { "oci-mediatypes": "foo" })], "failed to parse oci-mediatypes"],
    [[to("x"), to("x")], "duplicate cache exports [registry]"],
    [[to("x", { compression: "foo" })], "unsupported compression type foo"],
    [
      [to(`${nowhere}`, { "oci-mediatypes": "false", "image-manifest": "true" })],
      "invalid configuration for remote cache, OCI mediatypes are required for image-manifest cache format",
    ],
  ])("%j is refused", async (cacheTo, message) => {
    await expect(build(maker, { cacheTo })).rejects.toThrow(message);
  });
});

const peer = process.env.BERTH_PEER;
describe.skipIf(!peer || !existsSync(peer))("with Docker's BuildKit", () => {
  const docker = { host: `unix://${peer}` };

  /** Two steps before the client's files, which BuildKit counts in a way of its own, and one after them. */
  const NAMES = ["first", "second", "third"];
  const text = (from: string, unique: string) => {
    const [first, second, third] = NAMES.map(
      (name) => `RUN : ${unique}; cat /proc/sys/kernel/random/uuid > /${name}\n`,
    ) as [string, string, string];
    return `FROM ${from}\n${first}${second}COPY a /a\n${third}`;
  };
  /** What the steps have left. */
  const left = async (
    daemon: { host: string },
    { from, unique }: { from: string; unique: string },
    more: Partial<BuildSpec>,
  ) => {
    const { path } = folderWith({});
    const { errors } = await build(daemon, {
      dockerfile: { kind: "text", text: text(from, unique) },
      outputs: [{ type: "local", attributes: {}, folder: path }],
      ...more,
    });
    expect(errors).toEqual({});
    return NAMES.map((name) => readFileSync(join(path, name), "utf8"));
  };

  /** A base that nobody has seen. */
  const newBase = async (): Promise<string> => {
    const name = newRef();
    const made = `FROM ${base}\nRUN : ${name} ${crypto.randomUUID()}; cat /proc/sys/kernel/random/uuid > /base\n`;
    await build(maker, { dockerfile: { kind: "text", text: made }, tags: [name] });
    await push(maker, name);
    return name;
  };

  const resultsIn = async (ref: string): Promise<number> => {
    const { config, manifests } = await stored(ref);
    const own = manifests?.find(({ mediaType }) => mediaType === CACHE_CONFIG) ?? config;
    const { records } = JSON.parse(readFileSync(blobPath(registry, own.digest), "utf8"));
    return (records as { layers?: unknown }[]).filter(({ layers }) => layers).length;
  };
  /**
   * Steps in a cache. What Docker's builder loses of its own between a step and the export (its disk is short of room, somebody
   * prunes it) is in the cache without its result, and nobody finds it: it gets more than one try.
   */
  const cachedBy = async (daemon: { host: string }, from: string, ref: string) => {
    for (let tries = daemon === docker ? 3 : 1; ; tries--) {
      // It may have what an earlier test left it.
      const steps = { from, unique: crypto.randomUUID() };
      const made = await left(daemon, steps, { noCache: true, cacheTo: [to(ref, { mode: "max" })] });
      const results = await resultsIn(ref);
      if (results > NAMES.length) return { steps, made };
      if (tries === 1) throw new Error(`the cache has ${results} results of ${NAMES.length + 1} steps`);
    }
  };

  let reader: { host: string };
  // What BuildKit has a base by from an earlier build, it doesn't count by its layers any more.
  test.each<[string, "new to it" | "known to it", () => { host: string }, () => { host: string }]>([
    ["it finds steps in ours", "new to it", () => maker, () => docker],
    ["it finds steps in ours", "known to it", () => maker, () => docker],
    ["we find steps in its", "new to it", () => docker, () => reader],
    ["we find steps in its", "known to it", () => docker, () => reader],
  ])("%s on a base that is %s, as far as no files of the client's are in them", async (_, how, maker, by) => {
    await using other = await startDaemon();
    reader = other;
    const ref = newRef();
    const from = await newBase();
    if (how === "known to it") await left(docker, { from, unique: "before" }, { noCache: true });
    const { steps, made } = await cachedBy(maker(), from, ref);
    const found = await left(by(), steps, { cacheFrom: [to(ref)] });
    expect(found.slice(0, 2)).toEqual(made.slice(0, 2));
    expect(found[2]).not.toBe(made[2] ?? "");
    const ignored = await left(by(), steps, { noCache: true, cacheFrom: [to(ref)] });
    expect(NAMES.filter((__, at) => ignored[at] === made[at])).toEqual([]);
  });
});
