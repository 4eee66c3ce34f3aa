// macvlan and ipvlan networks: what is on the wire, in the containers and on the host, and what a killed daemon leaves.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Failpoint } from "../../src/base/failpoint.ts";
import type { NetworkRequest } from "../../src/networks/index.ts";
import { ask, type Container, type Daemon, type Machine, reach, serve, startMachine } from "./machine.ts";
import { kernel } from "./stacked-kernel.ts";

let machine: Machine;
let daemon: Daemon;

beforeEach(async () => {
  machine = await startMachine();
  daemon = await machine.daemon();
});
afterEach(async () => {
  await machine?.[Symbol.asyncDispose]();
});

/** On the outside's own subnet, out of the way of its addresses. */
const SEGMENT = { Subnet: "198.51.100.0/24", IPRange: "198.51.100.64/26", Gateway: "198.51.100.1" };
const macvlan = (differences: Partial<NetworkRequest> = {}): NetworkRequest => ({
  Name: "lan",
  Driver: "macvlan",
  Options: { parent: "uplink0" },
  IPAM: { Config: [SEGMENT] },
  ...differences,
});
const ipvlan = (mode: string, differences: Partial<NetworkRequest> = {}): NetworkRequest =>
  macvlan({ Driver: "ipvlan", Options: { parent: "uplink0", ipvlan_mode: mode }, ...differences });

/** What iproute2 prints in a namespace. */
const ip = (namespace: string, ...args: string[]) =>
  Bun.spawnSync(["nsenter", `--net=${namespace}`, "ip", ...args])
    .stdout.toString()
    .replaceAll(/\s+/g, " ");
const on = (network: string) => ({ networkMode: network });
const links = () => machine.run("ip", "-d", "link").replaceAll(/\s+/g, " ");
const hostLinks = () =>
  machine
    .run("ip", "-br", "link")
    .split("\n")
    .flatMap((line) => line.split(/[@\s]/)[0] || []);
const inspect = (name: string) =>
  daemon.call<{ Id: string; IPAM: { Config: object[] }; Internal: boolean }>("inspect", name);

async function again(alive: readonly string[], failpoint?: Failpoint): Promise<void> {
  await daemon.kill();
  await daemon.restart(failpoint);
  await daemon.call("reconcile", alive);
}

/** A container and the host outside reach each other, without any port published. */
async function meets(container: Container): Promise<void> {
  const { outside } = machine;
  await using _inside = await serve(container.namespace, "tcp", 80, container.id);
  await using _outside = await serve(outside.namespace, "tcp", 81, "outside");
  expect(await reach(outside.namespace, "tcp", container.address, 80)).toBe(
    `${container.id} ${outside.address}`,
  );
  expect(await reach(container.namespace, "tcp", outside.address, 81)).toBe(`outside ${container.address}`);
}

