// The compiled filter, run instruction by instruction as the kernel does, beside what the rules by name say.
import { describe, expect, test } from "bun:test";
import { defaultFilter, defaultSeccomp, type SeccompContext } from "./seccomp.ts";
import { CALL_NUMBERS } from "./seccomp-numbers.ts";
import type { SeccompArgument, SeccompRule } from "./spec.ts";

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const X86_64 = 0xc000003e;
const X86 = 0x40000003;
const X32 = 0x40000000;

/** What the kernel would answer (net/core/filter.c); throws at an instruction that the compiler doesn't make. */
function answer(program: Buffer, architecture: number, number: number, args: number[] = []): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(architecture, 4);
  for (const [at, value] of args.entries()) data.writeBigUInt64LE(BigInt(value), 16 + 8 * at);
  let word = 0;
  for (let at = 0; at < program.length; at += 8) {
    const [code, constant] = [program.readUInt16LE(at), program.readUInt32LE(at + 4)];
    const jump = (holds: boolean) => {
      at += 8 * program.readUInt8(at + (holds ? 2 : 3));
    };
    if (code === 0x20) word = data.readUInt32LE(constant);
    else if (code === 0x15) jump(word === constant);
    else if (code === 0x25) jump(word > constant);
    else if (code === 0x35) jump(word >= constant);
    else if (code === 0x05) at += 8 * constant;
    else if (code === 0x54) word = (word & constant) >>> 0;
    else if (code === 0x06) return constant;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error("the program has no end");
}

const context = (more: Partial<SeccompContext> = {}): SeccompContext => ({
  architecture: "amd64",
  kernel: { major: 6, minor: 18 },
  capabilities: [],
  ...more,
});
const compiled = (more: Partial<SeccompContext> = {}) => Buffer.from(defaultFilter(context(more)), "base64");

describe("the default filter", () => {
  const plain = compiled();
  const admin = compiled({ capabilities: ["CAP_SYS_ADMIN"] });

  test.each([
    ["read", plain, X86_64, 0, [], ALLOW],
    ["fchmodat2", plain, X86_64, 452, [], ALLOW],
    ["removexattrat, the last that is known", plain, X86_64, 466, [], ALLOW],
    ["the one after it", plain, X86_64, 467, [], ENOSYS],
    ["one of a gap", plain, X86_64, 400, [], ENOSYS],
    ["the last number", plain, X86_64, 0xffffffff, [], ENOSYS],
    ["keyctl", plain, X86_64, 250, [], EPERM],
    ["mount", plain, X86_64, 165, [], EPERM],
    ["mount of who may", admin, X86_64, 165, [], ALLOW],
    ["clone3", plain, X86_64, 435, [], ENOSYS],
    ["clone3 of who may", admin, X86_64, 435, [], ALLOW],
    ["clone of a process", plain, X86_64, 56, [0x11], ALLOW],
    ["clone of a user namespace", plain, X86_64, 56, [0x10000011], EPERM],
    ["clone of one, of who may", admin, X86_64, 56, [0x10000011], ALLOW],
    ["personality: only ask", plain, X86_64, 135, [0xffffffff], ALLOW],
    ["personality: no random addresses", plain, X86_64, 135, [0x40000], EPERM],
    ["socket AF_INET", plain, X86_64, 41, [2], ALLOW],
    ["socket AF_ALG", plain, X86_64, 41, [38], EPERM],
    ["socket AF_RXRPC's neighbour", plain, X86_64, 41, [39], ALLOW],
    ["socket AF_VSOCK", plain, X86_64, 41, [40], EPERM],
    ["socket AF_VSOCK, as the kernel reads it", plain, X86_64, 41, [2 ** 32 + 40], EPERM],
    ["socket AF_XDP", plain, X86_64, 41, [44], ALLOW],
    ["mount of 32 bits", plain, X86, 21, [], EPERM],
    ["fchmodat2 of 32 bits", plain, X86, 452, [], ALLOW],
    ["read of x32", plain, X86_64, X32, [], ALLOW],
    ["rt_sigaction of x32", plain, X86_64, X32 + 512, [], ALLOW],
    ["its number on x86-64", plain, X86_64, X32 + 13, [], ENOSYS],
    ["mount of x32", plain, X86_64, X32 + 165, [], EPERM],
    ["another machine's call", plain, 0xc00000b7, 0, [], 0],
  ])("%s", (_what, program, architecture, number, args, expected) => {
    expect(answer(program, architecture, number, args).toString(16)).toBe(expected.toString(16));
  });
});

