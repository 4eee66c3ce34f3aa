// The vocabulary of words: what a word of an instruction may hold, and what comes out of it.

/** The character that takes the next one's meaning away, and continues a line: `# escape=` chooses. */
export type Escape = "\\" | "`";

/** Names and values that `$NAME` may use, in the order in which they were set; a Map will do. */
export interface Variables {
  get(name: string): string | undefined;
  keys(): Iterable<string>;
}

export interface LexerOptions {
  readonly escape: Escape;
  /** Quotes stay in the result, though they still quote. */
  readonly rawQuotes?: boolean;
  /** Escape characters stay in the result, though they still escape. */
  readonly rawEscapes?: boolean;
  /** Quotes are characters like any other (the text of a here-document). */
  readonly ignoreQuotes?: boolean;
  /** `$NAME` of a variable that isn't set stays as it is written. */
  readonly keepUnset?: boolean;
}

export interface Expansion {
  /** The text as one word: blanks don't split it. */
  readonly value: string;
  /** The text split at unquoted blanks, those that came out of variables too. */
  readonly words: readonly string[];
  /** Names used that are set, and that are not, each once and in order. */
  readonly matched: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
}
