// The program that a container starts: its arguments, environment, folder, limits and rights.
import type { ContainerConfig, HostConfig } from "../../api/types/index.ts";
import type { BundleInput, RuntimeDefaults } from "../types.ts";
import { INIT_PATH } from "./mounts.ts";
import type { Process } from "./spec.ts";
import type { ResolvedUser } from "./user.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** True where --init adds a program: asked for, and the container has a process namespace of its own. */
export function wantsInit(hostConfig: HostConfig, defaults: RuntimeDefaults | undefined): boolean {
  const own = !hostConfig.PidMode || hostConfig.PidMode === "private";
  return own && (hostConfig.Init ?? defaults?.init ?? false);
}

/** Entrypoint and command; behind the init's own path where there is one. */
export function commandLine(config: ContainerConfig, init: boolean): string[] {
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return init ? [INIT_PATH, "--", ...command] : command;
}

/**
 * PATH, HOSTNAME, TERM when there is a terminal, then the container's: a name that is there is replaced in its place,
 * a name without "=" takes it away. HOME is said here where it can be, since a runtime that looks for it opens
 * /etc/passwd inside and waits where that is a FIFO; an empty one counts as none, as with runc.
 */
export function environmentOf(
  config: ContainerConfig,
  options: { hostname: string; terminal: boolean; home?: string; links?: string[]; more?: string[] },
): string[] {
  const base = [
    `PATH=${DEFAULT_PATH}`,
    `HOSTNAME=${options.hostname}`,
    ...(options.terminal ? ["TERM=xterm"] : []),
    ...(options.links ?? []),
  ];
  const merged = mergeEnvironment(mergeEnvironment(base, config.Env ?? []), options.more ?? []);
  const said = merged.some((entry) => entry.startsWith("HOME=") && entry !== "HOME=");
  if (said || options.home === undefined) return merged;
  return [...merged.filter((entry) => entry !== "HOME="), `HOME=${options.home}`];
}

/** Later values replace earlier ones in their place, "NAME" alone removes it. */
export function mergeEnvironment(base: string[], over: string[]): string[] {
  const merged = new Map(base.map((entry) => [nameOf(entry), entry]));
  for (const entry of over) {
    if (entry.includes("=")) merged.set(nameOf(entry), entry);
    else merged.delete(entry);
  }
  return [...merged.values()];
}

const nameOf = (entry: string): string => entry.slice(0, entry.indexOf("="));

/** `--ulimit`, then the daemon's for names that were not given. -1 is unlimited: 2^64-1 for the kernel. */
export function resourceLimits(
  hostConfig: HostConfig,
  defaults: RuntimeDefaults | undefined,
): NonNullable<Process["rlimits"]> {
  const asked = hostConfig.Ulimits ?? [];
  const names = new Set(asked.map(({ Name }) => Name));
  const rest = Object.values(defaults?.ulimits ?? {}).filter(({ Name }) => !names.has(Name));
  const unsigned = (value: number | undefined): number | bigint =>
    (value ?? 0) < 0 ? BigInt.asUintN(64, BigInt(value ?? 0)) : (value ?? 0);
  return [...asked, ...rest].map(({ Name, Soft, Hard }) => ({
    type: `RLIMIT_${(Name ?? "").toUpperCase()}`,
    soft: unsigned(Soft),
    hard: unsigned(Hard),
  }));
}

/** What doesn't depend on the security options. */
export function processOf(
  input: BundleInput,
  { user, home }: ResolvedUser,
): Pick<Process, "args" | "env" | "cwd" | "user" | "terminal" | "consoleSize"> {
  const { config, hostConfig } = input;
  const terminal = config.Tty ?? false;
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  return {
    args: commandLine(config, wantsInit(hostConfig, input.defaults)),
    env: environmentOf(config, { hostname: input.hostname, terminal, home, links: input.linkEnvironment }),
    user,
    cwd: config.WorkingDir || "/",
    ...(terminal && { terminal, consoleSize: { height, width } }),
  };
}
