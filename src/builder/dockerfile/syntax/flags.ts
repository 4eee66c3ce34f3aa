// A logical line's keyword, its `--flags`, and the rest.
import { isSpace, trim } from "../go-text.ts";
import type { Escape } from "../words/index.ts";

export interface SplitLine {
  readonly keyword: string;
  /** Quotes and escapes gone. */
  readonly flags: readonly string[];
  readonly rest: string;
}

/** Splits a logical line. `--` ends the flags; so does any word that doesn't begin with `--`. */
export function splitLine(line: string, escapeToken: Escape): SplitLine {
  const text = trim(line);
  const blank = /[\t\v\f\r ]+/.exec(text);
  if (!blank) return { keyword: text, flags: [], rest: "" };
  const { flags, end } = readFlags(text, blank.index + blank[0].length, escapeToken);
  return { keyword: text.slice(0, blank.index), flags, rest: trim(text.slice(end)) };
}

function readFlags(text: string, from: number, escapeToken: Escape): { flags: string[]; end: number } {
  const flags: string[] = [];
  let at = from;
  for (;;) {
    while (at < text.length && isSpace(text[at]!)) at++;
    if (!text.startsWith("--", at)) return { flags, end: at };
    const flag = readFlag(text, at, escapeToken);
    at = flag.end;
    if (flag.word === "--") return { flags, end: at };
    flags.push(flag.word);
  }
}

function readFlag(text: string, from: number, escapeToken: Escape): { word: string; end: number } {
  let [word, quoting, at] = ["", "", from];
  for (; at < text.length; at++) {
    const character = text[at]!;
    if (quoting === "" && isSpace(character)) break;
    if (character === escapeToken) {
      at++;
      word += text[at] ?? "";
    } else if (quoting === "" && (character === "'" || character === '"')) quoting = character;
    else if (character === quoting) quoting = "";
    else word += character;
  }
  return { word, end: Math.min(at, text.length) };
}
