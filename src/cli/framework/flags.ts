// A command's flags as a table: kinds of values, how a text becomes one, and what a wrong text is called. The
// texts are those of Go's strconv and spf13/pflag, which people's scripts and fingers know.
import { goBoolean, notGoBoolean } from "../../base/go-boolean.ts";
import { parseCsvLine } from "./csv.ts";

/** One flag. `T` is what the command gets; repeating the flag calls `set` again with what is there. */
export interface Flag<T> {
  /** The value's name in the help text; empty for a switch. */
  readonly type: string;
  readonly usage: string;
  readonly short?: string;
  readonly hidden?: boolean;
  /** Docker's client has no such flag. */
  readonly ours?: boolean;
  /** Another spelling of that flag: its value is stored there. */
  readonly aliasOf?: string;
  /** Printed when it is used: `Flag --time has been deprecated, use --timeout instead`. */
  readonly deprecated?: string;
  /** The API version that brought it. */
  readonly since?: string;
  /** Only a daemon on that system understands it. */
  readonly onlyOn?: string;
  readonly initial: T;
  /** Throws an Error whose message says what is wrong with the text. */
  set(text: string, before: T): T;
}

export type FlagTable = Record<string, Flag<unknown>>;
export type FlagValues<F extends FlagTable> = { [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

export interface FlagOptions<T = unknown> {
  short?: string;
  default?: T;
  hidden?: boolean;
  ours?: boolean;
  deprecated?: string;
  since?: string;
  onlyOn?: string;
}

/** A value that exactly its last use decides. */
function single<T>(type: string, initial: T, parse: (text: string) => T) {
  return (usage: string, options: FlagOptions<T> = {}): Flag<T> => {
    const { default: preset, ...rest } = options;
    return { type, usage, ...rest, initial: preset ?? initial, set: (text) => parse(text) };
  };
}

/** A value that each use adds one to. `check` may also rewrite it. */
function repeated<T>(type: string, check: (text: string) => T) {
  return (usage: string, options: FlagOptions<T[]> = {}): Flag<T[]> => {
    const { default: preset, ...rest } = options;
    return { type, usage, ...rest, initial: preset ?? [], set: (text, before) => [...before, check(text)] };
  };
}

const asIs = (text: string) => text;

export const flag = {
  bool: single("", false, parseBool),
  string: single("string", "", asIs),
  int: single("int", 0, (text) => parseInteger(text, { min: -(2 ** 63), max: 2 ** 63 })),
  uint16: single("uint16", 0, (text) => parseInteger(text, { min: 0, max: 65535 })),
  /** Nanoseconds. */
  duration: single("duration", 0, parseDuration),
  list: repeated("list", asIs),
  /** Comma-separated values, quoted where they hold a comma; each use adds its own. */
  strings: (usage: string, options: FlagOptions<string[]> = {}): Flag<string[]> => ({
    type: "strings",
    usage,
    ...options,
    initial: options.default ?? [],
    set: (text, before) => [...before, ...(text === "" ? [] : parseCsvLine(text))],
  }),
  map: (
    usage: string,
    options: FlagOptions<Record<string, string>> & { check?: (text: string) => string } = {},
  ): Flag<Record<string, string>> => ({
    type: "map",
    usage,
    short: options.short,
    since: options.since,
    initial: {},
    set(text, before) {
      const checked = options.check ? options.check(text) : text;
      const [key, value] = cut(checked, "=");
      return { ...before, [key]: value ?? "" };
    },
  }),
  filter: (usage: string, options: FlagOptions = {}): Flag<Record<string, string[]>> => ({
    type: "filter",
    usage,
    short: options.short,
    since: options.since,
    initial: {},
    set: addFilter,
  }),
  /** A kind of value of its own, decided by its last use. */
  of: <T>(type: string, initial: T, parse: (text: string) => T) => single(type, initial, parse),
  /** A kind of value of its own, a list of which its uses make. */
  listOf: <T>(type: string, parse: (text: string) => T) => repeated(type, parse),
  /** A hidden second spelling. */
  alias: (aliasOf: string, type: string): Flag<unknown> => ({
    type,
    usage: "",
    hidden: true,
    aliasOf,
    initial: undefined,
    set: (text) => text,
  }),
};

/** The text before and after the first separator; undefined where there is none. */
export function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

export function parseBool(text: string): boolean {
  const truth = goBoolean(text);
  if (truth === undefined) throw new Error(notGoBoolean(text));
  return truth;
}

/** Decimal, hexadecimal, octal or binary as Go's base 0 reads them (`0x1f`, `0o17`, `017`, `0b1`, `1_000`). */
export function parseInteger(text: string, range: { min: number; max: number }): number {
  const parser = range.min < 0 ? "ParseInt" : "ParseUint";
  const bad = (why: string) => new Error(`strconv.${parser}: parsing ${JSON.stringify(text)}: ${why}`);
  const match = /^([+-]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$/.exec(text);
  if (!match?.[2] || (range.min === 0 && match[1])) throw bad("invalid syntax");
  const digits = match[2].replaceAll("_", "").replace(/^0(?=[0-7])/, "0o");
  const value = Number(digits) * (match[1] === "-" ? -1 : 1);
  if (value < range.min || value > range.max) throw bad("value out of range");
  return value;
}

const NANOSECONDS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's time.ParseDuration: `1h30m`, `1.5s`, `-2ms`; in nanoseconds. */
export function parseDuration(text: string): number {
  const unsigned = text.replace(/^[+-]/, "");
  const sign = text.startsWith("-") ? -1 : 1;
  if (unsigned === "0") return 0;
  const invalid = () => new Error(`time: invalid duration ${JSON.stringify(text)}`);
  let rest = unsigned;
  let total = 0;
  if (!rest) throw invalid();
  while (rest) {
    const match = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (!match) throw invalid();
    const [whole, amount = "", unit = ""] = match;
    if (!unit) throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`);
    const size = NANOSECONDS[unit];
    if (!size)
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    total += Number(amount) * size;
    rest = rest.slice(whole.length);
  }
  return sign * Math.trunc(total);
}

function addFilter(text: string, before: Record<string, string[]>): Record<string, string[]> {
  if (text === "") return before;
  const [rawName, rawValue] = cut(text, "=");
  if (rawValue === undefined) throw new Error("bad format of filter (expected name=value)");
  const name = rawName.trim().toLowerCase();
  const value = rawValue.trim();
  const values = before[name] ?? [];
  return { ...before, [name]: values.includes(value) ? values : [...values, value] };
}
