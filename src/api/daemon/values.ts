// The daemon's option values: from the text of a flag, and from what daemon.json has under a key. Errors are in the
// words of Go's flag and JSON packages, as dockerd prints them.

import { isIP } from "node:net";
import { goBoolean, notGoBoolean } from "../../base/go-boolean.ts";
import type { BuilderSettings } from "./builder-settings.ts";
import type { Flag, FlagKind } from "./flags.ts";

export interface Runtime {
  path: string;
  runtimeArgs?: string[];
}
export interface Ulimit {
  Name: string;
  Hard: number;
  Soft: number;
}
export interface Pool {
  base: string;
  size: number;
}
/** A typed value; which one it is follows from the flag's kind. */
export type Value =
  | boolean
  | number
  | string
  | string[]
  | Record<string, string>
  | Record<string, Record<string, string>>
  | Record<string, Runtime>
  | Record<string, Ulimit>
  | Pool[]
  | BuilderSettings;

/** Reads one occurrence of a flag on top of the earlier ones. Throws an Error with the reason alone. */
export function readFlag(flag: Flag, text: string, before: Value | undefined): Value {
  switch (flag.kind) {
    case "bool": {
      const truth = goBoolean(text);
      if (truth === undefined) throw new Error(notGoBoolean(text));
      return truth;
    }
    case "int":
      if (!/^[+-]?\d+$/.test(text))
        throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
      return Number(text);
    case "bytes":
      return bytes(text);
    case "string":
      return text;
    case "ip":
      if (isIP(text) === 0) throw new Error(`failed to parse IP: ${JSON.stringify(text)}`);
      return text;
    case "ipSlice": {
      const parts = text.split(",").map((part) => part.trim());
      for (const part of parts)
        if (isIP(part) === 0) throw new Error(`invalid string being converted to IP address: ${part}`);
      return [...((before as string[] | undefined) ?? []), ...parts];
    }
    case "list":
      return [...((before as string[] | undefined) ?? []), listItem(flag.name, text)];
    case "map": {
      const [key, value] = cut(text);
      return { ...((before as Record<string, string> | undefined) ?? {}), [key]: value ?? "" };
    }
    case "mapmap":
      return mapOfMaps(text, before as Record<string, Record<string, string>> | undefined);
    case "ulimit": {
      const limit = ulimit(text);
      return { ...((before as Record<string, Ulimit> | undefined) ?? {}), [limit.Name]: limit };
    }
    case "runtime":
      return runtime(text, (before as Record<string, Runtime> | undefined) ?? {});
    case "pool-options":
      return [...((before as Pool[] | undefined) ?? []), pool(text)];
  }
}

/** Reads the value under a key of daemon.json. Throws an Error as Go's JSON decoder words it. */
export function readKey(flag: Flag, key: string, value: unknown): Value {
  const wrong = (type: string) =>
    new Error(`json: cannot unmarshal ${goKind(value)} into Go struct field Config.${key} of type ${type}`);
  switch (flag.kind) {
    case "bool":
      if (typeof value !== "boolean") throw wrong("bool");
      return value;
    case "int":
      if (typeof value !== "number" || !Number.isInteger(value)) throw wrong("int");
      return value;
    case "bytes":
      if (typeof value === "number") return value;
      if (typeof value !== "string") throw wrong("string");
      return bytes(value);
    case "string":
      if (typeof value !== "string") throw wrong("string");
      return value;
    case "ip":
      if (typeof value !== "string") throw wrong("net.IP");
      return readFlag(flag, value, undefined);
    case "list":
    case "ipSlice":
      if (!isStrings(value)) throw wrong("[]string");
      return value.flatMap((item) => readFlag(flag, item, undefined) as string[]);
    case "map":
      if (!isRecord(value)) throw wrong("map[string]string");
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => {
          if (typeof item !== (flag.name === "feature" ? "boolean" : "string"))
            throw wrong(flag.name === "feature" ? "bool" : "string");
          return [name, String(item)];
        }),
      );
    default:
      return readStructure(flag.kind, value, wrong);
  }
}

function readStructure(kind: FlagKind, value: unknown, wrong: (type: string) => Error): Value {
  if (kind === "pool-options") {
    if (!Array.isArray(value)) throw wrong("[]*ipamutils.NetworkToSplit");
    return value.map((item: unknown) => {
      if (!isRecord(item) || typeof item.base !== "string" || typeof item.size !== "number")
        throw wrong("ipamutils.NetworkToSplit");
      return { base: item.base, size: item.size };
    });
  }
  if (!isRecord(value)) throw wrong(`map[string]${kind}`);
  if (kind === "mapmap") {
    const result: Record<string, Record<string, string>> = {};
    for (const [name, inner] of Object.entries(value)) {
      if (!isRecord(inner) || !isStrings(Object.values(inner))) throw wrong("map[string]string");
      result[name] = inner as Record<string, string>;
    }
    return result;
  }
  if (kind === "ulimit") {
    const limits: Record<string, Ulimit> = {};
    for (const [name, item] of Object.entries(value)) {
      if (!isRecord(item) || typeof item.Hard !== "number" || typeof item.Soft !== "number")
        throw wrong("container.Ulimit");
      limits[name] = { Name: name, Hard: item.Hard, Soft: item.Soft };
    }
    return limits;
  }
  const runtimes: Record<string, Runtime> = {};
  for (const [name, item] of Object.entries(value)) {
    if (!isRecord(item)) throw wrong("system.Runtime");
    if (typeof item.path !== "string" || item.path === "")
      throw new Error(
        `runtime '${name}': ${item.runtimeType ? "runtimeType is not supported, give a path" : "path is missing"}`,
      );
    if (item.runtimeArgs !== undefined && !isStrings(item.runtimeArgs)) throw wrong("[]string");
    runtimes[name] = {
      path: item.path,
      ...(item.runtimeArgs ? { runtimeArgs: item.runtimeArgs as string[] } : {}),
    };
  }
  return runtimes;
}

