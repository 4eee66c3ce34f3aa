// The swarm part of the Engine API's vocabulary (version 1.51), as written by `npm run api-types`.
import type { ContainerStatus, HealthConfig, Mount, Platform, PortStatus } from "./container.ts";
import type { PluginPrivilege } from "./plugin.ts";

/** An object describing a limit on resources which can be requested by a task. */
export interface Limit {
  NanoCPUs?: number;
  MemoryBytes?: number;
  /** Limits the maximum number of PIDs in the container. Set `0` for unlimited. */
  Pids?: number;
}

/** An object describing the resources which can be advertised by a node and requested by a task. */
export interface ResourceObject {
  NanoCPUs?: number;
  MemoryBytes?: number;
  GenericResources?: GenericResources;
}

/**
 * User-defined resources can be either Integer resources (e.g, `SSD=3`) or String resources (e.g,
 * `GPU=UUID1`).
 */
export type GenericResources = {
  NamedResourceSpec?: {
    Kind?: string;
    Value?: string;
  };
  DiscreteResourceSpec?: {
    Kind?: string;
    Value?: number;
  };
}[];

/** PeerInfo represents one peer of an overlay network. */
export interface PeerInfo {
  /** ID of the peer-node in the Swarm cluster. */
  Name?: string;
  /** IP-address of the peer-node in the Swarm cluster. */
  IP?: string;
}

/**
 * The version number of the object such as node, service, etc. This is needed to avoid conflicting writes.
 * The client must send the version number along with the modified specification when updating these
 * objects.
 */
export interface ObjectVersion {
  Index?: number;
}

export interface NodeSpec {
  /** Name for the node. */
  Name?: string;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  /** Role of the node. */
  Role?: "worker" | "manager";
  /** Availability of the node. */
  Availability?: "active" | "pause" | "drain";
}

export interface Node {
  ID?: string;
  Version?: ObjectVersion;
  /**
   * Date and time at which the node was added to the swarm in [RFC
   * 3339](https://www.ietf.org/rfc/rfc3339.txt) format with nano-seconds.
   */
  CreatedAt?: string;
  /**
   * Date and time at which the node was last updated in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt)
   * format with nano-seconds.
   */
  UpdatedAt?: string;
  Spec?: NodeSpec;
  Description?: NodeDescription;
  Status?: NodeStatus;
  ManagerStatus?: ManagerStatus;
}

/** NodeDescription encapsulates the properties of the Node as reported by the agent. */
export interface NodeDescription {
  Hostname?: string;
  Platform?: Platform;
  Resources?: ResourceObject;
  Engine?: EngineDescription;
  TLSInfo?: TLSInfo;
}

/** EngineDescription provides information about an engine. */
export interface EngineDescription {
  EngineVersion?: string;
  Labels?: Record<string, string>;
  Plugins?: {
    Type?: string;
    Name?: string;
  }[];
}

/** Information about the issuer of leaf TLS certificates and the trusted root CA certificate. */
export interface TLSInfo {
  /** The root CA certificate(s) that are used to validate leaf TLS certificates. */
  TrustRoot?: string;
  /** The base64-url-safe-encoded raw subject bytes of the issuer. */
  CertIssuerSubject?: string;
  /** The base64-url-safe-encoded raw public key bytes of the issuer. */
  CertIssuerPublicKey?: string;
}

/** NodeStatus represents the status of a node. */
export interface NodeStatus {
  State?: NodeState;
  Message?: string;
  /** IP address of the node. */
  Addr?: string;
}

/** NodeState represents the state of a node. */
export type NodeState = "unknown" | "down" | "ready" | "disconnected";

/** ManagerStatus represents the status of a manager. */
export type ManagerStatus = {
  Leader?: boolean;
  Reachability?: Reachability;
  /** The IP address and port at which the manager is reachable. */
  Addr?: string;
} | null;

/** Reachability represents the reachability of a node. */
export type Reachability = "unknown" | "unreachable" | "reachable";

