// What the use cases work with: the rooms, opened once by start.ts. A record, not an object with behaviour:
// behaviour is in the rooms, and in one file here for each use case that crosses them.
import type {
  BuildCache,
  ContainerConfig,
  ContainerSummary,
  EventMessage,
  HostConfig,
  ImageSummary,
  NetworkingConfig,
  Volume,
} from "../api/types/index.ts";
import type { HostEnvironment } from "../base/environment.ts";
import type { CacheBounds } from "../builder/types.ts";
import type { ContainerId, Containers } from "../containers/types.ts";
import type { ImageEvent, Images } from "../images/types.ts";
import type { Networks } from "../networks/types.ts";
import type { RuntimeDefaults } from "../runtime/types.ts";
import type { Store } from "../store/types.ts";
import type { Volumes } from "../volumes/types.ts";

/** dockerd's flags and daemon.json keys, parsed and checked; defaults filled in. */
export interface DaemonConfig {
  hosts: string[];
  dataRoot: string;
  execRoot: string;
  pidfile: string;
  debug: boolean;
  logLevel: "debug" | "info" | "warn" | "error" | "fatal";
  logFormat: "text" | "json";
  group: string;
  bridge: string;
  bip?: string;
  bip6?: string;
  fixedCidr?: string;
  fixedCidrV6?: string;
  /** `--default-gateway` of the default bridge. */
  defaultGateway?: string;
  /** `--default-gateway-v6` of it. */
  defaultGatewayV6?: string;
  /** `--default-network-opt`: options of new networks, by driver. */
  defaultNetworkOpts?: Record<string, Record<string, string>>;
  /** `--ip`: host address of published ports that name none. */
  ip?: string;
  /** `--host-gateway-ip`: what `host-gateway` means in extra hosts; absent: the default bridge's address. */
  hostGatewayIps?: string[];
  ipv6: boolean;
  defaultAddressPools: { base: string; size: number }[];
  mtu: number;
  icc: boolean;
  ipForward: boolean;
  ipMasq: boolean;
  nftables: boolean;
  /** Connections to IPv6 addresses of the host that no rule can translate are carried by the containers' shims. */
  userlandProxy: boolean;
  dns: string[];
  dnsOptions: string[];
  dnsSearch: string[];
  /** By driver: options that every new network gets. */
  /** Empty: crun where this host lets it run, else runc. */
  defaultRuntime: string;
  runtimes: Record<string, { path: string; runtimeArgs?: string[] }>;
  logDriver: string;
  logOptions: Record<string, string>;
  defaultUlimits: Record<string, { Name: string; Hard: number; Soft: number }>;
  defaultShmSize: number;
  defaultCgroupnsMode?: "host" | "private";
  defaultIpcMode?: "shareable" | "private";
  init?: boolean;
  initPath?: string;
  cgroupParent?: string;
  execOptions: string[];
  seccompProfile: string;
  noNewPrivileges: boolean;
  builder: {
    /** What builds may ask for besides the usual: `network.host`, `security.insecure`. */
    entitlements: string[];
    /** What of their cache goes by itself. */
    cacheBounds: CacheBounds;
  };
  labels: string[];
  insecureRegistries: string[];
  registryMirrors: string[];
  maxConcurrentDownloads: number;
  maxConcurrentUploads: number;
  maxDownloadAttempts: number;
  shutdownTimeout: number;
  /** Containers always outlive the daemon: false is warned of, in the log and in `info`. */
  liveRestore?: boolean;
  experimental?: boolean;
  proxies?: { http?: string; https?: string; no?: string };
  tls: { enabled: boolean; verify: boolean; ca?: string; certificate?: string; key?: string };
  /** Serve TCP without client certificates on addresses that are not loopback. */
  allowInsecureTcp: boolean;
  features: Record<string, boolean>;
  /** Folders of CDI's files; empty: devices are not looked for. */
  cdiSpecDirs: string[];
  /** Folders where plugins' sockets and addresses are looked for. */
  pluginDirs: string[];
}

