// The functions that templates can call: text/template's own (go doc text/template, "Functions") and those that
// Docker's CLI adds (docker/cli, templates package): json, split, join, title, lower, upper, pad, truncate.
import { sprintf } from "./printf.ts";
import {
  compareStrings,
  ESCAPES_HTML,
  GoFloat,
  isTrue,
  kindOf,
  NO_VALUE,
  numberOf,
  print,
  structEntries,
  TypedNil,
  typeName,
} from "./values.ts";

/** A function refused its arguments: becomes `error calling NAME: …`; ARGUMENT in it stands for the first word. */
export class CallError extends Error {}

interface TemplateFunction {
  /** Fewest and most arguments. */
  arity: [min: number, max: number];
  /** Types that Go's reflection asks for, by position; what has none takes anything. */
  takes?: readonly ("string" | "int" | "[]string")[];
  call(args: unknown[]): unknown;
}

const MANY = Number.POSITIVE_INFINITY;

const word = (apply: (text: string) => string): TemplateFunction => ({
  arity: [1, 1],
  takes: ["string"],
  call: ([value]) => apply(value as string),
});

/** encoding/json with HTML escaping off. Objects keep their order: it is the daemon's, as Go's structures have it. */
export function toJson(value: unknown): string {
  if (value instanceof TypedNil || value === NO_VALUE || value === undefined) return "null";
  const text =
    JSON.stringify(value, (_, item) =>
      item instanceof GoFloat ? item.value : item instanceof TypedNil ? null : item,
    ) ?? "null";
  const escapes = typeof value === "object" && value !== null && ESCAPES_HTML in value;
  return (escapes ? text.replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`) : text)
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

function join([elements, separator]: unknown[]): string {
  return elements instanceof TypedNil ? "" : (elements as unknown[]).map(print).join(separator as string);
}

/** Cuts bytes, as Docker's does: a character may be cut in two. */
function truncate([value, length]: unknown[]): string {
  const bytes = Buffer.from(value as string);
  if ((length as number) < 0) throw new CallError(`runtime error: slice bounds out of range [:${length}]`);
  return bytes.length < (length as number)
    ? (value as string)
    : bytes.subarray(0, length as number).toString();
}

function pad([value, before, after]: unknown[]): string {
  const text = value as string;
  if (text === "") return text;
  return " ".repeat(Math.max(0, before as number)) + text + " ".repeat(Math.max(0, after as number));
}

/** strings.Title: the first letter of each word, words ending at what is no letter, digit or underscore. */
const title = (text: string) =>
  text.replace(/(^|[^\p{L}\p{N}_])(\p{L})/gu, (_, before, letter) => before + letter.toUpperCase());

/** fmt.Sprint: a space between operands when neither is a string. */
function sprint(args: unknown[]): string {
  let out = "";
  for (const [i, arg] of args.entries()) {
    if (i > 0 && kindOf(arg) !== "string" && kindOf(args[i - 1]) !== "string") out += " ";
    out += print(arg);
  }
  return out;
}

function len([value]: unknown[]): number {
  if (value instanceof TypedNil) {
    if (value.kind === "pointer") throw new CallError("len of nil pointer");
    return 0;
  }
  switch (kindOf(value)) {
    case "string":
      return Buffer.byteLength(value as string);
    case "slice":
      return (value as unknown[]).length;
    case "map":
      return Object.keys(value as object).length;
    case "nil":
      throw new CallError("len of nil pointer");
    case "invalid":
      throw new CallError("reflect: call of reflect.Value.Type on zero Value");
    default:
      throw new CallError(`len of type ${typeName(value)}`);
  }
}

function index([value, ...keys]: unknown[]): unknown {
  if (kindOf(value) === "invalid" || (kindOf(value) === "nil" && keys.length > 0))
    throw new CallError("index of untyped nil");
  let at: unknown = value;
  for (const key of keys) at = indexOnce(at, key);
  return at;
}

function indexOnce(value: unknown, key: unknown): unknown {
  if (value === NO_VALUE || value === null) throw new CallError("index of nil pointer");
  switch (kindOf(value)) {
    case "slice":
    case "string": {
      const list =
        value instanceof TypedNil
          ? []
          : typeof value === "string"
            ? Buffer.from(value)
            : (value as unknown[]);
      return list[position(key, list.length, typeof value)];
    }
    case "map": {
      if (kindOf(key) !== "string")
        throw new CallError(
          kindOf(key) === "invalid"
            ? "value is nil; should be of type string"
            : `value has type ${typeName(key)}; should be string`,
        );
      if (value instanceof TypedNil) return value.type.endsWith("]string") ? "" : NO_VALUE;
      const map = value as Record<string, unknown>;
      if (Object.hasOwn(map, key as string)) return map[key as string];
      // The zero value of the map's element: a map of strings gives "", which labels and options are.
      return Object.values(map).every((item) => typeof item === "string") ? "" : NO_VALUE;
    }
    default:
      throw new CallError(`can't index item of type ${typeName(value)}`);
  }
}

