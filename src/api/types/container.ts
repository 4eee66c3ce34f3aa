// The container part of the Engine API's vocabulary (version 1.51), as written by `npm run api-types`.
import type { DriverData, OCIDescriptor } from "./image.ts";
import type { EndpointSettings, NetworkSettings } from "./network.ts";
import type { EndpointPortConfig } from "./swarm.ts";

/** An open port on a container */
export interface Port {
  /** Host IP address that the container's port is mapped to */
  IP?: string;
  /** Port on the container */
  PrivatePort: number;
  /** Port exposed on the host */
  PublicPort?: number;
  Type: "tcp" | "udp" | "sctp";
}

/**
 * MountPoint represents a mount point configuration inside the container. This is used for reporting the
 * mountpoints in use by a container.
 */
export interface MountPoint {
  /** The mount type: */
  Type?: "bind" | "volume" | "image" | "tmpfs" | "npipe" | "cluster";
  /** Name is the name reference to the underlying data defined by `Source` e.g., the volume name. */
  Name?: string;
  /** Source location of the mount. */
  Source?: string;
  /**
   * Destination is the path relative to the container root (`/`) where the `Source` is mounted inside the
   * container.
   */
  Destination?: string;
  /** Driver is the volume driver used to create the volume (if it is a volume). */
  Driver?: string;
  /** Mode is a comma separated list of options supplied by the user when creating the bind/volume mount. */
  Mode?: string;
  /** Whether the mount is mounted writable (read-write). */
  RW?: boolean;
  /**
   * Propagation describes how mounts are propagated from the host into the mount point, and vice-versa.
   * Refer to the [Linux kernel
   * documentation](https://www.kernel.org/doc/Documentation/filesystems/sharedsubtree.txt) for details.
   * This field is not used on Windows.
   */
  Propagation?: string;
}

/** A device mapping between the host and container */
export interface DeviceMapping {
  PathOnHost?: string;
  PathInContainer?: string;
  CgroupPermissions?: string;
}

/** A request for devices to be sent to device drivers */
export interface DeviceRequest {
  Driver?: string;
  Count?: number;
  DeviceIDs?: string[];
  /** A list of capabilities; an OR list of AND lists of capabilities. */
  Capabilities?: string[][];
  /**
   * Driver-specific options, specified as a key/value pairs. These options are passed directly to the
   * driver.
   */
  Options?: Record<string, string>;
}

export interface ThrottleDevice {
  /** Device path */
  Path?: string;
  /** Rate */
  Rate?: number;
}

export interface Mount {
  /** Container path. */
  Target?: string;
  /** Mount source (e.g. a volume name, a host path). */
  Source?: string;
  /** The mount type. Available types: */
  Type?: "bind" | "volume" | "image" | "tmpfs" | "npipe" | "cluster";
  /** Whether the mount should be read-only. */
  ReadOnly?: boolean;
  /** The consistency requirement for the mount: `default`, `consistent`, `cached`, or `delegated`. */
  Consistency?: string;
  /** Optional configuration for the `bind` type. */
  BindOptions?: {
    /** A propagation mode with the value `[r]private`, `[r]shared`, or `[r]slave`. */
    Propagation?: "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";
    /** Disable recursive bind mount. */
    NonRecursive?: boolean;
    /** Create mount point on host if missing */
    CreateMountpoint?: boolean;
    /**
     * Make the mount non-recursively read-only, but still leave the mount recursive (unless NonRecursive is
     * set to `true` in conjunction).
     */
    ReadOnlyNonRecursive?: boolean;
    /** Raise an error if the mount cannot be made recursively read-only. */
    ReadOnlyForceRecursive?: boolean;
  };
  /** Optional configuration for the `volume` type. */
  VolumeOptions?: {
    /** Populate volume with data from the target. */
    NoCopy?: boolean;
    /** User-defined key/value metadata. */
    Labels?: Record<string, string>;
    /** Map of driver specific options */
    DriverConfig?: {
      /** Name of the driver to use to create the volume. */
      Name?: string;
      /** key/value map of driver specific options. */
      Options?: Record<string, string>;
    };
    /** Source path inside the volume. Must be relative without any back traversals. */
    Subpath?: string;
  };
  /** Optional configuration for the `image` type. */
  ImageOptions?: {
    /** Source path inside the image. Must be relative without any back traversals. */
    Subpath?: string;
  };
  /** Optional configuration for the `tmpfs` type. */
  TmpfsOptions?: {
    /** The size for the tmpfs mount in bytes. */
    SizeBytes?: number;
    /** The permission mode for the tmpfs mount in an integer. */
    Mode?: number;
    /**
     * The options to be passed to the tmpfs mount. An array of arrays. Flag options should be provided as
     * 1-length arrays. Other types should be provided as as 2-length arrays, where the first item is the
     * key and the second the value.
     */
    Options?: string[][];
  };
}

