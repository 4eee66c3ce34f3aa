// Our own client against a real Docker daemon, where BERTH_PEER names its socket.
import { afterAll, beforeAll, describe } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bakeSuite } from "./bake-suite.ts";
import { berthBinary } from "./berth-binary.ts";
import { buildSuite } from "./build-suite.ts";
import { type Client, clientOf } from "./client.ts";
import { clientSuite } from "./suite.ts";

const peer = process.env.BERTH_PEER;
if (!peer) console.log("skipped: BERTH_PEER names no Docker daemon's socket");

describe.skipIf(!peer)("our client on Docker", () => {
  let folder: string;
  const image = `berth-test-${crypto.randomUUID().slice(0, 8)}`;
  let client: Client;
  beforeAll(async () => {
    folder = mkdtempSync("/var/tmp/berth-test-");
    client = clientOf("berth", berthBinary(folder), `unix://${peer}`, folder);
    const root = join(folder, "root");
    await Bun.$`mkdir -p ${root}/bin ${root}/etc ${root}/tmp && cp /bin/busybox ${root}/bin`.quiet();
    const applets = (await Bun.$`/bin/busybox --list`.text())
      .split("\n")
      .filter((name) => name && name !== "busybox");
    for (const applet of applets) symlinkSync("busybox", join(root, "bin", applet));
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    await Bun.$`tar -C ${root} -cf ${root}.tar .`.quiet();
    await client.ok("import", "-c", 'CMD ["sh"]', `${folder}/root.tar`, image);
  });
  bakeSuite("berth on docker", () => ({ client, image }));
  buildSuite("berth on docker", () => ({ client, image, forgets: false }));
  clientSuite("berth on docker", () => ({ client, image, seesOurFiles: false }));
  afterAll(async () => {
    await client.run("rmi", "-f", image);
    rmSync(folder, { recursive: true, force: true });
  });
});
