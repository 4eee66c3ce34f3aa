// Platforms: parsing, normalising and choosing, as containerd/platforms does (database.go, compare.go), so that the
// same index gives the same manifest here and there.
import { invalid } from "../base/errors.ts";
import type { Platform } from "./types.ts";

const OPERATING_SYSTEMS = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " ",
  ),
);
const ARCHITECTURES = new Set(
  (
    "386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 " +
    "mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm"
  ).split(" "),
);

/** What Node calls this machine's architecture, in Go's words, which images use. */
const GO_ARCHITECTURE: Record<string, string> = {
  x64: "amd64",
  arm64: "arm64",
  ia32: "386",
  ppc64: "ppc64le",
};

/** The platform of this process: linux and its architecture. */
export const hostPlatform = (): Platform => ({
  os: "linux",
  architecture: GO_ARCHITECTURE[process.arch] ?? process.arch,
});

function normalizeArchitecture(
  architecture: string,
  variant: string,
): { architecture: string; variant: string } {
  const arch = architecture.toLowerCase();
  const level = variant.toLowerCase();
  switch (arch) {
    case "i386":
      return { architecture: "386", variant: "" };
    case "x86_64":
    case "x86-64":
    case "amd64":
      return { architecture: "amd64", variant: level === "v1" ? "" : level };
    case "aarch64":
    case "arm64":
      if (["8", "v8", "v8.0"].includes(level)) return { architecture: "arm64", variant: "" };
      return { architecture: "arm64", variant: ["9", "9.0", "v9.0"].includes(level) ? "v9" : level };
    case "armhf":
      return { architecture: "arm", variant: "v7" };
    case "armel":
      return { architecture: "arm", variant: "v6" };
    case "arm":
      if (level === "" || level === "7") return { architecture: "arm", variant: "v7" };
      return { architecture: "arm", variant: /^[568]$/.test(level) ? `v${level}` : level };
    default:
      return { architecture: arch, variant: level };
  }
}

const normalizeSystem = (os: string): string => {
  const name = os.toLowerCase();
  return name === "" ? "linux" : name === "macos" ? "darwin" : name;
};

/** One spelling for each platform: x86_64 is amd64, arm64/v8 is arm64, arm is arm/v7. */
export function normalizePlatform(platform: Platform): Platform {
  const { architecture, variant } = normalizeArchitecture(platform.architecture, platform.variant ?? "");
  const { variant: _, ...rest } = platform;
  return { ...rest, os: normalizeSystem(platform.os), architecture, ...(variant && { variant }) };
}

