// `-v` and `--mount`: what of the host, of volumes and of images a container sees, and where.
import { isAbsolute, resolve } from "node:path";
import type { Mount } from "../../sdk/index.ts";
import { parseRam } from "../format/units.ts";
import { parseCsvLine } from "../framework/csv.ts";
import { cut, parseBool } from "../framework/flags.ts";

/** `-v`: a bind as the API takes it, or the path of an anonymous volume. Relative host folders become whole ones. */
export function parseVolume(spec: string): { bind: string } | { anonymous: string } {
  if (spec === "") throw new Error("invalid empty volume spec");
  if (spec.length <= 2) return { anonymous: spec };
  const parts = sections(spec);
  if (parts.length === 1) return { anonymous: spec };
  // The daemon reads the whole text; only a relative host folder is the client's to know.
  const [source = ""] = parts;
  return { bind: wholePath(source) + spec.slice(source.length) };
}

/** The parts between colons. A letter alone before one is a Windows drive, here too: `a:b` is a single path. */
function sections(spec: string): string[] {
  const parts: string[] = [];
  for (let from = 0; from <= spec.length; ) {
    const search = /^\p{L}:/u.test(spec.slice(from)) ? spec.indexOf(":", from) + 1 : from;
    const colon = spec.indexOf(":", search);
    const part = spec.slice(from, colon < 0 ? undefined : colon);
    if (part === "") throw new Error(`invalid spec: ${spec}: empty section between colons`);
    if (parts.length >= 2 && colon >= 0) throw new Error(`invalid spec: ${spec}: too many colons`);
    parts.push(part);
    from = colon < 0 ? spec.length + 1 : colon + 1;
  }
  return parts;
}

/** Paths that begin with a dot are the client's own folder's; all others are for the daemon to judge. */
function wholePath(path: string): string {
  return !isAbsolute(path) && path.startsWith(".") ? resolve(path) : path;
}

type Options = Record<"volume" | "bind" | "tmpfs" | "image", boolean>;

/** `--mount type=bind,source=/a,target=/b,readonly`. */
export function parseMount(text: string): Mount {
  const mount: Mount = { Type: "volume" };
  const used: Options = { volume: false, bind: false, tmpfs: false, image: false };
  for (const field of parseCsvLine(text)) {
    const [rawKey, value] = cut(field, "=");
    const key = rawKey.toLowerCase();
    if (value === undefined && !["readonly", "ro", "volume-nocopy", "bind-nonrecursive"].includes(key)) {
      throw new Error(`invalid field '${field}' must be a key=value pair`);
    }
    setField(mount, used, key, value, field);
  }
  if (!mount.Type) throw new Error("type is required");
  if (!mount.Target) throw new Error("target is required");
  for (const kind of ["volume", "image", "bind", "tmpfs"] as const) {
    if (used[kind] && mount.Type !== kind) {
      throw new Error(`cannot mix '${kind}-*' options with mount type '${mount.Type}'`);
    }
  }
  checkRecursion(mount);
  return mount;
}

function setField(mount: Mount, used: Options, key: string, value = "true", field: string): void {
  const flagged = (name = key) => {
    try {
      return parseBool(value);
    } catch {
      throw new Error(`invalid value for ${name}: ${value}`);
    }
  };
  const volume = () => {
    used.volume = true;
    mount.VolumeOptions ??= { DriverConfig: {} };
    return mount.VolumeOptions;
  };
  const bind = () => {
    used.bind = true;
    mount.BindOptions ??= {};
    return mount.BindOptions;
  };
  const tmpfs = () => {
    used.tmpfs = true;
    mount.TmpfsOptions ??= {};
    return mount.TmpfsOptions;
  };
  const into = (map: Record<string, string> = {}) => {
    const [name, text] = cut(value, "=");
    return name === "" ? map : { ...map, [name]: text ?? "" };
  };
  switch (key) {
    case "type":
      mount.Type = value.toLowerCase() as Mount["Type"];
      return;
    case "source":
    case "src":
      mount.Source = wholePath(value);
      return;
    case "target":
    case "dst":
    case "destination":
      mount.Target = value;
      return;
    case "readonly":
    case "ro":
      mount.ReadOnly = flagged();
      return;
    case "consistency":
      mount.Consistency = value.toLowerCase();
      return;
    case "bind-propagation":
      bind().Propagation = value.toLowerCase() as NonNullable<Mount["BindOptions"]>["Propagation"];
      return;
    case "bind-nonrecursive":
      bind().NonRecursive = flagged();
      return;
    case "bind-recursive":
      setRecursion(bind(), key, value);
      return;
    case "volume-subpath":
      volume().Subpath = value;
      return;
    case "volume-nocopy":
      volume().NoCopy = flagged();
      return;
    case "volume-label":
      mount.VolumeOptions = { ...volume(), Labels: into(volume().Labels) };
      return;
    case "volume-driver":
      mount.VolumeOptions = { ...volume(), DriverConfig: { ...volume().DriverConfig, Name: value } };
      return;
    case "volume-opt": {
      const driver = volume().DriverConfig;
      mount.VolumeOptions = { ...volume(), DriverConfig: { ...driver, Options: into(driver?.Options) } };
      return;
    }
    case "image-subpath":
      used.image = true;
      mount.ImageOptions = { Subpath: value };
      return;
    case "tmpfs-size":
      tmpfs().SizeBytes = orInvalid(key, value, () => parseRam(value));
      return;
    case "tmpfs-mode":
      tmpfs().Mode = orInvalid(key, value, () => octal(value));
      return;
    default:
      throw new Error(`unexpected key '${key}' in '${field}'`);
  }
}

function orInvalid<T>(key: string, value: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Error(`invalid value for ${key}: ${value}`);
  }
}

function octal(text: string): number {
  if (!/^[0-7]+$/.test(text)) throw new Error("not octal");
  return Number.parseInt(text, 8);
}

function setRecursion(bind: NonNullable<Mount["BindOptions"]>, key: string, value: string): void {
  if (value === "enabled") return;
  if (value === "disabled") bind.NonRecursive = true;
  else if (value === "writable") bind.ReadOnlyNonRecursive = true;
  else if (value === "readonly") bind.ReadOnlyForceRecursive = true;
  else {
    throw new Error(
      `invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
    );
  }
}

function checkRecursion({ BindOptions: bind, ReadOnly }: Mount): void {
  if (bind?.ReadOnlyNonRecursive && !ReadOnly) {
    throw new Error("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
  }
  if (!bind?.ReadOnlyForceRecursive) return;
  if (!ReadOnly) {
    throw new Error("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
  }
  if (bind.Propagation !== "rprivate") {
    throw new Error(
      "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
    );
  }
}
