// Flags and words of `run` and `create` as the container that the API is asked for. What can only be judged with
// several flags in hand is judged here, in Docker's words (docker/cli cli/command/container/opts.go, for the rules).
import type { ContainerSpec, HealthConfig, HostConfig, RestartPolicy } from "../../sdk/index.ts";
import { cut, type FlagValues } from "../framework/flags.ts";
import type { CONTAINER_FLAGS } from "./flags.ts";
import { asMap, readPairsFile, reason } from "./key-values.ts";
import { parseVolume } from "./mounts.ts";
import { checkMac, endpointsOf } from "./networks.ts";
import { parseExposed, parsePublished } from "./ports.ts";
import { isCdiName, parseDevice } from "./resources.ts";

export type ContainerFlags = FlagValues<typeof CONTAINER_FLAGS>;

export interface SpecSource {
  flags: ContainerFlags;
  given: (name: keyof ContainerFlags & string) => boolean;
  image: string;
  words: string[];
}

/** The request's body. Throws an Error that says which flags don't fit. */
export async function containerSpec(source: SpecSource): Promise<ContainerSpec> {
  const { flags, given } = source;
  if (flags["mac-address"]) checkMac(flags["mac-address"]);
  const swappiness = flags["memory-swappiness"];
  if (swappiness < -1 || swappiness > 100) {
    throw new Error(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  const { binds, volumes } = volumesOf(flags.volume);
  const { exposed, bindings } = parsePublished(flags.publish);
  for (const port of flags.expose.flatMap(parseExposed)) exposed.add(port);
  const devices = devicesOf(flags);
  const env = [...(await fromFiles(flags["env-file"], (name) => process.env[name])), ...flags.env];
  const labels = asMap([...(await fromFiles(flags["label-file"])), ...flags.label]);
  checkModes(flags);
  const restart = restartPolicy(flags.restart);
  const logging = loggingOf(flags);
  const security = await securityOf(flags["security-opt"]);
  const storage = storageOf(flags["storage-opt"]);
  const health = healthOf(flags);
  if (flags.rm && restart.Name !== "no" && restart.Name !== "") {
    throw new Error("conflicting options: cannot specify both --restart and --rm");
  }
  const attached = attachmentsOf(flags);
  const endpoints = endpointsOf({
    networks: flags.network,
    aliases: flags["network-alias"],
    links: flags.link,
    ip: flags.ip,
    ip6: flags.ip6,
    mac: flags["mac-address"],
    linkLocalIps: flags["link-local-ip"],
  });
  const network = flags.network[0]?.target ?? "default";
  return {
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    User: flags.user,
    ...attached,
    ExposedPorts: exposed.size > 0 ? Object.fromEntries([...exposed].map((port) => [port, {}])) : undefined,
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && attached.AttachStdin,
    Env: unlessEmpty(env),
    Cmd: source.words.length > 0 ? source.words : undefined,
    Healthcheck: health,
    Image: source.image,
    Volumes: volumes,
    WorkingDir: flags.workdir,
    Entrypoint: flags.entrypoint ? [flags.entrypoint] : given("entrypoint") ? [""] : undefined,
    // Daemons before API 1.44 read it from here.
    MacAddress: (endpoints[network]?.MacAddress ?? flags["mac-address"]) || undefined,
    Labels: labels,
    StopSignal: flags["stop-signal"] || undefined,
    StopTimeout: given("stop-timeout") ? flags["stop-timeout"] : undefined,
    HostConfig: {
      ...resourcesOf(flags, devices),
      Binds: unlessEmpty(binds),
      ContainerIDFile: flags.cidfile,
      OomScoreAdj: flags["oom-score-adj"],
      AutoRemove: flags.rm,
      Privileged: flags.privileged,
      PortBindings: bindings,
      Links: unlessEmpty(flags.link),
      PublishAllPorts: flags["publish-all"],
      Dns: flags.dns,
      DnsSearch: flags["dns-search"],
      DnsOptions: flags["dns-option"],
      ExtraHosts: unlessEmpty(flags["add-host"]),
      VolumesFrom: unlessEmpty(flags["volumes-from"]),
      IpcMode: flags.ipc,
      NetworkMode: network,
      PidMode: flags.pid,
      UTSMode: flags.uts,
      UsernsMode: flags.userns,
      CgroupnsMode: (flags.cgroupns || undefined) as HostConfig["CgroupnsMode"],
      CapAdd: unlessEmpty(capabilities(flags["cap-add"])),
      CapDrop: unlessEmpty(capabilities(flags["cap-drop"])),
      GroupAdd: unlessEmpty(flags["group-add"]),
      RestartPolicy: restart,
      SecurityOpt: unlessEmpty(security.options),
      StorageOpt: storage,
      ReadonlyRootfs: flags["read-only"],
      LogConfig: logging,
      VolumeDriver: flags["volume-driver"],
      Isolation: flags.isolation as HostConfig["Isolation"],
      ShmSize: flags["shm-size"],
      Tmpfs: tmpfsOf(flags.tmpfs),
      Sysctls: flags.sysctl,
      Runtime: flags.runtime || undefined,
      Mounts: flags.mount.length > 0 ? flags.mount : undefined,
      Init: given("init") ? flags.init : undefined,
      Annotations: flags.annotation,
      ...(security.unconfinedPaths && { MaskedPaths: [], ReadonlyPaths: [] }),
    },
    NetworkingConfig: { EndpointsConfig: endpoints },
  };
}

/** Lists that Docker's client leaves `null` when no flag fills them: a daemon keeps and shows which of the two it was. */
function unlessEmpty<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** By their whole names, each once; `ALL` stands for every other. */
function capabilities(names: string[]): string[] {
  const whole = names
    .map((name) => name.trim().toUpperCase())
    .map((name) => (name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`));
  return whole.includes("ALL") ? ["ALL"] : [...new Set(whole)].sort();
}

function attachmentsOf(flags: ContainerFlags) {
  const none = flags.attach.length === 0;
  return {
    AttachStdin: flags.interactive || flags.attach.includes("stdin"),
    AttachStdout: none || flags.attach.includes("stdout"),
    AttachStderr: none || flags.attach.includes("stderr"),
  };
}

function volumesOf(specs: string[]) {
  const binds: string[] = [];
  const volumes: Record<string, Record<string, unknown>> = {};
  for (const spec of new Set(specs)) {
    const parsed = parseVolume(spec);
    if ("bind" in parsed) binds.push(parsed.bind);
    else volumes[parsed.anonymous] = {};
  }
  return { binds, volumes };
}

function devicesOf(flags: ContainerFlags) {
  const named = flags.device.filter(isCdiName);
  const cdi = named.length > 0 ? [{ Driver: "cdi", DeviceIDs: named }] : [];
  return {
    mappings: flags.device.filter((device) => !isCdiName(device)).map(parseDevice),
    requests: [...flags.gpus, ...cdi],
  };
}

async function fromFiles(paths: string[], lookUp?: (name: string) => string | undefined): Promise<string[]> {
  const lists: string[] = [];
  for (const path of paths) lists.push(...(await readPairsFile(path, lookUp)));
  return lists;
}

/** Modes of namespaces: our own, the host's, another container's. */
function checkModes(flags: ContainerFlags): void {
  const pid = flags.pid;
  if (pid !== "" && pid !== "host" && !/^container:./.test(pid)) throw new Error("--pid: invalid PID mode");
  if (flags.uts !== "" && flags.uts !== "host") throw new Error("--uts: invalid UTS mode");
  if (flags.userns !== "" && flags.userns !== "host") throw new Error("--userns: invalid USER mode");
  if (!["", "host", "private"].includes(flags.cgroupns)) throw new Error("--cgroupns: invalid CGROUP mode");
}

/** `on-failure:3`. */
export function restartPolicy(text: string): RestartPolicy {
  if (text === "") return { Name: "", MaximumRetryCount: 0 };
  const [name, count] = cut(text, ":");
  if (count !== undefined && name === "") {
    throw new Error("invalid restart policy format: no policy provided before colon");
  }
  if (count && !/^[+-]?\d+$/.test(count)) {
    throw new Error("invalid restart policy format: maximum retry count must be an integer");
  }
  return { Name: name as RestartPolicy["Name"], MaximumRetryCount: Number(count || 0) };
}

function loggingOf(flags: ContainerFlags): HostConfig["LogConfig"] {
  const driver = flags["log-driver"];
  if (driver === "none" && flags["log-opt"].length > 0) {
    throw new Error(`invalid logging opts for driver ${driver}`);
  }
  return { Type: driver as NonNullable<HostConfig["LogConfig"]>["Type"], Config: asMap(flags["log-opt"]) };
}

/** A seccomp profile's file is the client's: its content travels. `systempaths=unconfined` is not for the daemon. */
async function securityOf(given: string[]): Promise<{ options: string[]; unconfinedPaths: boolean }> {
  const options: string[] = [];
  for (const option of given) {
    if (option === "systempaths=unconfined") continue;
    const [name, value] = cut(option, option.includes("=") ? "=" : ":");
    if (!value && name !== "no-new-privileges") {
      throw new Error(`Invalid --security-opt: ${JSON.stringify(option)}`);
    }
    const isFile = name === "seccomp" && value !== "builtin" && value !== "unconfined";
    options.push(isFile ? `seccomp=${await seccompProfile(value ?? "")}` : option);
  }
  return { options, unconfinedPaths: given.includes("systempaths=unconfined") };
}

async function seccompProfile(path: string): Promise<string> {
  const failed = (what: string, why: string) => new Error(`${what} seccomp profile (${path}) failed: ${why}`);
  let text: string;
  try {
    text = await Bun.file(path).text();
  } catch (thrown) {
    const why = reason(thrown);
    throw failed("opening", `${why === "is a directory" ? "read" : "open"} ${path}: ${why}`);
  }
  try {
    JSON.parse(text);
  } catch {
    const { goJsonProblem } = await import("../go-json.ts");
    throw failed("compacting json for", goJsonProblem(text));
  }
  // Only what stands between: numbers in it may be larger than ours are exact.
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}

function storageOf(options: string[]): Record<string, string> {
  if (options.some((option) => !option.includes("="))) throw new Error("invalid storage option");
  return asMap(options);
}

function tmpfsOf(specs: string[]): Record<string, string> {
  return Object.fromEntries(
    specs.map((spec) => cut(spec, ":")).map(([path, options]) => [path, options ?? ""]),
  );
}

function healthOf(flags: ContainerFlags): HealthConfig | undefined {
  const numbers = ["interval", "timeout", "retries", "start-period", "start-interval"] as const;
  const isSet = flags["health-cmd"] !== "" || numbers.some((name) => flags[`health-${name}`] !== 0);
  if (flags["no-healthcheck"]) {
    if (isSet) throw new Error("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!isSet) return undefined;
  for (const name of numbers) {
    if (flags[`health-${name}`] < 0) throw new Error(`--health-${name} cannot be negative`);
  }
  return {
    Test: flags["health-cmd"] ? ["CMD-SHELL", flags["health-cmd"]] : undefined,
    Interval: flags["health-interval"] || undefined,
    Timeout: flags["health-timeout"] || undefined,
    StartPeriod: flags["health-start-period"] || undefined,
    StartInterval: flags["health-start-interval"] || undefined,
    Retries: flags["health-retries"] || undefined,
  };
}

function resourcesOf(flags: ContainerFlags, devices: ReturnType<typeof devicesOf>): Partial<HostConfig> {
  const ulimits = new Map(flags.ulimit.map((limit) => [limit.Name, limit]));
  return {
    CgroupParent: flags["cgroup-parent"],
    Memory: flags.memory,
    MemoryReservation: flags["memory-reservation"],
    MemorySwap: flags["memory-swap"],
    MemorySwappiness: flags["memory-swappiness"],
    OomKillDisable: flags["oom-kill-disable"],
    NanoCpus: flags.cpus,
    CpuShares: flags["cpu-shares"],
    CpuPeriod: flags["cpu-period"],
    CpuQuota: flags["cpu-quota"],
    CpuRealtimePeriod: flags["cpu-rt-period"],
    CpuRealtimeRuntime: flags["cpu-rt-runtime"],
    CpusetCpus: flags["cpuset-cpus"],
    CpusetMems: flags["cpuset-mems"],
    PidsLimit: flags["pids-limit"],
    BlkioWeight: flags["blkio-weight"],
    BlkioWeightDevice: flags["blkio-weight-device"],
    BlkioDeviceReadBps: flags["device-read-bps"],
    BlkioDeviceWriteBps: flags["device-write-bps"],
    BlkioDeviceReadIOps: flags["device-read-iops"],
    BlkioDeviceWriteIOps: flags["device-write-iops"],
    Ulimits: [...ulimits.values()].sort((a, b) => (a.Name < b.Name ? -1 : 1)),
    DeviceCgroupRules: unlessEmpty(flags["device-cgroup-rule"]),
    Devices: devices.mappings,
    DeviceRequests: unlessEmpty(devices.requests),
  };
}