describe.skipIf(!kernel.macvlan)("macvlan", () => {
  test("a container is a machine on its parent's segment; the host itself doesn't reach it", async () => {
    // A host's own device has the name too.
    machine.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1");
    await daemon.call("create", macvlan());
    const [a, b] = [await daemon.start("a", on("lan")), await daemon.start("b", on("lan"))];
    expect([a.address, b.address]).toEqual(["198.51.100.64", "198.51.100.65"]);
    await meets(a);
    await using _server = await serve(b.namespace, "tcp", 80, "b");
    expect(await ask(a.namespace, "tcp", b.address, 80)).toBe(`b ${a.address}`);
    await expect(ask(machine.namespace, "tcp", b.address, 80)).rejects.toThrow();
    const mac = a.status.endpoints.lan?.MacAddress ?? "none";
    expect(ip(a.namespace, "-d", "link", "show", "eth0")).toMatch(
      new RegExp(`state UP .*link/ether ${mac} .*macvlan mode bridge`),
    );
    expect(ip(a.namespace, "route")).toStartWith("default via 198.51.100.1 dev eth0 ");
  });

  test("an address that was another container's is known for the new one's at once", async () => {
    const six = { Subnet: "2001:db8::/64", IPRange: "2001:db8::40/122", Gateway: "2001:db8::1" };
    await daemon.call("create", macvlan({ EnableIPv6: true, IPAM: { Config: [SEGMENT, six] } }));
    const old = await daemon.start("old", on("lan"));
    const sixth = (container: Container) => container.status.endpoints.lan?.GlobalIPv6Address ?? "";
    await meets(old);
    // Somebody keeps the namespace: the device goes all the same.
    await using _keeper = await serve(old.namespace, "tcp", 80, "old", "::");
    expect(await reach(machine.outside.namespace, "tcp", sixth(old), 80)).toStartWith("old ");
    // The outside's own carrier is told to IPv6 up to a second late (see reach): until then it hears nothing sent to all nodes.
    await Bun.sleep(1_100);
    await daemon.call("release", "old");
    const next = await daemon.start("next", on("lan"));
    expect([next.address, sixth(next)]).toEqual([old.address, sixth(old)]);
    const known = ip(machine.outside.namespace, "neigh");
    for (const address of [next.address, sixth(next)])
      expect(known).toContain(`${address} dev uplink0 lladdr ${next.status.endpoints.lan?.MacAddress}`);
    await using _server = await serve(next.namespace, "tcp", 80, "next", "::");
    expect(await ask(machine.outside.namespace, "tcp", next.address, 80)).toStartWith("next ");
    expect(await reach(machine.outside.namespace, "tcp", sixth(next), 80)).toStartWith("next ");
  });

  test.each([["private"], ["vepa"], ["passthru"]])("mode %s, with a MAC address", async (mode) => {
    const before = links();
    await daemon.call("create", macvlan({ Options: { parent: "uplink0", macvlan_mode: mode } }));
    const macAddress = "02:00:00:00:00:77";
    const container = await daemon.start("c", { ...on("lan"), macAddress });
    expect(ip(container.namespace, "-d", "link", "show", "eth0")).toMatch(
      new RegExp(`link/ether ${macAddress} .*macvlan mode ${mode}`),
    );
    expect(container.status.endpoints.lan?.MacAddress).toBe(macAddress);
    await meets(container);
    if (mode === "passthru")
      await expect(daemon.start("second", on("lan"))).rejects.toThrow(
        "failed to set up container networking: failed to create the macvlan port: invalid argument",
      );
    await daemon.call("release", "c");
    // The parent has its own address back.
    expect(links().replaceAll(/ qlen \d+| allmulti \d| promiscuity \d/g, "")).toContain(
      /uplink0.*?link\/ether [0-9a-f:]+/.exec(before)?.[0].split("link/ether ")[1] ?? "none",
    );
  });

  test("several subnets, each with its gateway; ports are not published", async () => {
    const subnets = [
      { Subnet: "10.232.0.0/24", Gateway: "10.232.0.9", IPRange: "10.232.0.16/28" },
      { Subnet: "10.233.0.0/24", AuxiliaryAddresses: { printer: "10.233.0.2" } },
    ];
    await daemon.call("create", macvlan({ IPAM: { Config: subnets } }));
    expect((await inspect("lan")).IPAM.Config).toEqual(subnets);
    const published = { portBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } };
    const first = await daemon.start("first", { ...on("lan"), ...published });
    expect(first.address).toBe("10.232.0.16");
    expect(first.status.ports).toEqual({});
    expect(first.realised.reserve).toEqual([]);
    expect(ip(first.namespace, "route")).toStartWith("default via 10.232.0.9 dev eth0 ");
    const asked = (address: string) => ({
      ...on("lan"),
      networkingConfig: { EndpointsConfig: { lan: { IPAMConfig: { IPv4Address: address } } } },
    });
    const second = await daemon.start("second", asked("10.233.0.77"));
    expect(ip(second.namespace, "route")).toStartWith("default via 10.233.0.1 dev eth0 ");
    await expect(daemon.start("third", asked("10.233.0.2"))).rejects.toThrow("Address already in use");
  });

  test.each<[string, Partial<NetworkRequest>, object, string]>([
    ["nothing chosen", {}, { Subnet: "172.18.0.0/16", Gateway: "172.18.0.1" }, "172.18.0.2"],
    ["internal", { Internal: true }, { Subnet: "172.18.0.0/16" }, "172.18.0.1"],
    [
      "internal, with a subnet",
      { Internal: true, IPAM: { Config: [{ Subnet: "10.9.0.0/24" }] } },
      { Subnet: "10.9.0.0/24" },
      "10.9.0.1",
    ],
    [
      "a subnet without a gateway",
      { IPAM: { Config: [{ Subnet: "10.9.0.0/24" }] } },
      { Subnet: "10.9.0.0/24" },
      "10.9.0.2",
    ],
  ])("gateways and first addresses: %s", async (_, differences, shown, address) => {
    await daemon.call("create", macvlan({ IPAM: null, ...differences }));
    expect((await inspect("lan")).IPAM.Config).toEqual([shown]);
    const container = await daemon.start("c", on("lan"));
    expect(container.address).toBe(address);
    expect(ip(container.namespace, "route").includes("default")).toBe(!differences.Internal);
    expect(container.status.endpoints.lan?.Gateway === "").toBe(differences.Internal === true);
  });

  test("connected and disconnected while running, beside a bridge", async () => {
    await daemon.call("create", macvlan());
    const container = await daemon.start("c", {
      portBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    });
    const both = { EndpointsConfig: { bridge: {}, lan: { GwPriority: 1 } } };
    await daemon.call("connect", "c", "lan", both);
    expect(ip(container.namespace, "-d", "link", "show", "eth1")).toContain("macvlan mode bridge");
    expect(ip(container.namespace, "route")).toStartWith("default via 198.51.100.1 dev eth1 ");
    await daemon.call("disconnect", "c", "lan", { EndpointsConfig: { bridge: {} } });
    expect(ip(container.namespace, "link")).not.toContain("eth1");
    expect(ip(container.namespace, "route")).toMatch(/^default via 172\.\d+\.0\.1 dev eth0 /);
    await daemon.call("connect", "c", "lan", both);
    expect(ip(container.namespace, "link")).toContain("eth1");
    await expect(daemon.call("remove", "lan")).rejects.toThrow(
      /^error while removing network: network lan has active/,
    );
    await daemon.call("release", "c");
    await daemon.call("remove", "lan");
  });

  test.each<[Failpoint]>([
    ["network.connect-stored"],
    ["network.device-made"],
    ["network.connect-plugged"],
    ["network.disconnect-stored"],
  ])("killed at %s: rows and devices agree after the next start", async (place) => {
    await daemon.call("create", macvlan());
    const container = await daemon.start("c");
    const both = { EndpointsConfig: { bridge: {}, lan: {} } };
    const disconnecting = place.includes("disconnect");
    if (disconnecting) await daemon.call("connect", "c", "lan", both);
    await again(["c"], place);
    const change = disconnecting
      ? daemon.call("disconnect", "c", "lan", { EndpointsConfig: { bridge: {} } })
      : daemon.call("connect", "c", "lan", both);
    await expect(change).rejects.toThrow("the daemon ended");
    await again(["c"]);
    const { endpoints } = await daemon.call<Container["status"]>("status", "c");
    expect(Object.keys(endpoints).sort()).toEqual(disconnecting ? ["bridge"] : ["bridge", "lan"]);
    expect(ip(container.namespace, "link").includes("eth1")).toBe(!disconnecting);
  });

  test("a parent that went and came back", async () => {
    machine.run("ip", "link", "add", "other0", "type", "veth", "peer", "name", "other1");
    await daemon.call("create", macvlan({ Options: { parent: "other0" } }));
    const living = await daemon.start("living", on("lan"));
    machine.run("ip", "link", "del", "other0");
    await expect(daemon.start("late", on("lan"))).rejects.toThrow(
      "failed to set up container networking: the requested parent interface other0 was not found on the Docker host",
    );
    await again(["living"]);
    machine.run("ip", "link", "add", "other0", "type", "veth", "peer", "name", "other1");
    await again(["living"]);
    expect(ip(living.namespace, "addr", "show", "eth0")).toContain(living.address);
    await daemon.call("release", "living");
    await daemon.call("remove", "lan");
    expect(hostLinks()).toContain("other0");
  });

  test.each<[Record<string, string>, string]>([
    [{ parent: "nosuch0" }, "invalid subinterface vlan name nosuch0, example formatting is eth0.10"],
    [{ parent: "nosuch.7" }, "-o parent interface was not found on the host: nosuch"],
    [{ parent: "uplink0.5000" }, "vlan id must be between 1-4094, received: 5000"],
    [{ parent: "uplink0.x" }, "unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)"],
  ])("%p is refused, and nothing is kept of it", async (options, message) => {
    await expect(daemon.call("create", macvlan({ Options: options }))).rejects.toThrow(message);
    expect(await daemon.call<unknown[]>("list", { type: ["custom"] })).toEqual([]);
  });
});

