// The registry room's parsers and decisions that need no registry.
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { hostOfCredentials } from "./authorizer.ts";
import { certificatesFor } from "./certificates.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { endpointsOf, isInsecure } from "./endpoints.ts";
import { refusal } from "./errors.ts";
import { proxyFor } from "./proxy.ts";

describe("challenges", () => {
  test.each<[string, Challenge[]]>([
    ["", []],
    ["Basic", [{ scheme: "basic", parameters: {} }]],
    ['Basic realm="a b"', [{ scheme: "basic", parameters: { realm: "a b" } }]],
    [
      'Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push"',
      [
        {
          scheme: "bearer",
          parameters: {
            realm: "https://auth.example/token",
            service: "r",
            scope: "repository:a/b:pull,push",
          },
        },
      ],
    ],
    [
      'Bearer realm=x , Service = "q\\"uote", Basic realm="y"',
      [
        { scheme: "bearer", parameters: { realm: "x", service: 'q"uote' } },
        { scheme: "basic", parameters: { realm: "y" } },
      ],
    ],
    [
      "Negotiate, Basic realm=z",
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "z" } },
      ],
    ],
    ['Bearer realm="no end', [{ scheme: "bearer", parameters: {} }]],
  ])("%s", (header, expected) => {
    expect(parseChallenges(header)).toEqual(expected);
  });
  test("any text is taken without an error, and in time", () => {
    fc.assert(fc.property(fc.string({ maxLength: 2000 }), (text) => Array.isArray(parseChallenges(text))));
  });
});

describe("proxies, as Go reads the environment", () => {
  const env = {
    HTTP_PROXY: "http://p:1",
    HTTPS_PROXY: "p:2",
    NO_PROXY: "example.com,.sub.net,10.0.0.0/8,1.2.3.4,host:8080",
  };
  test.each([
    ["http://registry.test/", "http://p:1"],
    ["https://registry.test/", "http://p:2"],
    ["http://localhost:5000/", undefined],
    ["http://127.8.0.1/", undefined],
    ["http://[::1]:5000/", undefined],
    ["https://example.com/", undefined],
    ["https://a.example.com/", undefined],
    ["https://notexample.com/", "http://p:2"],
    ["https://sub.net/", "http://p:2"],
    ["https://a.sub.net/", undefined],
    ["http://10.1.2.3:5000/", undefined],
    ["http://11.1.2.3/", "http://p:1"],
    ["http://1.2.3.4/", undefined],
    ["http://host:8080/", undefined],
    ["http://host:8081/", "http://p:1"],
  ])("%s", (url, expected) => {
    expect(proxyFor(new URL(url), env)).toBe(expected);
  });
  test("lower case counts too, an asterisk exempts all, and none is none", () => {
    expect(proxyFor(new URL("http://a.test/"), { http_proxy: "socks5://p:3" })).toBe("socks5://p:3");
    expect(proxyFor(new URL("http://a.test/"), { HTTP_PROXY: "p:1", NO_PROXY: "*" })).toBeUndefined();
    expect(proxyFor(new URL("http://a.test/"), {})).toBeUndefined();
  });
});

describe("endpoints", () => {
  const settings = {
    insecureRegistries: ["plain.test:5000", "http://old.test", "192.168.0.0/16"],
    registryMirrors: ["https://mirror.test/"],
    maxDownloadAttempts: 5,
  };
  test.each([
    ["localhost:5000", true],
    ["127.0.0.9:80", true],
    ["[::1]:5000", true],
    ["plain.test:5000", true],
    ["plain.test", false],
    ["old.test", true],
    ["192.168.4.5:5000", true],
    ["193.168.4.5:5000", false],
  ])("%s insecure: %p", async (host, expected) => {
    expect(await isInsecure(host, settings)).toBe(expected);
  });
  test("mirrors serve docker.io's pulls only", async () => {
    const bases = async (domain: string, use: "pull" | "push") =>
      (await endpointsOf(domain, settings, use)).map(({ base }) => base);
    expect(await bases("docker.io", "pull")).toEqual(["https://mirror.test", "https://registry-1.docker.io"]);
    expect(await bases("docker.io", "push")).toEqual(["https://registry-1.docker.io"]);
    expect(await bases("localhost:5000", "pull")).toEqual([
      "https://localhost:5000",
      "http://localhost:5000",
    ]);
  });
});

test("certs.d: authorities beside the system's, a client certificate with its key", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-certs-"));
  try {
    const host = join(folder, "registry.test:5000");
    mkdirSync(host);
    writeFileSync(join(host, "ca.crt"), "AUTHORITY");
    writeFileSync(join(host, "client.cert"), "CERT");
    await expect(certificatesFor("registry.test:5000", [folder])).rejects.toThrow(
      "missing key client.key for client certificate client.cert",
    );
    writeFileSync(join(host, "client.key"), "KEY");
    const found = await certificatesFor("registry.test:5000", [folder]);
    expect(found).toMatchObject({ cert: "CERT", key: "KEY" });
    expect(found.ca.at(-1)).toBe("AUTHORITY");
    expect((await certificatesFor("other.test", [folder])).cert).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [undefined, undefined],
  ["https://index.docker.io/v1/", "registry-1.docker.io"],
  ["docker.io", "registry-1.docker.io"],
  ["registry.test:5000", "registry.test:5000"],
  ["https://registry.test/v2/", "registry.test"],
])("credentials for %p are for %p", (serveraddress, expected) => {
  expect(hostOfCredentials({ serveraddress })).toBe(expected);
});

describe("refusals", () => {
  const said = (status: number, body: string) => {
    const { kind, message } = refusal("GET", "https://r.test/v2/", status, new TextEncoder().encode(body));
    return [kind, message];
  };
  test.each([
    [
      429,
      '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}',
      "unavailable",
      "error from registry: slow down",
    ],
    [
      403,
      '{"errors":[{"code":"DENIED","message":"no","detail":"really"}]}',
      "forbidden",
      "error from registry: no - really",
    ],
    [401, '{"details":"bad token"}', "unauthorized", "error from registry: bad token"],
    [
      500,
      "<html>",
      "system",
      "unexpected status from GET request to https://r.test/v2/: 500 Internal Server Error",
    ],
    [
      404,
      '{"errors":"x"}',
      "not-found",
      "unexpected status from GET request to https://r.test/v2/: 404 Not Found",
    ],
  ])("%d %s", (status, body, kind, message) => {
    expect(said(status, body)).toEqual([kind, message]);
  });
});
