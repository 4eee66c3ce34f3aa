// Texts that become C strings: with a NUL inside, the kernel and the runtime would take them for shorter ones than were
// checked, or refuse them when half of a container is there. Labels and annotations stay texts, and may have any.
import type { ContainerConfig, HostConfig } from "../../api/types/index.ts";
import { invalid } from "../../base/errors.ts";

type Texts = readonly (string | null | undefined)[] | null | undefined;

function refuse(what: string, texts: Texts): void {
  for (const text of texts ?? [])
    if (text?.includes("\0"))
      throw invalid(`invalid ${what} ${JSON.stringify(text)}: contains nul byte (\\x00)`);
}

/** Each entry is named by its variable alone, in runc's words: values may be secrets. */
function refuseInEnvironment(entries: Texts): void {
  for (const entry of entries ?? [])
    if (entry?.includes("\0"))
      throw invalid(
        `invalid environment variable ${JSON.stringify(entry.split("=")[0])}: contains nul byte (\\x00)`,
      );
}

const keys = (record: object | null | undefined): string[] => Object.keys(record ?? {});

/** Docker takes them at create, and most of them fail its start. Errors: invalid. */
export function refuseNulBytes(config: ContainerConfig, hostConfig: HostConfig): void {
  refuseInEnvironment(config.Env);
  refuse("hostname", [config.Hostname]);
  refuse("domainname", [config.Domainname]);
  refuse("user", [config.User]);
  refuse("working directory", [config.WorkingDir]);
  refuse("command", [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]);
  refuse("health check", config.Healthcheck?.Test);
  refuse("volume path", keys(config.Volumes));
  refuse("bind", hostConfig.Binds);
  refuse(
    "mount path",
    (hostConfig.Mounts ?? []).flatMap(({ Source, Target }) => [Source, Target]),
  );
  refuse("tmpfs path", keys(hostConfig.Tmpfs));
  refuse("tmpfs options", Object.values(hostConfig.Tmpfs ?? {}));
  refuse("sysctl", [...keys(hostConfig.Sysctls), ...Object.values(hostConfig.Sysctls ?? {})]);
  refuse("extra host", hostConfig.ExtraHosts);
  refuse(
    "device path",
    (hostConfig.Devices ?? []).flatMap((device) => [device.PathOnHost, device.PathInContainer]),
  );
  refuse("cgroup parent", [hostConfig.CgroupParent]);
}

/** The same for an exec. Errors: invalid. */
export function refuseNulBytesInExec(request: {
  Cmd?: string[] | null;
  Env?: string[] | null;
  User?: string | null;
  WorkingDir?: string | null;
}): void {
  refuseInEnvironment(request.Env);
  refuse("command", request.Cmd);
  refuse("user", [request.User]);
  refuse("working directory", [request.WorkingDir]);
}
