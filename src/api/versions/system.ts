// What changed with API versions for /info, /events and /system/df.
import type { DiskUsage } from "../../engine/types.ts";
import type { SystemInfo } from "../types/index.ts";
import type { Change } from "../versions.ts";

const INFO = ["SystemInfo"] as const;
const info = (change: (answer: SystemInfo) => unknown) => (answer: unknown) => change(answer as SystemInfo);

export const SYSTEM_CHANGES: readonly Change[] = [
  {
    since: 25,
    operations: INFO,
    what: "SecurityOptions are name=… with settings; older: names alone",
    olderAnswer: info((answer) => ({
      ...answer,
      SecurityOptions: answer.SecurityOptions?.map(
        (option) => /(?:^|,)name=([^,]*)/.exec(option)?.[1] ?? option,
      ),
    })),
  },
  {
    since: 39,
    operations: INFO,
    what: "an unknown KernelVersion or OperatingSystem is empty; older: <unknown>",
    olderAnswer: info((answer) => ({
      ...answer,
      KernelVersion: answer.KernelVersion || "<unknown>",
      OperatingSystem: answer.OperatingSystem || "<unknown>",
    })),
  },
  {
    since: 42,
    operations: INFO,
    what: "KernelMemory is left out; older: whether the host has it, which no host has that Berth runs on",
    olderAnswer: info((answer) => ({ ...answer, KernelMemory: false })),
  },
  {
    since: 42,
    operations: ["SystemDataUsage"],
    what: "`type` picks what is counted; older: ignored",
    olderRequest({ query }) {
      query.delete("type");
    },
  },
  {
    since: 42,
    operations: ["SystemDataUsage"],
    what: "BuilderSize is gone; older: bytes of the build cache",
    olderAnswer: (answer) => {
      const records = ((answer as { BuildCache?: { Size?: number }[] | null }).BuildCache ?? []) as {
        Size?: number;
      }[];
      return {
        ...(answer as object),
        BuilderSize: records.reduce((sum, record) => sum + (record.Size ?? 0), 0),
      };
    },
  },
  {
    since: 44,
    operations: INFO,
    what: "Runtimes[].status; older: left out",
    olderAnswer: info((answer) => ({
      ...answer,
      Runtimes: Object.fromEntries(
        Object.entries(answer.Runtimes ?? {}).map(([name, { status: _, ...runtime }]) => [name, runtime]),
      ),
    })),
  },
  {
    since: 44,
    operations: ["SystemDataUsage"],
    what: "Images[].VirtualSize is gone; older: as Size",
    olderAnswer: (answer) => {
      const usage = answer as DiskUsage;
      return {
        ...usage,
        Images: usage.Images?.map((image) => ({ ...image, VirtualSize: image.Size })) ?? usage.Images,
      };
    },
  },
  {
    since: 46,
    operations: INFO,
    what: "Containerd; older: left out",
    olderAnswer: info(({ Containerd: _, ...answer }) => answer),
  },
  {
    since: 46,
    operations: ["SystemEvents"],
    what: "an event when an image is made; older: none",
    behaviour: "image-create-events",
  },
  {
    since: 47,
    operations: INFO,
    what: "RegistryConfig has no AllowNondistributableArtifacts…; older: null",
    olderAnswer: info((answer) => ({
      ...answer,
      RegistryConfig: {
        ...answer.RegistryConfig,
        AllowNondistributableArtifactsCIDRs: null,
        AllowNondistributableArtifactsHostnames: null,
      },
    })),
  },
  {
    since: 49,
    operations: INFO,
    what: "FirewallBackend; older: left out",
    olderAnswer: info(({ FirewallBackend: _, ...answer }) => answer),
  },
  {
    since: 49,
    operations: INFO,
    what: "the commits have no Expected; older: as ID",
    olderAnswer: info((answer) => {
      const expected = (commit: { ID?: string } | undefined) => ({ ...commit, Expected: commit?.ID ?? "" });
      return {
        ...answer,
        ContainerdCommit: expected(answer.ContainerdCommit),
        RuncCommit: expected(answer.RuncCommit),
        InitCommit: expected(answer.InitCommit),
      };
    }),
  },
  {
    since: 50,
    operations: INFO,
    what: "DiscoveredDevices; older: left out",
    olderAnswer: info(({ DiscoveredDevices: _, ...answer }) => answer),
  },
  {
    since: 50,
    operations: INFO,
    what: "BridgeNfIptables and BridgeNfIp6tables are gone; older: false",
    olderAnswer: info((answer) => ({ ...answer, BridgeNfIptables: false, BridgeNfIp6tables: false })),
  },
];
