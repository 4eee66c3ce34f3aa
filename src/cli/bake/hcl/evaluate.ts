// What an expression is worth, where names are worth something.
import { HclError } from "./failure.ts";
import type { Expression, ForExpression, Range, TemplatePart, Value } from "./types.ts";
import { convertValue, typeOf } from "./value-types.ts";
import { equal, isMap, pairsOf, toNumber, toText, toTruth } from "./values.ts";

export type HclFunction = (...args: Value[]) => Value;

export interface Scope {
  /** Undefined: there is none of that name. */
  variable(name: string): Value | undefined;
  call(name: string): HclFunction | undefined;
  /** A field of another block, `target.app.tags`. Undefined: there is no such block. */
  field(type: string, name: string, field: string): Value | undefined;
  /** Names to propose for a misspelt one. */
  names(): string[];
}

/** The scope with more names. */
export function scopeWith(scope: Scope, names: Record<string, Value>): Scope {
  return {
    ...scope,
    variable: (name) => (Object.hasOwn(names, name) ? names[name] : scope.variable(name)),
    names: () => [...Object.keys(names), ...scope.names()],
  };
}

/** Throws an HclError. */
export function evaluate(expression: Expression, scope: Scope, element: Value = null): Value {
  const of = (inner: Expression) => evaluate(inner, scope, element);
  const fail = (summary: string, detail: string): never => {
    throw new HclError(summary, detail, expression.range);
  };
  const attempt = <T>(summary: string, what: string, work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      if (thrown instanceof HclError) throw thrown;
      return fail(summary, `${what}${thrown instanceof Error ? thrown.message : String(thrown)}.`);
    }
  };
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "element":
      return element;
    case "template":
      return template(expression.parts, scope, (work) =>
        attempt(
          "Invalid template interpolation value",
          "Cannot include the given value in a string template: ",
          work,
        ),
      );
    case "variable":
      return scope.variable(expression.name) ?? unknownVariable(expression, scope, fail);
    case "attribute":
      if (isField(expression)) return fieldOf(expression, scope, fail);
      return attributeOf(of(expression.of), expression.name, fail);
    case "index":
      return indexOf(of(expression.of), of(expression.key), fail);
    case "splat": {
      const collection = of(expression.of);
      const items = Array.isArray(collection) ? collection : collection === null ? [] : [collection];
      return items.map((item) => evaluate(expression.each, scope, item));
    }
    case "call":
      return call(expression, scope, element, attempt, fail);
    case "conditional": {
      const condition = attempt(
        "Incorrect condition type",
        "The condition expression must be of type bool: ",
        () => toTruth(of(expression.condition)),
      );
      return of(condition ? expression.yes : expression.no);
    }
    case "binary":
      return attempt("Invalid operand", "Unsuitable value for an operand: ", () =>
        binary(
          expression.operator,
          () => of(expression.left),
          () => of(expression.right),
        ),
      );
    case "unary":
      return attempt("Invalid operand", "Unsuitable value for the operand: ", () =>
        expression.operator === "!" ? !toTruth(of(expression.operand)) : -toNumber(of(expression.operand)),
      );
    case "tuple":
      return expression.items.map(of);
    case "object":
      return new Map(
        expression.items.map(({ key, value }) => [
          attempt("Incorrect key type", "Can't use this value as a key: ", () => toText(of(key))),
          of(value),
        ]),
      );
    case "for":
      return attempt("Invalid 'for' expression", "Cannot iterate: ", () => walk(expression, scope, element));
  }
}

const BLOCKS = new Set(["target", "group"]);

interface FieldExpression {
  name: string;
  of: { name: string; of: { name: string } };
}

/** `target.app.tags`. */
function isField(expression: object): expression is FieldExpression {
  const { of } = expression as Extract<Expression, { kind: "attribute" }>;
  return of.kind === "attribute" && of.of.kind === "variable" && BLOCKS.has(of.of.name);
}

function fieldOf({ of, name }: FieldExpression, scope: Scope, fail: Fail): Value {
  const value = scope.field(of.of.name, of.name, name);
  if (value !== undefined) return value;
  return fail("Unsupported attribute", `This object does not have an attribute named "${of.name}".`);
}

type Fail = (summary: string, detail: string) => never;

/** Null is worth something, too, so that only undefined is unknown. */
function unknownVariable({ name }: { name: string }, scope: Scope, fail: Fail): Value {
  if (scope.variable(name) === null) return null;
  const near = scope.names().find((one) => one.toLowerCase() === name.toLowerCase());
  const proposal = near ? ` Did you mean "${near}"?` : "";
  return fail("Unknown variable", `There is no variable named "${name}".${proposal}`);
}

function attributeOf(value: Value, name: string, fail: Fail): Value {
  if (value === null)
    return fail(
      "Attempt to get attribute from null value",
      "This value is null, so it does not have any attributes.",
    );
  if (!isMap(value)) return fail("Unsupported attribute", "This value does not have any attributes.");
  return (
    value.get(name) ??
    (value.has(name)
      ? null
      : fail("Unsupported attribute", `This object does not have an attribute named "${name}".`))
  );
}

