// A classic request as options of the Dockerfile frontend (moby, builder/builder-next/builder.go has the same names).
import { goBoolean } from "../../base/go-boolean.ts";
import type { CacheEntry } from "../cache/remote/options.ts";
import type { ClassicRequest } from "./types.ts";

export function frontendOptions(request: ClassicRequest, filename: string): Record<string, string> {
  const { target, platform, network, resources, cgroupParent } = request;
  const options: Record<string, string> = {
    filename,
    "image-resolve-mode": request.pull ? "pull" : "default",
    "add-hosts": request.extraHosts.map(({ host, ip }) => `${host}=${ip}`).join(","),
    "cache-from": request.cacheFrom.join(","),
    ...(target && { target }),
    ...(platform && { platform }),
    ...(request.noCache && { "no-cache": "" }),
    ...(network !== "default" && { "force-network-mode": network }),
    ...(resources.shmSize && { "shm-size": String(resources.shmSize) }),
    ...(cgroupParent && { "cgroup-parent": cgroupParent }),
  };
  for (const [name, value] of request.buildArgs)
    if (value !== undefined) options[`build-arg:${name}`] = value;
  for (const [name, value] of request.labels) options[`label:${name}`] = value;
  return options;
}

/** The build argument puts the cache into the image; there is no other way to ask for that here. */
export const cacheExportsOf = ({ buildArgs }: ClassicRequest): CacheEntry[] =>
  goBoolean(buildArgs.get("BUILDKIT_INLINE_CACHE") ?? "") ? [{ type: "inline", attributes: {} }] : [];
