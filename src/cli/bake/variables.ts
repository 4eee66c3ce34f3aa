// Variables of bake files: their types, defaults and conditions, and what the environment says of them.
import { parseCsvLine } from "../framework/csv.ts";
import { parseBool } from "../framework/flags.ts";
import { evaluate, type Scope } from "./hcl/evaluate.ts";
import { HclError } from "./hcl/failure.ts";
import type { Block, Value } from "./hcl/types.ts";
import { convertValue, typeName, typeOf, type ValueType } from "./hcl/value-types.ts";
import { fromJson, toJson, toText, toTruth } from "./hcl/values.ts";

export interface BakeVariable {
  name: string;
  description?: string;
  /** Of those that say one. */
  type?: string;
  /** Undefined: null. */
  value?: string;
}

interface Lookup {
  environment: (name: string) => string | undefined;
  isVariable: (name: string) => boolean;
}

const attribute = ({ body }: Block, name: string) =>
  body.attributes.find((one) => one.name === name)?.expression;

function declaredType(block: Block): ValueType | undefined {
  const expression = attribute(block, "type");
  return expression && typeOf(expression);
}

/** Throws an HclError, or an Error where the environment's text doesn't suit. */
export function variableValue(name: string, block: Block, scope: Scope, lookup: Lookup): Value {
  const type = declaredType(block);
  const preset = attribute(block, "default");
  const said = overrideOf(name, type !== undefined, lookup);
  if (!preset && said === undefined) return type ? null : "";
  let value: Value = preset ? evaluate(preset, scope) : "";
  if (type && preset)
    try {
      value = convertValue(value, type);
    } catch (thrown) {
      throw new Error(
        `invalid type ${typeName(type)} for variable ${name} default value: ${(thrown as Error).message}`,
      );
    }
  if (said === undefined) return value;
  if (said.isJson && type) return convertValue(fromJson(JSON.parse(said.text)), type);
  if (type) return fromText(name, said.text, type);
  if (!preset || value === null || typeof value === "string") return said.text;
  return fromText(name, said.text, inferred(value));
}

/** Without a type a default says it; lists and maps can't be given without one. */
function inferred(value: Value): ValueType {
  if (typeof value === "number") return { kind: "number" };
  if (typeof value === "boolean") return { kind: "bool" };
  return { kind: "object", fields: new Map() };
}

function overrideOf(name: string, prefersJson: boolean, { environment, isVariable }: Lookup) {
  const text = environment(name);
  if (text === undefined || prefersJson) {
    const json = isVariable(`${name}_JSON`) ? undefined : environment(`${name}_JSON`);
    if (json !== undefined) return { text: json, isJson: true };
  }
  return text === undefined ? undefined : { text, isJson: false };
}

function fromText(name: string, text: string, type: ValueType): Value {
  switch (type.kind) {
    case "any":
    case "string":
      return text;
    case "bool":
      try {
        return parseBool(text);
      } catch (thrown) {
        throw new Error(`failed to parse ${name} as bool: ${(thrown as Error).message}`);
      }
    case "number":
      if (text.trim() === "" || !Number.isFinite(Number(text)))
        throw new Error(
          `failed to parse ${name} as number: strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`,
        );
      return Number(text);
    case "list":
    case "set":
      return convertValue(
        parseCsvLine(text).map((item) => fromText(name, item, type.of)),
        type,
      );
    case "map":
      return new Map(
        parseCsvLine(text).map((field) => {
          const [key = "", ...rest] = field.split("=");
          return [key, fromText(name, rest.join("="), type.of)];
        }),
      );
    case "tuple":
      return parseCsvLine(text).map((item, index) =>
        fromText(name, item, type.items[index] ?? { kind: "string" }),
      );
    case "object":
      throw new Error(`unsupported type ${typeName(type)} for variable ${name}`);
  }
}

/** All that are declared, by name, after their conditions. Throws an HclError for one that doesn't hold. */
export function checkVariables(blocks: ReadonlyMap<string, Block>, scope: Scope): BakeVariable[] {
  const listed = [...blocks].map(([name, block]) => {
    const value = scope.variable(name) ?? null;
    const type = declaredType(block);
    const description = attribute(block, "description");
    return {
      name,
      ...(description && { description: toText(evaluate(description, scope)) }),
      ...(type && { type: typeName(type) }),
      ...(value !== null && { value: typeof value === "object" ? toJson(value) : toText(value) }),
    };
  });
  for (const block of blocks.values())
    for (const rule of block.body.blocks) if (rule.type === "validation") checkRule(rule, scope);
  return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function checkRule(rule: Block, scope: Scope): void {
  const [condition, message] = [attribute(rule, "condition"), attribute(rule, "error_message")];
  if (!condition || !message)
    throw new HclError(
      "Missing required argument",
      `The argument "${condition ? "error_message" : "condition"}" is required, but no definition was found.`,
      rule.range,
    );
  const value = evaluate(condition, scope);
  if (value === null)
    throw new HclError(
      "Invalid condition result",
      "Condition expression must return either true or false, not null.",
      condition.range,
    );
  if (!toTruth(value))
    throw new HclError("Validation failed", toText(evaluate(message, scope)), condition.range);
}
