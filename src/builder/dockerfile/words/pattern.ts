// Patterns in ${name#p}, ${name%p} and ${name/p/r}: `*`, `?` and escaped characters, no brackets. Matched piece by piece
// between the stars, so that no pattern takes time in the square of the value's length.
import { invalid } from "../../../base/errors.ts";

/** Characters; Linux takes no argument or variable over 128 KiB (MAX_ARG_STRLEN), and `ENV a=$a$a` doubles. */
export const MAX_VALUE = 1 << 20;
/** Comparisons that one pattern may take: a tenth of a second. */
const MAX_STEPS = 20_000_000;

const ANY = Symbol("?");
type Token = string | typeof ANY;
/** What stands between stars; one segment more than there are stars. */
type Segments = readonly (readonly Token[])[];

/**
 * The value without what the pattern matches at its start or end: as little as possible, or as much. As in BuildKit
 * neither `*` nor `?` matches a line feed. Errors: invalid, for an escape that means nothing.
 */
export function trimPattern(value: string, pattern: string, side: "start" | "end", longest: boolean): string {
  const segments = compile(pattern);
  const characters = [...value];
  if (side === "start") {
    const match = new Matcher(characters, segments, longest).at(0);
    return match === undefined ? value : characters.slice(match).join("");
  }
  const mirrored = segments.map((segment) => segment.toReversed()).reverse();
  const match = new Matcher(characters.reverse(), mirrored, longest).at(0);
  return match === undefined ? value : characters.slice(match).reverse().join("");
}

/** The value with the first match, or all of them, replaced; each as long as possible. Errors: as trimPattern. */
export function replacePattern(value: string, pattern: string, by: string, everywhere: boolean): string {
  const characters = [...value];
  const matcher = new Matcher(characters, compile(pattern), true);
  let result = "";
  let [from, lastEnd] = [0, -1];
  while (from <= characters.length) {
    const match = matcher.from(from);
    if (!match) break;
    const [start, end] = match;
    result += characters.slice(from, start).join("");
    // An empty match right after another is none (Go's regexp, which BuildKit uses).
    if (end > start || start !== lastEnd) result += by;
    if (result.length > MAX_VALUE) throw invalid(`the value is longer than ${MAX_VALUE} characters`);
    if (end === start) result += characters[start] ?? "";
    [from, lastEnd] = [end === start ? end + 1 : end, end];
    if (!everywhere) break;
  }
  return result + characters.slice(from).join("");
}

function compile(pattern: string): Segments {
  const segments: Token[][] = [[]];
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index]!;
    const current = segments.at(-1)!;
    if (character === "*") segments.push([]);
    else if (character === "?") current.push(ANY);
    else if (character !== "\\") current.push(character);
    else {
      const escaped = characters[index + 1];
      if (escaped === "}" || escaped === "/") continue; // these end the ${…}: the escape isn't the pattern's
      if (escaped !== "*" && escaped !== "?" && escaped !== "\\")
        throw invalid(
          `invalid pattern (${pattern}) in substitution: invalid escape '\\${escaped ?? "\ufffd"}'`,
        );
      current.push(escaped);
      index++;
    }
  }
  return segments;
}

class Matcher {
  private steps = 0;
  /** Where the line ends in which the last match was tried: no star gets over it. */
  private lineStart = 0;
  private lineEnd = -1;

  constructor(
    private readonly value: readonly string[],
    private readonly segments: Segments,
    private readonly longest: boolean,
  ) {}

  /** The leftmost match that starts at `from` or later. */
  from(from: number): [start: number, end: number] | undefined {
    for (let start = from; start <= this.value.length; start++) {
      if (!this.fits(this.segments[0]!, start)) continue;
      const end = this.at(start);
      if (end !== undefined) return [start, end];
      // What a star didn't find in the rest of the line, a later start in that line doesn't find either.
      start = Math.max(start, this.lineEnd);
    }
    return undefined;
  }

  /** The end of the match that starts at `start`. */
  at(start: number): number | undefined {
    const [first = [], ...others] = this.segments;
    if (!this.fits(first, start)) return undefined;
    let end = start + first.length;
    for (const [index, segment] of others.entries()) {
      const last = index === others.length - 1;
      const found = last && this.longest ? this.findLast(segment, end) : this.findFirst(segment, end);
      if (found === undefined) return undefined;
      end = found + segment.length;
    }
    return end;
  }

  private endOfLine(at: number): number {
    if (at > this.lineEnd || at < this.lineStart) {
      const found = this.value.indexOf("\n", at);
      this.lineEnd = found < 0 ? this.value.length : found;
      this.lineStart = at;
    }
    return this.lineEnd;
  }

  private findFirst(segment: readonly Token[], from: number): number | undefined {
    const limit = this.endOfLine(from);
    for (let at = from; at <= limit; at++) if (this.fits(segment, at)) return at;
    return undefined;
  }

  private findLast(segment: readonly Token[], from: number): number | undefined {
    for (let at = this.endOfLine(from); at >= from; at--) if (this.fits(segment, at)) return at;
    return undefined;
  }

  private fits(segment: readonly Token[], at: number): boolean {
    if (at + segment.length > this.value.length) return false;
    for (const [index, token] of segment.entries()) {
      if (++this.steps > MAX_STEPS) throw invalid("the pattern takes too long to match");
      const character = this.value[at + index];
      if (token === ANY ? character === "\n" : token !== character) return false;
    }
    return true;
  }
}
