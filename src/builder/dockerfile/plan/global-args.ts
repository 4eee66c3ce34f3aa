// The global scope: predefined platform arguments, the ARGs before the first FROM, and what the client gives.
import { formatPlatform, formatPlatformWithVersion } from "../../../oci/platform.ts";
import type { Platform } from "../../../oci/types.ts";
import type { ArgInstruction } from "../instructions/index.ts";
import { type Lines, locate } from "../source.ts";
import { type Escape, expand } from "../words/index.ts";

export type Values = ReadonlyMap<string, string>;

/** One ARG of the global scope, for outlines and suggestions. */
export interface GlobalArg {
  readonly name: string;
  readonly value: string;
  readonly description: string;
  readonly lines: Lines;
}

export interface GlobalScope {
  /** In the order in which they were set. */
  readonly values: Values;
  readonly definitions: ReadonlyMap<string, GlobalArg>;
}

/** `TARGETPLATFORM` and its kin; a build argument of the same name wins. */
export function platformArgs(
  build: Platform,
  target: Platform,
  targetStage: string,
  buildArgs: Values,
): Map<string, string> {
  const values: [string, string][] = [
    ["BUILDPLATFORM", formatPlatform(build)],
    ["BUILDOS", build.os],
    ["BUILDOSVERSION", build["os.version"] ?? ""],
    ["BUILDARCH", build.architecture],
    ["BUILDVARIANT", build.variant ?? ""],
    ["TARGETPLATFORM", formatPlatformWithVersion(target)],
    ["TARGETOS", target.os],
    ["TARGETOSVERSION", target["os.version"] ?? ""],
    ["TARGETARCH", target.architecture],
    ["TARGETVARIANT", target.variant ?? ""],
    ["TARGETSTAGE", targetStage || "default"],
  ];
  return new Map(values.map(([name, value]) => [name, buildArgs.get(name) ?? value]));
}

/**
 * The global scope after the ARGs before the first FROM; each may use those before it. Errors: DockerfileError.
 */
export function globalScope(
  predefined: Values,
  args: readonly ArgInstruction[],
  buildArgs: Values,
  escapeToken: Escape,
): GlobalScope {
  const values = new Map(predefined);
  const definitions = new Map<string, GlobalArg>();
  for (const { definitions: written, lines } of args)
    for (const { name, value, description } of written) {
      const given =
        buildArgs.get(name) ??
        (value === undefined
          ? undefined
          : locate(lines, () => expand(value, values, { escape: escapeToken }).value));
      if (given !== undefined) values.set(name, given);
      definitions.set(name, { name, value: given ?? "", description, lines });
    }
  return { values, definitions };
}

/** Build arguments that every RUN gets as variables without an ARG, and that are no part of the cache's key. */
const PROXIES = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"] as const;
export type Proxies = Partial<Record<(typeof PROXIES)[number], string>>;

/** The predefined proxy arguments among `buildArgs`, in whatever case they are; undefined when there are none. */
export function proxiesOf(buildArgs: Values): Proxies | undefined {
  const proxies: Proxies = {};
  for (const [name, value] of [...buildArgs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const proxy = PROXIES.find((known) => known === name.toLowerCase());
    if (proxy) proxies[proxy] = value;
  }
  return Object.keys(proxies).length > 0 ? proxies : undefined;
}
