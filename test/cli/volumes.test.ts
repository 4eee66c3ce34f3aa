// What Berth's client has for volumes beyond Docker's: export, import, clone, cp, and who uses them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
let client: Client;
const at = (name: string) => join(daemon.folder, name);
const inside = (volume: string, name: string) => join(daemon.dataRoot, "volumes", volume, "_data", name);

beforeAll(async () => {
  daemon = await startDaemon({ bridge: "none" });
  mkdirSync(at("client"));
  client = clientOf("berth", berthBinary(daemon.folder), daemon.host, at("client"));
  await client.ok("volume", "create", "--label", "kind=fruit", "apple");
  writeFileSync(inside("apple", "file"), "content");
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

test("an export is a whole file, or none, and an import of it the same volume", async () => {
  expect(await client.ok("volume", "export", "apple", "-o", at("apple.tar"))).toBe("");
  expect(await client.ok("volume", "import", "--label", "a=b", "pear", at("apple.tar"))).toBe("pear");
  expect(readFileSync(inside("pear", "file"), "utf8")).toBe("content");
  expect((await client.feed(readFileSync(at("apple.tar")), "volume", "import", "plum", "-")).stdout).toBe(
    "plum\n",
  );
  expect(readFileSync(inside("plum", "file"), "utf8")).toBe("content");
  const refused = await client.run("volume", "export", "nothing", "--output", at("nothing.tar"));
  expect([refused.code, refused.stderr]).toEqual([
    1,
    "Error response from daemon: get nothing: no such volume\n",
  ]);
  expect(existsSync(at("nothing.tar"))).toBe(false);
  const empty = await client.feed("", "volume", "import", "fig");
  expect([empty.code, empty.stderr]).toEqual([
    1,
    "Error response from daemon: the archive is empty: not even its end is there\n",
  ]);
  await client.ok("volume", "rm", "pear", "plum");
});

test("a clone has the files and labels", async () => {
  expect(await client.ok("volume", "clone", "--label", "more=1", "apple", "twin")).toBe("twin");
  expect(await client.ok("volume", "inspect", "-f", "{{.Labels}}", "twin")).toBe("map[kind:fruit more:1]");
  expect(readFileSync(inside("twin", "file"), "utf8")).toBe("content");
  await client.ok("volume", "rm", "twin");
});

test("cp brings files in and out", async () => {
  writeFileSync(at("here"), "from here");
  await client.ok("volume", "cp", at("here"), "apple:/there");
  expect(readFileSync(inside("apple", "there"), "utf8")).toBe("from here");
  await client.ok("volume", "cp", "apple:/there", at("back"));
  expect(readFileSync(at("back"), "utf8")).toBe("from here");
  const refused = await client.run("volume", "cp", "apple:/missing", at("back"));
  expect(refused.stderr).toBe(
    "Error response from daemon: Could not find the file /missing in volume apple\n",
  );
});

test("sizes and users are columns of the list, and fields of its templates", async () => {
  await client.ok("pull", "busybox");
  await client.ok("create", "--name", "eater", "--network", "none", "-v", "apple:/a", "busybox");
  const [head, row] = (await client.ok("volume", "ls", "--size")).split("\n");
  expect(head?.split(/ {2,}/)).toEqual(["DRIVER", "VOLUME NAME", "SIZE", "CONTAINERS"]);
  expect(row?.split(/ {2,}/)).toEqual(["local", "apple", "16B", "eater"]);
  const format = "{{.Name}} {{.Size}} {{.Links}} {{.Containers}}";
  expect(await client.ok("volume", "ls", "--format", format)).toBe("apple 16B 1 eater");
  expect(await client.ok("volume", "ls", "--format", "{{.Name}}")).toBe("apple");
  const held = await client.run("volume", "rm", "apple");
  expect(held.stderr).toMatch(
    /^Error response from daemon: remove apple: volume is in use - \[[0-9a-f]{64}\]\n$/,
  );
  await client.ok("rm", "eater");
});

test("only Swarm's volumes are updated", async () => {
  expect(await client.run("volume", "update", "apple")).toMatchObject({
    code: 1,
    stderr: "can only update cluster volumes\n",
  });
});
