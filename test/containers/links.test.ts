// `--link` on the default bridge, as Docker's legacy links: names in /etc/hosts, variables, names of the link itself.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ContainerInspectResponse, ContainerSummary } from "../../src/api/types/index.ts";
import { linkVariables } from "../../src/engine/links.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

async function create(name: string, own: object, hostConfig: object = {}): Promise<string> {
  const answer = await daemon.request("POST", `/containers/create?name=${name}`, {
    body: { Image: BUSYBOX, Cmd: ["sleep", "600"], StopTimeout: 0, ...own, HostConfig: hostConfig },
  });
  const { Id, message } = answer.json<{ Id?: string; message?: string }>();
  return Id ?? `${answer.status} ${message}`;
}
const post = async (path: string) => {
  const answer = await daemon.request("POST", path);
  return answer.status < 300 ? "" : `${answer.status} ${answer.json<{ message: string }>().message}`;
};
const inspect = async (name: string) =>
  (await daemon.request("GET", `/containers/${name}/json`)).json<ContainerInspectResponse>();

/** What a program in a container prints. */
async function inside(name: string, script: string): Promise<string[]> {
  const made = await daemon.request("POST", `/containers/${name}/exec`, {
    body: { Cmd: ["sh", "-c", script], AttachStdout: true, Tty: true },
  });
  const { Id } = made.json<{ Id: string }>();
  const { text } = await daemon.request("POST", `/exec/${Id}/start`, { body: { Tty: true } });
  return text.replaceAll("\r", "").trimEnd().split("\n");
}

test("a linked container is known by its alias, its name and its id, with its ports and variables", async () => {
  const id = await create("store", {
    Env: ["A=b", "HOME=/x", "PATH=/bin"],
    ExposedPorts: { "80/tcp": {}, "90/udp": {} },
  });
  expect(await post("/containers/store/start")).toBe("");
  await create("shop", { Env: ["DB_ENV_A=own"] }, { Links: ["store:db", "/store"] });
  expect(await post("/containers/shop/start")).toBe("");
  const address = (await inspect("store")).NetworkSettings?.Networks?.bridge?.IPAddress;
  expect(
    await inside(
      "shop",
      "grep -v -E 'local|ip6' /etc/hosts | head -2; env | grep -E '^(DB|STORE)' | sort | head -9",
    ),
  ).toEqual([
    `${address}\tdb ${id.slice(0, 12)} store`,
    `${address}\tstore ${id.slice(0, 12)}`,
    "DB_ENV_A=own",
    "DB_NAME=/shop/db",
    `DB_PORT=tcp://${address}:80`,
    `DB_PORT_80_TCP=tcp://${address}:80`,
    `DB_PORT_80_TCP_ADDR=${address}`,
    "DB_PORT_80_TCP_PORT=80",
    "DB_PORT_80_TCP_PROTO=tcp",
    `DB_PORT_90_UDP=udp://${address}:90`,
    `DB_PORT_90_UDP_ADDR=${address}`,
  ]);
  expect((await inspect("shop")).HostConfig?.Links).toEqual(["/store:/shop/db", "/store:/shop/store"]);
  expect((await inspect("shop/db")).Id).toBe(id);
  const list = (await daemon.request("GET", "/containers/json")).json<ContainerSummary[]>();
  expect(list.find(({ Id }) => Id === id)?.Names).toEqual(["/shop/db", "/shop/store", "/store"]);
});

test("a link follows names and addresses, and goes by rm --link", async () => {
  await post("/containers/store/rename?name=cellar");
  await post("/containers/shop/rename?name=stand");
  expect((await inspect("stand")).HostConfig?.Links).toEqual(["/cellar:/stand/db", "/cellar:/stand/store"]);
  // Another takes its address while it is down.
  await post("/containers/cellar/stop");
  await create("squatter", {});
  await post("/containers/squatter/start");
  await post("/containers/cellar/start");
  const { bridge } = (await inspect("cellar")).NetworkSettings?.Networks ?? {};
  expect((await inside("stand", "grep -w db /etc/hosts"))[0]).toStartWith(`${bridge?.IPAddress}\tdb `);
  expect((await daemon.request("DELETE", "/containers/stand/db?link=1")).status).toBe(204);
  expect((await inspect("stand")).HostConfig?.Links).toEqual(["/cellar:/stand/store"]);
  expect((await daemon.request("DELETE", "/containers/stand/db?link=1")).status).toBe(404);
  expect((await inspect("cellar")).State?.Running).toBe(true);
});

test("what can't be linked to is refused in Docker's words", async () => {
  expect(await create("x", {}, { Links: ["no-such:a"] })).toBe(
    "400 could not get container for no-such: No such container: no-such",
  );
  await create("on-host", {}, { NetworkMode: "host" });
  expect(await create("x", {}, { Links: ["on-host:a"] })).toMatch(/^400 conflicting options: host type/);
  await post("/containers/cellar/stop");
  await create("late", {}, { Links: ["cellar:db"] });
  const refused = "Cannot link to a non running container: /cellar AS /late/db";
  expect(await post("/containers/late/start")).toBe(`400 ${refused}`);
  await daemon.request("DELETE", "/containers/cellar?force=1");
  expect(await post("/containers/late/start")).toBe(`400 ${refused}`);
  expect((await inspect("late")).HostConfig?.Links).toEqual(["/cellar:/late/db"]);
});

test("ports that follow each other have variables for the whole, as Docker's", () => {
  const variables = linkVariables(
    { alias: "my-db", name: "/a/my-db", address: "172.29.77.2" },
    ["83/udp", "82/tcp", "80/tcp", "81/tcp", "83/tcp"],
    [],
  );
  const own = ["80_TCP", "81_TCP", "82_TCP", "83_TCP", "83_UDP"].flatMap((key) => {
    const [port, protocol = ""] = key.split("_");
    const scheme = protocol.toLowerCase();
    return [
      `MY_DB_PORT_${key}=${scheme}://172.29.77.2:${port}`,
      `MY_DB_PORT_${key}_ADDR=172.29.77.2`,
      `MY_DB_PORT_${key}_PORT=${port}`,
      `MY_DB_PORT_${key}_PROTO=${scheme}`,
    ];
  });
  expect([...new Set(variables)].sort()).toEqual(
    [
      ...own,
      "MY_DB_NAME=/a/my-db",
      "MY_DB_PORT=tcp://172.29.77.2:80",
      "MY_DB_PORT_80_TCP_END=tcp://172.29.77.2:83",
      "MY_DB_PORT_80_TCP_PORT_END=83",
      "MY_DB_PORT_80_TCP_PORT_START=80",
      "MY_DB_PORT_80_TCP_START=tcp://172.29.77.2:80",
    ].sort(),
  );
});

test("a container that fills its /etc/hosts keeps none that it links to from starting", async () => {
  await create("filled", {});
  expect(await post("/containers/filled/start")).toBe("");
  await create("filler", {}, { Links: ["filled:f"] });
  expect(await post("/containers/filler/start")).toBe("");
  await inside("filler", "truncate -s 6G /etc/hosts");
  expect(await post("/containers/filled/restart?t=0")).toBe("");
  expect(await inside("filler", "stat -c %s /etc/hosts")).toEqual([String(6 * 2 ** 30)]);
});