/** The behavior to apply when the container exits. The default is not to restart. */
export interface RestartPolicy {
  /**
   * - Empty string means not to restart - `no` Do not automatically restart - `always` Always restart -
   * `unless-stopped` Restart always except when the user has manually stopped the container - `on-failure`
   * Restart only when the container exit code is non-zero
   */
  Name?: "" | "no" | "always" | "unless-stopped" | "on-failure";
  /** If `on-failure` is used, the number of times to retry before giving up. */
  MaximumRetryCount?: number;
}

/** A container's resources (cgroups config, ulimits, etc) */
export interface Resources {
  /** An integer value representing this container's relative CPU weight versus other containers. */
  CpuShares?: number;
  /** Memory limit in bytes. */
  Memory?: number;
  /**
   * Path to `cgroups` under which the container's `cgroup` is created. If the path is not absolute, the
   * path is considered to be relative to the `cgroups` path of the init process. Cgroups are created if
   * they do not already exist.
   */
  CgroupParent?: string;
  /** Block IO weight (relative weight). */
  BlkioWeight?: number;
  /** Block IO weight (relative device weight) in the form: */
  BlkioWeightDevice?: {
    Path?: string;
    Weight?: number;
  }[];
  /** Limit read rate (bytes per second) from a device, in the form: */
  BlkioDeviceReadBps?: ThrottleDevice[];
  /** Limit write rate (bytes per second) to a device, in the form: */
  BlkioDeviceWriteBps?: ThrottleDevice[];
  /** Limit read rate (IO per second) from a device, in the form: */
  BlkioDeviceReadIOps?: ThrottleDevice[];
  /** Limit write rate (IO per second) to a device, in the form: */
  BlkioDeviceWriteIOps?: ThrottleDevice[];
  /** The length of a CPU period in microseconds. */
  CpuPeriod?: number;
  /** Microseconds of CPU time that the container can get in a CPU period. */
  CpuQuota?: number;
  /**
   * The length of a CPU real-time period in microseconds. Set to 0 to allocate no time allocated to
   * real-time tasks.
   */
  CpuRealtimePeriod?: number;
  /**
   * The length of a CPU real-time runtime in microseconds. Set to 0 to allocate no time allocated to
   * real-time tasks.
   */
  CpuRealtimeRuntime?: number;
  /** CPUs in which to allow execution (e.g., `0-3`, `0,1`). */
  CpusetCpus?: string;
  /** Memory nodes (MEMs) in which to allow execution (0-3, 0,1). Only effective on NUMA systems. */
  CpusetMems?: string;
  /** A list of devices to add to the container. */
  Devices?: DeviceMapping[];
  /** a list of cgroup rules to apply to the container */
  DeviceCgroupRules?: string[];
  /** A list of requests for devices to be sent to device drivers. */
  DeviceRequests?: DeviceRequest[];
  /**
   * Hard limit for kernel TCP buffer memory (in bytes). Depending on the OCI runtime in use, this option
   * may be ignored. It is no longer supported by the default (runc) runtime.
   */
  KernelMemoryTCP?: number;
  /** Memory soft limit in bytes. */
  MemoryReservation?: number;
  /** Total memory limit (memory + swap). Set as `-1` to enable unlimited swap. */
  MemorySwap?: number;
  /** Tune a container's memory swappiness behavior. Accepts an integer between 0 and 100. */
  MemorySwappiness?: number;
  /** CPU quota in units of 10<sup>-9</sup> CPUs. */
  NanoCpus?: number;
  /** Disable OOM Killer for the container. */
  OomKillDisable?: boolean;
  /**
   * Run an init inside the container that forwards signals and reaps processes. This field is omitted if
   * empty, and the default (as configured on the daemon) is used.
   */
  Init?: boolean | null;
  /** Tune a container's PIDs limit. Set `0` or `-1` for unlimited, or `null` to not change. */
  PidsLimit?: number | null;
  /** A list of resource limits to set in the container. For example: */
  Ulimits?: {
    /** Name of ulimit */
    Name?: string;
    /** Soft limit */
    Soft?: number;
    /** Hard limit */
    Hard?: number;
  }[];
  /** The number of usable CPUs (Windows only). */
  CpuCount?: number;
  /** The usable percentage of the available CPUs (Windows only). */
  CpuPercent?: number;
  /** Maximum IOps for the container system drive (Windows only) */
  IOMaximumIOps?: number;
  /** Maximum IO in bytes per second for the container system drive (Windows only). */
  IOMaximumBandwidth?: number;
}

