import { describe, expect, test } from "bun:test";
import { parseFormat } from "../linux/binfmt.ts";
import { amd64Levels, emulatedArchitecture } from "./foreign-platforms.ts";

const registered = (magic: string, flags = "PF") =>
  `enabled\ninterpreter /usr/libexec/qemu-binfmt/x\nflags: ${flags}\noffset 0\nmagic ${magic}\nmask ffffffffffffff00fffffffffffffffffeffffff\n`;

describe("a registration of binfmt_misc", () => {
  test.each([
    ["arm64", "7f454c460201010000000000000000000200b700"],
    ["arm", "7f454c46010101000000000000000000020028 00".replace(" ", "")],
    ["riscv64", "7f454c460201010000000000000000000200f300"],
    ["ppc64", "7f454c4602020100000000000000000000020015"],
    ["ppc64le", "7f454c4602010100000000000000000002001500"],
    ["s390x", "7f454c4602020100000000000000000000020016"],
    ["386", "7f454c4601010100000000000000000002000300"],
    ["loong64", "7f454c46020101000000000000000000020002 01".replace(" ", "")],
    // mipsn32el, sparc, a jar
    [undefined, "7f454c4601010100000000000000000002000800"],
    [undefined, "7f454c4601020100000000000000000000020002"],
    [undefined, "504b0304"],
  ])("is known by its magic: %p, %s", (name, magic) => {
    const format = parseFormat(registered(magic));
    expect(format).toBeDefined();
    expect(format && emulatedArchitecture(format)).toBe(name);
  });

  test("without the flag F counts for nothing: a step's root has no interpreter", () => {
    const format = parseFormat(registered("7f454c460201010000000000000000000200b700", "OCP"));
    expect(format && emulatedArchitecture(format)).toBeUndefined();
  });

  test.each([
    registered("7f454c460201010000000000000000000200b700").replace("enabled", "disabled"),
    "",
    "enabled\n",
  ])("that is off is none: %j", (text) => {
    expect(parseFormat(text)).toBeUndefined();
  });

  test("by a name's ending has no magic", () => {
    const text = "enabled\ninterpreter /usr/bin/wine\nflags: F\nextension .exe\n";
    expect(parseFormat(text)).toEqual({ interpreter: "/usr/bin/wine", flags: "F", magic: undefined });
  });
});

const V2 = "fpu cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2";
const V3 = `${V2} avx avx2 bmi1 bmi2 f16c fma movbe xsave`;

test.each([
  ["fpu", []],
  [V2, ["v2"]],
  [V3, ["v2", "v3"]],
  [`${V3} avx512f avx512bw avx512cd avx512dq avx512vl`, ["v2", "v3", "v4"]],
  // A level without the one before it is none.
  [`${V2} avx512f avx512bw avx512cd avx512dq avx512vl`, ["v2"]],
])("a processor with %s", (flags, levels) => {
  expect(amd64Levels(`processor\t: 0\nflags\t\t: ${flags}\nbugs\t\t:\n`)).toEqual(levels);
});
