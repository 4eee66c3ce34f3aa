// What others do to us, and what a crash leaves: rules flushed, bridges removed, daemons killed, neighbours' firewalls.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  ask,
  type Container,
  type Daemon,
  type Machine,
  request,
  serve,
  startHost,
  startMachine,
} from "./machine.ts";

let machine: Machine;

beforeEach(async () => {
  machine = await startMachine();
});
afterEach(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const web = (port: string) => ({ portBindings: { "80/tcp": [{ HostIp: "", HostPort: port }] } });
const table = (daemon: Daemon) => machine.run("nft", "list", "table", "inet", `berth_${daemon.bridge}`);
/** Without the counters, and what only one moment has. */
const ruleset = () => machine.run("nft", "list", "ruleset").replaceAll(/ ?packets \d+ bytes \d+/g, "");

test("rules that somebody flushed are back after the next start, and after reconciling", async () => {
  const daemon = await machine.daemon();
  const container = await daemon.start("web", web("8080"));
  await using _server = await serve(container.namespace, "tcp", 80, "web");
  const before = table(daemon);
  for (const restore of [() => daemon.start("next"), () => daemon.call("reconcile", ["web", "next"])]) {
    machine.run("nft", "flush", "ruleset");
    await restore();
    expect(table(daemon)).toBe(before);
    expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("web ");
    await daemon.call("release", "next");
  }
  // Only one element gone, by hand.
  machine.run("nft", "flush", "map", "inet", `berth_${daemon.bridge}`, "any4");
  await daemon.start("next");
  expect(table(daemon)).toBe(before);
});

test("rules that somebody flushed come back by themselves", async () => {
  const daemon = await machine.daemon();
  const before = table(daemon);
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    machine.run("nft", "flush", "ruleset");
    const flushed = Date.now();
    while (!machine.run("nft", "list", "tables").includes(daemon.bridge) && Date.now() < flushed + 15_000)
      await Bun.sleep(10);
    times.push(Date.now() - flushed);
    expect(table(daemon)).toBe(before);
  }
  // The kernel tells. Of the looks around that come every 5 s the first round may meet one soon, and no other.
  expect(Math.min(...times.slice(1))).toBeLessThan(4_000);
});

test("a bridge that somebody removed is made again, and the living are its ports", async () => {
  const daemon = await machine.daemon();
  const container = await daemon.start("web", web("8080"));
  await using _server = await serve(container.namespace, "tcp", 80, "web");
  machine.run("ip", "link", "del", daemon.bridge);
  await daemon.call("reconcile", ["web"]);
  expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("web ");
});

describe("a user's bridge that somebody removed while containers run", () => {
  test.each(["at the next start of a container on it", "by itself"])("is made again %s", async (when) => {
    const daemon = await machine.daemon();
    await daemon.call("create", {
      Name: "own",
      Options: { "com.docker.network.bridge.name": "own0", "com.docker.network.bridge.enable_icc": "true" },
    });
    const container = await daemon.start("web", { networkMode: "own", ...web("8080") });
    await using _server = await serve(container.namespace, "tcp", 80, "web");
    machine.run("ip", "link", "del", "own0");
    expect(machine.run("ip", "-br", "link")).not.toContain("own0");
    if (when === "by itself") {
      const until = Date.now() + 15_000; // looked at every 5 s
      while (!machine.run("ip", "-br", "link").includes("own0") && Date.now() < until) await Bun.sleep(200);
    } else {
      const next = await daemon.start("next", { networkMode: "own" });
      expect(await ask(next.namespace, "tcp", container.address, 80)).toStartWith("web ");
    }
    expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("web ");
    // A container that is off it by now is not joined again.
    await daemon.call("release", "web");
    await daemon.call("disconnect", "next", "own", {}).catch(() => {});
  });
});

