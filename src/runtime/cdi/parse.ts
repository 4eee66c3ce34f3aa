// One CDI file from its text: shape, names, version and edits, refused in the words of the reference implementation. Annotations mean nothing to us.
import { invalid } from "../../base/errors.ts";
import { readFields, type Shape } from "./shape.ts";
import type { CdiDeviceNode, CdiNetDevice, CdiSpec, ContainerEdits, IntelRdt } from "./types.ts";
import { requiredVersion, VERSIONS } from "./version.ts";

/** As it is written, before it is checked. */
export interface RawSpec {
  cdiVersion?: string;
  kind?: string;
  annotations?: Record<string, string>;
  devices?: { name?: string; annotations?: Record<string, string>; containerEdits?: ContainerEdits }[];
  containerEdits?: ContainerEdits;
}

const EDITS: Shape = {
  env: ["string"],
  deviceNodes: [
    {
      path: "string",
      hostPath: "string",
      type: "string",
      major: "number",
      minor: "number",
      fileMode: "number",
      permissions: "string",
      uid: "number",
      gid: "number",
    },
  ],
  netDevices: [{ hostInterfaceName: "string", name: "string" }],
  hooks: [{ hookName: "string", path: "string", args: ["string"], env: ["string"], timeout: "number" }],
  mounts: [{ hostPath: "string", containerPath: "string", options: ["string"], type: "string" }],
  intelRdt: {
    closID: "string",
    l3CacheSchema: "string",
    memBwSchema: "string",
    schemata: ["string"],
    enableMonitoring: "boolean",
    enableCMT: "boolean",
    enableMBM: "boolean",
  },
  additionalGids: ["number"],
};

const SPEC: Shape = {
  cdiVersion: "string",
  kind: "string",
  annotations: "texts",
  devices: [{ name: "string", annotations: "texts", containerEdits: EDITS }],
  containerEdits: EDITS,
};

/** JSON is YAML too; a file is read as what its name says. Errors: invalid. */
export function parseSpec(text: string, path: string): CdiSpec {
  let data: unknown;
  try {
    data = path.endsWith(".json") ? JSON.parse(text) : Bun.YAML.parse(withOctals(text));
  } catch (error) {
    throw invalid(
      `failed to parse CDI Spec ${JSON.stringify(path)}: failed to unmarshal CDI Spec: ${error instanceof Error ? error.message : error}`,
      error,
    );
  }
  if (data === null || data === undefined)
    throw invalid(`failed to parse CDI Spec ${JSON.stringify(path)}, no Spec data`);
  let raw: RawSpec;
  try {
    raw = readFields(data, SPEC, "") as RawSpec;
  } catch (error) {
    throw invalid(
      `failed to parse CDI Spec ${JSON.stringify(path)}: failed to unmarshal CDI Spec: ${(error as Error).message}`,
      error,
    );
  }
  try {
    return checked(raw, path);
  } catch (error) {
    throw invalid(`invalid CDI Spec: ${(error as Error).message}`, error);
  }
}

