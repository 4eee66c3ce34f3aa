// What the use cases work with: the rooms, opened once by start.ts. A record, not an object with behaviour:
// behaviour is in the rooms, and in one file here for each use case that crosses them.
import type { HostEnvironment } from "../base/environment.ts";
import type { Images } from "../images/types.ts";
import type { Networks } from "../networks/types.ts";
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
  ipv6: boolean;
  defaultAddressPools: { base: string; size: number }[];
  mtu: number;
  icc: boolean;
  ipForward: boolean;
  ipMasq: boolean;
  nftables: boolean;
  dns: string[];
  dnsOptions: string[];
  dnsSearch: string[];
  defaultRuntime: string;
  runtimes: Record<string, { path: string; runtimeArgs?: string[] }>;
  logDriver: string;
  logOptions: Record<string, string>;
  defaultUlimits: Record<string, { Name: string; Hard: number; Soft: number }>;
  defaultShmSize: number;
  defaultCgroupnsMode?: "host" | "private";
  cgroupParent?: string;
  execOptions: string[];
  seccompProfile: string;
  noNewPrivileges: boolean;
  labels: string[];
  insecureRegistries: string[];
  registryMirrors: string[];
  maxConcurrentDownloads: number;
  maxConcurrentUploads: number;
  maxDownloadAttempts: number;
  shutdownTimeout: number;
  tls: { enabled: boolean; verify: boolean; ca?: string; certificate?: string; key?: string };
  /** Serve TCP without client certificates on addresses that are not loopback. */
  allowInsecureTcp: boolean;
  features: Record<string, boolean>;
}

export interface Engine {
  readonly config: DaemonConfig;
  readonly environment: HostEnvironment;
  readonly store: Store;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  // containers, events and shims are added by the containers room's and the engine's own files.
}
