// Links (`--link` on the default bridge) through a network that keeps its containers apart (icc=false): the linked one's
// exposed ports are open to the one that names it, while both run.
import type { NetworkDriver } from "./drivers/types.ts";
import type { Attached } from "./gateways.ts";
import { parsePorts } from "./port-requests.ts";
import type { Rows } from "./rows.ts";
import type { NetworkRecord, SandboxRecord } from "./types.ts";

/**
 * Opens what links say between a sandbox and the others that run; either may be the one that was started last. They close
 * again as an endpoint of theirs is unplugged. Errors: system, where the network can't open them.
 */
export function settleLinks(
  sandbox: SandboxRecord,
  options: {
    rows: Rows;
    attached: (sandbox: SandboxRecord) => Attached[];
    driverOf: (network: NetworkRecord) => NetworkDriver;
  },
): void {
  const { rows, attached, driverOf } = options;
  const apart = attached(sandbox).filter(({ network }) => driverOf(network).keepsApart?.(network));
  if (apart.length === 0) return;
  for (const other of rows.sandboxes.all()) {
    if (other.id === sandbox.id) continue;
    if (sandbox.request.links?.includes(other.id)) open(sandbox, other);
    if (other.request.links?.includes(sandbox.id)) open(other, sandbox);
  }

  function open(from: SandboxRecord, to: SandboxRecord): void {
    const targets = attached(to);
    for (const { network, endpoint } of attached(from)) {
      const target = targets.find((one) => one.network.id === network.id);
      const ports = parsePorts(to.request).exposed;
      if (target && ports.length > 0)
        driverOf(network).link?.(network, { from: endpoint, to: target.endpoint, ports });
    }
  }
}
