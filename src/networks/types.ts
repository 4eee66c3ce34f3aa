// Networks. Terms, as in libnetwork and CNI:
//
//   network   a row: driver, subnets, options, scope
//   sandbox   a container's network namespace (or the host's): what lives in it, where its file is
//   endpoint  a sandbox's place in a network: addresses, MAC, names, published ports
//   allocate  decide and store (addresses, identifiers): no kernel
//   realise   make what is stored exist in this kernel: devices, addresses, rules; idempotent, so that start,
//             restart and reconciling after a crash are the same code
import type {
  Network as ApiNetwork,
  EndpointSettings,
  IPAM,
  NetworkingConfig,
  PortMap,
} from "../api/types/index.ts";
import type { DaemonConfig } from "../engine/types.ts";
import type { LinkStatistics } from "../linux/netlink/statistics.ts";

/** The daemon's settings that this room reads. */
export type NetworksConfig = Pick<
  DaemonConfig,
  | "bridge"
  | "bip"
  | "bip6"
  | "fixedCidr"
  | "fixedCidrV6"
  | "defaultGateway"
  | "defaultGatewayV6"
  | "defaultNetworkOpts"
  | "ip"
  | "hostGatewayIps"
  | "ipv6"
  | "defaultAddressPools"
  | "mtu"
  | "icc"
  | "ipForward"
  | "ipMasq"
  | "nftables"
  | "userlandProxy"
  | "dns"
  | "dnsOptions"
  | "dnsSearch"
>;

export type NetworkScope = "local" | "cluster";

export interface NetworkRecord {
  id: string;
  name: string;
  driver: string;
  scope: NetworkScope;
  createdAt: string;
  internal: boolean;
  attachable: boolean;
  enableIPv4: boolean;
  enableIPv6: boolean;
  /** CIDR subnets with gateway, as decided. */
  pools: {
    subnet: string;
    gateway?: string;
    /** Nobody asked for this gateway: in force, but not shown in a subnet that was given (Docker 28). */
    gatewayHidden?: boolean;
    range?: string;
    auxiliary?: Record<string, string>;
  }[];
  /** Families whose subnets somebody chose: only there an endpoint may ask for an address. */
  chosenSubnets?: (4 | 6)[];
  ipam?: { driver: string; options: Record<string, string> | null };
  options: Record<string, string>;
  labels: Record<string, string>;
  /** The default networks can't be removed. */
  builtIn: boolean;
  /** Only a template for others. */
  configOnly?: boolean;
  /** Name of the template that its settings are from. */
  configFrom?: string;
}

/** What somebody asks a new network to be: the body of `POST /networks/create`. */
export interface NetworkRequest {
  Name?: string;
  Driver?: string;
  Scope?: string;
  EnableIPv4?: boolean | null;
  EnableIPv6?: boolean | null;
  IPAM?: IPAM | null;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  ConfigFrom?: { Network?: string } | null;
  Options?: Record<string, string> | null;
  Labels?: Record<string, string> | null;
}

export interface PortBindingDecision {
  protocol: "tcp" | "udp" | "sctp";
  containerPort: number;
  hostAddress: string;
  hostPort: number;
}

export interface EndpointRecord {
  id: string;
  sandboxId: string;
  networkId: string;
  scope: NetworkScope;
  addresses: {
    ipv4?: string;
    ipv6?: string;
    prefix4?: number;
    prefix6?: number;
    gateway4?: string;
    gateway6?: string;
    linkLocal?: string[];
  };
  /** The default route is the device itself, without a gateway's address: ipvlan's L3 mode. */
  routeByDevice?: boolean;
  mac?: string;
  interfaceName?: string;
  ports: PortBindingDecision[];
}

export interface SandboxRecord {
  id: string; // the container's id
  /** 64 hex digits, new with each allocation; the pin's name is its beginning. Empty for a shared one. */
  key: string;
  mode: "private" | "host" | "none" | "shared";
  /** Whose namespace it shares (`--network container:ID`). */
  sharedWith?: string;
  scope: NetworkScope;
  /** Where its name server listens, so that the next daemon's is found by the rules in the namespace. */
  namePorts?: { udp: number; tcp: number };
  /** What was asked, by the networks' names, so that `realise` needs nothing but the row. */
  request: SandboxRequest;
}

/** What a container asks of the network. */
export interface SandboxRequest {
  containerId: string;
  containerName: string;
  /** HostConfig.NetworkMode: bridge, default, host, none, container:ID, or a network's name or id. */
  networkMode: string;
  networkingConfig?: NetworkingConfig;
  /** `networkingConfig` names all of its networks; else the mode's own is one of them. */
  namedNetworksOnly?: boolean;
  portBindings: PortMap;
  exposedPorts: string[];
  publishAll: boolean;
  hostname: string;
  domainname?: string;
  extraHosts: string[];
  dns: string[];
  dnsOptions: string[];
  dnsSearch: string[];
  macAddress?: string;
  /** Ids of the containers that it links to (`--link` on the default bridge). */
  links?: string[];
}

