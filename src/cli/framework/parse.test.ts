import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { flag, parseDuration, parseInteger } from "./flags.ts";
import { FlagError, parseFlags } from "./parse.ts";

const TABLE = {
  detach: flag.bool("", { short: "d" }),
  interactive: flag.bool("", { short: "i" }),
  tty: flag.bool("", { short: "t" }),
  rm: flag.bool(""),
  proxy: flag.bool("", { default: true }),
  name: flag.string(""),
  env: flag.list("", { short: "e" }),
  publish: flag.list("", { short: "p" }),
  last: flag.int("", { short: "n", default: -1 }),
  filter: flag.filter("", { short: "f" }),
  timeout: flag.int("", { short: "s" }),
  time: flag.int("", { deprecated: "use --timeout instead" }),
  network: flag.list(""),
  net: flag.alias("network", "network"),
};
const parse = (words: string[], stopAtFirst = true) => parseFlags(TABLE, words, { stopAtFirst });

describe("what a command line means", () => {
  const cases: [words: string[], flags: Record<string, unknown>, args: string[]][] = [
    [["-it", "busybox", "sh"], { interactive: true, tty: true }, ["busybox", "sh"]],
    [["busybox", "-it", "--rm"], {}, ["busybox", "-it", "--rm"]],
    [["--rm=false", "x"], { rm: false }, ["x"]],
    [["--proxy=false", "x"], { proxy: false }, ["x"]],
    [["-d=false", "x"], { detach: false }, ["x"]],
    [["-d=true", "x", "y"], { detach: true }, ["x", "y"]],
    [["-it=false", "x"], { interactive: true, tty: false }, ["x"]],
    [["-p80:80", "x"], { publish: ["80:80"] }, ["x"]],
    [["-p=80:80", "x"], { publish: ["80:80"] }, ["x"]],
    [["-p=", "x"], { publish: ["="] }, ["x"]],
    [["-p==", "x"], { publish: ["="] }, ["x"]],
    [["-p", "=80", "x"], { publish: ["=80"] }, ["x"]],
    [["-itp80:80", "x"], { interactive: true, tty: true, publish: ["80:80"] }, ["x"]],
    [["-eA=1", "-e", "B=2", "--env=C=3", "--env", "D", "x"], { env: ["A=1", "B=2", "C=3", "D"] }, ["x"]],
    [["--name", "--rm", "x"], { name: "--rm", rm: false }, ["x"]],
    [["--name=", "x"], { name: "" }, ["x"]],
    [["--name=a=b", "x"], { name: "a=b" }, ["x"]],
    [["--", "-it", "x"], { interactive: false }, ["-it", "x"]],
    [["x", "--", "y"], {}, ["x", "--", "y"]],
    [["x", "-d=false"], { detach: false }, ["x", "-d=false"]],
    [["-"], {}, ["-"]],
    [["-n", "5"], { last: 5 }, []],
    [["-n=0x10"], { last: 16 }, []],
    [["-f", "a=b", "--filter", "a=c", "-f", "D = e"], { filter: { a: ["b", "c"], d: ["e"] } }, []],
    [["--net", "a", "--network=b"], { network: ["a", "b"] }, []],
  ];
  for (const [words, flags, args] of cases) {
    test(JSON.stringify(words), () => {
      const parsed = parse(words);
      expect(parsed.flags).toMatchObject(flags);
      expect(parsed.args).toEqual(args);
    });
  }

  test("flags may follow arguments where the command says so", () => {
    const parsed = parse(["a", "--rm", "b", "--", "-d"], false);
    expect(parsed.args).toEqual(["a", "b", "-d"]);
    expect(parsed.flags).toMatchObject({ rm: true, detach: false });
  });

  test("a flag is known as given also with its default", () => {
    expect([...parse(["--proxy", "--net", "x"]).given]).toEqual(["proxy", "network"]);
  });

  test("a deprecated flag says so", () => {
    expect(parse(["--time", "3"]).notices).toEqual([
      "Flag --time has been deprecated, use --timeout instead",
    ]);
  });

  test("help ends the reading, and -h is help where nothing else is", () => {
    expect(parse(["--help", "--nosuch"]).help).toBe(true);
    expect(parse(["-h"]).notices).toEqual(["Flag shorthand -h has been deprecated, use --help"]);
  });
});

