import { describe, expect, test } from "bun:test";
import type { PortMap } from "../api/types/index.ts";
import { groupRequests, parsePorts } from "./port-requests.ts";

const parse = (portBindings: PortMap, exposedPorts: string[] = [], publishAll = false) =>
  parsePorts({ portBindings, exposedPorts, publishAll });

describe("refusals, in Docker's words", () => {
  test.each([
    [{ "80x/tcp": [{ HostPort: "1" }] }, 'invalid port specification: "80x"'],
    [{ "80/tcp": [{ HostPort: "99999" }] }, 'invalid port specification: "99999"'],
    [{ "80/tcp": [{ HostPort: "9-3" }] }, 'invalid port specification: "9-3"'],
    [{ "80/tcp": [{ HostPort: "-1" }] }, 'invalid port specification: "-1"'],
    [{ "80/tcp": [{ HostPort: "1-" }] }, 'invalid port specification: "1-"'],
    [{ "80/tcp": [{ HostPort: "1-2-3" }] }, 'invalid port specification: "1-2-3"'],
    [{ "70000/tcp": [] }, 'invalid port specification: "70000"'],
    [{ "80/icmp": [{ HostPort: "1" }] }, "invalid proto: icmp"],
    [{ "80/tcp": [{ HostIp: "1.2.3", HostPort: "1" }] }, "invalid IP address: 1.2.3"],
  ] as [PortMap, string][])("%j", (bindings, message) => {
    expect(() => parse(bindings)).toThrow(message);
  });
});

test.each([
  [{ "80/tcp": [{ HostPort: "8080" }] }, [["tcp", 80, undefined, 8080, 8080]]],
  [{ "80": [{ HostPort: "" }] }, [["tcp", 80, undefined, 0, 0]]],
  [{ "80/TCP": [{ HostIp: "127.0.0.1", HostPort: "8080-8090" }] }, [["tcp", 80, "127.0.0.1", 8080, 8090]]],
  [{ "53/udp": [{ HostIp: "[::1]", HostPort: "53" }] }, [["udp", 53, "::1", 53, 53]]],
  [{ "53/udp": [{ HostIp: "0:0::1", HostPort: "53/udp" }] }, [["udp", 53, "::1", 53, 53]]],
  [{ "53/udp": [{ HostIp: "::ffff:10.0.0.1", HostPort: "53" }] }, [["udp", 53, "10.0.0.1", 53, 53]]],
  [{ "53/sctp": null }, []],
] as [PortMap, (string | number | undefined)[][]][])("%j", (bindings, requests) => {
  expect(
    parse(bindings).requests.map((r) => [
      r.protocol,
      r.containerPort,
      r.hostAddress,
      r.hostPort,
      r.hostPortEnd,
    ]),
  ).toEqual(requests);
});

test("exact ports come before ranges, then in order of container port and protocol", () => {
  const { requests } = parse({
    "90/tcp": [{ HostPort: "" }],
    "80/udp": [{ HostPort: "9000" }],
    "80/tcp": [{ HostPort: "8000-8010" }, { HostPort: "8005" }],
  });
  expect(requests.map((r) => `${r.containerPort}/${r.protocol}:${r.hostPort}-${r.hostPortEnd}`)).toEqual([
    "80/tcp:8005-8005",
    "80/udp:9000-9000",
    "80/tcp:8000-8010",
    "90/tcp:0-0",
  ]);
});

test("what differs only in the host's address is one group", () => {
  const { requests } = parse({
    "80/tcp": [
      { HostIp: "127.0.0.1", HostPort: "" },
      { HostIp: "::1", HostPort: "" },
      { HostIp: "127.0.0.1", HostPort: "" },
    ],
    "81/tcp": [{ HostPort: "" }],
  });
  expect(groupRequests(requests).map((group) => group.map((r) => r.hostAddress))).toEqual([
    ["127.0.0.1"],
    ["127.0.0.1", "::1"],
    [undefined],
  ]);
});

test("publish-all takes what is exposed and not bound", () => {
  const { requests, exposed } = parse(
    { "80/tcp": [{ HostPort: "8080" }] },
    ["80/tcp", "443/tcp", "53/udp"],
    true,
  );
  expect(requests.map((r) => [r.containerPort, r.protocol, r.hostPort])).toEqual([
    [80, "tcp", 8080],
    [53, "udp", 0],
    [443, "tcp", 0],
  ]);
  expect(exposed).toHaveLength(3);
});
