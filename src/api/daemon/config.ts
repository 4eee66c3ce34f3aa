// From the command line and daemon.json to one DaemonConfig: who may say what where, and what the values mean. The words of
// refusals are dockerd's (moby cmd/dockerd/daemon.go, daemon/config/config.go).
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../base/errors.ts";
import type { DaemonConfig } from "../../engine/types.ts";
import { type BuilderSettings, builderSettings } from "./builder-settings.ts";
import { FILE_ONLY, FLAGS, type Flag, flagNamed, flagOfKey, keyOf } from "./flags.ts";
import { formatHost, parseHost } from "./hosts.ts";
import {
  isNeutral,
  isRecord,
  type Pool,
  type Runtime,
  readFlag,
  readKey,
  type Ulimit,
  type Value,
} from "./values.ts";

/** A mistake on the command line: printed as it is, exit status 125 as Docker's. */
export class UsageError extends Error {}

/** Values by flag name. */
export type Settings = ReadonlyMap<string, Value>;

export interface CommandLine {
  settings: Settings;
  configFile: string;
  /** Given with --config-file: then it has to be there. */
  configFileGiven: boolean;
}

export const DEFAULTS = {
  configFile: "/etc/berth/daemon.json",
  dataRoot: "/var/lib/berth",
  execRoot: "/run/berth",
  bridge: "berth0",
} as const;

/** As CDI's own: /etc is the administrator's, /var/run what drivers make at each boot; a later folder wins. */
const DEFAULT_CDI_FOLDERS = ["/etc/cdi", "/var/run/cdi"];
const DEFAULT_PLUGIN_FOLDERS = ["/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins"];

/** dockerd's features, and how each one is here. */
const FEATURES: ReadonlyMap<string, boolean | "either"> = new Map<string, boolean | "either">([
  ["buildkit", false],
  ["cdi", "either"],
  ["containerd-snapshotter", true],
]);

