// What JSON doesn't say of Docker's Go structures, and templates show: which objects are structures (and print as
// {…}) and which are maps, Go's names of fields, and what a field that was left out or is null prints as.

import { type FieldMethods, Stringer, structOf, TypedNil } from "../../base/template/values.ts";
import { goStamp } from "../format/units.ts";

/**
 * Docker's structures (github.com/docker/docker/api/types of 28.5), fields in Go's order as `Name`, or `Name/JSON`
 * where the two names differ, with `=` and what it is: nothing for a text, `n` a number, `b` a bool, `l` a list,
 * `m` a map, `p` a pointer, `t` a time, `Type`, `*Type`, `[]Type`, `map:Type`. `+Type` is an embedded structure: its
 * fields are the outer one's too.
 */
const STRUCTURES: Record<string, string> = {
  Container: `ID/Id Created Path Args=l State=*State Image ResolvConfPath HostnamePath HostsPath LogPath Name
    RestartCount=n Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs=l HostConfig=*HostConfig
    GraphDriver=DriverData SizeRw=p SizeRootFs=p Mounts=[]MountPoint Config=*Config NetworkSettings=*NetworkSettings
    ImageManifestDescriptor=*Descriptor`,
  State: `Status Running=b Paused=b Restarting=b OOMKilled=b Dead=b Pid=n ExitCode=n Error StartedAt FinishedAt
    Health=*Health`,
  Health: "Status FailingStreak=n Log=l",
  Config: `Hostname Domainname User AttachStdin=b AttachStdout=b AttachStderr=b ExposedPorts=m Tty=b OpenStdin=b
    StdinOnce=b Env=l Cmd=l Healthcheck=*Healthcheck ArgsEscaped=b Image Volumes=m WorkingDir Entrypoint=l
    NetworkDisabled=b MacAddress OnBuild=l Labels=m StopSignal StopTimeout=p Shell=l`,
  Healthcheck: "Test=l Interval=n Timeout=n StartPeriod=n StartInterval=n Retries=n",
  HostConfig: `Binds=l ContainerIDFile LogConfig=LogConfig NetworkMode=NetworkMode PortBindings=map:PortBinding
    RestartPolicy=RestartPolicy AutoRemove=b VolumeDriver VolumesFrom=l ConsoleSize=l Annotations=m CapAdd=l CapDrop=l
    CgroupnsMode=IpcMode DNS/Dns=l DNSOptions/DnsOptions=l DNSSearch/DnsSearch=l ExtraHosts=l GroupAdd=l IpcMode=IpcMode Cgroup Links=l
    OomScoreAdj=n PidMode=Mode Privileged=b PublishAllPorts=b ReadonlyRootfs=b SecurityOpt=l StorageOpt=m Tmpfs=m UTSMode=Mode
    UsernsMode=Mode ShmSize=n Sysctls=m Runtime Isolation +Resources Mounts=[]Mount MaskedPaths=l ReadonlyPaths=l Init=p`,
  Resources: `CPUShares/CpuShares=n Memory=n NanoCPUs/NanoCpus=n CgroupParent BlkioWeight=n BlkioWeightDevice=l
    BlkioDeviceReadBps=l BlkioDeviceWriteBps=l BlkioDeviceReadIOps=l BlkioDeviceWriteIOps=l CPUPeriod/CpuPeriod=n
    CPUQuota/CpuQuota=n CPURealtimePeriod/CpuRealtimePeriod=n CPURealtimeRuntime/CpuRealtimeRuntime=n CpusetCpus
    CpusetMems Devices=[]DeviceMapping DeviceCgroupRules=l DeviceRequests=[]DeviceRequest KernelMemory=n
    KernelMemoryTCP=n MemoryReservation=n MemorySwap=n MemorySwappiness=p OomKillDisable=p PidsLimit=p Ulimits=l
    CPUCount/CpuCount=n CPUPercent/CpuPercent=n IOMaximumIOps=n IOMaximumBandwidth=n`,
  DeviceMapping: "PathOnHost PathInContainer CgroupPermissions",
  DeviceRequest: "Driver Count=n DeviceIDs=l Capabilities=l Options=m",
  LogConfig: "Type Config=m",
  RestartPolicy: "Name MaximumRetryCount=n",
  PortBinding: "HostIP/HostIp HostPort",
  Mount: `Type Source Target ReadOnly=b Consistency BindOptions=p VolumeOptions=p ImageOptions=p TmpfsOptions=p
    ClusterOptions=p`,
  MountPoint: "Type Name Source Destination Driver Mode RW=b Propagation",
  DriverData: "Data=m Name",
  NetworkSettings: "+NetworkSettingsBase +DefaultNetworkSettings Networks=map:EndpointSettings",
  NetworkSettingsBase: `Bridge SandboxID SandboxKey Ports=map:PortBinding HairpinMode=b LinkLocalIPv6Address
    LinkLocalIPv6PrefixLen=n SecondaryIPAddresses=l SecondaryIPv6Addresses=l`,
  DefaultNetworkSettings: `EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen=n IPAddress IPPrefixLen=n
    IPv6Gateway MacAddress`,
  EndpointSettings: `IPAMConfig=*EndpointIPAMConfig Links=l Aliases=l MacAddress DriverOpts=m GwPriority=n NetworkID
    EndpointID Gateway IPAddress IPPrefixLen=n IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen=n DNSNames=l`,
  EndpointIPAMConfig: "IPv4Address IPv6Address LinkLocalIPs=l",
  Image: `ID/Id RepoTags=l RepoDigests=l Parent Comment Created Container ContainerConfig=*Config DockerVersion Author
    Config=*ImageConfig Architecture Variant Os OsVersion Size=n VirtualSize=n GraphDriver=DriverData RootFS=RootFS
    Metadata=Metadata Descriptor=*Descriptor Manifests=l`,
  Descriptor: `MediaType/mediaType Digest/digest Size/size=n URLs/urls=l Annotations/annotations=m Data/data=l
    Platform/platform=*Platform ArtifactType/artifactType`,
  Platform: "Architecture/architecture OS/os OSVersion/os.version OSFeatures/os.features=l Variant/variant",
  ImageConfig: "+OciImageConfig +ImageConfigExtension",
  OciImageConfig: `User ExposedPorts=m Env=l Entrypoint=l Cmd=l Volumes=m WorkingDir Labels=m StopSignal
    ArgsEscaped=b`,
  ImageConfigExtension: "Healthcheck=*Healthcheck OnBuild=l Shell=l",
  RootFS: "Type Layers=l",
  Metadata: "LastTagTime=t",
  Volume: `ClusterVolume=p CreatedAt Driver Labels=m Mountpoint Name Options=m Scope Status=m UsageData=*UsageData`,
  UsageData: "RefCount=n Size=n",
  Network: `Name ID/Id Created=t Scope Driver EnableIPv4=b EnableIPv6=b IPAM=IPAM Internal=b Attachable=b Ingress=b
    ConfigFrom=ConfigReference ConfigOnly=b Containers=map:EndpointResource Options=m Labels=m Peers=l Services=m`,
  ConfigReference: "Network",
  EndpointResource: "Name EndpointID MacAddress IPv4Address IPv6Address",
  IPAM: "Driver Options=m Config=[]IPAMConfig",
  IPAMConfig: "Subnet IPRange Gateway AuxAddress/AuxiliaryAddresses=m",
  DockerInfo: "+Info ServerErrors=l UserName ClientInfo=*ClientInfo ClientErrors=l",
  Info: `ID Containers=n ContainersRunning=n ContainersPaused=n ContainersStopped=n Images=n Driver DriverStatus=l
    SystemStatus=l Plugins=PluginsInfo MemoryLimit=b SwapLimit=b KernelMemory=b KernelMemoryTCP=b
    CPUCfsPeriod/CpuCfsPeriod=b CPUCfsQuota/CpuCfsQuota=b CPUShares=b CPUSet=b PidsLimit=b IPv4Forwarding=b Debug=b
    NFd=n OomKillDisable=b NGoroutines=n SystemTime LoggingDriver CgroupDriver CgroupVersion NEventsListener=n
    KernelVersion OperatingSystem OSVersion OSType Architecture IndexServerAddress RegistryConfig=*ServiceConfig NCPU=n MemTotal=n
    GenericResources=l DockerRootDir HTTPProxy/HttpProxy HTTPSProxy/HttpsProxy NoProxy Name Labels=l
    ExperimentalBuild=b ServerVersion Runtimes=map:RuntimeWithStatus DefaultRuntime Swarm=Swarm LiveRestoreEnabled=b
    Isolation InitBinary ContainerdCommit=Commit RuncCommit=Commit InitCommit=Commit SecurityOptions=l ProductLicense
    DefaultAddressPools=[]AddressPool FirewallBackend=*FirewallInfo CDISpecDirs=l DiscoveredDevices=[]DeviceInfo
    Containerd=p Warnings=l`,
  ServiceConfig: `AllowNondistributableArtifactsCIDRs=l AllowNondistributableArtifactsHostnames=l
    InsecureRegistryCIDRs=l IndexConfigs=m Mirrors=l ExtraFields=m`,
  PluginsInfo: "Volume=l Network=l Authorization=l Log=l",
  RuntimeWithStatus: "+Runtime Status/status=m",
  Runtime: "Path/path Args/runtimeArgs=l Type/runtimeType Options/options=m",
  Swarm: `NodeID NodeAddr LocalNodeState ControlAvailable=b Error RemoteManagers=l Nodes=n Managers=n Cluster=p
    Warnings=l`,
  Commit: "ID Expected",
  AddressPool: "Base Size=n",
  FirewallInfo: "Driver Info=l",
  DeviceInfo: "Source ID",
  ClientInfo: "Debug=b +ClientVersion Plugins=l Warnings=l",
  ClientVersion: `Platform=p Version APIVersion/ApiVersion DefaultAPIVersion GitCommit GoVersion Os Arch BuildTime
    Context`,
  VersionInfo: "Client=ClientVersion Server=*Version",
  Version: `Platform=PlatformName Components=[]ComponentVersion Version APIVersion/ApiVersion MinAPIVersion GitCommit
    GoVersion Os Arch KernelVersion Experimental=b BuildTime`,
  PlatformName: "Name",
  ComponentVersion: "Name Version Details=m",
};

