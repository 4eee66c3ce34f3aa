// Which OCI runtime starts a container on this host, and what it needs: crun where the host lets it run, else runc.
import { accessSync, constants } from "node:fs";
import type { CgroupMode } from "../base/environment.ts";
import { invalid, unavailable } from "../base/errors.ts";
import { hostCgroupMode } from "./cgroups.ts";
import type { RuntimeVersion, ShimConfig } from "./types.ts";

/** `runtimes` of daemon.json: a path, and arguments put before the subcommand. */
export type RuntimeTable = Record<string, { path: string; runtimeArgs?: string[] }>;

/** Names that mean "the usual one" to clients written for Docker. */
const USUAL = new Set(["", "io.containerd.runc.v2"]);
const PREFERRED = ["crun", "runc"];
const FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The runtime for one container. `asked` is HostConfig.Runtime; "" or undefined: the daemon's default, else crun before
 * runc (8 ms instead of 24 for a whole run of `true`). `sharedPropagation`: a mount asks for (r)shared, which crun
 * can't give on a hybrid cgroup host, since it has to run in a mount namespace of its own there: runc is taken.
 * Errors: invalid "unknown or invalid runtime name: X" as Docker says it; unavailable where neither is installed.
 */
export function selectRuntime(options: {
  asked?: string;
  defaultRuntime?: string;
  runtimes?: RuntimeTable;
  sharedPropagation?: boolean;
  environment?: { cgroups: { mode: CgroupMode } };
}): ShimConfig["runtime"] {
  const hybrid = (options.environment?.cgroups.mode ?? hostCgroupMode()) === "hybrid";
  const asked = USUAL.has(options.asked ?? "") ? (options.defaultRuntime ?? "") : (options.asked ?? "");
  if (USUAL.has(asked)) return usualRuntime(hybrid, options.sharedPropagation ?? false);
  const configured = Object.hasOwn(options.runtimes ?? {}, asked) ? options.runtimes?.[asked] : undefined;
  if (!configured && !PREFERRED.includes(asked)) throw invalid(`unknown or invalid runtime name: ${asked}`);
  const path = findProgram(configured?.path ?? asked);
  if (!path) throw unavailable(`the runtime ${asked} is not installed`);
  return described(asked, path, configured?.runtimeArgs ?? [], hybrid);
}

function usualRuntime(hybrid: boolean, sharedPropagation: boolean): ShimConfig["runtime"] {
  const order = hybrid && sharedPropagation ? [...PREFERRED].reverse() : PREFERRED;
  for (const name of order) {
    const path = findProgram(name);
    if (path) return described(name, path, [], hybrid);
  }
  throw unavailable("no OCI runtime is installed: neither crun nor runc is in PATH");
}

function described(name: string, path: string, args: string[], hybrid: boolean): ShimConfig["runtime"] {
  const isCrun = path.endsWith("/crun");
  return { path, name, args, ...(hybrid && isCrun ? { hideUnifiedCgroup: true } : {}) };
}

/** Whether a runtime takes a finished seccomp filter in an annotation: crun has since 0.18, runc doesn't. */
export const takesFilter = ({ path }: Pick<ShimConfig["runtime"], "path">): boolean => path.endsWith("/crun");

/** Found programs; one that was missing is looked for again, since it may have been installed meanwhile. */
const found = new Map<string, string>();

function findProgram(name: string): string | undefined {
  const known = found.get(name);
  if (known) return known;
  const candidates = name.includes("/")
    ? [name]
    : (process.env.PATH || FOLDERS).split(":").map((folder) => `${folder}/${name}`);
  const path = candidates.find(isExecutable);
  if (path) found.set(name, path);
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** For a program that prints three lines, on a slow host: milliseconds. */
const VERSION_LIMIT = 60_000;

const versions = new Map<string, Promise<RuntimeVersion | undefined>>();

/** What `info` and `version` tell of a runtime; asked once for each binary; undefined where it doesn't run, and asked again. */
export function runtimeVersion(path: string): Promise<RuntimeVersion | undefined> {
  let version = versions.get(path);
  if (!version) {
    version = askVersion(path);
    versions.set(path, version);
    void version.then((known) => known ?? versions.delete(path));
  }
  return version;
}

async function askVersion(path: string): Promise<RuntimeVersion | undefined> {
  try {
    const child = Bun.spawn({
      cmd: [path, "--version"],
      stdio: ["ignore", "pipe", "ignore"],
      timeout: VERSION_LIMIT,
    });
    return parseVersion(await child.stdout.text());
  } catch {
    return undefined;
  }
}

/** Whether a runtime moves host interfaces into containers: one that doesn't know of them passes over them silently. */
export async function movesNetDevices(path: string): Promise<boolean> {
  try {
    const child = Bun.spawn({
      cmd: [path, "features"],
      stdio: ["ignore", "pipe", "ignore"],
      timeout: VERSION_LIMIT,
    });
    const features = JSON.parse(await child.stdout.text()) as {
      linux?: { netDevices?: { enabled?: boolean } };
    };
    return features.linux?.netDevices?.enabled === true;
  } catch {
    return false;
  }
}

/** Reads `crun version 1.8.1`, `commit: …` and `spec: …`; runc prints the same form. */
export function parseVersion(text: string): RuntimeVersion | undefined {
  const [, name, version] = /^(\S+) version (\S+)/m.exec(text) ?? [];
  if (!name || !version) return undefined;
  const field = (key: string) => new RegExp(`^${key}: (\\S+)`, "m").exec(text)?.[1];
  return { name, version, commit: field("commit"), spec: field("spec") };
}
