// Functions on texts.
import type { HclFunction } from "../evaluate.ts";
import type { Value } from "../types.ts";
import { kindOf, toJson, toList, toNumber, toText } from "../values.ts";

const segments = (text: string) => Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);

/** Go's RE2 as JavaScript's: names of groups and flags at the beginning differ. */
export function patternOf(text: string, flags = "u"): RegExp {
  const [, given = "", rest = ""] = /^(?:\(\?([imsU]+)\))?([\s\S]*)$/.exec(text) ?? [];
  const source = rest.replaceAll("(?P<", "(?<").replaceAll("\\z", "$").replaceAll("\\A", "^");
  return new RegExp(source, flags + given.replace("U", ""));
}

function captured(match: RegExpMatchArray): Value {
  if (match.groups) return new Map(Object.entries(match.groups).map(([name, text]) => [name, text ?? null]));
  if (match.length > 1) return match.slice(1).map((text) => text ?? null);
  return match[0];
}

const TITLE = /(^|[^\p{L}\p{N}'])(\p{L})/gu;

export const texts: Record<string, HclFunction> = {
  chomp: (text) => toText(text ?? "").replace(/(?:\r?\n)+$/, ""),
  format: (form, ...args) => format(toText(form ?? ""), args),
  formatlist: (form, ...args) => {
    const length = Math.max(1, ...args.map((arg) => (Array.isArray(arg) ? arg.length : 1)));
    return Array.from({ length }, (_, index) =>
      format(
        toText(form ?? ""),
        args.map((arg) => (Array.isArray(arg) ? (arg[index] ?? null) : arg)),
      ),
    );
  },
  indent: (spaces, text) => toText(text ?? "").replaceAll("\n", `\n${" ".repeat(toNumber(spaces ?? 0))}`),
  join: (separator, ...lists) =>
    lists.flatMap((list) => toList(list).map(toText)).join(toText(separator ?? "")),
  lower: (text) => toText(text ?? "").toLowerCase(),
  regex: (pattern, text) => {
    const match = patternOf(toText(pattern ?? "")).exec(toText(text ?? ""));
    if (!match) throw new Error("pattern did not match any part of the given string");
    return captured(match);
  },
  regexall: (pattern, text) =>
    [...toText(text ?? "").matchAll(patternOf(toText(pattern ?? ""), "gu"))].map(captured),
  regex_replace: (text, pattern, by) =>
    toText(text ?? "").replace(
      patternOf(toText(pattern ?? ""), "gu"),
      toText(by ?? "").replace(/\$\{(\w+)\}/g, (_, name) => (/^\d+$/.test(name) ? `$${name}` : `$<${name}>`)),
    ),
  replace: (text, what, by) => toText(text ?? "").replaceAll(toText(what ?? ""), () => toText(by ?? "")),
  reverse: (text) =>
    Array.isArray(text)
      ? [...text].reverse()
      : segments(toText(text ?? ""))
          .reverse()
          .join(""),
  sanitize: (text) => toText(text ?? "").replace(/[^a-zA-Z0-9_-]/g, "_"),
  split: (separator, text) => toText(text ?? "").split(toText(separator ?? "")),
  strlen: (text) => segments(toText(text ?? "")).length,
  substr: (text, offset, length) => {
    const all = segments(toText(text ?? ""));
    const from = toNumber(offset ?? 0);
    const start = from < 0 ? Math.max(0, all.length + from) : from;
    const count = toNumber(length ?? -1);
    return all.slice(start, count < 0 ? undefined : start + count).join("");
  },
  title: (text) =>
    toText(text ?? "").replace(TITLE, (_, before: string, letter: string) => before + letter.toUpperCase()),
  trim: (text, set) => {
    const letters = new Set(toText(set ?? ""));
    const all = [...toText(text ?? "")];
    while (letters.has(all[0] ?? "\0")) all.shift();
    while (letters.has(all.at(-1) ?? "\0")) all.pop();
    return all.join("");
  },
  trimprefix: (text, prefix) => {
    const [whole, head] = [toText(text ?? ""), toText(prefix ?? "")];
    return whole.startsWith(head) ? whole.slice(head.length) : whole;
  },
  trimspace: (text) => toText(text ?? "").trim(),
  trimsuffix: (text, suffix) => {
    const [whole, tail] = [toText(text ?? ""), toText(suffix ?? "")];
    return tail !== "" && whole.endsWith(tail) ? whole.slice(0, -tail.length) : whole;
  },
  upper: (text) => toText(text ?? "").toUpperCase(),
};

/** The verbs of go-cty's format. */
function format(form: string, args: Value[]): string {
  let at = 0;
  const text = form.replace(
    /%(?:%|([-+ #0]*)(\d+)?(?:\.(\d+))?(?:\[(\d+)\])?([a-zA-Z]))/g,
    (
      whole,
      flags: string,
      width: string | undefined,
      precision: string | undefined,
      position: string | undefined,
      verb: string,
    ) => {
      if (whole === "%%") return "%";
      if (position) at = Number(position) - 1;
      if (at >= args.length)
        throw new Error(
          `not enough arguments for "${whole}" at ${at}: need index ${at} but have ${args.length} total`,
        );
      return padded(verbText(verb, args[at++] ?? null, precision, flags), flags, Number(width ?? 0), verb);
    },
  );
  if (at < args.length && !/%\[/.test(form))
    throw new Error(`too many arguments; only ${at} used by format string`);
  return text;
}

function verbText(verb: string, value: Value, precision: string | undefined, flags: string): string {
  const signed = (text: string) => (flags.includes("+") && !text.startsWith("-") ? `+${text}` : text);
  switch (verb) {
    case "v":
      if (value === null) return "null";
      return kindOf(value) === "tuple" || kindOf(value) === "object" ? toJson(value) : toText(value);
    case "s":
      return precision === undefined
        ? toText(value)
        : segments(toText(value)).slice(0, Number(precision)).join("");
    case "q":
      return JSON.stringify(toText(value));
    case "t":
      return String(value === true || value === "true");
    case "d":
      return signed(String(Math.trunc(toNumber(value))));
    case "b":
      return Math.trunc(toNumber(value)).toString(2);
    case "o":
      return Math.trunc(toNumber(value)).toString(8);
    case "x":
    case "X": {
      const digits =
        typeof value === "string"
          ? Buffer.from(value).toString("hex")
          : Math.trunc(toNumber(value)).toString(16);
      return verb === "X" ? digits.toUpperCase() : digits;
    }
    case "f":
      return signed(toNumber(value).toFixed(Number(precision ?? 6)));
    case "e":
      return signed(
        toNumber(value)
          .toExponential(Number(precision ?? 6))
          .replace(/e([+-])(\d)$/, "e$10$2"),
      );
    case "g":
      return signed(String(toNumber(value)));
  }
  throw new Error(`unsupported format verb "${verb}"`);
}

function padded(text: string, flags: string, width: number, verb: string): string {
  if (flags.includes("-")) return text.padEnd(width);
  if (!flags.includes("0") || !/[dfegbxXo]/.test(verb)) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}
