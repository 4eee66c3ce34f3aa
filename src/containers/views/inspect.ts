// A container as GET /containers/ID/json shows it: every field in Docker's order, with its zero values.
import { join } from "node:path";
import type {
  ContainerConfig,
  ContainerInspectResponse,
  EndpointSettings,
  HostConfig,
  NetworkSettings,
} from "../../api/types/index.ts";
import { ZERO_TIME } from "../../base/nanoseconds.ts";
import type { Health } from "../health/rules.ts";
import { finishedAtOf, startedAtOf } from "../state-machine.ts";
import type { ContainerRecord, ContainerState } from "../types.ts";
import { exitCodeOf, isRunning } from "./status-text.ts";
import { endpointsOf, mountPoints, type Surroundings, sorted } from "./summary.ts";

/** What only an inspect shows. */
export interface InspectSurroundings extends Surroundings {
  /** The folder below the data root where its files for /etc are: its own, or that of the container whose network it shares. */
  folder: string;
  /** Execs that run in it; null when there are none. */
  execIds: string[] | null;
  /** HostConfig.Links by the containers' present names. */
  links?: string[] | null;
  size?: { rw: number; rootFs: number };
  defaultUlimits: { Name: string; Hard: number; Soft: number }[];
  appArmorProfile: string;
  /** What a container that asked for none is started by. */
  defaultRuntime: string;
}

export function toInspect(record: ContainerRecord, around: InspectSurroundings): ContainerInspectResponse {
  const started = startedAtOf(record.state) !== undefined || exitCodeOf(record.state) !== 0;
  const file = (name: string) => (started ? join(around.folder, name) : "");
  return {
    Id: record.id,
    Created: record.createdAt,
    Path: record.path,
    Args: record.args,
    State: toState(record.state, around.health),
    Image: record.imageId,
    ResolvConfPath: file("resolv.conf"),
    HostnamePath: file("hostname"),
    HostsPath: file("hosts"),
    LogPath: started && isJsonFile(record) ? record.logPath : "",
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: "overlayfs",
    Platform: record.platform.os,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: started ? around.appArmorProfile : "",
    ExecIDs: around.execIds,
    HostConfig: toHostConfig(record.hostConfig, around),
    GraphDriver: JSON.parse('{"Data":null,"Name":"overlayfs"}'),
    ...(around.size && { SizeRw: around.size.rw, SizeRootFs: around.size.rootFs }),
    Mounts: mountPoints(record.mounts, around.volumeFolder),
    Config: toConfig({ ...record.config, MacAddress: askedMac(record) ?? "" }),
    NetworkSettings: toNetworkSettings(record, around),
    ...(record.manifestDescriptor && { ImageManifestDescriptor: record.manifestDescriptor }),
  };
}

function toState(state: ContainerState, health: Health | undefined): ContainerInspectResponse["State"] {
  const alive = state.status === "running" || state.status === "paused";
  const exit = "exit" in state ? state.exit : undefined;
  return {
    Status: state.status,
    Running: isRunning(state),
    Paused: state.status === "paused",
    Restarting: state.status === "restarting",
    OOMKilled: exit?.oomKilled ?? false,
    Dead: state.status === "dead",
    Pid: alive ? state.pid : 0,
    ExitCode: exitCodeOf(state),
    Error: errorOf(state),
    StartedAt: startedAtOf(state) ?? ZERO_TIME,
    FinishedAt: finishedAtOf(state) ?? ZERO_TIME,
    ...(health && {
      Health: { Status: health.status, FailingStreak: health.failingStreak, Log: health.log },
    }),
  };
}

function errorOf(state: ContainerState): string {
  if (state.status === "exited") return state.problem?.error ?? "";
  return ("error" in state ? state.error : undefined) ?? "";
}

/** Zero values of HostConfig in Docker's order, null where it writes null. */
const HOST_CONFIG = JSON.parse(`{
  "Binds": null, "ContainerIDFile": "", "LogConfig": { "Type": "json-file", "Config": {} }, "NetworkMode": "bridge",
  "PortBindings": null, "RestartPolicy": { "Name": "no", "MaximumRetryCount": 0 }, "AutoRemove": false,
  "VolumeDriver": "", "VolumesFrom": null, "ConsoleSize": [0, 0], "Annotations": null, "CapAdd": null, "CapDrop": null,
  "CgroupnsMode": "", "Dns": null, "DnsOptions": null, "DnsSearch": null, "ExtraHosts": null, "GroupAdd": null,
  "IpcMode": "private", "Cgroup": "", "Links": null, "OomScoreAdj": 0, "PidMode": "", "Privileged": false,
  "PublishAllPorts": false, "ReadonlyRootfs": false, "SecurityOpt": null, "StorageOpt": null, "Tmpfs": null, "UTSMode": "",
  "UsernsMode": "", "ShmSize": 67108864, "Sysctls": null, "Runtime": "", "Isolation": "", "CpuShares": 0, "Memory": 0,
  "NanoCpus": 0, "CgroupParent": "", "BlkioWeight": 0, "BlkioWeightDevice": null, "BlkioDeviceReadBps": null,
  "BlkioDeviceWriteBps": null, "BlkioDeviceReadIOps": null, "BlkioDeviceWriteIOps": null, "CpuPeriod": 0, "CpuQuota": 0,
  "CpuRealtimePeriod": 0, "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "", "Devices": null,
  "DeviceCgroupRules": null, "DeviceRequests": null, "MemoryReservation": 0, "MemorySwap": 0,
  "MemorySwappiness": null, "OomKillDisable": false, "PidsLimit": null, "Ulimits": null, "CpuCount": 0,
  "CpuPercent": 0, "IOMaximumIOps": 0, "IOMaximumBandwidth": 0, "Mounts": null, "MaskedPaths": null,
  "ReadonlyPaths": null, "Init": null
}`) as HostConfig;
const HOST_CONFIG_MAPS = ["PortBindings", "Annotations", "StorageOpt", "Sysctls", "Tmpfs"] as const;
const HOST_CONFIG_ONLY_WHEN_SET = ["Annotations", "StorageOpt", "Tmpfs", "Sysctls", "Mounts"] as const;