/** User modifiable swarm configuration. */
export interface SwarmSpec {
  /** Name of the swarm. */
  Name?: string;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  /** Orchestration configuration. */
  Orchestration?: {
    /**
     * The number of historic tasks to keep per instance or node. If negative, never remove completed or
     * failed tasks.
     */
    TaskHistoryRetentionLimit?: number;
  } | null;
  /** Raft configuration. */
  Raft?: {
    /** The number of log entries between snapshots. */
    SnapshotInterval?: number;
    /** The number of snapshots to keep beyond the current snapshot. */
    KeepOldSnapshots?: number;
    /** The number of log entries to keep around to sync up slow followers after a snapshot is created. */
    LogEntriesForSlowFollowers?: number;
    /**
     * The number of ticks that a follower will wait for a message from the leader before becoming a
     * candidate and starting an election. `ElectionTick` must be greater than `HeartbeatTick`.
     */
    ElectionTick?: number;
    /**
     * The number of ticks between heartbeats. Every HeartbeatTick ticks, the leader will send a heartbeat
     * to the followers.
     */
    HeartbeatTick?: number;
  };
  /** Dispatcher configuration. */
  Dispatcher?: {
    /** The delay for an agent to send a heartbeat to the dispatcher. */
    HeartbeatPeriod?: number;
  } | null;
  /** CA configuration. */
  CAConfig?: {
    /** The duration node certificates are issued for. */
    NodeCertExpiry?: number;
    /** Configuration for forwarding signing requests to an external certificate authority. */
    ExternalCAs?: {
      /** Protocol for communication with the external CA (currently only `cfssl` is supported). */
      Protocol?: "cfssl";
      /** URL where certificate signing requests should be sent. */
      URL?: string;
      /**
       * An object with key/value pairs that are interpreted as protocol-specific options for the external
       * CA driver.
       */
      Options?: Record<string, string>;
      /**
       * The root CA certificate (in PEM format) this external CA uses to issue TLS certificates (assumed to
       * be to the current swarm root CA certificate if not provided).
       */
      CACert?: string;
    }[];
    /** The desired signing CA certificate for all swarm node TLS leaf certificates, in PEM format. */
    SigningCACert?: string;
    /** The desired signing CA key for all swarm node TLS leaf certificates, in PEM format. */
    SigningCAKey?: string;
    /**
     * An integer whose purpose is to force swarm to generate a new signing CA certificate and key, if none
     * have been specified in `SigningCACert` and `SigningCAKey`
     */
    ForceRotate?: number;
  } | null;
  /** Parameters related to encryption-at-rest. */
  EncryptionConfig?: {
    /** If set, generate a key and use it to lock data stored on the managers. */
    AutoLockManagers?: boolean;
  };
  /** Defaults for creating tasks in this cluster. */
  TaskDefaults?: {
    /** The log driver to use for tasks created in the orchestrator if unspecified by a service. */
    LogDriver?: {
      /** The log driver to use as a default for new tasks. */
      Name?: string;
      /** Driver-specific options for the selected log driver, specified as key/value pairs. */
      Options?: Record<string, string>;
    };
  };
}

/**
 * ClusterInfo represents information about the swarm as is returned by the "/info" endpoint. Join-tokens
 * are not included.
 */
export type ClusterInfo = {
  /** The ID of the swarm. */
  ID?: string;
  Version?: ObjectVersion;
  /**
   * Date and time at which the swarm was initialised in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt)
   * format with nano-seconds.
   */
  CreatedAt?: string;
  /**
   * Date and time at which the swarm was last updated in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt)
   * format with nano-seconds.
   */
  UpdatedAt?: string;
  Spec?: SwarmSpec;
  TLSInfo?: TLSInfo;
  /** Whether there is currently a root CA rotation in progress for the swarm */
  RootRotationInProgress?: boolean;
  /**
   * DataPathPort specifies the data path port number for data traffic. Acceptable port range is 1024 to
   * 49151. If no port is set or is set to 0, the default port (4789) is used.
   */
  DataPathPort?: number;
  /** Default Address Pool specifies default subnet pools for global scope networks. */
  DefaultAddrPool?: string[];
  /** SubnetSize specifies the subnet size of the networks created from the default subnet pool. */
  SubnetSize?: number;
} | null;

