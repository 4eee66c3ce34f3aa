// Go's fmt.Sprintf for what templates meet (go doc fmt, "Printing", "Format errors").
import { quote } from "./quoting.ts";
import {
  formatFloat,
  GoFloat,
  kindOf,
  mapEntries,
  numberOf,
  print,
  structEntries,
  TypedNil,
  typeName,
} from "./values.ts";

interface Flags {
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width?: number;
  precision?: number;
}

const DIRECTIVE = /%([+\-# 0]*)(\[\d+\])?(\*|\d+)?(?:(\.)(\[\d+\])?(\*|\d+)?)?(\[\d+\])?(.?)/gsu;

export function sprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  let reordered = false;
  const jump = (index: string | undefined) => {
    if (!index) return;
    reordered = true;
    next = Number(index.slice(1, -1)) - 1;
  };
  const size = (text: string | undefined): number | undefined => {
    if (text !== "*") return text === undefined ? undefined : Number(text);
    const value = args[next++];
    return kindOf(value) === "int" ? Number(value) : undefined;
  };
  const out = format.replace(DIRECTIVE, (_, set, index1, width, dot, index2, precision, index3, verb) => {
    if (verb === "%") return "%";
    jump(index1);
    const flags: Flags = {
      plus: set.includes("+"),
      minus: set.includes("-"),
      sharp: set.includes("#"),
      space: set.includes(" "),
      zero: set.includes("0") && !set.includes("-"),
      width: size(width),
    };
    jump(index2);
    if (dot) flags.precision = size(precision) ?? 0;
    jump(index3);
    if (flags.width !== undefined && flags.width < 0)
      Object.assign(flags, { minus: true, zero: false, width: -flags.width });
    if (verb === "") return "%!(NOVERB)";
    if (next < 0 || (reordered && next >= args.length)) return `%!${verb}(BADINDEX)`;
    if (next >= args.length) return `%!${verb}(MISSING)`;
    return formatVerb(verb, flags, args[next++]);
  });
  if (reordered || next >= args.length) return out;
  const extra = args
    .slice(next)
    .map((arg) =>
      kindOf(arg) === "nil" || kindOf(arg) === "invalid" ? "<nil>" : `${typeName(arg)}=${print(arg)}`,
    );
  return `${out}%!(EXTRA ${extra.join(", ")})`;
}

function pad(text: string, flags: Flags, zero = flags.zero): string {
  const missing = (flags.width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  if (flags.minus) return text + " ".repeat(missing);
  if (!zero) return " ".repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

function bad(verb: string, value: unknown): string {
  const kind = kindOf(value);
  if (kind === "nil" || kind === "invalid") return `%!${verb}(<nil>)`;
  return `%!${verb}(${typeName(value)}=${print(value)})`;
}

function formatVerb(verb: string, flags: Flags, value: unknown): string {
  if (verb === "T") return pad(typeName(value), flags, false);
  const kind = kindOf(value);
  if (kind === "nil" || kind === "invalid") {
    if (verb === "v" && !(value instanceof TypedNil && flags.sharp)) return pad("<nil>", flags, false);
    return bad(verb, value);
  }
  if (value instanceof TypedNil)
    return verb === "v" || verb === "s" ? pad(print(value), flags, false) : bad(verb, value);
  switch (kind) {
    case "bool":
      return verb === "t" || verb === "v" ? pad(String(value), flags, false) : bad(verb, value);
    case "string":
      return formatString(verb, flags, value as string);
    case "int":
      return formatInteger(verb, flags, value as number | bigint);
    case "float":
      return formatFloating(verb, flags, value);
    case "slice":
    case "map":
    case "struct":
      return formatComposite(verb, flags, value as object);
    default:
      return bad(verb, value);
  }
}

function formatString(verb: string, flags: Flags, text: string): string {
  const cut = flags.precision === undefined ? text : [...text].slice(0, flags.precision).join("");
  switch (verb) {
    case "v":
      return flags.sharp ? pad(quote(text), flags, false) : pad(cut, flags);
    case "s":
      return pad(cut, flags);
    case "q":
      return pad(flags.sharp && !/[`\p{Cc}]/u.test(cut) ? `\`${cut}\`` : quote(cut), flags, false);
    case "x":
    case "X": {
      const hex = Buffer.from(text).subarray(0, flags.precision).toString("hex");
      return pad((flags.sharp ? "0x" : "") + (verb === "X" ? hex.toUpperCase() : hex), flags, false);
    }
    default:
      return bad(verb, text);
  }
}

const RADIX: Record<string, [number, string]> = {
  b: [2, "0b"],
  o: [8, "0"],
  O: [8, "0o"],
  x: [16, "0x"],
  X: [16, "0X"],
  d: [10, ""],
  v: [10, ""],
};

function formatInteger(verb: string, flags: Flags, value: number | bigint): string {
  if (verb === "c") return pad(String.fromCodePoint(Number(value)), flags, false);
  if (verb === "q") return pad(`'${String.fromCodePoint(Number(value))}'`, flags, false);
  if (verb === "U") return pad(`U+${value.toString(16).toUpperCase().padStart(4, "0")}`, flags, false);
  const radix = RADIX[verb];
  if (!radix) return bad(verb, value);
  let digits = value.toString(radix[0]).replace("-", "");
  if (verb === "X") digits = digits.toUpperCase();
  if (flags.precision !== undefined) digits = digits.padStart(flags.precision, "0");
  const prefix = (flags.sharp && verb !== "v") || verb === "O" ? radix[1] : "";
  const sign = value < 0 ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  return pad(sign + prefix + digits, flags, flags.zero && flags.precision === undefined);
}

function formatFloating(verb: string, flags: Flags, value: unknown): string {
  const number = numberOf(value);
  const text = floatText(verb, flags, number);
  if (text === undefined) return bad(verb, value instanceof GoFloat ? value : number);
  const sign = number < 0 || text.startsWith("-") ? "" : flags.plus ? "+" : flags.space ? " " : "";
  return pad(sign + text, flags, flags.zero && Number.isFinite(number));
}

const exponentForm = (text: string) => text.replace(/e([+-])(\d)$/, "e$10$2");

function floatText(verb: string, flags: Flags, number: number): string | undefined {
  if (!Number.isFinite(number) && "vgGfFeE".includes(verb)) return formatFloat(number);
  switch (verb) {
    case "f":
    case "F":
      return number.toFixed(flags.precision ?? 6);
    case "e":
    case "E": {
      const text = exponentForm(number.toExponential(flags.precision ?? 6));
      return verb === "E" ? text.toUpperCase() : text;
    }
    case "v":
    case "g":
    case "G": {
      const text =
        flags.precision === undefined ? formatFloat(number) : generalForm(number, flags.precision || 1);
      return verb === "G" ? text.toUpperCase() : text;
    }
    default:
      return undefined;
  }
}

/** %g with a precision: significant digits, trailing zeros dropped, exponent below -4 or from the precision on. */
function generalForm(number: number, digits: number): string {
  const exponent = Number(number.toExponential(digits - 1).split("e")[1]);
  if (exponent < -4 || exponent >= digits) {
    const [mantissa = "", power = ""] = number.toExponential(digits - 1).split("e");
    return exponentForm(`${mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa}e${power}`);
  }
  const text = number.toFixed(Math.max(0, digits - 1 - exponent));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function formatComposite(verb: string, flags: Flags, value: object): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => formatVerb(verb, flags, item));
    return flags.sharp && verb === "v" ? `${typeName(value)}{${items.join(", ")}}` : `[${items.join(" ")}]`;
  }
  if (kindOf(value) === "struct") {
    const fields = structEntries(value).map(
      ([name, item]) =>
        (flags.plus || (flags.sharp && verb === "v") ? `${name}:` : "") +
        formatVerb(verb, { ...flags, plus: false }, item),
    );
    return flags.sharp && verb === "v" ? `${typeName(value)}{${fields.join(", ")}}` : `{${fields.join(" ")}}`;
  }
  const entries = mapEntries(value).map(
    ([key, item]) => `${formatVerb(verb, flags, key)}:${formatVerb(verb, flags, item)}`,
  );
  return flags.sharp && verb === "v"
    ? `${typeName(value)}{${entries.join(", ")}}`
    : `map[${entries.join(" ")}]`;
}