describe.skipIf(!kernel.ipvlan)("ipvlan", () => {
  test("l2: the parent's MAC address, and the segment's gateway", async () => {
    await daemon.call("create", ipvlan("l2"));
    const a = await daemon.start("a", on("lan"));
    await meets(a);
    expect(ip(a.namespace, "-d", "link", "show", "eth0")).toMatch(/ipvlan mode l2 bridge/);
    expect(ip(a.namespace, "route")).toStartWith("default via 198.51.100.1 dev eth0 ");
    expect(a.status.endpoints.lan?.MacAddress).toBe("");
    await expect(daemon.start("b", { ...on("lan"), macAddress: "02:00:00:00:00:77" })).rejects.toThrow(
      "failed to set up container networking: failed to create endpoint name-b on network lan: ipvlan interfaces do not support custom mac address assignment",
    );
  });

  test.each([["l3"], ["l3s"]])("%s: the default route is the device", async (mode) => {
    // As an administrator would give the outside its route to the containers.
    const subnet = { Subnet: "10.44.0.0/24" };
    await daemon.call("create", ipvlan(mode, { IPAM: { Config: [subnet] } }));
    expect((await inspect("lan")).IPAM.Config).toEqual([subnet]);
    const [a, b] = [await daemon.start("a", on("lan")), await daemon.start("b", on("lan"))];
    expect(a.address).toBe("10.44.0.1");
    expect(a.status.endpoints.lan?.Gateway).toBe("");
    expect(ip(a.namespace, "-d", "link", "show", "eth0")).toContain(`ipvlan mode ${mode} bridge`);
    expect(ip(a.namespace, "route")).toStartWith("default dev eth0 scope link ");
    ip(machine.outside.namespace, "route", "add", subnet.Subnet, "via", machine.address);
    await meets(a);
    await using _server = await serve(b.namespace, "tcp", 80, "b");
    expect(await ask(a.namespace, "tcp", b.address, 80)).toBe(`b ${a.address}`);
  });

  test("a flag, and a parent that carries macvlan already", async () => {
    const options = { parent: "uplink0", ipvlan_flag: "private" };
    await daemon.call("create", ipvlan("l2", { Options: options }));
    const a = await daemon.start("a", on("lan"));
    expect(ip(a.namespace, "-d", "link", "show", "eth0")).toMatch(/ipvlan mode l2 private/);
    await daemon.call("create", macvlan({ Name: "second", IPAM: null }));
    await expect(daemon.start("b", on("second"))).rejects.toThrow(
      "failed to create the macvlan port: device or resource busy (uplink0 can't carry",
    );
  });
});

