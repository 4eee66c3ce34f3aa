// The solver with real steps: graphs that a client sends, on a daemon of the test's own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  copy,
  diff,
  file,
  image,
  marshal,
  merge,
  mkdir,
  mkfile,
  remove,
  run,
  scratch,
  type Tree,
} from "../../src/buildkit/llb/index.ts";
import { BuildOpSchema, DefinitionSchema } from "../../src/buildkit/messages/ops_pb.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { type BuildClient, openBuildClient } from "./build-client.ts";

let daemon: Daemon;
let client: BuildClient;
let base: Tree;
beforeAll(async () => {
  daemon = await startDaemon();
  base = image(`docker.io/library/${await importBusybox(daemon)}`);
  client = await openBuildClient(daemon);
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
});

const sh = (tree: Tree, script: string, options: Partial<Parameters<typeof run>[1]> = {}) =>
  run(tree, { args: ["/bin/sh", "-c", script], env: { PATH: "/bin" }, ...options });

/** What a command says in a tree, by one more step that is never cached. */
async function look(tree: Tree, script: string): Promise<string> {
  const { output } = await client.solve(sh(tree, script, { ignoreCache: true }).root);
  return output;
}

describe("trees of different origin", () => {
  /** One path a line, and what its file says. */
  const tree = (files: Record<string, string>, more = "true") =>
    sh(
      file(scratch(), copy(base, "/bin", "/bin")),
      `${Object.entries(files)
        .map(
          ([path, text]) =>
            `mkdir -p $(dirname ${path}); echo ${text} >${path}; touch -d @1500000000 ${path}`,
        )
        .join("; ")}; ${more}`,
    ).root;

  test("differ by their files, and the difference hides what went", async () => {
    const lower = tree(
      { "/d/same": "same", "/d/changed": "old", "/d/gone": "gone", "/gone/in": "x" },
      "chmod 700 /d",
    );
    const upper = tree({ "/d/same": "same", "/d/changed": "newer", "/new/in": "new" }, "chmod 700 /d");
    const difference = diff(lower, upper);
    // Of the difference alone: what is new or other.
    const tool = file(difference, [mkdir("/tool"), copy(base, "/bin/busybox", "/tool/busybox")]);
    const script = "cd /; find d new gone -type f; true";
    const alone = run(tool, {
      args: ["/tool/busybox", "sh", "-c", script.replace("find", "/tool/busybox find")],
      ignoreCache: true,
    }).root;
    const { output } = await client.solve(alone);
    const found = output.split("\n").filter((line) => /^[a-z/]+$/.test(line));
    expect(found.sort()).toEqual(["d/changed", "new/in"]);
    // On the lower tree it is the upper one.
    expect(
      await look(
        merge([lower, difference]),
        "cd /; find d gone new -type f 2>/dev/null | sort; cat d/changed",
      ),
    ).toBe("d/changed\nd/same\nnew/in\nnewer\n");
    // On another it takes away and adds alike.
    const other = tree({ "/d/gone": "other", "/d/stays": "stays" });
    expect(await look(merge([other, difference]), "cd /; find d new -type f | sort")).toBe(
      "d/changed\nd/stays\nnew/in\n",
    );
  });

  test("less everything is what hides everything", async () => {
    const lower = tree({ "/d/one": "1", "/two": "2" });
    const hidden = merge([lower, diff(lower, scratch()), file(scratch(), copy(base, "/bin", "/bin"))]);
    expect(await look(hidden, "ls -d /d /two /bin 2>/dev/null || true")).toBe("/bin\n");
  });
});

