// The job "digest-paths": digests of what is at paths of a tree, which is descriptor 3 and becomes this process's root directory.
//
// A digest is of a list like that of a received folder (buildkit/file-sync, contentDigest): paths relative to what was asked for,
// in the order of a walk that sorts each folder's names, each with all that a copy takes over but times.
import { createHash, type Hash } from "node:crypto";
import { type BigIntStats, fstatSync, readFileSync, readSync } from "node:fs";
import { notFound, systemError } from "../../../base/errors.ts";
import {
  createPathFilter,
  type FolderState,
  factsOf,
  isTransferable,
  modeFromUnix,
  type PathFilter,
  toByteString,
  toText,
} from "../../../buildkit/file-sync/index.ts";
import { KernelError } from "../../../linux/errors.ts";
import { close, O } from "../../../linux/ffi.ts";
import { enterOpenRoot, numbersOfDevice } from "../../../linux/files.ts";
import { entriesIn, KIND, openChild, targetOf } from "../../../linux/folder.ts";
import { getXattr, listXattrs } from "../../../linux/xattr.ts";
import type { PathSelector } from "../../file-action.ts";
import { cleanPath, folderAndName, openResolved, pathError, resolveNames, shownPath } from "./tree-paths.ts";
import { matchWildcards } from "./wildcards.ts";

const TREE = 3;
const CHUNK = 1 << 20;

/** sha256 in hexadecimal digits, one for each selector. Errors: not-found, `"/x": not found`. */
export function digestPaths(): string[] {
  const selectors = JSON.parse(readFileSync(0, "utf8")) as PathSelector[];
  enterOpenRoot(TREE);
  const root = openChild(TREE, ".", O.PATH | O.DIRECTORY);
  const contents = new ContentDigests();
  return selectors.map((selector) => new Selection(root, selector, contents).digest());
}

/** Files' own digests; those with several names are read once. */
class ContentDigests {
  private readonly buffer = Buffer.allocUnsafe(CHUNK);
  private readonly linked = new Map<string, string>();

  of(fd: number, facts: BigIntStats): string {
    if (facts.nlink < 2n) return this.read(fd);
    const key = `${facts.dev}:${facts.ino}`;
    const known = this.linked.get(key) ?? this.read(fd);
    this.linked.set(key, known);
    return known;
  }

  private read(fd: number): string {
    const hash = createHash("sha256");
    for (;;) {
      const count = readSync(fd, this.buffer, 0, CHUNK, null);
      if (count > 0) hash.update(this.buffer.subarray(0, count));
      if (count < CHUNK) return hash.digest("hex"); // A short read of a file is its end
    }
  }
}

class Selection {
  private readonly hash: Hash = createHash("sha256");
  private readonly filter: PathFilter | undefined;
  private readonly required: Set<string>;
  private readonly path: string;
  private text = "";

  constructor(
    private readonly root: number,
    private readonly selector: PathSelector,
    private readonly contents: ContentDigests,
  ) {
    const { includePatterns = [], excludePatterns = [], requiredPaths = [] } = selector;
    if (includePatterns.length > 0 || excludePatterns.length > 0)
      this.filter = createPathFilter(includePatterns, excludePatterns);
    this.required = new Set(requiredPaths.map((path) => cleanPath(toByteString(path))));
    this.path = cleanPath(toByteString(selector.path));
  }

  digest(): string {
    const { wildcard, followLinks = false } = this.selector;
    const matches = wildcard ? matchWildcards(this.root, this.path, true) : undefined;
    if (matches)
      for (const path of matches.paths) this.start([...matches.prefix, ...path], path.join("/"), followLinks);
    else this.start(this.path.split("/").slice(1), "", followLinks);
    const [missing] = this.required;
    if (missing !== undefined) throw notFound(`${JSON.stringify(toText(missing))}: not found`);
    this.flush();
    return this.hash.digest("hex");
  }

  /** `name`: what it is called in the list. */
  private start(path: readonly string[], name: string, followLinks: boolean): void {
    const names = resolveNames(this.root, path.join("/"), { keepLast: !followLinks && path.join("") !== "" });
    const [folderNames, base] = folderAndName(names);
    const asked = `/${path.filter((part) => part !== "").join("/")}`;
    try {
      const folder = openResolved(this.root, folderNames, "lstat");
      try {
        this.entry(folder, base, { name, within: "", asked, taken: true, state: undefined });
      } finally {
        close(folder);
      }
    } catch (thrown) {
      if (!(thrown instanceof KernelError) || !["ENOENT", "ENOTDIR"].includes(thrown.code)) throw thrown;
      throw notFound(`${JSON.stringify(toText(asked))}: not found`, thrown);
    }
  }

