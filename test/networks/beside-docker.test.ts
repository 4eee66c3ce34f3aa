// Our networks and a real Docker's on one host, in one network namespace: neither keeps the other from forwarding.
// BERTH_PEER is the path of that Docker's socket; without it, or without a docker client, nothing here runs.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { addAddress } from "../../src/linux/netlink/address.ts";
import { addVeth, findLink, setLink } from "../../src/linux/netlink/link.ts";
import { openRoute } from "../../src/linux/netlink/socket.ts";
import { inNamespace } from "../../src/linux/netns.ts";
import {
  ask,
  type Container,
  type Daemon,
  type Host,
  hostDaemon,
  randomBridge,
  serve,
  startHost,
} from "./machine.ts";

const peer = process.env.BERTH_PEER;
const client = Bun.which("docker");
const busybox = Bun.which("busybox");
const usable = Boolean(peer && client && busybox);
if (!usable) console.log("skipped: no BERTH_PEER, docker client or busybox");

const name = `networks-${randomBridge()}`;
const root = mkdtempSync("/var/tmp/berth-test-");
const device = randomBridge();
// A network for this run alone: TEST-NET-3 in pieces of four.
const piece = Math.floor(Math.random() * 63) * 4;
const [outside, here] = [`203.0.113.${piece + 1}`, `203.0.113.${piece + 2}`];
let daemon: Daemon;
let other: Host;
let ours: Container;

function docker(...args: string[]): string {
  const done = Bun.spawnSync([client ?? "docker", "--host", `unix://${peer}`, ...args]);
  if (done.exitCode !== 0) throw new Error(`docker ${args.join(" ")}: ${done.stderr.toString()}`);
  return done.stdout.toString().trim();
}
/** Asks from inside Docker's container. */
const dockerAsks = (address: string, port: string | number) =>
  docker("exec", name, "/busybox", "timeout", "3", "/busybox", "nc", "-w", "2", address, String(port));

beforeAll(async () => {
  if (!usable) return;
  other = await startHost("--net");
  {
    using host = openRoute();
    inNamespace(other.namespace, (namespaceFd) => {
      using inside = openRoute();
      addVeth(host, { name: device, up: true }, { name: "eth0", namespaceFd });
      addAddress(host, { index: findLink(host, device)?.index ?? 0, address: here, prefix: 30 });
      const index = findLink(inside, "eth0")?.index ?? 0;
      addAddress(inside, { index, address: outside, prefix: 30 });
      setLink(inside, index, { up: true });
    });
  }
  daemon = await hostDaemon(root);
  const archive = Bun.spawnSync([
    "tar",
    "--create",
    "--directory",
    "/",
    "--transform",
    "s,.*,busybox,",
    busybox ?? "",
  ]);
  Bun.spawnSync([client ?? "docker", "--host", `unix://${peer}`, "import", "-", name], {
    stdin: archive.stdout,
  });
  docker(
    "run",
    "--detach",
    "--name",
    name,
    "--publish",
    "80",
    name,
    "/busybox",
    "nc",
    "-ll",
    "-p",
    "80",
    "-e",
    "/busybox",
    "echo",
    "theirs",
  );
  ours = await daemon.start("ours", { exposedPorts: ["80/tcp"], publishAll: true });
}, 60_000);

afterAll(async () => {
  if (usable) {
    for (const command of [
      ["rm", "--force", "--volumes", name],
      ["rmi", "--force", name],
    ])
      try {
        docker(...command);
      } catch {
        // It was never made.
      }
    await daemon?.call("release", "ours").catch(() => {});
    await daemon?.call("close").catch(() => {});
    await daemon?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
  }
  rmSync(root, { recursive: true, force: true });
}, 60_000);

test.skipIf(!usable)(
  "each reaches the outside, its own, and the other's published port",
  async () => {
    await using _world = await serve(other.namespace, "tcp", 9000, "world");
    await using _ours = await serve(ours.namespace, "tcp", 80, "ours");
    const theirPort = docker("port", name, "80/tcp").split(/\s+/)[0]?.split(":").pop() ?? "";
    const ourPort = ours.status.ports["80/tcp"]?.[0]?.HostPort ?? "";

    expect(await ask(ours.namespace, "tcp", outside, 9000)).toBe(`world ${here}`);
    expect(dockerAsks(outside, 9000)).toBe(`world ${here}`);

    expect(await ask(other.namespace, "tcp", here, Number(ourPort))).toStartWith("ours ");
    expect(await ask(other.namespace, "tcp", here, Number(theirPort))).toBe("theirs");

    expect(await ask(ours.namespace, "tcp", here, Number(theirPort))).toBe("theirs");
    expect(dockerAsks(here, ourPort)).toStartWith("ours ");
  },
  60_000,
);

test.skipIf(!usable)(
  "neither gets at the other's unpublished ports",
  async () => {
    const address = docker("inspect", "--format", "{{.NetworkSettings.Networks.bridge.IPAddress}}", name);
    await expect(ask(ours.namespace, "tcp", address, 80)).rejects.toThrow();
    await using _ours = await serve(ours.namespace, "tcp", 81, "ours");
    expect(() => dockerAsks(ours.address, 81)).toThrow();
  },
  60_000,
);

test.skipIf(!usable)(
  "a port that the other has is refused",
  async () => {
    const theirPort = docker("port", name, "80/tcp").split(/\s+/)[0]?.split(":").pop() ?? "";
    await expect(
      daemon.start("late", { portBindings: { "80/tcp": [{ HostIp: "", HostPort: theirPort }] } }),
    ).rejects.toThrow("address already in use");
  },
  60_000,
);