function position(key: unknown, length: number, type: string): number {
  const kind = kindOf(key);
  if (kind === "invalid" || kind === "nil") throw new CallError("cannot index slice/array with nil");
  if (kind !== "int") throw new CallError(`cannot index slice/array with type ${typeName(key)}`);
  const at = key as number;
  // Go lets an index as large as the capacity through, and then its reflection panics.
  if (at === length)
    throw new CallError(`reflect: ${type === "string" ? "string" : "slice"} index out of range`);
  if (at < 0 || at > length) throw new CallError(`index out of range: ${at}`);
  return at;
}

function slice([value, ...bounds]: unknown[]): unknown {
  if (kindOf(value) === "invalid") throw new CallError("slice of untyped nil");
  if (bounds.length > 3) throw new CallError(`too many slice indexes: ${bounds.length}`);
  const isText = kindOf(value) === "string";
  if (isText && bounds.length === 3) throw new CallError("cannot 3-index slice a string");
  if (!isText && kindOf(value) !== "slice")
    throw new CallError(`can't slice item of type ${typeName(value)}`);
  const list = isText ? Buffer.from(value as string) : value instanceof TypedNil ? [] : (value as unknown[]);
  const [from = 0, to = list.length] = bounds.map((bound) => {
    if (kindOf(bound) !== "int") throw new CallError(`cannot index slice/array with type ${typeName(bound)}`);
    if ((bound as number) < 0 || (bound as number) > list.length)
      throw new CallError(`index out of range: ${bound}`);
    return bound as number;
  });
  if (from > to) throw new CallError(`invalid slice index: ${from} > ${to}`);
  return isText ? (list as Buffer).subarray(from, to).toString() : (list as unknown[]).slice(from, to);
}

const BASIC: ReadonlySet<string> = new Set(["bool", "string", "int", "float"]);
const isNil = (value: unknown) => ["invalid", "nil"].includes(kindOf(value)) || value instanceof TypedNil;

function equal([first, ...others]: unknown[]): boolean {
  if (others.length === 0) throw new CallError("missing argument for comparison");
  if (!isNil(first) && !BASIC.has(kindOf(first)) && kindOf(first) !== "struct")
    throw new CallError(`non-comparable type ${print(first)}: ${typeName(first)}`);
  for (const other of others) {
    if (isNil(first) || isNil(other)) {
      if (isNil(first) && isNil(other)) return true;
      continue;
    }
    if (kindOf(first) !== kindOf(other)) {
      if (BASIC.has(kindOf(first)) && BASIC.has(kindOf(other)))
        throw new CallError("incompatible types for comparison");
      throw new CallError(`non-comparable type ${print(other)}: ${typeName(other)}`);
    }
    if (
      kindOf(first) === "struct"
        ? toJson(structEntries(first as object)) === toJson(structEntries(other as object))
        : comparable(first) === comparable(other)
    )
      return true;
  }
  return false;
}

