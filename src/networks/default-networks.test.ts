import { expect, test } from "bun:test";
import { checkConfig } from "./default-networks.ts";
import type { NetworksConfig } from "./types.ts";

const config: NetworksConfig = {
  bridge: "berth0",
  ipv6: false,
  defaultAddressPools: [],
  mtu: 1500,
  icc: true,
  ipForward: true,
  ipMasq: true,
  nftables: true,
  userlandProxy: true,
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
};

test.each([
  [{ bip: "10.0.0" }, "parse bip failed: invalid CIDR address: 10.0.0"],
  [{ bip: "10.0.0.1" }, "parse bip failed: invalid CIDR address: 10.0.0.1"],
  [{ bip: "10.0.0.1/33" }, "parse bip failed: invalid CIDR address: 10.0.0.1/33"],
  [{ bip6: "x" }, "parse bip6 failed: invalid CIDR address: x"],
  [{ fixedCidr: "x" }, "parse fixed-cidr failed: invalid CIDR address: x"],
  [{ fixedCidrV6: "x" }, "parse fixed-cidr-v6 failed: invalid CIDR address: x"],
  [{ defaultAddressPools: [{ base: "x", size: 8 }] }, 'invalid base pool "x": invalid CIDR address: x'],
  [
    { defaultAddressPools: [{ base: "10.0.0.0/16", size: 8 }] },
    "network at index 0 (10.0.0.0/16) has a smaller prefix (/16) than the target size of that pool (/8)",
  ],
  [{ ip: "1.2.3" }, "invalid IP address: 1.2.3"],
  [{ hostGatewayIps: ["fd00::1", "nope"] }, "invalid IP address: nope"],
] as [Partial<NetworksConfig>, string][])("%j is refused", (differences, message) => {
  expect(() => checkConfig({ ...config, ...differences }, "berth0")).toThrow(message);
});

test.each(["", "a b", 'x"; flush ruleset', "0abc", "a".repeat(16), "x/y"])(
  "%j is no bridge's name",
  (name) => {
    expect(() => checkConfig(config, name)).toThrow("invalid bridge name");
  },
);

test("good settings pass", () => {
  checkConfig(
    {
      ...config,
      bip: "192.168.1.5/24",
      fixedCidr: "192.168.1.0/25",
      ip: "127.0.0.1",
      fixedCidrV6: "fd00::/80",
    },
    "docker-x_1.2",
  );
});