/** CDI's YAML is version 1.1, where `0660` is octal; ours is 1.2, where it would be six hundred and sixty. */
const withOctals = (text: string): string =>
  text.replace(/\b((?:fileMode|major|minor|uid|gid|timeout)["']?:\s*)0([0-7]+)\b/g, "$10o$2");

function checked(raw: RawSpec, path: string): CdiSpec {
  const { cdiVersion = "", kind = "", containerEdits = {} } = raw;
  if (!VERSIONS.includes(cdiVersion)) throw invalid(`invalid version ${JSON.stringify(cdiVersion)}`);
  const required = requiredVersion(raw);
  if (VERSIONS.indexOf(required) > VERSIONS.indexOf(cdiVersion))
    throw invalid(`the spec version must be at least v${required}`);
  const at = kind.indexOf("/");
  const [vendor, kindClass] =
    at > 0 && at < kind.length - 1 ? [kind.slice(0, at), kind.slice(at + 1)] : ["", kind];
  checkName(vendor, "vendor");
  checkName(kindClass, "class");
  checkEdits(containerEdits);
  const devices: CdiSpec["devices"] = [];
  for (const { name = "", containerEdits: edits = {} } of raw.devices ?? []) {
    const refuse = (why: string, error?: unknown) =>
      invalid(`failed add device ${JSON.stringify(name)}: ${why}`, error);
    try {
      checkDeviceName(name);
      if (Object.values(edits).every((part) => Array.isArray(part) && part.length === 0))
        throw invalid("invalid device, empty device edits");
      try {
        checkEdits(edits);
      } catch (error) {
        throw invalid(`invalid device ${JSON.stringify(name)}: ${(error as Error).message}`, error);
      }
    } catch (error) {
      throw refuse((error as Error).message, error);
    }
    if (devices.some((other) => other.name === name))
      throw invalid(`invalid spec, multiple device ${JSON.stringify(name)}`);
    devices.push({ name, containerEdits: edits });
  }
  if (devices.length === 0) throw invalid("invalid spec, no devices");
  return { path, kind, containerEdits, devices };
}

const quoted = (text: string): string => JSON.stringify(text);

/** A vendor's or a class's: letters, digits and `_-.` between; a letter first, a letter or digit last. */
function checkName(name: string, what: "vendor" | "class"): void {
  const refuse = (why: string) => invalid(`invalid ${what}. ${why}`);
  if (name === "") throw refuse("empty name");
  if (!/^[A-Za-z]/.test(name)) throw refuse(`${quoted(name)}, should start with letter`);
  const strange = /[^A-Za-z0-9_.-]/.exec(name.slice(1, -1))?.[0];
  if (strange) throw refuse(`invalid character '${strange}' in name ${quoted(name)}`);
  if (!/[A-Za-z0-9]$/.test(name)) throw refuse(`${quoted(name)}, should end with a letter or digit`);
}

function checkDeviceName(name: string): void {
  if (name === "") throw invalid("invalid (empty) device name");
  if (!/^[A-Za-z0-9]/.test(name))
    throw invalid(`invalid class ${quoted(name)}, should start with a letter or digit`);
  const strange = /[^A-Za-z0-9_.:-]/.exec(name.slice(1, -1))?.[0];
  if (strange) throw invalid(`invalid character '${strange}' in device name ${quoted(name)}`);
  if (!/[A-Za-z0-9]$/.test(name))
    throw invalid(`invalid name ${quoted(name)}, should end with a letter or digit`);
}

export const HOOKS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

function checkEdits(edits: ContainerEdits): void {
  const variable = (text: string) => {
    if (text.indexOf("=") <= 0) throw invalid(`invalid environment variable ${quoted(text)}`);
  };
  try {
    edits.env?.forEach(variable);
  } catch (error) {
    throw invalid(`invalid container edits: ${(error as Error).message}`, error);
  }
  edits.deviceNodes?.forEach(checkDeviceNode);
  for (const { hookName = "", path = "", env = [] } of edits.hooks ?? []) {
    if (!(HOOKS as readonly string[]).includes(hookName))
      throw invalid(`invalid hook name ${quoted(hookName)}`);
    if (path === "") throw invalid(`invalid hook ${quoted(hookName)} with empty path`);
    try {
      env.forEach(variable);
    } catch (error) {
      throw invalid(`invalid hook ${quoted(hookName)}: ${(error as Error).message}`, error);
    }
  }
  for (const { hostPath = "", containerPath = "" } of edits.mounts ?? []) {
    if (hostPath === "") throw invalid("invalid mount, empty host path");
    if (containerPath === "") throw invalid("invalid mount, empty container path");
  }
  if (edits.intelRdt) checkIntelRdt(edits.intelRdt);
  checkNetDevices(edits.netDevices ?? []);
}

function checkDeviceNode({
  path = "",
  type = "",
  major = 0,
  minor = 0,
  permissions = "",
}: CdiDeviceNode): void {
  if (path === "") throw invalid("invalid (empty) device path");
  if (!["", "b", "c", "u", "p"].includes(type))
    throw invalid(`device ${quoted(path)}: invalid type ${quoted(type)}`);
  // -1 would be every device, to the cgroup's rules.
  if (major < 0 || minor < 0)
    throw invalid(`device ${quoted(path)}: invalid (negative) device number ${major}:${minor}`);
  if (permissions !== "none" && /[^rwm]/.test(permissions))
    throw invalid(`device ${quoted(path)}: invalid permissions ${quoted(permissions)}`);
}

/** The class of service is a folder's name below /sys/fs/resctrl; "/" is the one that is always there. */
function checkIntelRdt({ closID = "" }: IntelRdt): void {
  if (closID === "/") return;
  if (closID.length >= 4096 || closID === "." || closID === ".." || /[/\n]/.test(closID))
    throw invalid("invalid ClosID");
}

function checkNetDevices(devices: CdiNetDevice[]): void {
  const refuse = (why: string) => invalid(`invalid linux net device, ${why}`);
  devices.forEach(({ hostInterfaceName = "", name = "" }, at) => {
    if (hostInterfaceName === "") throw refuse("empty HostInterfaceName");
    if (name === "") throw refuse("empty Name");
    const before = devices.slice(0, at);
    const sameHost = before.find((other) => other.hostInterfaceName === hostInterfaceName);
    if (sameHost)
      throw refuse(
        `duplicate HostInterfaceName ${quoted(hostInterfaceName)} with names ${quoted(name)} and ${quoted(sameHost.name)}`,
      );
    const sameName = before.find((other) => other.name === name);
    if (sameName)
      throw refuse(
        `duplicate Name ${quoted(name)} with HostInterfaceName ${quoted(hostInterfaceName)} and ${quoted(sameName.hostInterfaceName)}`,
      );
  });
}
