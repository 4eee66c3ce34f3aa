// How a build of the history is called: by its folder, its Dockerfile where that has a name of its own, its target
// (docker/buildx commands/history/utils.go).
import { basename, join } from "node:path";
import { isRemoteAddress } from "../../sdk/index.ts";
import type { LocalState } from "./local-state.ts";

const DEFAULT = "Dockerfile";

export function buildName(attributes: Record<string, string>, state: LocalState | undefined): string {
  const given = attributes["build-arg:BUILDKIT_BUILD_NAME"];
  if (given) return given;
  const { target = "", filename = "" } = attributes;
  const below = (key: string) => (attributes[key] === "." ? "" : (attributes[key] ?? ""));
  let dockerfile = filename === DEFAULT ? "" : filename;
  const dockerfileFolder = below("vcs:localdir:dockerfile");
  if (dockerfileFolder) dockerfile = join(dockerfileFolder, dockerfile);
  let folder = "";
  if (state && !isRemoteAddress(state.LocalPath)) {
    if (state.LocalPath !== "-") folder = state.LocalPath;
    if (!["", "-", DEFAULT].includes(state.DockerfilePath)) dockerfile = state.DockerfilePath;
  }
  const context = attributes.context ?? below("vcs:localdir:context");
  const name = context || localName(folder, dockerfile);
  if (target) return name ? `${name} (${target})` : target;
  return name || (attributes["vcs:source"] ?? "");
}

function localName(folder: string, dockerfile: string): string {
  const hasOwnName = dockerfile !== "" && !dockerfile.endsWith(`/${DEFAULT}`);
  const path = dockerfile.replace(/\/Dockerfile$/, "");
  if (path.startsWith(folder) && path.length > folder.length) return path.slice(folder.lastIndexOf("/") + 1);
  const whole = path || folder;
  if (!whole) return "";
  const slash = whole.lastIndexOf("/");
  const last = whole.slice(slash + 1);
  if (!hasOwnName) return last;
  return join(basename(slash >= 0 ? whole.slice(0, slash) : whole), last);
}
