// Folders that an archive did not name but that had to be made, put right once the layer's parent is known.
//
// Layers are unpacked without their parent. An entry `lib/x` of an archive without an entry `lib/` makes a folder
// `lib`; had it been unpacked on its parent, `lib` would be the parent's folder (with its owner, mode, times), or,
// where the parent has a symbolic link `lib` → `usr/lib`, the file would be at `usr/lib/x`.
import { type BigIntStats, fstatSync, readdirSync, readlinkSync, renameSync } from "node:fs";
import { failedWith } from "../linux/errors.ts";
import { close, O } from "../linux/ffi.ts";
import { attempt, openIn, RESOLVE, withFolder } from "../linux/files.ts";
import { getXattr, setXattr } from "../linux/xattr.ts";
import { copyFacts, restoreTimes } from "./folder-facts.ts";

const OPAQUE = "trusted.overlay.opaque";
const FOLDER = O.RDONLY | O.DIRECTORY;

/**
 * @param own the layer's own folder
 * @param view its parents as they are seen together
 * @param implied paths as byte strings, "" for the root
 * @returns where a path of the layer is now
 */
export function settleImplied(own: string, view: string, implied: string[]): (path: string) => string {
  return withFolder(own, (ownRoot) =>
    withFolder(view, (viewRoot) => {
      const settler = new Settler(ownRoot, viewRoot);
      // Parents before what is in them: a moved folder takes along what was implied below it.
      for (const path of [...implied].sort()) settler.settle(path);
      settler.finish();
      return (path: string) => settler.moved(path);
    }),
  );
}

class Settler {
  private readonly moves: { from: string; to: string }[] = [];
  private readonly viewPrefix: string;
  /** Folders that were named by the archive and got entries moved into them: their times stay the archive's. */
  private readonly touched = new Map<string, BigIntStats>();

  constructor(
    private readonly ownRoot: number,
    private readonly viewRoot: number,
  ) {
    this.viewPrefix = pathOf(viewRoot);
  }

  settle(implied: string): void {
    const path = this.moved(implied);
    const below = this.openView(path);
    if (below === undefined) return; // The parent has no such folder: made as the archive's
    try {
      const canonical = pathOf(below).slice(this.viewPrefix.length + 1);
      if (canonical !== path && this.move(path, canonical)) return;
      if (canonical === path) this.inOwn(path, (fd) => copyFacts(below, fd));
    } finally {
      close(below);
    }
  }

  finish(): void {
    for (const [path, before] of this.touched) this.inOwn(path, (fd) => restoreTimes(fd, before));
  }

  moved(path: string): string {
    let at = path;
    for (const { from, to } of this.moves)
      if (at === from || at.startsWith(`${from}/`)) at = joinPath(to, at.slice(from.length + 1));
    return at;
  }

  private openView(path: string): number | undefined {
    try {
      return openIn(this.viewRoot, bytesOf(path || "."), FOLDER, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
    } catch (thrown) {
      if (failedWith(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
      throw thrown;
    }
  }

  /** Runs `work` with a folder of the layer, if all of the path are folders and not links. */
  private inOwn<R>(path: string, work: (fd: number) => R): R | undefined {
    let fd: number;
    try {
      fd = openIn(this.ownRoot, bytesOf(path || "."), FOLDER, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
    } catch (thrown) {
      if (failedWith(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
      throw thrown;
    }
    try {
      return work(fd);
    } finally {
      close(fd);
    }
  }

  /** Moves what is in the layer's folder `from` to where the parent's link leads; false when the layer has no folder there. */
  private move(from: string, to: string): boolean {
    if (to === from || to.startsWith(`${from}/`)) return false;
    if (!this.makeFolders(to)) return false;
    this.inOwn(from, (source) => this.inOwn(to, (target) => moveEntries(source, target)));
    const parent = from.includes("/") ? from.slice(0, from.lastIndexOf("/")) : "";
    const name = from.slice(parent ? parent.length + 1 : 0);
    this.inOwn(parent, (fd) => attempt.rmdir(bytesOf(name), fd));
    this.moves.push({ from, to });
    return true;
  }

  /** Makes the folders of a path in the layer with the parent's facts; false when something else is in the way. */
  private makeFolders(path: string): boolean {
    const names = path ? path.split("/") : [];
    for (let depth = 0; depth <= names.length; depth++) {
      const at = names.slice(0, depth).join("/");
      const there = this.inOwn(at, (fd) => {
        if (!this.touched.has(at)) this.touched.set(at, fstatSync(fd, { bigint: true }));
        return true;
      });
      if (there) continue;
      const name = names[depth - 1] ?? "";
      const made = this.inOwn(names.slice(0, depth - 1).join("/"), (fd) =>
        attempt.mkdir(bytesOf(name), 0o755, fd),
      );
      if (made !== 0) return false;
      const below = this.openView(at);
      if (below === undefined) continue;
      this.inOwn(at, (fd) => {
        copyFacts(below, fd);
        this.touched.set(at, fstatSync(fd, { bigint: true }));
      });
      close(below);
    }
    return true;
  }
}

/** Moves a folder's entries into another; folders that both have are joined, else what is there already stays. */
function moveEntries(source: number, target: number): void {
  const opaque = getXattr(source, OPAQUE);
  if (opaque) setXattr(target, OPAQUE, opaque);
  const here = (fd: number, name: Buffer) => Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
  for (const name of readdirSync(`/proc/self/fd/${source}`, { encoding: "buffer" })) {
    const bytes = Buffer.concat([name, Buffer.of(0)]);
    const inner = openFolderIn(source, bytes);
    const outer = openFolderIn(target, bytes);
    if (inner !== undefined && outer !== undefined) {
      moveEntries(inner, outer);
      attempt.rmdir(bytes, source);
    } else if (outer !== undefined || existsIn(target, bytes)) {
      // Two names of one place in one archive, which says not which it means.
      if (inner === undefined) attempt.unlink(bytes, source);
    } else renameSync(here(source, name), here(target, name));
    if (inner !== undefined) close(inner);
    if (outer !== undefined) close(outer);
  }
}

function openFolderIn(directory: number, name: Uint8Array): number | undefined {
  const fd = attempt.open(name, FOLDER | O.NOFOLLOW, 0, directory);
  return fd < 0 ? undefined : fd;
}

function existsIn(directory: number, name: Uint8Array): boolean {
  const fd = attempt.open(name, O.PATH | O.NOFOLLOW, 0, directory);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

const bytesOf = (path: string): Uint8Array => Buffer.from(`${path}\0`, "latin1");
const joinPath = (a: string, b: string): string => (a && b ? `${a}/${b}` : a || b);
/** Where the kernel says an open folder is, as a byte string. */
const pathOf = (fd: number): string => {
  const path = readlinkSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }).toString("latin1");
  return path === "/" ? "" : path;
};