describe.skipIf(!kernel.macvlan || !kernel.dummy)("without a parent", () => {
  const alone = () => macvlan({ Options: {}, IPAM: null });

  test("containers reach each other by a dummy, which goes with the network", async () => {
    await daemon.call("create", alone());
    const { Id, Internal, IPAM } = await inspect("lan");
    expect(Internal).toBe(false);
    expect(IPAM.Config).toEqual([{ Subnet: "172.18.0.0/16" }]);
    const dummy = `dm-${Id.slice(0, 12)}`;
    expect(links()).toMatch(new RegExp(`${dummy}: <[^>]*\\bUP\\b.* dummy .*alias berth [0-9a-f]{4}: parent`));
    const [a, b] = [await daemon.start("a", on("lan")), await daemon.start("b", on("lan"))];
    await using _server = await serve(b.namespace, "tcp", 80, "b");
    expect(await ask(a.namespace, "tcp", b.address, 80)).toBe(`b ${a.address}`);
    expect(ip(a.namespace, "route")).not.toContain("default");
    for (const { id } of [a, b]) await daemon.call("release", id);
    await daemon.call("remove", "lan");
    expect(hostLinks()).not.toContain(dummy);
  });

  test("a daemon that ends takes dummies along, and has them again when it comes back", async () => {
    await daemon.call("create", alone());
    const dummy = `dm-${(await inspect("lan")).Id.slice(0, 12)}`;
    await daemon.call("close");
    expect(hostLinks()).not.toContain(dummy);
    await daemon.restart();
    await daemon.call("reconcile", []);
    expect(hostLinks()).toContain(dummy);
  });

  test.each<[Failpoint]>([["network.created"], ["network.removed"]])("killed at %s", async (place) => {
    if (place === "network.removed") await daemon.call("create", alone());
    await again([], place);
    const change =
      place === "network.removed" ? daemon.call("remove", "lan") : daemon.call("create", alone());
    await expect(change).rejects.toThrow("the daemon ended");
    await again([]);
    const dummies = hostLinks().filter((name) => /^(dm-|btp)/.test(name));
    expect(dummies).toEqual(
      place === "network.removed" ? [] : [`dm-${(await inspect("lan")).Id.slice(0, 12)}`],
    );
  });
});

