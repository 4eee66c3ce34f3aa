// Which namespaces a container has of its own, shares with the host, or joins (namespaces(7)).
import type { BundleInput } from "../types.ts";
import type { Linux, NamespaceType } from "./spec.ts";

/** "container:X" → X; undefined for other modes. */
export function joinedContainer(mode: string | null | undefined): string | undefined {
  return mode?.startsWith("container:") ? mode.slice("container:".length) : undefined;
}

/** True where the container has user ids of its own: remapping is on and `--userns host` was not asked for. */
export function hasUserNamespace(input: Pick<BundleInput, "environment" | "hostConfig">): boolean {
  return input.environment.idMapping !== null && input.hostConfig.UsernsMode !== "host";
}

/** `linux.namespaces` and the id maps. A type that is missing means the host's. */
export function namespaces(input: BundleInput): Pick<Linux, "namespaces" | "uidMappings" | "gidMappings"> {
  const { hostConfig, joinedNamespaces, networkNamespace, environment } = input;
  const list: Linux["namespaces"] = [{ type: "mount" }];
  const add = (type: NamespaceType, path?: string) => list.push(path ? { type, path } : { type });

  if (networkNamespace !== null) add("network", networkNamespace);
  if (hostConfig.UTSMode !== "host") add("uts", joinedNamespaces.uts);
  if (hostConfig.PidMode !== "host") add("pid", joinedNamespaces.pid);
  if (hostConfig.IpcMode !== "host") add("ipc", joinedNamespaces.ipc);
  if (hostConfig.CgroupnsMode === "private") add("cgroup");
  if (!hasUserNamespace(input) || !environment.idMapping) return { namespaces: list };

  add("user");
  const map = (ranges: { container: number; host: number; size: number }[]) =>
    ranges.map(({ container, host, size }) => ({ containerID: container, hostID: host, size }));
  return {
    namespaces: list,
    uidMappings: map(environment.idMapping.uid),
    gidMappings: map(environment.idMapping.gid),
  };
}