/** JoinTokens contains the tokens workers and managers need to join the swarm. */
export interface JoinTokens {
  /** The token workers can use to join the swarm. */
  Worker?: string;
  /** The token managers can use to join the swarm. */
  Manager?: string;
}

export type Swarm = ClusterInfo & {
  JoinTokens?: JoinTokens;
};

/** User modifiable task configuration. */
export interface TaskSpec {
  /** Plugin spec for the service. *(Experimental release only.)* */
  PluginSpec?: {
    /** The name or 'alias' to use for the plugin. */
    Name?: string;
    /** The plugin image reference to use. */
    Remote?: string;
    /** Disable the plugin once scheduled. */
    Disabled?: boolean;
    PluginPrivilege?: PluginPrivilege[];
  };
  /** Container spec for the service. */
  ContainerSpec?: {
    /** The image name to use for the container */
    Image?: string;
    /** User-defined key/value data. */
    Labels?: Record<string, string>;
    /** The command to be run in the image. */
    Command?: string[];
    /** Arguments to the command. */
    Args?: string[];
    /**
     * The hostname to use for the container, as a valid [RFC 1123](https://tools.ietf.org/html/rfc1123)
     * hostname.
     */
    Hostname?: string;
    /** A list of environment variables in the form `VAR=value`. */
    Env?: string[];
    /** The working directory for commands to run in. */
    Dir?: string;
    /** The user inside the container. */
    User?: string;
    /** A list of additional groups that the container process will run as. */
    Groups?: string[];
    /** Security options for the container */
    Privileges?: {
      /** CredentialSpec for managed service account (Windows only) */
      CredentialSpec?: {
        /**
         * Load credential spec from a Swarm Config with the given ID. The specified config must also be
         * present in the Configs field with the Runtime property set.
         */
        Config?: string;
        /**
         * Load credential spec from this file. The file is read by the daemon, and must be present in the
         * `CredentialSpecs` subdirectory in the docker data directory, which defaults to
         * `C:\ProgramData\Docker\` on Windows.
         */
        File?: string;
        /**
         * Load credential spec from this value in the Windows registry. The specified registry value must
         * be located in:
         */
        Registry?: string;
      };
      /** SELinux labels of the container */
      SELinuxContext?: {
        /** Disable SELinux */
        Disable?: boolean;
        /** SELinux user label */
        User?: string;
        /** SELinux role label */
        Role?: string;
        /** SELinux type label */
        Type?: string;
        /** SELinux level label */
        Level?: string;
      };
      /** Options for configuring seccomp on the container */
      Seccomp?: {
        Mode?: "default" | "unconfined" | "custom";
        /** The custom seccomp profile as a json object */
        Profile?: string;
      };
      /** Options for configuring AppArmor on the container */
      AppArmor?: {
        Mode?: "default" | "disabled";
      };
      /** Configuration of the no_new_privs bit in the container */
      NoNewPrivileges?: boolean;
    };
    /** Whether a pseudo-TTY should be allocated. */
    TTY?: boolean;
    /** Open `stdin` */
    OpenStdin?: boolean;
    /** Mount the container's root filesystem as read only. */
    ReadOnly?: boolean;
    /** Specification for mounts to be added to containers created as part of the service. */
    Mounts?: Mount[];
    /** Signal to stop the container. */
    StopSignal?: string;
    /** Amount of time to wait for the container to terminate before forcefully killing it. */
    StopGracePeriod?: number;
    HealthCheck?: HealthConfig;
    /**
     * A list of hostname/IP mappings to add to the container's `hosts` file. The format of extra hosts is
     * specified in the [hosts(5)](http://man7.org/linux/man-pages/man5/hosts.5.html) man page:
     */
    Hosts?: string[];
    /** Specification for DNS related configurations in resolver configuration file (`resolv.conf`). */
    DNSConfig?: {
      /** The IP addresses of the name servers. */
      Nameservers?: string[];
      /** A search list for host-name lookup. */
      Search?: string[];
      /** A list of internal resolver variables to be modified (e.g., `debug`, `ndots:3`, etc.). */
      Options?: string[];
    };
    /** Secrets contains references to zero or more secrets that will be exposed to the service. */
    Secrets?: {
      /** File represents a specific target that is backed by a file. */
      File?: {
        /** Name represents the final filename in the filesystem. */
        Name?: string;
        /** UID represents the file UID. */
        UID?: string;
        /** GID represents the file GID. */
        GID?: string;
        /** Mode represents the FileMode of the file. */
        Mode?: number;
      };
      /** SecretID represents the ID of the specific secret that we're referencing. */
      SecretID?: string;
      /**
       * SecretName is the name of the secret that this references, but this is just provided for
       * lookup/display purposes. The secret in the reference will be identified by its ID.
       */
      SecretName?: string;
    }[];
    /** An integer value containing the score given to the container in order to tune OOM killer preferences. */
    OomScoreAdj?: number;
    /** Configs contains references to zero or more configs that will be exposed to the service. */
    Configs?: {
      /** File represents a specific target that is backed by a file. */
      File?: {
        /** Name represents the final filename in the filesystem. */
        Name?: string;
        /** UID represents the file UID. */
        UID?: string;
        /** GID represents the file GID. */
        GID?: string;
        /** Mode represents the FileMode of the file. */
        Mode?: number;
      };
      /** Runtime represents a target that is not mounted into the container but is used by the task */
      Runtime?: Record<string, unknown>;
      /** ConfigID represents the ID of the specific config that we're referencing. */
      ConfigID?: string;
      /**
       * ConfigName is the name of the config that this references, but this is just provided for
       * lookup/display purposes. The config in the reference will be identified by its ID.
       */
      ConfigName?: string;
    }[];
    /** Isolation technology of the containers running the service. (Windows only) */
    Isolation?: "default" | "process" | "hyperv" | "";
    /**
     * Run an init inside the container that forwards signals and reaps processes. This field is omitted if
     * empty, and the default (as configured on the daemon) is used.
     */
    Init?: boolean | null;
    /**
     * Set kernel namedspaced parameters (sysctls) in the container. The Sysctls option on services accepts
     * the same sysctls as the are supported on containers. Note that while the same sysctls are supported,
     * no guarantees or checks are made about their suitability for a clustered environment, and it's up to
     * the user to determine whether a given sysctl will work properly in a Service.
     */
    Sysctls?: Record<string, string>;
    /** A list of kernel capabilities to add to the default set for the container. */
    CapabilityAdd?: string[];
    /** A list of kernel capabilities to drop from the default set for the container. */
    CapabilityDrop?: string[];
    /**
     * A list of resource limits to set in the container. For example: `{"Name": "nofile", "Soft": 1024,
     * "Hard": 2048}`"
     */
    Ulimits?: {
      /** Name of ulimit */
      Name?: string;
      /** Soft limit */
      Soft?: number;
      /** Hard limit */
      Hard?: number;
    }[];
  };
  /** Read-only spec type for non-swarm containers attached to swarm overlay networks. */
  NetworkAttachmentSpec?: {
    /** ID of the container represented by this task */
    ContainerID?: string;
  };
  /** Resource requirements which apply to each individual container created as part of the service. */
  Resources?: {
    /** Define resources limits. */
    Limits?: Limit;
    /** Define resources reservation. */
    Reservations?: ResourceObject;
  };
  /** Specification for the restart policy which applies to containers created as part of this service. */
  RestartPolicy?: {
    /** Condition for restart. */
    Condition?: "none" | "on-failure" | "any";
    /** Delay between restart attempts. */
    Delay?: number;
    /**
     * Maximum attempts to restart a given container before giving up (default value is 0, which is
     * ignored).
     */
    MaxAttempts?: number;
    /**
     * Windows is the time window used to evaluate the restart policy (default value is 0, which is
     * unbounded).
     */
    Window?: number;
  };
  Placement?: {
    /**
     * An array of constraint expressions to limit the set of nodes where a task can be scheduled.
     * Constraint expressions can either use a _match_ (`==`) or _exclude_ (`!=`) rule. Multiple constraints
     * find nodes that satisfy every expression (AND match). Constraints can match node or Docker Engine
     * labels as follows:
     */
    Constraints?: string[];
    /**
     * Preferences provide a way to make the scheduler aware of factors such as topology. They are provided
     * in order from highest to lowest precedence.
     */
    Preferences?: {
      Spread?: {
        /** label descriptor, such as `engine.labels.az`. */
        SpreadDescriptor?: string;
      };
    }[];
    /** Maximum number of replicas for per node (default value is 0, which is unlimited) */
    MaxReplicas?: number;
    /**
     * Platforms stores all the platforms that the service's image can run on. This field is used in the
     * platform filter for scheduling. If empty, then the platform filter is off, meaning there are no
     * scheduling restrictions.
     */
    Platforms?: Platform[];
  };
  /** A counter that triggers an update even if no relevant parameters have been changed. */
  ForceUpdate?: number;
  /** Runtime is the type of runtime specified for the task executor. */
  Runtime?: string;
  /** Specifies which networks the service should attach to. */
  Networks?: NetworkAttachmentConfig[];
  /**
   * Specifies the log driver to use for tasks created from this spec. If not present, the default one for
   * the swarm will be used, finally falling back to the engine default if not specified.
   */
  LogDriver?: {
    Name?: string;
    Options?: Record<string, string>;
  };
}

