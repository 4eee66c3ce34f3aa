// Two daemons of one host look for free ports at once, and begin at the same one: each container gets a port, and none twice.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

const daemons: Daemon[] = [];
beforeAll(async () => {
  for (const _ of [1, 2]) {
    const daemon = await startDaemon();
    daemons.push(daemon);
    await importBusybox(daemon);
  }
});
afterAll(async () => {
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
});

async function created(daemon: Daemon): Promise<string> {
  const { text } = await daemon.request("POST", "/containers/create", {
    body: {
      Image: BUSYBOX,
      Cmd: ["sleep", "1000"],
      HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } },
    },
  });
  return (JSON.parse(text) as { Id: string }).Id;
}

async function startedPort(daemon: Daemon, id: string): Promise<string> {
  const { status, text } = await daemon.request("POST", `/containers/${id}/start`);
  expect(status, text).toBe(204);
  const shown = await daemon.request("GET", `/containers/${id}/json`);
  const { NetworkSettings } = JSON.parse(shown.text) as {
    NetworkSettings: { Ports: Record<string, { HostPort: string }[]> };
  };
  return NetworkSettings.Ports["80/tcp"]?.[0]?.HostPort ?? "";
}

test("containers of both get ports of their own", async () => {
  for (let round = 0; round < 3; round++) {
    const places = await Promise.all(
      daemons.flatMap((daemon) => [1, 2, 3].map(async () => ({ daemon, id: await created(daemon) }))),
    );
    const ports = await Promise.all(places.map(({ daemon, id }) => startedPort(daemon, id)));
    expect(new Set(ports).size).toBe(places.length);
    for (const { daemon, id } of places) await daemon.request("DELETE", `/containers/${id}?force=1`);
  }
});
