// `info`: the daemon's host and how the daemon is set up.

import type { SystemInfo } from "../../../sdk/index.ts";
import { clientVersion } from "../../client-version.ts";
import { authFor } from "../../credentials.ts";
import { describe } from "../../describe.ts";
import { binarySize } from "../../format/units.ts";
import { command } from "../../framework/command.ts";
import { CommandFailure } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import type { Session } from "../../session.ts";
import { JSON_FORMAT } from "../../usage-texts.ts";

/** docker's exit code for a template that doesn't parse. */
const EXIT_TEMPLATE = 64;

export default command({
  synopsis: "[OPTIONS]",
  about: "Display system-wide information",
  aliases: ["system info", "info"],
  args: { exactly: 0 },
  flags: { format: flag.string(JSON_FORMAT, { short: "f" }) },
  async run(session, { flags }) {
    let info: SystemInfo | undefined;
    let problem: unknown;
    try {
      info = await (await session.client()).system.info();
    } catch (thrown) {
      problem = thrown;
    }
    const client = {
      Debug: session.globals.debug,
      ...clientVersion(await session.contextName()),
      Plugins: [],
      Warnings: null,
    };
    if (flags.format) await formatted(session, flags.format, { ...info, ClientInfo: client });
    else await overview(session, info, client);
    if (problem) throw new CommandFailure(describe(problem));
    for (const warning of (flags.format === "" && info?.Warnings) || []) await session.err.line(warning);
  },
});

async function formatted(session: Session, format: string, value: object): Promise<void> {
  if (format === "json") return session.out.line(JSON.stringify(value));
  const [{ compileTemplate }, { asGoStructures }] = await Promise.all([
    import("../../../base/template/index.ts"),
    import("../../template/go-types.ts"),
  ]);
  let run: (data: unknown) => string;
  try {
    run = compileTemplate(format);
  } catch (thrown) {
    throw new CommandFailure(describe(thrown), EXIT_TEMPLATE);
  }
  let text = "";
  try {
    text = run(asGoStructures(value, "DockerInfo"));
  } catch (thrown) {
    throw new CommandFailure(describe(thrown).replace(/^template parsing error: /, ""));
  } finally {
    await session.out.line(text);
  }
}

async function overview(
  session: Session,
  info: SystemInfo | undefined,
  client: { Version: string; Context: string; Debug: boolean },
) {
  const own = [
    "Client:",
    ` Version:    ${client.Version}`,
    ` Context:    ${client.Context}`,
    ` Debug Mode: ${client.Debug}`,
  ];
  const lines = [...own, "", "Server:"];
  if (info) lines.push(...serverLines(info, (await authFor(session, "docker.io"))?.username), "");
  await session.out.line(lines.join("\n"));
}

/** A line, or none where there is nothing to say. */
const maybe = (label: string, value: unknown) => (value ? [` ${label}: ${value}`] : []);

function serverLines(info: SystemInfo, userName: string | undefined): string[] {
  return [
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ...maybe("Server Version", info.ServerVersion),
    ...maybe("Storage Driver", info.Driver),
    ...(info.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ...maybe("Logging Driver", info.LoggingDriver),
    ...maybe("Cgroup Driver", info.CgroupDriver),
    ...maybe("Cgroup Version", info.CgroupVersion),
    ...pluginLines(info),
    ...deviceLines(info),
    ` Swarm: ${info.Swarm?.LocalNodeState ?? ""}`,
    ...runtimeLines(info),
    ...maybe("Kernel Version", info.KernelVersion),
    ...maybe("Operating System", info.OperatingSystem),
    ...maybe("OSType", info.OSType),
    ...maybe("Architecture", info.Architecture),
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${binarySize(info.MemTotal ?? 0)}`,
    ...maybe("Name", info.Name),
    ...maybe("ID", info.ID),
    ` Docker Root Dir: ${info.DockerRootDir}`,
    ` Debug Mode: ${info.Debug}`,
    ...(info.Debug ? debugLines(info) : []),
    ...maybe("HTTP Proxy", info.HttpProxy),
    ...maybe("HTTPS Proxy", info.HttpsProxy),
    ...maybe("No Proxy", info.NoProxy),
    ...maybe("Username", userName),
    ...listed("Labels", info.Labels ?? []),
    ` Experimental: ${info.ExperimentalBuild}`,
    ...registryLines(info),
    ` Live Restore Enabled: ${info.LiveRestoreEnabled}`,
    ...maybe("Product License", info.ProductLicense),
    ...listed(
      "Default Address Pools",
      (info.DefaultAddressPools ?? []).map(({ Base, Size }) => ` Base: ${Base}, Size: ${Size}`),
    ),
  ];
}

function listed(title: string, lines: string[]): string[] {
  return lines.length > 0 ? [` ${title}:`, ...lines.map((line) => `  ${line}`)] : [];
}

function pluginLines({ Plugins }: SystemInfo): string[] {
  const names = (list: string[] | null | undefined) => (list ?? []).join(" ");
  const authorization = names(Plugins?.Authorization);
  return [
    " Plugins:",
    `  Volume: ${names(Plugins?.Volume)}`,
    `  Network: ${names(Plugins?.Network)}`,
    ...(authorization ? [`  Authorization: ${authorization}`] : []),
    `  Log: ${names(Plugins?.Log)}`,
  ];
}

function deviceLines(info: SystemInfo): string[] {
  return [
    ...listed("CDI spec directories", info.CDISpecDirs ?? []),
    ...listed(
      "Discovered Devices",
      (info.DiscoveredDevices ?? []).map(({ Source, ID }) => `${Source}: ${ID}`),
    ),
  ];
}

function runtimeLines(info: SystemInfo): string[] {
  const runtimes = Object.keys(info.Runtimes ?? {});
  const lines =
    runtimes.length > 0
      ? [` Runtimes: ${runtimes.join(" ")}`, ` Default Runtime: ${info.DefaultRuntime}`]
      : [];
  if (info.OSType !== "linux") return lines;
  return [
    ...lines,
    ` Init Binary: ${info.InitBinary ?? ""}`,
    ` containerd version: ${info.ContainerdCommit?.ID ?? ""}`,
    ` runc version: ${info.RuncCommit?.ID ?? ""}`,
    ` init version: ${info.InitCommit?.ID ?? ""}`,
    ...listed("Security Options", (info.SecurityOptions ?? []).flatMap(securityLines)),
  ];
}

/** `name=seccomp,profile=builtin` as a line and one below it. */
function securityLines(option: string): string[] {
  const pairs = option.split(",").map((pair) => pair.split("="));
  const name = pairs.find(([key]) => key === "name")?.[1] ?? option;
  return [name, ...pairs.filter(([key]) => key === "profile").map(([, value]) => ` Profile: ${value}`)];
}

function debugLines(info: SystemInfo): string[] {
  return [
    `  File Descriptors: ${info.NFd}`,
    `  Goroutines: ${info.NGoroutines}`,
    `  System Time: ${info.SystemTime}`,
    `  EventsListeners: ${info.NEventsListener}`,
  ];
}

function registryLines({ RegistryConfig: registry }: SystemInfo): string[] {
  const insecure = Object.values(registry?.IndexConfigs ?? {})
    .filter((one) => one && !one.Secure)
    .map((one) => one?.Name ?? "");
  return [
    ...listed("Insecure Registries", [...insecure, ...(registry?.InsecureRegistryCIDRs ?? [])]),
    ...listed("Registry Mirrors", registry?.Mirrors ?? []),
  ];
}
