// What an endpoint's device is called in its container: `eth0`, or as the network or the endpoint says. Pure.
import type { EndpointSettings } from "../api/types/index.ts";
import { invalid } from "../base/errors.ts";
import type { EndpointRecord, NetworkRecord } from "./types.ts";

/** Options by Docker's names, of networks and of endpoints. */
const PREFIX = "com.docker.network.container_iface_prefix";
const NAME = "com.docker.network.endpoint.ifname";
/** IFNAMSIZ of linux/if.h, with its NUL. */
const LONGEST = 15;

/** The name that was asked for, or the first free number behind the prefix. Errors: invalid. */
export function interfaceNameOf(
  network: NetworkRecord,
  settings: EndpointSettings,
  siblings: readonly EndpointRecord[],
): string {
  const used = new Set(siblings.map(({ interfaceName }) => interfaceName));
  const asked = settings.DriverOpts?.[NAME];
  if (asked) {
    if (asked.length > LONGEST || /[/\s:]/.test(asked) || asked === "." || asked === ".." || asked === "lo")
      throw invalid(`invalid interface name ${JSON.stringify(asked)}`);
    if (used.has(asked)) throw invalid(`interface name ${JSON.stringify(asked)} is already in use`);
    return asked;
  }
  const prefix = network.options[PREFIX] || "eth";
  for (let number = 0; ; number++) if (!used.has(`${prefix}${number}`)) return `${prefix}${number}`;
}