describe("a graph in a file", () => {
  const built = (definition: Tree, attributes: Record<string, string> = {}): Tree => ({
    output: 0,
    step: {
      inputs: [definition],
      options: {},
      platformSpecific: false,
      encode: (list) => ({
        case: "build",
        value: create(BuildOpSchema, {
          builder: -1n,
          inputs: { "buildkit.llb.definition": { input: list.number(definition, true) } },
          attrs: attributes,
        }),
      }),
    },
  });
  const written = (bytes: Uint8Array, path = "/buildkit.llb.definition") =>
    file(scratch(), mkfile(path, bytes));
  const graph = (script: string) => toBinary(DefinitionSchema, marshal(sh(base, script).root));

  test("is solved in the place of the step that reads it", async () => {
    const tree = built(written(graph("echo of the file > /made")));
    expect(await look(tree, "cat /made")).toBe("of the file\n");
    const other = built(written(graph("echo other > /made"), "/other"), { "llbbuild.filename": "/other" });
    expect(await look(other, "cat /made")).toBe("other\n");
  });

  test.each([
    [
      "that isn't there",
      () => written(new Uint8Array(), "/elsewhere"),
      /open buildkit.llb.definition: no such file/,
    ],
    ["that is none", () => written(Buffer.from("FROM scratch")), /is no build definition|invalid/],
    ["whose step fails", () => written(graph("exit 9")), /exit code: 9/],
  ])("%s fails", async (_, tree, message) => {
    const error = await client.solve(built(tree())).then(() => undefined, ConnectError.from);
    expect(error?.rawMessage).toMatch(message);
  });
});

describe("steps", () => {
  test("run once, and come from the cache then", async () => {
    const tree = sh(base, "echo made > /made; echo seen").root;
    const first = await client.solve(tree, { name: "once:1" });
    expect(first.output).toBe("seen\n");
    const second = await client.solve(tree, { name: "once:1" });
    expect(second.output).toBe("");
    expect(second.cached.some((name) => name.includes("echo made"))).toBe(true);
    expect(second.response["containerimage.digest"]).toBe(first.response["containerimage.digest"]);
  });

  test("leave what they did and nothing of what was mounted for them", async () => {
    const tree = sh(
      file(scratch(), copy(base, "/bin", "/bin")),
      "mkdir /own; cat /etc/hosts > /own/hosts",
    ).root;
    expect(await look(tree, "ls -A /")).toBe("bin\ndev\netc\nown\nproc\nsys\n");
    const { response } = await client.solve(tree, { name: "stubs:1" });
    expect(await filesOf(response["containerimage.digest"] ?? "")).toEqual(["bin", "own"]);
  });

  test("that fail say how, and which", async () => {
    const failing = client.solve(sh(base, "echo first; exit 7").root);
    const error = await failing.then(() => undefined, ConnectError.from);
    expect(error?.rawMessage).toBe(
      'process "/bin/sh -c echo first; exit 7" did not complete successfully: exit code: 7',
    );
    expect(error?.code).toBe(Code.Unknown);
  });

  test("are given up with everything that they started when the client leaves", async () => {
    const leaving = new AbortController();
    const began = Promise.withResolvers<void>();
    const work = client.solve(sh(base, "sleep 4321 & echo began; sleep 4321").root, {
      signal: leaving.signal,
      onOutput: () => began.resolve(),
    });
    work.catch(() => {});
    await began.promise;
    leaving.abort();
    expect(
      await work.then(
        () => "ended",
        (thrown) => ConnectError.from(thrown).code,
      ),
    ).toBe(Code.Canceled);
    await until(() => !processes().some((words) => words.includes("sleep 4321")));
    await until(() => readdirSync(join(daemon.execRoot, "containers")).length === 0);
  });

  test("of two builds at the same time run once", async () => {
    const tree = sh(
      base,
      `echo ${crypto.randomUUID()}; cat /proc/sys/kernel/random/uuid > /id; sleep 1`,
    ).root;
    const [one, two] = await Promise.all([
      client.solve(tree, { name: "a:1" }),
      client.solve(tree, { name: "b:1" }),
    ]);
    expect(one.response["containerimage.digest"]).toBe(two.response["containerimage.digest"] ?? "");
    expect(one.output).toBe(two.output);
  });

  test("with ignored cache run again, and what stands on them too", async () => {
    const step = (ignoreCache: boolean) =>
      sh(sh(base, "cat /proc/sys/kernel/random/uuid | tee /id", { ignoreCache }).root, "cat /id").root;
    const first = await client.solve(step(false));
    expect((await client.solve(step(false))).output).toBe("");
    const again = await client.solve(step(true));
    const [made, read] = again.output.trim().split("\n");
    expect(made).toBe(read ?? "");
    expect(first.output).not.toContain(made ?? "");
    expect((await client.solve(step(false))).output).toBe("");
  });

  test("need the client's word for the host's network and privileges", async () => {
    const error = await client
      .solve(sh(base, "true", { network: "host" }).root)
      .then(() => undefined, ConnectError.from);
    expect(error?.rawMessage).toBe("failed to load LLB: network.host is not allowed");
    const { output } = await client.solve(sh(base, "ls /sys/class/net", { network: "host" }).root, {
      entitlements: ["network.host"],
    });
    expect(output).toContain(daemon.bridge);
    const insecure = sh(base, "true", { security: "insecure" }).root;
    for (const [entitlements, message] of [
      [[], "failed to load LLB: security.insecure is not allowed"],
      [
        ["security.insecure"],
        "granting entitlement security.insecure is not allowed by build daemon configuration",
      ],
    ] as const) {
      const refused = client.solve(insecure, { entitlements: [...entitlements] });
      expect((await refused.then(() => undefined, ConnectError.from))?.rawMessage).toBe(message);
    }
    expect(await look(base, "id -u; cat /etc/hostname 2>/dev/null; hostname")).toBe("0\nbuildkitsandbox\n");
  });
});