/** `linux/arm64/v8`; "unknown" without an operating system. */
export function formatPlatform(platform: Platform): string {
  if (!platform.os) return "unknown";
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

/** As formatPlatform, with the system's version: `windows(10.0.17763)/amd64`. */
export function formatPlatformWithVersion(platform: Platform): string {
  if (!platform.os || !platform["os.version"]) return formatPlatform(platform);
  return formatPlatform({ ...platform, os: `${platform.os}(${platform["os.version"]})` });
}

const COMPONENT = /^[A-Za-z0-9_.-]+$/;
const SYSTEM = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/;

/** Parses `--platform`: `os`, `arch`, `os/arch` or `os/arch/variant`. Errors: invalid, in containerd's words. */
export function parsePlatform(specifier: string): Platform {
  const bad = (what: string) => invalid(`${what}: invalid argument`);
  const quoted = JSON.stringify(specifier);
  if (specifier.includes("*")) throw bad(`${quoted}: wildcards not yet supported`);
  const parts = specifier.split("/");
  const [first = "", second = "", third = ""] = parts;
  const system = SYSTEM.exec(first);
  if (!system)
    throw bad(
      `${JSON.stringify(first)} is an invalid OS component of ${quoted}: OSAndVersion specifier component must match ${JSON.stringify(SYSTEM.source)}`,
    );
  for (const part of parts.slice(1, 4))
    if (!COMPONENT.test(part))
      throw bad(
        `${JSON.stringify(part)} is an invalid component of ${quoted}: platform specifier component must match ${JSON.stringify(COMPONENT.source)}`,
      );
  if (parts.length > 3) throw bad(`${quoted}: cannot parse platform specifier`);
  const os = normalizeSystem(system[1] ?? "");
  const version = system[2] ? { "os.version": system[2] } : {};
  if (parts.length === 1)
    return parseSingle(first, os, version, () => bad(`${quoted}: unknown operating system or architecture`));
  const { architecture, variant } = normalizeArchitecture(second, third);
  const shown =
    parts.length === 2 && architecture === "arm" && variant === "v7"
      ? ""
      : parts.length === 3 && architecture === "arm64" && variant === ""
        ? "v8"
        : variant;
  return { os, ...version, architecture, ...(shown && { variant: shown }) };
}

function parseSingle(word: string, os: string, version: object, unknown: () => Error): Platform {
  if (OPERATING_SYSTEMS.has(os)) return { os, ...version, architecture: hostPlatform().architecture };
  const { architecture, variant } = normalizeArchitecture(word, "");
  if (!ARCHITECTURES.has(architecture)) throw unknown();
  const shown = architecture === "arm" && variant === "v7" ? "" : variant;
  return { os: "linux", architecture, ...(shown && { variant: shown }) };
}

/** Which platforms run where `platform` does, best first (platforms.Only): linux/amd64 also runs linux/386. */
export function runnablePlatforms(platform: Platform): Platform[] {
  const own = normalizePlatform(platform);
  const { variant: level = "", ...base } = own;
  const plain = (architecture: string, variant?: string): Platform =>
    normalizePlatform({ ...base, architecture, ...(variant && { variant }) });
  const lower = (from: number, to: number, architecture: string) =>
    Array.from({ length: Math.max(0, from - to) }, (_, i) => plain(architecture, `v${from - 1 - i}`));
  const number = Number(/^v(\d+)$/.exec(level)?.[1] ?? Number.NaN);
  if (own.architecture === "amd64")
    return [own, ...(number > 1 ? lower(number, 1, "amd64") : []), plain("386")];
  if (own.architecture === "arm") return [own, ...(number > 5 ? lower(number, 5, "arm") : [])];
  if (own.architecture === "arm64") {
    const [major = 8, minor = 0] = (level || "v8").slice(1).split(".").map(Number);
    const step = (m: number, n: number) => plain("arm64", n === 0 ? `v${m}` : `v${m}.${n}`);
    const downFrom = (m: number, n: number) => Array.from({ length: n + 1 }, (_, i) => step(m, n - i));
    // An arm64/v9.n machine runs what v8.(n+5) does (Arm's architecture manual; containerd's table).
    const versions = [...downFrom(major, minor), ...(major === 9 ? downFrom(8, Math.min(minor + 5, 9)) : [])];
    return [...versions, plain("arm", "v8"), ...lower(8, 5, "arm")];
  }
  return [own];
}

const same = (a: Platform, b: Platform): boolean =>
  a.os === b.os && a.architecture === b.architecture && (a.variant ?? "") === (b.variant ?? "");

/** Whether and how well platforms suit: the smaller the rank the better, undefined: not at all. */
export interface PlatformMatcher {
  rank(platform: Platform): number | undefined;
}

/** What runs on `platform` (platforms.Only). */
export function runsOn(platform: Platform): PlatformMatcher {
  const order = runnablePlatforms(platform);
  return {
    rank: (candidate) => {
      const index = order.findIndex((runnable) => same(runnable, normalizePlatform(candidate)));
      return index < 0 ? undefined : index;
    },
  };
}

/** This platform and no lesser one (platforms.OnlyStrict). */
export function exactly(platform: Platform): PlatformMatcher {
  const wanted = normalizePlatform(platform);
  return { rank: (candidate) => (same(wanted, normalizePlatform(candidate)) ? 0 : undefined) };
}

/** The best of some things by their platforms; the first of equals. */
export function bestMatch<T>(
  things: readonly T[],
  matcher: PlatformMatcher,
  platformOf: (thing: T) => Platform | undefined,
): T | undefined {
  let best: { thing: T; rank: number } | undefined;
  for (const thing of things) {
    const platform = platformOf(thing);
    const rank = platform && matcher.rank(platform);
    if (rank !== undefined && (!best || rank < best.rank)) best = { thing, rank };
  }
  return best?.thing;
}
