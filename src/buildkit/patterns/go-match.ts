// Go's filepath.Match: `*` and `?` match no slash, `[…]` is a class, `\` takes the next character as it is.
import { invalid } from "../../base/errors.ts";
import { countWildcards, MANY, matchManyWildcards } from "./many-wildcards.ts";

const badPattern = () => invalid("syntax error in pattern");

const KNOWN_LIMIT = 1000;
const known = new Map<string, (name: string) => boolean>();

/**
 * Whether all of `name` matches. Errors: invalid, "syntax error in pattern", for a malformed pattern, whatever the name.
 */
export function goMatch(pattern: string, name: string): boolean {
  let compiled = known.get(pattern);
  if (!compiled) {
    const expression = compile(pattern);
    compiled =
      countWildcards(pattern) > MANY
        ? matchManyWildcards(pattern, false)
        : (text: string) => expression.test(text);
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(pattern, compiled);
  }
  return compiled(name);
}

/** Whether a pattern has anything but plain and escaped characters. */
export const hasWildcards = (pattern: string): boolean => /[*?[]/.test(pattern.replace(/\\./gsu, ""));

/** A character as a regular expression of its own, also within a class. */
export const literal = (char: string): string =>
  /[\w ]/.test(char) ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`;

function compile(pattern: string): RegExp {
  const chars = [...pattern];
  let source = "";
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === "*") {
      if (chars[at - 1] !== "*" || chars[at - 2] === "\\") source += "[^/]*";
    } else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const found = readClass(chars, at + 1);
      source += found.source;
      at = found.end;
    } else if (char === "\\") {
      at++;
      if (at === chars.length) throw badPattern();
      source += literal(chars[at]!);
    } else source += literal(char);
  }
  return new RegExp(`^${source}$`, "u");
}

/** A class from behind its `[`: at least one range, each of its ends a plain or an escaped character. */
function readClass(chars: string[], start: number): { source: string; end: number } {
  let at = start;
  const negated = chars[at] === "^";
  if (negated) at++;
  const end = (): string => {
    let char = chars[at++];
    if (char === undefined || char === "-" || char === "]") throw badPattern();
    if (char === "\\") char = chars[at++];
    // Something must follow, the class's end at least.
    if (char === undefined || at >= chars.length) throw badPattern();
    return char;
  };
  let ranges = "";
  for (let count = 0; ; count++) {
    if (chars[at] === "]" && count > 0) break;
    const low = end();
    let high = low;
    if (chars[at] === "-") {
      at++;
      high = end();
    }
    // A range that is turned round matches nothing in Go, and is an error here.
    if (low.codePointAt(0)! <= high.codePointAt(0)!) ranges += `${literal(low)}-${literal(high)}`;
  }
  return { source: `[${negated ? "^" : ""}${ranges}]`, end: at };
}
