// The first command starts the daemon: in namespaces of its own, since the default socket's path is one for all.
import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { makeFolder } from "../fixtures/daemon.ts";

/** /run and /var/lib of its own, no network, and processes that end with the script. */
async function inside(script: string): Promise<string> {
  const folder = makeFolder();
  try {
    const berth = berthBinary(folder);
    const path = join(folder, "script");
    writeFileSync(
      path,
      `mount -t tmpfs none /run && mount -t tmpfs none /var/lib && ip link set lo up\nBERTH=${berth}\n${script}`,
    );
    const child = Bun.spawn(
      [
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--propagation",
        "private",
        "sh",
        path,
      ],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe", env: { PATH: process.env.PATH, HOME: folder } },
    );
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.exited;
    return out + err;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a daemon is started where none answers, and said to be; the next command finds it", async () => {
  const seen = await inside(`
    $BERTH version --format 'first {{.Server.APIVersion}}' 2>&1
    $BERTH version --format 'second {{.Server.APIVersion}}' 2>&1
    test -s /run/berth/daemon.log && echo logged
    $BERTH -H unix:///run/other.sock ps 2>&1
  `);
  expect(seen).toStartWith("Starting the Berth daemon…\nfirst 1.51\nsecond 1.51\n");
  expect(seen).toContain("Cannot connect to the Docker daemon at unix:///run/other.sock");
}, 60_000);

test("of several at a time one starts it, all find it", async () => {
  const seen = await inside(`
    for i in 1 2 3 4 5; do $BERTH version --format 'up {{.Server.APIVersion}}' 2>&1 & done; wait
    ls /proc | grep -c '^[0-9]' > /dev/null
    echo daemons $(grep -lz '^daemon$' /proc/[0-9]*/cmdline 2>/dev/null | wc -l)
  `);
  expect(seen.match(/Starting the Berth daemon/g)).toHaveLength(1);
  expect(seen.match(/up 1\.51/g)).toHaveLength(5);
  expect(seen).toContain("daemons 1");
}, 60_000);

test("a dead starter's lock holds nobody up", async () => {
  const seen = await inside(`
    mkdir -p /run/berth; sh -c 'echo $$ > /run/berth/starting'
    $BERTH version --format 'up {{.Server.APIVersion}}' 2>&1
  `);
  expect(seen).toContain("up 1.51");
}, 60_000);