test.each([
  ["network.connect-stored"],
  ["network.device-made"],
  ["network.connect-plugged"],
  ["network.disconnect-stored"],
] as const)("killed at %s: the container has what the rows say after the next start", async (place) => {
  const daemon = await machine.daemon();
  await daemon.call("create", { Name: "second", IPAM: { Config: [{ Subnet: "10.88.0.0/24" }] } });
  const container = await daemon.start("c");
  const both = { EndpointsConfig: { bridge: {}, second: {} } };
  const disconnecting = place.includes("disconnect");
  if (disconnecting) await daemon.call("connect", "c", "second", both);
  const again = async (failpoint?: typeof place) => {
    await daemon.kill();
    await daemon.restart(failpoint);
    await daemon.call("reconcile", ["c"]);
  };
  await again(place);
  const change = disconnecting
    ? daemon.call("disconnect", "c", "second", { EndpointsConfig: { bridge: {} } })
    : daemon.call("connect", "c", "second", both);
  await expect(change).rejects.toThrow("the daemon ended");
  await again();
  const { stdout } = Bun.spawnSync(["nsenter", `--net=${container.namespace}`, "ip", "-o", "addr"]);
  const second = stdout.toString().includes("10.88.0.2/24");
  expect({ place, second }).toEqual({ place, second: !disconnecting });
  const { endpoints } = await daemon.call<Container["status"]>("status", "c");
  expect("second" in endpoints).toBe(!disconnecting);
  await daemon.call("release", "c");
});

test("a container whose namespace's file is gone says so, and starts again", async () => {
  const daemon = await machine.daemon();
  await daemon.call("create", { Name: "own" });
  const container = await daemon.start("web", web("8080"));
  machine.run("umount", container.realised.namespace ?? "");
  machine.run("rm", container.realised.namespace ?? "");
  await expect(daemon.call("connect", "web", "own", { EndpointsConfig: { own: {} } })).rejects.toThrow(
    /^the network namespace of container web is gone \(.*\): restart the container$/,
  );
  await daemon.call("release", "web");
  const again = await daemon.start("web", web("8080"));
  await using _server = await serve(again.namespace, "tcp", 80, "web");
  expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("web ");
});

test.each([
  ["alive", ["web"]],
  ["ended", []],
] as const)(
  "a bridge that was removed while no daemon ran keeps none from starting: the container is %s",
  async (_, alive) => {
    const daemon = await machine.daemon();
    const container = await daemon.start("web", web("8080"));
    await daemon.kill();
    machine.run("ip", "link", "del", daemon.bridge);
    await daemon.restart();
    await daemon.call("reconcile", alive);
    const next = await daemon.start("next", web("8081"));
    await using _next = await serve(next.namespace, "tcp", 80, "next");
    expect(await ask(machine.outside.namespace, "tcp", machine.address, 8081)).toStartWith("next ");
    if (alive.length === 0) return;
    await using _server = await serve(container.namespace, "tcp", 80, "web");
    expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("web ");
  },
);

