// All commands by their place, with the line that lists them. A command's file is loaded when it is called.
import { builderFlags } from "./build-options/builder-flags.ts";
import type { Place } from "./framework/command.ts";

const ATTACH = "Attach local standard input, output, and error streams to a running container";

const container: Place[] = [
  { name: "attach", about: ATTACH, load: () => import("./commands/container/attach.ts") },
  {
    name: "commit",
    about: "Create a new image from a container's changes",
    load: () => import("./commands/container/commit.ts"),
  },
  {
    name: "cp",
    about: "Copy files/folders between a container and the local filesystem",
    load: () => import("./commands/container/cp.ts"),
  },
  { name: "create", about: "Create a new container", load: () => import("./commands/container/create.ts") },
  {
    name: "diff",
    about: "Inspect changes to files or directories on a container's filesystem",
    load: () => import("./commands/container/diff.ts"),
  },
  {
    name: "exec",
    about: "Execute a command in a running container",
    load: () => import("./commands/container/exec.ts"),
  },
  {
    name: "export",
    about: "Export a container's filesystem as a tar archive",
    load: () => import("./commands/container/export.ts"),
  },
  {
    name: "inspect",
    about: "Display detailed information on one or more containers",
    load: () => import("./commands/container/inspect.ts"),
  },
  {
    name: "kill",
    about: "Kill one or more running containers",
    load: () => import("./commands/container/kill.ts"),
  },
  {
    name: "logs",
    about: "Fetch the logs of a container",
    load: () => import("./commands/container/logs.ts"),
  },
  {
    name: "ls",
    aliases: ["ps", "list"],
    about: "List containers",
    load: () => import("./commands/container/ls.ts"),
  },
  {
    name: "pause",
    about: "Pause all processes within one or more containers",
    load: () => import("./commands/container/pause.ts"),
  },
  {
    name: "port",
    about: "List port mappings or a specific mapping for the container",
    load: () => import("./commands/container/port.ts"),
  },
  {
    name: "prune",
    about: "Remove all stopped containers",
    load: () => import("./commands/container/prune.ts"),
  },
  { name: "rename", about: "Rename a container", load: () => import("./commands/container/rename.ts") },
  {
    name: "restart",
    about: "Restart one or more containers",
    load: () => import("./commands/container/restart.ts"),
  },
  {
    name: "rm",
    aliases: ["remove"],
    about: "Remove one or more containers",
    load: () => import("./commands/container/rm.ts"),
  },
  {
    name: "run",
    about: "Create and run a new container from an image",
    load: () => import("./commands/container/run.ts"),
  },
  {
    name: "start",
    about: "Start one or more stopped containers",
    load: () => import("./commands/container/start.ts"),
  },
  {
    name: "stats",
    about: "Display a live stream of container(s) resource usage statistics",
    load: () => import("./commands/container/stats.ts"),
  },
  {
    name: "stop",
    about: "Stop one or more running containers",
    load: () => import("./commands/container/stop.ts"),
  },
  {
    name: "top",
    about: "Display the running processes of a container",
    load: () => import("./commands/container/top.ts"),
  },
  {
    name: "unpause",
    about: "Unpause all processes within one or more containers",
    load: () => import("./commands/container/unpause.ts"),
  },
  {
    name: "update",
    about: "Update configuration of one or more containers",
    load: () => import("./commands/container/update.ts"),
  },
  {
    name: "wait",
    about: "Block until one or more containers stop, then print their exit codes",
    load: () => import("./commands/container/wait.ts"),
  },
];

const completion: Place[] = [
  {
    name: "bash",
    about: "Generate the autocompletion script for bash",
    load: () => import("./commands/completion/bash.ts"),
  },
  {
    name: "fish",
    about: "Generate the autocompletion script for fish",
    load: () => import("./commands/completion/fish.ts"),
  },
  {
    name: "zsh",
    about: "Generate the autocompletion script for zsh",
    load: () => import("./commands/completion/zsh.ts"),
  },
];

const context: Place[] = [
  { name: "create", about: "Create a context", load: () => import("./commands/context/create.ts") },
  {
    name: "export",
    about: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
    load: () => import("./commands/context/export.ts"),
  },
  {
    name: "import",
    about: "Import a context from a tar or zip file",
    load: () => import("./commands/context/import.ts"),
  },
  {
    name: "inspect",
    about: "Display detailed information on one or more contexts",
    load: () => import("./commands/context/inspect.ts"),
  },
  { name: "ls", aliases: ["list"], about: "List contexts", load: () => import("./commands/context/ls.ts") },
  {
    name: "rm",
    aliases: ["remove"],
    about: "Remove one or more contexts",
    load: () => import("./commands/context/rm.ts"),
  },
  {
    name: "show",
    about: "Print the name of the current context",
    load: () => import("./commands/context/show.ts"),
  },
  { name: "update", about: "Update a context", load: () => import("./commands/context/update.ts") },
  { name: "use", about: "Set the current docker context", load: () => import("./commands/context/use.ts") },
];

