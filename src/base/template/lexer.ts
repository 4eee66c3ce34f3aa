// The words of Go's text/template (go doc text/template, "Text and spaces", "Actions"; its lexer's tokens and errors).

export type TokenKind =
  | "text"
  | "left"
  | "right"
  | "field" // .Name
  | "variable" // $name
  | "identifier"
  | "keyword"
  | "dot"
  | "nil"
  | "bool"
  | "number"
  | "char"
  | "string"
  | "raw-string"
  | "pipe"
  | "paren-left"
  | "paren-right"
  | "space"
  | "declare" // :=
  | "assign" // =
  | "comma"
  | "end";

export interface Token {
  kind: TokenKind;
  value: string;
  /** Offset in the source, in UTF-16 units; errors turn it into line and column. */
  position: number;
}

const KEYWORDS = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "template",
  "with",
]);
const SPACE = /[ \t\r\n]/;

/** A template that can't be parsed, in Go's words; `position` says where. */
export class TemplateSyntaxError extends Error {
  constructor(
    readonly position: number,
    message: string,
  ) {
    super(message);
  }
}

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = source.indexOf("{{", at);
    let text = source.slice(at, open < 0 ? source.length : open);
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, "");
    if (open < 0) {
      if (text) tokens.push({ kind: "text", value: text, position: at });
      tokens.push({ kind: "end", value: "", position: source.length });
      return tokens;
    }
    const trimsBefore = source[open + 2] === "-" && SPACE.test(source[open + 3] ?? "");
    if (trimsBefore) text = text.replace(/[ \t\r\n]+$/, "");
    if (text) tokens.push({ kind: "text", value: text, position: at });
    const inner = open + (trimsBefore ? 3 : 2);
    const end = isComment(source, inner)
      ? skipComment(source, inner)
      : lexAction(source, open, inner, tokens);
    trimNext = end.trims;
    at = end.at;
  }
}

interface ActionEnd {
  at: number;
  trims: boolean;
}

function isComment(source: string, inner: number): boolean {
  return source.startsWith(
    "/*",
    source[inner] === " " || SPACE.test(source[inner] ?? "x") ? inner + 1 : inner,
  );
}

function skipComment(source: string, inner: number): ActionEnd {
  const close = source.indexOf("*/", inner);
  if (close < 0) throw new TemplateSyntaxError(inner, "unclosed comment");
  const after = /^(?:[ \t\r\n]+-)?\}\}/.exec(source.slice(close + 2));
  if (!after) throw new TemplateSyntaxError(inner, "comment ends before closing delimiter");
  return { at: close + 2 + after[0].length, trims: after[0].includes("-") };
}

/** Lexes one action, its delimiters included; answers where the text after it begins. */
function lexAction(source: string, open: number, inner: number, tokens: Token[]): ActionEnd {
  tokens.push({ kind: "left", value: "{{", position: open });
  let at = inner;
  let depth = 0;
  for (;;) {
    const rest = source.slice(at, at + 8);
    const trimsAfter = /^[ \t\r\n]+-\}\}/.exec(source.slice(at));
    if (trimsAfter || rest.startsWith("}}")) {
      if (depth > 0) throw new TemplateSyntaxError(at, "unclosed left paren");
      tokens.push({ kind: "right", value: "}}", position: at });
      return { at: at + (trimsAfter?.[0].length ?? 2), trims: Boolean(trimsAfter) };
    }
    if (at >= source.length) throw new TemplateSyntaxError(at, "unclosed action");
    const token = lexToken(source, at, depth);
    if (token.kind === "paren-left") depth += 1;
    if (token.kind === "paren-right") depth -= 1;
    tokens.push(token);
    at += token.value.length;
  }
}

const SINGLE: Record<string, TokenKind> = { "|": "pipe", "(": "paren-left", ",": "comma", "=": "assign" };