/** Reads the flags. Throws UsageError in pflag's words. */
export function parseCommandLine(args: string[], program: string): CommandLine {
  const refuse = (reason: string) => new UsageError(`${reason}\nSee '${program} --help'.`);
  const { tokens } = parseArgs({
    args,
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      FLAGS.map((flag) => [
        flag.name,
        {
          type: flag.kind === "bool" ? ("boolean" as const) : ("string" as const),
          ...(flag.short ? { short: flag.short } : {}),
        },
      ]),
    ),
  });
  const settings = new Map<string, Value>();
  for (const token of tokens) {
    if (token.kind === "positional")
      throw new UsageError(
        `"${program}" accepts no argument(s).\nSee '${program} --help'.\n\nUsage:  ${program} [OPTIONS]\n\nA self-sufficient runtime for containers.`,
      );
    if (token.kind !== "option") continue;
    const flag = flagNamed(token.name);
    const long = token.rawName.startsWith("--");
    if (!flag)
      throw refuse(
        long
          ? `unknown flag: ${token.rawName}`
          : `unknown shorthand flag: '${token.name}' in ${token.rawName}`,
      );
    let text = token.value;
    if (text === undefined) {
      if (flag.kind !== "bool")
        throw refuse(
          long
            ? `flag needs an argument: ${token.rawName}`
            : `flag needs an argument: '${flag.short}' in ${token.rawName}`,
        );
      text = "true";
    } else if (!long && token.inlineValue && text.startsWith("=")) text = text.slice(1);
    try {
      settings.set(flag.name, readFlag(flag, text, settings.get(flag.name)));
    } catch (error) {
      const shown = flag.short ? `-${flag.short}, --${flag.name}` : `--${flag.name}`;
      throw refuse(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${messageOf(error)}`);
    }
  }
  const configFile = settings.get("config-file");
  return {
    settings,
    configFile: typeof configFile === "string" ? configFile : DEFAULTS.configFile,
    configFileGiven: configFile !== undefined,
  };
}

/** What daemon.json says; empty when there is no file and none was asked for. */
export function readConfigFile(line: CommandLine): Settings {
  const failed = (reason: string) =>
    new Error(`unable to configure the Docker daemon with file ${line.configFile}: ${reason}`);
  if (!existsSync(line.configFile)) {
    if (!line.configFileGiven) return new Map();
    throw failed(`open ${line.configFile}: no such file or directory`);
  }
  try {
    return parseConfigFile(readFileSync(line.configFile), line.settings);
  } catch (error) {
    throw failed(messageOf(error));
  }
}

/** Settings of daemon.json's text; conflicts with the flags and keys that don't exist are refused. */
export function parseConfigFile(bytes: Uint8Array, flags: Settings): Settings {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
  const settings = new Map<string, Value>();
  if (text === "") return settings;
  const parsed: unknown = JSON.parse(text);
  if (!isRecord(parsed)) throw new Error("json: the configuration must be an object");
  const entries = Object.entries(parsed).flatMap(([key, value]) =>
    key === "proxies" && isRecord(value) ? Object.entries(value) : [[key, value] as const],
  );
  const unknown = entries.map(([key]) => key).filter((key) => !flagOfKey(key) && !FILE_ONLY.includes(key));
  if (unknown.length > 0)
    throw new Error(`the following directives don't match any configuration option: ${unknown.join(", ")}`);
  const conflicts: string[] = [];
  for (const [key, value] of entries) {
    const flag = flagOfKey(key);
    if (!flag) {
      if (key === "builder" && isRecord(value)) settings.set(BUILDER, builderSettings(value));
      continue;
    }
    const given = flags.get(flag.name);
    if (given !== undefined && flag.name !== "add-runtime")
      conflicts.push(`${key}: (from flag: ${shown(flag, given)}, from file: ${shown(flag, value)})`);
    else settings.set(flag.name, readKey(flag, key, value));
  }
  if (conflicts.length > 0)
    throw new Error(
      `the following directives are specified both as a flag and in the configuration file: ${conflicts.join(", ")}`,
    );
  return settings;
}

/** No flag's: where daemon.json's `builder` is among the settings. */
const BUILDER = "builder";

/** A value as Go's %v prints it; passwords in proxy addresses are masked. */
function shown(flag: Flag, value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => shown(flag, item)).join(" ")}]`;
  if (isRecord(value))
    return `map[${Object.entries(value)
      .map(([key, item]) => `${key}:${shown(flag, item)}`)
      .join(" ")}]`;
  if (flag.name.endsWith("-proxy")) return String(value).replace(/\/\/[^@/]*@/, "//xxxxx:xxxxx@");
  return String(value);
}

/** Flags over file over defaults, checked. `file` is absent where no file was read, for the words of a refusal. */
export function mergeSettings(flags: Settings, file: Settings): Settings {
  const merged = new Map([...file, ...flags]);
  const runtimes = [file.get("add-runtime"), flags.get("add-runtime")].filter((value) => value !== undefined);
  if (runtimes.length > 0) merged.set("add-runtime", Object.assign({}, ...runtimes) as Value);
  for (const [name, value] of merged) {
    const flag = flagNamed(name);
    if (flag?.refused && !isNeutral(value))
      throw new Error(
        `the option "${flags.has(name) ? `--${name}` : keyOf(flag)}" can't be served: ${flag.refused}; leave it out`,
      );
  }
  return merged;
}

