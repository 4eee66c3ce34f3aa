// The daemon is killed at any moment, again and again, while twenty clients create, connect, disconnect, start and remove:
// after each start the kernel's devices and addresses agree with what the daemon says, and nothing is given out twice.
import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import type { ContainerInspectResponse, ContainerSummary, Network } from "../../src/api/types/index.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { expectSame, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

/** Each takes about a second and a half: 200 are `BERTH_KILL_ROUNDS=200 npm test -- killed-networks`. */
const ROUNDS = Number(process.env.BERTH_KILL_ROUNDS ?? 6);
const CLIENTS = 20;
/** Milliseconds until the daemon is killed, at most. */
const LONGEST = 900;
const NETWORKS = ["net0", "net1", "net2", "net3"];

const any = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T;

/** One client's next step: each has a container of its own, and shares the networks with the others. */
function stepsOf({ request }: WatchedDaemon, name: string): (() => Promise<unknown>)[] {
  const post = (path: string, body: unknown = {}) => request("POST", path, { body });
  return [
    () => post("/networks/create", { Name: any(NETWORKS), EnableIPv6: Math.random() < 0.3 }),
    () => request("DELETE", `/networks/${any(NETWORKS)}`),
    () =>
      post(`/containers/create?name=${name}`, {
        Image: BUSYBOX,
        Cmd: ["sleep", "3600"],
        HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "" }] } },
      }),
    () => post(`/containers/${name}/start`),
    () => post(`/networks/${any(NETWORKS)}/connect`, { Container: name }),
    () => post(`/networks/${any(NETWORKS)}/connect`, { Container: name, EndpointConfig: { GwPriority: 1 } }),
    () => post(`/networks/${any(NETWORKS)}/disconnect`, { Container: name }),
    () => request("DELETE", `/containers/${name}?force=1`),
  ];
}

async function busy(daemon: WatchedDaemon, name: string, until: AbortSignal): Promise<void> {
  const steps = stepsOf(daemon, name);
  while (!until.aborted)
    try {
      await any(steps)();
    } catch {
      await Bun.sleep(20); // Its daemon is gone just now.
    }
}

/** Devices and addresses in a container's namespace, by its own tools: "eth0 10.1.2.3/16". */
function addressesIn(pid: number): string[] {
  const { stdout } = Bun.spawnSync(["nsenter", "--target", String(pid), "--net", "ip", "-o", "addr"]);
  return [...stdout.toString().matchAll(/^\d+: (\S+) +inet6? (\S+) .*scope global/gm)]
    .map(([, device, address]) => `${device} ${address}`)
    .filter((line) => !line.startsWith("lo "))
    .sort();
}

/** What the daemon says is what the kernel has, of every container that runs. */
async function expectAgreement({ request }: WatchedDaemon): Promise<void> {
  const list = (await request("GET", "/containers/json")).json<ContainerSummary[]>();
  const given: string[] = [];
  for (const { Id } of list) {
    const { State, NetworkSettings } = (
      await request("GET", `/containers/${Id}/json`)
    ).json<ContainerInspectResponse>();
    const said = Object.values(NetworkSettings?.Networks ?? {}).flatMap((endpoint) => [
      ...(endpoint.IPAddress ? [`${endpoint.IPAddress}/${endpoint.IPPrefixLen}`] : []),
      ...(endpoint.GlobalIPv6Address
        ? [`${endpoint.GlobalIPv6Address}/${endpoint.GlobalIPv6PrefixLen}`]
        : []),
    ]);
    given.push(...said);
    const held = addressesIn(State?.Pid ?? 0).map((line) => line.split(" ")[1]);
    expect({ Id, held: held.sort() }).toEqual({ Id, held: said.sort() });
  }
  expect(new Set(given).size).toBe(given.length);
  const networks = (await request("GET", "/networks")).json<Network[]>();
  for (const { Id = "", Name } of networks)
    if (NETWORKS.includes(Name ?? "")) expect(existsSync(`/sys/class/net/br-${Id.slice(0, 12)}`)).toBe(true);
}

const bridges = () => readdirSync("/sys/class/net").filter((name) => name.startsWith("br-"));

test(
  "killed while twenty clients create, connect, disconnect, start and remove",
  async () => {
    await using daemon = await startWatchedDaemon();
    await importBusybox(daemon);
    const before = await settled(daemon);
    for (let round = 0; round < ROUNDS; round++) {
      const over = new AbortController();
      const clients = Array.from({ length: CLIENTS }, (_, n) => busy(daemon, `c${n}`, over.signal));
      await Bun.sleep(100 + Math.random() * LONGEST);
      await daemon.kill9();
      over.abort();
      await Promise.all(clients);
      await daemon.restart();
      await expectAgreement(daemon);
    }
    const { request } = daemon;
    const left = (await request("GET", "/containers/json?all=1")).json<ContainerSummary[]>();
    for (const { Id } of left) {
      const { status, text } = await request("DELETE", `/containers/${Id}?force=1`);
      expect({ status, text }).toEqual({ status: 204, text: "" });
    }
    const networks = (await request("GET", "/networks")).json<Network[]>();
    const ours = networks.map(({ Id = "" }) => `br-${Id.slice(0, 12)}`);
    for (const { Name = "" } of networks)
      if (NETWORKS.includes(Name))
        expect(await request("DELETE", `/networks/${Name}`)).toMatchObject({ status: 204 });
    await waitFor(() => !bridges().some((name) => ours.includes(name)), "the bridges to go");
    await expectSame(daemon, before);
  },
  120_000 + ROUNDS * 10_000,
);