const comparable = (value: unknown) => (value instanceof GoFloat ? value.value : value);

function less([a, b]: unknown[]): boolean {
  const [kindA, kindB] = [kindOf(a), kindOf(b)];
  if (!BASIC.has(kindA)) throw new CallError("invalid type for comparison");
  if (!BASIC.has(kindB)) throw new CallError("invalid type for comparison");
  if (kindA !== kindB) throw new CallError("incompatible types for comparison");
  if (kindA === "bool") throw new CallError("invalid type for comparison");
  if (kindA === "string") return compareStrings(a as string, b as string) < 0;
  return numberOf(a) < numberOf(b);
}

const htmlEscapes: Record<string, string> = {
  "\0": "\uFFFD",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};
const html = (text: string) => text.replace(/[\0"'&<>]/g, (c) => htmlEscapes[c] ?? c);

const jsEscapes: Record<string, string> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};
const js = (text: string) =>
  text.replace(
    /[\\'"<>&=]|\p{Cc}|[\u2028\u2029]/gu,
    (c) => jsEscapes[c] ?? `\\u${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );

/** url.QueryEscape. */
const urlquery = (text: string) =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");

const escaper = (apply: (text: string) => string): TemplateFunction => ({
  arity: [0, MANY],
  call: (args) =>
    apply(
      args.length === 1 && typeof args[0] === "string"
        ? args[0]
        : sprint(args.map((a) => (kindOf(a) === "invalid" ? "<no value>" : a))),
    ),
});

/** `and` and `or` are here for their names and arity; the evaluator stops at the first that decides. */
export const FUNCTIONS: Record<string, TemplateFunction> = {
  and: { arity: [1, MANY], call: (args) => args.find((a) => !isTrue(a)) ?? args.at(-1) },
  or: { arity: [1, MANY], call: (args) => args.find(isTrue) ?? args.at(-1) },
  not: { arity: [1, 1], call: ([value]) => !isTrue(value) },
  len: { arity: [1, 1], call: len },
  index: { arity: [1, MANY], call: index },
  slice: { arity: [1, MANY], call: slice },
  print: { arity: [0, MANY], call: sprint },
  println: { arity: [0, MANY], call: (args) => `${args.map(print).join(" ")}\n` },
  printf: {
    arity: [1, MANY],
    takes: ["string"],
    call: ([format, ...args]) => sprintf(format as string, args),
  },
  html: escaper(html),
  js: escaper(js),
  urlquery: escaper(urlquery),
  call: {
    arity: [1, MANY],
    call: ([callee]) => {
      if (kindOf(callee) === "invalid" || kindOf(callee) === "nil") throw new CallError("call of nil");
      throw new CallError(`non-function ARGUMENT of type ${typeName(callee)}`);
    },
  },
  eq: { arity: [1, MANY], call: equal },
  ne: { arity: [2, 2], call: (args) => !equal(args) },
  lt: { arity: [2, 2], call: less },
  le: { arity: [2, 2], call: (args) => less(args) || equal(args) },
  gt: { arity: [2, 2], call: (args) => !(less(args) || equal(args)) },
  ge: { arity: [2, 2], call: (args) => !less(args) },
  json: { arity: [1, 1], call: ([value]) => toJson(value) },
  split: {
    arity: [2, 2],
    takes: ["string", "string"],
    call: ([text, separator]) => {
      const by = separator as string;
      return by === "" ? [...(text as string)] : (text as string).split(by);
    },
  },
  join: { arity: [2, 2], takes: ["[]string", "string"], call: join },
  title: word(title),
  lower: word((text) => text.toLowerCase()),
  upper: word((text) => text.toUpperCase()),
  pad: { arity: [3, 3], takes: ["string", "int", "int"], call: pad },
  truncate: { arity: [2, 2], takes: ["string", "int"], call: truncate },
};
