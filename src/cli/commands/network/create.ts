// `network create`.
import { asMap, checkLabel } from "../../container-options/key-values.ts";
import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { type IpamFlags, ipamOf } from "../../network-options/ipam.ts";

export default command({
  synopsis: "[OPTIONS] NETWORK",
  about: "Create a network",
  args: { exactly: 1 },
  flags: {
    attachable: flag.bool("Enable manual container attachment", { since: "1.25" }),
    "aux-address": flag.map("Auxiliary IPv4 or IPv6 addresses used by Network driver (default map[])"),
    "config-from": flag.string("The network from which to copy the configuration", { since: "1.30" }),
    "config-only": flag.bool("Create a configuration only network", { since: "1.30" }),
    driver: flag.string('Driver to manage the Network (default "bridge")', { short: "d", default: "bridge" }),
    gateway: flag.strings("IPv4 or IPv6 Gateway for the master subnet"),
    ingress: flag.bool("Create swarm routing-mesh network", { since: "1.29" }),
    internal: flag.bool("Restrict external access to the network"),
    "ip-range": flag.strings("Allocate container ip from a sub-range"),
    "ipam-driver": flag.string('IP Address Management Driver (default "default")', { default: "default" }),
    "ipam-opt": flag.map("Set IPAM driver specific options (default map[])"),
    ipv4: flag.bool("Enable or disable IPv4 address assignment (default true)", { default: true }),
    ipv6: flag.bool("Enable or disable IPv6 address assignment"),
    label: flag.listOf("list", checkLabel)("Set metadata on a network"),
    opt: flag.map("Set driver specific options (default map[])", { short: "o" }),
    scope: flag.string("Control the network's scope", { since: "1.30" }),
    subnet: flag.strings("Subnet in CIDR format that represents a network segment"),
  },
  async run(session, { args: [name = ""], flags, given }) {
    const ipam = addresses({
      driver: flags["ipam-driver"],
      subnets: flags.subnet,
      ranges: flags["ip-range"],
      gateways: flags.gateway,
      auxiliary: flags["aux-address"],
      options: flags["ipam-opt"],
    });
    const made = await (await session.client()).networks.create({
      Name: name,
      Driver: flags.driver,
      Scope: flags.scope,
      // What nobody said is the daemon's to decide.
      EnableIPv4: given("ipv4") ? flags.ipv4 : undefined,
      EnableIPv6: given("ipv6") ? flags.ipv6 : undefined,
      IPAM: ipam,
      Internal: flags.internal,
      Attachable: flags.attachable,
      Ingress: flags.ingress,
      ConfigOnly: flags["config-only"],
      ConfigFrom: flags["config-from"] ? { Network: flags["config-from"] } : undefined,
      Options: flags.opt,
      Labels: asMap(flags.label),
    });
    await session.out.line(made.Id);
  },
});

function addresses(flags: IpamFlags) {
  try {
    return ipamOf(flags);
  } catch (thrown) {
    throw fail(describe(thrown));
  }
}
