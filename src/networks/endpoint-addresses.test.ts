// Addresses that somebody chose for an endpoint: which are had, which are refused in Docker's words (compared with 28.5).
import { expect, test } from "bun:test";
import type { EndpointSettings } from "../api/types/index.ts";
import { chooseAddresses, settingsProblems } from "./endpoint-addresses.ts";
import type { NetworkRecord } from "./types.ts";

const network: NetworkRecord = {
  id: "n".padEnd(64, "0"),
  name: "n",
  driver: "bridge",
  scope: "local",
  createdAt: "",
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: true,
  pools: [
    { subnet: "10.1.0.0/24", gateway: "10.1.0.1", auxiliary: { a: "10.1.0.9" } },
    { subnet: "fd00::/64", gateway: "fd00::1" },
  ],
  chosenSubnets: [4, 6],
  options: {},
  labels: {},
  builtIn: false,
};
const choose = (asked: EndpointSettings["IPAMConfig"]) =>
  chooseAddresses(network, asked, new Set(["10.1.0.2"]));

test("an address that was asked for, and the lowest free one beside it", () => {
  expect(choose({ IPv4Address: "10.1.0.200" })).toEqual({
    ipv4: "10.1.0.200",
    prefix4: 24,
    gateway4: "10.1.0.1",
    ipv6: "fd00::2",
    prefix6: 64,
    gateway6: "fd00::1",
  });
});

test.each([
  ["taken", "10.1.0.2"],
  ["the gateway", "10.1.0.1"],
  ["set aside", "10.1.0.9"],
  ["the subnet's own", "10.1.0.0"],
  ["the broadcast", "10.1.0.255"],
])("refused: %s", (_, IPv4Address) => {
  expect(() => choose({ IPv4Address })).toThrow("Address already in use");
});

test("refused: the subnet's own of IPv6, whose last is an address like any other", () => {
  expect(() => choose({ IPv6Address: "fd00::" })).toThrow("Address already in use");
  expect(choose({ IPv6Address: "fd00::ffff:ffff:ffff:ffff" }).ipv6).toBe("fd00::ffff:ffff:ffff:ffff");
});

test("link-local addresses are of the two prefixes that are it", () => {
  expect(choose({ LinkLocalIPs: ["169.254.8.8", "fe80::0:77"] }).linkLocal).toEqual([
    "169.254.8.8",
    "fe80::77",
  ]);
  expect(() => choose({ LinkLocalIPs: ["169.254.8.8", "10.2.2.2"] })).toThrow(
    "invalid link local IP address: 10.2.2.2",
  );
});

test("the address that means none is none", () => {
  expect(settingsProblems({ IPAMConfig: { IPv4Address: "0.0.0.0", IPv6Address: "::" } }, undefined)).toEqual([
    "invalid IPv4 address: 0.0.0.0",
    "invalid IPv6 address: ::",
  ]);
});