const buildHere: Place = {
  name: "build",
  about: "Build an image from a Dockerfile",
  load: () => import("./commands/builder/build.ts"),
};

const builder: Place[] = [
  buildHere,
  { name: "du", about: "Disk usage", load: () => import("./commands/builder/du.ts") },
  { name: "prune", about: "Remove build cache", load: () => import("./commands/builder/prune.ts") },
];

const history: Place[] = [
  {
    name: "export",
    about: "Export build records into Docker Desktop bundle",
    load: () => import("./commands/buildx/history/export.ts"),
  },
  {
    name: "import",
    about: "Import build records into Docker Desktop",
    load: () => import("./commands/buildx/history/import.ts"),
  },
  {
    name: "inspect",
    about: "Inspect a build record",
    load: () => import("./commands/buildx/history/inspect.ts"),
    children: [
      {
        name: "attachment",
        about: "Inspect a build record attachment",
        load: () => import("./commands/buildx/history/attachment.ts"),
      },
    ],
  },
  {
    name: "logs",
    about: "Print the logs of a build record",
    load: () => import("./commands/buildx/history/logs.ts"),
  },
  { name: "ls", about: "List build records", load: () => import("./commands/buildx/history/ls.ts") },
  {
    name: "open",
    about: "Open a build record in Docker Desktop",
    load: () => import("./commands/buildx/history/open.ts"),
  },
  { name: "rm", about: "Remove build records", load: () => import("./commands/buildx/history/rm.ts") },
];

const imagetools: Place[] = [
  {
    name: "create",
    about: "Create a new image based on source images",
    load: () => import("./commands/buildx/imagetools/create.ts"),
  },
  {
    name: "inspect",
    about: "Show details of an image in the registry",
    load: () => import("./commands/buildx/imagetools/inspect.ts"),
  },
];

const buildx: Place[] = [
  {
    name: "bake",
    aliases: ["f"],
    about: "Build from a file",
    load: () => import("./commands/buildx/bake.ts"),
  },
  {
    name: "build",
    aliases: ["b"],
    about: "Start a build",
    load: () => import("./commands/buildx/build.ts"),
  },
  { name: "du", about: "Disk usage", load: () => import("./commands/buildx/du.ts") },
  { name: "history", about: "Commands to work on build records", children: history, flags: builderFlags },
  {
    name: "imagetools",
    about: "Commands to work on images in registry",
    children: imagetools,
    flags: builderFlags,
  },
  {
    name: "inspect",
    about: "Inspect current builder instance",
    load: () => import("./commands/buildx/inspect.ts"),
  },
  { name: "ls", about: "List builder instances", load: () => import("./commands/buildx/ls.ts") },
  { name: "prune", about: "Remove build cache", load: () => import("./commands/buildx/prune.ts") },
  {
    name: "use",
    about: "Set the current builder instance",
    load: () => import("./commands/buildx/use.ts"),
  },
  {
    name: "version",
    about: "Show buildx version information",
    load: () => import("./commands/buildx/version.ts"),
  },
];

const image: Place[] = [
  buildHere,
  {
    name: "history",
    about: "Show the history of an image",
    load: () => import("./commands/image/history.ts"),
  },
  {
    name: "import",
    about: "Import the contents from a tarball to create a filesystem image",
    load: () => import("./commands/image/import.ts"),
  },
  {
    name: "inspect",
    about: "Display detailed information on one or more images",
    load: () => import("./commands/image/inspect.ts"),
  },
  {
    name: "load",
    about: "Load an image from a tar archive or STDIN",
    load: () => import("./commands/image/load.ts"),
  },
  { name: "ls", aliases: ["list"], about: "List images", load: () => import("./commands/image/ls.ts") },
  { name: "prune", about: "Remove unused images", load: () => import("./commands/image/prune.ts") },
  {
    name: "pull",
    about: "Download an image from a registry",
    load: () => import("./commands/image/pull.ts"),
  },
  { name: "push", about: "Upload an image to a registry", load: () => import("./commands/image/push.ts") },
  {
    name: "rm",
    aliases: ["remove"],
    about: "Remove one or more images",
    load: () => import("./commands/image/rm.ts"),
  },
  {
    name: "save",
    about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    load: () => import("./commands/image/save.ts"),
  },
  {
    name: "tag",
    about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    load: () => import("./commands/image/tag.ts"),
  },
];

const network: Place[] = [
  {
    name: "connect",
    about: "Connect a container to a network",
    load: () => import("./commands/network/connect.ts"),
  },
  { name: "create", about: "Create a network", load: () => import("./commands/network/create.ts") },
  {
    name: "disconnect",
    about: "Disconnect a container from a network",
    load: () => import("./commands/network/disconnect.ts"),
  },
  {
    name: "inspect",
    about: "Display detailed information on one or more networks",
    load: () => import("./commands/network/inspect.ts"),
  },
  { name: "ls", aliases: ["list"], about: "List networks", load: () => import("./commands/network/ls.ts") },
  {
    name: "prune",
    about: "Remove all unused networks",
    load: () => import("./commands/network/prune.ts"),
  },
  {
    name: "rm",
    aliases: ["remove"],
    about: "Remove one or more networks",
    load: () => import("./commands/network/rm.ts"),
  },
];

