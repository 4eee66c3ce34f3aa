// A container as GET /containers/json lists it.
import type { ContainerSummary, EndpointSettings, MountPoint, Port, PortMap } from "../../api/types/index.ts";
import { millisecondsOf } from "../../base/nanoseconds.ts";
import type { SandboxStatus } from "../../networks/types.ts";
import type { ResolvedMount } from "../../volumes/types.ts";
import { type Health, healthText } from "../health/rules.ts";
import type { ContainerRecord } from "../types.ts";
import { statusText } from "./status-text.ts";

/** What the other rooms know of a container. */
export interface Surroundings {
  /** Its sandbox, or what it would have while it does not run. */
  network: SandboxStatus;
  /** A sandbox is there. */
  live: boolean;
  /** Host folder of a named volume. */
  volumeFolder: (name: string) => string;
  /** Its names in containers that link to it, `/parent/alias`. */
  linkNames?: string[];
  /** The image's name while it still means the container's image, else its id. */
  imageName: string;
  /** What its checks say; absent without any. */
  health?: Health | undefined;
}

export function toSummary(record: ContainerRecord, around: Surroundings, at = Date.now()): ContainerSummary {
  return {
    Id: record.id,
    Names: [...(around.linkNames ?? []), `/${record.name}`].sort(),
    Image: around.imageName,
    ImageID: record.imageId,
    ...(record.manifestDescriptor && { ImageManifestDescriptor: record.manifestDescriptor }),
    Command: commandText(record),
    Created: Math.floor(millisecondsOf(record.createdAt) / 1000),
    Ports: portList(around.network.ports),
    Labels: sorted(record.config.Labels ?? {}),
    State: record.state.status,
    Status: statusText(record.state, at, healthText(around.health)),
    HostConfig: {
      NetworkMode: record.hostConfig.NetworkMode ?? "bridge",
      ...(record.hostConfig.Annotations && { Annotations: record.hostConfig.Annotations }),
    },
    NetworkSettings: {
      Networks: mapValues(endpointsOf(around), (endpoint) => ({ ...endpoint, ...NO_NAMES })),
    },
    Mounts: mountPoints(record.mounts, around.volumeFolder),
  };
}

/** A summary of this record from before, as of now: its status tells how long. */
export const withStatus = (
  summary: ContainerSummary,
  { state }: ContainerRecord,
  health: Health | undefined,
): ContainerSummary => ({ ...summary, Status: statusText(state, Date.now(), healthText(health)) });

/** As Docker: arguments with a space in quotes, nothing escaped. */
function commandText({ path, args }: ContainerRecord): string {
  return [path, ...args.map((argument) => (argument.includes(" ") ? `'${argument}'` : argument))].join(" ");
}

function portList(ports: PortMap): Port[] {
  const list: Port[] = [];
  for (const [key, bindings] of Object.entries(ports)) {
    const [port, protocol = "tcp"] = key.split("/");
    const inside = { PrivatePort: Number(port), Type: protocol as Port["Type"] };
    if (!bindings || bindings.length === 0) list.push(inside);
    for (const binding of bindings ?? [])
      list.push({
        ...(binding.HostIp !== undefined && { IP: binding.HostIp }),
        PrivatePort: inside.PrivatePort,
        PublicPort: Number(binding.HostPort),
        Type: inside.Type,
      });
  }
  return list;
}

/** The endpoints with every field that Docker shows. */
export const endpointsOf = ({ network }: Surroundings): Record<string, EndpointSettings> =>
  mapValues(network.endpoints, (endpoint) => ({ ...EMPTY_ENDPOINT, ...endpoint }));

const mapValues = <T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

/** What a summary leaves out, as JSON's null. */
const NO_NAMES = JSON.parse('{"Links":null,"Aliases":null,"DNSNames":null}') as EndpointSettings;

/** In Docker's order; JSON's null where Docker has it, which the vocabulary's types don't all say. */
export const EMPTY_ENDPOINT: EndpointSettings = {
  IPAMConfig: null,
  ...(JSON.parse('{"Links":null,"Aliases":null}') as EndpointSettings),
  MacAddress: "",
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: "",
  EndpointID: "",
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  ...(JSON.parse('{"DNSNames":null}') as EndpointSettings),
};

/** The mounts in the API's words; a tmpfs of `--tmpfs` is in HostConfig alone. */
export function mountPoints(mounts: ResolvedMount[], volumeFolder: (name: string) => string): MountPoint[] {
  return mounts
    .filter((mount) => !(mount.type === "tmpfs" && mount.tmpfsOptions === undefined))
    .map((mount) => ({
      Type: mount.type,
      ...((mount.type === "volume" || mount.type === "image") && { Name: mount.source }),
      // An image is mounted where nobody else sees it, and only until the runtime has it.
      Source:
        mount.type === "volume" ? volumeFolder(mount.source) : mount.type === "image" ? "" : mount.source,
      Destination: mount.destination,
      ...(mount.type === "volume" && { Driver: mount.driver ?? "local" }),
      Mode: mount.mode,
      RW: !mount.readOnly,
      Propagation: mount.type === "bind" || mount.type === "image" ? (mount.propagation ?? "rprivate") : "",
    }));
}

/** By name, as Go writes a map. */
export const sorted = <T extends object>(map: T): T =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