function lexToken(source: string, at: number, depth: number): Token {
  const rest = source.slice(at);
  const first = source[at] ?? "";
  const make = (kind: TokenKind, value: string): Token => ({ kind, value, position: at });
  const space = /^[ \t\r\n]+/.exec(rest)?.[0];
  if (space) {
    // Spaces before a trimming delimiter end here, so that " -}}" is seen whole.
    return make("space", space);
  }
  if (first === ":") {
    if (rest[1] !== "=") throw new TemplateSyntaxError(at, "expected :=");
    return make("declare", ":=");
  }
  if (first === ")") {
    if (depth === 0) throw new TemplateSyntaxError(at, "unexpected right paren");
    return make("paren-right", ")");
  }
  const single = SINGLE[first];
  if (single) return make(single, first);
  if (first === '"') return make("string", quoted(rest, at));
  if (first === "`") {
    const close = rest.indexOf("`", 1);
    if (close < 0) throw new TemplateSyntaxError(at, "unterminated raw quoted string");
    return make("raw-string", rest.slice(0, close + 1));
  }
  if (first === "'") return make("char", charConstant(rest, at));
  return lexWord(rest, at, make);
}

function lexWord(rest: string, at: number, make: (kind: TokenKind, value: string) => Token): Token {
  const first = rest[0] ?? "";
  if (first === "$")
    return terminated(make("variable", /^\$[\p{L}\p{Nd}_]*/u.exec(rest)?.[0] ?? "$"), rest, at);
  if (first === "." && !/^\.\d/.test(rest)) {
    const field = /^\.[\p{L}\p{Nd}_]+/u.exec(rest)?.[0];
    return terminated(field ? make("field", field) : make("dot", "."), rest, at);
  }
  if (/^[+-]?\.?\d/.test(rest)) return number(rest, at, make);
  const word = /^[\p{L}\p{Nd}_]+/u.exec(rest)?.[0];
  if (!word) throw new TemplateSyntaxError(at, `unrecognized character in action: ${runeName(rest)}`);
  const kind: TokenKind = KEYWORDS.has(word)
    ? "keyword"
    : word === "true" || word === "false"
      ? "bool"
      : word === "nil"
        ? "nil"
        : "identifier";
  return terminated(make(kind, word), rest, at);
}

/** Go's %#U of the character: U+0040 '@'. */
function runeName(rest: string): string {
  const rune = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  return `U+${(rest.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} '${rune}'`;
}

/** A word must be followed by a space or a delimiter: `.a&b` is an error, `.a.b` and `.a)` are not. */
function terminated(token: Token, rest: string, at: number): Token {
  const next = rest.slice(token.value.length);
  if (next === "" || /^[ \t\r\n.,|:()=]/.test(next) || next.startsWith("}}")) return token;
  throw new TemplateSyntaxError(at + token.value.length, `bad character ${runeName(next)}`);
}

function number(rest: string, at: number, make: (kind: TokenKind, value: string) => Token): Token {
  const text =
    /^[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?\d+)?|0[bB][01_]+|0[oO][0-7_]+|[\d_]*\.?[\d_]*(?:[eE][+-]?[\d_]+)?)i?/.exec(
      rest,
    )?.[0] ?? "";
  if (/^[\p{L}\p{Nd}_]/u.test(rest.slice(text.length))) {
    const bad = /^[+-]?[\p{L}\p{Nd}_.]+/u.exec(rest)?.[0] ?? text;
    throw new TemplateSyntaxError(at, `bad number syntax: ${JSON.stringify(bad.slice(0, text.length + 1))}`);
  }
  return make("number", text);
}

function quoted(rest: string, at: number): string {
  const match = /^"(?:[^"\\\n]|\\[^\n])*"/.exec(rest);
  if (!match) throw new TemplateSyntaxError(at, "unterminated quoted string");
  return match[0];
}

function charConstant(rest: string, at: number): string {
  const match = /^'(?:[^'\\\n]|\\[^\n])+'/.exec(rest);
  if (!match) throw new TemplateSyntaxError(at, "unterminated character constant");
  return match[0];
}