/** A test to perform to check that the container is healthy. */
export interface HealthConfig {
  /** The test to perform. Possible values are: */
  Test?: string[];
  /**
   * The time to wait between checks in nanoseconds. It should be 0 or at least 1000000 (1 ms). 0 means
   * inherit.
   */
  Interval?: number;
  /**
   * The time to wait before considering the check to have hung. It should be 0 or at least 1000000 (1 ms).
   * 0 means inherit.
   */
  Timeout?: number;
  /** The number of consecutive failures needed to consider a container as unhealthy. 0 means inherit. */
  Retries?: number;
  /**
   * Start period for the container to initialize before starting health-retries countdown in nanoseconds.
   * It should be 0 or at least 1000000 (1 ms). 0 means inherit.
   */
  StartPeriod?: number;
  /**
   * The time to wait between checks in nanoseconds during the start period. It should be 0 or at least
   * 1000000 (1 ms). 0 means inherit.
   */
  StartInterval?: number;
}

/** Health stores information about the container's healthcheck results. */
export type Health = {
  /** Status is one of `none`, `starting`, `healthy` or `unhealthy` */
  Status?: "none" | "starting" | "healthy" | "unhealthy";
  /** FailingStreak is the number of consecutive failures */
  FailingStreak?: number;
  /** Log contains the last few results (oldest first) */
  Log?: HealthcheckResult[];
} | null;

/** HealthcheckResult stores information about a single run of a healthcheck probe */
export type HealthcheckResult = {
  /**
   * Date and time at which this check started in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt) format
   * with nano-seconds.
   */
  Start?: string;
  /**
   * Date and time at which this check ended in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt) format with
   * nano-seconds.
   */
  End?: string;
  /** ExitCode meanings: */
  ExitCode?: number;
  /** Output from last check */
  Output?: string;
} | null;

