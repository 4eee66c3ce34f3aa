// What went through a sandbox's devices: asked inside its namespace, where the container's `rx` is rx and their names
// are its own. No process is started, and the namespace is left before this returns.

import { openRoute } from "../linux/netlink/socket.ts";
import { type LinkStatistics, linkStatistics } from "../linux/netlink/statistics.ts";
import { inNamespace } from "../linux/netns.ts";
import type { EndpointRecord } from "./types.ts";

/** Counters by the devices' names. A namespace that is being taken away gives none. */
export function sandboxStatistics(
  file: string,
  endpoints: readonly EndpointRecord[],
): Record<string, LinkStatistics> {
  const found: Record<string, LinkStatistics> = {};
  try {
    using socket = inNamespace(file, openRoute);
    for (const { interfaceName = "eth0" } of endpoints) {
      const statistics = linkStatistics(socket, interfaceName);
      if (statistics) found[interfaceName] = statistics;
    }
  } catch {
    return {}; // the sandbox was let go between its row and here
  }
  return found;
}
