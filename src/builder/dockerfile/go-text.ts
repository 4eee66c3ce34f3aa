// Text as Go's library sees it, where BuildKit's behaviour hangs on that: what is a space, how %q quotes.

const SPACE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** unicode.IsSpace: unlike JavaScript's \s with U+0085, without U+FEFF. */
export const isSpace = (character: string): boolean => SPACE.test(character);

/** strings.TrimLeftFunc with unicode.IsSpace. */
export function trimStart(text: string): string {
  let at = 0;
  while (at < text.length && isSpace(text[at]!)) at++;
  return text.slice(at);
}

/** strings.TrimSpace. */
export function trim(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1]!)) end--;
  return trimStart(text.slice(0, end));
}

const NAMED: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};
const hex = (code: number, digits: number) => code.toString(16).padStart(digits, "0");

/** strconv.Quote, which %q is. */
export function quote(text: string): string {
  const inner = text.replace(/["\\\p{C}\p{Zl}\p{Zp}\p{Zs}]/gu, (character) => {
    if (character === " ") return character;
    const code = character.codePointAt(0)!;
    const short = code < 0x80 ? `\\x${hex(code, 2)}` : code < 0x10000 ? `\\u${hex(code, 4)}` : undefined;
    return NAMED[character] ?? short ?? `\\U${hex(code, 8)}`;
  });
  return `"${inner}"`;
}

/** fmt's %q of a []string: `["/bin/sh" "-c" "true"]`. */
export const quoteList = (items: readonly string[]): string => `[${items.map(quote).join(" ")}]`;
