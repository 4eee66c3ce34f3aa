// Which mounts a container gets, of all that asked for some: later ones replace earlier ones of the same destination.
import { posix } from "node:path";
import { invalid, notImplemented } from "../base/errors.ts";
import { isValidMode, PROPAGATIONS, parseBind, parseMount } from "./mount-spec.ts";
import type { MountRequest, ResolvedMount } from "./types.ts";

export interface PlanContext {
  dataRoot: string;
  /** SELinux is on: `:z` and `:Z` would have to relabel files, which isn't built. */
  selinux?: boolean;
}

/**
 * Order: inherited (--volumes-from), -v, --mount, then the image's volumes where nothing is yet. HostConfig.Tmpfs is only
 * checked against: it stays where it is. Sorted by destination. Errors: invalid, in Docker's words.
 */
export function planMounts(request: MountRequest, context: PlanContext): ResolvedMount[] {
  const planned = new Map<string, ResolvedMount>();
  const asked = new Set<string>();
  const tmpfs = new Set(Object.keys(request.tmpfs).map((path) => posix.normalize(path)));
  const duplicate = (path: string) => invalid(`Duplicate mount point: ${path}`);

  for (const mount of request.inherited) planned.set(mount.destination, { ...mount, copyUp: false });
  for (const spec of request.binds) {
    const mount = besideDataRoot(parseBind(spec, request.volumeDriver), !hasPropagation(spec), context);
    if (asked.has(mount.destination) || tmpfs.has(mount.destination)) throw duplicate(mount.destination);
    asked.add(mount.destination);
    planned.set(mount.destination, mount);
  }
  for (const spec of request.mounts) {
    const mount = besideDataRoot(parseMount(spec), !spec.BindOptions?.Propagation, context);
    if (asked.has(mount.destination)) throw duplicate(spec.Target ?? "");
    asked.add(mount.destination);
    planned.set(mount.destination, mount);
  }
  for (const path of request.imageVolumes) {
    const destination = posix.normalize(path).replace(/(?<=.)\/+$/, "");
    // The image can't know what the user mounts: no error.
    if (planned.has(destination) || tmpfs.has(destination)) continue;
    if (!posix.isAbsolute(destination) || destination === "/")
      throw invalid(`invalid volume specification: '${path}'`);
    planned.set(destination, {
      type: "volume",
      source: "",
      destination,
      readOnly: false,
      mode: "",
      copyUp: true,
      anonymous: true,
      ...(request.volumeDriver && { creation: { driver: request.volumeDriver } }),
    });
  }
  for (const { type, source, mode } of planned.values())
    if (context.selinux && type === "bind" && mode.split(",").some((word) => word === "z" || word === "Z"))
      throw notImplemented(
        `relabelling ${source} for SELinux (the volume option ${mode}) is not implemented in Berth: label it with chcon, and leave the option out`,
      );
  return [...planned.values()].sort((a, b) => (a.destination < b.destination ? -1 : 1));
}

const hasPropagation = (spec: string): boolean =>
  /(?:^|,)r?(?:private|slave|shared)(?:,|$)/.test(spec.split(":")[2] ?? "");

/**
 * A bind that holds the data root, or lies in it, must follow what the host mounts and unmounts there: a private copy
 * would keep containers' roots busy after their end.
 */
function besideDataRoot(mount: ResolvedMount, mayChoose: boolean, { dataRoot }: PlanContext): ResolvedMount {
  if (mount.type !== "bind") return mount;
  const touches = mount.source.startsWith(dataRoot) || dataRoot.startsWith(mount.source);
  if (!touches) return mount;
  if (mayChoose) return { ...mount, propagation: "rslave", chosenPropagation: true };
  if (mount.propagation === "rslave" || mount.propagation === "rshared") return mount;
  throw invalid(
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: ${JSON.stringify(dataRoot)}, bind mount source: ${JSON.stringify(mount.source)}, propagation: ${JSON.stringify(mount.propagation)}`,
  );
}

/** `--volumes-from NAME:ro`. Errors: invalid. */
export function parseVolumesFrom(spec: string): { container: string; readOnly: boolean } {
  if (spec === "") throw invalid("volumes-from specification cannot be an empty string");
  const at = spec.indexOf(":");
  const container = at < 0 ? spec : spec.slice(0, at);
  const mode = at < 0 ? "" : spec.slice(at + 1);
  const words = mode.split(",");
  // Whether a bind propagates, and whether a volume is filled, was said where it was first asked for.
  if (!isValidMode(mode) || words.some((word) => word === "nocopy" || PROPAGATIONS.includes(word)))
    throw invalid(`invalid mode: ${mode}`);
  return { container, readOnly: words.includes("ro") };
}
