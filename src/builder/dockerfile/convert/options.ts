// What clients ask a build for: the frontend's options (frontend/dockerui/config.go), parsed.

import { isIP } from "node:net";
import { BerthError, invalid, messageOf } from "../../../base/errors.ts";
import { goBoolean } from "../../../base/go-boolean.ts";
import { normalizePlatform, parsePlatform } from "../../../oci/platform.ts";
import type { Platform } from "../../../oci/types.ts";
import { csvFields } from "../instructions/index.ts";
import type { Values } from "../plan/index.ts";

type Options = ReadonlyMap<string, string>;

export interface BuildOptions {
  readonly raw: Options;
  readonly buildArgs: Values;
  readonly labels: Values;
  readonly target: string;
  /** Empty: the host's own. */
  readonly platforms: readonly Platform[];
  /** The answer has a result for each platform by its name, though it may be one. */
  readonly multiPlatform: boolean;
  readonly resolve: "local" | "default" | "pull";
  readonly extraHosts: readonly { readonly host: string; readonly ip: string }[];
  /** Bytes; 0: the usual. */
  readonly shmSize: number;
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly cgroupParent: string;
  readonly hostname: string;
  readonly network: "default" | "none" | "host";
  /** Prefix of cache mounts' names. */
  readonly cacheNamespace: string;
  /** BUILDKIT_DOCKERFILE_CHECK. */
  readonly checks?: string;
  /** Whether a stage's steps run though their results are known. */
  isNoCache(stageName: string): boolean;
  /** Whose folder a local source is, where it is another session's. */
  sessionOf(localName: string): string;
}

/** Errors: invalid, in BuildKit's words. */
export function parseBuildOptions(options: Options, session: string): BuildOptions {
  refuseOld(options);
  const platforms = parsePlatforms(options.get("platform") ?? "");
  const checks = options.get("build-arg:BUILDKIT_DOCKERFILE_CHECK");
  const noCache = options.get("no-cache");
  const stages = noCache === undefined || noCache === "" ? [] : noCache.toLowerCase().split(",");
  return {
    raw: options,
    buildArgs: withPrefix(options, "build-arg:"),
    labels: withPrefix(options, "label:"),
    target: options.get("target") ?? "",
    platforms,
    multiPlatform: isMultiPlatform(options, platforms.length > 1),
    resolve: parseResolveMode(options.get("image-resolve-mode") ?? ""),
    extraHosts: wrapped("failed to parse additional hosts", () => parseHosts(options.get("add-hosts") ?? "")),
    shmSize: wrapped("failed to parse shm size", () => parseWhole(options.get("shm-size") ?? "")),
    ulimits: wrapped("failed to parse ulimit", () => fieldsOf(options.get("ulimit") ?? "").map(parseUlimit)),
    cgroupParent: options.get("cgroup-parent") ?? "",
    hostname: options.get("build-arg:BUILDKIT_SANDBOX_HOSTNAME") || (options.get("hostname") ?? ""),
    network: parseNetwork(options.get("force-network-mode") ?? ""),
    cacheNamespace: options.get("build-arg:BUILDKIT_CACHE_MOUNT_NS") ?? "",
    ...(checks !== undefined && { checks }),
    isNoCache: (name) => noCache === "" || stages.includes(name.toLowerCase()),
    sessionOf: (name) => options.get(`local-sessionid:${name}`) ?? session,
  };
}

function refuseOld(options: Options): void {
  if (options.get("override-copy-image"))
    throw invalid('support for "override-copy-image" was removed in BuildKit 0.11');
  if (goBoolean(options.get("build-arg:BUILDKIT_DISABLE_FILEOP") ?? ""))
    throw invalid('support for "BUILDKIT_DISABLE_FILEOP" build-arg was removed in BuildKit 0.11');
}

function withPrefix(options: Options, prefix: string): Map<string, string> {
  const found = [...options].filter(([key]) => key.startsWith(prefix));
  return new Map(found.map(([key, value]) => [key.slice(prefix.length), value]));
}

function wrapped<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw invalid(`${what}: ${messageOf(thrown)}`, thrown);
  }
}

function parsePlatforms(text: string): Platform[] {
  if (text === "") return [];
  return text
    .split(",")
    .map((item) =>
      wrapped(`failed to parse target platform ${item}`, () => normalizePlatform(parsePlatform(item))),
    );
}

function isMultiPlatform(options: Options, several: boolean): boolean {
  const text = options.get("build-arg:BUILDKIT_MULTI_PLATFORM") || options.get("multi-platform");
  if (!text) return several;
  const wanted = goBoolean(text);
  if (wanted === undefined) throw invalid(`invalid boolean value for multi-platform: ${text}`);
  if (!wanted && several)
    throw invalid("conflicting config: returning multiple target platforms is not allowed");
  return wanted;
}

function parseResolveMode(text: string): BuildOptions["resolve"] {
  if (text === "" || text === "default") return "default";
  if (text === "pull" || text === "local") return text;
  throw invalid(`invalid image-resolve-mode: ${text}`);
}

function parseNetwork(text: string): BuildOptions["network"] {
  if (text === "" || text === "sandbox") return "default";
  if (text === "none" || text === "host") return text;
  throw invalid(`invalid netmode ${text}`);
}

function parseHosts(text: string): { host: string; ip: string }[] {
  return fieldsOf(text).map((field) => {
    const lower = field.toLowerCase();
    const at = lower.indexOf("=");
    if (at < 0) throw invalid(`invalid key-value pair ${field}`);
    const ip = lower.slice(at + 1);
    if (isIP(ip) === 0) throw invalid(`failed to parse IP ${ip}`);
    return { host: lower.slice(0, at), ip };
  });
}

function parseWhole(text: string): number {
  if (text === "") return 0;
  if (!/^[+-]?\d+$/.test(text))
    throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const LIMITS = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  ),
);

/** `nofile=1024:2048` (docker/go-units). */
function parseUlimit(text: string): { name: string; soft: number; hard: number } {
  const at = text.indexOf("=");
  if (at < 0) throw invalid(`invalid ulimit argument: ${text}`);
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (!LIMITS.has(name)) throw invalid(`invalid ulimit type: ${name}`);
  const parts = value.split(":");
  const [soft, hard = soft] = parts.map(Number);
  const isWhole = parts.every((part) => /^-?\d+$/.test(part));
  if (!isWhole || parts.length > 2 || soft === undefined || hard === undefined)
    throw invalid(`invalid ulimit argument: ${text}`);
  if (hard !== -1 && (soft === -1 || soft > hard))
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  return { name, soft, hard };
}

/** Capabilities that a client may demand of its frontend (`frontend.caps`). */
const CAPABILITIES = new Set(
  ["inputs", "subrequests", "contexts", "gitquerystring"].map((name) => `moby.buildkit.frontend.${name}`),
);

/** Errors: not-implemented, for a capability that isn't here. `+forward` asks for another frontend in that case. */
export function refuseUnknownCapabilities(text: string): void {
  for (const item of text.split(",")) {
    const [name = ""] = item.split("+", 1);
    if (name !== "" && !CAPABILITIES.has(name))
      throw new BerthError("not-implemented", `unsupported frontend capability ${name}`);
  }
}

const fieldsOf = (text: string): string[] => (text === "" ? [] : csvFields(text));
