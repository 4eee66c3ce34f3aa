// A folder on this host, read as fsutil reads one: lstat, names in the order of their bytes, link targets.
import {
  type BigIntStats,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
} from "node:fs";
import { invalid, notFound } from "../../base/errors.ts";
import { type FileStat, isDirectory, MODE, modeFromUnix } from "./file-stat.ts";

/** A path, or a folder's name, for node:fs: bytes where it is no plain ASCII. */
export type HostPath = string | Buffer;

export interface TreeSource {
  /** Absolute, without links; text. */
  readonly root: string;
  /** Extended attributes of a path, which isn't followed; node:fs has no way to them. */
  readonly readXattrs?: (path: HostPath) => ReadonlyMap<string, Uint8Array> | undefined;
}

/** Errors: not-found and invalid for what is no folder, in Go's words. */
export function openTree(path: string, options: Pick<TreeSource, "readXattrs"> = {}): TreeSource {
  let root: string;
  try {
    // Bun asks /proc for a path's own name, which a confined worker's root hasn't.
    root = path === "/" ? path : realpathSync(path);
  } catch (thrown) {
    throw notFound(`resolve ${path}: ${reasonOf(thrown)}`, thrown);
  }
  if (!statSync(root).isDirectory()) throw invalid(`stat ${root}: not a directory`);
  return { root, ...options };
}

/** A path of the tree, a byte string, as node:fs takes it. */
export function hostPath(tree: TreeSource, path: string): HostPath {
  const whole = tree.root === "/" ? "/" : `${tree.root}/`;
  if (/^[\0-\x7f]*$/.test(path)) return whole + path;
  return Buffer.concat([Buffer.from(whole), Buffer.from(path, "latin1")]);
}

/** Undefined when nothing has the path (any more), or what is above it is no folder. */
export function factsOf(tree: TreeSource, path: string): BigIntStats | undefined {
  try {
    return lstatSync(hostPath(tree, path), { bigint: true, throwIfNoEntry: false });
  } catch (thrown) {
    if (codeOf(thrown) === "ENOTDIR") return undefined;
    throw goError("lstat", tree, path, thrown);
  }
}

/** Names in a folder, sorted; none when it is gone. "" is the root. */
export function namesOf(tree: TreeSource, path: string): string[] {
  try {
    return readdirSync(hostPath(tree, path), "latin1").sort();
  } catch (thrown) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(thrown))) return [];
    throw goError("open", tree, path, thrown);
  }
}

/** Undefined when it is gone. */
export function linkOf(tree: TreeSource, path: string): string | undefined {
  try {
    return readlinkSync(hostPath(tree, path), "buffer").toString("latin1");
  } catch (thrown) {
    if (["ENOENT", "ENOTDIR", "EINVAL"].includes(codeOf(thrown))) return undefined;
    throw goError("readlink", tree, path, thrown);
  }
}

/**
 * Opens a file to read; undefined where it is gone, or has become something else: fsutil sends an empty file then. It does
 * so too for one that may not be read, which would be lost in silence: that is an error here. Never waits for a fifo's writer.
 */
export function openFile(tree: TreeSource, path: string): number | undefined {
  try {
    return openSync(hostPath(tree, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    if (["EACCES", "EPERM"].includes(codeOf(thrown))) throw goError("open", tree, path, thrown);
    return undefined;
  }
}

/** What is sent of a file, but for hard links. A socket travels as an empty file, as fsutil's do. */
export function describe(tree: TreeSource, path: string, facts: BigIntStats): FileStat | undefined {
  const mode = (modeFromUnix(Number(facts.mode)) & ~MODE.socket) >>> 0;
  const symlink = (mode & MODE.symlink) !== 0;
  const linkname = symlink ? linkOf(tree, path) : "";
  if (linkname === undefined) return undefined;
  const device = (mode & MODE.device) !== 0 ? facts.rdev : 0n;
  return {
    path,
    mode,
    uid: Number(facts.uid),
    gid: Number(facts.gid),
    size: isDirectory(mode) ? 0 : Number(facts.size),
    modTime: facts.mtimeNs,
    linkname,
    devmajor: Number((device >> 8n) & 0xfffn),
    devminor: Number((device & 0xffn) | ((device >> 12n) & 0xfff00n)),
    xattrs: tree.readXattrs?.(hostPath(tree, path)),
  };
}

/** As `describe`, of what has the path now; undefined when nothing has. */
export function statOf(tree: TreeSource, path: string): FileStat | undefined {
  const facts = factsOf(tree, path);
  return facts && describe(tree, path, facts);
}

export const codeOf = (thrown: unknown): string => String((thrown as { code?: unknown }).code ?? "");

/** What node:fs says went wrong, without its own decoration: "EACCES: permission denied, open '/x'". */
function reasonOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return /^E[A-Z0-9]+: (.*?)(?:, [a-z]+(?: '.*)?)?$/s.exec(message)?.[1] ?? message;
}

function goError(call: string, tree: TreeSource, path: string, thrown: unknown): Error {
  return invalid(`${call} ${hostPath(tree, path)}: ${reasonOf(thrown)}`, thrown);
}
