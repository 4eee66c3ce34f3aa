// Expressions of HCL's native syntax.
import type { Cursor } from "./cursor.ts";
import { parseHeredoc, parseQuoted } from "./parse-template.ts";
import type { Expression } from "./types.ts";

/** By how tight they bind, the loosest first. */
const OPERATORS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["==", "!="],
  ["<=", ">=", "<", ">"],
  ["+", "-"],
  ["*", "/", "%"],
];
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Throws an HclError where there is none. */
export function parseExpression(cursor: Cursor): Expression {
  cursor.skip();
  const from = cursor.at;
  const condition = parseBinary(cursor, 0);
  if (!cursor.take("?")) return condition;
  const [yes, no] = cursor.within(true, () => {
    const yes = parseExpression(cursor);
    if (!cursor.take(":"))
      cursor.fail(
        "Missing false expression in conditional",
        "The conditional operator (...?...:...) requires a false expression, delimited by a colon.",
      );
    cursor.skip();
    return [yes, undefined] as const;
  });
  return {
    kind: "conditional",
    condition,
    yes,
    no: no ?? parseExpression(cursor),
    range: cursor.rangeFrom(from),
  };
}

function parseBinary(cursor: Cursor, level: number): Expression {
  const operators = OPERATORS[level];
  if (!operators) return parseUnary(cursor);
  cursor.skip();
  const from = cursor.at;
  let left = parseBinary(cursor, level + 1);
  for (;;) {
    // `%{` in a template and `==` against `=` of an attribute are other things.
    const operator = operators.find((one) => cursor.sees(one) && !cursor.sees("%{") && !cursor.sees("=>"));
    if (operator === undefined || !cursor.take(operator)) return left;
    const right = parseBinary(cursor, level + 1);
    left = { kind: "binary", operator, left, right, range: cursor.rangeFrom(from) };
  }
}

function parseUnary(cursor: Cursor): Expression {
  cursor.skip();
  const from = cursor.at;
  for (const operator of ["!", "-"])
    if (cursor.take(operator)) {
      const operand = parseUnary(cursor);
      return { kind: "unary", operator, operand, range: cursor.rangeFrom(from) };
    }
  return parsePostfix(cursor, parseTerm(cursor), from);
}

function parsePostfix(cursor: Cursor, term: Expression, from: number): Expression {
  let result = term;
  for (;;) {
    if (cursor.sees("...")) return result;
    if (cursor.take(".")) {
      if (cursor.take("*")) return splat(cursor, result, from, false);
      const index = cursor.match(/\d+/y);
      if (index) {
        const key: Expression = { kind: "literal", value: Number(index[0]), range: cursor.rangeFrom(from) };
        result = { kind: "index", of: result, key, range: cursor.rangeFrom(from) };
        continue;
      }
      const name = cursor.name();
      if (name === undefined)
        cursor.fail("Invalid attribute name", "An attribute name is required after a dot.");
      result = { kind: "attribute", of: result, name, range: cursor.rangeFrom(from) };
    } else if (cursor.sees("[")) {
      cursor.take("[");
      const key = cursor.within(true, () => {
        if (cursor.take("*")) {
          expect(cursor, "]", "splat");
          return undefined;
        }
        const inner = parseExpression(cursor);
        expect(cursor, "]", "index");
        return inner;
      });
      if (!key) return splat(cursor, result, from, true);
      result = { kind: "index", of: result, key, range: cursor.rangeFrom(from) };
    } else return result;
  }
}

/** What follows a splat is of each element; after `.*` names alone, after `[*]` all. */
function splat(cursor: Cursor, of: Expression, from: number, full: boolean): Expression {
  const start = cursor.at;
  let each: Expression = { kind: "element", range: cursor.rangeFrom(start) };
  if (full) each = parsePostfix(cursor, each, start);
  else
    while (cursor.sees(".") && !cursor.sees("...")) {
      cursor.take(".");
      const name = cursor.name();
      if (name === undefined)
        cursor.fail("Invalid attribute name", "An attribute name is required after a dot.");
      each = { kind: "attribute", of: each, name, range: cursor.rangeFrom(start) };
    }
  return { kind: "splat", of, each, range: cursor.rangeFrom(from) };
}

function expect(cursor: Cursor, token: string, what: string): void {
  if (cursor.take(token)) return;
  cursor.fail(
    `Missing close bracket on ${what}`,
    `The ${what} must be closed with ${JSON.stringify(token)}.`,
  );
}

const WORDS = new Map<string, boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

