// Which of a sandbox's endpoints leads out, of each family: there the default route goes, and its ports are published.
// The order is libnetwork's (Endpoint.Less): what was asked for, then what leads out at all, then the name. Pure.
import type { EndpointRecord, NetworkRecord } from "./types.ts";

export interface Attached {
  endpoint: EndpointRecord;
  network: NetworkRecord;
  priority: number;
}

export const leadsOut = ({ addresses, routeByDevice }: EndpointRecord, family: 4 | 6): boolean =>
  family === 4
    ? Boolean(addresses.gateway4 || (routeByDevice && addresses.ipv4))
    : Boolean(addresses.gateway6 || (routeByDevice && addresses.ipv6));

const families = ({ endpoint }: Attached) => Number(leadsOut(endpoint, 4)) + Number(leadsOut(endpoint, 6));

export function byPreference(a: Attached, b: Attached): number {
  return (
    b.priority - a.priority ||
    Number(a.network.internal) - Number(b.network.internal) ||
    families(b) - families(a) ||
    (a.network.name < b.network.name ? -1 : 1)
  );
}

export function gatewaysOf(attached: readonly Attached[]): { four?: EndpointRecord; six?: EndpointRecord } {
  const ordered = [...attached].sort(byPreference).map(({ endpoint }) => endpoint);
  const four = ordered.find((endpoint) => leadsOut(endpoint, 4));
  const six = ordered.find((endpoint) => leadsOut(endpoint, 6));
  return { ...(four && { four }), ...(six && { six }) };
}
