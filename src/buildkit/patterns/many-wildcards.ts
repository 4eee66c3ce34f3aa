// Matches patterns with many wildcards in time that grows with the path's length alone: a regular expression of JavaScript's
// tries each way of sharing a name out among them, and would take years for some. (Go's regular expressions don't.)

type Token =
  /** One character. */
  | { one: (char: string) => boolean }
  /** `*`: any characters but a slash; `**` at the end: any. `**` before something: nothing, or what ends with a slash. */
  | { run: "name" | "all" | "folders" };

/** More wildcards than a regular expression should have. */
export const MANY = 3;

export const countWildcards = (pattern: string): number => pattern.match(/\*+/g)?.length ?? 0;

/**
 * A test for all of a path.
 * @param pattern well-formed for filepath.Match
 * @param folders `**` means folders, as patternmatcher has it; else it is `*`
 */
export function matchManyWildcards(pattern: string, folders: boolean): (path: string) => boolean {
  const tokens = tokensOf([...pattern], folders);
  return (path) => run(tokens, path);
}

/** Walks all ways at once: which tokens may be next after each character. */
function run(tokens: readonly Token[], path: string): boolean {
  let next = new Uint8Array(tokens.length + 1);
  /** Folders that are half-way. */
  let inside = new Uint8Array(tokens.length);
  next[0] = 1;
  for (const char of path) {
    skipRuns(tokens, next);
    const after = new Uint8Array(tokens.length + 1);
    const insideAfter = new Uint8Array(tokens.length);
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at]!;
      if (next[at] === 0 && inside[at] === 0) continue;
      if ("one" in token) {
        if (token.one(char)) after[at + 1] = 1;
      } else if (token.run === "folders") {
        insideAfter[at] = 1;
        if (char === "/") after[at + 1] = 1;
      } else if (token.run === "all" || char !== "/") after[at] = 1;
    }
    next = after;
    inside = insideAfter;
  }
  skipRuns(tokens, next);
  return next[tokens.length] === 1;
}

/** A run may be empty. */
function skipRuns(tokens: readonly Token[], next: Uint8Array): void {
  for (let at = 0; at < tokens.length; at++) if (next[at] === 1 && "run" in tokens[at]!) next[at + 1] = 1;
}

function tokensOf(chars: readonly string[], folders: boolean): Token[] {
  const tokens: Token[] = [];
  const literal = (char: string | undefined) => tokens.push({ one: (other) => other === char });
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === "*" && folders && chars[at + 1] === "*") {
      at++;
      if (chars[at + 1] === "/") at++;
      tokens.push({ run: at + 1 < chars.length ? "folders" : "all" });
    } else if (char === "*") tokens.push({ run: "name" });
    else if (char === "?") tokens.push({ one: (other) => other !== "/" });
    else if (char === "\\") literal(chars[++at]);
    else if (char === "[") {
      const found = readClass(chars, at + 1);
      tokens.push({ one: found.test });
      at = found.end;
    } else literal(char);
  }
  return tokens;
}

/** A well-formed class from behind its `[`. */
function readClass(
  chars: readonly string[],
  start: number,
): { test: (char: string) => boolean; end: number } {
  let at = start;
  const negated = chars[at] === "^";
  if (negated) at++;
  const ranges: [number, number][] = [];
  const one = (): number => {
    if (chars[at] === "\\") at++;
    return chars[at++]!.codePointAt(0)!;
  };
  while (at < chars.length && (chars[at] !== "]" || ranges.length === 0)) {
    const low = one();
    const isRange = chars[at] === "-";
    if (isRange) at++;
    ranges.push([low, isRange ? one() : low]);
  }
  const test = (char: string) => {
    const code = char.codePointAt(0)!;
    return ranges.some(([low, high]) => low <= code && code <= high) !== negated;
  };
  return { test, end: at };
}
