// `network connect`.
import { checkLink } from "../../container-options/key-values.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { cut, flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] NETWORK CONTAINER",
  about: "Connect a container to a network",
  args: { exactly: 2 },
  flags: {
    alias: flag.strings("Add network-scoped alias for the container"),
    "driver-opt": flag.strings("driver options for the network"),
    "gw-priority": flag.int(
      "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
    ),
    ip: flag.string('IPv4 address (e.g., "172.30.100.104")'),
    ip6: flag.string('IPv6 address (e.g., "2001:db8::33")'),
    link: flag.listOf("list", checkLink)("Add link to another container"),
    "link-local-ip": flag.strings("Add a link-local address for the container"),
  },
  async run(session, { args: [network = "", container = ""], flags }) {
    const driverOptions = Object.fromEntries(flags["driver-opt"].map(driverOption));
    await (await session.client()).networks.connect(network, container, {
      IPAMConfig: {
        IPv4Address: flags.ip || undefined,
        IPv6Address: flags.ip6 || undefined,
        LinkLocalIPs: flags["link-local-ip"].length > 0 ? flags["link-local-ip"] : undefined,
      },
      Links: flags.link.length > 0 ? flags.link : undefined,
      Aliases: flags.alias,
      DriverOpts: driverOptions,
      GwPriority: flags["gw-priority"],
    });
  },
});

function driverOption(text: string): [name: string, value: string] {
  const [rawName, value] = cut(text, "=");
  const name = rawName.trim();
  if (value === undefined || name === "") throw fail("invalid key/value pair format in driver options");
  return [name, value.trim()];
}