/** Go's names of the types that show in errors; `inspect` says what it has to say of raw JSON instead. */
const GO_NAMES: Record<string, string> = {
  DockerInfo: "system.dockerInfo",
  ClientInfo: "system.clientInfo",
  ClientVersion: "system.clientVersion",
  VersionInfo: "system.versionInfo",
  PluginsInfo: "system.PluginsInfo",
  RuntimeWithStatus: "system.RuntimeWithStatus",
  Commit: "system.Commit",
  Swarm: "swarm.Info",
};
const goName = (type: string) => GO_NAMES[type] ?? `types.${type}`;

type Fields = readonly { name: string; json: string; type: string }[];
const parsed = new Map<string, Fields>();

function fieldsOf(type: string): Fields {
  let fields = parsed.get(type);
  if (!fields) {
    fields = (STRUCTURES[type] ?? "").split(/\s+/).map((word) => {
      if (word.startsWith("+")) return { name: word.slice(1), json: "", type: word };
      const [names = "", kind = ""] = word.split("=");
      const [name = "", json = name] = names.split("/");
      return { name, json, type: kind };
    });
    parsed.set(type, fields);
  }
  return fields;
}

const isContainer = (mode: string) => mode.startsWith("container:");
const containerOf = (mode: string) => (isContainer(mode) ? mode.slice("container:".length) : "");
const isHost = (mode: string) => mode === "host";
const isPrivate = (mode: string) => !isHost(mode) && !isContainer(mode);