test.skipIf(kernel.dummy || !kernel.macvlan)(
  "no dummies in the kernel: the error names the module",
  async () => {
    await expect(daemon.call("create", macvlan({ Options: {} }))).rejects.toThrow(
      "operation not supported: this kernel does not have the module dummy, which a network without -o parent needs",
    );
    expect(await daemon.call<unknown[]>("list", { type: ["custom"] })).toEqual([]);
  },
);

test.skipIf(kernel.ipvlan)("no ipvlan in the kernel: the error names the module", async () => {
  await expect(daemon.call("create", ipvlan("l2"))).rejects.toThrow(
    "operation not supported: this kernel does not have the module ipvlan, which the driver ipvlan needs",
  );
});

describe.skipIf(!kernel.macvlan || !kernel.vlan)("a VLAN as parent", () => {
  const tagged = (name: string, subnet: string) =>
    macvlan({ Name: name, Options: { parent: "uplink0.50" }, IPAM: { Config: [{ Subnet: subnet }] } });

  test("is made, carries the tag, and goes with the last network that uses it", async () => {
    await daemon.call("create", tagged("one", "10.50.0.0/24"));
    await daemon.call("create", tagged("two", "10.51.0.0/24"));
    expect(links()).toMatch(/uplink0\.50@uplink0: <[^>]*\bUP\b.* vlan protocol 802\.1Q id 50 /);
    const outside = machine.outside.namespace;
    ip(outside, "link", "add", "link", "uplink0", "name", "tag50", "type", "vlan", "id", "50");
    ip(outside, "addr", "add", "10.50.0.200/24", "dev", "tag50");
    ip(outside, "link", "set", "tag50", "up");
    const container = await daemon.start("c", on("one"));
    await using _server = await serve(container.namespace, "tcp", 80, "c");
    expect(await reach(outside, "tcp", container.address, 80)).toBe("c 10.50.0.200");
    await again(["c"]);
    expect(ip(container.namespace, "link")).toContain("eth0");
    await daemon.call("release", "c");
    await daemon.call("remove", "one");
    expect(hostLinks()).toContain("uplink0.50");
    await daemon.call("remove", "two");
    expect(hostLinks()).not.toContain("uplink0.50");
  });

  test("that was there before stays", async () => {
    machine.run("ip", "link", "add", "link", "uplink0", "name", "uplink0.50", "type", "vlan", "id", "50");
    await daemon.call("create", tagged("one", "10.50.0.0/24"));
    await daemon.call("remove", "one");
    await again([]);
    expect(hostLinks()).toContain("uplink0.50");
  });

  test("whose tag another device has", async () => {
    machine.run("ip", "link", "add", "link", "uplink0", "name", "mine", "type", "vlan", "id", "50");
    await expect(daemon.call("create", tagged("one", "10.50.0.0/24"))).rejects.toThrow(
      "failed to create uplink0.50 vlan link: file exists",
    );
    expect(hostLinks().filter((name) => /^btp|\.50/.test(name))).toEqual([]);
  });
});