/** Container configuration that depends on the host we are running on */
export type HostConfig = Resources & {
  /** A list of volume bindings for this container. Each volume binding is a string in one of these forms: */
  Binds?: string[];
  /** Path to a file where the container ID is written */
  ContainerIDFile?: string;
  /** The logging configuration for this container */
  LogConfig?: {
    /** Name of the logging driver used for the container or "none" if logging is disabled. */
    Type?:
      | "local"
      | "json-file"
      | "syslog"
      | "journald"
      | "gelf"
      | "fluentd"
      | "awslogs"
      | "splunk"
      | "etwlogs"
      | "none";
    /** Driver-specific configuration options for the logging driver. */
    Config?: Record<string, string>;
  };
  /**
   * Network mode to use for this container. Supported standard values are: `bridge`, `host`, `none`, and
   * `container:<name|id>`. Any other value is taken as a custom network's name to which this container
   * should connect to.
   */
  NetworkMode?: string;
  PortBindings?: PortMap;
  RestartPolicy?: RestartPolicy;
  /**
   * Automatically remove the container when the container's process exits. This has no effect if
   * `RestartPolicy` is set.
   */
  AutoRemove?: boolean;
  /** Driver that this container uses to mount volumes. */
  VolumeDriver?: string;
  /**
   * A list of volumes to inherit from another container, specified in the form `<container
   * name>[:<ro|rw>]`.
   */
  VolumesFrom?: string[];
  /** Specification for mounts to be added to the container. */
  Mounts?: Mount[];
  /** Initial console size, as an `[height, width]` array. */
  ConsoleSize?: number[] | null;
  /**
   * Arbitrary non-identifying metadata attached to container and provided to the runtime when the container
   * is started.
   */
  Annotations?: Record<string, string>;
  /** A list of kernel capabilities to add to the container. Conflicts with option 'Capabilities'. */
  CapAdd?: string[];
  /** A list of kernel capabilities to drop from the container. Conflicts with option 'Capabilities'. */
  CapDrop?: string[];
  /** cgroup namespace mode for the container. Possible values are: */
  CgroupnsMode?: "private" | "host";
  /** A list of DNS servers for the container to use. */
  Dns?: string[];
  /** A list of DNS options. */
  DnsOptions?: string[];
  /** A list of DNS search domains. */
  DnsSearch?: string[];
  /**
   * A list of hostnames/IP mappings to add to the container's `/etc/hosts` file. Specified in the form
   * `["hostname:IP"]`.
   */
  ExtraHosts?: string[];
  /** A list of additional groups that the container process will run as. */
  GroupAdd?: string[];
  /** IPC sharing mode for the container. Possible values are: */
  IpcMode?: string;
  /** Cgroup to use for the container. */
  Cgroup?: string;
  /** A list of links for the container in the form `container_name:alias`. */
  Links?: string[];
  /** An integer value containing the score given to the container in order to tune OOM killer preferences. */
  OomScoreAdj?: number;
  /** Set the PID (Process) Namespace mode for the container. It can be either: */
  PidMode?: string;
  /** Gives the container full access to the host. */
  Privileged?: boolean;
  /** Allocates an ephemeral host port for all of a container's exposed ports. */
  PublishAllPorts?: boolean;
  /** Mount the container's root filesystem as read only. */
  ReadonlyRootfs?: boolean;
  /** A list of string values to customize labels for MLS systems, such as SELinux. */
  SecurityOpt?: string[];
  /** Storage driver options for this container, in the form `{"size": "120G"}`. */
  StorageOpt?: Record<string, string>;
  /**
   * A map of container directories which should be replaced by tmpfs mounts, and their corresponding mount
   * options. For example:
   */
  Tmpfs?: Record<string, string>;
  /** UTS namespace to use for the container. */
  UTSMode?: string;
  /** Sets the usernamespace mode for the container when usernamespace remapping option is enabled. */
  UsernsMode?: string;
  /** Size of `/dev/shm` in bytes. If omitted, the system uses 64MB. */
  ShmSize?: number;
  /** A list of kernel parameters (sysctls) to set in the container. */
  Sysctls?: Record<string, string> | null;
  /** Runtime to use with this container. */
  Runtime?: string | null;
  /** Isolation technology of the container. (Windows only) */
  Isolation?: "default" | "process" | "hyperv" | "";
  /** The list of paths to be masked inside the container (this overrides the default set of paths). */
  MaskedPaths?: string[];
  /**
   * The list of paths to be set as read-only inside the container (this overrides the default set of
   * paths).
   */
  ReadonlyPaths?: string[];
};

