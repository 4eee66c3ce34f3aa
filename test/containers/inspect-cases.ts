// Containers whose inspect and listing are held against a Docker's: how each is made and brought into its state.
import { BUSYBOX } from "../fixtures/busybox.ts";

/** Asks a daemon; the body is JSON. */
export type Ask = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ status: number; json: () => unknown }>;

export interface InspectCase {
  /** Without Image, which is busybox, and Cmd, which sleeps, unless they are given. */
  create: Record<string, unknown>;
  /** Asked after create, with NAME for the container's; what comes of them doesn't matter. */
  steps: string[];
  /** Polled until the state is this. */
  state: { Status: string; [field: string]: unknown };
  /** A container that is made before, as `OWNER`. */
  owner?: boolean;
  /** Also asked for in these API versions. */
  versions?: string[];
  /** Where ours differs from the recorded answer, and why. Paths as in `State.ExitCode`. */
  differences?: { path: string; ours?: unknown; peer?: unknown; reason: string }[];
}

const SLEEP = ["sleep", "1000"];
const MB = 1024 * 1024;
const start = ["POST /containers/NAME/start"];
const running = { Status: "running" };

export const INSPECT_CASES: Record<string, InspectCase> = {
  created: { create: {}, steps: [], state: { Status: "created" } },
  plain: { create: {}, steps: start, state: running, versions: ["1.43", "1.24"] },
  stopped: {
    create: { StopTimeout: 0 },
    steps: [...start, "POST /containers/NAME/stop"],
    state: { Status: "exited" },
  },
  ended: { create: { Cmd: ["sh", "-c", "exit 3"] }, steps: start, state: { Status: "exited", ExitCode: 3 } },
  paused: { create: {}, steps: [...start, "POST /containers/NAME/pause"], state: { Status: "paused" } },
  restarting: {
    create: { Cmd: ["sh", "-c", "exit 4"], HostConfig: { RestartPolicy: { Name: "always" } } },
    steps: start,
    state: { Status: "restarting", RestartCount: 5 },
  },
  "out of memory": {
    // The memory that its shell takes is its first process's own.
    create: {
      Cmd: ["sh", "-c", "x=a; while true; do x=$x$x; done"],
      HostConfig: { Memory: 16 * MB, MemorySwap: 16 * MB },
    },
    steps: start,
    state: { Status: "exited" },
  },
  "not started": {
    create: { Cmd: ["/no/such"] },
    steps: start,
    state: { Status: "created", ExitCode: 127 },
  },
  mounts: {
    create: {
      Volumes: { "/of-the-image": {} },
      HostConfig: {
        Binds: ["/tmp:/bind:ro", "inspected:/volume"],
        Tmpfs: { "/tmpfs": "size=1m" },
        Mounts: [
          { Type: "bind", Source: "/tmp", Target: "/bind2", BindOptions: { Propagation: "private" } },
          {
            Type: "volume",
            Source: "inspected2",
            Target: "/volume2",
            ReadOnly: true,
            VolumeOptions: { NoCopy: true, Labels: { a: "b" } },
          },
          { Type: "volume", Target: "/anonymous" },
          { Type: "tmpfs", Target: "/tmpfs2", TmpfsOptions: { SizeBytes: MB, Mode: 0o1770 } },
        ],
      },
    },
    steps: start,
    state: running,
    differences: [
      {
        path: "list.Mounts.3.Source",
        ours: "/volumes/HEX64/_data",
        peer: "",
        reason:
          "Docker's list forgets where an image's volume is, which its inspect of the same container knows",
      },
    ],
  },
  ports: {
    create: {
      ExposedPorts: { "90/tcp": {} },
      // shown-as-docker.test.ts has published ports: this was recorded from a daemon with `iptables` off, which has none.
      HostConfig: { PortBindings: {} },
    },
    steps: start,
    state: running,
  },
  "no network": { create: { HostConfig: { NetworkMode: "none" } }, steps: start, state: running },
  "the host's namespaces": {
    create: {
      HostConfig: {
        NetworkMode: "host",
        PidMode: "host",
        IpcMode: "host",
        UTSMode: "host",
        UsernsMode: "host",
        CgroupnsMode: "host",
        Privileged: true,
      },
    },
    steps: start,
    state: running,
  },
  "another's namespaces": {
    create: {
      HostConfig: { NetworkMode: "container:OWNER", PidMode: "container:OWNER", IpcMode: "container:OWNER" },
    },
    owner: true,
    steps: start,
    state: running,
  },
  "volumes from": {
    create: { HostConfig: { VolumesFrom: ["OWNER:ro"] } },
    owner: true,
    steps: start,
    state: running,
  },
  "every option": {
    versions: ["1.43", "1.24"],
    create: {
      Hostname: "host",
      Domainname: "example.org",
      User: "1:2",
      AttachStdout: true,
      Tty: true,
      OpenStdin: true,
      StdinOnce: true,
      Env: ["A=b", "EMPTY="],
      Cmd: ["1000"],
      Entrypoint: ["sleep"],
      WorkingDir: "/made/here",
      Labels: { l: "m", "empty.label": "" },
      StopSignal: "SIGINT",
      StopTimeout: 3,
      Shell: ["sh", "-c"],
      ExposedPorts: { "70/sctp": {} },
      Healthcheck: { Test: ["NONE"] },
      NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: "02:42:ac:11:00:55" } } },
      HostConfig: {
        Annotations: { x: "y" },
        CapAdd: ["NET_ADMIN", "CAP_SYS_TIME"],
        CapDrop: ["mknod"],
        CgroupnsMode: "private",
        ConsoleSize: [40, 120],
        ContainerIDFile: "/tmp/id",
        CpuPeriod: 50_000,
        CpuQuota: 20_000,
        CpuShares: 512,
        CpusetCpus: "0",
        CpusetMems: "0",
        DeviceCgroupRules: ["c 1:1 rwm"],
        Devices: [{ PathOnHost: "/dev/zero", PathInContainer: "/dev/mine", CgroupPermissions: "r" }],
        Dns: ["1.1.1.1"],
        DnsOptions: ["ndots:2"],
        DnsSearch: ["example.org"],
        ExtraHosts: ["a:1.2.3.4", "gate:host-gateway"],
        GroupAdd: ["5"],
        Init: true,
        IpcMode: "shareable",
        LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "2" } },
        Memory: 64 * MB,
        MemoryReservation: 32 * MB,
        MemorySwap: 128 * MB,
        OomScoreAdj: 10,
        PidsLimit: 50,
        PublishAllPorts: false,
        ReadonlyRootfs: true,
        RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
        SecurityOpt: ["no-new-privileges", "label=disable"],
        ShmSize: 2 * MB,
        Sysctls: { "net.core.somaxconn": "5" },
        Tmpfs: { "/run": "rw" },
        Ulimits: [{ Name: "nofile", Soft: 1024, Hard: 2048 }],
      },
    },
    steps: start,
    state: running,
  },
  exec: { create: {}, steps: [...start, "EXEC"], state: running },
};

