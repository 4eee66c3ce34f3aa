// The networks of a daemon (Engine API, tag Network).
import type { EndpointSettings, IPAM, Network, NetworkCreateResponse } from "../api/types/index.ts";
import { type Connection, encodeFilters, type Filters, segment } from "./connection.ts";

export interface NetworkSpec {
  Name: string;
  Driver?: string;
  Scope?: string;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  ConfigFrom?: { Network: string };
  IPAM?: IPAM;
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  Options?: Record<string, string>;
  Labels?: Record<string, string>;
}

export class Networks {
  constructor(private readonly connection: Connection) {}

  list(filters?: Filters): Promise<Network[]> {
    return this.connection.json("GET", "/networks", { query: { filters: encodeFilters(filters) } });
  }
  /** Refused where there is one of that name. */
  async create(spec: NetworkSpec): Promise<NetworkCreateResponse> {
    // Older daemons take a name twice, if they aren't told to look.
    const old = !(await this.connection.supports("1.44"));
    const json = old ? { ...spec, CheckDuplicate: true } : spec;
    return this.connection.json("POST", "/networks/create", { json });
  }
  inspect(name: string, options: { verbose?: boolean; scope?: string } = {}): Promise<Network> {
    return this.connection.json("GET", `/networks/${segment(name, "network")}`, {
      query: { verbose: options.verbose ? "true" : undefined, scope: options.scope },
    });
  }
  remove(name: string): Promise<void> {
    return this.connection.done("DELETE", `/networks/${segment(name, "network")}`);
  }
  connect(name: string, container: string, endpoint?: EndpointSettings): Promise<void> {
    return this.connection.done("POST", `/networks/${segment(name, "network")}/connect`, {
      json: { Container: container, EndpointConfig: endpoint },
    });
  }
  disconnect(name: string, container: string, options: { force?: boolean } = {}): Promise<void> {
    return this.connection.done("POST", `/networks/${segment(name, "network")}/disconnect`, {
      json: { Container: container, Force: options.force ?? false },
    });
  }
  prune(filters?: Filters): Promise<{ NetworksDeleted?: string[] | null }> {
    return this.connection.json("POST", "/networks/prune", { query: { filters: encodeFilters(filters) } });
  }
}
