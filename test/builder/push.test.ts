// Builds whose result goes to a registry: by name, by its digest alone, and without TLS where that is asked for.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { ConnectError } from "@connectrpc/connect";
import { file, image, marshal, mkfile, type Tree } from "../../src/buildkit/llb/index.ts";
import type { Index } from "../../src/oci/types.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import { type BuildClient, openBuildClient } from "./build-client.ts";

let daemon: Daemon;
let registry: TestRegistry;
let client: BuildClient;
let base: Tree;
beforeAll(async () => {
  [daemon, registry] = await Promise.all([startDaemon(), startRegistry()]);
  base = image(`docker.io/library/${await importBusybox(daemon)}`);
  client = await openBuildClient(daemon);
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});

async function push(attributes: Record<string, string>): Promise<Record<string, string>> {
  const tree = file(base, mkfile("/unique", crypto.randomUUID()));
  const { exporterResponse } = await client.control.solve({
    ref: crypto.randomUUID(),
    definition: marshal(tree),
    exporters: [{ type: "image", attrs: { push: "true", ...attributes } }],
  });
  return exporterResponse;
}

const manifest = (path: string) =>
  fetch(`http://${registry.host}/v2/${path}`, {
    headers: { Accept: "application/vnd.docker.distribution.manifest.v2+json" },
  });
const tags = async (repository: string): Promise<string[]> =>
  ((await (await fetch(`http://${registry.host}/v2/${repository}/tags/list`)).json()) as { tags?: string[] })
    .tags ?? [];

test("by a name", async () => {
  const response = await push({ name: `${registry.host}/named:7` });
  const found = await manifest("named/manifests/7");
  expect(found.headers.get("Docker-Content-Digest")).toBe(response["containerimage.digest"] ?? "");
  expect(await tags("named")).toEqual(["7"]);
});

test("by its digest alone, and without a name here", async () => {
  const response = await push({
    name: `${registry.host}/by-digest`,
    "push-by-digest": "true",
    store: "false",
  });
  const digest = response["containerimage.digest"] ?? "";
  const found = await manifest(`by-digest/manifests/${digest}`);
  expect(found.status).toBe(200);
  expect(((await found.json()) as Index).schemaVersion).toBe(2);
  expect(await tags("by-digest")).toEqual([]);
  expect((await daemon.request("GET", `/images/${registry.host}/by-digest/json`)).status).toBe(404);
});

/** The registry at an address that isn't the loopback's, where plain HTTP is refused unless somebody wants it. */
function atOtherAddress(): (Disposable & { host: string }) | undefined {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each && !each.internal && each.family === "IPv4")?.address;
  if (!address) return undefined;
  const server = Bun.serve({
    hostname: address,
    port: 0,
    fetch(request) {
      const url = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.set("X-Forwarded-Host", url.host);
      headers.set("X-Forwarded-Proto", "http");
      return fetch(`http://${registry.host}${url.pathname}${url.search}`, {
        method: request.method,
        headers,
        body: request.body,
        redirect: "manual",
      });
    },
  });
  return { host: `${address}:${server.port}`, [Symbol.dispose]: () => void server.stop(true) };
}

test("without TLS only where the client wants it", async () => {
  using other = atOtherAddress();
  if (!other) return console.warn("skipped: this host has no address but the loopback's");
  const name = `${other.host}/plain:1`;
  const error = await push({ name }).then(() => undefined, ConnectError.from);
  expect(error?.rawMessage).toMatch(/https:|TLS|tls|SSL|HTTPS/);
  await push({ name, "registry.insecure": "true" });
  expect(await tags("plain")).toEqual(["1"]);
});