test("steps have all privileges where the daemon's configuration lets the client ask for them", async () => {
  await using open = await startDaemon({
    config: { builder: { entitlements: { "security-insecure": true, "network-host": false } } },
  });
  const tree = image(`docker.io/library/${await importBusybox(open)}`);
  await using other = await openBuildClient(open);
  const { output } = await other.solve(
    sh(tree, "grep CapEff /proc/self/status; ls /dev/kmsg", { security: "insecure" }).root,
    { entitlements: ["security.insecure"] },
  );
  const all = /CapEff:\s+([0-9a-f]+)/.exec(output)?.[1] ?? "0";
  expect(BigInt(`0x${all}`) & (1n << 21n)).not.toBe(0n); // CAP_SYS_ADMIN
  expect(output).toContain("/dev/kmsg");
  const error = await other
    .solve(sh(tree, "true", { network: "host" }).root, { entitlements: ["network.host"] })
    .then(() => undefined, ConnectError.from);
  expect(error?.rawMessage).toBe(
    "granting entitlement network.host is not allowed by build daemon configuration",
  );
});

describe("mounts", () => {
  test("of caches keep what is put there, and are no part of the result", async () => {
    const counted = (text: string) =>
      sh(base, `echo ${text} >> /cache/list; cat /cache/list`, {
        mounts: [{ type: "cache", target: "/cache", id: "list" }],
      });
    expect((await client.solve(counted("one").root)).output).toBe("one\n");
    expect((await client.solve(counted("two").root)).output).toBe("one\ntwo\n");
    expect(await look(counted("two").root, "ls -A / | grep cache; true")).toBe("");
  });

  const twice = (sharing: "shared" | "locked" | "private") =>
    sh(base, "echo text > /one/file; cat /two/file", {
      mounts: ["/one", "/two"].map((target) => ({
        type: "cache" as const,
        target,
        id: `twice-${sharing}`,
        sharing,
      })),
    });

  test.each(["shared", "locked", "private"] as const)(
    "of one %s cache twice in a step are one",
    async (sharing) => {
      expect((await client.solve(twice(sharing).root)).output).toBe("text\n");
    },
  );

  const user = (id: string, sharing: "shared" | "locked" | "private", script: string) =>
    sh(base, script, {
      ignoreCache: true,
      mounts: [{ type: "cache", target: "/cache", id, sharing }],
    }).root;

  test.each([
    ["shared", "shared", "held\n"],
    ["private", "shared", ""],
    ["shared", "private", ""],
    ["locked", "shared", ""],
    ["shared", "locked", "held\nleft\n"],
    ["locked", "locked", "held\nleft\n"],
  ] as const)("of a cache that a %s one holds: a %s one sees %j", async (first, second, seen) => {
    const id = `held-${first}-${second}`;
    const began = Promise.withResolvers<void>();
    const holder = client.solve(
      user(id, first, "touch /cache/held; echo began; sleep 2; touch /cache/left"),
      { onOutput: () => began.resolve() },
    );
    await began.promise;
    const { output } = await client.solve(user(id, second, "ls /cache"));
    await holder;
    expect(output).toBe(seen);
  });

  test("of a locked cache: who waits can leave", async () => {
    const began = Promise.withResolvers<void>();
    const leaves = new AbortController();
    const holder = client.solve(user("left", "locked", "echo began; sleep 3"), {
      onOutput: () => began.resolve(),
    });
    await began.promise;
    const waiting = client.solve(user("left", "locked", "true"), { signal: leaves.signal });
    setTimeout(() => leaves.abort(), 300);
    const left = await waiting.then(
      () => "ended",
      () => "left",
    );
    const first = await Promise.race([
      holder.then(() => "the holder"),
      Bun.sleep(1).then(() => "who waited"),
    ]);
    await holder;
    expect([left, first]).toEqual(["left", "who waited"]);
  });

  test("count with what they hold in the cache's size", async () => {
    const tree = sh(base, "dd if=/dev/zero of=/cache/big bs=1M count=5 2>/dev/null", {
      mounts: [{ type: "cache", target: "/cache", id: "measured" }],
    }).root;
    await client.solve(tree);
    const { record } = await client.control.diskUsage({});
    const found = record.find(({ description }) => description === "cached mount measured");
    expect(Number(found?.size)).toBeGreaterThanOrEqual(5 << 20);
  });

  test("that a step may write to, and nobody sees, count by what they show", async () => {
    const bound = (more: Record<string, string>) => {
      const other = file(scratch(), [
        mkdir("/part"),
        mkfile("/part/file", "text\n"),
        ...Object.entries(more).map(([path, text]) => mkfile(path, text)),
      ]);
      const mounts = [{ type: "bind" as const, target: "/mnt", from: other, source: "/part", discard: true }];
      return sh(base, "touch /mnt/x; cat /mnt/file", { mounts }).root;
    };
    expect((await client.solve(bound({}))).output).toBe("text\n");
    expect((await client.solve(bound({ "/beside": "not seen" }))).output).toBe("");
    expect((await client.solve(bound({ "/part/more": "seen" }))).output).toBe("text\n");
  });

  test("of another tree are seen, not changed", async () => {
    const other = file(scratch(), mkfile("/there", "text\n"));
    const bound = (readOnly: boolean, script: string) =>
      sh(base, script, { mounts: [{ type: "bind", target: "/mnt", from: other, readOnly }] }).root;
    expect(
      (await client.solve(bound(true, "cat /mnt/there; touch /mnt/x 2>&1 | sed 's/.*: //'"))).output,
    ).toBe("text\nRead-only file system\n");
    expect((await client.solve(bound(false, "touch /mnt/x; ls /mnt"))).output).toBe("there\nx\n");
    expect(await look(file(base, copy(other, "/", "/o/")), "ls /o")).toBe("there\n");
  });

  test("of memory are empty and gone after", async () => {
    const tree = sh(base, "touch /tmp/x; mount | grep -c ' /tmp type tmpfs'", {
      mounts: [{ type: "tmpfs", target: "/tmp", size: 1 << 20 }],
    }).root;
    expect((await client.solve(tree)).output).toBe("1\n");
    expect(await look(tree, "ls -A /tmp")).toBe("");
  });
});

