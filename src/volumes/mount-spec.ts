// What `-v` and `--mount` ask for, parsed into mounts; refused in the words of Docker's parser.
import { existsSync } from "node:fs";
import { isAbsolute, normalize, posix } from "node:path";
import type { Mount } from "../api/types/index.ts";
import { invalid } from "../base/errors.ts";
import type { ResolvedMount } from "./types.ts";

export const PROPAGATIONS = ["private", "rprivate", "slave", "rslave", "shared", "rshared"];

/** Words of the third part of `-v`, by what they choose; one of each kind at most. */
const MODES: Record<string, string[]> = {
  access: ["rw", "ro"],
  label: ["z", "Z"],
  propagation: PROPAGATIONS,
  copy: ["nocopy"],
  consistency: ["consistent", "cached", "delegated"],
};

/** Whether all words of a mode are known and none contradict; the empty mode is valid. */
export function isValidMode(mode: string): boolean {
  if (mode === "") return true;
  const kinds = mode.split(",").map((word) => kindOf(word));
  return kinds.every((kind, at) => kind !== undefined && kinds.indexOf(kind) === at);
}

const kindOf = (word: string): string | undefined =>
  Object.keys(MODES).find((kind) => MODES[kind]?.includes(word));

/** `SOURCE:DESTINATION:MODE`, `SOURCE:DESTINATION` or `DESTINATION`. Errors: invalid. */
export function parseBind(spec: string, volumeDriver = ""): ResolvedMount {
  const refuse = () => invalid(`invalid volume specification: '${spec}'`);
  const parts = spec.split(":");
  const [first = "", second = "", mode = ""] = parts;
  // "DESTINATION:MODE" would be a volume with a mode, which there is not.
  if (first === "" || parts.length > 3 || (parts.length === 2 && isValidMode(second))) throw refuse();
  if (!isValidMode(mode)) throw invalid(`invalid mode: ${mode}`);
  const words = mode.split(",");
  const propagation = words.find((word) => PROPAGATIONS.includes(word));
  const source = parts.length === 1 ? "" : first;
  const bind = isAbsolute(source);
  const mount: Mount = {
    Type: bind ? "bind" : "volume",
    Source: source,
    Target: parts.length === 1 ? first : second,
    ReadOnly: words.includes("ro"),
    BindOptions: propagation ? { Propagation: propagation as "private" } : undefined,
    VolumeOptions:
      words.includes("nocopy") || (volumeDriver && !bind)
        ? {
            NoCopy: words.includes("nocopy"),
            DriverConfig: volumeDriver && !bind ? { Name: volumeDriver } : undefined,
          }
        : undefined,
  };
  try {
    return { ...resolve(mount, false), mode: mode || (bind ? "" : "z"), createSource: bind };
  } catch (error) {
    throw invalid(`${refuse().message}: ${error instanceof Error ? error.message : error}`, error);
  }
}

/** One of HostConfig.Mounts. A bind's source has to be there, unless its making is asked for. Errors: invalid. */
export function parseMount(mount: Mount): ResolvedMount {
  return resolve(mount, true);
}

function resolve(mount: Mount, sourceMustExist: boolean): ResolvedMount {
  const type = mount.Type ?? "";
  const refuse = (why: string) => invalid(`invalid mount config for type ${JSON.stringify(type)}: ${why}`);
  const empty = (name: string) => refuse(`field ${name} must not be empty`);
  const extra = (name: string) => refuse(`field ${name} must not be specified`);
  const { Target: target = "", Source: source = "" } = mount;
  if (target === "") throw empty("Target");
  if (posix.normalize(target).replace(/\/+$/, "") === "" || target === ".")
    throw refuse("invalid specification: destination can't be '/'");
  if (!isAbsolute(target)) throw refuse(`invalid mount path: '${target}' mount path must be absolute`);
  const base = {
    destination: clean(target),
    readOnly: mount.ReadOnly ?? false,
    mode: "",
    copyUp: false,
  };
  switch (type) {
    case "bind":
      if (source === "") throw empty("Source");
      return { ...base, ...resolveBind(mount, source, sourceMustExist, refuse, extra) };
    case "volume":
      return { ...base, ...resolveVolume(mount, source, refuse, extra) };
    case "tmpfs":
      if (mount.BindOptions) throw extra("BindOptions");
      if (mount.ImageOptions) throw extra("ImageOptions");
      if (source !== "") throw extra("Source");
      return { ...base, type: "tmpfs", source: "", tmpfsOptions: tmpfsOptions(mount, refuse) };
    case "image":
      if (source === "") throw empty("Source");
      return { ...base, ...resolveImage(mount, source, refuse, extra) };
    default:
      throw refuse("mount type unknown");
  }
}

type Refuse = (why: string) => Error;

