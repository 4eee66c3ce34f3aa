// GET /info and GET /version: what this daemon is and what the host can do.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, hostname, totalmem } from "node:os";
import type { SystemInfo, SystemVersion } from "../api/types/index.ts";
import { API_VERSION, COMMIT, COMMITTED, ENGINE_VERSION, MIN_API_VERSION, VERSION } from "../base/build.ts";
import { now } from "../containers/index.ts";
import { limitSupport, readCdiDevices, runtimeVersion, selectRuntime, usualInit } from "../runtime/index.ts";
import { LOG_DRIVERS } from "./log-config.ts";
import type { DaemonConfig, Engine } from "./types.ts";

export async function systemVersion(engine: Engine): Promise<SystemVersion> {
  const { environment } = engine;
  const runtime = await defaultRuntimeVersion(engine);
  const details = {
    ApiVersion: API_VERSION,
    Arch: environment.platform.architecture,
    BuildTime: COMMITTED,
    Experimental: "false",
    GitCommit: COMMIT,
    GoVersion: `bun${Bun.version}`,
    KernelVersion: environment.kernel.release,
    MinAPIVersion: MIN_API_VERSION,
    Os: "linux",
  };
  return {
    Platform: { Name: "Berth" },
    Components: [
      { Name: "Engine", Version: ENGINE_VERSION, Details: details },
      { Name: "berth", Version: VERSION, Details: { GitCommit: COMMIT } },
      ...(runtime
        ? [{ Name: runtime.name, Version: runtime.version, Details: { GitCommit: runtime.commit ?? "" } }]
        : []),
    ],
    Version: ENGINE_VERSION,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: COMMIT,
    GoVersion: `bun${Bun.version}`,
    Os: "linux",
    Arch: environment.platform.architecture,
    KernelVersion: environment.kernel.release,
    BuildTime: COMMITTED,
  };
}

export async function systemInfo(engine: Engine): Promise<SystemInfo> {
  const { config, environment, containers, store } = engine;
  const states = containers.all().map(({ state }) => state.status);
  const count = (...wanted: string[]) => states.filter((status) => wanted.includes(status)).length;
  // One that waits to be restarted has no process: Docker counts it among the stopped ones, too.
  const running = count("running");
  const paused = count("paused");
  const runtime = selectDefault(engine);
  const runc = installed("runc");
  const runcVersion = runc && (await runtimeVersion(runc.path));
  const devices = readCdiDevices(config.cdiSpecDirs);
  const nothing = JSON.parse('{"RemoteManagers":null}');
  return {
    ID: engine.id,
    Containers: states.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: states.length - running - paused,
    Images: new Set(store.images.all().map(({ target }) => target.digest)).size,
    Driver: "overlayfs",
    DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]],
    Plugins: {
      Volume: engine.volumes.drivers(),
      Network: ["bridge", "host", "ipvlan", "macvlan", "null"],
      ...JSON.parse('{"Authorization":null}'),
      Log: [...LOG_DRIVERS],
    },
    ...limits(engine),
    IPv4Forwarding: readText("/proc/sys/net/ipv4/ip_forward") === "1",
    Debug: config.debug,
    NFd: countEntries("/proc/self/fd"),
    NGoroutines: countEntries("/proc/self/task"),
    SystemTime: now(),
    LoggingDriver: config.logDriver,
    CgroupDriver: environment.cgroups.manager,
    CgroupVersion: environment.cgroups.mode === "v2" ? "2" : "1",
    NEventsListener: engine.events.listeners,
    KernelVersion: environment.kernel.release,
    OperatingSystem: osRelease("PRETTY_NAME") || "Linux",
    OSVersion: osRelease("VERSION_ID"),
    OSType: "linux",
    Architecture: environment.platform.architecture === "arm64" ? "aarch64" : "x86_64",
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: registryConfig(config),
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    ...JSON.parse('{"GenericResources":null}'),
    DockerRootDir: config.dataRoot,
    HttpProxy: proxy("HTTP_PROXY"),
    HttpsProxy: proxy("HTTPS_PROXY"),
    NoProxy: process.env.NO_PROXY ?? process.env.no_proxy ?? "",
    Name: hostname(),
    Labels: config.labels,
    ExperimentalBuild: config.experimental === true,
    ServerVersion: ENGINE_VERSION,
    Runtimes: runtimeTable(config),
    DefaultRuntime: runtime?.name ?? config.defaultRuntime,
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      ...nothing,
    },
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: usualInit(config.initPath) ?? "docker-init",
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: runcVersion?.commit ?? runcVersion?.version ?? "" },
    InitCommit: { ID: "" },
    SecurityOptions: securityOptions(engine),
    ...(config.defaultAddressPools.length > 0 && {
      DefaultAddressPools: config.defaultAddressPools.map(({ base, size }) => ({ Base: base, Size: size })),
    }),
    FirewallBackend: { Driver: "nftables" },
    CDISpecDirs: config.cdiSpecDirs,
    ...discovered(devices),
    Warnings: [...warnings(config), ...deviceWarnings(devices)],
  };
}

