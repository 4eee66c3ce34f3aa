// Type constraints (`list(string)`, `object({a = number})`) and conversion to them.
import { HclError } from "./failure.ts";
import type { Expression, Value } from "./types.ts";
import { entriesOf, toList, toMap, toNumber, toText, toTruth } from "./values.ts";

export type ValueType =
  | { kind: "any" | "string" | "number" | "bool" }
  | { kind: "list" | "set" | "map"; of: ValueType }
  | { kind: "tuple"; items: ValueType[] }
  | { kind: "object"; fields: Map<string, { type: ValueType; optional: boolean }> };

/** Throws an HclError for what is no type. */
export function typeOf(expression: Expression): ValueType {
  // In JSON the type stands in a text.
  if (
    expression.kind === "template" &&
    expression.parts.length === 1 &&
    expression.parts[0]?.kind === "value"
  )
    return typeOf(expression.parts[0].expression);
  if (expression.kind === "variable" && /^(?:any|string|number|bool)$/.test(expression.name))
    return { kind: expression.name as "any" };
  if (expression.kind === "call") {
    const { name, args } = expression;
    const [inner] = args;
    if (inner && (name === "list" || name === "set" || name === "map"))
      return { kind: name, of: typeOf(inner) };
    if (inner?.kind === "tuple" && name === "tuple") return { kind: "tuple", items: inner.items.map(typeOf) };
    if (inner?.kind === "object" && name === "object") return { kind: "object", fields: fieldsOf(inner) };
  }
  throw new HclError("Invalid type specification", "This is no type that values can have.", expression.range);
}

function fieldsOf(expression: Extract<Expression, { kind: "object" }>) {
  return new Map(
    expression.items.map(({ key, value }) => {
      const name = key.kind === "literal" ? String(key.value) : "";
      const optional = value.kind === "call" && value.name === "optional" ? value.args[0] : undefined;
      return [name, { type: typeOf(optional ?? value), optional: optional !== undefined }];
    }),
  );
}

/** As go-cty calls it: `list of string`. */
export function typeName(type: ValueType): string {
  if (type.kind === "list" || type.kind === "set" || type.kind === "map")
    return `${type.kind} of ${typeName(type.of)}`;
  return type.kind === "any" ? "any type" : type.kind;
}

/** Throws an Error that says what was needed. */
export function convertValue(value: Value, type: ValueType): Value {
  if (value === null) return null;
  switch (type.kind) {
    case "any":
      return value;
    case "string":
      return toText(value);
    case "number":
      return toNumber(value);
    case "bool":
      return toTruth(value);
    case "list":
      return toList(value).map((item) => convertValue(item, type.of));
    case "set": {
      const items = toList(value).map((item) => convertValue(item, type.of));
      return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()].sort();
    }
    case "tuple": {
      const items = toList(value);
      if (items.length !== type.items.length) throw new Error("tuple required");
      return items.map((item, index) => convertValue(item, type.items[index] ?? { kind: "any" }));
    }
    case "map":
      return new Map(entriesOf(toMap(value)).map(([key, item]) => [key, convertValue(item, type.of)]));
    case "object":
      return new Map(
        [...type.fields].map(([name, { type: inner, optional }]) => {
          const given = toMap(value).get(name);
          if (given === undefined && !optional) throw new Error(`attribute "${name}" is required`);
          return [name, given === undefined ? null : convertValue(given, inner)];
        }),
      );
  }
}
