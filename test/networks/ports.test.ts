// Published ports, seen from everywhere a person can stand: the host, another host, a container.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ask, type Container, type Daemon, type Machine, reach, serve, startMachine } from "./machine.ts";

let machine: Machine;
let daemon: Daemon;

beforeAll(async () => {
  machine = await startMachine();
  daemon = await machine.daemon({ ipv6: true });
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const publish = (port: string, ...hosts: [ip: string, port: string][]) => ({
  portBindings: { [port]: hosts.map(([HostIp, HostPort]) => ({ HostIp, HostPort })) },
});

/** A container with a server behind a published port, for as long as `work` runs. */
async function withServer(
  id: string,
  protocol: "tcp" | "udp",
  hosts: [string, string][],
  work: (container: Container) => Promise<void>,
  address = "0.0.0.0",
): Promise<void> {
  const container = await daemon.start(id, publish(`80/${protocol}`, ...hosts));
  try {
    await using _server = await serve(container.namespace, protocol, 80, id, address);
    await work(container);
  } finally {
    await daemon.call("release", id);
  }
}

describe.each(["tcp", "udp"] as const)("a published %s port", (protocol) => {
  test("is reached from the host's localhost, its own address, another host and containers", async () => {
    await withServer("reach", protocol, [["", "8080"]], async (container) => {
      const { namespace } = machine;
      // From loopback it is translated to the bridge's address, or the answer could not come back.
      expect(await ask(namespace, protocol, "127.0.0.1", 8080)).toStartWith("reach 172.");
      expect(await ask(namespace, protocol, machine.address, 8080)).toStartWith("reach ");
      expect(await ask(machine.outside.namespace, protocol, machine.address, 8080)).toBe(
        `reach ${machine.outside.address}`,
      );
      const other = await daemon.start("other");
      try {
        expect(await ask(other.namespace, protocol, machine.address, 8080)).toStartWith("reach 172.");
        const gateway = other.status.endpoints.bridge?.Gateway ?? "";
        expect(await ask(other.namespace, protocol, gateway, 8080)).toStartWith("reach ");
        expect(await ask(other.namespace, protocol, container.address, 80)).toBe(`reach ${other.address}`);
      } finally {
        await daemon.call("release", "other");
      }
      // Its own port, by the host's address.
      expect(await ask(container.namespace, protocol, machine.address, 8080)).toStartWith("reach ");
    });
  });

  test("on one address of the host is not on its others", async () => {
    await withServer("local", protocol, [["127.0.0.1", "8081"]], async () => {
      expect(await ask(machine.namespace, protocol, "127.0.0.1", 8081)).toStartWith("local ");
      await expect(ask(machine.outside.namespace, protocol, machine.address, 8081)).rejects.toThrow();
      await expect(ask(machine.namespace, protocol, machine.address, 8081)).rejects.toThrow();
    });
  });

  test("is reached by IPv6", async () => {
    await withServer(
      "six",
      protocol,
      [["", "8082"]],
      async (container) => {
        expect(container.status.ports[`80/${protocol}`]).toEqual([
          { HostIp: "0.0.0.0", HostPort: "8082" },
          { HostIp: "::", HostPort: "8082" },
        ]);
        expect(await reach(machine.namespace, protocol, "2001:db8::2", 8082)).toStartWith("six ");
        expect(await reach(machine.outside.namespace, protocol, "2001:db8::2", 8082)).toBe("six 2001:db8::1");
      },
      "::",
    );
    await withServer(
      "six-one",
      protocol,
      [["2001:db8::2", "8083"]],
      async () => {
        expect(await reach(machine.outside.namespace, protocol, "2001:db8::2", 8083)).toStartWith("six-one ");
        await expect(ask(machine.outside.namespace, protocol, machine.address, 8083)).rejects.toThrow();
      },
      "::",
    );
  });

  test("is closed again when the container ends", async () => {
    await withServer("short", protocol, [["", "8084"]], async () => {
      expect(await ask(machine.namespace, protocol, "127.0.0.1", 8084)).toStartWith("short ");
    });
    await expect(ask(machine.namespace, protocol, "127.0.0.1", 8084)).rejects.toThrow();
  });
});

test("a UDP client that goes on sending reaches the container that has the port now", async () => {
  const client = () => ask(machine.outside.namespace, "udp", machine.address, 8090, "45454");
  // The first is no container at all: the host's connection tracking remembers that.
  await expect(client()).rejects.toThrow();
  await withServer("first", "udp", [["", "8090"]], async () => {
    expect(await client()).toStartWith("first ");
  });
  await withServer("second", "udp", [["", "8090"]], async () => {
    expect(await client()).toStartWith("second ");
  });
});

test("ports that were not published can't be reached by a route to the subnet", async () => {
  await withServer("hidden", "tcp", [["", "8091"]], async (container) => {
    await using _other = await serve(container.namespace, "tcp", 81, "hidden");
    machine.run("ip", "link", "show", "uplink0");
    Bun.spawnSync([
      "nsenter",
      `--net=${machine.outside.namespace}`,
      "ip",
      "route",
      "replace",
      `${container.address}/32`,
      "via",
      machine.address,
    ]);
    expect(await ask(machine.outside.namespace, "tcp", machine.address, 8091)).toStartWith("hidden ");
    await expect(ask(machine.outside.namespace, "tcp", container.address, 80)).rejects.toThrow();
    await expect(ask(machine.outside.namespace, "tcp", container.address, 81)).rejects.toThrow();
    // The host itself reaches all of it, as in Docker.
    expect(await ask(machine.namespace, "tcp", container.address, 81)).toStartWith("hidden ");
  });
});

test("a container reaches the outside under the host's address, and nothing on the host's loopback", async () => {
  const container = await daemon.start("out");
  try {
    await using _outside = await serve(machine.outside.namespace, "tcp", 9000, "world");
    expect(await ask(container.namespace, "tcp", machine.outside.address, 9000)).toBe(
      `world ${machine.address}`,
    );
    await using _six = await serve(machine.outside.namespace, "tcp", 9001, "world", "::");
    expect(await ask(container.namespace, "tcp", "2001:db8::1", 9001)).toBe("world 2001:db8::2");
    await using _secret = await serve(machine.namespace, "tcp", 9002, "secret", "127.0.0.1");
    // Its own route to 127.0.0.0/8 by the bridge, as a container with NET_ADMIN could make it.
    const enter = ["nsenter", `--net=${container.namespace}`];
    Bun.spawnSync([...enter, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet"]);
    Bun.spawnSync([...enter, "ip", "addr", "del", "127.0.0.1/8", "dev", "lo"]);
    Bun.spawnSync([
      ...enter,
      "ip",
      "route",
      "add",
      "127.0.0.1",
      "via",
      container.status.endpoints.bridge?.Gateway ?? "",
    ]);
    await expect(ask(container.namespace, "tcp", "127.0.0.1", 9002)).rejects.toThrow();
  } finally {
    await daemon.call("release", "out");
  }
});

describe("conflicts, in Docker's words", () => {
  const frame = (id: string) =>
    `failed to set up container networking: driver failed programming external connectivity on endpoint name-${id} \\([0-9a-f]{64}\\): `;

  test("with another container", async () => {
    await daemon.start("holder", publish("80/tcp", ["127.0.0.1", "8100"]));
    try {
      for (const host of ["", "127.0.0.1", "0.0.0.0"])
        await expect(daemon.start("late", publish("81/tcp", [host, "8100"]))).rejects.toThrow(
          new RegExp(`^${frame("late")}Bind for 127\\.0\\.0\\.1:8100 failed: port is already allocated$`),
        );
      // Another protocol, another address: no conflict.
      await daemon.start("udp", publish("80/udp", ["127.0.0.1", "8100"]));
      await daemon.start("address", publish("80/tcp", [machine.address, "8100"]));
      await expect(daemon.start("late", publish("80/tcp", ["0.0.0.0", "8100"]))).rejects.toThrow(
        "port is already allocated",
      );
    } finally {
      for (const id of ["holder", "udp", "address", "late"]) await daemon.call("release", id);
    }
  });

  test("with a process of the host", async () => {
    await using _process = await serve(machine.namespace, "tcp", 8101, "host");
    const started = daemon.start("late", publish("82/tcp", ["", "8101"]));
    await expect(started).rejects.toThrow(
      new RegExp(
        `^${frame("late")}failed to bind host port for 0\\.0\\.0\\.0:8101:172\\.[0-9.]+:82/tcp: address already in use$`,
      ),
    );
    await expect(daemon.start("late", publish("82/tcp", ["203.0.113.77", "8101"]))).rejects.toThrow(
      /failed to bind host port for 203\.0\.113\.77:8101:.*: cannot assign requested address$/,
    );
    // Nothing of it is kept.
    expect(await daemon.call("status", "late")).toBeNull();
    expect(((await daemon.call("inspect", "bridge")) as { Containers: object }).Containers).toEqual({});
  });
});

test("ranges and random ports take what is free", async () => {
  await using _process = await serve(machine.namespace, "tcp", 8201, "host");
  try {
    const a = await daemon.start("range-a", publish("80/tcp", ["", "8200-8202"]));
    const b = await daemon.start("range-b", publish("80/tcp", ["", "8200-8202"]));
    expect([a, b].map(({ status }) => status.ports["80/tcp"]?.[0]?.HostPort)).toEqual(["8200", "8202"]);
    await expect(daemon.start("range-c", publish("80/tcp", ["", "8200-8202"]))).rejects.toThrow(
      /all ports are allocated$/,
    );
    const random = await daemon.start("random", { exposedPorts: ["80/tcp", "53/udp"], publishAll: true });
    const portOf = (key: string) => Number(random.status.ports[key]?.[0]?.HostPort);
    const ports = [portOf("80/tcp"), portOf("53/udp")];
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(32768);
      expect(port).toBeLessThanOrEqual(60999);
    }
    // IPv4 and IPv6 get the same one.
    expect(random.status.ports["80/tcp"]?.map(({ HostPort }) => Number(HostPort))).toEqual([
      portOf("80/tcp"),
      portOf("80/tcp"),
    ]);
    expect(random.realised.reserve).toContainEqual({
      protocol: "udp",
      address: "0.0.0.0",
      port: portOf("53/udp"),
    });
  } finally {
    for (const id of ["range-a", "range-b", "range-c", "random"]) await daemon.call("release", id);
  }
});

describe("ports of a container on several networks", () => {
  const all = (...names: string[]) => ({
    EndpointsConfig: Object.fromEntries(names.map((name) => [name, {}])),
  });

  test("follow the network that leads out, and are in force as soon as one does", async () => {
    for (const [Name, Internal] of [
      ["aa", false],
      ["zz", false],
      ["inner", true],
    ])
      await daemon.call("create", { Name, Internal });
    const container = await daemon.start("moves", {
      networkMode: "inner",
      ...publish("80/tcp", ["", "8301"]),
    });
    try {
      await using _server = await serve(container.namespace, "tcp", 80, "moves");
      const outside = () => ask(machine.outside.namespace, "tcp", machine.address, 8301);
      await expect(outside()).rejects.toThrow();
      await daemon.call("connect", "moves", "zz", all("inner", "zz"));
      expect(await outside()).toBe(`moves ${machine.outside.address}`);
      await daemon.call("connect", "moves", "aa", all("inner", "zz", "aa"));
      expect(await outside()).toBe(`moves ${machine.outside.address}`);
      for (const [name, left] of [
        ["zz", ["inner", "aa"]],
        ["aa", ["inner"]],
      ] as const) {
        expect(await outside()).toStartWith("moves ");
        await daemon.call("disconnect", "moves", name, all(...left));
      }
      await expect(outside()).rejects.toThrow();
    } finally {
      await daemon.call("release", "moves");
      for (const name of ["aa", "zz", "inner"]) await daemon.call("remove", name);
    }
  });

  test("several containers of one network publish side by side", async () => {
    await daemon.call("create", { Name: "many" });
    const ids = ["m1", "m2", "m3"];
    try {
      for (const [i, id] of ids.entries()) {
        const { namespace } = await daemon.start(id, {
          networkMode: "many",
          ...publish("80/tcp", ["", `831${i}`]),
        });
        await using _server = await serve(namespace, "tcp", 80, id);
        expect(await ask(machine.outside.namespace, "tcp", machine.address, 8310 + i)).toStartWith(id);
      }
    } finally {
      for (const id of ids) await daemon.call("release", id);
      await daemon.call("remove", "many");
    }
  });

  test("an SCTP port is an element like the others", async () => {
    await daemon.start("sctp", publish("80/sctp", ["", "8320"]));
    const table = machine.run("nft", "list", "table", "inet", `berth_${daemon.bridge}`);
    expect(table).toMatch(/sctp \. 8320 : 172\.[0-9.]+ \. 80/);
    await daemon.call("release", "sctp");
    expect(machine.run("nft", "list", "table", "inet", `berth_${daemon.bridge}`)).not.toContain(
      "sctp . 8320",
    );
  });

  test("five hundred are published and withdrawn in one transaction each", async () => {
    const generation = () => daemon.call<number>("generation");
    const portBindings = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [
        `${1000 + i}/tcp`,
        [{ HostIp: "0.0.0.0", HostPort: String(20_000 + i) }],
      ]),
    );
    const before = await generation();
    const container = await daemon.start("five-hundred", { portBindings });
    expect(await generation()).toBe(before + 1);
    await using _server = await serve(container.namespace, "tcp", 1499, "five-hundred");
    expect(await ask(machine.outside.namespace, "tcp", machine.address, 20_499)).toStartWith("five-hundred ");
    await daemon.call("release", "five-hundred");
    expect(await generation()).toBe(before + 2);
    await expect(ask(machine.outside.namespace, "tcp", machine.address, 20_499)).rejects.toThrow();
  });
});

test("a host without /etc/protocols (netbase) has rules and ports all the same", async () => {
  await using bare = await startMachine();
  bare.run("mount", "--bind", "/dev/null", "/etc/protocols");
  const daemon = await bare.daemon();
  await daemon.call("create", {
    Name: "routed",
    Options: { "com.docker.network.bridge.gateway_mode_ipv4": "routed" },
  });
  const bindings = [{ HostIp: "", HostPort: "8099" }];
  for (const protocol of ["tcp", "udp", "sctp"]) {
    const container = await daemon.start(protocol, { portBindings: { [`80/${protocol}`]: bindings } });
    expect(container.status.ports[`80/${protocol}`]).toHaveLength(1);
    await daemon.call("release", protocol);
  }
  await daemon.call("close");
});
