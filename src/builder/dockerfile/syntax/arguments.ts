// How each instruction's arguments are split up. The forms differ: words, JSON strings, name=value, or the rest as it is.
import { invalid } from "../../../base/errors.ts";
import { isSpace, quote, trimStart } from "../go-text.ts";
import type { Escape } from "../words/index.ts";
import type { InstructionNode, KeyValue } from "./types.ts";

export type SplitArguments = Pick<InstructionNode, "args" | "json" | "pairs">;

const NONE: SplitArguments = { args: [], json: false, pairs: [] };
const rest = (text: string): SplitArguments => (text === "" ? NONE : { ...NONE, args: [text] });

/** Blanks between words; a line feed is none. */
const BLANKS = /[\t\v\f\r ]+/;

/** Splits the text behind keyword and flags. Errors: invalid, in BuildKit's words. */
export function splitArguments(keyword: string, text: string, escapeToken: Escape): SplitArguments {
  switch (keyword) {
    case "env":
    case "label":
      return { ...NONE, pairs: keyValues(text, keyword.toUpperCase(), escapeToken) };
    case "arg":
      return { ...NONE, args: quotedWords(text, escapeToken) };
    case "expose":
    case "from":
      return blankSeparated(text);
    case "add":
    case "copy":
    case "volume":
      return jsonStrings(text) ?? blankSeparated(text);
    case "cmd":
    case "entrypoint":
    case "run":
    case "shell":
      return jsonStrings(text) ?? rest(text);
    case "healthcheck":
      return typeAndCommand(text);
    case "maintainer":
    case "stopsignal":
    case "user":
    case "workdir":
      return rest(text);
    default:
      return NONE;
  }
}

const blankSeparated = (text: string): SplitArguments =>
  text === "" ? NONE : { ...NONE, args: text.split(BLANKS) };

/** A JSON array of strings; undefined for what isn't JSON, which then is a shell's line or words. */
function jsonStrings(text: string): SplitArguments | undefined {
  if (!trimStart(text).startsWith("[")) return undefined;
  let items: unknown;
  try {
    items = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(items) || !items.every((item) => typeof item === "string"))
    throw invalid("when using JSON array syntax, arrays must be comprised of strings only");
  // Go's decoder has no lone surrogates.
  return { ...NONE, args: items.map((item) => item.toWellFormed()), json: true };
}

function typeAndCommand(text: string): SplitArguments {
  let end = 0;
  while (end < text.length && !isSpace(text[end]!)) end++;
  if (end === 0) return NONE;
  const command = trimStart(text.slice(end));
  const { args, json } = jsonStrings(command) ?? rest(command);
  return { ...NONE, args: [text.slice(0, end), ...args], json };
}

function keyValues(text: string, keyword: string, escapeToken: Escape): KeyValue[] {
  const words = quotedWords(text, escapeToken);
  const [first] = words;
  if (first === undefined) return [];
  if (!first.includes("=")) {
    const [key = "", ...others] = text.split(BLANKS);
    if (others.length === 0) throw invalid(`${keyword} must have two arguments`);
    return [{ key, value: text.slice(key.length).replace(/^[\t\v\f\r ]+/, ""), legacy: true }];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at < 0)
      throw invalid(`Syntax error - can't find = in ${quote(word)}. Must be of the form: name=value`);
    return { key: word.slice(0, at), value: word.slice(at + 1), legacy: false };
  });
}

/** Words at blanks outside of quotes; quotes and escapes stay in them, for the lexer. */
export function quotedWords(text: string, escapeToken: Escape): string[] {
  const words: string[] = [];
  let [word, begun, quoting]: [string, boolean, string] = ["", false, ""];
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (quoting === "" && isSpace(character)) {
      if (begun) words.push(word);
      [word, begun] = ["", false];
    } else if (character === escapeToken && quoting !== "'") {
      if (at + 1 === text.length) break; // an escape character at the very end is dropped
      word += character + text[++at]!;
      begun = true;
    } else {
      if (quoting === "" && (character === "'" || character === '"')) quoting = character;
      else if (character === quoting) quoting = "";
      word += character;
      begun = true;
    }
  }
  if (begun) words.push(word);
  return words;
}
