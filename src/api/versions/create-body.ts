// The body of containers/create as its changes between API versions see it, above all the endpoint it is about.
import { invalid } from "../../base/errors.ts";
import type { ContainerConfig, EndpointSettings, HostConfig, NetworkingConfig } from "../types/index.ts";
import type { VersionedRequest } from "../versions.ts";

/** The body of containers/create: the container's settings at the top, the host's and the networks' in two fields. */
export type CreateBody = ContainerConfig & {
  HostConfig?: HostConfig;
  NetworkingConfig?: NetworkingConfig;
};

/** The body, with the part that a client may leave out; an empty body is for the handler to refuse. */
export function create(request: VersionedRequest): CreateBody & { HostConfig: HostConfig } {
  const body = (request.body ?? {}) as CreateBody;
  body.HostConfig ??= {};
  return body as CreateBody & { HostConfig: HostConfig };
}

export const ENDPOINT_SYSCTLS = "com.docker.network.endpoint.sysctls";

/** The bridge or a network of the user: where an address of the container's own makes sense. */
export function hasOwnNetwork(body: CreateBody): boolean {
  const mode = body.HostConfig?.NetworkMode ?? "";
  return !["host", "none"].includes(mode) && !mode.startsWith("container:");
}

/** The endpoint that container-wide settings are for; made where there is none yet (moby's epConfigForNetMode). */
export function mainEndpoint(body: CreateBody, onlyOne: boolean): EndpointSettings {
  const mode = body.HostConfig?.NetworkMode ?? "";
  const name = mode === "" || mode === "default" ? "bridge" : mode;
  body.NetworkingConfig ??= {};
  body.NetworkingConfig.EndpointsConfig ??= {};
  const endpoints = body.NetworkingConfig.EndpointsConfig;
  const [first] = Object.values(endpoints);
  if (!first) {
    const made: EndpointSettings = {};
    endpoints[name] = made;
    return made;
  }
  if (onlyOne) return first;
  const found = endpoints[name] ?? (name === "bridge" ? endpoints.default : undefined);
  if (!found)
    throw invalid("HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks");
  return found;
}

/** Settings such as net.ipv4.conf.eth0.forwarding. */
export function interfaceSysctls(
  body: CreateBody,
): { key: string; value: string; device: string; generic: string }[] {
  const mode = body.HostConfig?.NetworkMode ?? "";
  if (mode === "host" || mode.startsWith("container:")) return [];
  return Object.entries(body.HostConfig?.Sysctls ?? {}).flatMap(([key, value]) => {
    const match = /^net\.([^.]*)\.([^.]*)\.(eth[^.]*)\.(.+)$/.exec(key);
    if (!match) return [];
    const [, family, kind, device = "", name] = match;
    return [{ key, value, device, generic: `net.${family}.${kind}.IFNAME.${name}=${value}` }];
  });
}

/** Moves the settings of eth0 to the endpoint that they are for. Errors: invalid for another interface's. */
export function migrateSysctls(request: VersionedRequest): void {
  const body = create(request);
  const found = interfaceSysctls(body);
  if (found.length === 0) return;
  const other = found.find((sysctl) => sysctl.device !== "eth0");
  if (other)
    throw invalid(
      `unable to determine network endpoint for sysctl ${other.key}, use driver option '${ENDPOINT_SYSCTLS}' to set per-interface sysctls`,
    );
  const endpoint = mainEndpoint(body, false);
  const moved = found.map((sysctl) => sysctl.generic).join(",");
  const before = endpoint.DriverOpts?.[ENDPOINT_SYSCTLS];
  endpoint.DriverOpts = {
    ...endpoint.DriverOpts,
    [ENDPOINT_SYSCTLS]: before ? `${moved},${before}` : moved,
  };
  for (const { key } of found) delete body.HostConfig?.Sysctls?.[key];
  request.warnings.push(
    `Migrated sysctl ${JSON.stringify(found.map((sysctl) => sysctl.key).join(","))} to DriverOpts{${JSON.stringify(ENDPOINT_SYSCTLS)}:${JSON.stringify(moved)}}.`,
  );
}
