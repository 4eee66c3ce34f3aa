// A published port of a real container, by all ways to the host: what rules translate and what its shim carries is one port to
// who uses it, whichever networks the container is on and whichever daemon looks after it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { ContainerInspectResponse, PortMap } from "../../src/api/types/index.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon, waitFor } from "../fixtures/daemon.ts";
import { freePort } from "../fixtures/registry.ts";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const post = (path: string, body: unknown = {}) => daemon.request("POST", path, { body });
const connect = (verb: "connect" | "disconnect", network: string) =>
  post(`/networks/${network}/${verb}`, { Container: "web" });
const ports = async (): Promise<PortMap | undefined> =>
  (await daemon.request("GET", "/containers/web/json")).json<ContainerInspectResponse>().NetworkSettings
    ?.Ports;

/** What somebody hears who wants the port for itself. */
function take(port: number, host: string): Promise<string | undefined> {
  const server = createServer();
  return new Promise((done) => {
    server.on("error", (error: NodeJS.ErrnoException) => done(error.code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => done(undefined)));
  });
}

test("127.0.0.1 and ::1 lead to the container, and nobody else gets the port, through all changes of its networks", async () => {
  const port = freePort();
  await post("/networks/create", { Name: "closed", Internal: true });
  const IPAM = { Config: [{ Subnet: "fd00:c0de::/64" }] };
  await post("/networks/create", { Name: "six", EnableIPv6: true, IPAM });
  const created = await post("/containers/create?name=web", {
    Image: BUSYBOX,
    Cmd: ["sh", "-c", "echo here > /index.html; exec httpd -f -h /"],
    HostConfig: { NetworkMode: "closed", PortBindings: { "80/tcp": [{ HostPort: String(port) }] } },
  });
  expect(created).toMatchObject({ status: 201 });
  expect(await post("/containers/web/start")).toMatchObject({ status: 204 });
  expect(await ports()).toEqual({});
  expect([await take(port, "0.0.0.0"), await take(port, "::")]).toEqual([undefined, undefined]);

  const reaches = async () => {
    for (const host of ["127.0.0.1", "[::1]"]) {
      const answer = async () => (await fetch(`http://${host}:${port}/`)).text();
      await waitFor(async () => (await answer().catch(() => "")) === "here\n", `the port by ${host}`);
    }
    const HostPort = String(port);
    const found = (await ports())?.["80/tcp"] ?? [];
    expect(found).toEqual([
      { HostIp: "0.0.0.0", HostPort },
      { HostIp: "::", HostPort },
    ]);
    expect([await take(port, "0.0.0.0"), await take(port, "::")]).toEqual(["EADDRINUSE", "EADDRINUSE"]);
  };
  expect(await connect("connect", "bridge")).toMatchObject({ status: 200 });
  await reaches();
  await daemon.kill9();
  await daemon.restart();
  await reaches();
  expect(await connect("connect", "six")).toMatchObject({ status: 200 });
  await reaches();
  expect(await connect("disconnect", "bridge")).toMatchObject({ status: 200 });
  await reaches();
  await daemon.request("DELETE", "/containers/web?force=1");
  expect([await take(port, "0.0.0.0"), await take(port, "::")]).toEqual([undefined, undefined]);
  for (const name of ["closed", "six"]) await daemon.request("DELETE", `/networks/${name}`);
});