describe("files", () => {
  test("are copied by content: an equal tree made another way is the same", async () => {
    const made = (way: string) =>
      sh(base, `mkdir /out; printf ${way} | cat > /dev/null; printf same > /out/file`).root;
    const copied = (way: string) => sh(file(base, copy(made(way), "/out", "/in")), "echo after").root;
    expect((await client.solve(copied("one"))).output).toBe("after\n");
    expect((await client.solve(copied("two"))).output).toBe("");
  });

  test("that were copied without the cache are found by their content, with what stands on them", async () => {
    const source = (beside: string) =>
      file(scratch(), [mkfile("/taken", "taken"), mkfile("/beside", beside)]);
    const built = (beside: string, ignoreCache: boolean) =>
      sh(file(base, copy(source(beside), "/taken", "/in"), { ignoreCache }), "echo ran", { ignoreCache })
        .root;
    expect((await client.solve(built("one", true))).output).toBe("ran\n");
    expect((await client.solve(built("two", false))).output).toBe("");
  });

  test("are made, changed and removed in one operation", async () => {
    const tree = file(base, [
      mkdir("/a/b", { parents: true }),
      mkfile("/a/b/c", "text"),
      copy(base, "/etc/passwd", "/a/"),
      remove("/a/b"),
    ]);
    expect(await look(tree, "ls /a")).toBe("passwd\n");
  });

  test("that aren't there are named", async () => {
    const error = await client
      .solve(file(scratch(), copy(base, "/missing", "/x")))
      .then(() => undefined, ConnectError.from);
    expect(error?.rawMessage).toContain('"/missing": not found');
  });
});