describe("what is wrong, in pflag's words", () => {
  const cases: [words: string[], message: string][] = [
    [["--nosuch"], "unknown flag: --nosuch"],
    [["--nosuch=x"], "unknown flag: --nosuch"],
    [["--constructor"], "unknown flag: --constructor"],
    [["-x"], "unknown shorthand flag: 'x' in -x"],
    [["-itx"], "unknown shorthand flag: 'x' in -x"],
    [["-xit"], "unknown shorthand flag: 'x' in -xit"],
    [["-d="], "unknown shorthand flag: '=' in -="],
    [["-itd="], "unknown shorthand flag: '=' in -="],
    [["--name"], "flag needs an argument: --name"],
    [["-e"], "flag needs an argument: 'e' in -e"],
    [["-ite"], "flag needs an argument: 'e' in -e"],
    [["--=x"], "bad flag syntax: --=x"],
    [["---x"], "bad flag syntax: ---x"],
    [
      ["--rm=foo"],
      'invalid argument "foo" for "--rm" flag: strconv.ParseBool: parsing "foo": invalid syntax',
    ],
    [
      ["-d=x"],
      'invalid argument "x" for "-d, --detach" flag: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    [
      ["-n", "x"],
      'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
    [["-f", "x"], 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)'],
    // The first mistake counts.
    [
      ["--rm=foo", "--nosuch"],
      'invalid argument "foo" for "--rm" flag: strconv.ParseBool: parsing "foo": invalid syntax',
    ],
  ];
  for (const [words, message] of cases) {
    test(JSON.stringify(words), () => expect(() => parse(words)).toThrow(new FlagError(message)));
  }
});

describe("values", () => {
  test("durations", () => {
    const cases = {
      "1h30m": 5400e9,
      "1.5s": 1.5e9,
      "-2ms": -2e6,
      "0": 0,
      "1m1us": 60e9 + 1000,
      ".5s": 5e8,
      "+3ns": 3,
    };
    for (const [text, nanoseconds] of Object.entries(cases)) expect(parseDuration(text)).toBe(nanoseconds);
    for (const text of ["", "x", "1", "1x", "-", "1h30", "1 s", "."])
      expect(() => parseDuration(text)).toThrow("time: ");
    expect(() => parseDuration("5")).toThrow('time: missing unit in duration "5"');
    expect(() => parseDuration("5q")).toThrow('time: unknown unit "q" in duration "5q"');
  });

  test("integers as Go's base 0 reads them", () => {
    const any = { min: -(2 ** 63), max: 2 ** 63 };
    const cases = {
      "10": 10,
      "-5": -5,
      "+5": 5,
      "0x1f": 31,
      "010": 8,
      "0o17": 15,
      "0b101": 5,
      "1_000": 1000,
      "0": 0,
    };
    for (const [text, value] of Object.entries(cases)) expect(parseInteger(text, any)).toBe(value);
    for (const text of ["", "x", "1.5", "09", "0x", "--1", "1e3"]) {
      expect(() => parseInteger(text, any)).toThrow(
        `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    }
    expect(() => parseInteger("65536", { min: 0, max: 65535 })).toThrow("value out of range");
    expect(() => parseInteger("-1", { min: 0, max: 65535 })).toThrow("invalid syntax");
  });
});

test("whatever the words, either they are parsed or the error is one for people", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "-it",
      "--name",
      "--rm=x",
      "-e",
      "--",
      "-",
      "-d=false",
      "--env=a",
      "-p=1",
      "---",
      "--=",
      "-=x",
    ),
  );
  fc.assert(
    fc.property(fc.array(word), fc.boolean(), (words, stopAtFirst) => {
      try {
        const parsed = parse(words, stopAtFirst);
        expect(parsed.args.every((arg) => words.includes(arg))).toBe(true);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(FlagError);
      }
    }),
  );
});

test("words after the first argument are the container's, untouched", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      expect(parse(["-i", "image", ...words]).args).toEqual(["image", ...words]);
    }),
  );
});
