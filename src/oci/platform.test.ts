// Platforms, as containerd/platforms parses, normalises and matches them.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  bestMatch,
  exactly,
  formatPlatform,
  formatPlatformWithVersion,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
  runnablePlatforms,
  runsOn,
} from "./platform.ts";

const own = hostPlatform().architecture;

describe("parsing", () => {
  test.each([
    ["linux", `linux/${own}`],
    ["windows", `windows/${own}`],
    ["macos", `darwin/${own}`],
    ["amd64", "linux/amd64"],
    ["x86_64", "linux/amd64"],
    ["i386", "linux/386"],
    ["arm", "linux/arm"],
    ["armhf", "linux/arm"],
    ["armel", "linux/arm/v6"],
    ["aarch64", "linux/arm64"],
    ["linux/arm", "linux/arm"],
    ["linux/arm/v7", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/arm64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64/v8"],
    ["linux/AMD64/v1", "linux/amd64"],
    ["Linux/amd64/v3", "linux/amd64/v3"],
    ["freebsd/riscv64", "freebsd/riscv64"],
    ["windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"],
    ["linux/made-up", "linux/made-up"],
  ])("%s is %s", (text, expected) => {
    expect(formatPlatformWithVersion(parsePlatform(text))).toBe(expected);
  });

  test.each([
    ["", "invalid OS component"],
    ["nonsense", "unknown operating system or architecture: invalid argument"],
    ["linux/*", "wildcards not yet supported: invalid argument"],
    ["linux/a b", "platform specifier component must match"],
    ["linux/amd64/v1/x", "cannot parse platform specifier: invalid argument"],
    ["linux//", "platform specifier component must match"],
  ])("%j is refused", (text, message) => {
    expect(() => parsePlatform(text)).toThrow(message);
  });
});

test("a platform without a system is unknown", () => {
  expect(formatPlatform({ os: "", architecture: "amd64" })).toBe("unknown");
});

describe("what runs where, best first", () => {
  test.each([
    ["linux/amd64", "linux/amd64 linux/386"],
    ["linux/amd64/v3", "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386"],
    ["linux/arm/v7", "linux/arm/v7 linux/arm/v6 linux/arm/v5"],
    ["linux/arm64", "linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5"],
    [
      "linux/arm64/v8.2",
      "linux/arm64/v8.2 linux/arm64/v8.1 linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5",
    ],
    [
      "linux/arm64/v9",
      "linux/arm64/v9 linux/arm64/v8.5 linux/arm64/v8.4 linux/arm64/v8.3 linux/arm64/v8.2 linux/arm64/v8.1 linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5",
    ],
    ["linux/s390x", "linux/s390x"],
  ])("%s", (text, expected) => {
    expect(runnablePlatforms(parsePlatform(text)).map(formatPlatform).join(" ")).toBe(expected);
  });
});

describe("choosing", () => {
  const choose = (host: string, ...offered: string[]) =>
    bestMatch(offered, runsOn(parsePlatform(host)), (text) => parsePlatform(text));
  test("the platform itself comes before lesser ones, whatever the order", () => {
    expect(choose("linux/amd64", "linux/386", "linux/amd64")).toBe("linux/amd64");
    expect(choose("linux/arm64", "linux/arm/v7", "linux/arm64/v8")).toBe("linux/arm64/v8");
    expect(choose("linux/arm/v7", "linux/arm/v5", "linux/arm/v6")).toBe("linux/arm/v6");
  });
  test("nothing of another kind is taken", () => {
    expect(choose("linux/amd64", "linux/arm64", "windows/amd64")).toBeUndefined();
    expect(choose("linux/amd64", "linux/amd64/v3")).toBeUndefined();
  });
  test("exactly means no lesser one, in any spelling", () => {
    const matcher = exactly(parsePlatform("linux/arm64"));
    expect(matcher.rank({ os: "linux", architecture: "aarch64", variant: "8" })).toBe(0);
    expect(matcher.rank({ os: "linux", architecture: "arm", variant: "v7" })).toBeUndefined();
  });
});

test("normalising twice is normalising once", () => {
  const text = fc.constantFrom("", "v1", "v8", "8", "v7", "7", "v9", "9.0", "X");
  const architecture = fc.constantFrom(
    "amd64",
    "x86_64",
    "AARCH64",
    "arm",
    "armhf",
    "armel",
    "i386",
    "riscv64",
  );
  fc.assert(
    fc.property(architecture, text, (arch, variant) => {
      const once = normalizePlatform({ os: "Linux", architecture: arch, variant });
      expect(normalizePlatform(once)).toEqual(once);
    }),
  );
});
