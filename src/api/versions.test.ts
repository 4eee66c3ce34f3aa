// Every line of the version table on both sides of its version.
import { describe, expect, test } from "bun:test";
import { messageOf } from "../base/errors.ts";
import type { Mount } from "./types/index.ts";
import {
  type ApiVersion,
  adaptAnswer,
  adaptRequest,
  type Behaviour,
  CHANGES,
  type Change,
  checkOldestVersion,
  compareVersions,
  has,
  NEWEST_VERSION,
  parseVersion,
  type VersionedRequest,
} from "./versions.ts";

describe("versions", () => {
  test.each([
    ["1.24", "1.24", 0],
    ["1.9", "1.24", -1],
    ["1.51", "1.6", 1],
    ["1", "1.0", 0],
    ["1.24.5", "1.24", 1],
    ["2.0", "1.51", 1],
    ["...", "1.24", -1],
  ])("%s compares with %s", (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });

  test("absent is the newest; those between oldest and newest are taken", () => {
    expect(parseVersion(undefined)).toBe(NEWEST_VERSION);
    for (let minor = 24; minor <= 51; minor++) expect(parseVersion(`1.${minor}`)).toBe(minor as ApiVersion);
    expect(parseVersion("1.51.")).toBe(51 as ApiVersion);
  });

  test.each([
    [
      "1.23",
      "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
    ],
    ["1.52", "client version 1.52 is too new. Maximum supported API version is 1.51"],
    ["2.0", "client version 2.0 is too new. Maximum supported API version is 1.51"],
  ])("%s is refused in Docker's words", (text, words) => {
    expect(() => parseVersion(text)).toThrow(words);
  });

  test("DOCKER_MIN_API_VERSION", () => {
    expect(checkOldestVersion(undefined)).toBe("1.24");
    expect(checkOldestVersion("1.44")).toBe("1.44");
    expect(() => checkOldestVersion("v1.44")).toThrow(
      'invalid DOCKER_MIN_API_VERSION: API version must be provided without "v" prefix',
    );
    expect(() => checkOldestVersion("1.12")).toThrow("minimum supported API version is 1.24: 1.12");
    expect(() => checkOldestVersion("1.99")).toThrow("maximum supported API version is 1.51: 1.99");
    expect(() => checkOldestVersion("x")).toThrow("maximum supported API version is 1.51: x");
    expect(() => parseVersion("1.43", "1.44")).toThrow("Minimum supported API version is 1.44");
  });
});

interface Case {
  since: number;
  operation: string;
  /** How the line's `what` begins. */
  line: string;
  /** A request, and what is looked at after each version had its way with it; a refusal shows as its message. */
  query?: string;
  body?: object;
  cgroup2?: boolean;
  look?(request: VersionedRequest): unknown;
  answer?: unknown;
  see?(answer: never): unknown;
  behaviour?: Behaviour;
  older: unknown;
  newer: unknown;
}

const mounts = (request: VersionedRequest) =>
  (request.body as { HostConfig: { Mounts: Mount[] } }).HostConfig.Mounts[0];
const host = (name: string) => (request: VersionedRequest) =>
  (request.body as { HostConfig?: Record<string, unknown> }).HostConfig?.[name];
const parameter = (name: string) => (request: VersionedRequest) => request.query.get(name);
const field = (name: string) => (answer: never) => (answer as Record<string, unknown>)[name];
const firstField = (name: string) => (answer: never) => (answer as Record<string, unknown>[])[0]?.[name];
const withMount = (mount: object) => ({ Image: "x", HostConfig: { Mounts: [mount] } });
const image = { RepoTags: ["a:1"], RepoDigests: [], Size: 7, Containers: 2, Descriptor: { digest: "d" } };
const MAC = "02:42:ac:11:00:02";
const SYSCTL = { "net.ipv4.conf.eth0.forwarding": "1" };

