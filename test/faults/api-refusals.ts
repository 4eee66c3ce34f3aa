// Requests about containers, execs and commits that a daemon refuses. Recorded from a Docker by record-api-refusals.ts,
// held against ours by api-refusals.test.ts. In paths and bodies: UP runs, DOWN has ended, NEW was never started, PAUSED is;
// EXEC was made in UP and not started, EXEC-PAUSED in PAUSED before the pause.
import { BUSYBOX } from "../fixtures/busybox.ts";

export interface Refused {
  method: string;
  path: string;
  /** JSON, unless it is a text: then as it is, as JSON all the same. */
  body?: unknown;
  type?: string;
}

export interface RecordedRefusal extends Refused {
  status: number;
  message: string;
}

const request = (method: string, path: string, body?: unknown, type?: string): Refused => ({
  method,
  path,
  ...(body !== undefined && { body }),
  ...(type !== undefined && { type }),
});
const post = (path: string, body?: unknown, type?: string) => request("POST", path, body, type);
const get = (path: string) => request("GET", path);
const create = (body: unknown, query = "") => post(`/containers/create${query}`, body);
const host = (HostConfig: object, own: object = {}) => create({ Image: BUSYBOX, ...own, HostConfig });
const image = (own: object) => create({ Image: BUSYBOX, ...own });
const exec = (body: unknown, name = "UP") => post(`/containers/${name}/exec`, body);
const filters = (value: unknown) =>
  encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value));
const MB = 1024 * 1024;

/** Operations of one container, each asked of one that isn't there. */
const OF_A_CONTAINER = [
  "GET /containers/ID/json",
  "GET /containers/ID/top",
  "GET /containers/ID/logs?stdout=1",
  "GET /containers/ID/changes",
  "GET /containers/ID/export",
  "GET /containers/ID/stats?stream=0",
  "GET /containers/ID/attach/ws",
  "GET /containers/ID/archive?path=/",
  "PUT /containers/ID/archive?path=/",
  "POST /containers/ID/resize?h=1&w=1",
  "POST /containers/ID/start",
  "POST /containers/ID/stop",
  "POST /containers/ID/restart",
  "POST /containers/ID/kill",
  "POST /containers/ID/update",
  "POST /containers/ID/rename?name=x",
  "POST /containers/ID/pause",
  "POST /containers/ID/unpause",
  "POST /containers/ID/attach?stream=1",
  "POST /containers/ID/wait",
  "POST /containers/ID/exec",
  "DELETE /containers/ID",
  "POST /commit?container=ID",
];

const unknown = OF_A_CONTAINER.map((each): Refused => {
  const [method = "", path = ""] = each.replace("ID", "no-such").split(" ");
  const body = path.endsWith("/exec") ? { Cmd: ["true"] } : path.endsWith("/update") ? {} : undefined;
  return request(method, path, body);
});