export interface Engine {
  readonly config: DaemonConfig;
  readonly environment: HostEnvironment;
  readonly store: Store;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly containers: Containers;
  readonly events: Events;
  /** What `config` says for the bundle of every container, read once. */
  readonly runtimeDefaults: RuntimeDefaults;
  /** Stays the same over restarts: `info`'s ID. */
  readonly id: string;
  readonly startedAt: Date;
  /** Told by the images room; ends in `events`. */
  readonly onImageEvent: (event: ImageEvent) => void;
  /** Shims of containers that ended, on their way out with their folders: a new start waits for them. */
  readonly leaving: Map<ContainerId, Promise<void>>;
  /** Who reads or writes the files of a container just now: its root file system stays mounted for them. */
  readonly rootfsUsers: Map<ContainerId, Set<RootfsUser>>;
  /** Restarts that wait for their time. */
  readonly restarts: Map<ContainerId, RestartTimer>;
  /** Containers that are being restarted: their end is not what `--rm` waits for. */
  readonly kept: Set<ContainerId>;
  /** What goes on after an answer was given: awaited when the daemon closes. */
  readonly background: Background;
  /** Resolved when what an earlier daemon left was taken up or taken away: only then a policy starts anything. */
  readonly recovered: PromiseWithResolvers<void>;
  /** Aborted when this daemon lets go of its shims. */
  readonly closing: AbortSignal;
}

/** A use of a container's files; `ended` resolves after the last access. */
export interface RootfsUser {
  /** Aborted by the container's removal. */
  removal: AbortController;
  ended: Promise<void>;
}

/** Fires when a container is started again by its policy. */
export interface RestartTimer {
  timer: ReturnType<typeof setTimeout>;
}

/** Work that nobody waits for but the shutdown. */
export interface Background {
  /** A failure is logged under the name. */
  run(name: string, work: () => Promise<unknown>): void;
  /** Resolves when all of it has ended. */
  idle(): Promise<void>;
}

/** What an API filter parameter says, parsed: `{"label":{"a=b":true}}` and `{"label":["a=b"]}` are `{label: ["a=b"]}`. */
export type Filters = Record<string, string[]>;

/** Body and query of POST /containers/create. */
export interface CreateRequest {
  /** With or without the leading slash; empty: one is made up. */
  name?: string;
  /** As the query has it: `linux/arm64/v8`; empty: the host's. */
  platform?: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  networkingConfig?: NetworkingConfig;
}

export interface ListRequest {
  all: boolean;
  /** As `docker ps -n`: that many of the newest, whatever their state. */
  limit?: number;
  size: boolean;
  filters: Filters;
}

export interface StopOptions {
  /** Name or number; default: the container's stop signal. */
  signal?: string;
  /** Seconds until SIGKILL; -1: never; default: the container's StopTimeout, else 10. */
  timeout?: number;
}

export interface RemoveOptions {
  force: boolean;
  /** Anonymous volumes too. */
  volumes: boolean;
  /** Removes a link, which we don't have: refused. */
  link?: boolean;
}

export type EventType = "container" | "image" | "network" | "volume" | "daemon" | "builder" | "plugin";

/** The ring of the last 256 events and those who listen. */
export interface Events {
  publish(type: EventType, action: string, id: string, attributes?: Record<string, string>): void;
  /** Past events from `since` on (seconds since the epoch with fraction), then new ones until `until` or abort. */
  stream(
    options: { since?: number; until?: number; filters: Filters },
    signal: AbortSignal,
  ): AsyncIterable<EventMessage>;
  readonly listeners: number;
}

export interface PruneReport {
  deleted: string[];
  /** Bytes. */
  spaceReclaimed: number;
}

/** Answer of GET /system/df, fields of API 1.51. */
export interface DiskUsage {
  LayersSize: number;
  Images: ImageSummary[] | null;
  Containers: ContainerSummary[] | null;
  Volumes: Volume[] | null;
  BuildCache: BuildCache[] | null;
}