function toHostConfig(asked: HostConfig, around: InspectSurroundings): HostConfig {
  const own = asked.Ulimits ?? [];
  const inherited = around.defaultUlimits.filter(({ Name }) => !own.some((limit) => limit.Name === Name));
  const shown = {
    ...HOST_CONFIG,
    ...withoutUndefined(asked),
    Runtime: asked.Runtime || around.defaultRuntime,
    ...(around.links !== undefined && { Links: around.links as string[] }),
    ...(inherited.length > 0 && { Ulimits: [...own, ...inherited] }),
  };
  if (shown.Ulimits)
    shown.Ulimits = shown.Ulimits.map(({ Name, Hard = 0, Soft = 0 }) => ({ Name, Hard, Soft }));
  if (shown.LogConfig?.Config)
    shown.LogConfig = { ...shown.LogConfig, Config: sorted(shown.LogConfig.Config) };
  for (const field of HOST_CONFIG_MAPS)
    if (shown[field]) Object.assign(shown, { [field]: sorted(shown[field]) });
  for (const field of HOST_CONFIG_ONLY_WHEN_SET) if (isUnset(shown[field])) delete shown[field];
  if (shown.Init === null) delete shown.Init;
  return shown;
}

/** Zero values of Config in Docker's order; the fields after it are there only when they are set. */
const CONFIG = JSON.parse(`{
  "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": false, "AttachStderr": false,
  "ExposedPorts": null, "Tty": false, "OpenStdin": false, "StdinOnce": false, "Env": null, "Cmd": null, "Healthcheck": null, "ArgsEscaped": false, "Image": "", "Volumes": null,
  "WorkingDir": "", "Entrypoint": null, "NetworkDisabled": false, "MacAddress": "", "OnBuild": null, "Labels": {}
}`) as ContainerConfig;
const CONFIG_MAPS = ["ExposedPorts", "Labels", "Volumes"] as const;
const ONLY_WHEN_SET = [
  "ExposedPorts",
  "ArgsEscaped",
  "NetworkDisabled",
  "MacAddress",
  "StopSignal",
  "StopTimeout",
  "Shell",
] as const;

function toConfig(config: ContainerConfig): ContainerConfig {
  const shown = { ...CONFIG, ...withoutUndefined(config) };
  if (isUnset(shown.Volumes)) shown.Volumes = CONFIG.Volumes;
  for (const field of CONFIG_MAPS) if (shown[field]) Object.assign(shown, { [field]: sorted(shown[field]) });
  for (const field of ONLY_WHEN_SET) if (isUnset(shown[field])) delete shown[field];
  if (!shown.Healthcheck) delete shown.Healthcheck; // one without any field is shown
  return shown;
}

const isUnset = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === false ||
  (typeof value === "object" && Object.keys(value).length === 0);

const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;

const joinsNetwork = ({ hostConfig }: ContainerRecord): boolean =>
  hostConfig.NetworkMode?.startsWith("container:") ?? false;

/** Of the endpoint on the container's own network: there older clients' container-wide address went, too. */
const askedMac = ({ config, hostConfig, networking }: ContainerRecord) =>
  networking.EndpointsConfig?.[hostConfig.NetworkMode ?? ""]?.MacAddress || config.MacAddress;

function toNetworkSettings(record: ContainerRecord, around: Surroundings): NetworkSettings {
  const endpoints = endpointsOf(around);
  const first: EndpointSettings = endpoints.bridge ?? {};
  return {
    Bridge: "",
    SandboxID: around.live && !joinsNetwork(record) ? record.id : "",
    SandboxKey: around.live ? around.network.sandboxKey : "",
    Ports: around.network.ports,
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: first.EndpointID ?? "",
    Gateway: first.Gateway ?? "",
    GlobalIPv6Address: first.GlobalIPv6Address ?? "",
    GlobalIPv6PrefixLen: first.GlobalIPv6PrefixLen ?? 0,
    IPAddress: first.IPAddress ?? "",
    IPPrefixLen: first.IPPrefixLen ?? 0,
    IPv6Gateway: first.IPv6Gateway ?? "",
    MacAddress: first.MacAddress ?? "",
    Networks: endpoints,
  };
}

/** The other drivers' files are their own matter. */
const isJsonFile = ({ hostConfig }: ContainerRecord): boolean =>
  (hostConfig.LogConfig?.Type ?? "json-file") === "json-file";
