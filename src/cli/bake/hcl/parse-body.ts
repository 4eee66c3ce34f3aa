// A file's body: attributes and blocks.
import { Cursor } from "./cursor.ts";
import { HclError } from "./failure.ts";
import { parseExpression } from "./parse-expression.ts";
import type { Block, Body, Range } from "./types.ts";

/** Throws an HclError for what is no HCL. */
export function parseHcl(text: string, file: string): Body {
  const cursor = new Cursor(text.replace(/^\uFEFF/, ""), file);
  return parseBody(cursor, true);
}

function parseBody(cursor: Cursor, isFile: boolean): Body {
  const from = cursor.at;
  const body: Body = { attributes: [], blocks: [], range: cursor.rangeFrom(from) };
  const known = new Map<string, Range>();
  for (;;) {
    cursor.skipLines();
    if (isFile ? cursor.atEnd : cursor.take("}")) break;
    if (cursor.atEnd)
      cursor.fail(
        "Unclosed configuration block",
        "There is no closing brace for this block before the end of the file.",
      );
    const start = cursor.at;
    const name = cursor.name();
    if (name === undefined)
      cursor.fail(
        "Invalid argument name",
        "Argument names must not be quoted, and blocks begin with their type.",
      );
    if (!cursor.sees("==") && cursor.take("=")) {
      const expression = parseExpression(cursor);
      const range = cursor.rangeFrom(start);
      const nameRange = cursor.rangeFrom(start, start + name.length);
      const before = known.get(name);
      if (before)
        throw new HclError(
          "Attribute redefined",
          `The argument "${name}" was already set at ${before.file}:${before.start.line},${before.start.column}-${before.end.column}. Each argument may be set only once.`,
          nameRange,
        );
      known.set(name, nameRange);
      body.attributes.push({ name, expression, range });
      endOfItem(cursor, "argument");
    } else {
      body.blocks.push(parseBlock(cursor, name, start));
      endOfItem(cursor, "block definition");
    }
  }
  body.range = cursor.rangeFrom(from);
  return body;
}

function endOfItem(cursor: Cursor, what: string): void {
  cursor.skip();
  if (cursor.atEnd || cursor.text[cursor.at] === "\n" || cursor.text[cursor.at] === "}") return;
  cursor.fail(`Missing newline after ${what}`, `An ${what} must end with a newline.`);
}

function parseBlock(cursor: Cursor, type: string, start: number): Block {
  const labels: string[] = [];
  const labelRanges: Range[] = [];
  for (;;) {
    cursor.skip();
    const from = cursor.at;
    const quoted = cursor.match(/"((?:[^"\\\n]|\\.)*)"/y);
    const label = quoted ? (JSON.parse(quoted[0]) as string) : cursor.name();
    if (label === undefined) break;
    labels.push(label);
    labelRanges.push(cursor.rangeFrom(from));
  }
  const head = cursor.rangeFrom(start);
  if (!cursor.take("{"))
    cursor.fail(
      "Invalid block definition",
      'Either a quoted string block label or an opening brace ("{") is expected here.',
    );
  const opened = cursor.at;
  const body = parseBody(cursor, false);
  refuseHalfSingleLine(cursor, body, opened);
  return { type, labels, body, range: head, labelRanges };
}

/** What begins behind the brace must end before the line does: `a { b = 1 }`. */
function refuseHalfSingleLine(cursor: Cursor, { attributes, range }: Body, opened: number): void {
  const [first] = attributes;
  if (!first || first.range.start.line !== cursor.position(opened).line) return;
  if (range.end.line === first.range.end.line) return;
  throw new HclError(
    "Invalid single-argument block definition",
    "An argument definition on the same line as its containing block creates a single-line block definition, which must also be closed on the same line. Place the block's closing brace immediately after the argument definition.",
    { file: cursor.file, start: first.range.end, end: { line: first.range.end.line + 1, column: 1 } },
  );
}
