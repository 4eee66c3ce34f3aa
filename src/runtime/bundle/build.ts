// The whole config.json from its input and what was looked up for it: pure, so that it can be compared with a peer's.
import type { BundleInput } from "../types.ts";
import { capabilityList, capabilitySets } from "./capabilities.ts";
import { devices, type FoundDevices } from "./devices.ts";
import type { HostFacts } from "./host-facts.ts";
import { systemPaths } from "./masked-paths.ts";
import { mounts } from "./mounts.ts";
import { namespaces } from "./namespaces.ts";
import { processOf, resourceLimits } from "./process.ts";
import { cgroupsPath, type DeviceNumbers, limits } from "./resources.ts";
import { customSeccomp, defaultSeccomp, type SeccompContext } from "./seccomp.ts";
import { parseSecurityOptions, type SecurityOptions } from "./security-options.ts";
import type { Device, Process, Seccomp, Spec } from "./spec.ts";
import { sysctls } from "./sysctls.ts";
import type { ResolvedUser } from "./user.ts";

/** What had to be looked up on the host and in the mounted root for one container. */
export interface BundleFacts {
  host: HostFacts;
  user: ResolvedUser;
  /** What each `--device` came to. */
  devices: FoundDevices[];
  /** The host's /dev, when privileged. */
  hostDevices: Device[];
  /** Of the devices that blkio limits name. */
  numbers: DeviceNumbers;
  /** --init's program, where it is wanted. */
  initPath?: string;
  /** What is bound as /dev/shm, and the options that the bind must not lose. */
  shm?: { source: string; options: string[] };
  /** Permission bits of the image's folders on which a tmpfs is mounted, by destination. */
  folderModes?: Record<string, number>;
  /** A mount that propagates to or from the host needs the root to do so too. */
  rootPropagation?: "shared" | "rslave";
}

/** crun 1.8 and runc 1.1 write and read 1.0; what we use of later versions are options they ignore or know. */
const OCI_VERSION = "1.0.2";

/** Errors: invalid, for what a profile or an option says. */
export function buildSpec(input: BundleInput, facts: BundleFacts): Spec {
  const { hostConfig, environment } = input;
  const security = parseSecurityOptions(hostConfig.SecurityOpt, input.defaults?.noNewPrivileges);
  const capabilities = capabilityList(
    { privileged: hostConfig.Privileged, add: hostConfig.CapAdd, drop: hostConfig.CapDrop },
    facts.host.capabilities,
  );
  const found = devices(hostConfig, facts.devices, facts.hostDevices);
  const { namespaces: list, ...maps } = namespaces(input);
  const seccomp = seccompOf(input, security, facts.host.seccomp, {
    architecture: environment.platform.architecture,
    kernel: environment.kernel,
    capabilities,
  });
  return {
    ociVersion: OCI_VERSION,
    process: {
      ...processOf(input, facts.user),
      capabilities: capabilitySets(capabilities),
      rlimits: resourceLimits(hostConfig, input.defaults),
      ...(security.noNewPrivileges && { noNewPrivileges: true }),
      ...appArmorOf(input, security, facts.host),
      oomScoreAdj: hostConfig.OomScoreAdj ?? 0,
    },
    root: { path: input.rootfs, ...(hostConfig.ReadonlyRootfs && { readonly: true }) },
    ...(hostConfig.UTSMode !== "host" && { hostname: input.hostname }),
    mounts: mounts(input, {
      initPath: facts.initPath,
      writableCgroups: security.writableCgroups,
      shm: facts.shm,
      folderModes: facts.folderModes,
    }),
    ...(hostConfig.Annotations &&
      Object.keys(hostConfig.Annotations).length > 0 && { annotations: hostConfig.Annotations }),
    linux: {
      sysctl: sysctls(input, facts.host),
      resources: { devices: found.rules, ...limits(hostConfig, facts.numbers) },
      cgroupsPath: cgroupsPath(input),
      namespaces: list,
      ...maps,
      devices: found.devices,
      ...(seccomp && { seccomp }),
      ...(facts.rootPropagation && { rootfsPropagation: facts.rootPropagation }),
      ...systemPaths(hostConfig, facts.host.thermalThrottle),
    },
  };
}

/** Privileged containers have no filter unless they ask for one; else theirs, the daemon's, or the default. */
function seccompOf(
  { hostConfig, defaults }: BundleInput,
  { seccomp: own }: SecurityOptions,
  supported: boolean,
  context: SeccompContext,
): Seccomp | undefined {
  if (!supported || own === "unconfined") return undefined;
  if (hostConfig.Privileged) return own ? customSeccomp(own, context) : undefined;
  const profile = own || defaults?.seccompProfile || "builtin";
  if (profile === "unconfined") return undefined;
  return profile === "builtin" ? defaultSeccomp(context) : customSeccomp(profile, context);
}

/** Only where AppArmor is on. */
export function appArmorOf(
  { hostConfig }: Pick<BundleInput, "hostConfig">,
  { appArmor }: SecurityOptions,
  host: Pick<HostFacts, "appArmorProfile">,
): Pick<Process, "apparmorProfile"> {
  if (!host.appArmorProfile) return {};
  // What people write for the default profile in so many words.
  const asked = appArmor === "docker-default" ? host.appArmorProfile : appArmor;
  return { apparmorProfile: asked || (hostConfig.Privileged ? "unconfined" : host.appArmorProfile) };
}
