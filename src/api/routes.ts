// Every operation of the Engine API, and which of them are served. One table: the server matches by it, api-coverage
// prints it, tests walk it. A resource's file is loaded with its first request.
import { BUILDER_VERSION } from "./identity.ts";
import type { Handler, Reply } from "./request.ts";
import { type BodyKind, type Method, type Route, Router } from "./router.ts";

type Handlers<Name extends string> = { handlers: Record<Name, Handler> };

/** Handlers of a file by their names, the file loaded when one is first needed. */
function lazily<Name extends string>(load: () => Promise<Handlers<Name>>) {
  let loaded: Record<Name, Handler> | undefined;
  return (name: Name): Handler =>
    async (request, engine) => {
      loaded ??= (await load()).handlers;
      return loaded[name](request, engine);
    };
}

const containers = lazily(() => import("./containers.ts"));
const archives = lazily(() => import("./container-archive.ts"));
const changes = lazily(() => import("./container-changes.ts"));
const build = lazily(() => import("./build.ts"));
const attachWs = lazily(() => import("./container-attach-ws.ts"));
const exec = lazily(() => import("./exec.ts"));
const imageBuild = lazily(() => import("./image-build.ts"));
const images = lazily(() => import("./images.ts"));
const networks = lazily(() => import("./networks.ts"));
const registry = lazily(() => import("./registry-content.ts"));
const stats = lazily(() => import("./container-stats.ts"));
const system = lazily(() => import("./system.ts"));
const updates = lazily(() => import("./container-update.ts"));
const volumeFiles = lazily(() => import("./volume-files.ts"));
const volumes = lazily(() => import("./volumes.ts"));

const PING_HEADERS = {
  "Builder-Version": BUILDER_VERSION,
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  Swarm: "inactive",
  "Content-Type": "text/plain; charset=utf-8",
};
/** Answered without the engine, so that a client sees the daemon as soon as it listens. */
const ping = (body: string): Handler => {
  const reply: Reply = { kind: "text", status: 200, body, headers: PING_HEADERS };
  return () => reply;
};

function route(
  method: Method,
  path: string,
  operation: string,
  handler?: Handler,
  body: BodyKind = "none",
): Route {
  return { method, path, operation, body, ...(handler ? { handler } : {}) };
}
const get = (path: string, operation: string, handler?: Handler) => route("GET", path, operation, handler);
const post = (path: string, operation: string, handler?: Handler, body?: BodyKind) =>
  route("POST", path, operation, handler, body);
const remove = (path: string, operation: string, handler?: Handler) =>
  route("DELETE", path, operation, handler);