/** The configuration that settings amount to. Throws an Error in dockerd's words for what makes no sense. */
export function configOf(settings: Settings, environment: NodeJS.ProcessEnv = process.env): DaemonConfig {
  const text = (name: string): string | undefined => {
    const value = settings.get(name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const flag = (name: string, fallback: boolean): boolean => {
    const value = settings.get(name);
    return typeof value === "boolean" ? value : fallback;
  };
  const number = (name: string, fallback: number): number => {
    const value = settings.get(name);
    return typeof value === "number" && value !== 0 ? value : fallback;
  };
  const list = (name: string): string[] => (settings.get(name) as string[] | undefined) ?? [];
  const record = <T>(name: string): Record<string, T> =>
    (settings.get(name) as Record<string, T> | undefined) ?? {};

  const execRoot = text("exec-root") ?? DEFAULTS.execRoot;
  const socket = join(execRoot, "berth.sock");
  const tls = tlsOf(settings, environment);
  const hosts = list("host").length > 0 ? list("host") : [""];
  const config: DaemonConfig = {
    hosts: [
      ...new Set(hosts.map((host) => formatHost(parseHost(host, { socket, tls: tls.enabled })))),
    ].sort(),
    dataRoot: text("data-root") ?? DEFAULTS.dataRoot,
    execRoot,
    pidfile: settings.has("pidfile") ? String(settings.get("pidfile")) : join(execRoot, "berth.pid"),
    debug: flag("debug", false),
    logLevel: logLevel(text("log-level") ?? "info"),
    logFormat: logFormat(text("log-format") ?? "text"),
    group: settings.has("group") ? String(settings.get("group")) : "docker",
    bridge: text("bridge") ?? DEFAULTS.bridge,
    bip: text("bip"),
    bip6: text("bip6"),
    fixedCidr: text("fixed-cidr"),
    fixedCidrV6: text("fixed-cidr-v6"),
    defaultGateway: text("default-gateway"),
    defaultGatewayV6: text("default-gateway-v6"),
    defaultNetworkOpts: settings.get("default-network-opt") as
      | Record<string, Record<string, string>>
      | undefined,
    ip: text("ip"),
    ipv6: flag("ipv6", false),
    defaultAddressPools: (settings.get("default-address-pool") as Pool[] | undefined) ?? [],
    mtu: number("mtu", 1500),
    icc: flag("icc", true),
    ipForward: flag("ip-forward", true),
    ipMasq: flag("ip-masq", true),
    nftables: flag("iptables", true),
    userlandProxy: flag("userland-proxy", true),
    dns: list("dns"),
    dnsOptions: list("dns-opt"),
    dnsSearch: list("dns-search"),
    ...(list("host-gateway-ip").length > 0 && { hostGatewayIps: list("host-gateway-ip") }),
    defaultRuntime: text("default-runtime") ?? "",
    runtimes: record<Runtime>("add-runtime"),
    logDriver: text("log-driver") ?? "json-file",
    logOptions: record<string>("log-opt"),
    defaultUlimits: record<Ulimit>("default-ulimit"),
    defaultShmSize: number("default-shm-size", 64 * 1024 * 1024),
    defaultCgroupnsMode: cgroupnsMode(text("default-cgroupns-mode")),
    defaultIpcMode: ipcMode(text("default-ipc-mode")),
    init: flag("init", false),
    initPath: text("init-path"),
    cgroupParent: text("cgroup-parent"),
    execOptions: list("exec-opt"),
    seccompProfile: text("seccomp-profile") ?? "builtin",
    noNewPrivileges: flag("no-new-privileges", false),
    builder: (settings.get(BUILDER) as BuilderSettings | undefined) ?? builderSettings({}),
    labels: distinctLabels(list("label")),
    insecureRegistries: list("insecure-registry"),
    registryMirrors: list("registry-mirror"),
    maxConcurrentDownloads: number("max-concurrent-downloads", 3),
    maxConcurrentUploads: number("max-concurrent-uploads", 5),
    maxDownloadAttempts: number("max-download-attempts", 5),
    shutdownTimeout: number("shutdown-timeout", 15),
    liveRestore: settings.has("live-restore") ? flag("live-restore", true) : undefined,
    experimental: flag("experimental", false),
    proxies: { http: text("http-proxy"), https: text("https-proxy"), no: text("no-proxy") },
    tls,
    allowInsecureTcp: flag("allow-insecure-tcp", false),
    features: Object.fromEntries(
      Object.entries(record<string>("feature")).map(([name, value]) => [name, value !== "false"]),
    ),
    cdiSpecDirs: [],
    pluginDirs: settings.has("plugin-dir") ? list("plugin-dir") : DEFAULT_PLUGIN_FOLDERS,
  };
  if (config.features.cdi !== false)
    config.cdiSpecDirs = settings.has("cdi-spec-dir")
      ? list("cdi-spec-dir").filter((folder) => folder !== "")
      : DEFAULT_CDI_FOLDERS;
  check(config, settings);
  return config;
}

/** --tlsverify turns TLS on whatever its value; TLS verifies unless that was said otherwise (as dockerd's setDefaultOptions). */
function tlsOf(settings: Settings, environment: NodeJS.ProcessEnv): DaemonConfig["tls"] {
  const verifySaid = settings.has("tlsverify");
  const verifyAsked = verifySaid
    ? settings.get("tlsverify") === true
    : Boolean(environment.DOCKER_TLS_VERIFY);
  const enabled = verifySaid || verifyAsked || settings.get("tls") === true;
  const folder = environment.DOCKER_CERT_PATH || environment.DOCKER_CONFIG || join(homedir(), ".docker");
  const file = (name: string, standard: string) => String(settings.get(name) ?? join(folder, standard));
  return {
    enabled,
    verify: enabled && (!verifySaid || verifyAsked),
    ca: file("tlscacert", "ca.pem"),
    certificate: file("tlscert", "cert.pem"),
    key: file("tlskey", "key.pem"),
  };
}

function check(config: DaemonConfig, settings: Settings): void {
  if (config.mtu < 0) throw new Error(`invalid default MTU: ${config.mtu}`);
  if (config.maxConcurrentDownloads < 0)
    throw new Error(`invalid max concurrent downloads: ${config.maxConcurrentDownloads}`);
  if (config.maxConcurrentUploads < 0)
    throw new Error(`invalid max concurrent uploads: ${config.maxConcurrentUploads}`);
  if (config.maxDownloadAttempts < 0)
    throw new Error(`invalid max download attempts: ${config.maxDownloadAttempts}`);
  for (const option of config.execOptions) {
    const [name = "", value = ""] = option.split("=").map((part) => part.trim());
    if (name === "" || value === "")
      throw new Error(`invalid exec-opt (${option}): must be formatted 'opt=value'`);
    if (name !== "native.cgroupdriver")
      throw new Error(`invalid exec-opt (${option}): unknown option: '${name}'`);
    if (value !== "cgroupfs" && value !== "systemd")
      throw new Error(
        `exec option native.cgroupdriver can only be cgroupfs or systemd, not ${JSON.stringify(value)}`,
      );
  }
  if (settings.has("ip6tables") && settings.get("ip6tables") !== config.nftables)
    throw new Error(
      `ip6tables=${settings.get("ip6tables")} can't be served with iptables=${config.nftables}: one table has the rules of IPv4 and IPv6`,
    );
  checkFeatures(config.features);
  if (!config.nftables && !config.icc)
    throw new Error(
      "You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set --icc or --iptables to true",
    );
  const driver = settings.get("storage-driver");
  if (driver && driver !== "overlay2" && driver !== "overlayfs")
    throw new Error(
      `storage-driver ${JSON.stringify(driver)} can't be served: Berth has overlay2; leave it out`,
    );
}

/** What a feature asks for and isn't so must not pass unnoticed. */
function checkFeatures(features: DaemonConfig["features"]): void {
  for (const [name, on] of Object.entries(features)) {
    const known = FEATURES.get(name);
    if (known === undefined)
      throw new Error(
        `the feature ${JSON.stringify(name)} is not known: there are ${[...FEATURES.keys()].join(", ")}`,
      );
    if (known !== "either" && on !== known)
      throw new Error(`the feature ${name}=${on} can't be served: leave it out`);
  }
}

function logLevel(text: string): DaemonConfig["logLevel"] {
  const level = text.toLowerCase();
  switch (level) {
    case "debug":
    case "info":
    case "warn":
    case "error":
    case "fatal":
      return level;
    case "trace":
      return "debug";
    case "panic":
      return "fatal";
    default:
      throw new Error(`invalid logging level: ${text}`);
  }
}

function logFormat(text: string): DaemonConfig["logFormat"] {
  if (text === "text" || text === "json") return text;
  throw new Error(`invalid log format: ${text}`);
}

function ipcMode(text: string | undefined): DaemonConfig["defaultIpcMode"] {
  if (text === undefined || text === "private" || text === "shareable") return text;
  if (["none", "host"].includes(text) || text.startsWith("container:"))
    throw new Error(`IPC mode "${text}" is not supported as default value; use "shareable" or "private"`);
  throw new Error(`default IPC mode setting (${text}) is invalid; use "shareable" or "private"`);
}

function cgroupnsMode(text: string | undefined): DaemonConfig["defaultCgroupnsMode"] {
  if (text === undefined || text === "host" || text === "private") return text;
  throw new Error(`invalid default cgroup namespace (${text}): use "host" or "private"`);
}

/** The same label twice is one; two values for one key are refused. */
function distinctLabels(labels: string[]): string[] {
  const values = new Map<string, string>();
  for (const label of labels) {
    const at = label.indexOf("=");
    const key = label.slice(0, at);
    const value = label.slice(at + 1);
    const before = values.get(key);
    if (before !== undefined && before !== value)
      throw new Error(`conflict labels for ${key}=${value} and ${key}=${before}`);
    values.set(key, value);
  }
  return [...values].map(([key, value]) => `${key}=${value}`);
}
