// Docker's own client against our daemon.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { type Client, clientOf, dockerBinary } from "./client.ts";
import { clientSuite } from "./suite.ts";

const docker = dockerBinary();
if (!docker) console.log("skipped: there is no Docker client on this machine");

describe.skipIf(!docker)("Docker's client on Berth", () => {
  let daemon: Daemon;
  let client: Client;
  beforeAll(async () => {
    daemon = await startDaemon();
    client = clientOf("docker", docker ?? "", daemon.host, join(daemon.folder, "client"));
    await client.ok("pull", "busybox");
  });
  clientSuite("docker on berth", () => ({ client, image: "busybox", seesOurFiles: true }));

  test("the built-in hello-world runs, and says where it came from when it is pulled", async () => {
    const result = await client.run("run", "--rm", "hello-world");
    expect(result.code).toBe(0);
    expect(result.stdout).toContain("Hello from");
    expect(result.stderr).toContain("comes with Berth");
  });

  // Last: the suite's own clean-up needs the daemon.
  afterAll(() => daemon?.[Symbol.asyncDispose]());
});
