// One pattern of a list, as moby/patternmatcher reads it: a plain comparison where that does, else a regular expression.
import { invalid } from "../../base/errors.ts";
import { literal } from "./go-match.ts";
import { countWildcards, MANY, matchManyWildcards } from "./many-wildcards.ts";

export interface Pattern {
  /** Clean, without its `!`. */
  readonly text: string;
  /** Began with `!`: what it matches is out of the list's match again. */
  readonly exclusion: boolean;
  /** Whether a path, which begins with no slash, matches; parents don't count. */
  matches(path: string): boolean;
}

/** Errors of `matches`: invalid, "syntax error in pattern", for what Go's regular expressions don't take. */
export function createPattern(text: string, exclusion: boolean): Pattern {
  let test: ((path: string) => boolean) | undefined;
  return {
    text,
    exclusion,
    matches(path) {
      test ??= compile(text);
      return test(path);
    },
  };
}

function compile(text: string): (path: string) => boolean {
  const { kind, expression } = translate(text);
  if (kind === "exact") return (path) => path === text;
  if (kind === "prefix") {
    const prefix = text.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  if (kind === "suffix") {
    const suffix = text.slice(2);
    const whole = suffix.startsWith("/") ? suffix.slice(1) : undefined;
    return (path) => path.endsWith(suffix) || path === whole;
  }
  const compiled = toJavaScript(`^${expression}$`);
  if (countWildcards(text) > MANY) return matchManyWildcards(text, true);
  // What can't begin as the pattern does needs no regular expression: most paths for most patterns.
  const head = /^[^*?[\]\\(){}|.+$^]*/.exec(text)![0];
  const start = text[head.length] === "{" || text.includes("|") ? "" : head;
  return (path) => path.startsWith(start) && compiled.test(path);
}

type Kind = "exact" | "prefix" | "suffix" | "expression";

/** The characters that patternmatcher escapes. It means `{`, `|` and `}` too, but its table has no room for them. */
const ESCAPED = ".+()$";

/** The regular expression in Go's syntax, and which kind of match does without it. */
function translate(text: string): { kind: Kind; expression: string } {
  const chars = [...text];
  let kind: Kind = "exact";
  let expression = "";
  let at = 0;
  for (let index = 0; at < chars.length; index++) {
    const char = chars[at++]!;
    if (char === "*" && chars[at] === "*") {
      at++;
      if (chars[at] === "/") at++; // `**/` is `**`
      if (at < chars.length) {
        expression += "(.*/)?";
        kind = "expression";
      } else if (kind === "exact") kind = "prefix";
      else {
        expression += ".*";
        kind = "expression";
      }
      if (index === 0) kind = "suffix";
    } else if (char === "*" || char === "?") {
      expression += char === "*" ? "[^/]*" : "[^/]";
      kind = "expression";
    } else if (ESCAPED.includes(char)) expression += `\\${char}`;
    else if (char === "\\") {
      expression += at < chars.length ? `\\${chars[at]!}` : "\\";
      if (at++ < chars.length) kind = "expression";
    } else {
      expression += char;
      if (char === "[" || char === "]") kind = "expression";
    }
  }
  return { kind, expression };
}

const bad = () => invalid("syntax error in pattern");

/**
 * Go's regular expression as one of JavaScript's by code points, which is stricter: a `]` or `{` that stands for itself
 * has to be escaped, and so have letters that don't need to be.
 */
function toJavaScript(expression: string): RegExp {
  const chars = [...expression];
  let source = "";
  /** Characters since the class began, or -1 outside of one. */
  let inClass = -1;
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (inClass >= 0) inClass++;
    if (char === "\\") {
      const next = chars[++at];
      if (next === undefined) throw bad();
      source += escaped(next);
    } else if (inClass < 0) {
      if (char === "[") inClass = 0;
      if (char === "{" && isRepeat(chars, at)) {
        const end = chars.indexOf("}", at);
        source += chars.slice(at, end + 1).join("");
        at = end;
      } else if (char === ".") source += "[^\\n]";
      else source += char === "]" || char === "{" || char === "}" ? `\\${char}` : char;
    } else if (char === "^" && inClass === 1) {
      source += char;
      inClass = 0;
    } else if (char === "]" && inClass > 1) {
      source += char;
      inClass = -1;
    } else if (char === "-") source += char;
    else source += literal(char);
  }
  try {
    return new RegExp(source, "u");
  } catch {
    throw bad();
  }
}

const isRepeat = (chars: string[], at: number): boolean =>
  /^\{\d+(?:,\d*)?\}/.test(chars.slice(at, at + 12).join(""));

/** What follows a backslash: classes and controls are Go's own here too, other letters it refuses. */
function escaped(char: string): string {
  if (/[dDsSwWbBnrtfv]/.test(char)) return `\\${char}`;
  if (char === "a") return "\\u0007";
  if (/[^\0-\x7f]|[0-9A-Za-z]/.test(char)) throw bad();
  return literal(char);
}
