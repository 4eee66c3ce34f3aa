// The network part of the Engine API's vocabulary (version 1.51), as written by `npm run api-types`.
import type { Address, PortMap } from "./container.ts";
import type { PeerInfo } from "./swarm.ts";

/**
 * NetworkingConfig represents the container's networking configuration for each of its interfaces. It is
 * used for the networking configs specified in the `docker create` and `docker network connect` commands.
 */
export interface NetworkingConfig {
  /**
   * A mapping of network name to endpoint configuration for that network. The endpoint configuration can be
   * left empty to connect to that network with no particular endpoint configuration.
   */
  EndpointsConfig?: Record<string, EndpointSettings>;
}

/** NetworkSettings exposes the network settings in the API */
export interface NetworkSettings {
  /** Name of the default bridge interface when dockerd's --bridge flag is set. */
  Bridge?: string;
  /** SandboxID uniquely represents a container's network stack. */
  SandboxID?: string;
  /** Indicates if hairpin NAT should be enabled on the virtual interface. */
  HairpinMode?: boolean;
  /** IPv6 unicast address using the link-local prefix. */
  LinkLocalIPv6Address?: string;
  /** Prefix length of the IPv6 unicast address. */
  LinkLocalIPv6PrefixLen?: number;
  Ports?: PortMap;
  /** SandboxKey is the full path of the netns handle */
  SandboxKey?: string;
  /** Deprecated: This field is never set and will be removed in a future release. */
  SecondaryIPAddresses?: Address[] | null;
  /** Deprecated: This field is never set and will be removed in a future release. */
  SecondaryIPv6Addresses?: Address[] | null;
  /** EndpointID uniquely represents a service endpoint in a Sandbox. */
  EndpointID?: string;
  /** Gateway address for the default "bridge" network. */
  Gateway?: string;
  /** Global IPv6 address for the default "bridge" network. */
  GlobalIPv6Address?: string;
  /** Mask length of the global IPv6 address. */
  GlobalIPv6PrefixLen?: number;
  /** IPv4 address for the default "bridge" network. */
  IPAddress?: string;
  /** Mask length of the IPv4 address. */
  IPPrefixLen?: number;
  /** IPv6 gateway address for this network. */
  IPv6Gateway?: string;
  /** MAC address for the container on the default "bridge" network. */
  MacAddress?: string;
  /** Information about all networks that the container is connected to. */
  Networks?: Record<string, EndpointSettings>;
}

export interface Network {
  /** Name of the network. */
  Name?: string;
  /** ID that uniquely identifies a network on a single machine. */
  Id?: string;
  /**
   * Date and time at which the network was created in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt)
   * format with nano-seconds.
   */
  Created?: string;
  /** The level at which the network exists (e.g. `swarm` for cluster-wide or `local` for machine level) */
  Scope?: string;
  /** The name of the driver used to create the network (e.g. `bridge`, `overlay`). */
  Driver?: string;
  /** Whether the network was created with IPv4 enabled. */
  EnableIPv4?: boolean;
  /** Whether the network was created with IPv6 enabled. */
  EnableIPv6?: boolean;
  IPAM?: IPAM;
  /** Whether the network is created to only allow internal networking connectivity. */
  Internal?: boolean;
  /**
   * Whether a global / swarm scope network is manually attachable by regular containers from workers in
   * swarm mode.
   */
  Attachable?: boolean;
  /** Whether the network is providing the routing-mesh for the swarm cluster. */
  Ingress?: boolean;
  ConfigFrom?: ConfigReference;
  /**
   * Whether the network is a config-only network. Config-only networks are placeholder networks for network
   * configurations to be used by other networks. Config-only networks cannot be used directly to run
   * containers or services.
   */
  ConfigOnly?: boolean;
  /** Contains endpoints attached to the network. */
  Containers?: Record<string, NetworkContainer>;
  /** Network-specific options uses when creating the network. */
  Options?: Record<string, string>;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  /**
   * List of peer nodes for an overlay network. This field is only present for overlay networks, and omitted
   * for other network types.
   */
  Peers?: PeerInfo[] | null;
}

/** The config-only network source to provide the configuration for this network. */
export interface ConfigReference {
  /**
   * The name of the config-only network that provides the network's configuration. The specified network
   * must be an existing config-only network. Only network names are allowed, not network IDs.
   */
  Network?: string;
}

export interface IPAM {
  /** Name of the IPAM driver to use. */
  Driver?: string;
  /** List of IPAM configuration options, specified as a map: */
  Config?: IPAMConfig[];
  /** Driver-specific options, specified as a map. */
  Options?: Record<string, string>;
}

export interface IPAMConfig {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
}

export interface NetworkContainer {
  Name?: string;
  EndpointID?: string;
  MacAddress?: string;
  IPv4Address?: string;
  IPv6Address?: string;
}

/** OK response to NetworkCreate operation */
export interface NetworkCreateResponse {
  /** The ID of the created network. */
  Id: string;
  /** Warnings encountered when creating the container */
  Warning: string;
}

/** Configuration for a network endpoint. */
export interface EndpointSettings {
  IPAMConfig?: EndpointIPAMConfig;
  Links?: string[];
  /** MAC address for the endpoint on this network. The network driver might ignore this parameter. */
  MacAddress?: string;
  Aliases?: string[];
  /**
   * DriverOpts is a mapping of driver options and values. These options are passed directly to the driver
   * and are driver specific.
   */
  DriverOpts?: Record<string, string> | null;
  /**
   * This property determines which endpoint will provide the default gateway for a container. The endpoint
   * with the highest priority will be used. If multiple endpoints have the same priority, endpoints are
   * lexicographically sorted based on their network name, and the one that sorts first is picked.
   */
  GwPriority?: number;
  /** Unique ID of the network. */
  NetworkID?: string;
  /** Unique ID for the service endpoint in a Sandbox. */
  EndpointID?: string;
  /** Gateway address for this network. */
  Gateway?: string;
  /** IPv4 address. */
  IPAddress?: string;
  /** Mask length of the IPv4 address. */
  IPPrefixLen?: number;
  /** IPv6 gateway address. */
  IPv6Gateway?: string;
  /** Global IPv6 address. */
  GlobalIPv6Address?: string;
  /** Mask length of the global IPv6 address. */
  GlobalIPv6PrefixLen?: number;
  /**
   * List of all DNS names an endpoint has on a specific network. This list is based on the container name,
   * network aliases, container short ID, and hostname.
   */
  DNSNames?: string[];
}

/** EndpointIPAMConfig represents an endpoint's IPAM configuration. */
export type EndpointIPAMConfig = {
  IPv4Address?: string;
  IPv6Address?: string;
  LinkLocalIPs?: string[];
} | null;