describe("beside another firewall", () => {
  /** As Docker's iptables-nft has it: a policy that drops, and a chain for users. */
  const docker = `add table ip filter
add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }
add chain ip filter DOCKER-USER
add chain ip filter DOCKER
add rule ip filter FORWARD counter jump DOCKER-USER
add rule ip filter FORWARD oifname "docker9" counter jump DOCKER
add rule ip filter DOCKER iifname != "docker9" oifname "docker9" counter drop`;
  /** A plain firewall's: no place for users but the chain itself. */
  const plain = `add table ip filter
add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }`;

  /** As firewalld 1.3 has it: nothing goes through that no zone allows. */
  const zones = `add rule inet firewalld filter_FORWARD ct state established,related accept
add rule inet firewalld filter_FORWARD ct status dnat accept
add rule inet firewalld filter_FORWARD reject with icmpx type admin-prohibited`;
  const firewalld = `add table inet firewalld
add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }
${zones}`;

  test.each([
    ["Docker's", docker, "ip filter DOCKER-USER", ""],
    ["a plain one's", plain, "ip filter FORWARD", ""],
    ["firewalld's", firewalld, "inet firewalld filter_FORWARD", zones],
  ])(
    "%s FORWARD policy drops, and what is ours goes through by marked accepts",
    async (_, rules, chain, again) => {
      machine.run("nft", rules);
      const before = ruleset();
      const daemon = await machine.daemon();
      const container = await daemon.start("web", web("8080"));
      await using _server = await serve(container.namespace, "tcp", 80, "web");
      await using _world = await serve(machine.outside.namespace, "tcp", 9000, "world");
      const works = async () => {
        expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("web ");
        expect(await ask(container.namespace, "tcp", machine.outside.address, 9000)).toStartWith("world ");
      };
      await works();
      const marked = () =>
        machine.run("nft", `list chain ${chain}`).split(`comment "berth ${daemon.bridge}"`).length - 1;
      expect(marked()).toBe(2);
      // Flushed, as a reload of that firewall does it.
      machine.run("nft", `flush chain ${chain}`);
      if (again) machine.run("nft", again);
      await daemon.start("next");
      expect(marked()).toBe(2);
      await works();
      // What a daemon that nobody started again left for its bridge goes.
      machine.run("nft", `add rule ${chain} iifname "gone0" counter accept comment "berth gone0"`);
      // Not twice.
      await daemon.call("reconcile", ["web", "next"]);
      expect(marked()).toBe(2);
      expect(ruleset()).not.toContain("gone0");
      for (const id of ["web", "next"]) await daemon.call("release", id);
      await daemon.call("close");
      expect(ruleset()).toBe(before);
    },
  );

  test("containers don't get into another engine's but by its published ports", async () => {
    machine.run("nft", docker);
    machine.run("ip", "link", "add", "docker9", "type", "bridge");
    machine.run("ip", "addr", "add", "10.66.0.1/24", "dev", "docker9");
    machine.run("ip", "link", "set", "docker9", "up");
    await using dockers = await startHost("--net");
    machine.run(
      "ip",
      "link",
      "add",
      "dv0",
      "type",
      "veth",
      "peer",
      "name",
      "dv1",
      "netns",
      String(dockers.pid),
    );
    machine.run("ip", "link", "set", "dv0", "master", "docker9", "up");
    for (const command of [
      "addr add 10.66.0.2/24 dev dv1",
      "link set dv1 up",
      "route add default via 10.66.0.1",
    ])
      Bun.spawnSync(["nsenter", `--net=${dockers.namespace}`, "ip", ...command.split(" ")]);
    machine.run(
      "nft",
      `add table ip nat
add chain ip nat PREROUTING { type nat hook prerouting priority -100; }
add rule ip nat PREROUTING fib daddr type local tcp dport 7000 dnat to 10.66.0.2:80
add rule ip filter DOCKER-USER ct status dnat accept
add rule ip filter FORWARD iifname "docker9" accept`,
    );
    const daemon = await machine.daemon();
    const container = await daemon.start("ours");
    const theirs = dockers.namespace;
    await using _server = await serve(theirs, "tcp", 80, "theirs");
    expect(await ask(container.namespace, "tcp", machine.address, 7000)).toStartWith("theirs ");
    await expect(ask(container.namespace, "tcp", "10.66.0.2", 80)).rejects.toThrow();
    await using _ours = await serve(container.namespace, "tcp", 80, "ours");
    await expect(ask(theirs, "tcp", container.address, 80)).rejects.toThrow();
  });
});

test("two daemons side by side leave each other's networks alone", async () => {
  const [one, two] = [await machine.daemon(), await machine.daemon()];
  const [a, b] = [await one.start("a", web("8080")), await two.start("b", web("8081"))];
  expect(a.status.endpoints.bridge?.Gateway).not.toBe(b.status.endpoints.bridge?.Gateway);
  await using _a = await serve(a.namespace, "tcp", 80, "a");
  await using _b = await serve(b.namespace, "tcp", 80, "b");
  const works = async (port: number, name: string) =>
    expect(await ask(machine.outside.namespace, "tcp", machine.address, port)).toStartWith(name);
  await works(8080, "a");
  await works(8081, "b");
  // By the other's published port, from a container.
  expect(await ask(a.namespace, "tcp", machine.address, 8081)).toStartWith("b ");
  await expect(ask(a.namespace, "tcp", b.address, 80)).rejects.toThrow();
  await one.kill();
  await one.restart();
  await one.call("reconcile", []);
  await works(8081, "b");
  expect(await two.call<unknown>("status", "b")).toEqual(b.status);
  await one.call("close");
  await works(8081, "b");
  expect(machine.run("ip", "-br", "link")).not.toContain(one.bridge);
});

