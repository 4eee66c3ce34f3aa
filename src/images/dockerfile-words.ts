// Words of a Dockerfile's line: quotes, backslashes and variables, as BuildKit's shell lexer reads them
// (frontend/dockerfile/shell/lex.go).

/** undefined: variables stay as they are written. */
type Variables = ReadonlyMap<string, string> | undefined;

/**
 * Splits at blanks outside of quotes. "one word": blanks don't split. "keep quotes": quotes and backslashes are
 * left in, for words whose parts are to be read again.
 */
export function splitWords(text: string, variables: Variables, mode?: "one word" | "keep quotes"): string[] {
  const words: string[] = [];
  let word = "";
  let begun = false;
  const keep = mode === "keep quotes";
  for (let at = 0; at < text.length; ) {
    const character = text[at] ?? "";
    if (/\s/.test(character) && mode !== "one word") {
      if (begun) words.push(word);
      word = "";
      begun = false;
      at++;
      continue;
    }
    begun = true;
    const piece = nextPiece(text, at, variables);
    word += keep ? text.slice(at, piece.end) : piece.value;
    at = piece.end;
  }
  if (begun) words.push(word);
  return words;
}

interface Piece {
  value: string;
  end: number;
}

/** A quoted run, an escaped character, a variable, or one character. */
function nextPiece(text: string, at: number, variables: Variables): Piece {
  const character = text[at] ?? "";
  if (character === "'") {
    const close = text.indexOf("'", at + 1);
    const end = close < 0 ? text.length : close;
    return { value: text.slice(at + 1, end), end: end + 1 };
  }
  if (character === '"') return doubleQuoted(text, at, variables);
  if (character === "\\") return { value: text[at + 1] ?? "", end: at + 2 };
  if (character === "$" && variables) return variable(text, at, variables);
  return { value: character, end: at + 1 };
}

function doubleQuoted(text: string, start: number, variables: Variables): Piece {
  let value = "";
  let at = start + 1;
  while (at < text.length && text[at] !== '"') {
    const character = text[at] ?? "";
    if (character === "\\" && /["$\\]/.test(text[at + 1] ?? "")) {
      value += text[at + 1];
      at += 2;
    } else if (character === "$" && variables) {
      const piece = variable(text, at, variables);
      value += piece.value;
      at = piece.end;
    } else {
      value += character;
      at++;
    }
  }
  return { value, end: at + 1 };
}

/** `$NAME`, `${NAME}`, `${NAME:-otherwise}`, `${NAME:+instead}`; a lone dollar is itself. */
function variable(text: string, at: number, variables: ReadonlyMap<string, string>): Piece {
  const rest = text.slice(at);
  const plain = /^\$([A-Za-z_]\w*)/.exec(rest);
  if (plain) return { value: variables.get(plain[1] ?? "") ?? "", end: at + plain[0].length };
  const braced = /^\$\{([A-Za-z_]\w*)(?:(:?[-+])([^}]*))?\}/.exec(rest);
  if (!braced) return { value: "$", end: at + 1 };
  const [whole, name = "", operator = "", word = ""] = braced;
  const value = variables.get(name);
  const isSet = operator.startsWith(":") ? Boolean(value) : value !== undefined;
  const other = () => splitWords(word, variables, "one word").join("");
  const result = operator.endsWith("-")
    ? isSet
      ? value
      : other()
    : operator.endsWith("+")
      ? isSet
        ? other()
        : ""
      : value;
  return { value: result ?? "", end: at + whole.length };
}
