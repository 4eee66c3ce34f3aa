// The options of macvlan and ipvlan networks, without a kernel.
import { expect, test } from "bun:test";
import { emptyRecord } from "../network-record.ts";
import type { NetworkRecord } from "../types.ts";
import { checkIpvlan } from "./ipvlan.ts";
import { checkMacvlan } from "./macvlan.ts";
import { parseVlan } from "./parent-device.ts";

const network = (driver: string, options: Record<string, string>, id = "a".repeat(64)): NetworkRecord => ({
  ...emptyRecord(driver, driver),
  id,
  options,
});
const OTHER = "0123456789abcdef".repeat(4);

test.each([
  ["eth0.50", { device: "eth0", id: 50 }],
  ["eth0.0", { device: "eth0", id: 0 }],
  ["eth0.-1", { device: "eth0", id: -1 }],
  ["eth0", "invalid subinterface vlan name eth0, example formatting is eth0.10"],
  ["eth0.x", "unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)"],
  ["eth0.", "unable to parse a valid vlan id from:  (ex. eth0.10 for vlan 10)"],
  [
    "eth0.1.2",
    "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received eth0.1.2",
  ],
])("the parent %s as a VLAN", (name, expected) => {
  expect(parseVlan(name)).toEqual(expected);
});

test.each<[Record<string, string>, Record<string, string> | undefined, string | undefined]>([
  [{}, {}, undefined],
  [{ parent: "eth0", macvlan_mode: "" }, { parent: "eth0" }, undefined],
  [{ parent: "eth0", macvlan_mode: "vepa", whatever: "1" }, undefined, undefined],
  [
    { macvlan_mode: "zz" },
    undefined,
    "requested macvlan mode 'zz' is not valid, 'bridge' mode is the macvlan driver default",
  ],
  // A name of Object.prototype is no mode either.
  [
    { macvlan_mode: "toString" },
    undefined,
    "requested macvlan mode 'toString' is not valid, 'bridge' mode is the macvlan driver default",
  ],
  [{ parent: "lo" }, undefined, "loopback interface is not a valid macvlan parent link"],
  [
    { parent: "eth0", macvlan_mode: "passthru" },
    { parent: "eth0" },
    `cannot use mode passthru, macvlan network ${OTHER} is already using parent interface eth0`,
  ],
  [
    { parent: "eth0" },
    { parent: "eth0", macvlan_mode: "passthru" },
    `macvlan network ${OTHER} is already using parent interface eth0 in mode passthru`,
  ],
  [{ parent: "eth0", macvlan_mode: "passthru" }, { parent: "eth1" }, undefined],
])("macvlan %p beside %p", (options, beside, expected) => {
  const others = beside ? [network("macvlan", beside, OTHER)] : [];
  const check = () => checkMacvlan(network("macvlan", options), others);
  if (expected) expect(check).toThrow(expected);
  else check();
});

test.each<[Record<string, string>, Record<string, string> | undefined, string | undefined]>([
  [{}, {}, undefined],
  [{ parent: "eth0", ipvlan_mode: "l3s", ipvlan_flag: "private" }, { parent: "eth1" }, undefined],
  [
    { ipvlan_mode: "zz" },
    undefined,
    "requested ipvlan mode 'zz' is not valid, 'l2' mode is the ipvlan driver default",
  ],
  [
    { ipvlan_flag: "zz" },
    undefined,
    "requested ipvlan flag 'zz' is not valid, 'bridge' is the ipvlan driver default",
  ],
  [{ parent: "lo" }, undefined, "loopback interface is not a valid ipvlan parent link"],
  [{ parent: "eth0" }, { parent: "eth0" }, "network di-0123456789ab is already using parent interface eth0"],
])("ipvlan %p beside %p", (options, beside, expected) => {
  const others = beside ? [network("ipvlan", beside, OTHER)] : [];
  const check = () => checkIpvlan(network("ipvlan", options), others);
  if (expected) expect(check).toThrow(expected);
  else check();
});
