// The digest of what a COPY takes from a list of files, from the list alone (in the spirit of BuildKit's contenthash): equal when
// the selected files, their names below what was selected, kinds, modes, owners, link targets, attributes and contents are.
import { createHash } from "node:crypto";
import { invalid, notFound } from "../../base/errors.ts";
import { cleanPath, goMatch, hasWildcards } from "../patterns/index.ts";
import { factsOf } from "./content-digest.ts";
import { type FileEntry, isDirectory, MODE, toByteString, toText } from "./file-stat.ts";
import { createPathFilter, type FolderState } from "./path-filter.ts";

export interface CopySelector {
  /** From the list's root; a slash at its end: the folder's content without the folder's own mode and owner. */
  path: string;
  /** `path` has wildcards (filepath.Match); nothing need match then. */
  wildcard?: boolean;
  /** A symbolic link that is selected itself stands for what it leads to. Links on the way always do. */
  followLinks?: boolean;
  includePatterns?: readonly string[];
  excludePatterns?: readonly string[];
}

export interface CopyDigest {
  /** sha256 in hexadecimal digits. */
  digest: string;
  /** How many were selected, folders included. */
  files: number;
}

export interface CopyDigester {
  /**
   * Errors: not-found, `"/PATH": not found` as BuildKit says it, for a path without wildcards and patterns that isn't there;
   * invalid for bad patterns and links that go in circles.
   */
  digest(selector: CopySelector): CopyDigest;
}

/** As many links as BuildKit follows on one way. */
const LINKS_LIMIT = 255;

/** What was selected: an entry under its name, or another digest in its place. */
interface Selected {
  name: string;
  facts: string;
}

/** @param entries in the order of their paths, as a receiver gives them */
export function createCopyDigester(entries: readonly FileEntry[]): CopyDigester {
  let places: Map<string, number> | undefined;
  const tree: Tree = {
    entries,
    placeOf(path) {
      places ??= new Map(entries.map((entry, place) => [entry.path, place]));
      return places.get(path);
    },
  };
  return {
    digest(selector) {
      const filtered = selector.includePatterns?.length || selector.excludePatterns?.length;
      return digestOf(
        selector.wildcard || filtered
          ? selectSome(tree, selector)
          : selectWhole(tree, selector.path, selector),
      );
    },
  };
}

interface Tree {
  entries: readonly FileEntry[];
  placeOf(path: string): number | undefined;
}

const BATCH = 512;

function digestOf(selected: readonly Selected[]): CopyDigest {
  const hash = createHash("sha256");
  for (let at = 0; at < selected.length; at += BATCH) {
    let text = "";
    for (const { name, facts } of selected.slice(at, at + BATCH)) text += `${name}\0${facts}`;
    hash.update(text, "latin1");
  }
  return { digest: hash.digest("hex"), files: selected.length };
}

const select = (name: string, entry: FileEntry): Selected => ({
  name,
  // A further name of a file is a file of its own to a copy.
  facts: factsOf(entry, (entry.mode & MODE.symlink) !== 0 ? entry.linkname : ""),
});

/** A path's clean form from the root: names without slashes at their ends. */
const inRoot = (path: string): string => toByteString(cleanPath(`/${path}`).slice(1));

/** A path with all below it. */
function selectWhole(
  tree: Tree,
  path: string,
  { followLinks }: Pick<CopySelector, "followLinks">,
): Selected[] {
  const found = resolve(tree, inRoot(path), followLinks ?? false);
  if (found === undefined) throw notFound(`${JSON.stringify(cleanPath(`/${path}`))}: not found`);
  if (found === "") return tree.entries.map((entry) => select(entry.path, entry));
  const place = tree.placeOf(found)!;
  const below = entriesBelow(tree, found, place + 1).map((entry) =>
    select(entry.path.slice(found.length + 1), entry),
  );
  const entry = tree.entries[place]!;
  return path.endsWith("/") && isDirectory(entry.mode) ? below : [select("", entry), ...below];
}

function entriesBelow(tree: Tree, folder: string, start: number): FileEntry[] {
  const below = `${folder}/`;
  let end = start;
  while (tree.entries[end]?.path.startsWith(below)) end++;
  return tree.entries.slice(start, end);
}

