// Kernel parameters set in the container's own namespaces (`linux.sysctl`).
import type { BundleInput } from "../types.ts";
import { DEFAULT_SYSCTLS, type HostFacts } from "./host-facts.ts";
import { hasUserNamespace, joinedContainer } from "./namespaces.ts";

/** Defaults for a network namespace of its own, then what the network room asks for, then the user's. */
export function sysctls(input: BundleInput, host: Pick<HostFacts, "sysctls">): Record<string, string> {
  const { NetworkMode: mode } = input.hostConfig;
  const own = mode !== "host" && joinedContainer(mode) === undefined;
  const values: Record<string, string> = {};
  if (own)
    for (const name of host.sysctls) {
      // The range's upper end is not mapped in a user namespace of the container's own.
      if (name === "net.ipv4.ping_group_range" && hasUserNamespace(input)) continue;
      values[name] = DEFAULT_SYSCTLS[name] ?? "";
    }
  // The NIS domain name has no field of its own in the specification.
  if (input.config.Domainname) values["kernel.domainname"] = input.config.Domainname;
  return { ...values, ...input.sysctls, ...input.hostConfig.Sysctls };
}
