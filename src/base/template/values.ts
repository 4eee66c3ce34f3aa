// JSON data seen as Go sees it: kinds, type names, truth, and how values print. A number that is whole is an int
// here: over JSON, Docker's typed structures and a template's own literals agree on that. Data can say more of
// itself: `structOf` marks an object as a Go structure (field order, printed as {…}), `TypedNil` is the nil of a
// slice, map or pointer, each of which prints differently.

/** What reflect calls the invalid value: a missing key; it prints as <no value>. */
export const NO_VALUE = Symbol("no value");

/** A float64 that happens to be whole (a literal such as 1.0, or a sum of such). */
export class GoFloat {
  constructor(readonly value: number) {}
}

/** A value with a String method: printed as its text, in JSON what it is made of. */
export class Stringer {
  constructor(
    readonly text: string,
    private readonly json: unknown,
  ) {}
  toString(): string {
    return this.text;
  }
  toJSON(): unknown {
    return this.json;
  }
}

/** Marks what Go marshals by itself, with `<`, `>` and `&` escaped: the rows of Docker's lists. */
export const ESCAPES_HTML = Symbol("escapes HTML");

export class TypedNil {
  constructor(
    readonly kind: "slice" | "map" | "pointer",
    readonly type: string,
  ) {}
}

const STRUCT = Symbol("Go structure");
interface StructMark {
  type: string;
  fields: readonly string[];
  methods: Record<string, FieldMethods>;
}

/** What the type of a field that is a text has of methods without arguments: `.HostConfig.NetworkMode.IsHost`. */
export type FieldMethods = Record<string, (text: string) => unknown>;

/** Marks an object as a Go structure of the named type with its fields in order. */
export function structOf<T extends object>(
  value: T,
  type: string,
  fields: readonly string[] = Object.keys(value),
  methods: StructMark["methods"] = {},
): T {
  Object.defineProperty(value, STRUCT, {
    value: { type, fields, methods } satisfies StructMark,
    enumerable: false,
  });
  return value;
}

/** What `.field.method` of a structure gives; undefined when the field's type has no such method. */
export function callFieldMethod(
  owner: unknown,
  field: string,
  method: string,
): { value: unknown } | undefined {
  if (typeof owner !== "object" || owner === null) return undefined;
  const call = structMark(owner)?.methods[field]?.[method];
  const text = (owner as Record<string, unknown>)[field];
  return call && typeof text === "string" ? { value: call(text) } : undefined;
}

const structMark = (value: object): StructMark | undefined => (value as { [STRUCT]?: StructMark })[STRUCT];

export type Kind =
  | "invalid"
  | "nil"
  | "bool"
  | "string"
  | "int"
  | "float"
  | "slice"
  | "map"
  | "struct"
  | "func";

export function kindOf(value: unknown): Kind {
  if (value === NO_VALUE || value === undefined) return "invalid";
  if (value === null) return "nil";
  if (value instanceof TypedNil) return value.kind === "pointer" ? "nil" : value.kind;
  if (value instanceof GoFloat) return "float";
  if (Array.isArray(value)) return "slice";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "bigint":
      return "int";
    case "number":
      return Number.isInteger(value) ? "int" : "float";
    case "function":
      return "func";
    default:
      return structMark(value as object) ? "struct" : "map";
  }
}

/** reflect.Type's name. */
export function typeName(value: unknown): string {
  if (value instanceof TypedNil) return value.type;
  const kind = kindOf(value);
  switch (kind) {
    case "invalid":
    case "nil":
      return "<nil>";
    case "float":
      return "float64";
    case "slice":
      return (value as unknown[]).length > 0 && (value as unknown[]).every((item) => typeof item === "string")
        ? "[]string"
        : "[]interface {}";
    case "map":
      return "map[string]interface {}";
    case "struct":
      return structMark(value as object)?.type ?? "struct {}";
    default:
      return kind;
  }
}

export function isTrue(value: unknown): boolean {
  if (value instanceof TypedNil || value instanceof GoFloat)
    return value instanceof GoFloat && value.value !== 0;
  switch (kindOf(value)) {
    case "invalid":
    case "nil":
      return false;
    case "bool":
      return value as boolean;
    case "string":
      return value !== "";
    case "int":
    case "float":
      return Number(value) !== 0;
    case "slice":
      return (value as unknown[]).length > 0;
    case "map":
      return Object.keys(value as object).length > 0;
    default:
      return true;
  }
}

/** The entries of a map in Go's order: by key, bytewise. */
export function mapEntries(value: object): [string, unknown][] {
  return Object.entries(value).sort(([a], [b]) => compareStrings(a, b));
}

/** Order by UTF-8 bytes, as Go compares strings; UTF-16 order differs above U+FFFF. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function structEntries(value: object): [string, unknown][] {
  return (structMark(value)?.fields ?? []).map((field) => [field, (value as Record<string, unknown>)[field]]);
}

export const numberOf = (value: unknown): number => (value instanceof GoFloat ? value.value : Number(value));

/** strconv's 'g' with the fewest digits that tell the value: an exponent below -4 and from 6 digits on. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const [mantissa = "0", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= SHORTEST_PRECISION)
    return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  return String(value);
}

const SHORTEST_PRECISION = 6;

/** fmt's %v. */
export function print(value: unknown): string {
  if (value instanceof TypedNil)
    return value.kind === "slice" ? "[]" : value.kind === "map" ? "map[]" : "<nil>";
  switch (kindOf(value)) {
    case "invalid":
    case "nil":
      return "<nil>";
    case "string":
      return value as string;
    case "map":
      if (value instanceof Stringer) return value.text;
      return `map[${mapEntries(value as object)
        .map(([key, item]) => `${key}:${print(item)}`)
        .join(" ")}]`;
    case "float":
      return formatFloat(numberOf(value));
    case "slice":
      return `[${(value as unknown[]).map(print).join(" ")}]`;
    case "struct":
      return `{${structEntries(value as object)
        .map(([, item]) => print(item))
        .join(" ")}}`;
    default:
      return String(value);
  }
}
