// An address that goes from one container to the next: whoever knew the first one's MAC address reaches the next at once.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ask, type Container, type Daemon, type Machine, reach, serve, startMachine } from "./machine.ts";

const NETWORK = {
  Name: "own",
  EnableIPv6: true,
  IPAM: { Config: [{ Subnet: "10.7.0.0/24" }, { Subnet: "fd00:7::/64" }] },
};

let machine: Machine;
let daemon: Daemon;

beforeAll(async () => {
  machine = await startMachine();
  daemon = await machine.daemon();
  await daemon.call("create", NETWORK);
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const onOwn = { networkMode: "own", portBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } };
const addressesOf = ({ address, status }: Container) => [
  address,
  status.endpoints.own?.GlobalIPv6Address ?? "",
];

test.each([["one that starts"], ["one that is connected"]])("%s", async (how) => {
  const client = await daemon.start("client", { networkMode: "own" });
  const before = await daemon.start("before", onOwn);
  {
    await using _server = await serve(before.namespace, "tcp", 80, "before", "::");
    for (const from of [client, machine])
      for (const address of addressesOf(before))
        expect(await reach(from.namespace, "tcp", address, 80)).toStartWith("before ");
  }
  // A new device's carrier is told to IPv6 up to a second late (see reach): until then it hears nothing sent to all nodes.
  await Bun.sleep(1_100);
  await daemon.call("release", "before");
  let after = await daemon.start("after", how === "one that starts" ? onOwn : { networkMode: "bridge" });
  if (how === "one that is connected") {
    await daemon.call("connect", "after", "own", { EndpointsConfig: { own: {}, bridge: {} } });
    const status = await daemon.call<Container["status"]>("status", "after");
    after = { ...after, status, address: status.endpoints.own?.IPAddress ?? "" };
  }
  expect(addressesOf(after)).toEqual(addressesOf(before));
  await using _server = await serve(after.namespace, "tcp", 80, "after", "::");
  for (const from of [client, machine])
    for (const address of addressesOf(after))
      expect(await ask(from.namespace, "tcp", address, 80)).toStartWith("after ");
  if (how === "one that starts")
    expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("after ");
  for (const id of ["client", "after"]) await daemon.call("release", id);
});