function parseTerm(cursor: Cursor): Expression {
  cursor.skip();
  const from = cursor.at;
  const done = (expression: object) => ({ ...expression, range: cursor.rangeFrom(from) }) as Expression;
  const number = cursor.match(NUMBER);
  if (number) return done({ kind: "literal", value: Number(number[0]) });
  if (cursor.take('"')) return parseQuoted(cursor, from);
  if (cursor.sees("<<")) return parseHeredoc(cursor);
  if (cursor.take("("))
    return cursor.within(true, () => {
      const inner = parseExpression(cursor);
      if (!cursor.take(")"))
        cursor.fail("Unbalanced parentheses", "Expected a closing parenthesis to terminate the expression.");
      return inner;
    });
  if (cursor.take("[")) return cursor.within(true, () => parseTuple(cursor, from));
  if (cursor.take("{")) return parseObject(cursor, from);
  const name = cursor.name();
  if (name === undefined)
    cursor.fail(
      "Invalid expression",
      "Expected the start of an expression, but found an invalid expression token.",
    );
  const word = WORDS.get(name);
  if (word !== undefined) return done({ kind: "literal", value: word });
  const end = cursor.at;
  if (cursor.take("(")) return cursor.within(true, () => parseCall(cursor, name, from));
  cursor.at = end;
  return done({ kind: "variable", name });
}

function parseCall(cursor: Cursor, name: string, from: number): Expression {
  const args: Expression[] = [];
  let expands = false;
  while (!cursor.take(")")) {
    args.push(parseExpression(cursor));
    expands = cursor.take("...");
    if (cursor.take(",") && !expands) continue;
    if (!cursor.take(")"))
      cursor.fail(
        "Missing argument separator",
        "A comma is required to separate each function argument from the next.",
      );
    break;
  }
  return { kind: "call", name, args, expands, range: cursor.rangeFrom(from) };
}

function parseTuple(cursor: Cursor, from: number): Expression {
  if (cursor.takeWord("for")) return parseFor(cursor, from, "]");
  const items: Expression[] = [];
  while (!cursor.take("]")) {
    items.push(parseExpression(cursor));
    if (cursor.take(",")) continue;
    if (!cursor.take("]"))
      cursor.fail("Missing item separator", "Expected a comma to mark the beginning of the next item.");
    break;
  }
  return { kind: "tuple", items, range: cursor.rangeFrom(from) };
}

function parseObject(cursor: Cursor, from: number): Expression {
  cursor.skipLines();
  if (cursor.takeWord("for")) return cursor.within(true, () => parseFor(cursor, from, "}"));
  const items: { key: Expression; value: Expression }[] = [];
  for (;;) {
    cursor.skipLines();
    if (cursor.take("}")) break;
    items.push(cursor.within(false, () => parseItem(cursor)));
    const end = cursor.at;
    cursor.skipLines();
    if (cursor.take(",") || cursor.text.slice(end, cursor.at).includes("\n")) continue;
    if (cursor.take("}")) break;
    cursor.fail(
      "Missing attribute separator",
      "Expected a newline or comma to mark the beginning of the next attribute.",
    );
  }
  return { kind: "object", items, range: cursor.rangeFrom(from) };
}

function parseItem(cursor: Cursor): { key: Expression; value: Expression } {
  let key = parseExpression(cursor);
  // A name alone is a key's text; in parentheses it is a variable.
  const isBare = key.kind === "variable" && cursor.text[cursor.at - 1] !== ")";
  if (isBare && key.kind === "variable") key = { kind: "literal", value: key.name, range: key.range };
  if (!cursor.take("=") && !cursor.take(":"))
    cursor.fail(
      "Missing attribute value",
      'Expected an attribute value, introduced by an equals sign ("=").',
    );
  return { key, value: parseExpression(cursor) };
}

function parseFor(cursor: Cursor, from: number, close: string): Expression {
  const { keyName, valueName, collection } = parseForHead(cursor);
  if (!cursor.take(":"))
    cursor.fail("Invalid 'for' expression", "A colon is required after the collection expression.");
  const first = parseExpression(cursor);
  const isObject = cursor.take("=>");
  const value = isObject ? parseExpression(cursor) : first;
  const groups = isObject && cursor.take("...");
  const condition = cursor.takeWord("if") ? parseExpression(cursor) : undefined;
  if (!cursor.take(close))
    cursor.fail("Invalid 'for' expression", "Extra characters after the end of the 'for' expression.");
  return {
    kind: "for",
    keyName,
    valueName,
    collection,
    key: isObject ? first : undefined,
    value,
    condition,
    groups,
    range: cursor.rangeFrom(from),
  };
}

/** `k, v in collection`; also of a template's. */
export function parseForHead(cursor: Cursor): {
  keyName: string | undefined;
  valueName: string;
  collection: Expression;
} {
  const nameOf = () =>
    cursor.name() ??
    cursor.fail("Invalid 'for' expression", "For expression requires variable name after 'for'.");
  const first = nameOf();
  const second = cursor.take(",") ? nameOf() : undefined;
  if (!cursor.takeWord("in"))
    cursor.fail(
      "Invalid 'for' expression",
      "For expression requires the 'in' keyword after its name declarations.",
    );
  const collection = parseExpression(cursor);
  return { keyName: second === undefined ? undefined : first, valueName: second ?? first, collection };
}
