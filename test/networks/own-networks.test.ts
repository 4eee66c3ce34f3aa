// Networks that somebody makes, seen through the API with real containers: several in one container, connected and
// disconnected while it runs, its names, its way out, its published ports.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { ContainerInspectResponse, EndpointSettings, Network } from "../../src/api/types/index.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon, waitFor } from "../fixtures/daemon.ts";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const post = (path: string, body: unknown = {}) => daemon.request("POST", path, { body });

async function network(name: string, more: Record<string, unknown> = {}): Promise<string> {
  const answer = await post("/networks/create", { Name: name, ...more });
  expect(answer).toMatchObject({ status: 201 });
  return answer.json<{ Id: string }>().Id;
}

async function run(
  name: string,
  mode: string,
  endpoints: Record<string, EndpointSettings> = {},
  more: Record<string, unknown> = {},
  Cmd = ["sleep", "3600"],
): Promise<void> {
  const created = await post(`/containers/create?name=${name}`, {
    Image: BUSYBOX,
    Cmd,
    HostConfig: { NetworkMode: mode, ...more },
    NetworkingConfig: { EndpointsConfig: endpoints },
  });
  expect(created).toMatchObject({ status: 201 });
  expect(await post(`/containers/${name}/start`)).toMatchObject({ status: 204 });
}

const inspect = async (name: string) =>
  (await daemon.request("GET", `/containers/${name}/json`)).json<ContainerInspectResponse>();
const endpointsOf = async (name: string) => (await inspect(name)).NetworkSettings?.Networks ?? {};

/** A command in the container's network namespace, by the host's tools. */
async function inside(name: string, ...command: string[]): Promise<string> {
  const { State } = await inspect(name);
  const done = Bun.spawnSync(["nsenter", "--target", String(State?.Pid), "--net", ...command]);
  return done.stdout.toString();
}

async function exec(name: string, ...Cmd: string[]): Promise<string> {
  const { Id } = (await post(`/containers/${name}/exec`, { Cmd, AttachStdout: true, Tty: true })).json<{
    Id: string;
  }>();
  return (await post(`/exec/${Id}/start`, { Tty: true })).text;
}

const remove = async (...names: string[]) => {
  for (const name of names) await daemon.request("DELETE", `/containers/${name}?force=1`);
};
const removeNetwork = async (...names: string[]) => {
  for (const name of names)
    expect(await daemon.request("DELETE", `/networks/${name}`)).toMatchObject({ status: 204 });
};
const refusal = ({ status, json }: Awaited<ReturnType<Daemon["request"]>>): unknown => ({
  status,
  ...(json() as object),
});
const routes = (text: string) => text.split("\n").filter((line) => line.startsWith("default"));

test("a network has a bridge of its own, and takes it with it", async () => {
  const id = await network("plain", { Labels: { a: "b" } });
  const device = `br-${id.slice(0, 12)}`;
  expect(readFileSync(`/sys/class/net/${device}/bridge/stp_state`, "utf8")).toBe("0\n");
  const shown = (await daemon.request("GET", "/networks/plain")).json<Network>();
  expect(shown).toMatchObject({ Driver: "bridge", Labels: { a: "b" }, Options: {}, Containers: {} });
  await removeNetwork("plain");
  expect(() => readFileSync(`/sys/class/net/${device}/ifindex`)).toThrow();
});