/** The rules' meaning for one call, without any compiling. */
function meant(rules: SeccompRule[], name: string | undefined, args: number[]): number {
  if (!name) return ENOSYS;
  const about = rules.filter(({ names }) => names.includes(name));
  const holds = ({ index, op, value, valueTwo = 0 }: SeccompArgument) => {
    const given = BigInt(args[index] ?? 0);
    if (op === "SCMP_CMP_MASKED_EQ") return (given & BigInt(value)) === BigInt(valueTwo);
    if (op === "SCMP_CMP_EQ") return given === BigInt(value);
    return op === "SCMP_CMP_LT" ? given < BigInt(value) : given > BigInt(value);
  };
  const rule =
    about.find(({ args: comparisons }) => !comparisons) ??
    about.find(({ args: comparisons }) => comparisons?.every(holds));
  if (rule?.action === "SCMP_ACT_ALLOW") return ALLOW;
  return 0x00050000 + (rule?.errnoRet ?? 1);
}

describe("every call", () => {
  const VALUES = [
    0, 1, 8, 37, 38, 39, 40, 41, 0x11, 0x20000, 0x20008, 0x40000, 0x10000011, 0xfffffffe, 0xffffffff,
  ];
  const capabilities = ["SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE", "SYS_NICE", "BPF"].map(
    (name) => `CAP_${name}`,
  );
  const sets = [[], capabilities, ...capabilities.map((one) => [one])];
  for (const architecture of ["amd64", "arm64"] as const)
    for (const kernel of [
      { major: 4, minor: 7 },
      { major: 6, minor: 18 },
    ])
      test(`has the meaning of the rules on ${architecture} with Linux ${kernel.major}.${kernel.minor}`, () => {
        for (const own of sets) {
          const more = { architecture, kernel, capabilities: own };
          const rules = defaultSeccomp(context(more)).syscalls ?? [];
          const conditional = new Set(rules.flatMap(({ names, args }) => (args ? names : [])));
          const program = compiled(more);
          for (const [audit, numbers] of CALL_NUMBERS[architecture]()) {
            const around = [...numbers.keys()].flatMap((number) => [number, number + 1]);
            for (const number of new Set(around)) {
              const name = numbers.get(number);
              for (const value of name && conditional.has(name) ? VALUES : [0]) {
                const got = answer(program, audit, number, [value]);
                if (got !== meant(rules, name, [value]))
                  expect({ own, number, name, value, got }).toEqual({
                    own,
                    number,
                    name,
                    value,
                    got: meant(rules, name, [value]),
                  });
              }
            }
          }
        }
      });

  test("that the profile names is in a table, but for other machines'", () => {
    const named = new Set(
      (["amd64", "arm64"] as const)
        .flatMap((each) => CALL_NUMBERS[each]())
        .flatMap(([, numbers]) => [...numbers.values()]),
    );
    const rules = (["amd64", "arm64"] as const).flatMap(
      (architecture) => defaultSeccomp(context({ architecture })).syscalls ?? [],
    );
    const missing = new Set(rules.flatMap(({ names }) => names).filter((name) => !named.has(name)));
    // RISC-V's own; and arm's name for arm_sync_file_range, which has the number.
    expect([...missing].sort()).toEqual(["riscv_hwprobe", "sync_file_range2"]);
  });

  test("has one number, and is a call of today", () => {
    for (const architecture of ["amd64", "arm64"] as const)
      for (const [, numbers] of CALL_NUMBERS[architecture]()) {
        const below = [...numbers].filter(([number]) => number < X32);
        expect(new Set(below.map(([, name]) => name)).size).toBe(below.length);
        expect(numbers.get(452)).toBe("fchmodat2");
        expect(numbers.has(467)).toBe(false);
      }
  });
});
