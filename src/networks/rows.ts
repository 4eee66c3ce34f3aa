// What this room keeps in the store: networks, sandboxes, endpoints, and two tables whose ids make double use impossible.
import type { Documents, Store } from "../store/types.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "./types.ts";

/** One address given out; its id is `NETWORK/ADDRESS`. */
export interface AddressRow {
  id: string;
  networkId: string;
  endpointId: string;
  address: string;
}

/** One host port published; its id is `PROTOCOL/ADDRESS/PORT`. */
export interface PortRow {
  id: string;
  endpointId: string;
  protocol: "tcp" | "udp" | "sctp";
  hostAddress: string;
  hostPort: number;
}

export interface Rows {
  networks: Documents<NetworkRecord>;
  sandboxes: Documents<SandboxRecord>;
  endpoints: Documents<EndpointRecord>;
  addresses: Documents<AddressRow>;
  ports: Documents<PortRow>;
  transaction<T>(work: () => T): T;
  /** Grows with every change of networks, sandboxes and endpoints by this process, which is alone with them. */
  revision(): number;
}

export function openRows(store: Store): Rows {
  let revision = 0;
  const counted = <T extends { id: string }>(documents: Documents<T>): Documents<T> => ({
    ...documents,
    put(document) {
      revision++;
      documents.put(document);
    },
    delete(id) {
      revision++;
      return documents.delete(id);
    },
  });
  return {
    networks: counted(store.documents<NetworkRecord>("networks")),
    sandboxes: counted(store.documents<SandboxRecord>("sandboxes")),
    endpoints: counted(store.documents<EndpointRecord>("endpoints")),
    addresses: store.documents<AddressRow>("addresses"),
    ports: store.documents<PortRow>("ports"),
    transaction: (work) => store.transaction(work),
    revision: () => revision,
  };
}

export const addressRow = (networkId: string, endpointId: string, address: string): AddressRow => ({
  id: `${networkId}/${address}`,
  networkId,
  endpointId,
  address,
});

export const portRow = (endpointId: string, port: Omit<PortRow, "id" | "endpointId">): PortRow => ({
  id: `${port.protocol}/${port.hostAddress}/${port.hostPort}`,
  endpointId,
  ...port,
});

/** Takes an endpoint's rows away, and with it its addresses and ports. Inside the caller's transaction. */
export function deleteEndpointRows(rows: Rows, endpoint: EndpointRecord): void {
  for (const row of rows.addresses.where("endpointId", endpoint.id)) rows.addresses.delete(row.id);
  for (const row of rows.ports.where("endpointId", endpoint.id)) rows.ports.delete(row.id);
  rows.endpoints.delete(endpoint.id);
}

/** A sandbox's rows away, all of them. Inside the caller's transaction. */
export function deleteSandboxRows(rows: Rows, sandboxId: string): void {
  for (const endpoint of rows.endpoints.where("sandboxId", sandboxId)) deleteEndpointRows(rows, endpoint);
  rows.sandboxes.delete(sandboxId);
}