test("a default bridge that the administrator made keeps its addresses, which the network has, and outlives the daemon", async () => {
  machine.run("ip", "link", "add", "site0", "type", "bridge");
  for (const address of ["10.44.0.7/24", "10.45.0.1/24", "fd44::1/64"])
    machine.run("ip", "address", "add", address, "dev", "site0", ...(address.includes(":") ? ["nodad"] : []));
  machine.run("ip", "link", "set", "site0", "up");
  const addresses = () =>
    machine
      .run("ip", "-br", "address", "show", "dev", "site0")
      .split(/\s+/)
      .filter((word) => word.includes("/") && !word.startsWith("fe80:"));
  const pools = async (daemon: Daemon) =>
    (await daemon.call<{ IPAM: { Config: object[] } }>("inspect", "bridge")).IPAM.Config;
  const before = addresses();
  const first = await machine.daemon({}, "site0");
  expect(await pools(first)).toEqual([{ Subnet: "10.44.0.0/24", Gateway: "10.44.0.7" }]);
  const container = await first.start("c");
  expect(container.address).toStartWith("10.44.0.");
  expect(addresses()).toEqual(before);
  await first.call("release", "c");
  await first[Symbol.asyncDispose]();
  expect(addresses()).toEqual(before);
  const second = await machine.daemon({ fixedCidr: "10.45.0.128/25", ipv6: true }, "site0");
  expect(await pools(second)).toEqual([
    { Subnet: "10.45.0.0/24", IPRange: "10.45.0.128/25", Gateway: "10.45.0.1" },
    { Subnet: "fd44::/64", Gateway: "fd44::1" },
  ]);
  expect(addresses()).toEqual(before);
});

test("a bridge is one daemon's at a time, and a killed one's is free", async () => {
  const one = await machine.daemon();
  const container = await one.start("web", web("8080"));
  await using _server = await serve(container.namespace, "tcp", 80, "web");
  const before = table(one);
  await expect(machine.daemon({}, one.bridge)).rejects.toThrow(
    /^the bridge bt[0-9a-f]+ is in use by another daemon \(process \d+\): stop it, or choose another --bridge$/,
  );
  expect(table(one)).toBe(before);
  expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("web ");
  await one.kill();
  await one.restart();
  await one.call("reconcile", ["web"]);
  await one.call("release", "web");
  await one.call("close");
  const two = await machine.daemon({}, one.bridge);
  await two.call("close");
});

test("two daemons that start at one moment get different subnets", async () => {
  const daemons = await Promise.all(Array.from({ length: 4 }, () => machine.daemon()));
  const subnets = await Promise.all(
    daemons.map(async (daemon) => {
      const inspect = await daemon.call<{ IPAM: { Config: { Subnet: string }[] } }>("inspect", "bridge");
      return inspect.IPAM.Config[0]?.Subnet;
    }),
  );
  expect(new Set(subnets).size).toBe(4);
});

describe("a daemon killed", () => {
  test.each(["allocate", "realise"])(
    "after %s gives nothing out twice, and the next takes the rest away",
    async (last) => {
      const daemon = await machine.daemon();
      const living = await daemon.start("living", web("8080"));
      await daemon.call("allocate", request("lost", web("8081")));
      if (last === "realise") await daemon.call("realise", "lost");
      await daemon.kill();
      // Before anybody reconciled: what is alive keeps its address.
      await daemon.restart();
      await daemon.call("reconcile", ["living"]);
      const next = await daemon.start("next", web("8081"));
      expect(next.address).not.toBe(living.address);
      await using _living = await serve(living.namespace, "tcp", 80, "living");
      await using _next = await serve(next.namespace, "tcp", 80, "next");
      expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("living ");
      expect(await ask(machine.outside.namespace, "tcp", machine.address, 8081)).toStartWith("next ");
      for (const id of ["living", "next"]) await daemon.call("release", id);
      await daemon.call("close");
      expect(machine.run("ip", "-br", "link")).not.toContain("bth");
      expect(machine.run("nft", "list", "ruleset")).toBe("");
      expect(machine.run("cat", "/proc/self/mountinfo")).not.toContain(daemon.root);
    },
  );

  test("in the middle of starting many, leaves nothing that the next start keeps", async () => {
    const daemon = await machine.daemon();
    // Killed at a moment that nobody chose.
    const starts = Array.from({ length: 8 }, (_, i) => daemon.start(`c${i}`, web(String(8100 + i))));
    const settled = Promise.allSettled(starts);
    await starts[2]?.catch(() => {});
    await daemon.kill();
    await settled;
    await daemon.restart();
    await daemon.call("reconcile", []);
    expect(machine.run("ip", "-br", "link")).not.toContain("bth");
    expect(machine.run("ls", `${daemon.root}/run/netns`)).toBe("");
    expect(table(daemon)).not.toContain("elements = { tcp");
    const first = await daemon.start("first");
    expect(first.address).toEndWith(".0.2");
  });
});

