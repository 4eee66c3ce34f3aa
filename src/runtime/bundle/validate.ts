// What `create` refuses and adjusts before anything is made, in Docker's words and order.
import { isIP } from "node:net";
import { posix } from "node:path";
import type { ContainerConfig, HostConfig } from "../../api/types/index.ts";
import type { HostEnvironment } from "../../base/environment.ts";
import { BerthError, invalid, notImplemented } from "../../base/errors.ts";
import { isSliceName } from "../cgroups.ts";
import type { RuntimeDefaults } from "../types.ts";
import { normaliseCapabilities } from "./capabilities.ts";
import { parseDeviceRule } from "./devices.ts";
import { type HostFacts, hostFacts, ipv4Forwarding } from "./host-facts.ts";
import { maskedPaths, readonlyPaths } from "./masked-paths.ts";
import { DEFAULT_SHM_SIZE, tmpfsOptions } from "./mounts.ts";
import { joinedContainer } from "./namespaces.ts";
import { refuseNulBytes } from "./nul-bytes.ts";
import { parseSeccompProfile } from "./seccomp.ts";
import { parseSecurityOptions } from "./security-options.ts";
import { parseSignal } from "./signals.ts";
import { validateResources } from "./validate-resources.ts";

/** Known without being in the configuration; the second is what Docker's clients call runc. */
const USUAL_RUNTIMES = ["runc", "io.containerd.runc.v2", "crun"];

/** A health check's times are zero or at least this, in nanoseconds. */
const MINIMUM_DURATION = 1_000_000;

/**
 * Gives the HostConfig to keep: defaults filled in, what this host's kernel lacks taken out, each with a warning.
 * Mounts are not looked at here (volumes' plan does), nor whether other containers that are named exist. Errors: invalid.
 */
export function validateHostConfig(
  config: ContainerConfig,
  hostConfig: HostConfig,
  environment: HostEnvironment,
  defaults: RuntimeDefaults = {},
): { hostConfig: HostConfig; warnings: string[] } {
  const facts = hostFacts(environment);
  const limits = { ...facts.limits, ipv4Forwarding: ipv4Forwarding() };
  return validate(config, hostConfig, environment, defaults, { ...facts, limits });
}

/** The same with the host's facts given, for tests. */
export function validate(
  config: ContainerConfig,
  hostConfig: HostConfig,
  environment: HostEnvironment,
  defaults: RuntimeDefaults,
  host: HostFacts,
): { hostConfig: HostConfig; warnings: string[] } {
  refuseNulBytes(config, hostConfig);
  refuseConflicts(config, hostConfig, host);
  refuseConfig(config);
  refuseCommon(hostConfig, host);
  const { config: kept, warnings } = validateResources(hostConfig, host.limits, host);
  refuseModes(kept, environment, defaults);
  warnings.push(...warningsOf(kept, host));
  refuseWhatStartWould(kept, defaults);
  return { hostConfig: adapt(kept, environment, defaults, host), warnings };
}

/** Combinations of network, name and isolation that contradict each other. */
function refuseConflicts(config: ContainerConfig, hostConfig: HostConfig, host: HostFacts): void {
  const joined = joinedContainer(hostConfig.NetworkMode);
  if (joined === "" || hostConfig.NetworkMode === "container")
    throw invalid("invalid network mode: invalid container format container:<name|id>");
  const some = (value: object | null | undefined) => Object.keys(value ?? {}).length > 0;
  const conflict = (what: string) => invalid(`conflicting options: ${what}`);
  if (joined) {
    if (config.Hostname) throw conflict("hostname and the network mode");
    if (some(hostConfig.Links))
      throw conflict(
        "container type network can't be used with links. This would result in undefined behavior",
      );
    if (some(hostConfig.Dns)) throw conflict("dns and the network mode");
    if (some(hostConfig.ExtraHosts)) throw conflict("custom host-to-IP mapping and the network mode");
    if (some(hostConfig.PortBindings) || hostConfig.PublishAllPorts)
      throw conflict("port publishing and the container type network mode");
    if (some(config.ExposedPorts)) throw conflict("port exposing and the container type network mode");
  }
  if (hostConfig.UTSMode === "host" && config.Hostname) throw conflict("hostname and the UTS mode");
  if (hostConfig.NetworkMode === "host" && some(hostConfig.Links))
    throw conflict("host type networking can't be used with links. This would result in undefined behavior");
  if (!["", "default", undefined].includes(hostConfig.Isolation?.toLowerCase()))
    throw invalid(`invalid isolation (${hostConfig.Isolation}): linux only supports 'default'`);
  if (hostConfig.IOMaximumBandwidth)
    throw invalid("invalid option: QoS maximum bandwidth configuration is not supported on linux");
  if (hostConfig.IOMaximumIOps)
    throw invalid("invalid option: QoS maximum IOPs configuration is not supported on linux");
  refuseRealtime(hostConfig, host);
}