test("a bridge that was there before stays when its network goes", async () => {
  const name = `bt${Math.random().toString(36).slice(2, 10)}`;
  Bun.spawnSync(["ip", "link", "add", name, "type", "bridge"]);
  try {
    Bun.spawnSync(["ip", "addr", "add", "10.99.99.1/30", "dev", name]);
    await network("theirs", { Options: { "com.docker.network.bridge.name": name } });
    expect(Bun.spawnSync(["ip", "addr", "show", name]).stdout.toString()).toContain("10.99.99.1/30");
    await removeNetwork("theirs");
    expect(Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8"))).toBeGreaterThan(0);
  } finally {
    Bun.spawnSync(["ip", "link", "del", name]);
  }
});

test("a network is found in its own scope alone", async () => {
  await network("scoped");
  const status = async (scope: string) =>
    (await daemon.request("GET", `/networks/scoped?scope=${scope}`)).status;
  expect(await Promise.all(["", "local", "swarm"].map(status))).toEqual([200, 200, 404]);
  await daemon.request("DELETE", "/networks/scoped");
});

describe("several networks", () => {
  beforeAll(async () => {
    await network("front", { IPAM: { Config: [{ Subnet: "10.77.1.0/24" }] } });
    await network("back", {
      EnableIPv6: true,
      IPAM: { Config: [{ Subnet: "10.77.2.0/24" }, { Subnet: "fd77:2::/64" }] },
    });
    await network("closed", { Internal: true, IPAM: { Config: [{ Subnet: "10.77.3.0/24" }] } });
  });
  afterAll(() => removeNetwork("front", "back", "closed"));

  test("from the start: devices in order, one way out, by what was asked", async () => {
    await run("many", "front", {
      front: { IPAMConfig: { IPv4Address: "10.77.1.50" }, MacAddress: "02:11:22:33:44:55" },
      closed: {},
      back: { GwPriority: 2, IPAMConfig: { IPv6Address: "fd77:2::99", LinkLocalIPs: ["169.254.7.7"] } },
    });
    expect(await inside("many", "ip", "-o", "addr")).toMatch(
      /eth0 +inet 10\.77\.1\.50\/24[\s\S]*eth1 +inet 10\.77\.3\.2\/24[\s\S]*eth2 +inet 10\.77\.2\.2\/24[\s\S]*eth2 +inet 169\.254\.7\.7\/16[\s\S]*eth2 +inet6 fd77:2::99\/64/,
    );
    expect(await inside("many", "ip", "link", "show", "eth0")).toContain("02:11:22:33:44:55");
    expect(routes(await inside("many", "ip", "route"))).toEqual(["default via 10.77.2.1 dev eth2 "]);
    expect(routes(await inside("many", "ip", "-6", "route"))[0]).toContain("via fd77:2::1 dev eth2");
    const shown = await endpointsOf("many");
    expect(shown.closed).toMatchObject({ IPAddress: "10.77.3.2", Gateway: "" });
    expect(shown.front).toMatchObject({ IPAddress: "10.77.1.50", Gateway: "10.77.1.1", GwPriority: 0 });
    await remove("many");
  });

  test("connect and disconnect while it runs move the way out, and what it says in its files", async () => {
    await run("moves", "front");
    const hosts = () => exec("moves", "cat", "/etc/hosts");
    expect(routes(await inside("moves", "ip", "route"))).toEqual(["default via 10.77.1.1 dev eth0 "]);
    await post("/networks/back/connect", { Container: "moves", EndpointConfig: { GwPriority: 1 } });
    expect(routes(await inside("moves", "ip", "route"))).toEqual(["default via 10.77.2.1 dev eth1 "]);
    expect(await hosts()).toContain("10.77.2.2\t");
    await post("/networks/front/disconnect", { Container: "moves" });
    expect(Object.keys(await endpointsOf("moves"))).toEqual(["back"]);
    expect(await hosts()).not.toContain("10.77.1.");
    await post("/networks/back/disconnect", { Container: "moves" });
    expect(await inside("moves", "ip", "-o", "-4", "addr")).toMatch(/^1: lo [^\n]*\n$/);
    expect(routes(await inside("moves", "ip", "route"))).toEqual([]);
    // It stays so over a restart: the mode is only the beginning.
    await post("/containers/moves/restart?t=0");
    expect(await endpointsOf("moves")).toEqual({});
    await post("/networks/front/connect", { Container: "moves" });
    expect(await inside("moves", "ip", "-o", "-4", "addr")).toContain("eth0    inet 10.77.1.2/24");
    await remove("moves");
  });

  test("one that does not run is connected at its next start", async () => {
    await post("/containers/create?name=later", { Image: BUSYBOX, Cmd: ["sleep", "3600"] });
    await post("/networks/front/connect", { Container: "later", EndpointConfig: { Aliases: ["soon"] } });
    expect(Object.keys(await endpointsOf("later")).sort()).toEqual(["bridge", "front"]);
    await post("/containers/later/start");
    expect((await endpointsOf("later")).front).toMatchObject({ IPAddress: "10.77.1.2", Aliases: ["soon"] });
    await remove("later");
  });

  test.each([
    ["front", {}, 403, "endpoint with name refused already exists in network front"],
    ["back", { IPAMConfig: { IPv4Address: "10.77.2.1" } }, 403, "Address already in use"],
    [
      "back",
      { IPAMConfig: { IPv4Address: "10.77.9.9" } },
      400,
      "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.77.9.9",
    ],
    ["back", { MacAddress: "zz" }, 400, "invalid MAC address zz"],
    [
      "host",
      {},
      400,
      "cannot connect container to host network - container must be created in host network mode",
    ],
    [
      "none",
      {},
      400,
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    ],
    ["nowhere", {}, 404, "network nowhere not found"],
  ])("connecting to %s with %j is refused, and changes nothing", async (name, settings, status, message) => {
    if (name === "front") await run("refused", "front");
    const before = await inspect("refused");
    const answer = await post(`/networks/${name}/connect`, {
      Container: "refused",
      EndpointConfig: settings,
    });
    expect(refusal(answer)).toEqual({ status, message });
    expect((await inspect("refused")).NetworkSettings).toEqual(before.NetworkSettings as never);
    if (name === "nowhere") await remove("refused");
  });

  test("published ports follow the way out", async () => {
    const PortBindings = { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] };
    const server = "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhere' | nc -l -p 80; done";
    await run("ports", "closed", {}, { PortBindings }, ["sh", "-c", server]);
    const ports = async () => (await inspect("ports")).NetworkSettings?.Ports?.["80/tcp"] ?? null;
    expect(await ports()).toBeNull(); // An internal network leads nowhere.
    await post("/networks/front/connect", { Container: "ports" });
    const [first] = (await ports()) ?? [];
    const ask = async () => (await fetch(`http://127.0.0.1:${first?.HostPort}/`)).text();
    await waitFor(async () => (await ask().catch(() => "")).includes("here"), "the port to answer");
    await post("/networks/back/connect", { Container: "ports", EndpointConfig: { GwPriority: 9 } });
    expect((await ports())?.[0]?.HostPort).toBe(first?.HostPort as string);
    await post("/networks/front/disconnect", { Container: "ports" });
    await waitFor(
      async () => (await ask().catch(() => "")).includes("here"),
      "the port by the other network",
    );
    await remove("ports");
  });

  test("names: containers, aliases, short ids, links, over a killed daemon, and gone at once", async () => {
    await run("web", "front", { front: { Aliases: ["www"] } });
    await run("web2", "front", { front: { Aliases: ["www"] } });
    await run("asks", "front", { front: { Links: ["web:db"] } });
    const short = ((await inspect("web")).Id ?? "").slice(0, 12);
    const look = async (name: string) =>
      [...(await exec("asks", "nslookup", name)).matchAll(/Address: (10\.\S+)/g)].map(([, ip]) => ip).sort();
    const { front } = await endpointsOf("web");
    const both = [front?.IPAddress, (await endpointsOf("web2")).front?.IPAddress].sort();
    for (const name of ["web", "WEB", short, "db", "web.front"])
      expect([name, await look(name)]).toEqual([name, [front?.IPAddress]]);
    expect(await look("www")).toEqual(both);
    expect(await exec("asks", "nslookup", front?.IPAddress ?? "")).toContain("name = web.front");
    await daemon.kill9();
    await daemon.restart();
    expect(await look("www")).toEqual(both);
    await post("/containers/web/rename?name=other");
    expect(await look("other")).toEqual([front?.IPAddress]);
    expect(await look("web")).toEqual([]);
    await remove("other");
    expect(await look("www")).toEqual(both.filter((address) => address !== front?.IPAddress));
    await remove("web2", "asks");
  });

  test("a network whose name begins another's id is not taken for that", async () => {
    const { Id = "" } = (await daemon.request("GET", "/networks/front")).json<Network>();
    const like = Id.slice(0, 5);
    await network(like, { IPAM: { Config: [{ Subnet: "10.77.4.0/24" }] } });
    await run("told", "front", { [like]: { IPAMConfig: { IPv4Address: "10.77.4.44" }, Aliases: ["there"] } });
    const { front, [like]: other } = await endpointsOf("told");
    expect(other).toMatchObject({ IPAddress: "10.77.4.44", Aliases: ["there"] });
    expect(front).toMatchObject({ IPAddress: "10.77.1.2", Aliases: null });
    await remove("told");
    await run("by-id", Id, { [Id.slice(0, 12)]: { Aliases: ["here"] } });
    expect((await endpointsOf("by-id")).front).toMatchObject({ Aliases: ["here"] });
    await remove("by-id");
    await removeNetwork(like);
  });

  test("one that was on none and was taken off it has names on the next, also over a killed daemon", async () => {
    await run("web", "front");
    await run("asks", "none");
    await post("/networks/none/disconnect", { Container: "asks" });
    await post("/networks/front/connect", { Container: "asks" });
    expect(await exec("asks", "nslookup", "web")).toContain(
      (await endpointsOf("web")).front?.IPAddress ?? "?",
    );
    await daemon.kill9();
    await daemon.restart();
    expect(await exec("asks", "nslookup", "web")).toContain(
      (await endpointsOf("web")).front?.IPAddress ?? "?",
    );
    await remove("web", "asks");
  });

  test("a network in use can't be removed", async () => {
    await run("user", "front");
    const { Id = "" } = { Id: (await endpointsOf("user")).front?.EndpointID };
    const answer = await daemon.request("DELETE", "/networks/front");
    expect(refusal(answer)).toEqual({
      status: 403,
      message: `error while removing network: network front has active endpoints (name:"user" id:"${Id.slice(0, 12)}")`,
    });
    await remove("user");
  });
});

