// Quotes, escapes and variables in the words of an instruction, as BuildKit's shell lexer reads them
// (frontend/dockerfile/shell): a subset of what a POSIX shell does, with bash's ${x/p/r}.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the shell's ${…}, not JavaScript's.
import { invalid, messageOf } from "../../../base/errors.ts";
import { isSpace, quote } from "../go-text.ts";
import { MAX_VALUE, replacePattern, trimPattern } from "./pattern.ts";
import type { Expansion, LexerOptions, Variables } from "./types.ts";

/** `${a:-${b:-…}}` deeper than this is refused: the reader calls itself. */
const MAX_DEPTH = 100;

const SPECIAL_PARAMETER = /^[@*#?$!0-]$/; // POSIX.1-2017, shell command language, 2.5.2
const DIGIT = /^\p{Nd}$/u;
const NAME_CHARACTER = /^[\p{L}\p{Nd}_]$/u;

/**
 * Expands `text`. Errors: invalid, `failed to process "…": …` (an open quote, a bad ${…}, the message of ${x:?message}).
 */
export function expand(text: string, variables: Variables, options: LexerOptions): Expansion {
  const reader = new Reader(text, variables, options);
  try {
    const { value, words } = reader.until(undefined, options.rawEscapes ?? false);
    return { value, words, matched: reader.matched, unmatched: reader.unmatched };
  } catch (thrown) {
    throw invalid(`failed to process ${quote(text)}: ${messageOf(thrown)}`, thrown);
  }
}

/** The words of `text`, its variables expanded. Errors: as expand. */
export const splitWords = (text: string, variables: Variables, options: LexerOptions): readonly string[] =>
  expand(text, variables, options).words;

/** Collects words: blanks end one unless they are quoted; an empty one is none, `""` too. */
class WordList {
  readonly words: string[] = [];
  private word = "";
  add(text: string): void {
    for (const character of text)
      if (isSpace(character)) this.end();
      else this.word += character;
  }
  addQuoted(text: string): void {
    this.word += text;
  }
  end(): void {
    if (this.word !== "") this.words.push(this.word);
    this.word = "";
  }
}

class Reader {
  readonly matched = new Set<string>();
  readonly unmatched = new Set<string>();
  private at: number;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly variables: Variables,
    private readonly options: LexerOptions,
  ) {
    this.at = text.startsWith("\ufeff") ? 1 : 0; // Go's text/scanner drops a byte order mark
  }

  /** The next character, a surrogate pair as one; undefined at the end. */
  private peek(): string | undefined {
    const code = this.text.codePointAt(this.at);
    return code === undefined ? undefined : String.fromCodePoint(code);
  }

  private next(): string | undefined {
    const character = this.peek();
    this.at += character?.length ?? 0;
    return character;
  }

  /** Reads up to `stop`, which is consumed, or to the end of the text. */
  until(stop: string | undefined, rawEscapes: boolean): { value: string; words: string[] } {
    if (++this.depth > MAX_DEPTH) throw invalid("substitutions are nested too deeply");
    const list = new WordList();
    let value = "";
    for (let character = this.peek(); character !== undefined; character = this.peek()) {
      if (character === stop) {
        this.next();
        this.depth--;
        list.end();
        return { value, words: list.words };
      }
      const piece = this.piece(character, rawEscapes);
      value += piece.text;
      if (value.length > MAX_VALUE) throw invalid(`the value is longer than ${MAX_VALUE} characters`);
      if (piece.quoted) list.addQuoted(piece.text);
      else list.add(piece.text);
    }
    if (stop !== undefined) throw invalid(`unexpected end of statement while looking for matching ${stop}`);
    this.depth--;
    list.end();
    return { value, words: list.words };
  }

  private piece(character: string, rawEscapes: boolean): { text: string; quoted: boolean } {
    if (character === "$") return { text: this.variable(), quoted: false };
    if (character === "<") return { text: this.hereDocumentMark(), quoted: true };
    if (!this.options.ignoreQuotes) {
      if (character === "'") return { text: this.singleQuoted(), quoted: true };
      if (character === '"') return { text: this.doubleQuoted(rawEscapes), quoted: true };
    }
    this.next();
    if (character !== this.options.escape) return { text: character, quoted: false };
    return { text: (rawEscapes ? character : "") + (this.next() ?? ""), quoted: true };
  }

  private singleQuoted(): string {
    const from = this.at;
    const close = this.text.indexOf("'", from + 1);
    if (close < 0) throw invalid("unexpected end of statement while looking for matching single-quote");
    this.at = close + 1;
    return this.options.rawQuotes ? this.text.slice(from, close + 1) : this.text.slice(from + 1, close);
  }

  private doubleQuoted(rawEscapes: boolean): string {
    const mark = this.options.rawQuotes ? '"' : "";
    this.next();
    let value = mark;
    for (;;) {
      const character = this.peek();
      if (character === undefined)
        throw invalid("unexpected end of statement while looking for matching double-quote");
      if (character === "$") {
        value += this.variable();
        continue;
      }
      this.next();
      if (character === '"') return value + mark;
      if (character === this.options.escape) value += this.escapedInQuotes(rawEscapes);
      else value += character;
    }
  }

  /** After an escape character in double quotes: it stays, unless it is before one that means something there. */
  private escapedInQuotes(rawEscapes: boolean): string {
    const token = this.options.escape;
    const following = this.peek();
    const kept = rawEscapes ? token : "";
    if (following === undefined) return kept;
    if (following !== '"' && following !== "$" && following !== token) return kept + token;
    this.next();
    return kept + following;
  }

  /** `<<`, and blanks after it, which belong to the word: `<< EOF` is one. */
  private hereDocumentMark(): string {
    const from = this.at;
    this.next();
    if (this.peek() !== "<") return "<";
    this.next();
    while ("\t\r ".includes(this.peek() ?? "end")) this.next();
    return this.text.slice(from, this.at);
  }

  private variable(): string {
    this.next();
    if (this.peek() !== "{") {
      const name = this.name();
      if (name === "") return "$";
      const value = this.lookUp(name);
      return value ?? (this.options.keepUnset ? `$${name}` : "");
    }
    this.next();
    const first = this.peek();
    if (first === undefined) throw invalid("syntax error: missing '}'");
    if (first === "{" || first === "}" || first === ":") throw invalid("syntax error: bad substitution");
    return this.substitution(this.name());
  }

  /** What follows the name in `${name…}`. */
  private substitution(name: string): string {
    const mark = this.next() ?? "\ufffd";
    if (mark === "}") return this.lookUp(name) ?? (this.options.keepUnset ? `\${${name}}` : "");
    if (mark === "/") return this.replacement(name);
    if (mark === ":") return this.modified(name, this.next() ?? "\ufffd", true);
    if ("+-?#%".includes(mark)) return this.modified(name, mark, false);
    throw unsupported(mark);
  }

  private modified(name: string, mark: string, emptyIsUnset: boolean): string {
    const trims = mark === "#" || mark === "%";
    const written = emptyIsUnset ? `:${mark}` : mark;
    if (emptyIsUnset && trims) throw unsupported(written);
    const word = this.inner("}", trims, "syntax error: missing '}'");
    const value = this.lookUp(name);
    if (value === undefined && this.options.keepUnset) return `\${${name}${written}${word}}`;
    const missing = value === undefined || (emptyIsUnset && value === "");
    if (mark === "-") return missing ? word : value;
    if (mark === "+") return missing ? "" : word;
    if (mark === "?") {
      if (!missing) return value;
      throw invalid(`${name}: ${word || `is not allowed to be ${value === undefined ? "unset" : "empty"}`}`);
    }
    if (!trims) throw unsupported(written);
    const longest = word.startsWith(mark);
    return trimPattern(value ?? "", longest ? word.slice(1) : word, mark === "#" ? "start" : "end", longest);
  }

  private replacement(name: string): string {
    const everywhere = this.peek() === "/";
    if (everywhere) this.next();
    const pattern = this.inner("/", true, "syntax error: missing '/' in ${}");
    const by = this.inner("}", true, "syntax error: missing '}'");
    const value = this.lookUp(name);
    if (value === undefined && this.options.keepUnset) return `\${${name}/${pattern}/${by}}`;
    return replacePattern(value ?? "", pattern, by, everywhere);
  }

  private inner(stop: string, rawEscapes: boolean, atEnd: string): string {
    try {
      return this.until(stop, rawEscapes).value;
    } catch (thrown) {
      if (this.peek() === undefined) throw invalid(atEnd, thrown);
      throw thrown;
    }
  }

  /** Letters, digits and `_`; or only digits, when it begins with one; or one special parameter. */
  private name(): string {
    const first = this.peek();
    if (first === undefined) return "";
    if (DIGIT.test(first)) return this.run(DIGIT);
    if (SPECIAL_PARAMETER.test(first)) return this.next() ?? "";
    return this.run(NAME_CHARACTER);
  }

  private run(of: RegExp): string {
    const from = this.at;
    for (let character = this.peek(); character !== undefined && of.test(character); character = this.peek())
      this.next();
    return this.text.slice(from, this.at);
  }

  private lookUp(name: string): string | undefined {
    const value = this.variables.get(name);
    (value === undefined ? this.unmatched : this.matched).add(name);
    return value;
  }
}

const unsupported = (mark: string) => invalid(`unsupported modifier (${mark}) in substitution`);
