// A list of patterns of which a later one overrules earlier ones, as .dockerignore has them (moby/patternmatcher).
import { invalid } from "../../base/errors.ts";
import { goMatch } from "./go-match.ts";
import { cleanPath, trimSpace } from "./go-path.ts";
import { createPattern, type Pattern } from "./pattern.ts";

/** Which of the patterns matched a folder or one above it; for what is in it. */
export type MatchState = readonly boolean[];

export interface Matcher {
  readonly patterns: readonly Pattern[];
  /** Some pattern begins with `!`. */
  readonly exclusions: boolean;
  /** Whether the path or a folder above it matches. */
  matches(path: string): boolean;
  /**
   * As `matches`, for walks: `parent` is what this gave for the folder that the path is in, or nothing for what is in no
   * folder.
   */
  matchBelow(path: string, parent: MatchState | undefined): { matched: boolean; state: MatchState };
}

/**
 * Paths begin with no slash, names in them are separated by one. Errors: invalid, `illegal exclusion pattern: "!"` and
 * "syntax error in pattern"; `matches` and `matchBelow` throw the latter for what only Go's regular expressions refuse.
 */
export function createMatcher(patterns: readonly string[]): Matcher {
  const list: Pattern[] = [];
  for (const each of patterns) {
    const trimmed = trimSpace(each);
    if (trimmed === "") continue;
    const clean = cleanPath(trimmed);
    const exclusion = clean.startsWith("!");
    if (clean === "!") throw invalid('illegal exclusion pattern: "!"');
    const text = exclusion ? clean.slice(1) : clean;
    goMatch(text, "."); // For its error
    list.push(createPattern(text, exclusion));
  }
  const matchBelow = (path: string, parent: MatchState | undefined) => {
    let matched = false;
    const state = new Array<boolean>(list.length).fill(false);
    for (let i = 0; i < list.length; i++) {
      const pattern = list[i]!;
      let match = parent?.[i] ?? false;
      if (!match) {
        // An inclusion has nothing to add to a match, an exclusion nothing to take from none.
        if (pattern.exclusion !== matched) continue;
        match = pattern.matches(path) || (!parent && matchesAbove(pattern, path));
      }
      state[i] = match;
      if (match) matched = !pattern.exclusion;
    }
    return { matched, state };
  };
  return {
    patterns: list,
    exclusions: list.some(({ exclusion }) => exclusion),
    matches(path) {
      let matched = false;
      for (const pattern of list) {
        if (pattern.exclusion !== matched) continue;
        if (pattern.matches(path) || matchesAbove(pattern, path)) matched = !pattern.exclusion;
      }
      return matched;
    },
    matchBelow,
  };
}

function matchesAbove(pattern: Pattern, path: string): boolean {
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1))
    if (pattern.matches(path.slice(0, slash))) return true;
  return false;
}
