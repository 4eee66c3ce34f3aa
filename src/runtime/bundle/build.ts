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
import { customSeccomp, defaultFilter, defaultSeccomp, type SeccompContext } from "./seccomp.ts";
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

/** crun(1), "run.oci.seccomp_bpf_data": struct sock_filter[] in base64, taken instead of the seccomp section. */
const FILTER_ANNOTATION = "run.oci.seccomp_bpf_data";

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
  const { seccomp, filter } = seccompOf(input, security, facts.host.seccomp, {
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
    ...annotationsOf(hostConfig.Annotations, filter),
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

/** A finished filter goes beside the section that it stands for: a crun that didn't know of it would take that. */
function annotationsOf(
  asked: Record<string, string> | null | undefined,
  filter: string | undefined,
): Pick<Spec, "annotations"> {
  const annotations = { ...(filter !== undefined && { [FILTER_ANNOTATION]: filter }), ...asked };
  return Object.keys(annotations).length > 0 ? { annotations } : {};
}

/** Privileged containers have no filter unless they ask for one; else theirs, the daemon's, or the default. */
function seccompOf(
  { hostConfig, defaults, takesFilter }: BundleInput,
  { seccomp: own }: SecurityOptions,
  supported: boolean,
  context: SeccompContext,
): { seccomp?: Seccomp; filter?: string } {
  if (!supported || own === "unconfined") return {};
  if (hostConfig.Privileged) return own ? { seccomp: customSeccomp(own, context) } : {};
  const profile = own || defaults?.seccompProfile || "builtin";
  if (profile === "unconfined") return {};
  if (profile !== "builtin") return { seccomp: customSeccomp(profile, context) };
  return { seccomp: defaultSeccomp(context), ...(takesFilter && { filter: defaultFilter(context) }) };
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
