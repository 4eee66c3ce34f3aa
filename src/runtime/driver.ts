// Which OCI runtime starts a container on this host, and what it needs: crun where the host lets it run, else runc.
import type { HostEnvironment } from "../base/environment.ts";
import { notImplemented } from "../base/errors.ts";
import type { RuntimeVersion, ShimConfig } from "./types.ts";

/** `runtimes` of daemon.json: a path, and arguments put before the subcommand. */
export type RuntimeTable = Record<string, { path: string; runtimeArgs?: string[] }>;

/**
 * The runtime for one container. `asked` is HostConfig.Runtime ("" or undefined: the daemon's default, else crun before runc).
 * `sharedPropagation`: a mount asks for (r)shared, which crun can't give on a hybrid cgroup host, so runc is taken there.
 * Errors: invalid "unknown or invalid runtime name: X" as Docker says it; unavailable where neither is installed.
 */
export function selectRuntime(_options: {
  asked?: string;
  defaultRuntime?: string;
  runtimes?: RuntimeTable;
  sharedPropagation?: boolean;
  environment: HostEnvironment;
}): ShimConfig["runtime"] {
  throw notImplemented("selectRuntime");
}

/** What `info` and `version` tell of a runtime; asked once for each binary, undefined where it doesn't run. */
export async function runtimeVersion(_path: string): Promise<RuntimeVersion | undefined> {
  throw notImplemented("runtimeVersion");
}
