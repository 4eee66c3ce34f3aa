// From what a container is to the config.json that a runtime starts it by (OCI runtime-spec), with Docker's defaults.
// Each step is a pure file of its own (process, capabilities, namespaces, mounts, devices, seccomp, resources, …);
// build.ts joins them, look-up.ts reads what they need of the host and the root, write.ts writes.
import type { HostConfig } from "../../api/types/index.ts";
import type { HostEnvironment } from "../../base/environment.ts";
import type { ExecProcessRequest, ProcessSpec } from "../types.ts";
import { appArmorOf } from "./build.ts";
import { buildExecProcess as build } from "./exec-process.ts";
import { APPARMOR_PROFILE, hostFacts, ipv4Forwarding, type LimitSupport } from "./host-facts.ts";
import { accountFiles, rootOwner, usualInit } from "./look-up.ts";
import { resolveInRoot } from "./root-path.ts";
import { parseSecurityOptions } from "./security-options.ts";
import { resolveUser } from "./user.ts";

export { inheritedOptions, propagates } from "./host-mounts.ts";
export { mergeImageConfig } from "./merge-image-config.ts";
export { refuseNulBytesInExec } from "./nul-bytes.ts";
export { cgroupsPath } from "./resources.ts";
export { parseSignal } from "./signals.ts";
export type { Spec } from "./spec.ts";
export { type LimitKey, updatedResources, validateUpdate } from "./update.ts";
export { validateHostConfig } from "./validate.ts";
export { validateResources } from "./validate-resources.ts";
export { writeBundle } from "./write.ts";
export { resolveInRoot, rootOwner, usualInit };

/**
 * The process of an exec: the container's own, with the exec's command, environment, user and privileges.
 * Errors: invalid for a user that isn't there.
 */
export function buildExecProcess(
  request: ExecProcessRequest,
  environment: HostEnvironment,
): Promise<ProcessSpec> {
  return build(request, hostFacts(environment).capabilities);
}

/** The AppArmor profile that a container gets; "" where AppArmor is off. */
export function appArmorProfile(hostConfig: HostConfig, environment: HostEnvironment): string {
  const host = { appArmorProfile: environment.appArmor ? APPARMOR_PROFILE : "" };
  return appArmorOf({ hostConfig }, parseSecurityOptions(hostConfig.SecurityOpt), host).apparmorProfile ?? "";
}

/** Refuses a user that the container's root doesn't know, as exec create does. Errors: invalid, in Docker's words. */
export function checkUser(rootfs: string, user: string): void {
  if (user) resolveUser(user, [], accountFiles(rootfs));
}

/** The ids of a user (`name`, `uid:gid`, …) as the container's root knows it. Errors: invalid, in Docker's words. */
export function userIds(rootfs: string, user: string): { uid: number; gid: number } {
  const { uid, gid } = resolveUser(user, [], accountFiles(rootfs)).user;
  return { uid, gid };
}

/** Which limits this host's cgroups can hold: for `info`. */
export const limitSupport = (environment: HostEnvironment): LimitSupport => ({
  ...hostFacts(environment).limits,
  ipv4Forwarding: ipv4Forwarding(),
});

/** Whether read-only mounts can be so for all that is mounted below them. */
export const supportsRecursiveReadOnly = (environment: HostEnvironment): boolean =>
  hostFacts(environment).recursiveReadOnly;