function indexOf(value: Value, key: Value, fail: Fail): Value {
  const wrong = (): never =>
    fail("Invalid index", "The given key does not identify an element in this collection value.");
  if (value !== null && isMap(value)) {
    const name = typeof key === "string" ? key : toText(key);
    return value.has(name) ? (value.get(name) ?? null) : wrong();
  }
  if (!Array.isArray(value)) return fail("Invalid index", "This value does not have any indices.");
  const index = typeof key === "string" && !/^\d+$/.test(key) ? Number.NaN : Number(key);
  return Number.isInteger(index) && index >= 0 && index < value.length ? (value[index] ?? null) : wrong();
}

function binary(operator: string, left: () => Value, right: () => Value): Value {
  if (operator === "||") return toTruth(left()) || toTruth(right());
  if (operator === "&&") return toTruth(left()) && toTruth(right());
  const [a, b] = [left(), right()];
  if (operator === "==") return equal(a, b);
  if (operator === "!=") return !equal(a, b);
  const [x, y] = [toNumber(a), toNumber(b)];
  switch (operator) {
    case "<":
      return x < y;
    case ">":
      return x > y;
    case "<=":
      return x <= y;
    case ">=":
      return x >= y;
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
  }
  if (y === 0) throw new Error("division by zero");
  return operator === "/" ? x / y : x % y;
}

function template(parts: TemplatePart[], scope: Scope, attempt: (work: () => string) => string): Value {
  const [only] = parts;
  // A value alone keeps its kind.
  if (parts.length === 1 && only?.kind === "value") return evaluate(only.expression, scope);
  return parts.map((part) => attempt(() => partText(part, scope, attempt))).join("");
}

function partText(part: TemplatePart, scope: Scope, attempt: (work: () => string) => string): string {
  const text = (parts: TemplatePart[], inner: Scope) =>
    parts.map((one) => partText(one, inner, attempt)).join("");
  if (part.kind === "text") return part.text;
  if (part.kind === "value") return toText(evaluate(part.expression, scope));
  if (part.kind === "if") return text(toTruth(evaluate(part.condition, scope)) ? part.yes : part.no, scope);
  return pairsOf(evaluate(part.collection, scope))
    .map(([key, value]) => text(part.body, scopeWith(scope, named(part, key, value))))
    .join("");
}

const named = (
  { keyName, valueName }: { keyName: string | undefined; valueName: string },
  key: Value,
  value: Value,
): Record<string, Value> => ({ ...(keyName !== undefined && { [keyName]: key }), [valueName]: value });

function walk(expression: ForExpression, scope: Scope, element: Value): Value {
  const found: [Value, Value][] = [];
  for (const [key, value] of pairsOf(evaluate(expression.collection, scope, element))) {
    const inner = scopeWith(scope, named(expression, key, value));
    if (expression.condition && !toTruth(evaluate(expression.condition, inner, element))) continue;
    const name = expression.key ? evaluate(expression.key, inner, element) : null;
    found.push([name, evaluate(expression.value, inner, element)]);
  }
  if (!expression.key) return found.map(([, value]) => value);
  const map = new Map<string, Value>();
  for (const [key, value] of found) {
    const name = toText(key);
    if (expression.groups) map.set(name, [...((map.get(name) ?? []) as Value[]), value]);
    else if (map.has(name))
      throw new Error(`two items have the key "${name}"; group them with an ellipsis (...) after the value`);
    else map.set(name, value);
  }
  return map;
}

function call(
  expression: Extract<Expression, { kind: "call" }>,
  scope: Scope,
  element: Value,
  attempt: <T>(summary: string, what: string, work: () => T) => T,
  fail: Fail,
): Value {
  const { name, args } = expression;
  if (name === "try" || name === "can") return tried(name, args, scope, element, fail);
  if (name === "convert" && args[0] && args[1]) {
    const [value, type] = args;
    return attempt(
      "Invalid function argument",
      'Error in function call; Call to function "convert" failed: ',
      () => convertValue(evaluate(value, scope, element), typeOf(type)),
    );
  }
  const known = scope.call(name);
  if (!known)
    throw new HclError(
      "Call to unknown function",
      `There is no function named "${name}".`,
      nameRange(expression),
    );
  const values = args.map((arg) => evaluate(arg, scope, element));
  if (expression.expands) {
    const last = values.pop() ?? null;
    if (!Array.isArray(last))
      return fail(
        "Invalid expanding argument value",
        "The expanding argument (indicated by ...) must be of a tuple, list, or set type.",
      );
    values.push(...last);
  }
  return attempt("Error in function call", `Call to function "${name}" failed: `, () => known(...values));
}

function nameRange({ name, range }: { name: string; range: Range }): Range {
  const { line, column } = range.start;
  return { ...range, end: { line, column: column + name.length } };
}

function tried(name: string, args: Expression[], scope: Scope, element: Value, fail: Fail): Value {
  for (const arg of args)
    try {
      const value = evaluate(arg, scope, element);
      return name === "can" ? true : value;
    } catch (thrown) {
      if (!(thrown instanceof HclError)) throw thrown;
    }
  return name === "can"
    ? false
    : fail("Error in function call", 'Call to function "try" failed: no expression succeeded.');
}
