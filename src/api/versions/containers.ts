// What changed with API versions for containers and execs.
import { invalid } from "../../base/errors.ts";
import type {
  ContainerInspectResponse,
  ContainerSummary,
  EndpointSettings,
  HostConfig,
  Mount,
} from "../types/index.ts";
import type { Change, VersionedRequest } from "../versions.ts";
import {
  create,
  ENDPOINT_SYSCTLS,
  hasOwnNetwork,
  interfaceSysctls,
  mainEndpoint,
  migrateSysctls,
} from "./create-body.ts";

const CREATE = ["ContainerCreate"] as const;
const mountsOf = (request: VersionedRequest): Mount[] => create(request).HostConfig.Mounts ?? [];
const drop =
  (name: string) =>
  ({ query }: VersionedRequest) =>
    query.delete(name);

export const CONTAINER_CHANGES: readonly Change[] = [
  {
    since: 25,
    operations: CREATE,
    what: "HostConfig.AutoRemove; older: the client removes the container, the field is ignored",
    olderRequest(request) {
      delete create(request).HostConfig.AutoRemove;
    },
  },
  {
    since: 28,
    operations: ["ContainerAttachWebsocket"],
    what: "the websocket carries binary frames; older: text (answers 501 here)",
  },
  {
    since: 30,
    operations: ["ContainerWait"],
    what: "`condition`, and the answer's headers come at once; older: neither",
    behaviour: "wait-headers-first",
    olderRequest: drop("condition"),
  },
  {
    since: 34,
    operations: ["ContainerWait"],
    what: "waiting for a removal that fails answers with an error; older: with nothing",
    behaviour: "wait-removal-error",
  },
  {
    since: 40,
    operations: CREATE,
    what: "Mounts[].BindOptions.NonRecursive; older: ignored",
    olderRequest(request) {
      for (const mount of mountsOf(request)) delete mount.BindOptions?.NonRecursive;
    },
  },
  {
    since: 40,
    operations: CREATE,
    what: "HostConfig.KernelMemoryTCP; older: ignored",
    olderRequest(request) {
      delete create(request).HostConfig.KernelMemoryTCP;
    },
  },
  {
    since: 40,
    operations: CREATE,
    what: "HostConfig.IpcMode is private unless asked otherwise; older: shareable",
    olderRequest(request) {
      const host = create(request).HostConfig;
      if (!host.IpcMode) host.IpcMode = "shareable";
    },
  },
  {
    since: 40,
    operations: ["ContainerUpdate"],
    what: "PidsLimit; older: ignored",
    olderRequest({ body }) {
      delete (body as HostConfig | undefined)?.PidsLimit;
    },
  },
  {
    since: 41,
    operations: CREATE,
    what: "HostConfig.CgroupnsMode has the daemon's default; older: host, where cgroups are version 1",
    olderRequest(request) {
      const host = create(request).HostConfig;
      if (!host.CgroupnsMode && !request.cgroup2) host.CgroupnsMode = "host";
    },
  },
  { since: 41, operations: CREATE, what: "`platform`; older: ignored", olderRequest: drop("platform") },
  {
    since: 41,
    operations: ["ContainerStats"],
    what: "`one-shot`; older: ignored",
    olderRequest: drop("one-shot"),
  },
  {
    since: 42,
    operations: ["ContainerAttach", "ContainerLogs", "ExecStart"],
    what: "Content-Type application/vnd.docker.multiplexed-stream where streams are multiplexed; older: raw-stream always",
    behaviour: "multiplexed-type",
  },
  {
    since: 42,
    operations: ["ContainerAttachWebsocket"],
    what: "`stdin`, `stdout` and `stderr` choose the streams; older: all three, whatever they say",
    behaviour: "attach-ws-streams",
  },
  {
    since: 42,
    operations: ["ContainerStop", "ContainerRestart"],
    what: "`signal`; older: ignored",
    olderRequest: drop("signal"),
  },
  {
    since: 42,
    operations: CREATE,
    what: "HostConfig.ConsoleSize; older: ignored",
    olderRequest(request) {
      delete create(request).HostConfig.ConsoleSize;
    },
  },
  {
    since: 42,
    operations: ["ContainerExec", "ExecStart"],
    what: "ConsoleSize; older: ignored",
    olderRequest({ body }) {
      delete (body as { ConsoleSize?: unknown } | undefined)?.ConsoleSize;
    },
  },
  {
    since: 42,
    operations: CREATE,
    what: "Mounts[].BindOptions.CreateMountpoint; older: ignored",
    olderRequest(request) {
      for (const mount of mountsOf(request)) delete mount.BindOptions?.CreateMountpoint;
    },
  },
  {
    since: 42,
    operations: CREATE,
    what: "options of another type than the mount's are refused; older: ignored",
    olderRequest(request) {
      for (const mount of mountsOf(request)) {
        if (mount.Type !== "volume") delete mount.VolumeOptions;
        if (mount.Type !== "tmpfs") delete mount.TmpfsOptions;
      }
    },
    newerRequest(request) {
      for (const mount of mountsOf(request)) {
        const refuse = (name: string) =>
          invalid(`${name} must not be specified on mount type ${JSON.stringify(mount.Type ?? "")}`);
        if (mount.VolumeOptions && mount.Type !== "volume") throw refuse("VolumeOptions");
        if (mount.BindOptions && mount.Type !== "bind") throw refuse("BindOptions");
        if (mount.TmpfsOptions && mount.Type !== "tmpfs") throw refuse("TmpfsOptions");
      }
    },
  },
  {
    since: 43,
    operations: CREATE,
    what: "HostConfig.Annotations; older: ignored",
    olderRequest(request) {
      delete create(request).HostConfig.Annotations;
    },
  },
  {
    since: 44,
    operations: CREATE,
    what: "Healthcheck.StartInterval; older: ignored",
    olderRequest(request) {
      delete create(request).Healthcheck?.StartInterval;
    },
  },
  {
    since: 44,
    operations: CREATE,
    what: "read-only bind mounts are so all the way down; older: only their top, and ReadOnlyForceRecursive is refused",
    olderRequest(request) {
      for (const mount of mountsOf(request)) {
        if (mount.Type !== "bind") continue;
        if (mount.BindOptions?.ReadOnlyForceRecursive)
          throw invalid("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
        if (mount.ReadOnly) mount.BindOptions = { ...mount.BindOptions, ReadOnlyNonRecursive: true };
      }
    },
  },
  {
    since: 44,
    operations: CREATE,
    what: "several networks at once; older: refused",
    olderRequest(request) {
      const names = Object.keys(create(request).NetworkingConfig?.EndpointsConfig ?? {});
      if (names.length > 1)
        throw invalid(`Container cannot be created with multiple network endpoints: ${names.join(", ")}`);
    },
  },
  {
    since: 44,
    operations: CREATE,
    what: "the MAC address belongs to an endpoint, the container's moves there with a warning; older: only the container's counts",
    olderRequest(request) {
      const body = create(request);
      if (!body.MacAddress) {
        for (const endpoint of Object.values(body.NetworkingConfig?.EndpointsConfig ?? {}))
          delete endpoint.MacAddress;
        return;
      }
      if (!hasOwnNetwork(body)) throw invalid("conflicting options: mac-address and the network mode");
      mainEndpoint(body, true).MacAddress = body.MacAddress;
    },
    newerRequest(request) {
      const body = create(request);
      if (!body.MacAddress) return;
      if (hasOwnNetwork(body)) {
        let endpoint: EndpointSettings;
        try {
          endpoint = mainEndpoint(body, false);
        } catch (error) {
          throw invalid(
            `unable to migrate container-wide MAC address to a specific network: ${(error as Error).message}`,
          );
        }
        if (endpoint.MacAddress && endpoint.MacAddress !== body.MacAddress)
          throw invalid(
            "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
          );
        endpoint.MacAddress = body.MacAddress;
      }
      delete body.MacAddress;
      request.warnings.push(
        "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.",
      );
    },
  },
  {
    since: 45,
    operations: CREATE,
    what: "Mounts[].VolumeOptions.Subpath; older: refused",
    olderRequest(request) {
      if (mountsOf(request).some((mount) => mount.VolumeOptions?.Subpath))
        throw invalid("VolumeOptions.Subpath needs API v1.45 or newer");
    },
  },
  {
    since: 45,
    operations: ["ContainerInspect"],
    what: "Aliases are as they were asked for; older: with the short id and the host name, on networks of the user",
    olderAnswer(answer) {
      const container = answer as ContainerInspectResponse;
      const short = container.Id?.slice(0, 12) ?? "";
      const hostname = container.Config?.Hostname ?? "";
      const networks = Object.entries(container.NetworkSettings?.Networks ?? {}).map(([name, endpoint]) => {
        if (["bridge", "host", "none", "default"].includes(name) || name.startsWith("container:"))
          return [name, endpoint] as const;
        return [
          name,
          { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), short, hostname])] },
        ] as const;
      });
      return {
        ...container,
        NetworkSettings: { ...container.NetworkSettings, Networks: Object.fromEntries(networks) },
      };
    },
  },
  {
    since: 46,
    operations: ["ContainerList"],
    what: "HostConfig.Annotations; older: left out",
    olderAnswer: (answer) =>
      (answer as ContainerSummary[]).map((container) => {
        const { Annotations: _, ...host } = container.HostConfig ?? {};
        return { ...container, HostConfig: host };
      }),
  },
  {
    since: 48,
    operations: ["ContainerList"],
    what: "ImageManifestDescriptor; older: left out",
    olderAnswer: (answer) =>
      (answer as ContainerSummary[]).map(({ ImageManifestDescriptor: _, ...container }) => container),
  },
  {
    since: 48,
    operations: ["ContainerInspect"],
    what: "ImageManifestDescriptor; older: left out",
    olderAnswer(answer) {
      const { ImageManifestDescriptor: _, ...container } = answer as ContainerInspectResponse;
      return container;
    },
  },
  {
    since: 48,
    operations: CREATE,
    what: "EndpointsConfig[].GwPriority; older: ignored",
    olderRequest(request) {
      for (const endpoint of Object.values(create(request).NetworkingConfig?.EndpointsConfig ?? {}))
        delete endpoint.GwPriority;
    },
  },
  {
    since: 48,
    operations: CREATE,
    what: "mounts of type image; older: refused",
    olderRequest(request) {
      if (mountsOf(request).some((mount) => (mount.Type as string) === "image"))
        throw invalid('Mount type "Image" needs API v1.48 or newer');
    },
  },
  {
    since: 48,
    operations: CREATE,
    what: "a warning where HostConfig.VolumeDriver has no effect on Mounts; older: none",
    newerRequest(request) {
      if (!create(request).HostConfig.VolumeDriver) return;
      if (
        mountsOf(request).some((mount) => mount.Type === "volume" && !mount.VolumeOptions?.DriverConfig?.Name)
      )
        request.warnings.push(
          "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead",
        );
    },
  },
  {
    since: 48,
    operations: CREATE,
    what: "Sysctls of an interface are refused; older: those of eth0 move to the endpoint's DriverOpts, with a warning",
    olderRequest: migrateSysctls,
    newerRequest(request) {
      const [first] = interfaceSysctls(create(request));
      if (first)
        throw invalid(
          `interface specific sysctl setting ${JSON.stringify(first.key)} must be supplied using driver option '${ENDPOINT_SYSCTLS}'`,
        );
    },
  },
];