/** In the order of the reference; of two patterns that fit, the first wins. */
export const ROUTES: readonly Route[] = [
  get("/_ping", "SystemPing", ping("OK")),
  route("HEAD", "/_ping", "SystemPingHead", ping("")),
  route("OPTIONS", "/{path}", "Options", () => ({ kind: "empty", status: 200 })),
  get("/version", "SystemVersion", system("version")),
  get("/info", "SystemInfo", system("info")),
  get("/events", "SystemEvents", system("events")),
  get("/system/df", "SystemDataUsage", system("diskUsage")),
  post("/auth", "SystemAuth", system("auth"), "json"),

  get("/containers/json", "ContainerList", containers("list")),
  post("/containers/create", "ContainerCreate", containers("create"), "json"),
  post("/containers/prune", "ContainerPrune", containers("prune")),
  get("/containers/{id}/json", "ContainerInspect", containers("inspect")),
  get("/containers/{id}/top", "ContainerTop", containers("top")),
  get("/containers/{id}/logs", "ContainerLogs", containers("logs")),
  get("/containers/{id}/changes", "ContainerChanges", changes("changes")),
  get("/containers/{id}/export", "ContainerExport", archives("export")),
  get("/containers/{id}/stats", "ContainerStats", stats("stats")),
  post("/containers/{id}/resize", "ContainerResize", containers("resize")),
  post("/containers/{id}/start", "ContainerStart", containers("start")),
  post("/containers/{id}/stop", "ContainerStop", containers("stop")),
  post("/containers/{id}/restart", "ContainerRestart", containers("restart")),
  post("/containers/{id}/kill", "ContainerKill", containers("kill")),
  post("/containers/{id}/update", "ContainerUpdate", updates("update"), "json"),
  post("/containers/{id}/rename", "ContainerRename", containers("rename")),
  post("/containers/{id}/pause", "ContainerPause", containers("pause")),
  post("/containers/{id}/unpause", "ContainerUnpause", containers("unpause")),
  post("/containers/{id}/attach", "ContainerAttach", containers("attach"), "stream"),
  get("/containers/{id}/attach/ws", "ContainerAttachWebsocket", attachWs("attach")),
  post("/containers/{id}/wait", "ContainerWait", containers("wait")),
  remove("/containers/{id}", "ContainerDelete", containers("remove")),
  route("HEAD", "/containers/{id}/archive", "ContainerArchiveInfo", archives("stat")),
  get("/containers/{id}/archive", "ContainerArchive", archives("read")),
  route("PUT", "/containers/{id}/archive", "PutContainerArchive", archives("write"), "stream"),
  post("/containers/{id}/exec", "ContainerExec", exec("create"), "json"),
  post("/exec/{id}/start", "ExecStart", exec("start"), "json"),
  post("/exec/{id}/resize", "ExecResize", exec("resize")),
  get("/exec/{id}/json", "ExecInspect", exec("inspect")),
  post("/commit", "ImageCommit", changes("commit"), "json"),

  get("/images/json", "ImageList", images("list")),
  get("/images/search", "ImageSearch"),
  get("/images/get", "ImageGetAll", images("save")),
  post("/images/create", "ImageCreate", images("create"), "stream"),
  post("/images/load", "ImageLoad", images("load"), "stream"),
  post("/images/prune", "ImagePrune", images("prune")),
  get("/images/{name}/get", "ImageGet", images("save")),
  get("/images/{name}/history", "ImageHistory", images("history")),
  get("/images/{name}/json", "ImageInspect", images("inspect")),
  post("/images/{name}/push", "ImagePush", images("push")),
  post("/images/{name}/tag", "ImageTag", images("tag")),
  remove("/images/{name}", "ImageDelete", images("remove")),
  get("/distribution/{name}/json", "DistributionInspect", system("distribution")),

  post("/build", "ImageBuild", imageBuild("build"), "stream"),
  post("/build/prune", "BuildPrune", system("pruneBuildCache")),
  post("/build/cancel", "BuildCancel", imageBuild("cancel")),
  post("/session", "Session", build("session"), "stream"),
  post("/grpc", "Grpc", build("grpc"), "stream"),

  get("/networks", "NetworkList", networks("list")),
  get("/networks/", "NetworkList", networks("list")),
  post("/networks/create", "NetworkCreate", networks("create"), "json"),
  post("/networks/prune", "NetworkPrune", networks("prune")),
  get("/networks/{id}", "NetworkInspect", networks("inspect")),
  post("/networks/{id}/connect", "NetworkConnect", networks("connect"), "json"),
  post("/networks/{id}/disconnect", "NetworkDisconnect", networks("disconnect"), "json"),
  remove("/networks/{id}", "NetworkDelete", networks("remove")),

  get("/volumes", "VolumeList", volumes("list")),
  post("/volumes/create", "VolumeCreate", volumes("create"), "json"),
  post("/volumes/prune", "VolumePrune", volumes("prune")),
  get("/volumes/{name}", "VolumeInspect", volumes("inspect")),
  route("PUT", "/volumes/{name}", "VolumeUpdate", volumes("update"), "json"),
  remove("/volumes/{name}", "VolumeDelete", volumes("remove")),

  get("/plugins", "PluginList", system("plugins")),
  get("/plugins/privileges", "GetPluginPrivileges"),
  post("/plugins/pull", "PluginPull", undefined, "json"),
  post("/plugins/create", "PluginCreate", undefined, "stream"),
  get("/plugins/{name}/json", "PluginInspect", system("plugin")),
  remove("/plugins/{name}", "PluginDelete"),
  post("/plugins/{name}/enable", "PluginEnable"),
  post("/plugins/{name}/disable", "PluginDisable"),
  post("/plugins/{name}/upgrade", "PluginUpgrade", undefined, "json"),
  post("/plugins/{name}/push", "PluginPush"),
  post("/plugins/{name}/set", "PluginSet", undefined, "json"),

  get("/swarm", "SwarmInspect"),
  post("/swarm/init", "SwarmInit", undefined, "json"),
  post("/swarm/join", "SwarmJoin", undefined, "json"),
  post("/swarm/leave", "SwarmLeave"),
  post("/swarm/update", "SwarmUpdate", undefined, "json"),
  get("/swarm/unlockkey", "SwarmUnlockkey"),
  post("/swarm/unlock", "SwarmUnlock", undefined, "json"),
  ...swarmObjects("node", [["update", "NodeUpdate"]]),
  post("/services/create", "ServiceCreate", undefined, "json"),
  get("/services/{id}/logs", "ServiceLogs"),
  ...swarmObjects("service", [["update", "ServiceUpdate"]]),
  get("/tasks", "TaskList"),
  get("/tasks/{id}/logs", "TaskLogs"),
  get("/tasks/{id}", "TaskInspect"),
  post("/secrets/create", "SecretCreate", undefined, "json"),
  ...swarmObjects("secret", [["update", "SecretUpdate"]]),
  post("/configs/create", "ConfigCreate", undefined, "json"),
  ...swarmObjects("config", [["update", "ConfigUpdate"]]),

  // Berth's own: registries as its client's `buildx imagetools` sees them.
  get("/berth/registry/manifests/{name}", "BerthRegistryManifest", registry("readManifest")),
  route(
    "PUT",
    "/berth/registry/manifests/{name}",
    "BerthRegistryPutManifest",
    registry("writeManifest"),
    "stream",
  ),
  get("/berth/registry/blobs/{name}", "BerthRegistryBlob", registry("readBlob")),
  post("/berth/registry/copies/{name}", "BerthRegistryCopy", registry("copy")),

  // Volumes as archives, their files, copies of them, and who uses them.
  get("/berth/volumes", "BerthVolumeList", volumeFiles("list")),
  get("/berth/volumes/archives/{name}", "BerthVolumeExport", volumeFiles("export")),
  route("PUT", "/berth/volumes/archives/{name}", "BerthVolumeImport", volumeFiles("import"), "stream"),
  post("/berth/volumes/clones/{name}", "BerthVolumeClone", volumeFiles("clone")),
  route("HEAD", "/berth/volumes/files/{name}", "BerthVolumeFileInfo", volumeFiles("stat")),
  get("/berth/volumes/files/{name}", "BerthVolumeFile", volumeFiles("read")),
  route("PUT", "/berth/volumes/files/{name}", "BerthVolumePutFile", volumeFiles("write"), "stream"),
];

/** List, inspect, remove and update of one of Swarm's kinds of objects. */
function swarmObjects(kind: "node" | "service" | "secret" | "config", updates: [string, string][]): Route[] {
  const name = kind.charAt(0).toUpperCase() + kind.slice(1);
  return [
    get(`/${kind}s`, `${name}List`),
    get(`/${kind}s/{id}`, `${name}Inspect`),
    remove(`/${kind}s/{id}`, `${name}Delete`),
    ...updates.map(([verb, operation]) => post(`/${kind}s/{id}/${verb}`, operation, undefined, "json")),
  ];
}

export const createRouter = (): Router => new Router(ROUTES);
