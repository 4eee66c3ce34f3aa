// Platforms whose programs run on this host besides its own: the processor's older and newer levels, and what the kernel gives to
// an emulator that every root has (binfmt_misc with the flag F, as Debian's qemu-user-static registers). Names and order are those
// that BuildKit shows (util/archutil).
import { readFileSync } from "node:fs";
import { type BinaryFormat, binaryFormats } from "../linux/binfmt.ts";
import { normalizePlatform } from "../oci/platform.ts";
import type { Platform } from "../oci/types.ts";

/** e_machine of an ELF header, its class (1: 32 bits, 2: 64) and its byte order (1: the least first), elf(5). */
const MACHINES: readonly (readonly [machine: number, elfClass: number, order: number, name: string])[] = [
  [62, 2, 1, "amd64"],
  [183, 2, 1, "arm64"],
  [243, 2, 1, "riscv64"],
  [21, 2, 2, "ppc64"],
  [21, 2, 1, "ppc64le"],
  [22, 2, 2, "s390x"],
  [3, 1, 1, "386"],
  [8, 2, 1, "mips64le"],
  [8, 2, 2, "mips64"],
  [258, 2, 1, "loong64"],
  [40, 1, 1, "arm"],
];

/** The flags of /proc/cpuinfo that each level has besides those before it (x86-64 psABI, table 3.1); not abm, which hypervisors hide. */
const LEVELS: readonly (readonly [level: string, flags: string])[] = [
  ["v2", "cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2"],
  ["v3", "avx avx2 bmi1 bmi2 f16c fma movbe xsave"],
  ["v4", "avx512f avx512bw avx512cd avx512dq avx512vl"],
];

/** Without the host's own, which is `own`. Read anew at each call: an emulator may have been installed just now. */
export function foreignPlatforms(own: Platform): Platform[] {
  const levels = own.architecture === "amd64" ? amd64Levels(readFileSync("/proc/cpuinfo", "utf8")) : [];
  const emulated = new Set(binaryFormats().flatMap((format) => emulatedArchitecture(format) ?? []));
  emulated.delete(own.architecture);
  const others = MACHINES.map(([, , , name]) => name)
    .filter((name) => emulated.has(name))
    .flatMap((architecture): Platform[] =>
      architecture === "arm"
        ? [normalizePlatform({ os: "linux", architecture }), { os: "linux", architecture, variant: "v6" }]
        : [{ os: "linux", architecture }],
    );
  return [...levels.map((variant): Platform => ({ os: "linux", architecture: "amd64", variant })), ...others];
}

/** Which architecture's programs a registration takes; undefined: none, or only where a root has the interpreter. */
export function emulatedArchitecture({ flags, magic }: BinaryFormat): string | undefined {
  if (!flags.includes("F") || !magic || magic.length < 20) return undefined;
  if (Buffer.from(magic.subarray(0, 4)).toString("latin1") !== "\x7fELF") return undefined;
  const view = new DataView(magic.buffer, magic.byteOffset, magic.byteLength);
  const [elfClass, order] = [view.getUint8(4), view.getUint8(5)];
  const machine = view.getUint16(18, order === 1);
  return MACHINES.find((each) => each[0] === machine && each[1] === elfClass && each[2] === order)?.[3];
}

/** Of the processor that /proc/cpuinfo tells of: `v2`, `v3`… as far as it goes. */
export function amd64Levels(cpuinfo: string): string[] {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  const missing = LEVELS.findIndex(([, needed]) => !needed.split(" ").every((flag) => flags.has(flag)));
  return LEVELS.slice(0, missing < 0 ? LEVELS.length : missing).map(([level]) => level);
}
