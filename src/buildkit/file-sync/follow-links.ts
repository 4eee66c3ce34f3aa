// Resolves "followpaths": paths, with wildcards, to the symbolic links on their way and what those lead to, so that a COPY of
// a link finds its target in what was transferred (fsutil's FollowLinks).
import { cleanPath, goMatch, hasWildcards } from "../patterns/index.ts";
import { toByteString, toText } from "./file-stat.ts";
import { factsOf, linkOf, namesOf, type TreeSource } from "./tree-source.ts";

/** Patterns to include, sorted; undefined where all of the tree is meant. A link never leads out of the tree. */
export function followLinks(tree: TreeSource, paths: readonly string[]): string[] | undefined {
  const resolved = new Set<string>();
  for (const path of paths) follow(tree, path, resolved);
  const sorted = [...resolved].sort((one, other) => (toByteString(one) < toByteString(other) ? -1 : 1));
  return withoutNested(sorted);
}

/** Leaves out paths below others of a sorted list; undefined when one is the root. */
export function withoutNested(sorted: readonly string[]): string[] | undefined {
  const kept: string[] = [];
  let last = "";
  for (const path of sorted) {
    if (path === ".") return undefined;
    if (path.startsWith(`${last}/`)) continue;
    kept.push(path);
    last = path;
  }
  return kept;
}

function follow(tree: TreeSource, path: string, resolved: Set<string>): void {
  // As seen from the root, which nothing is above of.
  const names = cleanPath(`/${path}`).split("/").slice(1);
  let current = "";
  for (let at = 0; at < names.length; at++) {
    current = current ? `${current}/${names[at]}` : names[at]!;
    const targets = linksAt(tree, current);
    const last = at === names.length - 1;
    if (!targets && !last) continue;
    const key = current || ".";
    if (resolved.has(key)) return;
    resolved.add(key);
    const rest = names.slice(at + 1).join("/");
    for (const target of targets ?? []) follow(tree, `${target}/${rest}`, resolved);
    return;
  }
}

/** Where the symbolic links lead that a path, whose last name may have wildcards, means; undefined for no link. */
function linksAt(tree: TreeSource, path: string): string[] | undefined {
  const slash = path.lastIndexOf("/");
  const folder = slash < 0 ? "" : path.slice(0, slash);
  const base = path.slice(slash + 1);
  if (!hasWildcards(base)) {
    const target = linkTarget(tree, path);
    return target === undefined ? undefined : [target];
  }
  const facts = folder === "" ? undefined : factsOf(tree, toByteString(folder));
  if (folder !== "" && !facts?.isDirectory()) return undefined;
  const targets: string[] = [];
  for (const name of namesOf(tree, toByteString(folder)).map(toText)) {
    if (!matches(base, name)) continue;
    const target = linkTarget(tree, folder ? `${folder}/${name}` : name);
    if (target !== undefined) targets.push(target);
  }
  return targets;
}

function matches(pattern: string, name: string): boolean {
  try {
    return goMatch(pattern, name);
  } catch {
    return false;
  }
}

function linkTarget(tree: TreeSource, path: string): string | undefined {
  if (path === "" || !factsOf(tree, toByteString(path))?.isSymbolicLink()) return undefined;
  const target = linkOf(tree, toByteString(path));
  if (target === undefined) return undefined;
  const text = toText(target);
  const slash = path.lastIndexOf("/");
  return text.startsWith("/") ? text : `${slash < 0 ? "" : path.slice(0, slash)}/${text}`;
}