  private entry(folder: number, base: string, at: Place): void {
    const fd = openChild(folder, base, O.PATH);
    if (fd < 0) throw pathError("lstat", -fd, at.asked.split("/").slice(1));
    let facts: BigIntStats;
    try {
      facts = fstatSync(fd, { bigint: true });
      if (!facts.isFile() && !facts.isDirectory()) {
        this.add(at, facts, { linkname: facts.isSymbolicLink() ? targetOf(fd) : "" });
        return;
      }
    } finally {
      close(fd);
    }
    const flags = O.RDONLY | O.NONBLOCK | O.NOCTTY | (facts.isDirectory() ? O.DIRECTORY : 0);
    const open = openChild(folder, base, flags);
    if (open < 0) throw pathError("open", -open, at.asked.split("/").slice(1));
    try {
      if (facts.isFile())
        this.add(at, facts, { digest: this.contents.of(open, facts), xattrs: xattrsOf(open) });
      else this.folder(open, facts, at);
    } finally {
      close(open);
    }
  }

  private folder(open: number, facts: BigIntStats, at: Place): void {
    // One that is not taken itself counts with the first that is taken in it.
    let written = at.taken;
    const write = () => {
      if (written) return;
      written = true;
      this.add(at, facts, { xattrs: xattrsOf(open) });
    };
    if (written) this.add(at, facts, { xattrs: xattrsOf(open) });
    for (const { name, kind } of entriesIn(open).sort(byName)) {
      const within = at.within === "" ? name : `${at.within}/${name}`;
      const isFolder = kind === KIND.unknown ? isFolderIn(open, name) : kind === KIND.folder;
      const look = this.filter?.look(within, isFolder, at.state);
      if (look && !look.taken && !(isFolder && look.entered)) continue;
      this.entry(open, name, {
        name: at.name === "" ? name : `${at.name}/${name}`,
        within,
        asked: at.asked === "/" ? `/${name}` : `${at.asked}/${name}`,
        taken: look?.taken ?? true,
        state: look?.state,
        pending: written ? undefined : write,
      });
    }
  }

  private add(at: Place, facts: BigIntStats, more: More): void {
    at.pending?.();
    for (const path of this.required)
      if (at.asked === path || at.asked.startsWith(`${path}/`)) this.required.delete(path);
    this.write(at, facts, more);
  }

  private write({ name }: Place, facts: BigIntStats, { digest = "", linkname = "", xattrs }: More): void {
    const isDevice = facts.isCharacterDevice() || facts.isBlockDevice();
    const { major, minor } = isDevice ? numbersOfDevice(facts.rdev) : { major: 0, minor: 0 };
    const stat = {
      path: name,
      mode: modeFromUnix(Number(facts.mode)),
      uid: Number(facts.uid),
      gid: Number(facts.gid),
      size: 0,
      modTime: 0n,
      linkname,
      devmajor: major,
      devminor: minor,
      digest,
      ...(xattrs && { xattrs }),
    };
    this.text += `${name}\0${factsOf(stat, linkname)}`;
    if (this.text.length > CHUNK) this.flush();
  }

  private flush(): void {
    this.hash.update(this.text, "latin1");
    this.text = "";
  }
}

interface More {
  digest?: string;
  linkname?: string;
  xattrs?: Map<string, Uint8Array> | undefined;
}

interface Place {
  /** In the list. */
  name: string;
  /** For patterns: relative to what was asked for. */
  within: string;
  /** As it was asked for, from the root. */
  asked: string;
  taken: boolean;
  state: FolderState | undefined;
  /** Writes the folders that it is in and that are not written yet. */
  pending?: (() => void) | undefined;
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);

function isFolderIn(folder: number, name: string): boolean {
  const fd = openChild(folder, name, O.PATH);
  if (fd < 0) throw systemError(`lstat ${shownPath([name])}: errno ${-fd}`);
  const isFolder = fstatSync(fd).isDirectory();
  close(fd);
  return isFolder;
}

function xattrsOf(fd: number): Map<string, Uint8Array> | undefined {
  const names = listXattrs(fd).filter(isTransferable).sort();
  if (names.length === 0) return undefined;
  return new Map(names.map((name) => [name, getXattr(fd, name) ?? new Uint8Array()]));
}
