// Who may reach whom, over bridge networks of one's own: from other networks, from other hosts, from the host.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ask, type Container, type Daemon, type Machine, reach, serve, startMachine } from "./machine.ts";

const BRIDGE = "com.docker.network.bridge";
const MODE = `${BRIDGE}.gateway_mode_ipv4`;

let machine: Machine;
let daemon: Daemon;

beforeAll(async () => {
  machine = await startMachine();
  daemon = await machine.daemon();
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
});

/** A network for as long as it is used. */
async function network(Name: string, request: object = {}): Promise<AsyncDisposable> {
  await daemon.call("create", { Name, ...request });
  return { [Symbol.asyncDispose]: () => daemon.call("remove", Name) };
}

interface Server extends Container, AsyncDisposable {
  gateway: string;
}

/** A container on a network that serves port 80 (published as `port`, if given) and 81. */
async function server(id: string, networkMode: string, port = "", hostIp = ""): Promise<Server> {
  const stack = new AsyncDisposableStack();
  const published = port ? { portBindings: { "80/tcp": [{ HostIp: hostIp, HostPort: port }] } } : {};
  const container = await daemon.start(id, { networkMode, ...published });
  stack.defer(() => daemon.call("release", id));
  const address = container.address ? "0.0.0.0" : "::";
  stack.use(await serve(container.namespace, "tcp", 80, id, address));
  stack.use(await serve(container.namespace, "tcp", 81, id, address));
  const gateway = container.status.endpoints[networkMode]?.Gateway ?? "";
  return { ...container, gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const from = (place: { namespace: string }, address: string, port: number) =>
  ask(place.namespace, "tcp", address, port);
const refused = (place: { namespace: string }, address: string, port: number) =>
  expect(from(place, address, port)).rejects.toThrow();

/** The other host has a way to a container by this machine. */
function route(to: string): void {
  const enter = ["nsenter", `--net=${machine.outside.namespace}`];
  const six = to.includes(":");
  const via = six ? "2001:db8::2" : machine.address;
  const done = Bun.spawnSync([...enter, "ip", ...(six ? ["-6"] : []), "route", "replace", to, "via", via]);
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
}
const pinger = Bun.which("ping") ? ["ping"] : ["busybox", "ping"];
const ping = (place: { namespace: string }, address: string) =>
  Bun.spawnSync(["nsenter", `--net=${place.namespace}`, ...pinger, "-c1", "-W1", address]).exitCode === 0;

test("two networks reach each other by published ports and by the host's addresses alone", async () => {
  await using _a = await network("a");
  await using _b = await network("b");
  await using a = await server("in-a", "a", "8100");
  await using b = await server("in-b", "b", "8101");
  await refused(a, b.address, 80);
  await refused(a, b.address, 81);
  // Behind the other's gateway too, as a container with NET_ADMIN could try.
  Bun.spawnSync(["nsenter", `--net=${a.namespace}`, "ip", "route", "add", b.address, "via", a.gateway]);
  await refused(a, b.address, 80);
  expect(await from(a, machine.address, 8101)).toStartWith("in-b ");
  expect(await from(a, b.gateway, 8101)).toStartWith("in-b ");
  // To the server it is its own gateway that asks, as by Docker's proxy.
  expect(await from(a, b.gateway, 8101)).toBe(`in-b ${b.gateway}`);
  await using _host = await serve(machine.namespace, "tcp", 7000, "host");
  expect(await from(a, b.gateway, 7000)).toStartWith("host ");
});

test("an internal network has no way in or out but from its own host", async () => {
  await using _inner = await network("inner", { Internal: true });
  await using _a = await network("a");
  await using one = await server("one", "inner", "8110");
  await using two = await server("two", "inner");
  await using a = await server("in-a", "a", "8111");
  await using _world = await serve(machine.outside.namespace, "tcp", 9000, "world");
  expect(one.status.ports).toEqual({});
  expect(await from(one, two.address, 80)).toBe(`two ${one.address}`);
  expect(await from(machine, one.address, 81)).toStartWith("one ");
  const inspect = await daemon.call<{ IPAM: { Config: { Gateway: string }[] } }>("inspect", "inner");
  const gateway = inspect.IPAM.Config[0]?.Gateway ?? "";
  for (const to of ["default", a.address])
    Bun.spawnSync(["nsenter", `--net=${one.namespace}`, "ip", "route", "add", to, "via", gateway]);
  await refused(one, machine.outside.address, 9000);
  await refused(one, a.address, 80);
  await refused(one, gateway, 8111);
  await refused(a, one.address, 80);
  route(one.address);
  await refused(machine.outside, one.address, 80);
});

test("icc=false: a link is refused where bridged frames pass no rules, since nothing could open it", async () => {
  machine.run("sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=0");
  await using _apart = await network("apart", { Options: { [`${BRIDGE}.enable_icc`]: "false" } });
  await daemon.start("store", { networkMode: "apart", exposedPorts: ["80/tcp"] });
  await expect(daemon.start("shop", { networkMode: "apart", links: ["store"] })).rejects.toThrow(
    "load br_netfilter, and set net.bridge.bridge-nf-call-iptables to 1",
  );
  await daemon.call("release", "shop");
  await daemon.call("release", "store");
  machine.run("sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=1");
});

test("an internal network doesn't reach by IPv6 what shims carry to containers", async () => {
  const carrying = await machine.daemon({ userlandProxy: true });
  const six = (Name: string, third: number, Internal = false) =>
    carrying.call("create", {
      Name,
      Internal,
      EnableIPv6: true,
      IPAM: { Config: [{ Subnet: `fd00:${third}::/64` }] },
    });
  await six("inner6", 1, true);
  await six("outer6", 2);
  const published = await carrying.start("web", {
    portBindings: { "80/tcp": [{ HostIp: "", HostPort: "8140" }] },
  });
  expect(published.status.ports["80/tcp"]?.map(({ HostIp }) => HostIp)).toEqual(["0.0.0.0", "::"]);
  const [inner, outer] = [
    await carrying.start("inner", { networkMode: "inner6" }),
    await carrying.start("outer", { networkMode: "outer6" }),
  ];
  // In the place of the container's shim, and a service of the host's.
  await using _shim = await serve(machine.namespace, "tcp", 8140, "carried", "::");
  await using _host = await serve(machine.namespace, "tcp", 7001, "host", "::");
  expect(await reach(outer.namespace, "tcp", "fd00:2::1", 8140)).toStartWith("carried ");
  expect(await reach(inner.namespace, "tcp", "fd00:1::1", 7001)).toStartWith("host ");
  await refused(inner, "fd00:1::1", 8140);
  for (const id of ["web", "inner", "outer"]) await carrying.call("release", id);
  await carrying.call("close");
});

describe.each(["1", "0"])("icc=false, with bridge-nf-call-iptables=%s", (filtered) => {
  test("neighbours reach each other by published ports alone", async () => {
    machine.run("sysctl", "-q", "-w", `net.bridge.bridge-nf-call-iptables=${filtered}`);
    await using _apart = await network("apart", { Options: { [`${BRIDGE}.enable_icc`]: "false" } });
    await using one = await server("one", "apart", "8120");
    await using two = await server("two", "apart");
    await using _world = await serve(machine.outside.namespace, "tcp", 9000, "world");
    await refused(two, one.address, 80);
    await refused(one, two.address, 80);
    expect(await from(two, machine.address, 8120)).toStartWith("one ");
    expect(await from(machine.outside, machine.address, 8120)).toBe(`one ${machine.outside.address}`);
    expect(await from(two, machine.outside.address, 9000)).toStartWith("world ");
    // Somebody changes the setting while they run.
    const other = filtered === "1" ? "0" : "1";
    machine.run("sysctl", "-q", "-w", `net.bridge.bridge-nf-call-iptables=${other}`);
    await daemon.start("next", { networkMode: "apart" });
    await daemon.call("release", "next");
    await refused(two, one.address, 80);
    expect(await from(two, machine.address, 8120)).toStartWith("one ");
    machine.run("sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=1");
  });
});

test("icc=false: a link opens the linked one's exposed ports to the one that names it, while both run", async () => {
  await using _apart = await network("apart", { Options: { [`${BRIDGE}.enable_icc`]: "false" } });
  const exposed = { networkMode: "apart", exposedPorts: ["80/tcp"] };
  const store = await daemon.start("store", exposed);
  await using _80 = await serve(store.namespace, "tcp", 80, "store");
  await using _81 = await serve(store.namespace, "tcp", 81, "store");
  const shop = await daemon.start("shop", {
    networkMode: "apart",
    links: ["store"],
    exposedPorts: ["82/tcp"],
  });
  await using _82 = await serve(shop.namespace, "tcp", 82, "shop");
  await using stranger = await server("stranger", "apart");
  const open = async () => {
    expect(await from(shop, store.address, 80)).toBe(`store ${shop.address}`);
    await refused(shop, store.address, 81);
    await refused(store, shop.address, 82);
    await refused(stranger, store.address, 80);
  };
  await open();
  // As after a restart of the daemon, and after somebody flushed the rules.
  await daemon.call("reconcile", ["store", "shop", "stranger"]);
  await open();
  machine.run("nft", "flush", "ruleset");
  await daemon.start("next", { networkMode: "apart" });
  await open();
  // The linked one comes back at another address.
  await daemon.call("release", "store");
  await daemon.start("taker", { networkMode: "apart" });
  const again = await daemon.start("store", exposed);
  expect(again.address).not.toBe(store.address);
  await using _again = await serve(again.namespace, "tcp", 80, "again");
  expect(await from(shop, again.address, 80)).toStartWith("again ");
  await daemon.call("release", "shop");
  expect(machine.run("nft", "list", "set", "inet", `berth_${daemon.bridge}`, "linked4")).not.toContain(
    "elements",
  );
  for (const id of ["store", "taker", "next"]) await daemon.call("release", id);
});

test("a port published on 127.0.0.1 is the host's alone, with route_localnet everywhere", async () => {
  await using _a = await network("a");
  await using a = await server("in-a", "a", "8130", "127.0.0.1");
  await using other = await server("other", "a");
  expect(await from(machine, "127.0.0.1", 8130)).toStartWith("in-a ");
  machine.run("sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1");
  const way = (place: { namespace: string }, via: string) => {
    const enter = ["nsenter", `--net=${place.namespace}`];
    Bun.spawnSync([...enter, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet"]);
    Bun.spawnSync([...enter, "ip", "addr", "del", "127.0.0.1/8", "dev", "lo"]);
    Bun.spawnSync([...enter, "ip", "route", "del", "local", "127.0.0.1", "table", "local"]);
    Bun.spawnSync([...enter, "ip", "route", "replace", "127.0.0.1", "via", via]);
  };
  way(other, other.gateway);
  way(machine.outside, machine.address);
  await refused(other, "127.0.0.1", 8130);
  await refused(machine.outside, "127.0.0.1", 8130);
  await refused(machine.outside, machine.address, 8130);
  await refused(other, a.gateway, 8130);
  Bun.spawnSync(["nsenter", `--net=${machine.outside.namespace}`, "ip", "route", "del", "127.0.0.1"]);
  machine.run("sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=0");
});

describe("gateway modes, for another host with a route to the containers", () => {
  test.each([
    // mode, at the host's address, at the container's: published, not published, ping
    ["nat", true, false, false, false],
    ["nat-unprotected", true, true, true, true],
    ["routed", false, true, false, true],
  ])("%s", async (mode, translated, published, unpublished, pinged) => {
    await using _net = await network("moded", { Options: { [MODE]: mode } });
    await using _a = await network("a");
    await using one = await server("one", "moded", "8140");
    await using a = await server("in-a", "a");
    route(one.address);
    const outcome = async (place: { namespace: string }, address: string, port: number) =>
      from(place, address, port).then(
        () => true,
        () => false,
      );
    expect(await outcome(machine.outside, machine.address, 8140)).toBe(translated);
    expect(await outcome(machine.outside, one.address, 80)).toBe(published);
    expect(await outcome(machine.outside, one.address, 81)).toBe(unpublished);
    expect(ping(machine.outside, one.address)).toBe(pinged);
    // From other networks: a routed one's published ports, as in Docker 28.5.
    expect(await outcome(a, one.address, 80)).toBe(mode === "routed");
    expect(await outcome(a, one.address, 81)).toBe(false);
    expect(one.status.ports["80/tcp"]).toEqual([
      { HostIp: "0.0.0.0", HostPort: mode === "routed" ? "" : "8140" },
    ]);
    // A routed network goes out under its containers' own addresses.
    await using _world = await serve(machine.outside.namespace, "tcp", 9000, "world");
    expect(await from(one, machine.outside.address, 9000)).toBe(
      `world ${mode === "routed" ? one.address : machine.address}`,
    );
  });

  test("isolated: not even the host, and only where nothing leads out", async () => {
    await expect(daemon.call("create", { Name: "iso", Options: { [MODE]: "isolated" } })).rejects.toThrow(
      "gateway mode 'isolated' can only be used for an internal network",
    );
    await expect(daemon.call("create", { Name: "iso", Options: { [MODE]: "other" } })).rejects.toThrow(
      `failed to parse ${MODE} value: other (unknown gateway mode other)`,
    );
    await using _iso = await network("iso", { Internal: true, Options: { [MODE]: "isolated" } });
    await using one = await server("one", "iso");
    await using two = await server("two", "iso");
    expect(one.address).toEndWith(".1");
    expect(await from(one, two.address, 80)).toStartWith("two ");
    await refused(machine, one.address, 80);
  });

  test("a trusted device reaches published ports at the containers' own addresses", async () => {
    await using _net = await network("trusting", {
      Options: { [`${BRIDGE}.trusted_host_interfaces`]: "uplink0" },
    });
    await using one = await server("one", "trusting", "8150");
    route(one.address);
    expect(await from(machine.outside, one.address, 80)).toBe(`one ${machine.outside.address}`);
    await refused(machine.outside, one.address, 81);
  });
});

describe("options", () => {
  test("host_binding_ipv4, enable_ip_masquerade, inhibit_ipv4, mtu, host_ipv4", async () => {
    await using _bound = await network("bound", {
      Options: { [`${BRIDGE}.host_binding_ipv4`]: "127.0.0.1", "com.docker.network.driver.mtu": "1300" },
    });
    await using one = await server("one", "bound", "8160");
    expect(one.status.ports["80/tcp"]).toEqual([{ HostIp: "127.0.0.1", HostPort: "8160" }]);
    expect(await from(machine, "127.0.0.1", 8160)).toStartWith("one ");
    await refused(machine.outside, machine.address, 8160);
    const links = Bun.spawnSync(["nsenter", `--net=${one.namespace}`, "ip", "link"]).stdout.toString();
    expect(links).toMatch(/eth0.*mtu 1300/);

    await using _world = await serve(machine.outside.namespace, "tcp", 9000, "world");
    await using _plain = await network("plain", {
      Options: { [`${BRIDGE}.enable_ip_masquerade`]: "false" },
    });
    await using plain = await server("plain", "plain");
    route(plain.address);
    expect(await from(plain, machine.outside.address, 9000)).toBe(`world ${plain.address}`);

    machine.run("ip", "addr", "add", "198.51.100.77/24", "dev", "uplink0");
    await using _chosen = await network("chosen", {
      Options: { "com.docker.network.host_ipv4": "198.51.100.77" },
    });
    await using chosen = await server("chosen", "chosen");
    expect(await from(chosen, machine.outside.address, 9000)).toBe("world 198.51.100.77");

    await using _bare = await network("bare", { Options: { [`${BRIDGE}.inhibit_ipv4`]: "true" } });
    await using bare = await server("bare", "bare");
    expect(bare.gateway).toEndWith(".1");
    await refused(machine, bare.address, 80);
  });

  test("an IPv6-only network publishes, leads out, and keeps strangers off", async () => {
    await using _six = await network("six", { EnableIPv4: false, EnableIPv6: true });
    await using one = await server("one", "six", "8170");
    expect(one.address).toBe("");
    expect(one.status.ports["80/tcp"]).toEqual([{ HostIp: "::", HostPort: "8170" }]);
    expect(await reach(machine.outside.namespace, "tcp", "2001:db8::2", 8170)).toBe("one 2001:db8::1");
    expect(await reach(machine.namespace, "tcp", "2001:db8::2", 8170)).toStartWith("one ");
    await using _world = await serve(machine.outside.namespace, "tcp", 9000, "world", "::");
    expect(await reach(one.namespace, "tcp", "2001:db8::1", 9000)).toBe("world 2001:db8::2");
    route(one.ipv6);
    await refused(machine.outside, one.ipv6, 80);
    await using _other = await network("other", { EnableIPv6: true });
    await using other = await server("other", "other");
    await refused(other, one.ipv6, 80);
  });
});

describe("the administrator's chain", () => {
  const user = () => `inet berth_${daemon.bridge} berth-user`;

  test("is passed first: what it drops is dropped, what it accepts is let through", async () => {
    await using _a = await network("a");
    await using a = await server("in-a", "a", "8180");
    route(a.address);
    machine.run("nft", `add rule ${user()} tcp dport 80 ip saddr ${machine.outside.address} drop`);
    await refused(machine.outside, machine.address, 8180);
    machine.run("nft", `flush chain ${user()}`);
    expect(await from(machine.outside, machine.address, 8180)).toStartWith("in-a ");
    await refused(machine.outside, a.address, 81);
    machine.run("nft", `add rule ${user()} tcp dport 81 accept`);
    expect(await from(machine.outside, a.address, 81)).toStartWith("in-a ");
  });

  test("is never flushed while it has rules: not by networks that come and go, repairs, or the end", async () => {
    const rules = () => machine.run("nft", `list chain ${user()}`);
    machine.run("nft", `add rule ${user()} tcp dport 82 accept`);
    const before = rules();
    expect(before).toContain("dport 82");
    machine.run("nft", `flush chain inet berth_${daemon.bridge} forward`);
    await using _a = await network("a");
    await daemon.call("reconcile", []);
    expect(rules()).toBe(before);
    const other = await machine.daemon();
    const place = `inet berth_${other.bridge} berth-user`;
    machine.run("nft", `add rule ${place} tcp dport 83 accept`);
    await other.call("close");
    expect(machine.run("nft", `list chain ${place}`)).toContain("dport 83");
    expect(machine.run("nft", `list table inet berth_${other.bridge}`)).not.toContain("hook");
    await other.restart();
    await other.call("reconcile", []);
    expect(machine.run("nft", `list chain ${place}`)).toContain("dport 83");
    expect(machine.run("nft", `list chain inet berth_${other.bridge} forward`)).toContain("jump berth-user");
  });
});