export const API_REFUSALS: Refused[] = [
  ...unknown,

  // The list.
  get(`/containers/json?filters=${filters({ nosuch: ["a"] })}`),
  get(`/containers/json?filters=${filters("{")}`),
  get(`/containers/json?filters=${filters('"text"')}`),
  get(`/containers/json?filters=${filters({ status: ["strange"] })}`),
  get(`/containers/json?filters=${filters({ exited: ["x"] })}`),
  get(`/containers/json?filters=${filters({ health: ["strange"] })}`),
  get(`/containers/json?filters=${filters({ before: ["no-such"] })}`),
  get(`/containers/json?filters=${filters({ since: ["no-such"] })}`),
  get(`/containers/json?filters=${filters({ "is-task": ["maybe"] })}`),
  get(`/containers/json?filters=${filters({ publish: ["x/y/z"] })}`),
  get("/containers/json?limit=x"),

  // Create: the body.
  post("/containers/create", undefined),
  create(""),
  create("{"),
  create("[]"),
  create("7"),
  create('"text"'),
  create("null"),
  create("{}"),
  create('{"Image": 7}'),
  create(`{"Image":"${BUSYBOX}"} {}`),
  create('{"HostConfig":{"Binds":"x"}}'),
  create('{"Cmd": {"a": 1}}'),
  post("/containers/create", { Image: BUSYBOX }, "text/plain"),
  create({ Image: BUSYBOX }, "?name=a/b"),
  create({ Image: BUSYBOX }, "?name=-a"),
  create({ Image: BUSYBOX }, "?name=a"),
  create({ Image: BUSYBOX }, "?name=refused-up"),
  create({ Image: BUSYBOX }, "?platform=a/b/c/d"),
  create({ Image: BUSYBOX }, "?platform=!"),
  create({ Image: "no/such:1" }),
  create({ Image: "NoSuch" }),
  create({ Image: "a b" }),
  create({ Image: "" }),
  create({ Cmd: ["true"] }),
  create({ Image: `sha256:${"0".repeat(64)}` }),

  // Create: the configuration.
  image({ WorkingDir: "relative" }),
  image({ Env: ["=x"] }),
  image({ Env: [""] }),
  image({ StopSignal: "NOSUCH" }),
  image({ Volumes: { relative: {} } }),
  image({ Volumes: { "/": {} } }),
  image({ Healthcheck: { Interval: 1 } }),
  image({ Healthcheck: { Timeout: 1 } }),
  image({ Healthcheck: { StartPeriod: 1 } }),
  image({ Healthcheck: { StartInterval: 1 } }),
  image({ Healthcheck: { Retries: -1 } }),
  image({ MacAddress: "nope" }),

  // Create: limits.
  host({ Memory: MB }),
  host({ Memory: 64 * MB, MemorySwap: 32 * MB }),
  host({ MemorySwap: 64 * MB }),
  host({ MemoryReservation: MB }),
  host({ Memory: 16 * MB, MemoryReservation: 32 * MB }),
  host({ MemorySwappiness: 101 }),
  host({ NanoCpus: -1 }),
  host({ NanoCpus: 1e15 }),
  host({ NanoCpus: 1e9, CpuPeriod: 10_000 }),
  host({ NanoCpus: 1e9, CpuQuota: 10_000 }),
  host({ CpuPeriod: 1 }),
  host({ CpuQuota: 1 }),
  host({ CpuShares: -1 }),
  host({ CpusetCpus: "x" }),
  host({ CpusetCpus: "4096" }),
  host({ CpusetMems: "x" }),
  host({ CpusetMems: "4096" }),
  host({ OomScoreAdj: 1001 }),
  host({ OomScoreAdj: -1001 }),
  host({ ShmSize: -1 }),
  host({ IOMaximumBandwidth: 1 }),
  host({ IOMaximumIOps: 1 }),

  // Create: modes and names.
  host({ AutoRemove: true, RestartPolicy: { Name: "always" } }),
  host({ RestartPolicy: { Name: "sometimes" } }),
  host({ RestartPolicy: { Name: "always", MaximumRetryCount: 3 } }),
  host({ RestartPolicy: { Name: "always", MaximumRetryCount: -3 } }),
  host({ RestartPolicy: { Name: "on-failure", MaximumRetryCount: -1 } }),
  host({ IpcMode: "strange" }),
  host({ IpcMode: "container:no-such" }),
  host({ PidMode: "strange" }),
  host({ PidMode: "container:no-such" }),
  host({ UTSMode: "strange" }),
  host({ UTSMode: "host" }, { Hostname: "h" }),
  host({ CgroupnsMode: "strange" }),
  host({ Isolation: "hyperv" }),
  host({ Runtime: "no-such" }),
  host({ CapAdd: ["NOSUCH"] }),
  host({ CapDrop: ["NOSUCH"] }),
  host({ Annotations: { "": "x" } }),
  host({ ExtraHosts: ["x"] }),
  host({ ExtraHosts: ["x:y"] }),
  host({ LogConfig: { Type: "nosuch" } }),
  host({ LogConfig: { Type: "json-file", Config: { nosuch: "1" } } }),
  host({ LogConfig: { Type: "json-file", Config: { "max-file": "x" } } }),
  host({ LogConfig: { Type: "json-file", Config: { "max-size": "x" } } }),
  host({ LogConfig: { Type: "json-file", Config: { "max-file": "0" } } }),
  host({ LogConfig: { Type: "json-file", Config: { mode: "strange" } } }),
  host({ Links: ["no-such:x"] }),
  host({ Links: ["a:b:c"] }),
  host({ VolumesFrom: ["no-such"] }),
  host({ VolumesFrom: [""] }),
  host({ VolumesFrom: ["UP:strange"] }),

  // Create: networks.
  host({ NetworkMode: "container:" }),
  host({ NetworkMode: "container:no-such" }),
  host({ NetworkMode: "container:UP" }, { Hostname: "h" }),
  host({ NetworkMode: "container:UP", Dns: ["1.1.1.1"] }),
  host({ NetworkMode: "container:UP", ExtraHosts: ["a:1.1.1.1"] }),
  host({ NetworkMode: "container:UP", PublishAllPorts: true }),
  host({ NetworkMode: "container:UP" }, { ExposedPorts: { "80/tcp": {} } }),
  host({ NetworkMode: "container:UP", Links: ["a"] }),
  host({ NetworkMode: "host", Links: ["a"] }),
  host({ PortBindings: { "80/tcp": [{ HostPort: "99999" }] } }),
  host({ PortBindings: { "80/tcp": [{ HostPort: "x" }] } }),
  host({ PortBindings: { "80/tcp": [{ HostPort: "9-8" }] } }),
  host({ PortBindings: { "x/tcp": [] } }),
  create({ Image: BUSYBOX, NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: "nope" } } } }),
  create({ Image: BUSYBOX, NetworkingConfig: { EndpointsConfig: { bridge: { Aliases: ["a"] } } } }),

  // Create: mounts.
  host({ Binds: [""] }),
  host({ Binds: ["/a:/b:c:d"] }),
  host({ Binds: ["/a:/b:strange"] }),
  host({ Binds: ["/a:relative"] }),
  host({ Binds: ["/a:/"] }),
  host({ Binds: ["a/b:/c"] }),
  host({ Binds: ["/tmp:/a", "/tmp:/a"] }),
  host({ Tmpfs: { relative: "" } }),
  host({ Tmpfs: { "/": "" } }),
  host({ Mounts: [{}] }),
  host({ Mounts: [{ Type: "strange", Target: "/x" }] }),
  host({ Mounts: [{ Type: "bind", Target: "/x" }] }),
  host({ Mounts: [{ Type: "bind", Source: "/tmp" }] }),
  host({ Mounts: [{ Type: "bind", Source: "relative", Target: "/x" }] }),
  host({ Mounts: [{ Type: "bind", Source: "/no/such", Target: "/x" }] }),
  host({ Mounts: [{ Type: "bind", Source: "/tmp", Target: "x" }] }),
  host({ Mounts: [{ Type: "bind", Source: "/tmp", Target: "/" }] }),
  host({
    Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", BindOptions: { Propagation: "strange" } }],
  }),
  host({ Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", VolumeOptions: {} }] }),
  host({
    Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", BindOptions: { ReadOnlyNonRecursive: true } }],
  }),
  host({
    Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", BindOptions: { ReadOnlyForceRecursive: true } }],
  }),
  host({ Mounts: [{ Type: "volume", Source: "a b", Target: "/x" }] }),
  host({ Mounts: [{ Type: "volume", Target: "/x", ReadOnly: true }] }),
  host({ Mounts: [{ Type: "volume", Target: "/x", VolumeOptions: { Subpath: "a" } }] }),
  host({ Mounts: [{ Type: "volume", Source: "v", Target: "/x", VolumeOptions: { Subpath: "../a" } }] }),
  host({ Mounts: [{ Type: "volume", Source: "v", Target: "/x", BindOptions: {} }] }),
  host({
    Mounts: [
      {
        Type: "volume",
        Source: "refused-v",
        Target: "/x",
        VolumeOptions: { DriverConfig: { Name: "no-such" } },
      },
    ],
  }),
  host({ Mounts: [{ Type: "tmpfs", Source: "/a", Target: "/x" }] }),
  host({ Mounts: [{ Type: "tmpfs", Target: "/x", BindOptions: {} }] }),
  host({ Mounts: [{ Type: "tmpfs", Target: "/x", TmpfsOptions: { Options: [["a", "b", "c"]] } }] }),
  host({ Mounts: [{ Type: "tmpfs", Target: "/x", TmpfsOptions: { Options: [["strange"]] } }] }),
  host({ Mounts: [{ Type: "npipe", Source: "a", Target: "/x" }] }),
  host({ Mounts: [{ Type: "image", Target: "/x" }] }),
  host({ Mounts: [{ Type: "image", Source: "a", Target: "/x", ImageOptions: { Subpath: "../a" } }] }),
  host({ Mounts: [{ Type: "image", Source: "a", Target: "/x", BindOptions: {} }] }),

  // The verbs.
  post("/containers/PAUSED/start"),
  post("/containers/NEW/start", "{"),
  post("/containers/NEW/start", { HostConfig: {} }),
  post("/containers/UP/stop?signal=NOSUCH"),
  post("/containers/UP/stop?t=x"),
  post("/containers/UP/restart?t=x"),
  post("/containers/UP/restart?signal=NOSUCH"),
  post("/containers/UP/kill?signal=NOSUCH"),
  post("/containers/UP/kill?signal=99"),
  post("/containers/UP/kill?signal=-1"),
  post("/containers/DOWN/kill"),
  post("/containers/NEW/kill"),
  post("/containers/NEW/pause"),
  post("/containers/DOWN/pause"),
  post("/containers/PAUSED/pause"),
  post("/containers/UP/unpause"),
  post("/containers/DOWN/unpause"),
  post("/containers/UP/rename"),
  post("/containers/UP/rename?name="),
  post("/containers/UP/rename?name=a/b"),
  post("/containers/UP/rename?name=refused-up"),
  post("/containers/UP/rename?name=refused-down"),
  post("/containers/UP/resize"),
  post("/containers/UP/resize?h=x&w=1"),
  post("/containers/UP/resize?h=1&w=x"),
  post("/containers/UP/resize?h=-1&w=1"),
  post("/containers/DOWN/resize?h=1&w=1"),
  post("/containers/UP/wait?condition=strange"),
  post("/containers/UP/attach?stream=1&stdout=1&detachKeys=nope"),
  post("/containers/PAUSED/attach?stream=1&stdout=1"),
  get("/containers/UP/logs"),
  get("/containers/UP/logs?stdout=1&since=x"),
  get("/containers/UP/logs?stdout=1&until=x"),
  get("/containers/DOWN/top"),
  get("/containers/NEW/top"),
  get("/containers/UP/top?ps_args=-o"),
  get("/containers/UP/top?ps_args=--nosuch"),
  get("/containers/UP/top?ps_args=-o%20comm"),
  request("DELETE", "/containers/UP"),
  request("DELETE", "/containers/PAUSED"),
  request("DELETE", "/containers/UP?link=1"),
  post(`/containers/prune?filters=${filters({ nosuch: ["x"] })}`),
  post(`/containers/prune?filters=${filters({ until: ["x"] })}`),
  post(`/containers/prune?filters=${filters("{")}`),

  // Update.
  post("/containers/UP/update", "{"),
  post("/containers/UP/update", { Memory: MB }),
  post("/containers/UP/update", { RestartPolicy: { Name: "sometimes" } }),
  post("/containers/UP/update", { NanoCpus: 1e9, CpuQuota: 10_000 }),
  post("/containers/UP/update", { CpusetCpus: "4096" }),
  post("/containers/UP/update", { Memory: 64 * MB, MemorySwap: 32 * MB }),

  // Files.
  request("HEAD", "/containers/UP/archive"),
  get("/containers/UP/archive"),
  get("/containers/UP/archive?path="),
  get("/containers/UP/archive?path=/no/such"),
  request("PUT", "/containers/UP/archive?path=/no/such", "", "application/x-tar"),
  request("PUT", "/containers/UP/archive?path=/etc/passwd", "", "application/x-tar"),
  request("PUT", "/containers/UP/archive", "", "application/x-tar"),
  get("/containers/UP/archive?path=/etc/passwd/"),

  // Exec.
  exec("{"),
  exec(undefined),
  exec({}),
  exec({ Cmd: [] }),
  exec({ Cmd: ["true"], User: "nosuch" }),
  exec({ Cmd: ["true"], DetachKeys: "nope" }),
  exec({ Cmd: ["true"] }, "DOWN"),
  exec({ Cmd: ["true"] }, "NEW"),
  exec({ Cmd: ["true"] }, "PAUSED"),
  get("/exec/no-such/json"),
  post("/exec/no-such/start", {}),
  post("/exec/no-such/resize?h=1&w=1"),
  post("/exec/EXEC/start", "{"),
  post("/exec/EXEC/resize?h=x&w=1"),
  post("/exec/EXEC/resize"),
  post("/exec/EXEC-PAUSED/start", { Detach: true }),

  // Commit.
  post("/commit"),
  post("/commit?container="),
  post("/commit?container=UP", "{"),
  post("/commit?container=UP&repo=UPPER"),
  post("/commit?container=UP&repo=a&tag=b:c"),
  post("/commit?container=UP&changes=NOSUCH%20x"),
  post("/commit?container=UP&changes=RUN%20x"),
  post("/commit?container=UP&changes=EXPOSE%20x"),
  post("/commit?container=UP&changes=WORKDIR"),

  // Paths.
  request("PATCH", "/containers/UP/json"),
  request("GET", "/containers/UP/nosuch"),
];

/** Asks a daemon for anything. */
export type Ask = (
  method: string,
  path: string,
  body?: string,
  type?: string,
) => Promise<{ status: number; text: string }>;

/** Makes the containers that the requests name; gives what stands for them. */
export async function prepare(
  ask: Ask,
): Promise<{ names: [word: string, id: string][]; remove: () => Promise<void> }> {
  const json = async (path: string, body?: object) => {
    const { text } = await ask("POST", path, body && JSON.stringify(body), body && "application/json");
    return text === "" ? {} : (JSON.parse(text) as { Id?: string; message?: string });
  };
  const names: [string, string][] = [];
  for (const [word, name, command] of [
    ["UP", "refused-up", "sleep 1000"],
    ["DOWN", "refused-down", "true"],
    ["NEW", "refused-new", "true"],
    ["PAUSED", "refused-paused", "sleep 1000"],
  ] as const) {
    const { Id, message } = await json(`/v1.51/containers/create?name=${name}`, {
      Image: BUSYBOX,
      Cmd: command.split(" "),
      HostConfig: { NetworkMode: "none" },
    });
    if (!Id) throw new Error(`create ${name}: ${message}`);
    names.push([word, Id]);
    if (word !== "NEW") await json(`/v1.51/containers/${Id}/start`);
    if (word === "DOWN") await json(`/v1.51/containers/${Id}/wait`);
    if (word !== "UP" && word !== "PAUSED") continue;
    const made = await json(`/v1.51/containers/${Id}/exec`, { Cmd: ["true"] });
    names.push([word === "UP" ? "EXEC" : "EXEC-PAUSED", made.Id ?? ""]);
    if (word === "PAUSED") await json(`/v1.51/containers/${Id}/pause`);
  }
  return {
    names,
    remove: async () => {
      for (const [word, id] of names)
        if (!word.startsWith("EXEC")) await ask("DELETE", `/v1.51/containers/${id}?force=1&v=1`);
    },
  };
}

/** The answer, with words for what differs from daemon to daemon. A container that came of it is removed again. */
export async function refusal(
  ask: Ask,
  { method, path, body, type }: Refused,
  names: [word: string, id: string][],
): Promise<{ status: number; message: string }> {
  // Longest words first: EXEC-PAUSED holds PAUSED.
  const words = names.toSorted(([a], [b]) => b.length - a.length);
  const named = (text: string) =>
    words.reduce((all, [word, id]) => all.replace(new RegExp(`\\b${word}\\b(?!-)`, "g"), id), text);
  const text = body === undefined ? undefined : named(typeof body === "string" ? body : JSON.stringify(body));
  const answer = await ask(
    method,
    `/v1.51${named(path)}`,
    text,
    text === undefined ? undefined : (type ?? "application/json"),
  );
  let message = "";
  try {
    const said = JSON.parse(answer.text) as { message?: string; Id?: string };
    message = said.message ?? "";
    if (path.startsWith("/containers/create") && said.Id)
      await ask("DELETE", `/v1.51/containers/${said.Id}?force=1&v=1`);
  } catch {
    message = answer.status < 400 ? "" : answer.text.trim();
  }
  for (const [word, id] of words) message = message.replaceAll(id, word).replaceAll(id.slice(0, 12), word);
  return { status: answer.status, message: message.replace(/\b[0-9a-f]{64}\b/g, "HEX64") };
}
