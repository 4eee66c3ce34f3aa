// Texts with `${…}` and `%{…}` in them: quoted ones, and here-documents.
import type { Cursor } from "./cursor.ts";
import { parseExpression, parseForHead } from "./parse-expression.ts";
import type { Expression, TemplatePart } from "./types.ts";

type Token =
  | { kind: "text"; text: string }
  | { kind: "value"; expression: Expression }
  | { kind: "if"; condition: Expression }
  | { kind: "for"; head: ReturnType<typeof parseForHead> }
  | { kind: "else" | "endif" | "endfor" };

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };
/** A line of a text, or what is in it before something that isn't text. */
const PLAIN = /(?:(?!\$\{|%\{|\$\$\{|%%\{)[^"\\\n])+\n?|\n/y;
const PLAIN_HEREDOC = /(?:(?!\$\{|%\{|\$\$\{|%%\{)[^\n])+\n?|\n/y;

/** Behind the opening quotation mark. */
export function parseQuoted(cursor: Cursor, from: number): Expression {
  const tokens = readTokens(cursor, (text) => {
    if (cursor.text[cursor.at] === '"') {
      cursor.at++;
      return true;
    }
    if (cursor.atEnd || cursor.text[cursor.at] === "\n")
      cursor.fail("Unterminated template string", "No closing marker was found for the string.", from);
    const escaped = cursor.match(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/y);
    if (escaped) {
      const [whole, short, long, plain = ""] = escaped;
      const code = short ?? long;
      const known = code === undefined ? ESCAPES[plain] : String.fromCodePoint(Number.parseInt(code, 16));
      if (known === undefined)
        cursor.fail(
          "Invalid escape sequence",
          `The symbol ${JSON.stringify(plain)} is not a valid escape sequence selector.`,
          cursor.at - whole.length,
          cursor.at,
        );
      text(known);
    } else text(cursor.match(PLAIN)?.[0] ?? "");
    return false;
  });
  return { kind: "template", parts: partsOf(cursor, tokens), range: cursor.rangeFrom(from) };
}

/** `<<WORD` or `<<-WORD`, which takes the lines' common indentation away. */
export function parseHeredoc(cursor: Cursor): Expression {
  const from = cursor.at;
  const head = cursor.match(/<<(-?)([\p{ID_Start}_][\p{ID_Continue}-]*)[ \t\r]*\n/uy);
  if (!head) cursor.fail("Invalid expression", "Expected the start of a here-document: <<WORD.");
  const [, flush, word = ""] = head;
  const end = new RegExp(`[ \\t]*${word}(?=[ \\t\\r]*(?:\\n|$))`, "y");
  let lineStart = true;
  const tokens = readTokens(cursor, (text) => {
    if (lineStart && cursor.match(end)) return true;
    if (cursor.atEnd)
      cursor.fail("Unterminated template string", "No closing marker was found for the string.", from);
    const piece = cursor.match(PLAIN_HEREDOC)?.[0] ?? "";
    lineStart = piece.endsWith("\n");
    text(piece);
    return false;
  });
  if (flush) outdent(tokens);
  return { kind: "template", parts: partsOf(cursor, tokens), range: cursor.rangeFrom(from) };
}

/** A whole text as a template, as strings of HCL's JSON form are. */
export function parseTemplateText(cursor: Cursor): Expression {
  const tokens = readTokens(cursor, (text) => {
    if (cursor.atEnd) return true;
    text(cursor.match(PLAIN_HEREDOC)?.[0] ?? "");
    return false;
  });
  return { kind: "template", parts: partsOf(cursor, tokens), range: cursor.rangeFrom(0) };
}

/** `next` reads a piece of text, or says that it has passed the end. */
function readTokens(cursor: Cursor, next: (text: (piece: string) => void) => boolean): Token[] {
  const tokens: Token[] = [];
  let trimsNext = false;
  let open: { kind: "text"; text: string } | undefined;
  const text = (piece: string) => {
    if (open && !open.text.endsWith("\n")) open.text += piece;
    else {
      open = { kind: "text", text: piece };
      tokens.push(open);
    }
    if (!trimsNext) return;
    open.text = open.text.trimStart();
    trimsNext = false;
  };
  for (;;) {
    const escaped = cursor.match(/([$%])\1\{/y);
    if (escaped) {
      text(`${escaped[1]}{`);
      continue;
    }
    const opening = cursor.match(/([$%])\{(~?)/y);
    if (!opening) {
      if (next(text)) return tokens;
      continue;
    }
    const [, sign, trims] = opening;
    if (trims && open) open.text = open.text.trimEnd();
    open = undefined;
    cursor.within(true, () => {
      tokens.push(sign === "$" ? { kind: "value", expression: parseExpression(cursor) } : directive(cursor));
      trimsNext = cursor.take("~");
      if (!cursor.take("}"))
        cursor.fail(
          sign === "$"
            ? "Extra characters after interpolation expression"
            : "Extra characters in template control",
          "Expected a closing brace to end it.",
        );
    });
  }
}

function directive(cursor: Cursor): Token {
  const word = cursor.name();
  if (word === "if") return { kind: "if", condition: parseExpression(cursor) };
  if (word === "for") return { kind: "for", head: parseForHead(cursor) };
  if (word === "else" || word === "endif" || word === "endfor") return { kind: word };
  return cursor.fail(
    "Invalid template directive",
    'A template directive keyword ("if", "for", etc) is expected at the beginning of a %{ sequence.',
  );
}

/** The smallest indentation of the lines is taken from each; lines without text don't count. */
function outdent(tokens: Token[]): void {
  let least = Number.POSITIVE_INFINITY;
  let lineStart = true;
  const lines: { text: string }[] = [];
  for (const token of tokens) {
    if (lineStart) {
      lineStart = false;
      if (token.kind !== "text") least = 0;
      else if (token.text.trim() !== "" || !token.text.endsWith("\n")) {
        least = Math.min(least, token.text.length - token.text.trimStart().length);
        lines.push(token);
      }
    }
    if (token.kind === "text" && token.text.endsWith("\n")) lineStart = true;
  }
  for (const line of lines) line.text = line.text.slice(least);
}

function partsOf(cursor: Cursor, tokens: Token[]): TemplatePart[] {
  let at = 0;
  const until = (...ends: string[]): TemplatePart[] => {
    const parts: TemplatePart[] = [];
    for (;;) {
      const token = tokens[at];
      if (token === undefined) {
        if (ends.length === 0) return parts;
        return cursor.fail(
          "Unexpected end of template",
          `The directive is missing its ${ends.join(" or ")}.`,
        );
      }
      if (ends.includes(token.kind)) return parts;
      at++;
      if (token.kind === "text" || token.kind === "value") parts.push(token);
      else if (token.kind === "if") {
        const yes = until("else", "endif");
        let no: TemplatePart[] = [];
        if (tokens[at++]?.kind === "else") {
          no = until("endif");
          at++;
        }
        parts.push({ kind: "if", condition: token.condition, yes, no });
      } else if (token.kind === "for") {
        const body = until("endfor");
        at++;
        parts.push({ kind: "for", ...token.head, body });
      } else cursor.fail(`Unexpected ${token.kind} directive`, "There is nothing that it belongs to.");
    }
  };
  return until();
}
