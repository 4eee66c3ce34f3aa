// JSON bodies, read as Go's encoding/json reads them into moby's structs: unknown fields are ignored, null means absent,
// names match in any case, and a value of another type is refused with Go's words.
import { invalid } from "../base/errors.ts";
import { GO_TYPES } from "./go-types.ts";
import { BODIES, DEFINITIONS } from "./schemas.ts";

export type Schema =
  | "string"
  | "boolean"
  | "integer"
  | "number"
  /** A list of texts, or one text alone (Go's StrSlice). */
  | "texts"
  | "any"
  | { list: Schema }
  | { map: Schema }
  | { fields: Record<string, Schema> }
  | { ref: string };

/** Decodes the text of an operation's body. Empty: undefined; `null`: nothing in it. Errors: invalid, worded as moby's ReadJSON. */
export function decodeBody(operation: string, text: string): unknown {
  if (text.trim() === "") return undefined;
  const value = parseJson(text);
  const body = BODIES[operation];
  if (!body) return value;
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw invalid(`invalid JSON: json: cannot unmarshal ${kindOf(value)} into Go value of type ${body.name}`);
  // The create request's fields are those of a struct inside it, which Go leaves out of the path.
  const struct = operation === "ContainerCreate" ? "" : body.name.slice(body.name.indexOf(".") + 1);
  return fieldsOf(value as Record<string, unknown>, body.fields, { path: struct, place: [""] });
}

/** Parses JSON. Errors: invalid "invalid JSON: …" as Go words the commonest. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(describe(text), error);
  }
}

function describe(text: string): string {
  const trimmed = text.trimStart();
  const end = endOfValue(trimmed);
  if (end === "unfinished") return "invalid JSON: unexpected EOF";
  if (typeof end === "number" && isJson(trimmed.slice(0, end))) return "unexpected content after JSON";
  const first = trimmed.charAt(0);
  if (!/[[{"tfn\d-]/.test(first))
    return `invalid JSON: invalid character ${quote(first)} looking for beginning of value`;
  return "invalid JSON: the text is not JSON";
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Where the object, list or text at the start closes: an index, "unfinished", or undefined for other values. */
function endOfValue(text: string): number | "unfinished" | undefined {
  if (!/^[[{"]/.test(text)) return /^\S+(?=\s)/.exec(text)?.[0].length;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    if (depth === 0 && !quoted) return at + 1;
  }
  return "unfinished";
}

/** A character as Go's error quotes it. */
function quote(char: string): string {
  if (char === "'") return "'\\''";
  const code = char.codePointAt(0) ?? 0;
  if (code === 0xfffd || code < 32)
    return `'\\x${(code === 0xfffd ? 0xff : code).toString(16).padStart(2, "0")}'`;
  return `'${char}'`;
}

/** Where a value is: as Go words it, and as GO_TYPES has it, by the names of fields. */
interface Place {
  path: string;
  place: string[];
  /** An item of a list: Go has other words then. */
  item?: boolean;
}

const field = ({ path, place }: Place, name: string): Place => ({
  path: `${path}.${name}`,
  place: [...place, name],
});
const within = ({ path, place }: Place, name: string, sign: "[]" | "{}"): Place => ({
  path: `${path}.${name.replaceAll("~", "~0").replaceAll("/", "~1")}`,
  place: [...place.slice(0, -1), `${place.at(-1)}${sign}`],
  item: sign === "[]",
});

function fieldsOf(
  value: Record<string, unknown>,
  fields: Record<string, Schema>,
  at: Place,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  let lower: Map<string, string> | undefined;
  for (const [given, item] of Object.entries(value)) {
    let name: string | undefined = Object.hasOwn(fields, given) ? given : undefined;
    if (name === undefined) {
      lower ??= new Map(Object.keys(fields).map((field) => [field.toLowerCase(), field]));
      name = lower.get(given.toLowerCase());
      if (name === undefined) continue;
    }
    if (item === null) continue;
    result[name] = decode(item, fields[name] ?? "any", field(at, name));
  }
  return result;
}

function decode(value: unknown, schema: Schema, at: Place): unknown {
  const wrong = (what = kindOf(value)) =>
    invalid(
      `invalid JSON: json: cannot unmarshal ${what} into ${at.item ? "" : "Go struct field "}${at.path} of type ` +
        (GO_TYPES[at.place.slice(-2).join(".")] ?? goType(schema)),
    );
  switch (schema) {
    case "any":
      return value;
    case "string":
    case "boolean":
    case "number":
      if (typeof value !== schema) throw wrong();
      return value;
    case "integer":
      if (typeof value !== "number") throw wrong();
      if (!Number.isInteger(value) || Math.abs(value) > 2 ** 63) throw wrong(`number ${value}`);
      return value;
    case "texts":
      return textsOf(value);
  }
  if ("ref" in schema) return decode(value, DEFINITIONS[schema.ref] ?? "any", at);
  if ("list" in schema) {
    if (!Array.isArray(value)) throw wrong();
    return value.map((item, index) =>
      item === null ? zero(schema.list) : decode(item, schema.list, within(at, String(index), "[]")),
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong();
  if ("fields" in schema) return fieldsOf(value as Record<string, unknown>, schema.fields, at);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      item === null ? zero(schema.map) : decode(item, schema.map, within(at, name, "{}")),
    ]),
  );
}

/** Go tries a list of texts first and one text then; the words are of the second try. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.every((item) => item === null || typeof item === "string"))
    return value.map((item) => item ?? "");
  throw invalid(`invalid JSON: json: cannot unmarshal ${kindOf(value)} into Go value of type string`);
}

/** What Go has for null inside a list or a map. */
function zero(schema: Schema): unknown {
  switch (schema) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "integer":
    case "number":
      return 0;
    case "any":
      return {};
    case "texts":
      return [];
  }
  return "list" in schema ? [] : {};
}

function goType(schema: Schema): string {
  switch (schema) {
    case "boolean":
      return "bool";
    case "integer":
      return "int64";
    case "number":
      return "float64";
    case "texts":
      return "[]string";
    case "any":
      return "struct {}";
    case "string":
      return "string";
  }
  if ("list" in schema) return `[]${goType(schema.list)}`;
  if ("map" in schema) return `map[string]${goType(schema.map)}`;
  return "ref" in schema ? schema.ref : "struct";
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}
