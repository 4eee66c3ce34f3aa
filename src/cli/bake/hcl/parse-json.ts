// HCL's JSON form: objects are bodies, `target` and its kin have a level of names, strings are templates.
import { Cursor } from "./cursor.ts";
import { HclError } from "./failure.ts";
import { parseTemplateText } from "./parse-template.ts";
import type { Block, Body, Expression, Range } from "./types.ts";

/** Kinds of blocks, which have one label. */
const LABELLED = new Set(["target", "group", "variable", "function"]);
/** Expressions that JSON writes as plain text: names, and what a function gives. */
const CODE = new Set(["type"]);

/** Throws an HclError for what is no JSON. */
export function parseHclJson(text: string, file: string): Body {
  const range: Range = { file, start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (thrown) {
    throw new HclError("Invalid JSON", thrown instanceof Error ? thrown.message : String(thrown), range);
  }
  return bodyOf(content, range, true);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function bodyOf(content: unknown, range: Range, isFile: boolean): Body {
  const body: Body = { attributes: [], blocks: [], range };
  for (const one of Array.isArray(content) ? content : [content]) {
    if (!isObject(one))
      throw new HclError("Incorrect JSON value type", "A JSON object is required here.", range);
    for (const [name, value] of Object.entries(one)) {
      if (isFile && LABELLED.has(name)) body.blocks.push(...blocksOf(name, value, range));
      else if (!isFile && name === "validation")
        for (const inner of Array.isArray(value) ? value : [value])
          body.blocks.push({
            type: name,
            labels: [],
            body: bodyOf(inner, range, false),
            range,
            labelRanges: [],
          });
      else if (name !== "//")
        body.attributes.push({ name, range, expression: expressionOf(value, range, CODE.has(name)) });
    }
  }
  return body;
}

function blocksOf(type: string, content: unknown, range: Range): Block[] {
  return (Array.isArray(content) ? content : [content]).flatMap((one) => {
    if (!isObject(one))
      throw new HclError("Incorrect JSON value type", "A JSON object is required here.", range);
    return Object.entries(one).flatMap(([label, inner]) =>
      (Array.isArray(inner) ? inner : [inner]).map((body) => ({
        type,
        labels: [label],
        body: bodyOf(body, range, false),
        range,
        labelRanges: [range],
      })),
    );
  });
}

function expressionOf(value: unknown, range: Range, isCode: boolean): Expression {
  if (typeof value === "string") {
    const text = isCode ? `\${${value}}` : value;
    return { ...parseTemplateText(new Cursor(text, range.file)), range };
  }
  if (Array.isArray(value))
    return { kind: "tuple", items: value.map((item) => expressionOf(item, range, false)), range };
  if (isObject(value))
    return {
      kind: "object",
      range,
      items: Object.entries(value).map(([key, item]) => ({
        key: expressionOf(key, range, false),
        value: expressionOf(item, range, false),
      })),
    };
  return { kind: "literal", value: value as number | boolean | null, range };
}