/** Configuration for a container that is portable between hosts. */
export interface ContainerConfig {
  /** The hostname to use for the container, as a valid RFC 1123 hostname. */
  Hostname?: string;
  /** The domain name to use for the container. */
  Domainname?: string;
  /**
   * Commands run as this user inside the container. If omitted, commands run as the user specified in the
   * image the container was started from.
   */
  User?: string;
  /** Whether to attach to `stdin`. */
  AttachStdin?: boolean;
  /** Whether to attach to `stdout`. */
  AttachStdout?: boolean;
  /** Whether to attach to `stderr`. */
  AttachStderr?: boolean;
  /** An object mapping ports to an empty object in the form: */
  ExposedPorts?: Record<string, Record<string, unknown>> | null;
  /** Attach standard streams to a TTY, including `stdin` if it is not closed. */
  Tty?: boolean;
  /** Open `stdin` */
  OpenStdin?: boolean;
  /** Close `stdin` after one attached client disconnects */
  StdinOnce?: boolean;
  /**
   * A list of environment variables to set inside the container in the form `["VAR=value", ...]`. A
   * variable without `=` is removed from the environment, rather than to have an empty value.
   */
  Env?: string[];
  /** Command to run specified as a string or an array of strings. */
  Cmd?: string[];
  Healthcheck?: HealthConfig;
  /** Command is already escaped (Windows only) */
  ArgsEscaped?: boolean | null;
  /**
   * The name (or reference) of the image to use when creating the container, or which was used when the
   * container was created.
   */
  Image?: string;
  /** An object mapping mount point paths inside the container to empty objects. */
  Volumes?: Record<string, Record<string, unknown>>;
  /** The working directory for commands to run in. */
  WorkingDir?: string;
  /** The entry point for the container as a string or an array of strings. */
  Entrypoint?: string[];
  /** Disable networking for the container. */
  NetworkDisabled?: boolean | null;
  /** MAC address of the container. */
  MacAddress?: string | null;
  /** `ONBUILD` metadata that were defined in the image's `Dockerfile`. */
  OnBuild?: string[] | null;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  /** Signal to stop a container as a string or unsigned integer. */
  StopSignal?: string | null;
  /** Timeout to stop a container in seconds. */
  StopTimeout?: number | null;
  /** Shell for when `RUN`, `CMD`, and `ENTRYPOINT` uses a shell. */
  Shell?: string[] | null;
}

/** Address represents an IPv4 or IPv6 IP address. */
export interface Address {
  /** IP address. */
  Addr?: string;
  /** Mask length of the IP address. */
  PrefixLen?: number;
}

/**
 * PortMap describes the mapping of container ports to host ports, using the container's port-number and
 * protocol as key in the format `<port>/<protocol>`, for example, `80/udp`.
 */
export type PortMap = Record<string, PortBinding[] | null>;

/** PortBinding represents a binding between a host IP address and a host port. */
export interface PortBinding {
  /** Host IP address that the container's port is mapped to. */
  HostIp?: string;
  /** Host port number that the container's port is mapped to. */
  HostPort?: string;
}

export interface ProcessConfig {
  privileged?: boolean;
  user?: string;
  tty?: boolean;
  entrypoint?: string;
  arguments?: string[];
}

/** Represents an error. */
export interface ErrorResponse {
  /** The error message. */
  message: string;
}

/** Platform represents the platform (Arch/OS). */
export interface Platform {
  /** Architecture represents the hardware architecture (for example, `x86_64`). */
  Architecture?: string;
  /** OS represents the Operating System (for example, `linux` or `windows`). */
  OS?: string;
}

/** represents the status of a container. */
export interface ContainerStatus {
  ContainerID?: string;
  PID?: number;
  ExitCode?: number;
}

/** represents the port status of a task's host ports whose service has published host ports */
export interface PortStatus {
  Ports?: EndpointPortConfig[];
}

