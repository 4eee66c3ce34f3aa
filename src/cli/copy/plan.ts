// Where a copy goes, and how the entries of its archive have to be called there (docker/docker pkg/archive/copy.go).
import { fail } from "../framework/failure.ts";
import { baseOf, type CopyEnd, namesFolder, splitPath } from "./paths.ts";

export interface CopyPlan {
  /** The archive goes into this folder. */
  folder: string;
  /** The first name of its entries, and what it has to be instead; absent where they stay as they are. */
  rename?: { from: string; to: string };
}

/** Errors: a folder onto a file; a file to a folder that isn't there. */
export function planCopy(source: CopyEnd, destination: CopyEnd): CopyPlan {
  if (destination.exists && destination.isFolder) return { folder: destination.path };
  if (destination.exists && source.isFolder) throw fail("cannot copy directory");
  if (!destination.exists && !source.isFolder && namesFolder(destination.path))
    throw fail("no such directory");
  const { folder, base } = splitPath(destination.path);
  const from = source.rebaseName ?? splitPath(source.path).base;
  return { folder, rename: { from, to: base } };
}

/** An entry's name after a renaming: the first occurrence counts, and of the root's entries the front. */
export function renamed(name: string, { from, to }: NonNullable<CopyPlan["rename"]>): string {
  if (from === "/") return to + name;
  const at = name.indexOf(from);
  return at < 0 ? name : name.slice(0, at) + to + name.slice(at + from.length);
}

/** What the archive of a path on this host calls its first entry. */
export const ownName = (source: CopyEnd): string => source.rebaseName ?? baseOf(splitPath(source.path).base);