/** What the exec of a case is asked for. */
export const EXEC = {
  Cmd: ["sleep", "1000"],
  Env: ["A=b"],
  Tty: true,
  User: "nobody",
  WorkingDir: "/tmp",
  Privileged: true,
  DetachKeys: "ctrl-a",
  AttachStdout: true,
};

/** An answer in its place: what is asked of whom. */
export interface Seen {
  [question: string]: unknown;
}

/** Makes the case's container and gives the raw answers: inspect (also of older versions), the entry of the list, the exec. */
export async function look(ask: Ask, each: InspectCase): Promise<{ ids: string[]; seen: Seen }> {
  const ids: string[] = [];
  const create = async (as: string, body: object): Promise<string> => {
    const answer = await ask("POST", `/v1.51/containers/create?name=${as}`, {
      Image: BUSYBOX,
      Cmd: SLEEP,
      ...body,
    });
    const { Id } = answer.json() as { Id?: string };
    if (!Id) throw new Error(`create ${as}: ${JSON.stringify(answer.json())}`);
    return Id;
  };
  if (each.owner) {
    ids.push(
      await create("inspected-owner", {
        HostConfig: { IpcMode: "shareable", Binds: ["inspected3:/a", "/tmp:/b"] },
      }),
    );
    await ask("POST", "/v1.51/containers/inspected-owner/start");
  }
  const body = JSON.parse(JSON.stringify(each.create).replaceAll("OWNER", "inspected-owner"));
  const id = await create("inspected-it", body);
  ids.unshift(id);
  const seen: Seen = {};
  for (const step of each.steps) {
    if (step === "EXEC") {
      const made = (await ask("POST", `/v1.51/containers/${id}/exec`, EXEC)).json() as { Id: string };
      seen.exec = (await ask("GET", `/v1.51/exec/${made.Id}/json`)).json();
      await ask("POST", `/v1.51/exec/${made.Id}/start`, { Detach: true, Tty: true });
      seen["exec running"] = (await ask("GET", `/v1.51/exec/${made.Id}/json`)).json();
    } else {
      const [method = "", path = ""] = step.split(" ");
      await ask(method, `/v1.51${path.replace("NAME", id)}`);
    }
  }
  await inState(ask, id, each);
  for (const version of ["1.51", ...(each.versions ?? [])])
    seen[`inspect ${version}`] = (await ask("GET", `/v${version}/containers/${id}/json?size=1`)).json();
  const filters = encodeURIComponent(JSON.stringify({ id: [id] }));
  seen.list = ((await ask("GET", `/v1.51/containers/json?all=1&filters=${filters}`)).json() as unknown[])[0];
  return { ids, seen };
}

/** Milliseconds: the kernel takes its time with a container that runs out of memory. */
const STATE_LIMIT = 30_000;

async function inState(ask: Ask, id: string, { state }: InspectCase): Promise<void> {
  const until = Date.now() + STATE_LIMIT;
  for (;;) {
    const { State, RestartCount } = (await ask("GET", `/v1.51/containers/${id}/json`)).json() as {
      State: Record<string, unknown>;
      RestartCount: number;
    };
    const now = { ...State, RestartCount };
    if (Object.entries(state).every(([field, value]) => now[field as keyof typeof now] === value)) return;
    if (Date.now() > until)
      throw new Error(`not ${JSON.stringify(state)} but ${JSON.stringify(now)} after ${STATE_LIMIT} ms`);
    await Bun.sleep(30);
  }
}