export type TaskState =
  | "new"
  | "allocated"
  | "pending"
  | "assigned"
  | "accepted"
  | "preparing"
  | "ready"
  | "starting"
  | "running"
  | "complete"
  | "shutdown"
  | "failed"
  | "rejected"
  | "remove"
  | "orphaned";

/** represents the status of a task. */
export interface TaskStatus {
  Timestamp?: string;
  State?: TaskState;
  Message?: string;
  Err?: string;
  ContainerStatus?: ContainerStatus;
  PortStatus?: PortStatus;
}

export interface Task {
  /** The ID of the task. */
  ID?: string;
  Version?: ObjectVersion;
  CreatedAt?: string;
  UpdatedAt?: string;
  /** Name of the task. */
  Name?: string;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  Spec?: TaskSpec;
  /** The ID of the service this task is part of. */
  ServiceID?: string;
  Slot?: number;
  /** The ID of the node that this task is on. */
  NodeID?: string;
  AssignedGenericResources?: GenericResources;
  Status?: TaskStatus;
  DesiredState?: TaskState;
  /**
   * If the Service this Task belongs to is a job-mode service, contains the JobIteration of the Service
   * this Task was created for. Absent if the Task was created for a Replicated or Global Service.
   */
  JobIteration?: ObjectVersion;
}

