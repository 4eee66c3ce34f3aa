// What an introductory course on containers has its readers type, word for word, with `docker` a link to berth: the part
// on networks and volumes. An overlay network between two hosts comes with clusters.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Client } from "../clients/client.ts";
import { type Learner, startLearner } from "./learner.ts";

let learner: Learner;
let shell: Client;
const type = (line: string): Promise<string> => shell.ok(line);

beforeAll(async () => {
  learner = await startLearner({ "alpine:latest": ['CMD ["/bin/sh"]'], "busybox:latest": ['CMD ["sh"]'] });
  ({ shell } = learner);
});
afterAll(() => learner?.[Symbol.asyncDispose]());

test("network ls shows the three that are always there, and none of them can be removed", async () => {
  const lines = (await type("docker network ls")).split("\n");
  expect(lines[0]).toMatch(/^NETWORK ID +NAME +DRIVER +SCOPE$/);
  expect(lines.slice(1).map((line) => line.split(/ +/).slice(1).join(" "))).toEqual([
    "bridge bridge local",
    "host host local",
    "none null local",
  ]);
  for (const name of ["bridge", "host", "none"]) {
    const refused = await shell.run(`docker network rm ${name}`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`${name} is a pre-defined network and cannot be removed`);
  }
});

test("containers of a network that was created find each other by name; on the default bridge they don't", async () => {
  expect(await type("docker network create app")).toMatch(/^[0-9a-f]{64}$/);
  await type("docker run -d --name web --network app alpine sleep 1000");
  expect(await type("docker run --rm --network app alpine ping -c 1 web")).toContain("1 packets received");
  await type("docker run -d --name lonely alpine sleep 1000");
  const lost = await shell.run("docker run --rm alpine ping -c 1 lonely");
  expect(lost.code).not.toBe(0);
  expect(lost.stderr).toContain("bad address 'lonely'");
  await type("docker network connect app lonely");
  expect(await type("docker exec lonely ping -c 1 web")).toContain("1 packets received");
  await type("docker network disconnect app lonely");
  expect((await shell.run("docker exec lonely ping -c 1 -w 2 web")).code).not.toBe(0);
  const inspected = await type("docker network inspect -f '{{range .Containers}}{{.Name}} {{end}}' app");
  expect(inspected).toBe("web ");
  expect((await shell.run("docker network rm app")).stderr).toContain("has active endpoints");
  await type("docker rm -f web lonely");
  expect(await type("docker network rm app")).toBe("app");
});

test("--network host and none", async () => {
  const host = await type("docker run --rm --network host alpine ls /sys/class/net");
  expect(host.split(/\s+/)).toContain(learner.daemon.bridge);
  expect(await type("docker run --rm --network none alpine ls /sys/class/net")).toBe("lo");
});

test("the default bridge: a device on the host, a veth pair for each container, eth0 inside", async () => {
  await type("docker run -d --name plugged alpine sleep 1000");
  const { bridge } = learner.daemon;
  expect(existsSync(`/sys/class/net/${bridge}/bridge`)).toBe(true);
  const ports = (await type(`ls /sys/class/net/${bridge}/brif`)).split("\n");
  expect(ports).toHaveLength(1);
  const inside = await type("docker exec plugged ip addr show eth0");
  const index = /^\d+: eth0@if(\d+):/m.exec(inside)?.[1];
  expect(await type(`cat /sys/class/net/${ports[0]}/ifindex`)).toBe(index ?? "");
  await type("docker rm -f plugged");
});

test("data in a volume outlives its container, and is shared", async () => {
  expect(await type("docker volume create data")).toBe("data");
  await type("docker run --rm -v data:/data alpine sh -c 'echo kept > /data/file'");
  expect(await type("docker run --rm --mount source=data,target=/data alpine cat /data/file")).toBe("kept");
  await type("docker run -d --name owner -v data:/data alpine sleep 1000");
  await type("docker run --rm --volumes-from owner alpine sh -c 'echo more >> /data/file'");
  expect(await type("docker exec owner cat /data/file")).toBe("kept\nmore");
  const inUse = await shell.run("docker volume rm data");
  expect(inUse.code).toBe(1);
  expect(inUse.stderr).toContain("volume is in use");
  await type("docker rm -f owner");
  expect((await type("docker volume ls")).split("\n").at(-1)).toMatch(/^local +data$/);
  expect(await type("docker volume inspect -f '{{.Mountpoint}}' data")).toContain("/volumes/data/_data");
  expect(await type("docker volume rm data")).toBe("data");
});

test("a folder of the host is mounted, and read only where that was asked", async () => {
  await type("mkdir shared && echo host > shared/file");
  expect(await type('docker run --rm -v "$PWD/shared:/in:ro" alpine cat /in/file')).toBe("host");
  const refused = await shell.run('docker run --rm -v "$PWD/shared:/in:ro" alpine touch /in/file');
  expect(refused.stderr).toContain("Read-only file system");
  await type(
    'docker run --rm --mount type=bind,src="$PWD/shared",dst=/in alpine sh -c "echo guest > /in/file"',
  );
  expect(await type("cat shared/file")).toBe("guest");
});