function resolveBind(
  mount: Mount,
  source: string,
  mustExist: boolean,
  refuse: Refuse,
  extra: Refuse,
): Pick<ResolvedMount, "type" | "source"> & Partial<ResolvedMount> {
  const { BindOptions: options = {} } = mount;
  const { Propagation: propagation } = options;
  if (propagation && !PROPAGATIONS.includes(propagation))
    throw refuse(`invalid propagation mode: ${propagation}`);
  if (mount.VolumeOptions) throw extra("VolumeOptions");
  if (mount.ImageOptions) throw extra("ImageOptions");
  if (!isAbsolute(source)) throw refuse(`invalid mount path: '${source}' mount path must be absolute`);
  const createSource = options.CreateMountpoint ?? false;
  if (mustExist && !createSource && !existsSync(source))
    throw refuse(`bind source path does not exist: ${source}`);
  const { ReadOnlyNonRecursive: nonRecursive, ReadOnlyForceRecursive: force } = options;
  const conflict = (what: string) => invalid(`mount options conflict: ${what}`);
  if (nonRecursive && !mount.ReadOnly) throw conflict("!ReadOnly && BindOptions.ReadOnlyNonRecursive");
  if (force && !mount.ReadOnly) throw conflict("!ReadOnly && BindOptions.ReadOnlyForceRecursive");
  if (nonRecursive && force) throw conflict("ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive");
  return {
    type: "bind",
    source: clean(source),
    propagation: propagation || "rprivate",
    createSource,
    ...(options.NonRecursive && { nonRecursive: true }),
    ...(nonRecursive && { readOnlyNonRecursive: true }),
    ...(force && { readOnlyForceRecursive: true }),
  };
}

function resolveVolume(
  mount: Mount,
  source: string,
  refuse: Refuse,
  extra: Refuse,
): Pick<ResolvedMount, "type" | "source"> & Partial<ResolvedMount> {
  if (mount.BindOptions) throw extra("BindOptions");
  if (mount.ImageOptions) throw extra("ImageOptions");
  const { VolumeOptions: options = {} } = mount;
  const anonymous = source === "";
  if (options.Subpath) {
    if (anonymous) throw refuse("must not set Subpath when using anonymous volumes");
    if (!isLocal(options.Subpath)) throw refuse("subpath must be a relative path within the volume");
  }
  if (mount.ReadOnly && anonymous) throw refuse("must not set ReadOnly mode when using anonymous volumes");
  const { Labels: labels, DriverConfig: driver } = options;
  return {
    type: "volume",
    source,
    mode: "z",
    copyUp: !options.NoCopy,
    ...(anonymous && { anonymous }),
    ...(options.Subpath && { subpath: options.Subpath }),
    ...((labels || driver?.Name || driver?.Options) && {
      creation: { driver: driver?.Name, labels, options: driver?.Options },
    }),
  };
}

/** Read-only, whatever was asked, as in Docker. Which image the name means is the engine's to find out. */
function resolveImage(
  mount: Mount,
  source: string,
  refuse: Refuse,
  extra: Refuse,
): Pick<ResolvedMount, "type" | "source"> & Partial<ResolvedMount> {
  if (mount.BindOptions) throw extra("BindOptions");
  if (mount.VolumeOptions) throw extra("VolumeOptions");
  if (mount.TmpfsOptions) throw extra("TmpfsOptions");
  const { Subpath: subpath } = mount.ImageOptions ?? {};
  if (subpath && !isLocal(subpath)) throw refuse("subpath must be a relative path within the volume");
  return { type: "image", source, readOnly: true, propagation: "rprivate", ...(subpath && { subpath }) };
}

function tmpfsOptions({ TmpfsOptions: options = {}, ReadOnly }: Mount, refuse: Refuse): string[] {
  const words: string[] = ReadOnly ? ["ro"] : [];
  if (options.Mode) words.push(`mode=${options.Mode.toString(8)}`);
  if (options.SizeBytes) words.push(`size=${shortSize(options.SizeBytes)}`);
  for (const option of options.Options ?? []) {
    if (option.length < 1 || option.length > 2) throw refuse("invalid option array length");
    if (option[0] !== "exec" && option[0] !== "noexec") throw refuse(`invalid option: ${option[0]}`);
    words.push(option.join("="));
  }
  return words;
}

function shortSize(bytes: number): string {
  for (const [suffix, unit] of [
    ["g", 1 << 30],
    ["m", 1 << 20],
    ["k", 1 << 10],
  ] as const)
    if (bytes % unit === 0) return `${bytes / unit}${suffix}`;
  return String(bytes);
}

/** As Go's filepath.IsLocal: relative, and never above where it starts. */
function isLocal(path: string): boolean {
  if (isAbsolute(path) || path === "") return false;
  const cleaned = normalize(path);
  return cleaned !== ".." && !cleaned.startsWith("../");
}

const clean = (path: string): string => posix.normalize(path).replace(/(?<=.)\/+$/, "");