describe("layers", () => {
  test("are merged on each other, and taken apart", async () => {
    const one = file(scratch(), mkfile("/one", "1"));
    const two = file(scratch(), mkfile("/two", "2"));
    expect(await look(merge([base, one, two]), "cat /one /two")).toBe("12");
    const grown = sh(base, "echo new > /new; rm /etc/group").root;
    expect(await look(merge([base, diff(base, grown)]), "cat /new; ls /etc | grep group; true")).toBe(
      "new\n",
    );
  });
});

test("an image that was built runs without being unpacked", async () => {
  await client.solve(sh(base, "echo hello > /greeting").root, { name: "greeting:1" });
  const before = await snapshots();
  const { json } = await daemon.request("POST", "/containers/create", {
    body: { Image: "greeting:1", Cmd: ["cat", "/greeting"] },
  });
  const { Id } = json<{ Id: string }>();
  await daemon.request("POST", `/containers/${Id}/start`);
  const waited = await daemon.request("POST", `/containers/${Id}/wait`);
  expect(waited.json<{ StatusCode: number }>().StatusCode).toBe(0);
  expect((await snapshots()) - before).toBe(1);
});

test("the cache is shown and pruned, but for what images have", async () => {
  const usage = await client.control.diskUsage({});
  expect(usage.record.some(({ recordType }) => recordType === "exec.cachemount")).toBe(true);
  const removed = [];
  for await (const record of client.control.prune({ all: true })) removed.push(record);
  expect(removed.length).toBe(usage.record.length);
  expect((await client.control.diskUsage({})).record).toEqual([]);
  const tree = sh(base, "echo made > /made; echo seen").root;
  expect((await client.solve(tree)).output).toBe("seen\n");
});

test("a daemon that is stopped in a step takes it away first", async () => {
  const began = Promise.withResolvers<void>();
  const work = client.solve(sh(base, "echo began; sleep 4323").root, { onOutput: () => began.resolve() });
  work.catch(() => {});
  await began.promise;
  expect(await daemon.stop()).toBe(0);
  expect(processes().some((words) => words.includes("sleep 4323"))).toBe(false);
  expect(readFileSync("/proc/mounts", "utf8")).not.toContain(`${daemon.dataRoot}/scratch`);
  await daemon.restart();
  client = await openBuildClient(daemon);
});

test("a daemon that is killed in a step leaves nothing of it", async () => {
  const began = Promise.withResolvers<void>();
  const work = client.solve(sh(base, "echo began; sleep 4322").root, { onOutput: () => began.resolve() });
  work.catch(() => {});
  await began.promise;
  await daemon.kill9();
  await daemon.restart();
  await until(() => !processes().some((words) => words.includes("sleep 4322")));
  await until(() => readdirSync(join(daemon.execRoot, "containers")).length === 0);
  expect(readFileSync("/proc/mounts", "utf8")).not.toContain(`${daemon.dataRoot}/scratch`);
  expect(readdirSync(join(daemon.dataRoot, "scratch"))).toEqual([]);
  await using again = await openBuildClient(daemon);
  expect((await again.solve(sh(base, "echo works").root)).output).toBe("works\n");
});

async function snapshots(): Promise<number> {
  return readdirSync(join(daemon.dataRoot, "snapshots")).length;
}

/** Names in the last layer of an image. */
async function filesOf(digest: string): Promise<string[]> {
  const blob = (name: string) => readFileSync(join(daemon.dataRoot, "content", "sha256", name.slice(7)));
  const { layers } = JSON.parse(blob(digest).toString()) as { layers: { digest: string }[] };
  const names = new Set<string>();
  for (const { digest: layer } of layers) {
    const listed = Bun.spawnSync(["tar", "-tz"], { stdin: blob(layer) }).stdout.toString();
    for (const line of listed.trim().split("\n")) names.add(line.replace(/^\.\//, "").split("/")[0] ?? "");
  }
  return [...names].filter((name) => name !== "").sort();
}

function processes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    });
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); await Bun.sleep(50))
    if (Date.now() > end) throw new Error(`not within 20 s: ${condition}`);
}