export interface ContainerInspectResponse {
  /** The ID of this container as a 128-bit (64-character) hexadecimal string (32 bytes). */
  Id?: string;
  /**
   * Date and time at which the container was created, formatted in [RFC
   * 3339](https://www.ietf.org/rfc/rfc3339.txt) format with nano-seconds.
   */
  Created?: string | null;
  /** The path to the command being run */
  Path?: string;
  /** The arguments to the command being run */
  Args?: string[];
  State?: ContainerState;
  /** The ID (digest) of the image that this container was created from. */
  Image?: string;
  /** Location of the `/etc/resolv.conf` generated for the container on the host. */
  ResolvConfPath?: string;
  /** Location of the `/etc/hostname` generated for the container on the host. */
  HostnamePath?: string;
  /** Location of the `/etc/hosts` generated for the container on the host. */
  HostsPath?: string;
  /**
   * Location of the file used to buffer the container's logs. Depending on the logging-driver used for the
   * container, this field may be omitted.
   */
  LogPath?: string | null;
  /** The name associated with this container. */
  Name?: string;
  /** Number of times the container was restarted since it was created, or since daemon was started. */
  RestartCount?: number;
  /** The storage-driver used for the container's filesystem (graph-driver or snapshotter). */
  Driver?: string;
  /** The platform (operating system) for which the container was created. */
  Platform?: string;
  /** OCI descriptor of the platform-specific manifest of the image the container was created from. */
  ImageManifestDescriptor?: OCIDescriptor;
  /** SELinux mount label set for the container. */
  MountLabel?: string;
  /** SELinux process label set for the container. */
  ProcessLabel?: string;
  /** The AppArmor profile set for the container. */
  AppArmorProfile?: string;
  /** IDs of exec instances that are running in the container. */
  ExecIDs?: string[] | null;
  HostConfig?: HostConfig;
  GraphDriver?: DriverData;
  /** The size of files that have been created or changed by this container. */
  SizeRw?: number | null;
  /**
   * The total size of all files in the read-only layers from the image that the container uses. These
   * layers can be shared between containers.
   */
  SizeRootFs?: number | null;
  /** List of mounts used by the container. */
  Mounts?: MountPoint[];
  Config?: ContainerConfig;
  NetworkSettings?: NetworkSettings;
}

export interface ContainerSummary {
  /** The ID of this container as a 128-bit (64-character) hexadecimal string (32 bytes). */
  Id?: string;
  /**
   * The names associated with this container. Most containers have a single name, but when using legacy
   * "links", the container can have multiple names.
   */
  Names?: string[];
  /** The name or ID of the image used to create the container. */
  Image?: string;
  /** The ID (digest) of the image that this container was created from. */
  ImageID?: string;
  /** OCI descriptor of the platform-specific manifest of the image the container was created from. */
  ImageManifestDescriptor?: OCIDescriptor | null;
  /** Command to run when starting the container */
  Command?: string;
  /** Date and time at which the container was created as a Unix timestamp (number of seconds since EPOCH). */
  Created?: number;
  /** Port-mappings for the container. */
  Ports?: Port[];
  /** The size of files that have been created or changed by this container. */
  SizeRw?: number | null;
  /**
   * The total size of all files in the read-only layers from the image that the container uses. These
   * layers can be shared between containers.
   */
  SizeRootFs?: number | null;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  /** The state of this container. */
  State?: "created" | "running" | "paused" | "restarting" | "exited" | "removing" | "dead";
  /** Additional human-readable status of this container (e.g. `Exit 0`) */
  Status?: string;
  /**
   * Summary of host-specific runtime information of the container. This is a reduced set of information in
   * the container's "HostConfig" as available in the container "inspect" response.
   */
  HostConfig?: {
    /**
     * Networking mode (`host`, `none`, `container:<id>`) or name of the primary network the container is
     * using.
     */
    NetworkMode?: string;
    /** Arbitrary key-value metadata attached to the container. */
    Annotations?: Record<string, string> | null;
  };
  /** Summary of the container's network settings */
  NetworkSettings?: {
    /** Summary of network-settings for each network the container is attached to. */
    Networks?: Record<string, EndpointSettings>;
  };
  /** List of mounts used by the container. */
  Mounts?: MountPoint[];
}

/**
 * ContainerState stores container's running state. It's part of ContainerJSONBase and will be returned by
 * the "inspect" command.
 */
