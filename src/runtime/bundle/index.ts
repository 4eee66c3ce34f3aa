// From what a container is to the config.json that a runtime starts it by (OCI runtime-spec), with Docker's defaults.
import type { ContainerConfig, HostConfig } from "../../api/types/index.ts";
import type { HostEnvironment } from "../../base/environment.ts";
import { notImplemented } from "../../base/errors.ts";
import type { ImageRunConfig } from "../../oci/types.ts";
import type { BundleInput, ExecProcessRequest, ProcessSpec, RuntimeDefaults } from "../types.ts";
import type { Spec } from "./spec.ts";

export type { Spec } from "./spec.ts";

/**
 * What `create` refuses and adjusts, in Docker's words. Gives the HostConfig to keep (defaults filled in, what this
 * host's kernel lacks taken out, each with a warning). Errors: invalid.
 */
export function validateHostConfig(
  _config: ContainerConfig,
  _hostConfig: HostConfig,
  _environment: HostEnvironment,
  _defaults?: RuntimeDefaults,
): { hostConfig: HostConfig; warnings: string[] } {
  throw notImplemented("validateHostConfig");
}

/** The container's settings with the image's where it has none of its own. Errors: invalid "no command specified". */
export function mergeImageConfig(_config: ContainerConfig, _image: ImageRunConfig): ContainerConfig {
  throw notImplemented("mergeImageConfig");
}

/**
 * Resolves what depends on the mounted root and the host (user names, devices), makes the working folder when it is
 * absent, and writes config.json (0600) into `dir`. The answer's `linux.cgroupsPath` and `process` are what was written.
 */
export async function writeBundle(_dir: string, _input: BundleInput): Promise<Spec> {
  throw notImplemented("writeBundle");
}

/** The process of an exec: the container's own, with the exec's command, environment, user and privileges. */
export async function buildExecProcess(_request: ExecProcessRequest): Promise<ProcessSpec> {
  throw notImplemented("buildExecProcess");
}
