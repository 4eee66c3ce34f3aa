// How a profile's conditions are evaluated; the default profile as a whole is held against a peer's in test/bundle.
import { describe, expect, test } from "bun:test";
import { customSeccomp, defaultSeccomp, type SeccompContext } from "./seccomp.ts";
import type { Seccomp } from "./spec.ts";

const context: SeccompContext = { architecture: "amd64", kernel: { major: 6, minor: 1 }, capabilities: [] };
const rulesOf = (seccomp: Seccomp | undefined, name: string) =>
  (seccomp?.syscalls ?? []).filter(({ names }) => names.includes(name));

describe("the default profile", () => {
  const cases: [call: string, change: Partial<SeccompContext>, allowed: boolean][] = [
    ["read", {}, true],
    ["keyctl", {}, false],
    ["add_key", { capabilities: ["CAP_SYS_ADMIN"] }, false],
    ["mount", {}, false],
    ["mount", { capabilities: ["CAP_SYS_ADMIN"] }, true],
    ["unshare", {}, false],
    ["chroot", { capabilities: ["CAP_SYS_CHROOT"] }, true],
    ["bpf", {}, false],
    ["bpf", { capabilities: ["CAP_BPF"] }, true],
    ["ptrace", {}, true],
    ["ptrace", { kernel: { major: 4, minor: 7 } }, false],
    ["ptrace", { kernel: { major: 4, minor: 7 }, capabilities: ["CAP_SYS_PTRACE"] }, true],
    ["arch_prctl", {}, true],
    ["arch_prctl", { architecture: "arm64" }, false],
    ["set_tls", { architecture: "arm64" }, true],
    ["set_tls", {}, false],
    ["io_uring_setup", { capabilities: ["CAP_SYS_ADMIN"] }, false],
  ];
  for (const [call, change, allowed] of cases)
    test(`${allowed ? "allows" : "refuses"} ${call} ${JSON.stringify(change)}`, () => {
      const rules = rulesOf(defaultSeccomp({ ...context, ...change }), call);
      expect(rules.some(({ action }) => action === "SCMP_ACT_ALLOW")).toBe(allowed);
    });

  test("lets clone make no namespaces, and says of clone3 that there is none", () => {
    const seccomp = defaultSeccomp(context);
    expect(rulesOf(seccomp, "clone").map(({ args }) => args)).toEqual([
      [{ index: 0, value: 0x7e020000, op: "SCMP_CMP_MASKED_EQ" }],
    ]);
    expect(rulesOf(seccomp, "clone3")).toEqual([
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
    ]);
    const admin = defaultSeccomp({ ...context, capabilities: ["CAP_SYS_ADMIN"] });
    expect(rulesOf(admin, "clone3").map(({ action }) => action)).toEqual(["SCMP_ACT_ALLOW"]);
  });

  test("names the architectures whose programs run here", () => {
    expect(defaultSeccomp(context).architectures).toEqual([
      "SCMP_ARCH_X86_64",
      "SCMP_ARCH_X86",
      "SCMP_ARCH_X32",
    ]);
    expect(defaultSeccomp({ ...context, architecture: "arm64" }).architectures).toEqual([
      "SCMP_ARCH_AARCH64",
      "SCMP_ARCH_ARM",
    ]);
  });
});

describe("a user's profile", () => {
  const profile = (body: object) =>
    customSeccomp(JSON.stringify({ defaultAction: "SCMP_ACT_ERRNO", ...body }), context);
  const rule = (condition: object) =>
    rulesOf(profile({ syscalls: [{ names: ["x"], action: "SCMP_ACT_ALLOW", ...condition }] }), "x").length ===
    1;

  test("that says nothing is no filter", () => {
    expect(customSeccomp("{}", context)).toBeUndefined();
  });
  test("has conditions on kernel, architecture and capabilities", () => {
    expect(rule({ includes: { minKernel: "6.1" } })).toBe(true);
    expect(rule({ includes: { minKernel: "6.2" } })).toBe(false);
    expect(rule({ excludes: { minKernel: "6.1" } })).toBe(false);
    expect(rule({ includes: { arches: ["arm64"] } })).toBe(false);
    expect(rule({ excludes: { arches: ["amd64"] } })).toBe(false);
    expect(rule({ includes: { caps: ["CAP_KILL"] } })).toBe(false);
    expect(rule({ excludes: { caps: ["CAP_KILL"] } })).toBe(true);
    expect(rule({ includes: {}, excludes: { caps: [] } })).toBe(true);
  });
  test("keeps numbers of 64 bits whole", () => {
    const text =
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["x"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}]}';
    expect(rulesOf(customSeccomp(text, context), "x")[0]?.args?.[0]?.value).toBe(2n ** 64n - 1n);
  });
  test("that is broken is refused", () => {
    for (const text of [
      "",
      "{",
      "[]",
      '{"syscalls":5}',
      '{"syscalls":[{"names":"x"}]}',
      '{"syscalls":[{"names":["x"],"includes":{"minKernel":"six"}}]}',
    ])
      expect(() => customSeccomp(text, context)).toThrow("Decoding seccomp profile failed");
  });
});