/** User modifiable configuration for a service. */
export interface ServiceSpec {
  /** Name of the service. */
  Name?: string;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  TaskTemplate?: TaskSpec;
  /** Scheduling mode for the service. */
  Mode?: {
    Replicated?: {
      Replicas?: number;
    };
    Global?: Record<string, unknown>;
    /** The mode used for services with a finite number of tasks that run to a completed state. */
    ReplicatedJob?: {
      /** The maximum number of replicas to run simultaneously. */
      MaxConcurrent?: number;
      /**
       * The total number of replicas desired to reach the Completed state. If unset, will default to the
       * value of `MaxConcurrent`
       */
      TotalCompletions?: number;
    };
    /** The mode used for services which run a task to the completed state on each valid node. */
    GlobalJob?: Record<string, unknown>;
  };
  /** Specification for the update strategy of the service. */
  UpdateConfig?: {
    /** Maximum number of tasks to be updated in one iteration (0 means unlimited parallelism). */
    Parallelism?: number;
    /** Amount of time between updates, in nanoseconds. */
    Delay?: number;
    /** Action to take if an updated task fails to run, or stops running during the update. */
    FailureAction?: "continue" | "pause" | "rollback";
    /** Amount of time to monitor each updated task for failures, in nanoseconds. */
    Monitor?: number;
    /**
     * The fraction of tasks that may fail during an update before the failure action is invoked, specified
     * as a floating point number between 0 and 1.
     */
    MaxFailureRatio?: number;
    /**
     * The order of operations when rolling out an updated task. Either the old task is shut down before the
     * new task is started, or the new task is started before the old task is shut down.
     */
    Order?: "stop-first" | "start-first";
  };
  /** Specification for the rollback strategy of the service. */
  RollbackConfig?: {
    /** Maximum number of tasks to be rolled back in one iteration (0 means unlimited parallelism). */
    Parallelism?: number;
    /** Amount of time between rollback iterations, in nanoseconds. */
    Delay?: number;
    /** Action to take if an rolled back task fails to run, or stops running during the rollback. */
    FailureAction?: "continue" | "pause";
    /** Amount of time to monitor each rolled back task for failures, in nanoseconds. */
    Monitor?: number;
    /**
     * The fraction of tasks that may fail during a rollback before the failure action is invoked, specified
     * as a floating point number between 0 and 1.
     */
    MaxFailureRatio?: number;
    /**
     * The order of operations when rolling back a task. Either the old task is shut down before the new
     * task is started, or the new task is started before the old task is shut down.
     */
    Order?: "stop-first" | "start-first";
  };
  /** Specifies which networks the service should attach to. */
  Networks?: NetworkAttachmentConfig[];
  EndpointSpec?: EndpointSpec;
}

