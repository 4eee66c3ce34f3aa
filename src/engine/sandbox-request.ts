// What a container asks of the network room, from its record.
import type { ContainerRecord } from "../containers/types.ts";
import type { SandboxRequest } from "../networks/types.ts";

export function sandboxRequest(
  record: Pick<
    ContainerRecord,
    "id" | "name" | "config" | "hostConfig" | "networking" | "namedNetworksOnly" | "links"
  >,
): SandboxRequest {
  const { config, hostConfig } = record;
  return {
    containerId: record.id,
    containerName: record.name,
    networkMode: hostConfig.NetworkMode ?? "default",
    networkingConfig: record.networking,
    ...(record.namedNetworksOnly && { namedNetworksOnly: true }),
    portBindings: hostConfig.PortBindings ?? {},
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    publishAll: hostConfig.PublishAllPorts ?? false,
    hostname: config.Hostname ?? "",
    ...(config.Domainname && { domainname: config.Domainname }),
    extraHosts: hostConfig.ExtraHosts ?? [],
    dns: hostConfig.Dns ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
    dnsSearch: hostConfig.DnsSearch ?? [],
    ...(config.MacAddress && { macAddress: config.MacAddress }),
    ...(record.links?.length && { links: record.links.map(({ id }) => id) }),
  };
}
