// The runtime room: the OCI bundle, the driver of crun and runc, and the shim that keeps one container.
import type { ContainerConfig, HostConfig } from "../api/types/index.ts";
import type { HostEnvironment } from "../base/environment.ts";
import type { SnapshotMount } from "../store/types.ts";
import type { ContainerEdits } from "./cdi/types.ts";
import type { LogSettings } from "./log-settings.ts";

export type * from "./log-settings.ts";

/** Everything that decides config.json; pure data, so bundles can be compared with a peer's in tests. */
export interface BundleInput {
  id: string;
  name: string;
  /** The image's settings merged in (mergeImageConfig), as the container's record and inspect have it. */
  config: ContainerConfig;
  /** As validateHostConfig gave it back: defaults filled in, what the host lacks taken out. */
  hostConfig: HostConfig;
  /** Where the root file system is mounted. */
  rootfs: string;
  /** Mounts from volumes and binds, host paths ready. */
  mounts: { destination: string; source: string; type: "bind" | "tmpfs"; options: string[] }[];
  /** Host paths of /etc/hosts, /etc/hostname, /etc/resolv.conf; absent where a user's mount is there. */
  files: {
    hosts?: string;
    hostname?: string;
    resolvConf?: string;
    /** A tmpfs that is shared as /dev/shm (`--ipc shareable`, `--ipc container:X`); absent: one of the container's own. */
    shm?: string;
  };
  hostname: string;
  /** A pinned namespace's file; null for the host's (`--network host`). */
  networkNamespace: string | null;
  /** Namespace files of other containers: `--pid container:X` and its kin. */
  joinedNamespaces: { pid?: string; ipc?: string; uts?: string };
  /** Asked for by the network room, for the container's network namespace; HostConfig.Sysctls win over them. */
  sysctls: Record<string, string>;
  environment: HostEnvironment;
  defaults?: RuntimeDefaults;
  /** Variables of linked containers (`--link`): the container's own win over them. */
  linkEnvironment?: string[];
  /** The runtime takes a finished seccomp filter (`takesFilter`), which says more than a profile by names can. */
  takesFilter?: boolean;
  /** What CDI devices need (`editsForRequests`), made in what all else comes to. */
  edits?: ContainerEdits;
}

/** What the daemon's configuration says for every container; each is absent where it says nothing. */
export interface RuntimeDefaults {
  ulimits?: Record<string, { Name: string; Hard: number; Soft: number }>;
  cgroupParent?: string;
  init?: boolean;
  /** The init that `--init` binds into the container; looked for at the usual places when absent. */
  initPath?: string;
  noNewPrivileges?: boolean;
  /** Content of a profile (JSON), "unconfined" or "builtin". */
  seccompProfile?: string;
  /** Bytes of /dev/shm; 64 MiB when absent. */
  shmSize?: number;
  ipcMode?: "private" | "shareable";
  cgroupnsMode?: "private" | "host";
  /** Names that `--runtime` may give, and the one taken when it gives none. */
  runtimes?: string[];
  defaultRuntime?: string;
}

/** An exec as the API asks for it, and the container that it goes into. */
export interface ExecProcessRequest {
  /** Folder of the running container's config.json: an exec takes its capabilities and limits from there. */
  bundle: string;
  /** Where the daemon sees the container's root, for user and group names. */
  rootfs: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  linkEnvironment?: string[];
  exec: {
    cmd: string[];
    env: string[];
    user: string;
    workingDir: string;
    tty: boolean;
    privileged: boolean;
    consoleSize?: [rows: number, columns: number];
  };
}

/** A port of the host that a shim keeps for its container. */
export interface ReservedPort {
  protocol: "tcp" | "udp";
  address: string;
  port: number;
  /** The container's port that it carries to whatever arrives; absent: rules alone lead there. */
  forward?: { address: string; port: number };
}

/** What one container's shim is started with; written as shim.json into its folder, mode 0600. */
export interface ShimConfig {
  protocol: number;
  id: string;
  bundle: string;
  /** From `selectRuntime`. */
  runtime: {
    path: string;
    /** As it was asked by (`crun`, `runc`, a name of daemon.json). */
    name: string;
    args: string[];
    /** crun on a hybrid cgroup host: it runs where it does not see /sys/fs/cgroup/unified. */
    hideUnifiedCgroup?: boolean;
  };
  terminal: boolean;
  stdin: boolean;
  stdinOnce: boolean;
  consoleSize?: [rows: number, columns: number];
  log: LogSettings;
  /** Takes what slow attach clients spill. */
  spillFolder: string;
  reservePorts: ReservedPort[];
  /** The bundle has hooks of its own, which the runtime's `delete` has to run; else the shim cleans up by itself. */
  hasHooks?: boolean;
  /** Milliseconds after which a call of the runtime is given up, instead of two minutes (`delete`: ten seconds). */
  callLimit?: number;
  /** As in config.json (`linux.cgroupsPath`): where the OOM count is read, and whom to kill when the shim died. */
  cgroupPath: string;
}

