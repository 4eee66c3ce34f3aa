// What becomes of a request for a network: subnets, gateways, refusals in Docker's words (compared with 28.5).
import { describe, expect, test } from "bun:test";
import { decideNetwork, type Surroundings } from "./create-network.ts";
import { emptyRecord } from "./network-record.ts";
import { parseCidr } from "./prefix.ts";
import type { NetworkRecord, NetworkRequest, NetworksConfig } from "./types.ts";

const config: NetworksConfig = {
  bridge: "docker0",
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

const record = (name: string, subnet: string, more: Partial<NetworkRecord> = {}): NetworkRecord => ({
  ...emptyRecord(name, "bridge"),
  pools: subnet ? [{ subnet }] : [],
  ...more,
});

const host = record("host", "", { driver: "host", builtIn: true });
const around = (more: Partial<Surroundings> = {}, used: string[] = []): Surroundings => ({
  networks: [record("bridge", "172.17.0.0/16", { builtIn: true }), host],
  config,
  drivers: new Set(["bridge", "host", "null", "macvlan"]),
  choosesGateway: () => true,
  used: () => used.map((text) => parseCidr(text)!.prefix),
  ...more,
});
const decide = (request: NetworkRequest, more?: Partial<Surroundings>, used?: string[]) =>
  decideNetwork({ Name: "n", ...request }, around(more, used));
const ipam = (...Config: Record<string, unknown>[]): NetworkRequest => ({ IPAM: { Config } as never });

describe("subnets", () => {
  test("the first of the pools that neither a network nor a route has", () => {
    expect(decide({}).pools).toEqual([{ subnet: "172.18.0.0/16", gateway: "172.18.0.1" }]);
    expect(decide({}, {}, ["172.18.3.0/24", "172.16.0.0/14"]).pools[0]?.subnet).toBe("172.20.0.0/16");
  });
  test("configured pools are all there is", () => {
    const small = { ...config, defaultAddressPools: [{ base: "10.5.0.0/23", size: 24 }] };
    const first = decide({}, { config: small });
    expect(first.pools[0]?.subnet).toBe("10.5.0.0/24");
    const networks = [first, record("b", "10.5.1.0/24")];
    expect(() => decide({ Name: "m" }, { config: small, networks })).toThrow(
      "all predefined address pools have been fully subnetted",
    );
  });
  test("IPv6 without a pool: /64s of one prefix, the same for a data root", () => {
    const first = decide({ EnableIPv6: true, EnableIPv4: false });
    expect(first.pools[0]?.subnet).toMatch(/^fd[0-9a-f:]+::\/64$/);
    const second = decide({ EnableIPv6: true, EnableIPv4: false, Name: "m" }, { networks: [host, first] });
    expect(second.pools[0]?.subnet).not.toBe(first.pools[0]?.subnet as string);
    expect(second.pools[0]?.subnet.split(":").slice(0, 3)).toEqual(
      first.pools[0]?.subnet.split(":").slice(0, 3) as string[],
    );
  });
  test("what was given comes first, as Docker lists it, and its gateway isn't shown", () => {
    const { pools, chosenSubnets } = decide({ EnableIPv6: true, ...ipam({ Subnet: "fd00:1::/64" }) });
    expect(pools).toEqual([
      { subnet: "fd00:1::/64", gateway: "fd00:1::1", gatewayHidden: true },
      { subnet: "172.18.0.0/16", gateway: "172.18.0.1" },
    ]);
    expect(chosenSubnets).toEqual([6]);
  });
  test("a gateway that nobody chose is the first of the range", () => {
    expect(decide(ipam({ Subnet: "10.1.0.0/24", IPRange: "10.1.0.128/25" })).pools[0]?.gateway).toBe(
      "10.1.0.128",
    );
    expect(decide(ipam({ Subnet: "10.1.0.0/24", IPRange: "10.1.0.0/25" })).pools[0]?.gateway).toBe(
      "10.1.0.1",
    );
  });
  test("range, gateway and auxiliary addresses as they were asked for", () => {
    const asked = {
      Subnet: "10.1.0.0/24",
      IPRange: "10.1.0.128/25",
      Gateway: "10.1.0.254",
      AuxiliaryAddresses: { router: "10.1.0.129" },
    };
    expect(decide(ipam(asked)).pools).toEqual([
      {
        subnet: "10.1.0.0/24",
        gateway: "10.1.0.254",
        range: "10.1.0.128/25",
        auxiliary: { router: "10.1.0.129" },
      },
    ]);
  });
});

test("options of the daemon's own choice, but where the request says otherwise", () => {
  const defaultNetworkOpts = { bridge: { a: "1", b: "2", "com.docker.network.enable_ipv6": "true" } };
  const made = decide({ Options: { b: "3" } }, { config: { ...config, defaultNetworkOpts } });
  expect(made).toMatchObject({ enableIPv6: true, options: { a: "1", b: "3" } });
  const four = decide({ EnableIPv6: false }, { config: { ...config, defaultNetworkOpts } });
  expect(four).toMatchObject({ enableIPv6: false, options: { a: "1", b: "2" } });
});

const template = record("template", "10.10.0.0/24", {
  configOnly: true,
  driver: "null",
  options: { a: "b" },
});

describe("templates", () => {
  test("a network from one has its settings", () => {
    const made = decide({ ConfigFrom: { Network: "template" } }, { networks: [host, template] });
    expect(made).toMatchObject({ driver: "bridge", configFrom: "template", options: { a: "b" } });
    expect(made.pools).toEqual([{ subnet: "10.10.0.0/24", gateway: "10.10.0.1", gatewayHidden: true }]);
  });
  test("one is of no driver, and takes no subnet from others", () => {
    const networks = [host, record("other", "10.10.0.0/16")];
    const made = decide({ ConfigOnly: true, ...ipam({ Subnet: "10.10.0.0/24" }) }, { networks });
    expect(made).toMatchObject({ driver: "null", configOnly: true, pools: [{ subnet: "10.10.0.0/24" }] });
  });
});

test.each<[string, NetworkRequest, string, string]>([
  ["predefined", { Name: "bridge" }, "forbidden", "operation is not permitted on predefined bridge network "],
  ["no name", { Name: "" }, "invalid", "invalid name: name is empty"],
  ["taken", { Name: "template" }, "conflict", "network with name template already exists"],
  ["driver", { Driver: "nosuch" }, "not-found", 'plugin "nosuch" not found'],
  ["IPAM driver", { IPAM: { Driver: "nosuch" } }, "not-found", 'plugin "nosuch" not found'],
  ["swarm", { Scope: "swarm" }, "forbidden", "cannot create a swarm scoped network when swarm is not active"],
  ["no family", { EnableIPv4: false }, "invalid", "IPv4 or IPv6 must be enabled"],
  [
    "host bits",
    ipam({ Subnet: "10.9.0.1/24" }),
    "invalid",
    "invalid network config:\ninvalid subnet 10.9.0.1/24: it should be 10.9.0.0/24",
  ],
  [
    "no subnet",
    ipam({ Gateway: "10.9.0.1" }),
    "invalid",
    "invalid network config:\ninvalid subnet : invalid CIDR block notation",
  ],
  [
    "all of it",
    ipam({
      Subnet: "10.9.0.0/24",
      Gateway: "10.8.0.1",
      IPRange: "10.8.0.0/16",
      AuxiliaryAddresses: { x: "1.2.3.4" },
    }),
    "invalid",
    "invalid network config:\n" +
      "* invalid ip-range 10.8.0.0/16: CIDR block is bigger than its parent subnet 10.9.0.0/24\n" +
      "* invalid ip-range 10.8.0.0/16: parent subnet 10.9.0.0/24 doesn't contain ip-range\n" +
      "* invalid gateway 10.8.0.1: parent subnet 10.9.0.0/24 doesn't contain this address\n" +
      "* invalid auxiliary address x: parent subnet 10.9.0.0/24 doesn't contain this address",
  ],
  [
    "overlap",
    ipam({ Subnet: "172.17.4.0/24" }),
    "forbidden",
    "invalid pool request: Pool overlaps with other one on this address space",
  ],
  [
    "a gateway that is the broadcast",
    ipam({ Subnet: "10.9.0.0/24", Gateway: "10.9.0.255" }),
    "forbidden",
    "failed to allocate gateway (10.9.0.255): Address already in use",
  ],
  [
    "a gateway that is the subnet's own address",
    ipam({ Subnet: "10.9.0.0/24", Gateway: "10.9.0.0" }),
    "forbidden",
    "failed to allocate gateway (10.9.0.0): Address already in use",
  ],
  [
    "the gateway set aside",
    ipam({ Subnet: "10.9.0.0/24", AuxiliaryAddresses: { a: "10.9.0.1" } }),
    "forbidden",
    "failed to allocate secondary ip address (a:10.9.0.1): Address already in use",
  ],
  [
    "no template",
    { ConfigFrom: { Network: "nope" } },
    "not-found",
    'configuration network "nope" does not exist',
  ],
  [
    "a template and options",
    { ConfigFrom: { Network: "template" }, Options: { x: "y" } },
    "forbidden",
    "network driver options are not supported if the network depends on a configuration network",
  ],
])("refused: %s", (_, request, kind, message) => {
  const networks = [...around().networks, template];
  expect(() => decide(request, { networks })).toThrow(expect.objectContaining({ kind, message }) as never);
});

test.each<[string, NetworkRequest, NetworkRecord["pools"]]>([
  ["chosen by us", {}, [{ subnet: "172.18.0.0/16" }]],
  ["given", ipam({ Subnet: "10.9.0.0/24" }), [{ subnet: "10.9.0.0/24" }]],
  [
    "given, with a gateway",
    ipam({ Subnet: "10.9.0.0/24", Gateway: "10.9.0.7" }),
    [{ subnet: "10.9.0.0/24", gateway: "10.9.0.7" }],
  ],
])("where the driver has no use for a gateway, a subnet has one only when asked: %s", (_, request, pools) => {
  expect(decide(request, { choosesGateway: () => false }).pools).toEqual(pools);
});