/** Where a path leads, links on its way followed; "" for the root, undefined for nothing. */
function resolve(tree: Tree, path: string, followLast: boolean): string | undefined {
  const rest = path.split("/").reverse();
  let at = "";
  let followed = 0;
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      at = at.slice(0, Math.max(at.lastIndexOf("/"), 0));
      continue;
    }
    const next = at ? `${at}/${name}` : name;
    const place = tree.placeOf(next);
    if (place === undefined) return undefined;
    const { mode, linkname } = tree.entries[place]!;
    if ((mode & MODE.symlink) !== 0 && (rest.length > 0 || followLast)) {
      if (++followed > LINKS_LIMIT) throw invalid(`${JSON.stringify(toText(`/${path}`))}: too many links`);
      if (linkname.startsWith("/")) at = "";
      rest.push(...linkname.split("/").reverse());
    } else if (rest.length > 0 && !isDirectory(mode)) return undefined;
    else at = next;
  }
  return at;
}

interface OpenFolder {
  /** With a slash at its end. */
  prefix: string;
  state: FolderState;
  header: Selected;
  selected: boolean;
}

/** By wildcards and patterns: folders are selected by themselves, and where something in them is. */
function selectSome(tree: Tree, selector: CopySelector): Selected[] {
  const filter = createPathFilter(selector.includePatterns, selector.excludePatterns);
  const selected: Selected[] = [];
  const open: OpenFolder[] = [];
  for (const { entry, name, candidate } of candidates(tree, selector)) {
    while (open.length > 0 && !name.startsWith(open.at(-1)!.prefix)) open.pop();
    const folder = isDirectory(entry.mode);
    const { taken, state } = filter.look(candidate, folder, open.at(-1)?.state);
    const link = selector.followLinks && open.length === 0 && (entry.mode & MODE.symlink) !== 0;
    const header = link
      ? { name, facts: digestOf(selectWhole(tree, toText(entry.path), selector)).digest }
      : select(name, entry);
    if (taken) {
      for (const above of open) {
        if (!above.selected) selected.push(above.header);
        above.selected = true;
      }
      selected.push(header);
    }
    // The selected folder's own name is "" where there is but one.
    if (folder) open.push({ prefix: name === "" ? "" : `${name}/`, state, header, selected: taken });
  }
  return selected;
}

interface Candidate {
  entry: FileEntry;
  /** As the digest has it: from the part of the path that has no wildcards. */
  name: string;
  /** For the patterns: from what the path means. */
  candidate: string;
}

function* candidates(tree: Tree, selector: CopySelector): Generator<Candidate> {
  const path = inRoot(selector.path);
  if (selector.wildcard && path !== "") return yield* matching(tree, path, selector.path.endsWith("/"));
  const found = resolve(tree, path, false);
  if (found === undefined) return;
  const place = found === "" ? -1 : tree.placeOf(found)!;
  const entry = tree.entries[place];
  if (entry && !(selector.path.endsWith("/") && isDirectory(entry.mode)))
    yield { entry, name: "", candidate: "" };
  for (const below of found === "" ? tree.entries : entriesBelow(tree, found, place + 1)) {
    const name = found === "" ? below.path : below.path.slice(found.length + 1);
    yield { entry: below, name, candidate: name };
  }
}

/** What matches a pattern, with all below it. Links are followed in the part before the first wildcard. */
function* matching(tree: Tree, pattern: string, content: boolean): Generator<Candidate> {
  const names = pattern.split("/");
  let plain = names.findIndex((name) => hasWildcards(name) || name.includes("\\"));
  if (plain < 0) plain = names.length - 1;
  const start = resolve(tree, names.slice(0, plain).join("/"), true);
  if (start === undefined) return;
  const rest = toText(names.slice(plain).join("/"));
  goMatch(rest, ""); // For its error, also where nothing is compared
  let matched: string | undefined;
  const place = start === "" ? 0 : tree.placeOf(start)! + 1;
  for (const entry of start === "" ? tree.entries : entriesBelow(tree, start, place)) {
    const name = start === "" ? entry.path : entry.path.slice(start.length + 1);
    if (matched === undefined || !name.startsWith(`${matched}/`)) {
      if (!goMatch(rest, toText(name))) continue;
      matched = name;
      if (content && isDirectory(entry.mode)) continue;
    }
    yield { entry, name, candidate: name.slice(matched.length + 1) };
  }
}