/** The methods of the types whose values are texts. */
const METHODS: Record<string, FieldMethods> = {
  NetworkMode: {
    IsHost: isHost,
    IsNone: (mode) => mode === "none",
    IsDefault: (mode) => mode === "default",
    IsBridge: (mode) => mode === "bridge",
    IsPrivate: isPrivate,
    IsContainer: isContainer,
    ConnectedContainer: containerOf,
    IsUserDefined: (mode) => isPrivate(mode) && !["default", "bridge", "none"].includes(mode),
    UserDefined: (mode) => (isPrivate(mode) && !["default", "bridge", "none"].includes(mode) ? mode : ""),
    NetworkName: (mode) => (isContainer(mode) ? "container" : mode),
  },
  IpcMode: {
    IsEmpty: (mode) => mode === "",
    IsHost: isHost,
    IsNone: (mode) => mode === "none",
    IsPrivate: (mode) => mode === "private",
    IsShareable: (mode) => mode === "shareable",
    IsContainer: isContainer,
    Container: containerOf,
  },
  Mode: { IsHost: isHost, IsPrivate: isPrivate, IsContainer: isContainer, Container: containerOf },
};

/** Which structure an object of an `inspect` is, by a field that only that kind has. */
export function inspectedType(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  if ("HostConfig" in value) return "Container";
  if ("RootFS" in value) return "Image";
  if ("Mountpoint" in value) return "Volume";
  return "IPAM" in value ? "Network" : "";
}