export interface EndpointPortConfig {
  Name?: string;
  Protocol?: "tcp" | "udp" | "sctp";
  /** The port inside the container. */
  TargetPort?: number;
  /** The port on the swarm hosts. */
  PublishedPort?: number;
  /** The mode in which port is published. */
  PublishMode?: "ingress" | "host";
}

/** Properties that can be configured to access and load balance a service. */
export interface EndpointSpec {
  /** The mode of resolution to use for internal load balancing between tasks. */
  Mode?: "vip" | "dnsrr";
  /**
   * List of exposed ports that this service is accessible on from the outside. Ports can only be provided
   * if `vip` resolution mode is used.
   */
  Ports?: EndpointPortConfig[];
}

export interface Service {
  ID?: string;
  Version?: ObjectVersion;
  CreatedAt?: string;
  UpdatedAt?: string;
  Spec?: ServiceSpec;
  Endpoint?: {
    Spec?: EndpointSpec;
    Ports?: EndpointPortConfig[];
    VirtualIPs?: {
      NetworkID?: string;
      Addr?: string;
    }[];
  };
  /** The status of a service update. */
  UpdateStatus?: {
    State?: "updating" | "paused" | "completed";
    StartedAt?: string;
    CompletedAt?: string;
    Message?: string;
  };
  /** The status of the service's tasks. Provided only when requested as part of a ServiceList operation. */
  ServiceStatus?: {
    /** The number of tasks for the service currently in the Running state. */
    RunningTasks?: number;
    /**
     * The number of tasks for the service desired to be running. For replicated services, this is the
     * replica count from the service spec. For global services, this is computed by taking count of all
     * tasks for the service with a Desired State other than Shutdown.
     */
    DesiredTasks?: number;
    /**
     * The number of tasks for a job that are in the Completed state. This field must be cross-referenced
     * with the service type, as the value of 0 may mean the service is not in a job mode, or it may mean
     * the job-mode service has no tasks yet Completed.
     */
    CompletedTasks?: number;
  };
  /**
   * The status of the service when it is in one of ReplicatedJob or GlobalJob modes. Absent on Replicated
   * and Global mode services. The JobIteration is an ObjectVersion, but unlike the Service's version, does
   * not need to be sent with an update request.
   */
  JobStatus?: {
    /**
     * JobIteration is a value increased each time a Job is executed, successfully or otherwise. "Executed",
     * in this case, means the job as a whole has been started, not that an individual Task has been
     * launched. A job is "Executed" when its ServiceSpec is updated. JobIteration can be used to
     * disambiguate Tasks belonging to different executions of a job. Though JobIteration will increase with
     * each subsequent execution, it may not necessarily increase by 1, and so JobIteration should not be
     * used to
     */
    JobIteration?: ObjectVersion;
    /** The last time, as observed by the server, that this job was started. */
    LastExecution?: string;
  };
}

/** contains the information returned to a client on the creation of a new service. */
export interface ServiceCreateResponse {
  /** The ID of the created service. */
  ID?: string;
  /** Optional warning message. */
  Warnings?: string[] | null;
}

export interface ServiceUpdateResponse {
  /** Optional warning messages */
  Warnings?: string[];
}

