// Which paths of a tree a transfer has: include and exclude patterns, and what can be left unread because of them (fsutil's
// filter).
import { BerthError, invalid } from "../../base/errors.ts";
import { createMatcher, type Matcher, type MatchState, type Pattern } from "../patterns/index.ts";
import { toText } from "./file-stat.ts";

/** What a folder's content has to know of the patterns that matched above it. */
export interface FolderState {
  include: MatchState | undefined;
  exclude: MatchState | undefined;
}

export interface PathFilter {
  /**
   * `taken`: the path belongs to the transfer. `entered`: something below it may, though it doesn't itself. A path's folders
   * are asked about before it.
   * @param path a byte string
   */
  look(
    path: string,
    directory: boolean,
    parent: FolderState | undefined,
  ): { taken: boolean; entered: boolean; state: FolderState };
}

const WILDCARDS = /[*[\]?^\\]/;

/** Errors: invalid for bad patterns, in BuildKit's words. */
export function createPathFilter(
  includePatterns: readonly string[] | undefined,
  excludePatterns: readonly string[] | undefined,
): PathFilter {
  const include = includePatterns?.length ? matcherOf("includepatterns", includePatterns) : undefined;
  const exclude = excludePatterns?.length ? matcherOf("excludepatterns", excludePatterns) : undefined;
  const mayInclude = prefixesOf(include?.patterns.filter(({ exclusion }) => !exclusion));
  const mayExcept = prefixesOf(exclude?.patterns.filter(({ exclusion }) => exclusion));
  return {
    look(path, directory, parent) {
      const text = toText(path);
      const included = include?.matchBelow(text, parent?.include);
      const excluded = exclude?.matchBelow(text, parent?.exclude);
      const state = { include: included?.state, exclude: excluded?.state };
      const out = included?.matched === false;
      const taken = !out && excluded?.matched !== true;
      const entered =
        directory &&
        (taken || ((!out || mayInclude(text)) && (excluded?.matched !== true || mayExcept(text))));
      return { taken, entered, state };
    },
  };
}

function matcherOf(what: string, patterns: readonly string[]): Matcher {
  try {
    return createMatcher(patterns);
  } catch (thrown) {
    if (!(thrown instanceof BerthError)) throw thrown;
    throw invalid(`invalid ${what}: [${patterns.join(" ")}]: ${thrown.message}`, thrown);
  }
}

/** Whether one of the patterns may match below a folder: known only where none has wildcards but at its end. */
function prefixesOf(patterns: readonly Pattern[] | undefined): (folder: string) => boolean {
  const prefixes = (patterns ?? []).map(({ text }) => text.replace(/\/\*\*$/, "").replace(/\/\*$/, ""));
  if (prefixes.some((prefix) => WILDCARDS.test(prefix))) return () => true;
  return (folder) => prefixes.some((prefix) => `${prefix}/`.startsWith(`${folder}/`));
}