/** Exact end of a container or exec. */
export interface ExitStatus {
  /** The program's own status, or 128 + signal. */
  code: number;
  signal?: number;
  oomKilled: boolean;
  /** RFC 3339 with nanoseconds. */
  finishedAt: string;
}

export interface ShimState {
  phase: "created" | "running" | "paused" | "exited";
  pid?: number;
  startedAt?: string;
  exit?: ExitStatus;
  execs: { id: string; pid?: number; running: boolean; exit?: ExitStatus }[];
}

export interface ProcessSpec {
  args: string[];
  env: string[];
  cwd: string;
  user: { uid: number; gid: number; additionalGids: number[] };
  terminal: boolean;
  privileged: boolean;
  /** Capabilities, apparmor and no_new_privs as OCI runtime-spec `process` has them. */
  oci: Record<string, unknown>;
}

/** Output of an attached stream; a terminal has only stdout. */
export type StreamName = "stdin" | "stdout" | "stderr";

export interface AttachedStream extends AsyncDisposable {
  /** Chunks in order as they came; ends when the process's output ends. Pull slowly and the shim spills to disk. */
  output: ReadableStream<{ stream: "stdout" | "stderr"; data: Uint8Array }>;
  /** Resolves when the shim took it: flow control for a gigabyte of stdin. */
  write(data: Uint8Array): Promise<void>;
  closeStdin(): void;
}

/** The daemon's end of a shim. */
export interface Shim extends AsyncDisposable {
  readonly id: string;
  readonly pid: number;
  /** Protocol version and named features of the shim's own release. */
  readonly protocol: number;
  readonly features: readonly string[];
  state(): Promise<ShimState>;
  /** Resolves (never rejects) when the connection is over: true when the shim ended by `remove()` or close here. */
  readonly closed: Promise<{ expected: boolean }>;
  /** Runtime create and start in one; resolves when the program runs. Errors carry the runtime's words in runc's form. */
  start(): Promise<{ pid: number; startedAt: string }>;
  /**
   * Attach before `start()` (or before `exec()` under the id it will get) to miss nothing: output that nobody is
   * attached to goes to the container's log alone, an exec's nowhere. Closing the stream leaves the process's stdin
   * open; `closeStdin` closes it for an exec and, as in Docker, for a container with `stdinOnce`.
   */
  attach(options: {
    exec?: string;
    stdin: boolean;
    stdout: boolean;
    stderr: boolean;
  }): Promise<AttachedStream>;
  exec(
    id: string,
    spec: ProcessSpec,
    options: { stdin: boolean; consoleSize?: [number, number] },
  ): Promise<{ pid: number }>;
  kill(signal: number, options?: { exec?: string; all?: boolean }): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /**
   * Other limits for the container's group, those alone that `resources` names. Errors: conflict (it doesn't run),
   * unavailable (a shim of an older release, which lacks the feature `update`), system with the runtime's words.
   */
  update(resources: UpdatedResources): Promise<void>;
  /** Keeps these ports of the host and no others, from now on. Errors: KernelError's words (address already in use). */
  keepPorts(ports: readonly ReservedPort[]): Promise<void>;
  resize(rows: number, columns: number, exec?: string): Promise<void>;
  /** Resolves at the end of the container (or exec), also when it is long past. Rejects when the shim itself dies. */
  wait(exec?: string): Promise<ExitStatus>;
  /** Takes the runtime's state away and ends the shim. Only after the exit was recorded by the daemon. */
  remove(): Promise<void>;
}

/** `linux.resources` of the runtime-spec, as far as a running container's can change. -1: no limit. */
export interface UpdatedResources {
  memory?: { limit?: number; swap?: number; reservation?: number };
  cpu?: {
    shares?: number;
    period?: number;
    quota?: number;
    cpus?: string;
    mems?: string;
    realtimePeriod?: number;
    realtimeRuntime?: number;
  };
  pids?: { limit: number };
  blockIO?: { weight: number };
}

/** A runtime's own account of itself (`crun --version`). */
export interface RuntimeVersion {
  name: string;
  version: string;
  commit?: string;
  spec?: string;
}

/** Exit status a dead shim left in its folder (exit.json), for a container that ended while no daemon ran. */
export type LeftExit = ExitStatus | undefined;

export interface RootfsMount {
  mount: SnapshotMount;
  target: string;
}
