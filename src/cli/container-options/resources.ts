// What of the machine a container may have: processors, limits, devices, block I/O, GPUs.
import { posix } from "node:path";
import type { DeviceMapping, DeviceRequest, ThrottleDevice } from "../../sdk/index.ts";
import { parseRam } from "../format/units.ts";
import { parseCsvLine } from "../framework/csv.ts";
import { cut, parseInteger } from "../framework/flags.ts";
import { asMap } from "./key-values.ts";

/** `--cpus`: a decimal or a fraction, in billionths of a processor. */
export function parseCpus(text: string): number {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?(?:\/(\d+))?$/.exec(text);
  const [, sign, whole = "", fraction = "", exponent = "0", divisor = "1"] = match ?? [];
  if (!match || whole + fraction === "" || Number(divisor) === 0) {
    throw new Error(`failed to parse ${text} as a rational number`);
  }
  // In whole numbers: 0.1 times a billion isn't one in floating point.
  const power = 9 + Number(exponent) - fraction.length;
  if (Math.abs(power) > 400) throw new Error(`failed to parse ${text} as a rational number`);
  const over = BigInt(whole + fraction) * 10n ** BigInt(Math.max(power, 0));
  const under = BigInt(divisor) * 10n ** BigInt(Math.max(-power, 0));
  if (over % under !== 0n) throw new Error("value is too precise");
  return Number(over / under) * (sign === "-" ? -1 : 1);
}

/** `--memory-swap`: a size, or -1 for as much as there is. */
export function parseSwap(text: string): number {
  return text === "-1" ? -1 : parseRam(text);
}

export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

const ULIMITS = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  ),
);

/** `--ulimit nofile=1024:2048`. */
export function parseUlimit(text: string): Ulimit {
  const [name, limits] = cut(text, "=");
  if (limits === undefined) throw new Error(`invalid ulimit argument: ${text}`);
  if (!ULIMITS.has(name)) throw new Error(`invalid ulimit type: ${name}`);
  const parts = limits.split(":");
  if (parts.length > 2) {
    throw new Error(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  }
  const [soft = 0, hard = soft] = parts.reverse().map(decimal).reverse();
  if (hard !== -1 && soft === -1) {
    throw new Error(
      `ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: ${hard}`,
    );
  }
  if (hard !== -1 && soft > hard) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Soft: soft, Hard: hard };
}

function decimal(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return parseInteger(text.replace(/^([+-]?)0+(?=\d)/, "$1"), { min: -(2 ** 63), max: 2 ** 63 });
}

/** A device's path before the colon, and what is said of it after. */
function deviceAnd(text: string): [path: string, value: string] {
  const [path, value] = cut(text, ":");
  if (value === undefined || path === "") throw new Error(`bad format: ${text}`);
  if (!path.startsWith("/dev/")) throw new Error(`bad format for device path: ${text}`);
  return [path, value];
}

export function parseByteRate(text: string): ThrottleDevice {
  const [path, rate] = deviceAnd(text);
  try {
    return { Path: path, Rate: parseRam(rate) };
  } catch {
    throw new Error(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
    );
  }
}

export function parseIoRate(text: string): ThrottleDevice {
  const [path, rate] = deviceAnd(text);
  if (!/^\d+$/.test(rate)) {
    throw new Error(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  }
  return { Path: path, Rate: Number(rate) };
}

export function parseDeviceWeight(text: string): { Path: string; Weight: number } {
  const [path, value] = deviceAnd(text);
  const weight = Number(value);
  if (!/^\d+$/.test(value) || (weight > 0 && weight < 10) || weight > 1000) {
    throw new Error(`invalid weight for device: ${text}`);
  }
  return { Path: path, Weight: weight };
}

export function checkCgroupRule(text: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(text)) {
    throw new Error(`invalid device cgroup format '${text}'`);
  }
  return text;
}

const isMode = (text: string) => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;

/** `--device /dev/a[:/dev/b][:rwm]`. */
export function parseDevice(text: string): DeviceMapping {
  const parts = text.split(":");
  const [source = "", second, third] = parts;
  if (parts.length > 3 || source === "") throw new Error(`bad format for path: ${text}`);
  if (third !== undefined && !isMode(third)) throw new Error(`bad mode specified: ${third}`);
  const secondIsMode = second !== undefined && third === undefined && isMode(second);
  const inside = second === undefined || secondIsMode ? source : second;
  if (!inside.startsWith("/")) throw new Error(`${inside} is not an absolute path`);
  const clean = third === undefined ? posix.normalize(inside).replace(/(.)\/$/, "$1") : inside;
  return {
    PathOnHost: second === undefined || secondIsMode ? clean : source,
    PathInContainer: clean,
    CgroupPermissions: third ?? (secondIsMode ? second : "rwm"),
  };
}

/** A device by its Container Device Interface name, `vendor.com/class=name`. */
export function isCdiName(text: string): boolean {
  return /^[A-Za-z][\w.-]*[A-Za-z0-9]\/[A-Za-z][\w-]*=[A-Za-z0-9][\w.:-]*$/.test(text);
}

/** `--gpus all`, `--gpus 2`, `--gpus device=0,…`, with quotes for lists. */
export function parseGpus(text: string): DeviceRequest {
  const request: DeviceRequest = {};
  const seen = new Set<string>();
  for (const field of parseCsvLine(text)) {
    const [key, value] = cut(field, "=");
    if (seen.has(key)) throw new Error(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (value === undefined) {
      seen.add("count");
      request.Count = parseCount(key);
    } else if (key === "driver") request.Driver = value;
    else if (key === "count") request.Count = parseCount(value);
    else if (key === "device") request.DeviceIDs = value.split(",");
    else if (key === "capabilities") request.Capabilities = [[...value.split(","), "gpu"]];
    else if (key === "options") request.Options = asMap(parseCsvLine(value));
    else throw new Error(`unexpected key '${key}' in '${field}'`);
  }
  if (!seen.has("count") && !request.DeviceIDs) request.Count = 1;
  request.Options ??= {};
  request.Capabilities ??= [["gpu"]];
  return request;
}

function parseCount(text: string): number {
  if (text === "all") return -1;
  if (!/^[+-]?\d+$/.test(text)) {
    throw new Error(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
  }
  return Number(text);
}