export type ContainerState = {
  /**
   * String representation of the container state. Can be one of "created", "running", "paused",
   * "restarting", "removing", "exited", or "dead".
   */
  Status?: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
  /** Whether this container is running. */
  Running?: boolean;
  /** Whether this container is paused. */
  Paused?: boolean;
  /** Whether this container is restarting. */
  Restarting?: boolean;
  /**
   * Whether a process within this container has been killed because it ran out of memory since the
   * container was last started.
   */
  OOMKilled?: boolean;
  Dead?: boolean;
  /** The process ID of this container */
  Pid?: number;
  /** The last exit code of this container */
  ExitCode?: number;
  Error?: string;
  /** The time when this container was last started. */
  StartedAt?: string;
  /** The time when this container last exited. */
  FinishedAt?: string;
  Health?: Health;
} | null;

/** OK response to ContainerCreate operation */
export interface ContainerCreateResponse {
  /** The ID of the created container */
  Id: string;
  /** Warnings encountered when creating the container */
  Warnings: string[];
}

/** Response for a successful container-update. */
export interface ContainerUpdateResponse {
  /** Warnings encountered when updating the container. */
  Warnings?: string[];
}

/** Statistics sample for a container. */
export interface ContainerStatsResponse {
  /** Name of the container */
  name?: string | null;
  /** ID of the container */
  id?: string | null;
  /**
   * Date and time at which this sample was collected. The value is formatted as [RFC
   * 3339](https://www.ietf.org/rfc/rfc3339.txt) with nano-seconds.
   */
  read?: string;
  /**
   * Date and time at which this first sample was collected. This field is not propagated if the "one-shot"
   * option is set. If the "one-shot" option is set, this field may be omitted, empty, or set to a default
   * date (`0001-01-01T00:00:00Z`).
   */
  preread?: string;
  pids_stats?: ContainerPidsStats;
  blkio_stats?: ContainerBlkioStats;
  /** The number of processors on the system. */
  num_procs?: number;
  storage_stats?: ContainerStorageStats;
  cpu_stats?: ContainerCPUStats;
  precpu_stats?: ContainerCPUStats;
  memory_stats?: ContainerMemoryStats;
  /** Network statistics for the container per interface. */
  networks?: Record<string, ContainerNetworkStats> | null;
}

/** BlkioStats stores all IO service stats for data read and write. */
export type ContainerBlkioStats = {
  io_service_bytes_recursive?: ContainerBlkioStatEntry[];
  /**
   * This field is only available when using Linux containers with cgroups v1. It is omitted or `null` when
   * using cgroups v2.
   */
  io_serviced_recursive?: ContainerBlkioStatEntry[] | null;
  /**
   * This field is only available when using Linux containers with cgroups v1. It is omitted or `null` when
   * using cgroups v2.
   */
  io_queue_recursive?: ContainerBlkioStatEntry[] | null;
  /**
   * This field is only available when using Linux containers with cgroups v1. It is omitted or `null` when
   * using cgroups v2.
   */
  io_service_time_recursive?: ContainerBlkioStatEntry[] | null;
  /**
   * This field is only available when using Linux containers with cgroups v1. It is omitted or `null` when
   * using cgroups v2.
   */
  io_wait_time_recursive?: ContainerBlkioStatEntry[] | null;
  /**
   * This field is only available when using Linux containers with cgroups v1. It is omitted or `null` when
   * using cgroups v2.
   */
  io_merged_recursive?: ContainerBlkioStatEntry[] | null;
  /**
   * This field is only available when using Linux containers with cgroups v1. It is omitted or `null` when
   * using cgroups v2.
   */
  io_time_recursive?: ContainerBlkioStatEntry[] | null;
  /**
   * This field is only available when using Linux containers with cgroups v1. It is omitted or `null` when
   * using cgroups v2.
   */
  sectors_recursive?: ContainerBlkioStatEntry[] | null;
} | null;

/** Blkio stats entry. */
export type ContainerBlkioStatEntry = {
  major?: number;
  minor?: number;
  op?: string;
  value?: number;
} | null;

/** CPU related info of the container */
export type ContainerCPUStats = {
  cpu_usage?: ContainerCPUUsage;
  /** System Usage. */
  system_cpu_usage?: number | null;
  /** Number of online CPUs. */
  online_cpus?: number | null;
  throttling_data?: ContainerThrottlingData;
} | null;