export type NetworkFilters = Record<string, readonly string[]>;

/** What the start of a container gets back. */
export interface RealisedSandbox {
  /** Path of the pinned namespace file; null: the host's network. */
  namespace: string | null;
  /** Whose sandbox it is (`--network container:ID`): Docker mounts that container's files instead of new ones. */
  filesOf?: string;
  /** Contents for the container's files. */
  hosts: string;
  resolvConf: string;
  /** Sysctls that belong to the namespace. */
  sysctls: Record<string, string>;
  /** Host ports that the container's shim must keep while the container runs. */
  reserve: HostPort[];
}

/** A host's port that is one container's. */
export interface HostPort {
  protocol: "tcp" | "udp";
  address: string;
  port: number;
  /** The container's port, where rules don't lead to it for everybody: what arrives has to be carried there. */
  forward?: { address: string; port: number };
}

export interface SandboxStatus {
  /** 64 hex digits; empty, with the key, for a sandbox shared with another container. */
  sandboxId: string;
  sandboxKey: string;
  endpoints: Record<string, EndpointSettings>;
  ports: PortMap;
}

export interface Networks {
  /** Bad port, unknown network, address outside the subnet…: refused here in Docker's words. */
  check(request: SandboxRequest): void;
  /** Decides addresses and host ports in one transaction. Conflict "…port is already allocated" names the holder. */
  allocate(request: SandboxRequest): Promise<SandboxRecord>;
  /** Namespace, devices, rules. Undoes what it made when it fails. */
  realise(containerId: string): Promise<RealisedSandbox>;
  /** Devices and rules away, addresses and ports free. The slow part of deleting goes on after the promise. */
  release(containerId: string): Promise<void>;
  /** undefined: nothing is allocated for the container (it never started, or it stopped). */
  status(containerId: string): SandboxStatus | undefined;
  /**
   * Settings to show for a container that does not run: its networks by name, without addresses. As in Docker, the
   * network's id is there once the container was `started`.
   */
  idle(request: SandboxRequest, options?: { started: boolean }): SandboxStatus;
  /**
   * Counters of the container's devices by their names inside (those of whose network it shares); none where it has no
   * network of its own or does not run.
   */
  statistics(containerId: string): Record<string, LinkStatistics>;
  /**
   * Connects a running container: rows, device, default route, published ports; all of it or nothing. `alongside` runs
   * in the transaction of the rows, and gives what undoes it in the one that takes them back.
   * Errors: forbidden, invalid, conflict, in Docker's words.
   */
  connect(
    containerId: string,
    network: NetworkRecord,
    networking: NetworkingConfig,
    alongside: () => () => void,
  ): void;
  /** Takes a running container off a network; `networking` is what is left. Errors: system when it is not on it. */
  disconnect(
    containerId: string,
    network: NetworkRecord,
    networking: NetworkingConfig,
    alongside: () => void,
  ): void;
  /** Whether a container may be connected to a network, be it running or not. Errors: invalid. */
  checkConnection(request: SandboxRequest, network: NetworkRecord, settings: EndpointSettings): void;
  /** The names under which a container's settings have networks, each with its record where it is there. */
  named(request: SandboxRequest): Map<string, NetworkRecord | undefined>;
  /** The host's ports of a running container: they change when it is connected and disconnected. */
  hostPorts(containerId: string): HostPort[];
  /** What a running container's files should say now: they change when it is connected and disconnected. */
  files(containerId: string): { hosts: string; resolvConf: string } | undefined;
  /** Makes a network. Errors: invalid, forbidden, conflict, not-found, in Docker's words. */
  create(request: NetworkRequest): NetworkRecord;
  /** Errors: forbidden for a default network and for one with endpoints. */
  remove(network: NetworkRecord): void;
  /** The container has a new name: `networks/{id}` shows it. */
  renamed(containerId: string, name: string): void;
  /** Filters of `GET /networks`: driver, type, id, name, label, scope, dangling. Errors: invalid, in Docker's words. */
  list(filters?: NetworkFilters): NetworkRecord[];
  find(nameOrId: string): NetworkRecord; // throws not-found "network X not found"
  toApi(record: NetworkRecord, options: { containers: boolean }): ApiNetwork;
  /**
   * At start-up and on SIGHUP: default networks, rules and devices as the rows of `alive` containers (by id) say; the
   * rest away. A sandbox whose container is alive but whose namespace is gone is left as it is, and logged.
   */
  reconcile(alive: ReadonlySet<string>): Promise<void>;
  close(): Promise<void>;
}
