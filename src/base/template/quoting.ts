// Go's string and character literals (The Go Programming Language Specification, "String literals"; strconv.Quote).

const SIMPLE: Record<string, string> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** The value of a quoted literal, its quotes included; undefined when an escape is wrong. */
export function unquote(literal: string): string | undefined {
  const quote = literal[0];
  const inner = literal.slice(1, -1);
  if (quote === "`") return inner.replaceAll("\r", "");
  let out = "";
  const escapes =
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"]))|([^\\]+)|(\\)/gsu;
  for (const [, hex, u4, u8, octal, simple, plain, bad] of inner.matchAll(escapes)) {
    if (bad) return undefined;
    if (plain !== undefined) out += plain;
    else if (simple !== undefined) {
      if ((simple === "'" && quote === '"') || (simple === '"' && quote === "'")) return undefined;
      out += SIMPLE[simple];
    } else if (octal !== undefined) out += String.fromCharCode(Number.parseInt(octal, 8));
    else out += String.fromCodePoint(Number.parseInt(hex ?? u4 ?? u8 ?? "0", 16));
  }
  return out;
}

const ESCAPED: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** strconv.Quote. */
export function quote(text: string): string {
  let out = '"';
  for (const rune of text) {
    const code = rune.codePointAt(0) ?? 0;
    if (ESCAPED[rune]) out += ESCAPED[rune];
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (/[\p{C}\p{Z}]/u.test(rune) && rune !== " ")
      out +=
        code > 0xffff
          ? `\\U${code.toString(16).padStart(8, "0")}`
          : `\\u${code.toString(16).padStart(4, "0")}`;
    else out += rune;
  }
  return `${out}"`;
}