/** True for what asks for nothing: such values of options that Berth refuses may stand in a file. */
export function isNeutral(value: Value): boolean {
  if (typeof value === "object") return Object.keys(value).length === 0;
  return value === false || value === "" || value === 0;
}

function listItem(name: string, text: string): string {
  if (name === "label" && !text.includes("=")) throw new Error(`bad attribute format: ${text}`);
  if (name === "dns-search" && text !== "." && !/^[\w-]+(\.[\w-]+)*\.?$/.test(text))
    throw new Error(`${text} is not a valid domain`);
  if (name === "registry-mirror") return mirror(text);
  if (name === "host-gateway-ip" && isIP(text) === 0) throw new Error(`${text} is not an ip address`);
  if (name === "insecure-registry" && /^https?:\/\//.test(text))
    throw new Error(`insecure registry ${text} should not contain '://'`);
  return text;
}

/** A mirror is a scheme and an authority, as moby's registry.ValidateMirror has it; it ends with a slash. */
function mirror(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`invalid mirror: ${JSON.stringify(text)} is not a valid URI`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error(
      `invalid mirror: unsupported scheme ${JSON.stringify(url.protocol.slice(0, -1))} in ${JSON.stringify(text)}`,
    );
  if (url.search !== "" || url.hash !== "")
    throw new Error(`invalid mirror: query or fragment at end of the URI ${JSON.stringify(text)}`);
  if (url.username !== "" || url.password !== "")
    throw new Error(`invalid mirror: username/password not allowed in URI ${JSON.stringify(text)}`);
  return text.endsWith("/") ? text : `${text}/`;
}

function mapOfMaps(
  text: string,
  before: Record<string, Record<string, string>> | undefined,
): Record<string, Record<string, string>> {
  const [network, option] = cut(text);
  if (option === undefined || !option.includes("="))
    throw new Error(`invalid key value pair format: ${text}`);
  const [key, value] = cut(option);
  return { ...before, [network]: { ...before?.[network], [key]: value ?? "" } };
}

/** `nofile=1024:2048`; both the same when there is one. */
function ulimit(text: string): Ulimit {
  const [name, limits] = cut(text);
  if (!limits) throw new Error(`invalid ulimit argument: ${text}`);
  const numbers = limits.split(":").map(Number);
  const [soft, hard = soft] = numbers;
  if (numbers.length > 2 || soft === undefined || hard === undefined || !numbers.every(Number.isInteger))
    throw new Error(`invalid ulimit argument: ${text}`);
  if (hard !== -1 && (soft === -1 || soft > hard))
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  return { Name: name, Hard: hard, Soft: soft };
}

function runtime(text: string, before: Record<string, Runtime>): Record<string, Runtime> {
  const [name, path] = cut(text.trim());
  if (!name || !path) throw new Error(`invalid runtime argument: ${text}`);
  if (name.toLowerCase() === "runc") throw new Error("runtime name 'runc' is reserved");
  if (before[name]) throw new Error(`runtime '${name}' was already defined`);
  return { ...before, [name.toLowerCase()]: { path } };
}

/** `base=10.10.0.0/16,size=24`. */
function pool(text: string): Pool {
  const result: Partial<Pool> = {};
  for (const field of text.split(",")) {
    const [key, value] = cut(field);
    if (value === undefined) throw new Error(`invalid field '${field}' must be a key=value pair`);
    if (key.toLowerCase() === "base") result.base = value;
    else if (key.toLowerCase() === "size") {
      if (!/^\d+$/.test(value)) throw new Error(`invalid size value: ${value} (must be integer)`);
      result.size = Number(value);
    } else throw new Error(`unexpected key '${key}' in '${field}'`);
  }
  if (!result.base || !/^[\da-fA-F.:]+\/\d+$/.test(result.base))
    throw new Error(
      `invalid base pool ${JSON.stringify(result.base ?? "")}: must be a subnet in CIDR notation`,
    );
  return { base: result.base, size: result.size ?? 0 };
}

/** `64m`, `1.5GiB`, `1024`: docker/go-units RAMInBytes. */
export function bytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (!match) throw new Error(`invalid size: '${text}'`);
  const power = " kmgtp".indexOf((match[2] || " ").toLowerCase());
  return Math.trunc(Number(match[1]) * 1024 ** power);
}

function cut(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

/** What Go's encoding/json calls a JSON value. */
function goKind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}