type Devices = ReturnType<typeof readCdiDevices>;

const discovered = ({ devices }: Devices): Pick<SystemInfo, "DiscoveredDevices"> =>
  devices.size > 0 ? { DiscoveredDevices: [...devices.keys()].map((ID) => ({ Source: "cdi", ID })) } : {};

const deviceWarnings = ({ errors }: Devices): string[] =>
  errors.map(({ path, reason }) => `CDI: Error associated with spec file ${path}: ${reason}`);

function limits({ environment }: Engine): SystemInfo {
  const supported = limitSupport(environment);
  return {
    MemoryLimit: supported.memory,
    SwapLimit: supported.swap,
    CpuCfsPeriod: supported.cpuQuota,
    CpuCfsQuota: supported.cpuQuota,
    CPUShares: supported.cpuShares,
    CPUSet: supported.cpuset !== undefined,
    // v1's alone; absent elsewhere, as in Docker.
    ...(existsSync("/sys/fs/cgroup/memory/memory.kmem.tcp.limit_in_bytes") && { KernelMemoryTCP: true }),
    PidsLimit: supported.pids,
    OomKillDisable: supported.oomKillDisable,
  };
}

function selectDefault({ config }: Engine) {
  try {
    return selectRuntime({ defaultRuntime: config.defaultRuntime, runtimes: config.runtimes });
  } catch {
    return undefined; // none is installed: the daemon answers all the same, and starts say so
  }
}

async function defaultRuntimeVersion(engine: Engine) {
  const runtime = selectDefault(engine);
  return runtime && (await runtimeVersion(runtime.path));
}

/** A runtime that needs no configuration, where it is installed. */
function installed(asked: string): { name: string; path: string } | undefined {
  try {
    return selectRuntime({ asked });
  } catch {
    return undefined;
  }
}

/** All that `--runtime` may name, sorted as Go's maps are. */
function runtimeTable(config: DaemonConfig): NonNullable<SystemInfo["Runtimes"]> {
  const usual = [installed("crun"), installed("runc")].flatMap((found) =>
    found ? [[found.name, { path: found.path }] as const] : [],
  );
  const named = Object.entries(config.runtimes).map(
    ([name, { path, runtimeArgs }]) => [name, { path, ...(runtimeArgs && { runtimeArgs }) }] as const,
  );
  const table = new Map([...usual, ...named]);
  return Object.fromEntries([...table].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function securityOptions({ config, environment, runtimeDefaults }: Engine): string[] {
  const profile = runtimeDefaults.seccompProfile === "builtin" ? "builtin" : config.seccompProfile;
  return [
    ...(environment.appArmor ? ["name=apparmor"] : []),
    `name=seccomp,profile=${profile}`,
    ...(environment.idMapping ? ["name=userns"] : []),
    ...(environment.rootless ? ["name=rootless"] : []),
    ...(environment.cgroups.mode === "v2" ? ["name=cgroupns"] : []),
    ...(config.noNewPrivileges ? ["name=no-new-privileges"] : []),
  ];
}

function registryConfig(config: DaemonConfig) {
  const isRange = (registry: string) => /^[0-9a-f.:]+\/\d+$/i.test(registry);
  const insecure = config.insecureRegistries;
  const index = (Name: string, Secure: boolean, Official: boolean) => ({
    Mirrors: Official ? config.registryMirrors : [],
    Name,
    Official,
    Secure,
  });
  return {
    IndexConfigs: {
      "docker.io": index("docker.io", true, true),
      ...Object.fromEntries(
        insecure.filter((name) => !isRange(name)).map((name) => [name, index(name, false, false)]),
      ),
    },
    InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", ...insecure.filter(isRange)],
    Mirrors: config.registryMirrors,
  };
}

export const NO_LIVE_RESTORE =
  "live-restore=false is not implemented: containers go on running when the daemon ends";

/** In dockerd's words: TCP without encryption or without client certificates. */
function warnings(config: DaemonConfig): string[] {
  const open = config.hosts.filter((host) => host.startsWith("tcp://") && !config.tls.verify);
  return [
    ...open.map((host) =>
      config.tls.enabled
        ? `[DEPRECATION NOTICE]: API is accessible on https://${host.slice(6)} without TLS client verification.`
        : `[DEPRECATION NOTICE]: API is accessible on http://${host.slice(6)} without encryption.`,
    ),
    ...(config.liveRestore === false ? [`WARNING: ${NO_LIVE_RESTORE}`] : []),
  ];
}

/** Credentials in it are nobody's business. */
function proxy(name: string): string {
  const value = process.env[name] ?? process.env[name.toLowerCase()] ?? "";
  return value.replace(/^([a-z]+:\/\/)[^@/]*@/i, "$1xxxxx:xxxxx@");
}

function osRelease(key: string): string {
  const text = readText("/etc/os-release") || readText("/usr/lib/os-release");
  const value = new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1] ?? "";
  return value.replace(/^(["'])(.*)\1$/, "$2");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function countEntries(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return -1;
  }
}