const CASES: Case[] = [
  {
    since: 25,
    operation: "ContainerCreate",
    line: "HostConfig.AutoRemove",
    body: { Image: "x", HostConfig: { AutoRemove: true } },
    look: host("AutoRemove"),
    older: undefined,
    newer: true,
  },
  {
    since: 28,
    operation: "ContainerAttachWebsocket",
    line: "the websocket",
    query: "",
    look: () => 0,
    older: 0,
    newer: 0,
  },
  {
    since: 30,
    operation: "ContainerWait",
    line: "`condition`",
    query: "condition=bad",
    look: parameter("condition"),
    older: null,
    newer: "bad",
  },
  {
    since: 30,
    operation: "ContainerWait",
    line: "`condition`",
    behaviour: "wait-headers-first",
    older: false,
    newer: true,
  },
  {
    since: 34,
    operation: "ContainerWait",
    line: "waiting for a removal",
    behaviour: "wait-removal-error",
    older: false,
    newer: true,
  },
  {
    since: 40,
    operation: "ContainerCreate",
    line: "Mounts[].BindOptions.NonRecursive",
    body: withMount({ Type: "bind", BindOptions: { NonRecursive: true } }),
    look: (r) => mounts(r)?.BindOptions?.NonRecursive,
    older: undefined,
    newer: true,
  },
  {
    since: 40,
    operation: "ContainerCreate",
    line: "HostConfig.KernelMemoryTCP",
    body: { HostConfig: { KernelMemoryTCP: 4 } },
    look: host("KernelMemoryTCP"),
    older: undefined,
    newer: 4,
  },
  {
    since: 40,
    operation: "ContainerCreate",
    line: "HostConfig.IpcMode",
    body: { Image: "x" },
    look: host("IpcMode"),
    older: "shareable",
    newer: undefined,
  },
  {
    since: 40,
    operation: "ContainerCreate",
    line: "HostConfig.IpcMode",
    body: { HostConfig: { IpcMode: "none" } },
    look: host("IpcMode"),
    older: "none",
    newer: "none",
  },
  {
    since: 40,
    operation: "ContainerUpdate",
    line: "PidsLimit",
    body: { PidsLimit: 3 },
    look: (r) => (r.body as { PidsLimit?: number }).PidsLimit,
    older: undefined,
    newer: 3,
  },
  {
    since: 41,
    operation: "ContainerCreate",
    line: "HostConfig.CgroupnsMode",
    body: { Image: "x" },
    cgroup2: false,
    look: host("CgroupnsMode"),
    older: "host",
    newer: undefined,
  },
  {
    since: 41,
    operation: "ContainerCreate",
    line: "HostConfig.CgroupnsMode",
    body: { Image: "x" },
    cgroup2: true,
    look: host("CgroupnsMode"),
    older: undefined,
    newer: undefined,
  },
  {
    since: 41,
    operation: "ContainerCreate",
    line: "`platform`",
    body: {},
    query: "platform=linux/arm64",
    look: parameter("platform"),
    older: null,
    newer: "linux/arm64",
  },
  {
    since: 41,
    operation: "ContainerStats",
    line: "`one-shot`",
    query: "one-shot=1",
    look: parameter("one-shot"),
    older: null,
    newer: "1",
  },
  {
    since: 42,
    operation: "ContainerAttach",
    line: "Content-Type",
    behaviour: "multiplexed-type",
    older: false,
    newer: true,
  },
  {
    since: 42,
    operation: "ContainerAttachWebsocket",
    line: "`stdin`, `stdout`",
    behaviour: "attach-ws-streams",
    older: false,
    newer: true,
  },
  {
    since: 42,
    operation: "ContainerStop",
    line: "`signal`",
    query: "signal=INT",
    look: parameter("signal"),
    older: null,
    newer: "INT",
  },
  {
    since: 42,
    operation: "ContainerRestart",
    line: "`signal`",
    query: "signal=INT",
    look: parameter("signal"),
    older: null,
    newer: "INT",
  },
  {
    since: 42,
    operation: "ContainerCreate",
    line: "HostConfig.ConsoleSize",
    body: { HostConfig: { ConsoleSize: [1, 2] } },
    look: host("ConsoleSize"),
    older: undefined,
    newer: [1, 2],
  },
  {
    since: 42,
    operation: "ContainerExec",
    line: "ConsoleSize",
    body: { ConsoleSize: [1, 2] },
    look: (r) => r.body,
    older: {},
    newer: { ConsoleSize: [1, 2] },
  },
  {
    since: 42,
    operation: "ExecStart",
    line: "ConsoleSize",
    body: { ConsoleSize: [1, 2] },
    look: (r) => r.body,
    older: {},
    newer: { ConsoleSize: [1, 2] },
  },
  {
    since: 42,
    operation: "ContainerCreate",
    line: "Mounts[].BindOptions.CreateMountpoint",
    body: withMount({ Type: "bind", BindOptions: { CreateMountpoint: true } }),
    look: (r) => mounts(r)?.BindOptions?.CreateMountpoint,
    older: undefined,
    newer: true,
  },
  {
    since: 42,
    operation: "ContainerCreate",
    line: "options of another type",
    body: withMount({ Type: "bind", VolumeOptions: { NoCopy: true } }),
    look: (r) => mounts(r)?.VolumeOptions,
    older: undefined,
    newer: 'VolumeOptions must not be specified on mount type "bind"',
  },
  {
    since: 42,
    operation: "ContainerCreate",
    line: "options of another type",
    body: withMount({ Type: "volume", TmpfsOptions: {} }),
    look: (r) => mounts(r)?.TmpfsOptions,
    older: undefined,
    newer: 'TmpfsOptions must not be specified on mount type "volume"',
  },
  {
    since: 42,
    operation: "ContainerCreate",
    line: "options of another type",
    body: withMount({ Type: "volume", BindOptions: {} }),
    look: () => "taken",
    older: "taken",
    newer: 'BindOptions must not be specified on mount type "volume"',
  },
  {
    since: 43,
    operation: "ContainerCreate",
    line: "HostConfig.Annotations",
    body: { HostConfig: { Annotations: { a: "b" } } },
    look: host("Annotations"),
    older: undefined,
    newer: { a: "b" },
  },
  {
    since: 44,
    operation: "ContainerCreate",
    line: "Healthcheck.StartInterval",
    body: { Healthcheck: { StartInterval: 5 } },
    look: (r) => (r.body as { Healthcheck: object }).Healthcheck,
    older: {},
    newer: { StartInterval: 5 },
  },
  {
    since: 44,
    operation: "ContainerCreate",
    line: "read-only bind mounts",
    body: withMount({ Type: "bind", ReadOnly: true }),
    look: (r) => mounts(r)?.BindOptions?.ReadOnlyNonRecursive,
    older: true,
    newer: undefined,
  },
  {
    since: 44,
    operation: "ContainerCreate",
    line: "read-only bind mounts",
    body: withMount({ Type: "bind", BindOptions: { ReadOnlyForceRecursive: true } }),
    look: () => "taken",
    older: "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer",
    newer: "taken",
  },
  {
    since: 44,
    operation: "ContainerCreate",
    line: "several networks",
    body: { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } },
    look: () => "taken",
    older: "Container cannot be created with multiple network endpoints: a, b",
    newer: "taken",
  },
  {
    since: 44,
    operation: "ContainerCreate",
    line: "the MAC address",
    body: { NetworkingConfig: { EndpointsConfig: { n: { MacAddress: MAC } } } },
    look: (r) =>
      (r.body as { NetworkingConfig: { EndpointsConfig: { n: object } } }).NetworkingConfig.EndpointsConfig.n,
    older: {},
    newer: { MacAddress: MAC },
  },
  {
    since: 44,
    operation: "ContainerCreate",
    line: "the MAC address",
    body: { MacAddress: MAC },
    look: (r) => [(r.body as { NetworkingConfig: object }).NetworkingConfig, r.warnings.length],
    older: [{ EndpointsConfig: { bridge: { MacAddress: MAC } } }, 0],
    newer: [{ EndpointsConfig: { bridge: { MacAddress: MAC } } }, 1],
  },
  {
    since: 44,
    operation: "ContainerCreate",
    line: "the MAC address",
    body: {
      MacAddress: MAC,
      NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: "02:42:ac:11:00:03" } } },
    },
    look: () => "taken",
    older: "taken",
    newer:
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
  },
  {
    since: 45,
    operation: "ContainerCreate",
    line: "Mounts[].VolumeOptions.Subpath",
    body: withMount({ Type: "volume", VolumeOptions: { Subpath: "s" } }),
    look: () => "taken",
    older: "VolumeOptions.Subpath needs API v1.45 or newer",
    newer: "taken",
  },
  {
    since: 45,
    operation: "ContainerInspect",
    line: "Aliases",
    answer: {
      Id: "0123456789abcdef",
      Config: { Hostname: "h" },
      NetworkSettings: { Networks: { mine: { Aliases: ["a"] } } },
    },
    see: (a) =>
      (a as { NetworkSettings: { Networks: { mine: { Aliases: string[] } } } }).NetworkSettings.Networks.mine
        .Aliases,
    older: ["a", "0123456789ab", "h"],
    newer: ["a"],
  },
  {
    since: 45,
    operation: "ContainerInspect",
    line: "Aliases",
    answer: {
      Id: "0123456789abcdef",
      Config: { Hostname: "h" },
      NetworkSettings: { Networks: { bridge: { Aliases: null } } },
    },
    see: (a) =>
      (a as { NetworkSettings: { Networks: { bridge: { Aliases: null } } } }).NetworkSettings.Networks.bridge
        .Aliases,
    older: null,
    newer: null,
  },
  {
    since: 46,
    operation: "ContainerList",
    line: "HostConfig.Annotations",
    answer: [{ HostConfig: { NetworkMode: "bridge", Annotations: { a: "b" } } }],
    see: firstField("HostConfig"),
    older: { NetworkMode: "bridge" },
    newer: { NetworkMode: "bridge", Annotations: { a: "b" } },
  },
  {
    since: 48,
    operation: "ContainerList",
    line: "ImageManifestDescriptor",
    answer: [{ ImageManifestDescriptor: 1 }],
    see: firstField("ImageManifestDescriptor"),
    older: undefined,
    newer: 1,
  },
  {
    since: 48,
    operation: "ContainerInspect",
    line: "ImageManifestDescriptor",
    answer: { ImageManifestDescriptor: 1 },
    see: field("ImageManifestDescriptor"),
    older: undefined,
    newer: 1,
  },
  {
    since: 48,
    operation: "ContainerCreate",
    line: "EndpointsConfig[].GwPriority",
    body: { NetworkingConfig: { EndpointsConfig: { n: { GwPriority: 1 } } } },
    look: (r) =>
      (r.body as { NetworkingConfig: { EndpointsConfig: { n: object } } }).NetworkingConfig.EndpointsConfig.n,
    older: {},
    newer: { GwPriority: 1 },
  },
  {
    since: 48,
    operation: "ContainerCreate",
    line: "mounts of type image",
    body: withMount({ Type: "image" }),
    look: () => "taken",
    older: 'Mount type "Image" needs API v1.48 or newer',
    newer: "taken",
  },
  {
    since: 48,
    operation: "ContainerCreate",
    line: "a warning where",
    body: { HostConfig: { VolumeDriver: "d", Mounts: [{ Type: "volume" }] } },
    look: (r) => r.warnings.length,
    older: 0,
    newer: 1,
  },
  {
    since: 48,
    operation: "ContainerCreate",
    line: "Sysctls of an interface",
    body: { HostConfig: { Sysctls: SYSCTL } },
    look: (r) => [
      r.warnings,
      (r.body as { HostConfig: { Sysctls: object } }).HostConfig.Sysctls,
      (r.body as { NetworkingConfig: unknown }).NetworkingConfig,
    ],
    older: [
      [
        'Migrated sysctl "net.ipv4.conf.eth0.forwarding" to DriverOpts{"com.docker.network.endpoint.sysctls":"net.ipv4.conf.IFNAME.forwarding=1"}.',
      ],
      {},
      {
        EndpointsConfig: {
          bridge: {
            DriverOpts: { "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.forwarding=1" },
          },
        },
      },
    ],
    newer:
      "interface specific sysctl setting \"net.ipv4.conf.eth0.forwarding\" must be supplied using driver option 'com.docker.network.endpoint.sysctls'",
  },
  {
    since: 32,
    operation: "ImageCreate",
    line: "`platform`",
    query: "platform=p",
    look: parameter("platform"),
    older: null,
    newer: "p",
  },
  {
    since: 41,
    operation: "ImageList",
    line: "`filter` is gone",
    query: "filter=busy*",
    look: (r) => [r.query.get("filter"), r.query.get("filters")],
    older: ["busy*", '{"reference":["busy*"]}'],
    newer: [null, null],
  },
  {
    since: 42,
    operation: "ImageList",
    line: "`shared-size`",
    query: "shared-size=1",
    look: parameter("shared-size"),
    older: null,
    newer: "1",
  },
  {
    since: 43,
    operation: "ImageList",
    line: "no names",
    answer: [{ ...image, RepoTags: [] }],
    see: (a) => [firstField("RepoTags")(a), firstField("RepoDigests")(a)],
    older: [["<none>:<none>"], ["<none>@<none>"]],
    newer: [[], []],
  },
  {
    since: 44,
    operation: "ImageList",
    line: "VirtualSize",
    answer: [image],
    see: firstField("VirtualSize"),
    older: 7,
    newer: undefined,
  },
  {
    since: 44,
    operation: "ImageInspect",
    line: "VirtualSize",
    answer: image,
    see: field("VirtualSize"),
    older: 7,
    newer: undefined,
  },
  {
    since: 44,
    operation: "ImageInspect",
    line: "Created",
    answer: image,
    see: field("Created"),
    older: "0001-01-01T00:00:00Z",
    newer: undefined,
  },
  {
    since: 46,
    operation: "ImagePush",
    line: "`platform`",
    query: "platform=p",
    look: parameter("platform"),
    older: null,
    newer: "p",
  },
  {
    since: 47,
    operation: "ImageList",
    line: "`manifests`",
    query: "manifests=1",
    look: parameter("manifests"),
    older: null,
    newer: "1",
  },
  {
    since: 48,
    operation: "ImageInspect",
    line: "`manifests`",
    query: "manifests=1",
    look: parameter("manifests"),
    older: null,
    newer: "1",
  },
  ...["ImageHistory", "ImageLoad", "ImageGet", "ImageGetAll"].map(
    (operation): Case => ({
      since: 48,
      operation,
      line: "`platform`",
      query: "platform=p",
      look: parameter("platform"),
      older: null,
      newer: "p",
    }),
  ),
  {
    since: 48,
    operation: "ImageList",
    line: "Descriptor",
    answer: [image],
    see: firstField("Descriptor"),
    older: undefined,
    newer: { digest: "d" },
  },
  {
    since: 48,
    operation: "ImageInspect",
    line: "Descriptor",
    answer: image,
    see: field("Descriptor"),
    older: undefined,
    newer: { digest: "d" },
  },
  {
    since: 49,
    operation: "ImageInspect",
    line: "`platform`",
    query: "platform=p",
    look: parameter("platform"),
    older: null,
    newer: "p",
  },
  {
    since: 50,
    operation: "ImageDelete",
    line: "`platforms`",
    query: "platforms=p",
    look: parameter("platforms"),
    older: null,
    newer: "p",
  },
  {
    since: 50,
    operation: "ImageInspect",
    line: "Config",
    answer: { Config: { User: "u" } },
    see: (a) => (a as { Config: { Hostname?: string; User: string } }).Config,
    older: {
      AttachStderr: false,
      AttachStdin: false,
      AttachStdout: false,
      Domainname: "",
      Hostname: "",
      Image: "",
      OpenStdin: false,
      StdinOnce: false,
      Tty: false,
      User: "u",
    },
    newer: { User: "u" },
  },
  {
    since: 51,
    operation: "ImageList",
    line: "Containers",
    answer: [image],
    see: firstField("Containers"),
    older: -1,
    newer: 2,
  },
  {
    since: 42,
    operation: "VolumePrune",
    line: "only anonymous",
    query: 'filters={"label":["x"]}',
    look: parameter("filters"),
    older: '{"label":["x"],"all":["true"]}',
    newer: '{"label":["x"]}',
  },
  {
    since: 42,
    operation: "VolumeCreate",
    line: "ClusterVolumeSpec",
    body: { ClusterVolumeSpec: {} },
    look: (r) => r.body,
    older: {},
    newer:
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  },
  {
    since: 48,
    operation: "NetworkCreate",
    line: "EnableIPv4",
    body: { EnableIPv4: false },
    look: (r) => r.body,
    older: {},
    newer: { EnableIPv4: false },
  },
  {
    since: 25,
    operation: "SystemInfo",
    line: "SecurityOptions",
    answer: { SecurityOptions: ["name=seccomp,profile=builtin"] },
    see: field("SecurityOptions"),
    older: ["seccomp"],
    newer: ["name=seccomp,profile=builtin"],
  },
  {
    since: 39,
    operation: "SystemInfo",
    line: "an unknown",
    answer: { KernelVersion: "" },
    see: (a) => [field("KernelVersion")(a), field("OperatingSystem")(a)],
    older: ["<unknown>", "<unknown>"],
    newer: ["", undefined],
  },
  {
    since: 42,
    operation: "SystemInfo",
    line: "KernelMemory",
    answer: {},
    see: field("KernelMemory"),
    older: false,
    newer: undefined,
  },
  {
    since: 42,
    operation: "SystemDataUsage",
    line: "`type`",
    query: "type=image",
    look: parameter("type"),
    older: null,
    newer: "image",
  },
  {
    since: 42,
    operation: "SystemDataUsage",
    line: "BuilderSize",
    answer: { BuildCache: [{ Size: 2 }, { Size: 3 }] },
    see: field("BuilderSize"),
    older: 5,
    newer: undefined,
  },
  {
    since: 44,
    operation: "SystemInfo",
    line: "Runtimes[].status",
    answer: { Runtimes: { runc: { path: "runc", status: { a: "b" } } } },
    see: field("Runtimes"),
    older: { runc: { path: "runc" } },
    newer: { runc: { path: "runc", status: { a: "b" } } },
  },
  {
    since: 44,
    operation: "SystemDataUsage",
    line: "Images[].VirtualSize",
    answer: { Images: [image] },
    see: (a) => (a as { Images: { VirtualSize?: number }[] }).Images[0]?.VirtualSize,
    older: 7,
    newer: undefined,
  },
  {
    since: 46,
    operation: "SystemInfo",
    line: "Containerd",
    answer: { Containerd: {} },
    see: field("Containerd"),
    older: undefined,
    newer: {},
  },
  {
    since: 46,
    operation: "SystemEvents",
    line: "an event when",
    behaviour: "image-create-events",
    older: false,
    newer: true,
  },
  {
    since: 47,
    operation: "SystemInfo",
    line: "RegistryConfig",
    answer: { RegistryConfig: { Mirrors: [] } },
    see: field("RegistryConfig"),
    older: {
      Mirrors: [],
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
    },
    newer: { Mirrors: [] },
  },
  {
    since: 49,
    operation: "SystemInfo",
    line: "FirewallBackend",
    answer: { FirewallBackend: {} },
    see: field("FirewallBackend"),
    older: undefined,
    newer: {},
  },
  {
    since: 49,
    operation: "SystemInfo",
    line: "the commits",
    answer: { RuncCommit: { ID: "r" } },
    see: (a) => [field("RuncCommit")(a), field("InitCommit")(a)],
    older: [{ ID: "r", Expected: "r" }, { Expected: "" }],
    newer: [{ ID: "r" }, undefined],
  },
  {
    since: 50,
    operation: "SystemInfo",
    line: "DiscoveredDevices",
    answer: { DiscoveredDevices: [] },
    see: field("DiscoveredDevices"),
    older: undefined,
    newer: [],
  },
  {
    since: 50,
    operation: "SystemInfo",
    line: "BridgeNfIptables",
    answer: {},
    see: (a) => [field("BridgeNfIptables")(a), field("BridgeNfIp6tables")(a)],
    older: [false, false],
    newer: [undefined, undefined],
  },
];

