// The jobs of cp and export, in a view (view.ts) that is this process's root directory: what a path is, a path as an
// archive, the whole of it as an archive, an archive into a folder.
import { type BigIntStats, fstatSync } from "node:fs";
import {
  END_OF_ARCHIVE,
  follow,
  openRootFolder,
  type PackTreeOptions,
  TarReader,
  TreeExtractor,
  TreePacker,
  truncated,
} from "../../archive/index.ts";
import { invalid, messageOf, systemError } from "../../base/errors.ts";
import { close, KernelError, O } from "../../linux/ffi.ts";
import { enterRoot, openIn, RESOLVE } from "../../linux/files.ts";
import { isReadOnly } from "../../linux/folder.ts";
import { readPlain } from "./decompress.ts";
import { type OutputCompression, openArchiveOutput } from "./output.ts";

/** What a path of a container is; `mode` has the type bits of stat(2). */
export interface PathFacts {
  size: number;
  mode: number;
  /** Nanoseconds since 1970, as text. */
  modified: string;
  /** Where a symbolic link leads in the end, as an absolute path in the container; else empty. */
  linkTarget: string;
}

export interface ExtractOptions {
  noOverwriteDirNonDir: boolean;
  owner: "archive" | { uid: number; gid: number };
  /** The folder itself gets what the archive says of it. */
  settlesRoot?: boolean;
}

export type ExportTreeOptions = Pick<PackTreeOptions, "time" | "plainTops">;

const bytesOf = (path: string): Uint8Array => Buffer.from(`${path || "."}\0`);
const latin = (path: string): string => Buffer.from(path).toString("latin1");

/** The job "stat". `path` is absolute, and its end counts: "/link" is the link, "/link/" what it leads to. */
export function statTree(root: string, path: string): PathFacts {
  using place = openPath(enter(root), path);
  return factsOf(place.root, path, fstatSync(place.fd, { bigint: true }));
}

/**
 * The job "archive": first the facts as a line of JSON, then the archive, whose first entry is `name` (or, for a folder,
 * what `name` means with a slash).
 */
export async function archivePath(
  root: string,
  path: string,
  name: string,
  compression: OutputCompression,
): Promise<void> {
  using place = openPath(enter(root), path);
  const facts = fstatSync(place.fd, { bigint: true });
  const output = openArchiveOutput(1, compression);
  output.head(`${JSON.stringify(factsOf(place.root, path, facts))}\n`);
  const packer = new TreePacker();
  if (facts.isDirectory()) await output.all(packer.entry(place.fd, ".", latin(name)));
  else {
    // A file is taken by its name in its folder: what has that name now is what the archive gets.
    const slash = path.lastIndexOf("/");
    const folder = openIn(
      place.root,
      bytesOf(path.slice(0, slash) || "/"),
      O.PATH | O.DIRECTORY,
      RESOLVE.IN_ROOT,
    );
    try {
      await output.all(packer.entry(folder, latin(path.slice(slash + 1)), latin(name)));
    } finally {
      close(folder);
    }
  }
  await output.all([END_OF_ARCHIVE]);
  await output.end();
}

/** The job "export": all that is there, without an entry for the root itself. */
export async function exportTree(root: string, options: ExportTreeOptions): Promise<void> {
  const output = openArchiveOutput(1, "none");
  await output.all(new TreePacker(options).below(enter(root), ""));
  await output.all([END_OF_ARCHIVE]);
  await output.end();
}

/**
 * The job "extract": standard input into a folder. Errors: not-found and invalid for the folder; system, in Docker's
 * words, for what went wrong after.
 */
export async function extractInto(root: string, path: string, options: ExtractOptions): Promise<void> {
  const top = enter(root);
  process.umask(0);
  const folder = openIn(top, bytesOf(path), O.PATH, RESOLVE.IN_ROOT);
  const facts = fstatSync(folder);
  if (!facts.isDirectory()) throw invalid("extraction point is not a directory");
  if (isReadOnly(folder))
    throw invalid(
      isReadOnly(top) && facts.dev === fstatSync(top).dev
        ? "container rootfs is marked read-only"
        : "mounted volume is marked read-only",
    );
  using extractor = new TreeExtractor(folder, { ...options, shown: path });
  const reader = new TarReader(extractor);
  try {
    await readPlain(0, (chunk) => reader.push(chunk));
    reader.finish();
  } catch (thrown) {
    throw inDockersWords(thrown);
  }
  extractor.finish();
}

/** What is wrong with an archive, as Go's reader says it. */
function inDockersWords(thrown: unknown): unknown {
  const text = messageOf(thrown);
  if (text === truncated().message) return systemError("unexpected EOF", thrown);
  if (/^(the archive is damaged|a tar header's)/.test(text))
    return systemError("archive/tar: invalid tar header", thrown);
  return thrown;
}

function enter(root: string): number {
  enterRoot(root);
  return openRootFolder("/");
}

/** Opens what a path names, as lstat(2) does. */
function openPath(root: number, path: string): Disposable & { root: number; fd: number } {
  let fd: number;
  try {
    fd = openIn(root, bytesOf(path), O.PATH | O.NOFOLLOW, RESOLVE.IN_ROOT);
  } catch (thrown) {
    throw thrown instanceof KernelError ? new KernelError("lstat", thrown.errno, path) : thrown;
  }
  return {
    root,
    fd,
    [Symbol.dispose]() {
      close(fd);
    },
  };
}

function factsOf(root: number, path: string, facts: BigIntStats): PathFacts {
  return {
    size: Number(facts.size),
    mode: Number(facts.mode),
    modified: String(facts.mtimeNs),
    linkTarget: facts.isSymbolicLink() ? linkTarget(root, path) : "",
  };
}

function linkTarget(root: number, path: string): string {
  using found = follow(root, latin(path), { missing: "literal", above: "stay" });
  return Buffer.from(`/${found.names.join("/")}`, "latin1").toString();
}
