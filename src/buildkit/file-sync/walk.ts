// A folder's files in the order in which they are sent: each folder before what is in it, names by their bytes.
import type { BigIntStats } from "node:fs";
import { type FileStat, isDirectory, MODE } from "./file-stat.ts";
import { followLinks, withoutNested } from "./follow-links.ts";
import { createPathFilter, type FolderState, type PathFilter } from "./path-filter.ts";
import { describe, factsOf, namesOf, type TreeSource } from "./tree-source.ts";

export interface WalkOptions {
  includePatterns?: readonly string[];
  excludePatterns?: readonly string[];
  /** Paths whose links are followed; they and their targets are included. */
  followPaths?: readonly string[];
  /** Changes what is said of a file. */
  map?: (stat: FileStat) => void;
}

/** The map that Docker's clients have for what they send: files are root's. */
export function resetOwner(stat: FileStat): void {
  stat.uid = 0;
  stat.gid = 0;
}

interface OpenFolder {
  /** "" or with a slash at its end. */
  prefix: string;
  names: string[];
  next: number;
  state: FolderState | undefined;
  /** A folder that is only in the transfer when something in it is. */
  unsent: FileStat | undefined;
}

/** Files looked at between two results: a walk through what is left out lets others run too. */
const PATIENCE = 500;

/**
 * Gives each file of the transfer, and undefined now and then where it has looked at many without finding one. Errors:
 * invalid for bad patterns and what can't be read, in BuildKit's words.
 */
export function walkTree(tree: TreeSource, options: WalkOptions): Generator<FileStat | undefined, void> {
  const filter = createPathFilter(includesOf(tree, options), options.excludePatterns);
  return walk(tree, filter, options.map ?? (() => {}));
}

function includesOf(tree: TreeSource, options: WalkOptions): readonly string[] | undefined {
  const targets = options.followPaths && followLinks(tree, options.followPaths);
  if (!targets) return options.includePatterns;
  return withoutNested([...(options.includePatterns ?? []), ...targets]);
}

function* walk(
  tree: TreeSource,
  filter: PathFilter,
  map: (stat: FileStat) => void,
): Generator<FileStat | undefined, void> {
  const firstNames = new Map<string, string>();
  const open: OpenFolder[] = [
    { prefix: "", names: namesOf(tree, ""), next: 0, state: undefined, unsent: undefined },
  ];
  let looked = 0;
  for (let folder = open.at(-1); folder; folder = open.at(-1)) {
    if (folder.next === folder.names.length) {
      open.pop();
      continue;
    }
    const path = folder.prefix + folder.names[folder.next++]!;
    const facts = factsOf(tree, path);
    if (!facts) continue; // Gone since the folder was read
    const directory = facts.isDirectory();
    const { taken, entered, state } = filter.look(path, directory, folder.state);
    if (!taken && ++looked % PATIENCE === 0) yield undefined;
    if (!taken && !entered) continue;
    const stat = describe(tree, path, facts);
    if (!stat) continue;
    map(stat);
    if (taken) {
      for (const above of open) {
        if (!above.unsent) continue;
        yield above.unsent;
        above.unsent = undefined;
      }
      linkTo(firstNames, facts, stat);
      yield stat;
    }
    if (entered)
      open.push({
        prefix: `${path}/`,
        names: namesIn(tree, path, taken),
        next: 0,
        state,
        unsent: taken ? undefined : stat,
      });
  }
}

/** A folder that is left out itself needn't be readable. */
function namesIn(tree: TreeSource, path: string, taken: boolean): string[] {
  try {
    return namesOf(tree, path);
  } catch (thrown) {
    const cause = (thrown as Error).cause as { code?: unknown } | undefined;
    if (!taken && cause?.code === "EACCES") return [];
    throw thrown;
  }
}

/** A further name of a file that was sent is a hard link to its first. */
function linkTo(firstNames: Map<string, string>, facts: BigIntStats, stat: FileStat): void {
  if (facts.nlink < 2n || isDirectory(stat.mode) || (stat.mode & MODE.symlink) !== 0) return;
  const inode = `${facts.dev} ${facts.ino}`;
  const first = firstNames.get(inode);
  if (first === undefined) firstNames.set(inode, stat.path);
  else stat.linkname = first;
}
