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
  expect(() => parseEndpoint("tcp://a:b")).toThrow('parse "tcp://a:b": invalid port ":b" after host');
  expect(() => parseEndpoint("tcp://a:99999")).toThrow("invalid bind address format");
  expect(() => parseEndpoint("npipe:////./pipe/docker")).toThrow("protocol not available");
});

test("hosts behind ssh", () => {
  expect(parseEndpoint("ssh://h")).toMatchObject({ kind: "ssh", host: "ssh://h", hostname: "h" });
  expect(parseEndpoint("ssh://me@h:22/run/x.sock")).toMatchObject({
    user: "me",
    hostname: "h",
    port: 22,
    socket: "/run/x.sock",
  });
  expect(parseEndpoint("ssh://[fe80::1%25eth0]:22/")).toMatchObject({ hostname: "fe80::1%eth0", port: 22 });
  expect(parseEndpoint("ssh://do%6Dain%5Cme@h")).toMatchObject({ user: "domain\\me" });
});

test.each([
  ["ssh://", "hostname is empty"],
  ["ssh://u@:22", "hostname is empty"],
  ["ssh://u:p@h", "plain-text password is not supported"],
  ["ssh://h?x", 'query parameters are not allowed: "x"'],
  ["ssh://h/p#f", 'fragments are not allowed: "f"'],
  ["ssh://-oProxyCommand=x", 'hostname "-oProxyCommand=x"'],
  ["ssh://-l@h", 'user "-l"'],
  ["ssh://h$(x)", 'hostname "h$(x)"'],
  ["ssh://a%20b@h", 'user "a b"'],
  ["ssh://h/a'b", `path "/a'b"`],
])("%s is no host behind ssh", (host, why) => {
  expect(() => parseEndpoint(host)).toThrow(`ssh host connection is not valid: invalid SSH URL: ${why}`);
});

test("a port that is none", () => {
  expect(() => parseEndpoint("ssh://h:x")).toThrow('parse "ssh://h:x": invalid port ":x" after host');
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