const system: Place[] = [
  {
    name: "dial-stdio",
    about: "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
    hidden: true,
    load: () => import("./commands/system/dial-stdio.ts"),
  },
  { name: "df", about: "Show docker disk usage", load: () => import("./commands/system/df.ts") },
  {
    name: "events",
    about: "Get real time events from the server",
    load: () => import("./commands/system/events.ts"),
  },
  { name: "info", about: "Display system-wide information", load: () => import("./commands/system/info.ts") },
  { name: "prune", about: "Remove unused data", load: () => import("./commands/system/prune.ts") },
];

const volume: Place[] = [
  {
    name: "clone",
    about: "Copy a volume under another name",
    ours: true,
    load: () => import("./commands/volume/clone.ts"),
  },
  {
    name: "cp",
    about: "Copy files/folders between a volume and the local filesystem",
    ours: true,
    load: () => import("./commands/volume/cp.ts"),
  },
  { name: "create", about: "Create a volume", load: () => import("./commands/volume/create.ts") },
  {
    name: "export",
    about: "Export a volume's files as a tar archive",
    ours: true,
    load: () => import("./commands/volume/export.ts"),
  },
  {
    name: "import",
    about: "Make a volume from a tar archive",
    ours: true,
    load: () => import("./commands/volume/import.ts"),
  },
  {
    name: "inspect",
    about: "Display detailed information on one or more volumes",
    load: () => import("./commands/volume/inspect.ts"),
  },
  { name: "ls", aliases: ["list"], about: "List volumes", load: () => import("./commands/volume/ls.ts") },
  { name: "prune", about: "Remove unused local volumes", load: () => import("./commands/volume/prune.ts") },
  {
    name: "rm",
    aliases: ["remove"],
    about: "Remove one or more volumes",
    load: () => import("./commands/volume/rm.ts"),
  },
  {
    name: "update",
    about: "Update a volume (cluster volumes only)",
    hidden: true,
    load: () => import("./commands/volume/update.ts"),
  },
];

/** A command of a group that is a command of the program's too, under the same name or another. */
function also(group: Place[], name: string, as: Partial<Place> = {}): Place {
  const place = group.find((one) => one.name === name);
  if (!place) throw new Error(`no command ${name} to list`);
  return { ...place, aliases: undefined, ...as };
}

const common = { section: "common" } as const;
const management = { section: "management" } as const;

export const TREE: Place[] = [
  also(container, "run", common),
  also(container, "exec", common),
  also(container, "ls", { name: "ps", ...common }),
  { ...buildHere, ...common },
  also(image, "pull", common),
  also(image, "push", common),
  also(image, "ls", { name: "images", ...common }),
  {
    name: "login",
    about: "Authenticate to a registry",
    ...common,
    load: () => import("./commands/login.ts"),
  },
  { name: "logout", about: "Log out from a registry", ...common, load: () => import("./commands/logout.ts") },
  {
    name: "search",
    about: "Search Docker Hub for images",
    ...common,
    load: () => import("./commands/search.ts"),
  },
  {
    name: "version",
    about: "Show the Docker version information",
    ...common,
    load: () => import("./commands/version.ts"),
  },
  also(system, "info", common),

  {
    name: "completion",
    about: "Generate the autocompletion script for the specified shell",
    hidden: true,
    children: completion,
  },
  { name: "builder", about: "Manage builds", ...management, children: builder },
  {
    name: "buildx",
    about: "Extended build capabilities with BuildKit",
    ...management,
    children: buildx,
    flags: builderFlags,
  },
  { name: "container", about: "Manage containers", ...management, children: container },
  { name: "context", about: "Manage contexts", ...management, children: context },
  { name: "image", about: "Manage images", ...management, children: image },
  { name: "network", about: "Manage networks", ...management, children: network },
  { name: "system", about: "Manage Docker", ...management, children: system },
  { name: "volume", about: "Manage volumes", ...management, children: volume },

  also(container, "attach"),
  also(container, "commit"),
  also(container, "cp"),
  also(container, "create"),
  also(container, "diff"),
  also(system, "events"),
  also(container, "export"),
  also(image, "history"),
  also(image, "import"),
  {
    name: "inspect",
    about: "Return low-level information on Docker objects",
    load: () => import("./commands/inspect.ts"),
  },
  also(container, "kill"),
  also(image, "load"),
  also(container, "logs"),
  also(container, "pause"),
  also(container, "port"),
  also(container, "rename"),
  also(container, "restart"),
  also(container, "rm"),
  also(image, "rm", { name: "rmi" }),
  also(image, "save"),
  also(container, "start"),
  also(container, "stats"),
  also(container, "stop"),
  also(image, "tag"),
  also(container, "top"),
  also(container, "unpause"),
  also(container, "update"),
  also(container, "wait"),
];
