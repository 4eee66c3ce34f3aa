// Platforms as people write them (containerd/platforms): `linux/arm64/v8`, `arm64`, `linux`.
import type { OCIPlatform } from "../sdk/index.ts";
import { fail } from "./framework/failure.ts";

const SYSTEMS = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos".split(
    " ",
  ),
);
const ALIASES: Record<string, { architecture: string; variant?: string }> = {
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  i386: { architecture: "386" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};
const ARCHITECTURES = new Set(
  "386 amd64 arm arm64 arm64be armbe loong64 mips mips64 mips64le mipsle ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm".split(
    " ",
  ),
);

const own = () => (process.arch === "x64" ? "amd64" : process.arch);

/** What is left out is this machine's. Throws a failure in Docker's words. */
export function parsePlatform(text: string): NonNullable<OCIPlatform> {
  const parts = text.toLowerCase().split("/");
  const bad = (why: string) => fail(`${JSON.stringify(text)}: ${why}: invalid argument`);
  if (text.includes("*")) throw bad("wildcards not yet supported");
  for (const part of parts) {
    if (!/^[a-z0-9_.-]+$/.test(part)) {
      throw fail(
        `${JSON.stringify(part)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument`,
      );
    }
  }
  const [first = "", second, third] = parts;
  if (parts.length > 3) throw bad("cannot parse platform specifier");
  if (second !== undefined) {
    const known = ALIASES[second] ?? { architecture: second };
    const variant = third ?? known.variant;
    return { os: first === "macos" ? "darwin" : first, ...known, ...(variant && { variant }) };
  }
  if (SYSTEMS.has(first)) return { os: first, architecture: own() };
  const known = ALIASES[first] ?? { architecture: first };
  if (!ARCHITECTURES.has(known.architecture)) throw bad("unknown operating system or architecture");
  return { os: "linux", ...known };
}