test("reconciling while a container starts leaves it alone", async () => {
  const daemon = await machine.daemon();
  await daemon.call("allocate", request("starting", web("8080")));
  await daemon.call("reconcile", []);
  const realised = await daemon.call<{ namespace: string }>("realise", "starting");
  await daemon.call("reconcile", []);
  await using _server = await serve(`/proc/${machine.pid}/root${realised.namespace}`, "tcp", 80, "starting");
  expect(await ask(machine.outside.namespace, "tcp", machine.address, 8080)).toStartWith("starting ");
});

test("a process that keeps the namespace keeps neither the address nor the device", async () => {
  const daemon = await machine.daemon();
  const kept = await daemon.start("kept");
  await using _keeper = await serve(kept.namespace, "tcp", 80, "kept");
  await daemon.call("release", "kept");
  const next = await daemon.start("next");
  expect(next.address).toBe(kept.address);
  await using _server = await serve(next.namespace, "tcp", 80, "next");
  // Straight after, and again when neighbours' caches have been filled anew.
  for (let i = 0; i < 5; i++) {
    expect(await ask(machine.namespace, "tcp", next.address, 80)).toStartWith("next ");
    await Bun.sleep(100);
  }
  const until = Date.now() + 10_000;
  const ports = () =>
    machine
      .run("ip", "-br", "link")
      .split("\n")
      .filter((line) => line.startsWith("bth")).length;
  while (ports() > 1 && Date.now() < until) await Bun.sleep(100);
  expect(ports()).toBe(1);
});

describe("settings", () => {
  const pools = async (daemon: Daemon) =>
    (await daemon.call<{ IPAM: { Config: object[] } }>("inspect", "bridge")).IPAM.Config;

  test("bip, fixed-cidr, default-gateway, mtu, icc", async () => {
    const daemon = await machine.daemon({
      bip: "10.20.0.1/16",
      fixedCidr: "10.20.30.0/24",
      defaultGateway: "10.20.0.254",
      mtu: 1400,
      icc: false,
    });
    expect(await pools(daemon)).toEqual([
      {
        Subnet: "10.20.0.0/16",
        IPRange: "10.20.30.0/24",
        Gateway: "10.20.0.1",
        AuxiliaryAddresses: { DefaultGatewayIPv4: "10.20.0.254" },
      },
    ]);
    const [a, b] = [await daemon.start("a", web("8080")), await daemon.start("b")];
    expect(a.address).toStartWith("10.20.30.");
    expect(a.status.endpoints.bridge?.Gateway).toBe("10.20.0.254");
    const links = Bun.spawnSync(["nsenter", `--net=${a.namespace}`, "ip", "link"]).stdout.toString();
    expect(links).toMatch(/eth0.*mtu 1400/);
    await using _server = await serve(a.namespace, "tcp", 80, "a");
    await expect(ask(b.namespace, "tcp", a.address, 80)).rejects.toThrow();
    expect(await ask(machine.namespace, "tcp", a.address, 80)).toStartWith("a ");
  });

  test("default-address-pools, with a route of the host's in the way", async () => {
    machine.run("ip", "route", "add", "10.40.0.0/24", "via", machine.outside.address);
    const daemon = await machine.daemon({ defaultAddressPools: [{ base: "10.40.0.0/16", size: 24 }] });
    expect(await pools(daemon)).toEqual([{ Subnet: "10.40.1.0/24", Gateway: "10.40.1.1" }]);
    const before = await pools(daemon);
    await daemon.call("close");
    await daemon.restart();
    await daemon.call("reconcile", []);
    expect(await pools(daemon)).toEqual(before);
  });

  test("a full pool refuses, and what is given back is given out", async () => {
    const daemon = await machine.daemon({ bip: "10.50.0.1/29" });
    for (let i = 0; i < 5; i++) await daemon.start(`c${i}`);
    await expect(daemon.start("more")).rejects.toThrow(
      /^failed to set up container networking: no available IPv4 addresses on this network's address pools: bridge \([0-9a-f]{64}\)$/,
    );
    await daemon.call("release", "c3");
    expect((await daemon.start("more")).address).toBe("10.50.0.5");
  });

  test("without nftables: no rules, and ports are refused by name", async () => {
    const daemon = await machine.daemon({ nftables: false });
    expect(ruleset()).toBe("");
    await daemon.start("plain");
    await expect(daemon.start("web", web("8080"))).rejects.toThrow("ports are published by nftables rules");
  });
});