describe("each change on both sides of its version", () => {
  for (const item of CASES)
    test(`1.${item.since} ${item.operation}: ${item.line}`, () => {
      expect(lineOf(item)).toBeDefined();
      expect({ older: outcome(item, item.since - 1), newer: outcome(item, item.since) }).toEqual({
        older: item.older,
        newer: item.newer,
      });
    });

  test("no line of the table is without a case", () => {
    const covered = new Set(CASES.map(lineOf));
    const missing = CHANGES.filter((change) => !covered.has(change));
    expect(missing.map((change) => `1.${change.since} ${change.what}`)).toEqual([]);
  });
});

const lineOf = (item: Case): Change | undefined =>
  CHANGES.find(
    (change) =>
      change.since === item.since &&
      change.operations.includes(item.operation) &&
      change.what.startsWith(item.line),
  );

function outcome(item: Case, version: number): unknown {
  if (item.behaviour) return has(version as ApiVersion, item.behaviour);
  if (item.see) return item.see(adaptAnswer(item.operation, version as ApiVersion, item.answer) as never);
  const request: VersionedRequest = {
    query: new URLSearchParams(item.query ?? ""),
    body: structuredClone(item.body),
    warnings: [],
    cgroup2: item.cgroup2 ?? false,
  };
  try {
    adaptRequest(item.operation, version as ApiVersion, request);
  } catch (error) {
    return messageOf(error);
  }
  return item.look?.(request);
}
