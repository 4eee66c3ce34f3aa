// A client that drives a build itself (BuildKit's LLBBridge), as buildx and frontends do, on a daemon of the test's own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { image, marshal, run, type Tree } from "../../src/buildkit/llb/index.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { type BuildClient, openBuildClient } from "./build-client.ts";

let daemon: Daemon;
let client: BuildClient;
let base: Tree;
let name: string;
beforeAll(async () => {
  daemon = await startDaemon();
  name = `docker.io/library/${await importBusybox(daemon)}`;
  base = image(name);
  client = await openBuildClient(daemon);
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
});

type Options = { headers: Record<string, string> };

/** Runs a build whose result is what `work` returns. */
async function driven(
  work: (options: Options) => Promise<string>,
  request: Parameters<BuildClient["control"]["solve"]>[0] = {},
): Promise<Record<string, string>> {
  const ref = crypto.randomUUID();
  const options = { headers: { "buildkit-controlapi-buildid": ref } };
  const solving = client.control.solve({ ref, ...request });
  try {
    const id = await work(options);
    await client.bridge.return({ result: { result: { case: "ref", value: { id } } } }, options);
  } catch (thrown) {
    await client.bridge.return({ error: { code: Code.Unknown, message: String(thrown) } }, options);
    await solving.catch(() => {});
    throw thrown;
  }
  return (await solving).exporterResponse;
}

async function solved(tree: Tree, options: Options): Promise<string> {
  const { result } = await client.bridge.solve({ definition: marshal(tree) }, options);
  return result?.result.case === "ref" ? result.result.value.id : "";
}

const sh = (script: string) => run(base, { args: ["/bin/sh", "-c", script], env: { PATH: "/bin" } }).root;

describe("a tree that a client asks for", () => {
  test("is read by its paths, links followed within it", async () => {
    await driven(async (options) => {
      const ref = await solved(
        sh(
          "mkdir -p /d/in && cd /d && echo text >file && chmod 640 file && ln -s /d/file link && ln -s /d /away && : >b.txt",
        ),
        options,
      );
      const { entries } = await client.bridge.readDir({ ref, dirPath: "/away" }, options);
      expect(entries.map(({ path, mode, size, linkname }) => [path, mode, Number(size), linkname])).toEqual([
        ["b.txt", 0o644, 0, ""],
        ["file", 0o640, 5, ""],
        ["in", 0x80000000 + 0o755, 0, ""],
        ["link", 0x08000000 + 0o777, 7, "/d/file"],
      ]);
      const some = await client.bridge.readDir({ ref, dirPath: "d", includePattern: "*.txt" }, options);
      expect(some.entries.map(({ path }) => path)).toEqual(["b.txt"]);
      const { stat } = await client.bridge.statFile({ ref, path: "/d/link" }, options);
      expect([stat?.path, stat?.mode, stat?.size]).toEqual(["file", 0o640, 5n]);
      const { data } = await client.bridge.readFile(
        { ref, filePath: "/away/link", range: { offset: 1n, length: 2n } },
        options,
      );
      expect(Buffer.from(data).toString()).toBe("ex");
      return ref;
    });
  });

  test.each(["/nothing", "/bin/busybox/below"])("has nothing at %s, and says so", async (path) => {
    await driven(async (options) => {
      const ref = await solved(base, options);
      for (const call of [
        () => client.bridge.statFile({ ref, path }, options),
        () => client.bridge.readFile({ ref, filePath: path }, options),
        () => client.bridge.readDir({ ref, dirPath: path }, options),
      ]) {
        const error = await call().then(() => undefined, ConnectError.from);
        expect(error?.rawMessage).toBe(`open ${path}: no such file or directory`);
      }
      return ref;
    });
  });
});

test("graphs that come with the request are what the client is told as its inputs", async () => {
  const given = marshal(sh("echo given"));
  await driven(
    async (options) => {
      const { definitions } = await client.bridge.inputs({}, options);
      expect(definitions.one?.def).toEqual(given.def);
      return "";
    },
    { frontendInputs: { one: given } },
  );
});

test("an image's config is known by its source, and nothing of other sources", async () => {
  await driven(async (options) => {
    const asked = { source: { identifier: `docker-image://${name}` } };
    const found = await client.bridge.resolveSourceMeta(asked, options);
    expect(JSON.parse(Buffer.from(found.image?.config ?? "{}").toString())).toMatchObject({ os: "linux" });
    const other = await client.bridge.resolveSourceMeta(
      { source: { identifier: "https://x.test/y" } },
      options,
    );
    expect([other.source?.identifier, other.image]).toEqual(["https://x.test/y", undefined]);
    return "";
  });
});

test("what fails is the request's: the client may ask for something else, and return that", async () => {
  await driven(async (options) => {
    const bad = await solved(sh("exit 6"), options);
    const error = await client.bridge
      .evaluate({ ref: bad }, options)
      .then(() => undefined, ConnectError.from);
    expect(error?.rawMessage).toContain("exit code: 6");
    const good = await solved(sh("echo fine >/fine"), options);
    const { data } = await client.bridge.readFile({ ref: good, filePath: "/fine" }, options);
    expect(Buffer.from(data).toString()).toBe("fine\n");
    return good;
  });
});
