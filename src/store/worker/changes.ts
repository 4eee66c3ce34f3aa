// What differs between a container's files and those of its image, found by walking only the folders that were written to.
//
// There are three views: `below` are the image's layers together, `written` the container's own files (overlay's upper
// folder), `seen` both together. A name that `below` has and `seen` hasn't is deleted; so overlay's own marks (whiteouts,
// and opaque folders, which only CAP_SYS_ADMIN may ask for) need not be read. A copied container has all files: its
// `written` is what is seen.
//
// The container may run, and swap a folder for a link at any moment. So each folder is opened from its view's root with
// no link followed (openat2(2)), and its entries are looked at by their own names from within it (fchdir(2)).
import { type BigIntStats, existsSync, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { failedWith } from "../../linux/errors.ts";
import { close, O } from "../../linux/ffi.ts";
import { enterFolder, enterRoot, openFolder, openIn, RESOLVE } from "../../linux/files.ts";
import { getXattr } from "../../linux/xattr.ts";
import { isUsual, usualNames } from "../usual-files.ts";
import { xattrsOf } from "./pack.ts";

export type TreesStyle = "overlay" | "copy";

/** The views' root folders, as descriptors. */
export interface Trees {
  style: TreesStyle;
  written: number;
  seen: number;
  /** An image without layers has none. */
  below: number | undefined;
  /** What every container's root is given (usual-files.ts) is a change like others: nobody gave it to a build's layer. */
  asIs: boolean;
}

export interface Change {
  /** `same`: as in the image. `unmade`: gone, but one of the usual files and not the image's. */
  kind: "added" | "changed" | "deleted" | "same" | "unmade";
  /** A byte string without a slash at either end. */
  path: string;
  /** As they were seen; undefined for what is deleted. */
  facts?: BigIntStats;
}

/** Opens the folders `written`, `seen` and `below` of `root`, which becomes this process's root directory. */
export function openTrees(root: string, style: TreesStyle): Trees {
  enterRoot(root);
  return openTreesIn("", style, false);
}

/** The same of a folder in the root directory: "", or with a slash in front. */
export function openTreesIn(folder: string, style: TreesStyle, asIs: boolean): Trees {
  const written = openFolder(`${folder}/written`);
  return {
    style,
    written,
    seen: style === "copy" ? written : openFolder(`${folder}/seen`),
    below: existsSync(`${folder}/below`) ? openFolder(`${folder}/below`) : undefined,
    asIs,
  };
}

export function closeTrees({ written, seen, below }: Trees): void {
  for (const fd of new Set([written, seen, below])) if (fd !== undefined) close(fd);
}

/**
 * Every entry of the folders that were written to, a folder before what is in it, names in the order of their bytes.
 * `exact`: also differences that a layer can carry but Docker's `diff` doesn't look at, such as attributes.
 */
export function* changesIn(trees: Trees, exact: boolean): Generator<Change> {
  if (exact && trees.below !== undefined) {
    const [own, below] = [rootFacts(trees.written), rootFacts(trees.below)];
    if (differ(own, below)) yield { kind: "changed", path: "", facts: own };
  }
  yield* walk(trees, exact, "", trees.below !== undefined);
}

/** The changes that `wanted` takes, each behind the folders as the image has them (`same`) that it is in. */
export function* withFolders(
  changes: Iterable<Change>,
  wanted: (change: Change) => boolean,
): Generator<Change> {
  const folders: Change[] = [];
  for (const change of changes) {
    while (folders.length > 0 && !change.path.startsWith(`${folders.at(-1)?.path}/`)) folders.pop();
    if (wanted(change)) {
      yield* folders.splice(0);
      yield change;
    } else if (change.facts?.isDirectory()) folders.push(change);
  }
}

/** Runs `work` in a folder of a view, seen from its root; undefined when there is none of that path any more. */
export function inFolder<R>(root: number, path: string, work: () => R): R | undefined {
  let fd: number;
  try {
    fd = openIn(root, bytesOf(path || "."), O.RDONLY | O.DIRECTORY, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
  } catch (thrown) {
    if (failedWith(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
  try {
    enterFolder(fd);
    return work();
  } finally {
    close(fd);
  }
}

/** The folder of a path and its name in there. */
export function split(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)];
}

export const bytesOf = (path: string): Uint8Array => Buffer.from(`${path}\0`, "latin1");
export const place = (name: string): Buffer => Buffer.from(name, "latin1");

function* walk(trees: Trees, exact: boolean, path: string, hasBelow: boolean): Generator<Change> {
  for (const { change, into } of compareFolder(trees, exact, path, hasBelow)) {
    yield change;
    if (into) yield* walk(trees, exact, change.path, into === "both");
  }
}

interface Compared {
  change: Change;
  /** Whether what is in it is looked at, and whether the image has a folder there. */
  into?: "both" | "own";
}

/** All of one folder at once, so that no descriptor stays open while those below are walked. */
function compareFolder(trees: Trees, exact: boolean, path: string, hasBelow: boolean): Compared[] {
  const own = inFolder(trees.written, path, () => factsOf(names()));
  if (!own) return []; // gone since
  const seen =
    trees.seen === trees.written ? new Set(own.keys()) : inFolder(trees.seen, path, () => new Set(names()));
  if (!seen) return [];
  const { all, facts: below } = (hasBelow && inFolder(trees.below as number, path, () => look(own))) || {
    all: [],
    facts: new Map<string, BigIntStats>(),
  };
  const usual = trees.asIs ? [] : usualNames(path);
  const gone = new Set([...all, ...usual].filter((name) => !seen.has(name)));
  const present = [...own.keys()].filter((name) => seen.has(name));
  const ofImage = new Set(all);
  return [...present, ...gone].sort(byBytes).map((name) => {
    const at = path ? `${path}/${name}` : name;
    if (gone.has(name)) return { change: { kind: ofImage.has(name) ? "deleted" : "unmade", path: at } };
    const facts = own.get(name) as BigIntStats;
    return compareEntry(trees, exact, at, facts, below.get(name));
  });
}

function compareEntry(
  trees: Trees,
  exact: boolean,
  path: string,
  facts: BigIntStats,
  below: BigIntStats | undefined,
): Compared {
  const into = facts.isDirectory() ? (below?.isDirectory() ? "both" : "own") : undefined;
  const kind = kindOf(trees, exact, path, facts, below);
  return { change: { kind, path, facts }, into };
}

function kindOf(
  trees: Trees,
  exact: boolean,
  path: string,
  facts: BigIntStats,
  below: BigIntStats | undefined,
): Change["kind"] {
  if (!trees.asIs && isUsual(path, facts, () => linkTarget(trees, path)))
    return below?.isDirectory() ? compared() : "same";
  return below ? compared() : "added";

  function compared(): "changed" | "same" {
    // What is in overlay's upper folder was copied there to be changed; times can be set back.
    const copiedUp = exact && trees.style === "overlay" && !facts.isDirectory();
    if (copiedUp || differ(facts, below as BigIntStats)) return "changed";
    return attributes(trees.written, path, exact) === attributes(trees.below as number, path, exact)
      ? "same"
      : "changed";
  }
}

/**
 * What Docker's `diff` looks at (moby, pkg/archive, statDifferent): of folders neither size nor time; a time in whole seconds is
 * like any of that second, as archives have them so.
 */
function differ(a: BigIntStats, b: BigIntStats): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return true;
  return !a.isDirectory() && (a.size !== b.size || !sameTime(a.mtimeNs, b.mtimeNs));
}

const SECOND = 1_000_000_000n;

const sameTime = (a: bigint, b: bigint): boolean =>
  a === b || (a / SECOND === b / SECOND && (a % SECOND === 0n || b % SECOND === 0n));

/** An entry's attributes as one text; without `exact` its capabilities alone, as Docker's `diff`. */
function attributes(root: number, path: string, exact: boolean): string | undefined {
  const [folder, name] = split(path);
  return inFolder(root, folder, () => {
    try {
      if (!exact) return hex(getXattr(bytesOf(name), "security.capability"));
      const all = [...(xattrsOf(name) ?? [])].map(([key, value]) => `${key}=${hex(value)}`);
      return all.sort().join();
    } catch (thrown) {
      if (failedWith(thrown, "ENOENT")) return ""; // gone since
      throw thrown;
    }
  });
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");

function linkTarget(trees: Trees, path: string): string {
  const [folder, name] = split(path);
  return (
    inFolder(trees.written, folder, () =>
      readlinkSync(place(name), { encoding: "buffer" }).toString("latin1"),
    ) ?? ""
  );
}

/** The image's names in the entered folder, and the facts of those that the container has written. */
function look(own: Map<string, BigIntStats>) {
  const all = names();
  return { all, facts: factsOf(all.filter((name) => own.has(name))) };
}

/** Names in the folder that was entered. */
const names = (): string[] =>
  readdirSync(place("."), { encoding: "buffer" }).map((name) => name.toString("latin1"));

function factsOf(list: string[]): Map<string, BigIntStats> {
  const found = new Map<string, BigIntStats>();
  for (const name of list) {
    const facts = lstatSync(place(name), { bigint: true, throwIfNoEntry: false });
    if (facts) found.set(name, facts);
  }
  return found;
}

function rootFacts(root: number): BigIntStats {
  return inFolder(root, "", () => lstatSync(place("."), { bigint: true })) as BigIntStats;
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
