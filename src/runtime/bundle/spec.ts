// The part of the OCI runtime specification's config.json that we write (runtime-spec v1.2, config.md and config-linux.md).

export interface Spec {
  ociVersion: string;
  process: Process;
  root: { path: string; readonly?: boolean };
  hostname?: string;
  mounts: SpecMount[];
  annotations?: Record<string, string>;
  hooks?: { [when: string]: Hook[] };
  linux: Linux;
}

export interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

export interface Process {
  terminal?: boolean;
  consoleSize?: { height: number; width: number };
  user: { uid: number; gid: number; additionalGids?: number[] };
  args: string[];
  env: string[];
  cwd: string;
  capabilities?: Capabilities;
  /** Unlimited is 2^64-1, which only a bigint holds. */
  rlimits?: { type: string; hard: number | bigint; soft: number | bigint }[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  oomScoreAdj?: number;
}

export interface Capabilities {
  bounding?: string[];
  effective?: string[];
  permitted?: string[];
  inheritable?: string[];
  ambient?: string[];
}

export interface SpecMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export type NamespaceType = "mount" | "network" | "uts" | "pid" | "ipc" | "user" | "cgroup";

export interface Linux {
  sysctl: Record<string, string>;
  resources: Resources;
  cgroupsPath: string;
  namespaces: { type: NamespaceType; path?: string }[];
  devices: Device[];
  seccomp?: Seccomp;
  rootfsPropagation?: string;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  uidMappings?: { containerID: number; hostID: number; size: number }[];
  gidMappings?: { containerID: number; hostID: number; size: number }[];
  mountLabel?: string;
  /** Class of service of resctrl (config-linux.md "IntelRdt"). */
  intelRdt?: object;
  /** Host interfaces that move into the container, by their names there (config-linux.md "Network Devices"). */
  netDevices?: Record<string, { name: string }>;
}

/** A node made in the container's /dev. `fileMode` is its permission bits. */
export interface Device {
  path: string;
  type: "c" | "b" | "p" | "u";
  major: number;
  minor: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

/** A rule of the device cgroup; major or minor absent (or -1): every number. */
export interface DeviceRule {
  allow: boolean;
  type?: "a" | "c" | "b";
  major?: number;
  minor?: number;
  access: string;
}

export interface Resources {
  devices: DeviceRule[];
  memory?: {
    limit?: number;
    reservation?: number;
    swap?: number;
    swappiness?: number;
    kernelTCP?: number;
    disableOOMKiller?: boolean;
  };
  cpu?: {
    shares?: number;
    quota?: number;
    period?: number;
    realtimeRuntime?: number;
    realtimePeriod?: number;
    cpus?: string;
    mems?: string;
  };
  pids?: { limit: number };
  blockIO: {
    weight?: number;
    weightDevice?: { major: number; minor: number; weight: number }[];
    throttleReadBpsDevice?: ThrottleRate[];
    throttleWriteBpsDevice?: ThrottleRate[];
    throttleReadIOPSDevice?: ThrottleRate[];
    throttleWriteIOPSDevice?: ThrottleRate[];
  };
}

export interface ThrottleRate {
  major: number;
  minor: number;
  rate: number;
}

export interface Seccomp {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: SeccompRule[];
}

export interface SeccompRule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: SeccompArgument[];
}

export interface SeccompArgument {
  index: number;
  /** 64 bits; a bigint past 2^53. */
  value: number | bigint;
  valueTwo?: number | bigint;
  op: string;
}
