// Path patterns: .dockerignore files, the lists of patterns of BuildKit's file sync and copies, and Go's filepath.Match.

export { goMatch, hasWildcards } from "./go-match.ts";
export { cleanPath } from "./go-path.ts";
export { readIgnoreFile } from "./ignore-file.ts";
export { createMatcher, type Matcher, type MatchState } from "./matcher.ts";
export type { Pattern } from "./pattern.ts";