test("prune leaves templates", async () => {
  await network("template", { ConfigOnly: true, Labels: { kind: "template" } });
  const filters = encodeURIComponent(JSON.stringify({ label: { "kind=template": true } }));
  expect((await post(`/networks/prune?filters=${filters}`)).json()).toEqual({ NetworksDeleted: null });
  expect(await daemon.request("DELETE", "/networks/template")).toMatchObject({ status: 204 });
});

test("prune takes what is not used, by its labels", async () => {
  await network("kept", { Labels: { keep: "" } });
  await network("used");
  await network("unused");
  await run("holder", "used");
  const filters = encodeURIComponent(JSON.stringify({ "label!": ["keep"] }));
  expect((await post(`/networks/prune?filters=${filters}`)).json()).toEqual({ NetworksDeleted: ["unused"] });
  await remove("holder");
  await removeNetwork("kept", "used");
});

test("subnets overlap nothing: pools in order, none that a route has", async () => {
  await network("first", { IPAM: { Config: [{ Subnet: "10.78.0.0/16" }] } });
  const overlap = await post("/networks/create", {
    Name: "second",
    IPAM: { Config: [{ Subnet: "10.78.4.0/24" }] },
  });
  expect(refusal(overlap)).toEqual({
    status: 403,
    message: "invalid pool request: Pool overlaps with other one on this address space",
  });
  await removeNetwork("first");
});
