// HTTPS to a registry: whom we believe, what we show, and that plain HTTP is spoken only where it may be.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { send } from "../../src/registry/transport.ts";
import { makeImage } from "../fixtures/image.ts";
import { openImagesRoom } from "../fixtures/images-room.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import { type TemporaryFolder, temporaryFolder } from "../fixtures/temporary-folder.ts";

let folder: TemporaryFolder;
let trusting: TestRegistry;
let closed: TestRegistry;

function openssl(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: folder.path, stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

/** A key, and a certificate for it that the test's own authority vouches for. */
function certificate(name: string, extension: string): void {
  writeFileSync(join(folder.path, `${name}.ext`), extension);
  openssl(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
  );
  openssl(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    `${name}.ext`,
    "-out",
    `${name}.cert`,
  );
}

beforeAll(async () => {
  folder = temporaryFolder();
  openssl(
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=test authority",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
  );
  certificate("server", "subjectAltName=IP:127.0.0.1");
  certificate("client", "extendedKeyUsage=clientAuth");
  const path = (name: string) => join(folder.path, name);
  const own = { certificate: path("server.cert"), key: path("server.key") };
  [trusting, closed] = await Promise.all([
    startRegistry({ tls: own }),
    startRegistry({ tls: { ...own, clientAuthority: path("ca.crt") } }),
  ]);
});
afterAll(async () => {
  await trusting[Symbol.asyncDispose]();
  await closed[Symbol.asyncDispose]();
  for (const { host } of [trusting, closed])
    rmSync(join("/etc/berth/certs.d", host), { recursive: true, force: true });
  folder[Symbol.dispose]();
  // Only where they are empty: a machine may have its own.
  for (const path of ["/etc/berth/certs.d", "/etc/berth"]) {
    try {
      rmdirSync(path);
    } catch {
      // In use.
    }
  }
});

/** Puts files of the test's own into certs.d for a host. */
function trust(host: string, ...names: string[]): void {
  const own = join("/etc/berth/certs.d", host);
  mkdirSync(own, { recursive: true });
  for (const name of names) writeFileSync(join(own, name), readFileSync(join(folder.path, name)));
}

const ask = (host: string, insecure: boolean) =>
  send({ method: "GET", url: `https://${host}/v2/`, insecure, signal: AbortSignal.timeout(10_000) });

describe("certificates", () => {
  test("one that nobody vouches for is refused, and accepted from an insecure registry", async () => {
    await expect(ask(trusting.host, false)).rejects.toMatchObject({
      name: "NetworkError",
      failure: "certificate",
    });
    expect((await ask(trusting.host, true)).status).toBe(200);
  });

  test("certs.d vouches for one", async () => {
    trust(trusting.host, "ca.crt");
    expect((await ask(trusting.host, false)).status).toBe(200);
  });

  test("and has what we show to a registry that wants to see a certificate", async () => {
    trust(closed.host, "ca.crt");
    await expect(ask(closed.host, false)).rejects.toMatchObject({ name: "NetworkError" });
    trust(closed.host, "client.cert", "client.key");
    expect((await ask(closed.host, false)).status).toBe(200);
  });
});

describe("plain HTTP", () => {
  test("a server that doesn't speak TLS is told as such", async () => {
    await using plain = await startLyingRegistry(makeImage(), "1");
    const asked = send({
      method: "GET",
      url: `https://${plain.host}/v2/`,
      insecure: false,
      signal: AbortSignal.timeout(10_000),
    });
    await expect(asked).rejects.toMatchObject({
      failure: "tls",
      message: `Get "https://${plain.host}/v2/": http: server gave HTTP response to HTTPS client`,
    });
  });

  test("is spoken with loopback, not by a redirect from a safe registry", async () => {
    await using plain = await startLyingRegistry(makeImage(), "1");
    await using room = await openImagesRoom();
    await room.pull(`${plain.host}/x:1`);
    const redirecting = createServer(
      {
        key: readFileSync(join(folder.path, "server.key")),
        cert: readFileSync(join(folder.path, "server.cert")),
      },
      (_, response) => void response.writeHead(307, { location: `http://${plain.host}/v2/` }).end(),
    );
    await new Promise<void>((resolve) => redirecting.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(redirecting.address() as AddressInfo).port}/v2/`;
    const { host } = new URL(url);
    trust(host, "ca.crt");
    try {
      const asked = send({ method: "GET", url, insecure: false, signal: AbortSignal.timeout(10_000) });
      await expect(asked).rejects.toThrow("which is not HTTPS");
    } finally {
      rmSync(join("/etc/berth/certs.d", host), { recursive: true, force: true });
      redirecting.closeAllConnections();
      redirecting.close();
    }
  });
});