/** All CPU stats aggregated since container inception. */
export type ContainerCPUUsage = {
  /** Total CPU time consumed in nanoseconds (Linux) or 100's of nanoseconds (Windows). */
  total_usage?: number;
  /** Total CPU time (in nanoseconds) consumed per core (Linux). */
  percpu_usage?: number[] | null;
  /**
   * Time (in nanoseconds) spent by tasks of the cgroup in kernel mode (Linux), or time spent (in 100's of
   * nanoseconds) by all container processes in kernel mode (Windows).
   */
  usage_in_kernelmode?: number;
  /**
   * Time (in nanoseconds) spent by tasks of the cgroup in user mode (Linux), or time spent (in 100's of
   * nanoseconds) by all container processes in kernel mode (Windows).
   */
  usage_in_usermode?: number;
} | null;

/** PidsStats contains Linux-specific stats of a container's process-IDs (PIDs). */
export type ContainerPidsStats = {
  /** Current is the number of PIDs in the cgroup. */
  current?: number | null;
  /**
   * Limit is the hard limit on the number of pids in the cgroup. A "Limit" of 0 means that there is no
   * limit.
   */
  limit?: number | null;
} | null;

/** CPU throttling stats of the container. */
export type ContainerThrottlingData = {
  /** Number of periods with throttling active. */
  periods?: number;
  /** Number of periods when the container hit its throttling limit. */
  throttled_periods?: number;
  /** Aggregated time (in nanoseconds) the container was throttled for. */
  throttled_time?: number;
} | null;

/**
 * Aggregates all memory stats since container inception on Linux. Windows returns stats for commit and
 * private working set only.
 */
export interface ContainerMemoryStats {
  /** Current `res_counter` usage for memory. */
  usage?: number | null;
  /** Maximum usage ever recorded. */
  max_usage?: number | null;
  /** All the stats exported via memory.stat. when using cgroups v2. */
  stats?: Record<string, number | null>;
  /** Number of times memory usage hits limits. */
  failcnt?: number | null;
  /** This field is Linux-specific and omitted for Windows containers. */
  limit?: number | null;
  /** Committed bytes. */
  commitbytes?: number | null;
  /** Peak committed bytes. */
  commitpeakbytes?: number | null;
  /** Private working set. */
  privateworkingset?: number | null;
}

/** Aggregates the network stats of one container */
export type ContainerNetworkStats = {
  /** Bytes received. Windows and Linux. */
  rx_bytes?: number;
  /** Packets received. Windows and Linux. */
  rx_packets?: number;
  /** Received errors. Not used on Windows. */
  rx_errors?: number;
  /** Incoming packets dropped. Windows and Linux. */
  rx_dropped?: number;
  /** Bytes sent. Windows and Linux. */
  tx_bytes?: number;
  /** Packets sent. Windows and Linux. */
  tx_packets?: number;
  /** Sent errors. Not used on Windows. */
  tx_errors?: number;
  /** Outgoing packets dropped. Windows and Linux. */
  tx_dropped?: number;
  /** Endpoint ID. Not used on Linux. */
  endpoint_id?: string | null;
  /** Instance ID. Not used on Linux. */
  instance_id?: string | null;
} | null;

/** StorageStats is the disk I/O stats for read/write on Windows. */
export type ContainerStorageStats = {
  read_count_normalized?: number | null;
  read_size_bytes?: number | null;
  write_count_normalized?: number | null;
  write_size_bytes?: number | null;
} | null;

/** Container "top" response. */
export interface ContainerTopResponse {
  /** The ps column titles */
  Titles?: string[];
  /**
   * Each process running in the container, where each process is an array of values corresponding to the
   * titles.
   */
  Processes?: string[][];
}

/** OK response to ContainerWait operation */
export interface ContainerWaitResponse {
  /** Exit code of the container */
  StatusCode: number;
  Error?: ContainerWaitExitError;
}

/** container waiting error, if any */
export interface ContainerWaitExitError {
  /** Details of an error */
  Message?: string;
}
