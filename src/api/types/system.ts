// The system part of the Engine API's vocabulary (version 1.51), as written by `npm run api-types`.
import type { RegistryServiceConfig } from "./image.ts";
import type { GenericResources, SwarmInfo } from "./swarm.ts";

/** DeviceInfo represents a device that can be used by a container. */
export interface DeviceInfo {
  /** The origin device driver. */
  Source?: string;
  /**
   * The unique identifier for the device within its source driver. For CDI devices, this would be an FQDN
   * like "vendor.com/gpu=0".
   */
  ID?: string;
}

/** Response of Engine API: GET "/version" */
export interface SystemVersion {
  Platform?: {
    Name: string;
  };
  /** Information about system components */
  Components?: {
    /** Name of the component */
    Name: string;
    /** Version of the component */
    Version: string;
    /**
     * Key/value pairs of strings with additional information about the component. These values are intended
     * for informational purposes only, and their content is not defined, and not part of the API
     * specification.
     */
    Details?: Record<string, unknown> | null;
  }[];
  /** The version of the daemon */
  Version?: string;
  /** The default (and highest) API version that is supported by the daemon */
  ApiVersion?: string;
  /** The minimum API version that is supported by the daemon */
  MinAPIVersion?: string;
  /** The Git commit of the source code that was used to build the daemon */
  GitCommit?: string;
  /** The version Go used to compile the daemon, and the version of the Go runtime in use. */
  GoVersion?: string;
  /** The operating system that the daemon is running on ("linux" or "windows") */
  Os?: string;
  /** The architecture that the daemon is running on */
  Arch?: string;
  /** The kernel version (`uname -r`) that the daemon is running on. */
  KernelVersion?: string;
  /** Indicates if the daemon is started with experimental features enabled. */
  Experimental?: boolean;
  /** The date and time that the daemon was compiled. */
  BuildTime?: string;
}

export interface SystemInfo {
  /** Unique identifier of the daemon. */
  ID?: string;
  /** Total number of containers on the host. */
  Containers?: number;
  /** Number of containers with status `"running"`. */
  ContainersRunning?: number;
  /** Number of containers with status `"paused"`. */
  ContainersPaused?: number;
  /** Number of containers with status `"stopped"`. */
  ContainersStopped?: number;
  /** Total number of images on the host. */
  Images?: number;
  /** Name of the storage driver in use. */
  Driver?: string;
  /** Information specific to the storage driver, provided as "label" / "value" pairs. */
  DriverStatus?: string[][];
  /** Root directory of persistent Docker state. */
  DockerRootDir?: string;
  Plugins?: PluginsInfo;
  /** Indicates if the host has memory limit support enabled. */
  MemoryLimit?: boolean;
  /** Indicates if the host has memory swap limit support enabled. */
  SwapLimit?: boolean;
  /**
   * Indicates if the host has kernel memory TCP limit support enabled. This field is omitted if not
   * supported.
   */
  KernelMemoryTCP?: boolean;
  /** Indicates if CPU CFS(Completely Fair Scheduler) period is supported by the host. */
  CpuCfsPeriod?: boolean;
  /** Indicates if CPU CFS(Completely Fair Scheduler) quota is supported by the host. */
  CpuCfsQuota?: boolean;
  /** Indicates if CPU Shares limiting is supported by the host. */
  CPUShares?: boolean;
  /** Indicates if CPUsets (cpuset.cpus, cpuset.mems) are supported by the host. */
  CPUSet?: boolean;
  /** Indicates if the host kernel has PID limit support enabled. */
  PidsLimit?: boolean;
  /** Indicates if OOM killer disable is supported on the host. */
  OomKillDisable?: boolean;
  /** Indicates IPv4 forwarding is enabled. */
  IPv4Forwarding?: boolean;
  /** Indicates if the daemon is running in debug-mode / with debug-level logging enabled. */
  Debug?: boolean;
  /** The total number of file Descriptors in use by the daemon process. */
  NFd?: number;
  /** The number of goroutines that currently exist. */
  NGoroutines?: number;
  /** Current system-time in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt) format with nano-seconds. */
  SystemTime?: string;
  /** The logging driver to use as a default for new containers. */
  LoggingDriver?: string;
  /** The driver to use for managing cgroups. */
  CgroupDriver?: "cgroupfs" | "systemd" | "none";
  /** The version of the cgroup. */
  CgroupVersion?: "1" | "2";
  /** Number of event listeners subscribed. */
  NEventsListener?: number;
  /** Kernel version of the host. */
  KernelVersion?: string;
  /**
   * Name of the host's operating system, for example: "Ubuntu 24.04 LTS" or "Windows Server 2016
   * Datacenter"
   */
  OperatingSystem?: string;
  /** Version of the host's operating system */
  OSVersion?: string;
  /** Generic type of the operating system of the host, as returned by the Go runtime (`GOOS`). */
  OSType?: string;
  /** Hardware architecture of the host, as returned by the Go runtime (`GOARCH`). */
  Architecture?: string;
  /** The number of logical CPUs usable by the daemon. */
  NCPU?: number;
  /** Total amount of physical memory available on the host, in bytes. */
  MemTotal?: number;
  /**
   * Address / URL of the index server that is used for image search, and as a default for user
   * authentication for Docker Hub and Docker Cloud.
   */
  IndexServerAddress?: string;
  RegistryConfig?: RegistryServiceConfig;
  GenericResources?: GenericResources;
  /**
   * HTTP-proxy configured for the daemon. This value is obtained from the
   * [`HTTP_PROXY`](https://www.gnu.org/software/wget/manual/html_node/Proxies.html) environment variable.
   * Credentials ([user info component](https://tools.ietf.org/html/rfc3986#section-3.2.1)) in the proxy URL
   * are masked in the API response.
   */
  HttpProxy?: string;
  /**
   * HTTPS-proxy configured for the daemon. This value is obtained from the
   * [`HTTPS_PROXY`](https://www.gnu.org/software/wget/manual/html_node/Proxies.html) environment variable.
   * Credentials ([user info component](https://tools.ietf.org/html/rfc3986#section-3.2.1)) in the proxy URL
   * are masked in the API response.
   */
  HttpsProxy?: string;
  /**
   * Comma-separated list of domain extensions for which no proxy should be used. This value is obtained
   * from the [`NO_PROXY`](https://www.gnu.org/software/wget/manual/html_node/Proxies.html) environment
   * variable.
   */
  NoProxy?: string;
  /** Hostname of the host. */
  Name?: string;
  /** User-defined labels (key/value metadata) as set on the daemon. */
  Labels?: string[];
  /** Indicates if experimental features are enabled on the daemon. */
  ExperimentalBuild?: boolean;
  /** Version string of the daemon. */
  ServerVersion?: string;
  /**
   * List of [OCI compliant](https://github.com/opencontainers/runtime-spec) runtimes configured on the
   * daemon. Keys hold the "name" used to reference the runtime.
   */
  Runtimes?: Record<string, Runtime>;
  /** Name of the default OCI runtime that is used when starting containers. */
  DefaultRuntime?: string;
  Swarm?: SwarmInfo;
  /** Indicates if live restore is enabled. */
  LiveRestoreEnabled?: boolean;
  /**
   * Represents the isolation technology to use as a default for containers. The supported values are
   * platform-specific.
   */
  Isolation?: "default" | "hyperv" | "process" | "";
  /** Name and, optional, path of the `docker-init` binary. */
  InitBinary?: string;
  ContainerdCommit?: Commit;
  RuncCommit?: Commit;
  InitCommit?: Commit;
  /**
   * List of security features that are enabled on the daemon, such as apparmor, seccomp, SELinux,
   * user-namespaces (userns), rootless and no-new-privileges.
   */
  SecurityOptions?: string[];
  /** Reports a summary of the product license on the daemon. */
  ProductLicense?: string;
  /**
   * List of custom default address pools for local networks, which can be specified in the daemon.json file
   * or dockerd option.
   */
  DefaultAddressPools?: {
    /** The network address in CIDR format */
    Base?: string;
    /** The network pool size */
    Size?: number;
  }[];
  FirewallBackend?: FirewallInfo;
  /** List of devices discovered by device drivers. */
  DiscoveredDevices?: DeviceInfo[];
  /**
   * List of warnings / informational messages about missing features, or issues related to the daemon
   * configuration.
   */
  Warnings?: string[];
  /** List of directories where (Container Device Interface) CDI specifications are located. */
  CDISpecDirs?: string[];
  Containerd?: ContainerdInfo;
}