/** Driver represents a driver (network, logging, secrets). */
export interface Driver {
  /** Name of the driver. */
  Name: string;
  /** Key/value map of driver-specific options. */
  Options?: Record<string, string>;
}

export interface SecretSpec {
  /** User-defined name of the secret. */
  Name?: string;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  /**
   * Data is the data to store as a secret, formatted as a Base64-url-safe-encoded ([RFC
   * 4648](https://tools.ietf.org/html/rfc4648#section-5)) string. It must be empty if the Driver field is
   * set, in which case the data is loaded from an external secret store. The maximum allowed size is 500KB,
   * as defined in
   * [MaxSecretSize](https://pkg.go.dev/github.com/moby/swarmkit/v2@v2.0.0-20250103191802-8c1959736554/api/validation#MaxSecretSize).
   */
  Data?: string;
  /** Name of the secrets driver used to fetch the secret's value from an external secret store. */
  Driver?: Driver;
  /** Templating driver, if applicable */
  Templating?: Driver;
}

export interface Secret {
  ID?: string;
  Version?: ObjectVersion;
  CreatedAt?: string;
  UpdatedAt?: string;
  Spec?: SecretSpec;
}

export interface ConfigSpec {
  /** User-defined name of the config. */
  Name?: string;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  /**
   * Data is the data to store as a config, formatted as a Base64-url-safe-encoded ([RFC
   * 4648](https://tools.ietf.org/html/rfc4648#section-5)) string. The maximum allowed size is 1000KB, as
   * defined in
   * [MaxConfigSize](https://pkg.go.dev/github.com/moby/swarmkit/v2@v2.0.0-20250103191802-8c1959736554/manager/controlapi#MaxConfigSize).
   */
  Data?: string;
  /** Templating driver, if applicable */
  Templating?: Driver;
}

export interface Config {
  ID?: string;
  Version?: ObjectVersion;
  CreatedAt?: string;
  UpdatedAt?: string;
  Spec?: ConfigSpec;
}

/** Represents generic information about swarm. */
export interface SwarmInfo {
  /** Unique identifier of for this node in the swarm. */
  NodeID?: string;
  /** IP address at which this node can be reached by other nodes in the swarm. */
  NodeAddr?: string;
  LocalNodeState?: LocalNodeState;
  ControlAvailable?: boolean;
  Error?: string;
  /** List of ID's and addresses of other managers in the swarm. */
  RemoteManagers?: PeerNode[] | null;
  /** Total number of nodes in the swarm. */
  Nodes?: number | null;
  /** Total number of managers in the swarm. */
  Managers?: number | null;
  Cluster?: ClusterInfo;
}

/** Current local status of this node. */
export type LocalNodeState = "" | "inactive" | "pending" | "active" | "error" | "locked";

/** Represents a peer-node in the swarm */
export interface PeerNode {
  /** Unique identifier of for this node in the swarm. */
  NodeID?: string;
  /** IP address and ports at which this node can be reached. */
  Addr?: string;
}

/** Specifies how a service should be attached to a particular network. */
export interface NetworkAttachmentConfig {
  /** The target network for attachment. Must be a network name or ID. */
  Target?: string;
  /** Discoverable alternate names for the service on this network. */
  Aliases?: string[];
  /** Driver attachment options for the network target. */
  DriverOpts?: Record<string, string>;
}

