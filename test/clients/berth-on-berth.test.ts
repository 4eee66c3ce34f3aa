// Our own client against our daemon.
import { afterAll, beforeAll } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { bakeSuite } from "./bake-suite.ts";
import { berthBinary } from "./berth-binary.ts";
import { type Client, clientOf } from "./client.ts";
import { clientSuite } from "./suite.ts";

let daemon: Daemon;
let client: Client;
beforeAll(async () => {
  daemon = await startDaemon();
  const config = join(daemon.folder, "client");
  mkdirSync(config);
  client = clientOf("berth", berthBinary(config), daemon.host, config);
  await client.ok("pull", "busybox");
});

bakeSuite("berth on berth", () => ({ client, image: "busybox" }));
clientSuite("berth on berth", () => ({ client, image: "busybox", seesOurFiles: true }));

// Last: the suite's own clean-up needs the daemon.
afterAll(() => daemon?.[Symbol.asyncDispose]());
