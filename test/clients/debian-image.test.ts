// What a person does with a registry: a Debian root and busybox in it, pulled with bars, run in a terminal, tagged,
// pushed back under another name with the same digest. `apt-get update` in the container goes out through the bridge.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { DEBIAN_LIMIT, debianArchive, hostNames } from "../fixtures/debian.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import { berthBinary } from "./berth-binary.ts";
import { type Client, clientOf } from "./client.ts";

let daemon: Daemon;
let registry: TestRegistry;
let client: Client;
let image: string;

beforeAll(async () => {
  [daemon, registry] = await Promise.all([startDaemon(), startRegistry()]);
  client = clientOf("berth", berthBinary(daemon.folder), daemon.host, join(daemon.folder, "client"), {
    patience: DEBIAN_LIMIT,
  });
  await client.ok("import", "-c", 'CMD ["bash"]', await debianArchive(), "made:debian");
  const saved = join(daemon.folder, "debian.tar");
  await client.ok("save", "-o", saved, "made:debian");
  image = `${registry.host}/debian:bookworm-slim`;
  await Bun.$`skopeo copy --dest-tls-verify=false docker-archive:${saved} docker://${image}`.quiet();
  rmSync(saved);
  await client.ok("rmi", "made:debian");
}, DEBIAN_LIMIT);

test("pull shows a bar for each layer, and the second pull finds all of it here", async () => {
  await using session = client.wideTerminal("pull", image);
  const seen = await session.until(/Status: Downloaded newer image/);
  expect(seen).toMatch(/[0-9a-f]{12}: .*\[=*>? *\]/);
  expect(seen).toContain("Pull complete");
  expect(await session.exited).toBe(0);
  expect(await client.ok("pull", image)).toContain("Status: Image is up to date");
});

test(
  "bash in a terminal, and apt-get update reaches the mirror",
  async () => {
    await using session = client.terminal("run", "-it", "--rm", ...hostNames(), image, "bash");
    await session.until(/# $/);
    session.type("cat /etc/debian_version; tty\n");
    expect(await session.until(/\/dev\/pts\/0[\s\S]*# $/)).toContain("12.");
    session.type("exit\n");
    expect(await session.exited).toBe(0);
    const update = await client.run("run", "--rm", ...hostNames(), image, "apt-get", "update");
    expect(update.stdout + update.stderr).toMatch(/Reading package lists/);
    expect(update.code).toBe(0);
  },
  DEBIAN_LIMIT,
);

test("tagged and pushed back under another name, the digest is the same", async () => {
  const other = `${registry.host}/elsewhere/debian:again`;
  await client.ok("tag", image, other);
  const pushed = await client.ok("push", other);
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1];
  expect(await client.ok("inspect", "-f", "{{.Id}}", image)).toBe(digest ?? "no digest was printed");
  expect(await client.ok("inspect", "-f", '{{join .RepoDigests " "}}', image)).toContain(`@${digest}`);
});

// Last, since what it undoes is used until here.
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
});