/** Options and information specific to, and only present on, Swarm CSI cluster volumes. */
export interface ClusterVolume {
  /**
   * The Swarm ID of this volume. Because cluster volumes are Swarm objects, they have an ID, unlike
   * non-cluster volumes. This ID can be used to refer to the Volume instead of the name.
   */
  ID?: string;
  Version?: ObjectVersion;
  CreatedAt?: string;
  UpdatedAt?: string;
  Spec?: ClusterVolumeSpec;
  /** Information about the global status of the volume. */
  Info?: {
    /** The capacity of the volume in bytes. A value of 0 indicates that the capacity is unknown. */
    CapacityBytes?: number;
    /** A map of strings to strings returned from the storage plugin when the volume is created. */
    VolumeContext?: Record<string, string>;
    /**
     * The ID of the volume as returned by the CSI storage plugin. This is distinct from the volume's ID as
     * provided by Docker. This ID is never used by the user when communicating with Docker to refer to this
     * volume. If the ID is blank, then the Volume has not been successfully created in the plugin yet.
     */
    VolumeID?: string;
    /** The topology this volume is actually accessible from. */
    AccessibleTopology?: Topology[];
  };
  /** The status of the volume as it pertains to its publishing and use on specific nodes */
  PublishStatus?: {
    /** The ID of the Swarm node the volume is published on. */
    NodeID?: string;
    /**
     * The published state of the volume. * `pending-publish` The volume should be published to this node,
     * but the call to the controller plugin to do so has not yet been successfully completed. * `published`
     * The volume is published successfully to the node. * `pending-node-unpublish` The volume should be
     * unpublished from the node, and the manager is awaiting confirmation from the worker that it has done
     * so. * `pending-controller-unpublish` The volume is successfully unpublished from the node, but has
     * not yet been successfully unpublished on the controller.
     */
    State?: "pending-publish" | "published" | "pending-node-unpublish" | "pending-controller-unpublish";
    /** A map of strings to strings returned by the CSI controller plugin when a volume is published. */
    PublishContext?: Record<string, string>;
  }[];
}

/** Cluster-specific options used to create the volume. */
export interface ClusterVolumeSpec {
  /**
   * Group defines the volume group of this volume. Volumes belonging to the same group can be referred to
   * by group name when creating Services. Referring to a volume by group instructs Swarm to treat volumes
   * in that group interchangeably for the purpose of scheduling. Volumes with an empty string for a group
   * technically all belong to the same, emptystring group.
   */
  Group?: string;
  /** Defines how the volume is used by tasks. */
  AccessMode?: {
    /**
     * The set of nodes this volume can be used on at one time. - `single` The volume may only be scheduled
     * to one node at a time. - `multi` the volume may be scheduled to any supported number of nodes at a
     * time.
     */
    Scope?: "single" | "multi";
    /**
     * The number and way that different tasks can use this volume at one time. - `none` The volume may only
     * be used by one task at a time. - `readonly` The volume may be used by any number of tasks, but they
     * all must mount the volume as readonly - `onewriter` The volume may be used by any number of tasks,
     * but only one may mount it as read/write. - `all` The volume may have any number of readers and
     * writers.
     */
    Sharing?: "none" | "readonly" | "onewriter" | "all";
    /** Options for using this volume as a Mount-type volume. */
    MountVolume?: Record<string, unknown>;
    /** Swarm Secrets that are passed to the CSI storage plugin when operating on this volume. */
    Secrets?: {
      /** Key is the name of the key of the key-value pair passed to the plugin. */
      Key?: string;
      /**
       * Secret is the swarm Secret object from which to read data. This can be a Secret name or ID. The
       * Secret data is retrieved by swarm and used as the value of the key-value pair passed to the plugin.
       */
      Secret?: string;
    }[];
    /**
     * Requirements for the accessible topology of the volume. These fields are optional. For an in-depth
     * description of what these fields mean, see the CSI specification.
     */
    AccessibilityRequirements?: {
      /** A list of required topologies, at least one of which the volume must be accessible from. */
      Requisite?: Topology[];
      /** A list of topologies that the volume should attempt to be provisioned in. */
      Preferred?: Topology[];
    };
    /**
     * The desired capacity that the volume should be created with. If empty, the plugin will decide the
     * capacity.
     */
    CapacityRange?: {
      /** The volume must be at least this big. The value of 0 indicates an unspecified minimum */
      RequiredBytes?: number;
      /** The volume must not be bigger than this. The value of 0 indicates an unspecified maximum. */
      LimitBytes?: number;
    };
    /**
     * The availability of the volume for use in tasks. - `active` The volume is fully available for
     * scheduling on the cluster - `pause` No new workloads should use the volume, but existing workloads
     * are not stopped. - `drain` All workloads using this volume should be stopped and rescheduled, and no
     * new ones should be started.
     */
    Availability?: "active" | "pause" | "drain";
  };
}

/**
 * A map of topological domains to topological segments. For in depth details, see documentation for the
 * Topology object in the CSI specification.
 */
export type Topology = Record<string, string>;