function refuseRealtime(
  { CpuRealtimePeriod: period = 0, CpuRealtimeRuntime: runtime = 0, CpuShares: shares = 0 }: HostConfig,
  { limits }: HostFacts,
): void {
  if ((period !== 0 || runtime !== 0) && !limits.cpuRealtime)
    throw invalid("kernel does not support CPU real-time scheduler");
  if (period !== 0 && runtime !== 0 && runtime > period)
    throw invalid("cpu real-time runtime cannot be higher than cpu real-time period");
  if (shares < 0) throw invalid(`invalid CPU shares (${shares}): value must be a positive integer`);
}

function refuseConfig(config: ContainerConfig): void {
  if (config.WorkingDir && !posix.isAbsolute(config.WorkingDir))
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  if (config.StopSignal) parseSignal(config.StopSignal);
  for (const entry of config.Env ?? [])
    if (entry === "" || entry.startsWith("=")) throw invalid(`invalid environment variable: ${entry}`);
  const check = config.Healthcheck;
  if (!check) return;
  for (const key of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    const value = check[key] ?? 0;
    if (value !== 0 && value < MINIMUM_DURATION)
      throw invalid(`${key} in Healthcheck cannot be less than 1ms`);
    if (key === "Timeout" && (check.Retries ?? 0) < 0)
      throw invalid("Retries in Healthcheck cannot be negative");
  }
}

function refuseCommon(hostConfig: HostConfig, host: HostFacts): void {
  const restart = hostConfig.RestartPolicy?.Name ?? "";
  if (hostConfig.AutoRemove && restart !== "" && restart !== "no")
    throw invalid("can't create 'AutoRemove' container with restart policy");
  for (const entry of hostConfig.ExtraHosts ?? []) refuseExtraHost(entry);
  refusePorts(hostConfig);
  refuseRestartPolicy(hostConfig);
  for (const key of ["CapAdd", "CapDrop"] as const)
    try {
      normaliseCapabilities(hostConfig[key] ?? [], host.capabilities);
    } catch (error) {
      if (error instanceof BerthError) throw invalid(`invalid ${key}: ${error.message}`, error);
      throw error;
    }
  if (Object.keys(hostConfig.Annotations ?? {}).includes(""))
    throw invalid("invalid Annotations: the empty string is not permitted as an annotation key");
}

function refuseExtraHost(entry: string): void {
  const at = entry.indexOf(":");
  if (at <= 0) throw invalid(`bad format for add-host: ${JSON.stringify(entry)}`);
  const address = entry.slice(at + 1);
  const bare = address.startsWith("[") && address.endsWith("]") ? address.slice(1, -1) : address;
  if (address !== "host-gateway" && isIP(bare.trim()) === 0)
    throw invalid(`invalid IP address in add-host: ${JSON.stringify(address)}`);
}

function refusePorts({ PortBindings }: HostConfig): void {
  const refuse = (text: string) => invalid(`invalid port specification: ${JSON.stringify(text)}`);
  const isPort = (text: string) => /^\d+$/.test(text) && Number(text) <= 65535;
  for (const [port, bindings] of Object.entries(PortBindings ?? {})) {
    const number = port.split("/")[0] ?? "";
    if (number !== "" && !isPort(number)) throw refuse(number);
    for (const { HostPort = "" } of bindings ?? []) {
      const [range = ""] = HostPort.split("/");
      const [from = "", to = from, ...rest] = range.split("-");
      const ordered = isPort(from) && isPort(to) && Number(from) <= Number(to) && rest.length === 0;
      if (range !== "" && !ordered) throw refuse(HostPort);
    }
  }
}

