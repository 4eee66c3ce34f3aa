import { expect, test } from "bun:test";
import { compareVersions } from "./connection.ts";
import { parseEndpoint } from "./endpoint.ts";
import { encodeAuth } from "./images.ts";
import { withQuery } from "./transport.ts";

test("hosts", () => {
  const cases: Record<string, string> = {
    "unix:///run/a.sock": "unix:///run/a.sock",
    "unix://": "unix:///var/run/docker.sock",
    "tcp://1.2.3.4:99": "tcp://1.2.3.4:99",
    "tcp://1.2.3.4": "tcp://1.2.3.4:2375",
    "tcp://:99": "tcp://localhost:99",
    "1.2.3.4:99": "tcp://1.2.3.4:99",
    "tcp://[::1]:99": "tcp://[::1]:99",
    "tcp://[::1]": "tcp://[::1]:2375",
    "tcp://host:1/prefix/": "tcp://host:1/prefix",
    " tcp://a:1 ": "tcp://a:1",
  };
  for (const [text, host] of Object.entries(cases)) expect(parseEndpoint(text).host).toBe(host);
  expect(parseEndpoint("tcp://a", {})).toMatchObject({ port: 2376, base: "https://a:2376" });
});

test("what is no host", () => {
  expect(() => parseEndpoint("foo://x")).toThrow("invalid bind address format: foo://x");
  expect(() => parseEndpoint("tcp://a:b")).toThrow("invalid bind address format: tcp://a:b");
  expect(() => parseEndpoint("tcp://a:99999")).toThrow("invalid bind address format");
  expect(() => parseEndpoint("ssh://a")).toThrow('protocol "ssh" is not supported');
});

test("versions have an order of their own", () => {
  expect(compareVersions("1.9", "1.10")).toBeLessThan(0);
  expect(compareVersions("1.51", "1.51")).toBe(0);
  expect(compareVersions("2.0", "1.51")).toBeGreaterThan(0);
});

test("queries leave out what says nothing, and repeat lists", () => {
  expect(withQuery("/a", { x: "", y: false, z: undefined, n: 0, t: true, l: ["1", "a b"] })).toBe(
    "/a?n=0&t=1&l=1&l=a+b",
  );
  expect(withQuery("/a")).toBe("/a");
});

test("credentials in a header", () => {
  const { "X-Registry-Auth": header = "" } = encodeAuth({ username: "u?>", password: "p~~~" });
  expect(header).not.toMatch(/[+/]/);
  expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({
    username: "u?>",
    password: "p~~~",
  });
});