/**
 * The same data as the typed value that Docker's CLI formats first: a copy whose structures are marked and have all
 * their fields. Objects of a type that isn't known are structures of what came.
 */
export function asGoStructures(value: unknown, type: string): unknown {
  if (type.startsWith("*"))
    return value == null
      ? nil("pointer", `*${goName(type.slice(1))}`)
      : structure(value as Record<string, unknown>, type.slice(1), "*");
  if (type.startsWith("[]")) return listOf(value, type.slice(2));
  if (type.startsWith("map:")) return mapOf(value, type.slice(4));
  if (STRUCTURES[type]) return structure((value ?? {}) as Record<string, unknown>, type);
  return plain(value, type);
}

const nil = (kind: "slice" | "map" | "pointer", type: string) => new TypedNil(kind, type);

function listOf(value: unknown, type: string): unknown {
  return Array.isArray(value)
    ? value.map((item) => asGoStructures(item, type))
    : nil("slice", `[]types.${type}`);
}

function mapOf(value: unknown, type: string): unknown {
  if (typeof value !== "object" || value === null) return nil("map", `map[string]types.${type}`);
  // The values of a map of ports are lists.
  const convert = (item: unknown) =>
    Array.isArray(item) ? listOf(item, type) : asGoStructures(item ?? undefined, item === null ? "l" : type);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert(item)]));
}

/** A value of no structure that is known, by what the table says of it. */
function plain(value: unknown, type: string): unknown {
  if (value == null) return zero(type);
  if (type === "t") return new Stringer(goStamp(String(value)), value);
  if (Array.isArray(value)) return value.map((item) => plain(item, "u"));
  if (typeof value !== "object") return value;
  const entries = Object.entries(value).map(([name, item]) => [name, plain(item, "u")] as const);
  const copy = Object.fromEntries(entries);
  return type === "m" ? copy : asItCame(structOf(copy, "types.Value"), value);
}

/** `json` shows what came: the zero values are for printing, and Go leaves them out where the daemon did. */
const asItCame = <T extends object>(made: T, value: unknown): T =>
  Object.defineProperty(made, "toJSON", { value: () => value });

function zero(type: string): unknown {
  switch (type) {
    case "n":
      return 0;
    case "b":
      return false;
    case "l":
      return nil("slice", "[]string");
    case "m":
      return nil("map", "map[string]string");
    case "p":
    case "u":
      return nil("pointer", "*types.Value");
    case "t":
      return new Stringer("0001-01-01 00:00:00 +0000 UTC", "0001-01-01T00:00:00Z");
    default:
      return "";
  }
}

function structure(value: Record<string, unknown>, type: string, pointer: "*" | "" = ""): object {
  const fields = fieldsOf(type);
  const made: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.type.startsWith("+")) {
      const embedded = structure(value, field.name);
      for (const [name, item] of Object.entries(embedded)) made[name] ??= item;
      made[field.name] = embedded;
    } else made[field.name] = asGoStructures(value[field.json], field.type);
  }
  const methods = Object.fromEntries(fields.map((field) => [field.name, METHODS[field.type] ?? {}]));
  const names = fields.map(({ name }) => name);
  return asItCame(structOf(made, pointer + goName(type), names, methods), value);
}
