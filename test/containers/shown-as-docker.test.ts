// What inspect and list show of a container, field by field and in Docker's order: held against what a Docker 28.5 said of
// three containers (`docker create … sh -c 'sleep 100'`, `docker run -d -p 127.0.0.1::80 -v /data -v containers-v:/x:ro -l a=b
// -e X=1 --memory 64m --tmpfs /run:size=1m … sleep 600`, `docker run … sh -c 'echo hi; exit 3'`).
import { describe, expect, test } from "bun:test";
import type { ContainerInspectResponse, ContainerSummary } from "../../src/api/types/index.ts";
import { toInspect, toSummary } from "../../src/containers/index.ts";
import type { ContainerRecord, ContainerState } from "../../src/containers/types.ts";
import type { SandboxStatus } from "../../src/networks/types.ts";
import type { Digest } from "../../src/oci/digest.ts";
import type { SnapshotId } from "../../src/store/types.ts";
import type { ResolvedMount } from "../../src/volumes/types.ts";
import created from "./expected/created.json";
import exited from "./expected/exited.json";
import list from "./expected/list.json";
import running from "./expected/running.json";

type Inspected = typeof created | typeof running | typeof exited;

/** The row that we would have of such a container. */
function recordOf(shown: Inspected, state: ContainerState, mounts: ResolvedMount[]): ContainerRecord {
  return {
    id: shown.Id as ContainerRecord["id"],
    name: shown.Name.slice(1),
    createdAt: shown.Created,
    state,
    imageName: shown.Config.Image,
    imageId: shown.Image as Digest,
    manifest: shown.ImageManifestDescriptor.digest as Digest,
    manifestDescriptor: shown.ImageManifestDescriptor,
    platform: { os: "linux", architecture: "amd64" },
    config: withoutEmpty(shown.Config) as ContainerRecord["config"],
    hostConfig: { ...withoutEmpty(shown.HostConfig, true), Runtime: "" } as ContainerRecord["hostConfig"],
    networking: {},
    mounts,
    snapshot: "1" as SnapshotId,
    path: shown.Path,
    args: shown.Args,
    restartCount: 0,
    stoppedByUser: false,
    runtime: "",
    logPath: shown.LogPath,
  };
}

/** What a client leaves out, so that it is ours to fill in; Docker's sends the empty lists of HostConfig. */
const withoutEmpty = (value: object, lists = false): object =>
  Object.fromEntries(
    Object.entries(value).filter(
      ([, field]) =>
        field !== null && field !== "" && field !== 0 && field !== false && (lists || !isEmpty(field)),
    ),
  );
const isEmpty = (field: unknown) =>
  typeof field === "object" && field !== null && Object.keys(field).length === 0;

function around(shown: Inspected, listed: ContainerSummary | undefined) {
  const { Networks, Ports, SandboxKey } = shown.NetworkSettings;
  const network = { sandboxKey: SandboxKey, endpoints: Networks, ports: Ports } as unknown as SandboxStatus;
  return {
    network,
    live: SandboxKey !== "",
    volumeFolder: (name: string) => `/var/lib/docker-containerd/volumes/${name}/_data`,
    imageName: listed?.Image ?? "",
    folder: `/var/lib/docker-containerd/containers/${shown.Id}`,
    execIds: null,
    defaultUlimits: [],
    appArmorProfile: "",
    defaultRuntime: "runc",
  };
}

const volumeMount = (shown: (typeof running.Mounts)[number]): ResolvedMount => ({
  type: "volume",
  source: shown.Name,
  destination: shown.Destination,
  readOnly: !shown.RW,
  mode: shown.Mode,
  copyUp: true,
});

const CASES: [string, Inspected, ContainerState][] = [
  ["created", created, { status: "created" }],
  ["running", running, { status: "running", pid: running.State.Pid, startedAt: running.State.StartedAt }],
  [
    "exited",
    exited,
    {
      status: "exited",
      startedAt: exited.State.StartedAt,
      exit: { code: 3, oomKilled: false, finishedAt: exited.State.FinishedAt },
    },
  ],
];

describe.each(CASES)("%s", (_name, shown, state) => {
  const listed = (list as unknown as ContainerSummary[]).find(({ Id }) => Id === shown.Id);
  const record = recordOf(shown, state, (shown.Mounts as typeof running.Mounts).map(volumeMount));

  test("inspect", () => {
    const ours = toInspect(record, around(shown, listed));
    // Not shown by us: a sandbox has the id of its container.
    const settings = {
      ...shown.NetworkSettings,
      SandboxID: shown.NetworkSettings.SandboxKey ? shown.Id : "",
    };
    const theirs = { ...shown, NetworkSettings: settings } as unknown as ContainerInspectResponse;
    expect(ours).toEqual(theirs);
    expect(JSON.stringify(ours, null, 1)).toBe(JSON.stringify(theirs, null, 1));
  });

  test("list", () => {
    const at =
      Date.parse(
        "FinishedAt" in shown.State && state.status === "exited"
          ? exited.State.FinishedAt
          : running.State.StartedAt,
      ) + 300;
    const ours = toSummary(record, around(shown, listed), at);
    // Docker's list forgets where an anonymous volume is; its inspect knows.
    const mounts = listed?.Mounts?.map((mount) => ({
      ...mount,
      Source: ours.Mounts?.find(({ Name }) => Name === mount.Name)?.Source,
    }));
    const byName = (a: { Name?: string }, b: { Name?: string }) => ((a.Name ?? "") < (b.Name ?? "") ? -1 : 1);
    expect<unknown>({ ...ours, Mounts: ours.Mounts?.toSorted(byName) }).toEqual({
      ...listed,
      Mounts: mounts?.toSorted(byName),
    });
    expect(Object.keys(ours)).toEqual(Object.keys(listed ?? {}));
  });
});