/**
 * Information for connecting to the containerd instance that is used by the daemon. This is included for
 * debugging purposes only.
 */
export type ContainerdInfo = {
  /** The address of the containerd socket. */
  Address?: string;
  /**
   * The namespaces that the daemon uses for running containers and plugins in containerd. These namespaces
   * can be configured in the daemon configuration, and are considered to be used exclusively by the daemon,
   * Tampering with the containerd instance may cause unexpected behavior.
   */
  Namespaces?: {
    /** The default containerd namespace used for containers managed by the daemon. */
    Containers?: string;
    /** The default containerd namespace used for plugins managed by the daemon. */
    Plugins?: string;
  };
} | null;

/** Information about the daemon's firewalling configuration. */
export type FirewallInfo = {
  /** The name of the firewall backend driver. */
  Driver?: string;
  /** Information about the firewall backend, provided as "label" / "value" pairs. */
  Info?: string[][];
} | null;

/** Available plugins per type. */
export interface PluginsInfo {
  /** Names of available volume-drivers, and network-driver plugins. */
  Volume?: string[];
  /** Names of available network-drivers, and network-driver plugins. */
  Network?: string[];
  /** Names of available authorization plugins. */
  Authorization?: string[];
  /** Names of available logging-drivers, and logging-driver plugins. */
  Log?: string[];
}

/** Runtime describes an [OCI compliant](https://github.com/opencontainers/runtime-spec) runtime. */
export interface Runtime {
  /** Name and, optional, path, of the OCI executable binary. */
  path?: string;
  /** List of command-line arguments to pass to the runtime when invoked. */
  runtimeArgs?: string[] | null;
  /** Information specific to the runtime. */
  status?: Record<string, string> | null;
}

/**
 * Commit holds the Git-commit (SHA1) that a binary was built from, as reported in the version-string of
 * external tools, such as `containerd`, or `runC`.
 */
export interface Commit {
  /** Actual commit ID of external tool. */
  ID?: string;
}

/** Actor describes something that generates events, like a container, network, or a volume. */
export interface EventActor {
  /** The ID of the object emitting the event */
  ID?: string;
  /** Various key/value attributes of the object, depending on its type. */
  Attributes?: Record<string, string>;
}

/** EventMessage represents the information an event contains. */
export interface EventMessage {
  /** The type of object emitting the event */
  Type?:
    | "builder"
    | "config"
    | "container"
    | "daemon"
    | "image"
    | "network"
    | "node"
    | "plugin"
    | "secret"
    | "service"
    | "volume";
  /** The type of event */
  Action?: string;
  Actor?: EventActor;
  /** Scope of the event. Engine events are `local` scope. Cluster (Swarm) events are `swarm` scope. */
  scope?: "local" | "swarm";
  /** Timestamp of event */
  time?: number;
  /** Timestamp of event, with nanosecond accuracy */
  timeNano?: number;
}