/** Errors: invalid, in Docker's words. */
export function refuseRestartPolicy({ RestartPolicy }: HostConfig): void {
  const { Name = "", MaximumRetryCount: count = 0 } = RestartPolicy ?? {};
  const prefix = "invalid restart policy:";
  switch (Name) {
    case "":
      return;
    case "always":
    case "unless-stopped":
    case "no":
      if (count !== 0)
        throw invalid(
          `${prefix} maximum retry count can only be used with 'on-failure'${count < 0 ? " and cannot be negative" : ""}`,
        );
      return;
    case "on-failure":
      if (count < 0) throw invalid(`${prefix} maximum retry count cannot be negative`);
      return;
    default:
      throw invalid(
        `${prefix} unknown policy '${String(Name)}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      );
  }
}

function refuseModes(hostConfig: HostConfig, environment: HostEnvironment, defaults: RuntimeDefaults): void {
  const { IpcMode = "", PidMode = "", UTSMode = "", CgroupnsMode = "", OomScoreAdj = 0 } = hostConfig;
  if (
    !["", "none", "private", "host", "shareable"].includes(IpcMode) &&
    joinedContainer(IpcMode) === undefined
  )
    throw invalid(`invalid IPC mode: ${IpcMode}`);
  if (!["", "host"].includes(PidMode) && !joinedContainer(PidMode))
    throw invalid(`invalid PID mode: ${PidMode}`);
  if ((hostConfig.ShmSize ?? 0) < 0) throw invalid("SHM size can not be less than 0");
  if (!["", "host"].includes(UTSMode)) throw invalid(`invalid UTS mode: ${UTSMode}`);
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000)
    throw invalid(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  refuseWithRemapping(hostConfig, environment);
  const { CgroupParent: parent } = hostConfig;
  if (parent && environment.cgroups.manager === "systemd" && !isSliceName(parent))
    throw invalid('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"');
  const { Runtime: runtime } = hostConfig;
  if (runtime && ![...USUAL_RUNTIMES, ...(defaults.runtimes ?? [])].includes(runtime))
    throw invalid(`unknown or invalid runtime name: ${runtime}`);
  for (const destination of Object.keys(hostConfig.Tmpfs ?? {})) {
    if (posix.normalize(destination).replace(/\/+$/, "") === "" && destination !== "")
      throw invalid("invalid specification: destination can't be '/'");
    if (!posix.isAbsolute(destination))
      throw invalid(`invalid mount path: '${destination}' mount path must be absolute`);
  }
  if (!["", "private", "host"].includes(CgroupnsMode))
    throw invalid(`invalid cgroup namespace mode: ${CgroupnsMode}`);
}

function refuseWithRemapping(hostConfig: HostConfig, environment: HostEnvironment): void {
  if (environment.idMapping === null || hostConfig.UsernsMode === "host") return;
  if (hostConfig.Privileged)
    throw invalid(
      "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
    );
  if (hostConfig.NetworkMode === "host")
    throw invalid("cannot share the host's network namespace when user namespaces are enabled");
  if (hostConfig.PidMode === "host")
    throw invalid("cannot share the host PID namespace when user namespaces are enabled");
}

function warningsOf(hostConfig: HostConfig, { limits }: HostFacts): string[] {
  const warnings: string[] = [];
  const { NetworkMode: mode } = hostConfig;
  if (!limits.ipv4Forwarding && mode !== "host" && mode !== "none")
    warnings.push("IPv4 forwarding is disabled. Networking will not work.");
  if (mode === "host" && Object.keys(hostConfig.PortBindings ?? {}).length > 0)
    warnings.push("Published ports are discarded when using host network mode");
  if (hostConfig.CgroupnsMode === "private" && !limits.cgroupNamespaces)
    warnings.push("Your kernel does not support cgroup namespaces.  Cgroup namespace setting discarded.");
  return warnings;
}

/** What Docker notices only when it starts the container: known before, so said before. */
function refuseWhatStartWould(hostConfig: HostConfig, defaults: RuntimeDefaults): void {
  const { UsernsMode = "" } = hostConfig;
  if (!["", "private", "host"].includes(UsernsMode)) throw invalid(`invalid USER mode: ${UsernsMode}`);
  const { seccomp } = parseSecurityOptions(hostConfig.SecurityOpt, defaults.noNewPrivileges);
  if (!["", "unconfined", "builtin"].includes(seccomp)) parseSeccompProfile(seccomp);
  for (const rule of hostConfig.DeviceCgroupRules ?? []) parseDeviceRule(rule);
  if (Object.keys(hostConfig.StorageOpt ?? {}).length > 0)
    throw notImplemented("storage options of a container (--storage-opt) are not built yet");
  for (const options of Object.values(hostConfig.Tmpfs ?? {}))
    tmpfsOptions(options === "" ? [] : options.split(","));
}

/** Fills in what Docker shows in inspect although nobody gave it. */
function adapt(
  asked: HostConfig,
  environment: HostEnvironment,
  defaults: RuntimeDefaults,
  host: HostFacts,
): HostConfig {
  const config: HostConfig = { ...asked };
  const v2 = environment.cgroups.mode === "v2";
  if ((config.Memory ?? 0) > 0 && !config.MemorySwap) config.MemorySwap = (config.Memory ?? 0) * 2;
  config.ShmSize ||= defaults.shmSize ?? DEFAULT_SHM_SIZE;
  config.IpcMode ||= defaults.ipcMode ?? "private";
  // On version 1 a private cgroup namespace would show the controllers' roots wrongly to older programs.
  config.CgroupnsMode ||=
    config.Privileged && !v2 ? "host" : (defaults.cgroupnsMode ?? (v2 ? "private" : "host"));
  if (config.CgroupnsMode === "private" && !host.limits.cgroupNamespaces) config.CgroupnsMode = "host";
  if ((config.PidsLimit ?? 0) <= 0) config.PidsLimit = null;
  if (host.limits.oomKillDisable) config.OomKillDisable ??= false;
  config.Runtime ||= defaults.defaultRuntime;
  const options = config.SecurityOpt ?? [];
  const labelled = options.some((option) => option.split("=")[0] === "label");
  if (!labelled && (config.Privileged || config.IpcMode === "host" || config.PidMode === "host"))
    config.SecurityOpt = [...options, "label=disable"];
  if (!config.Privileged) {
    config.MaskedPaths ??= maskedPaths(host.thermalThrottle);
    config.ReadonlyPaths ??= [...readonlyPaths];
  }
  return config;
}
