// Paths with wildcards in a tree: `dir/*/x?`, each name by Go's filepath.Match.
import { isKind } from "../../../base/errors.ts";
import { toText } from "../../../buildkit/file-sync/index.ts";
import { goMatch, hasWildcards } from "../../../buildkit/patterns/index.ts";
import { close, O } from "../../../linux/ffi.ts";
import { entriesIn, KIND, openChild, openForReading } from "../../../linux/folder.ts";
import { cleanPath, openResolved, pathError, resolveNames } from "./tree-paths.ts";

const ENOENT = 2;
const ENOTDIR = 20;

/** What a path with wildcards came to. */
export interface Matches {
  /** Where the part before the first wildcard leads. */
  prefix: string[];
  /** Paths below it, in the order of their bytes. */
  paths: string[][];
}

/**
 * Undefined when the path has no wildcards. `follow`: the part before the first wildcard may end in a link. A pattern that
 * Go refuses matches nothing. Errors: KernelError "lstat PATH" when the part before the first wildcard isn't there.
 */
export function matchWildcards(root: number, path: string, follow: boolean): Matches | undefined {
  const parts = cleanPath(path).split("/").slice(1);
  const first = parts.findIndex((part) => hasWildcards(part));
  if (first < 0) return undefined;
  const prefix = resolveNames(root, parts.slice(0, first).join("/"), { keepLast: !follow });
  const top = openStart(root, prefix);
  const paths: string[][] = [];
  if (top !== undefined) {
    try {
      collect(top, parts.slice(first).map(toText), [], paths);
    } catch (thrown) {
      if (!isKind(thrown, "invalid")) throw thrown;
      return { prefix, paths: [] };
    } finally {
      close(top);
    }
  }
  return { prefix, paths };
}

/** Undefined for what is no folder, in which nothing is found. */
function openStart(root: number, names: string[]): number | undefined {
  if (names.length === 0) return openResolved(root, [], "lstat");
  const folder = openResolved(root, names.slice(0, -1), "lstat");
  try {
    const fd = openChild(folder, names.at(-1) ?? ".", O.PATH | O.DIRECTORY);
    if (fd === -ENOTDIR) return undefined;
    if (fd < 0) throw pathError("lstat", -fd, names);
    return fd;
  } finally {
    close(folder);
  }
}

function collect(place: number, patterns: string[], above: string[], found: string[][]): void {
  const [pattern = "", ...rest] = patterns;
  goMatch(pattern, ""); // For its error, also where nothing is
  const folder = openForReading(place);
  if (folder < 0) throw pathError("open", -folder, above);
  try {
    const names = entriesIn(folder).filter(({ name }) => goMatch(pattern, toText(name)));
    for (const { name, kind } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = [...above, name];
      if (rest.length === 0) found.push(path);
      else if (kind === KIND.folder || kind === KIND.unknown) {
        const fd = openChild(folder, name, O.PATH | O.DIRECTORY);
        if (fd === -ENOTDIR || fd === -ENOENT) continue;
        if (fd < 0) throw pathError("open", -fd, path);
        try {
          collect(fd, rest, path, found);
        } finally {
          close(fd);
        }
      }
    }
  } finally {
    close(folder);
  }
}
